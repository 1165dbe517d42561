"""What all tables share: ids, moments, and the CHECK constraints that state a column's limits."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime

import uuid_utils.compat
from sqlalchemy import CheckConstraint
from sqlmodel import Field, SQLModel

from market.clock import utc_now
from market.db import UtcDateTime


def new_id() -> uuid.UUID:
    """A time-ordered UUID (version 7): newest last, so that indexes grow at one end."""
    identity: uuid.UUID = uuid_utils.compat.uuid7()
    return identity


class Row(SQLModel):
    """A row with an id of its own."""

    id: uuid.UUID = Field(default_factory=new_id, primary_key=True)
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)


def at_most(column: str, length: int) -> CheckConstraint:
    """The text is no longer than `length` characters."""
    return CheckConstraint(f"length({column}) <= {length}", name=f"{column}_length")


def one_of(column: str, codes: Iterable[str]) -> CheckConstraint:
    """The code is empty or one of the vocabulary's."""
    listed = ", ".join(f"'{code}'" for code in ("", *codes))
    return CheckConstraint(f"{column} IN ({listed})", name=f"{column}_code")


def not_negative(column: str) -> CheckConstraint:
    """The number is absent, or zero or more."""
    return CheckConstraint(f"{column} IS NULL OR {column} >= 0", name=f"{column}_not_negative")


def in_order(low: str, high: str) -> CheckConstraint:
    """Where both ends of a range are given, the first is not above the second."""
    return CheckConstraint(f"{low} IS NULL OR {high} IS NULL OR {low} <= {high}", name=f"{low}_{high}_in_order")


def either(first: str, second: str) -> CheckConstraint:
    """At least one of two texts is given: Chinese and English are equals."""
    return CheckConstraint(f"{first} <> '' OR {second} <> ''", name=f"{first}_or_{second}")
