"""Moderation 审核: submissions with who looks at them, earlier versions of listings, reports of abuse."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from market.db import UtcDateTime
from market.models.base import Row, at_most, one_of
from market.vocabulary import vocabulary

_NOUNS = ("outcome", "expert", "demand")
_OPEN = text("decision = ''")

IDENTIFIER_KINDS = ("external_key", "patent", "orcid")


class Review(Row, SQLModel, table=True):
    """One submission of a listing, until it is decided. At most one of a listing is open."""

    __tablename__ = "reviews"
    __table_args__ = (
        one_of("noun", _NOUNS),
        one_of("decision", vocabulary("review_decisions").codes),
        one_of("reason", vocabulary("rejection_reasons").codes),
        at_most("text", 2000),
        CheckConstraint("(decision = '') = (decided_at IS NULL)", name="decided_with_decision"),
        Index("reviews_open", "listing_id", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN),
        Index("reviews_queue", "decision", "id"),
    )

    noun: str
    listing_id: uuid.UUID = Field(index=True)
    listing_version: int
    organisation_id: uuid.UUID = Field(foreign_key="organisations.id", index=True, ondelete="CASCADE")
    assigned_to: uuid.UUID | None = Field(default=None, foreign_key="users.id", index=True, ondelete="SET NULL")
    assigned_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    decision: str = ""
    reason: str = ""
    text: str = ""
    decided_by: uuid.UUID | None = None  # no foreign key: the decision outlives the account
    decided_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    duplicates: int | None = None  # likely ones, as a job has counted them for this version; None: not yet


class ListingVersion(Row, SQLModel, table=True):
    """What a listing said before it was changed: the fields as they were in `version`. Of the present version there
    is no row; a listing that was never changed has none."""

    __tablename__ = "listing_versions"
    __table_args__ = (one_of("noun", _NOUNS), UniqueConstraint("listing_id", "version"))

    noun: str
    listing_id: uuid.UUID
    version: int
    content: dict[str, Any] = Field(default={}, sa_type=JSON)


class Identifier(SQLModel, table=True):
    """What names the thing that a listing is about, in one spelling: two with the same one may be one thing twice."""

    __tablename__ = "identifiers"
    __table_args__ = (
        one_of("noun", _NOUNS),
        one_of("kind", IDENTIFIER_KINDS),
        at_most("value", 128),
        Index("identifiers_value", "kind", "value"),
    )

    listing_id: uuid.UUID = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    value: str = Field(primary_key=True)
    noun: str


class Report(Row, SQLModel, table=True):
    """That somebody finds a listing abusive, and what a reviewer found."""

    __tablename__ = "reports"
    __table_args__ = (
        one_of("noun", _NOUNS),
        one_of("kind", vocabulary("report_kinds").codes),
        one_of("verdict", vocabulary("report_verdicts").codes),
        at_most("text", 2000),
        at_most("answer", 2000),
        CheckConstraint("(verdict = '') = (resolved_at IS NULL)", name="resolved_with_verdict"),
        UniqueConstraint("listing_id", "reporter_id", "kind"),
        Index("reports_queue", "verdict", "id"),
    )

    noun: str
    listing_id: uuid.UUID
    reporter_id: uuid.UUID | None = Field(default=None, foreign_key="users.id", index=True, ondelete="SET NULL")
    kind: str
    text: str = ""
    verdict: str = ""
    answer: str = ""
    resolved_by: uuid.UUID | None = None  # no foreign key: the verdict outlives the account
    resolved_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
