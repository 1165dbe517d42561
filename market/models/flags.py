"""Flags 标记: what a reviewer should look at."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlmodel import Field, SQLModel

from market.db import UtcDateTime
from market.models.base import Row, one_of

KINDS = ("copied_demand",)
VERDICTS = ("harmless", "copied")


class Flag(Row, SQLModel, table=True):
    """A listing that was noticed; `about` is the demand that it copies. Unique: what was resolved stays resolved."""

    __tablename__ = "flags"
    __table_args__ = (
        UniqueConstraint("about", "listing_id", "kind"),
        one_of("kind", KINDS),
        one_of("verdict", VERDICTS),
        CheckConstraint("noun IN ('outcome', 'expert')", name="noun_of_offer"),
        CheckConstraint("(verdict = '') = (resolved_at IS NULL)", name="resolved_with_verdict"),
    )

    noun: str
    listing_id: uuid.UUID = Field(index=True)
    kind: str
    about: uuid.UUID = Field(foreign_key="demands.id", ondelete="CASCADE")
    verdict: str = ""  # empty while open
    resolved_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    resolved_by: uuid.UUID | None = None  # no foreign key: the verdict outlives the account
