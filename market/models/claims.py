"""Claims 认领 to imported records, with their evidence; and messages that the exchange passes on until then."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import JSON, CheckConstraint, Index, text
from sqlmodel import Field, SQLModel

from market.db import UtcDateTime
from market.models.base import Row, at_most, one_of
from market.vocabulary import vocabulary

_OPEN = text("state = 'open'")


class Claim(Row, SQLModel, table=True):
    """That a person says an imported profile is theirs, or that an outcome is their organisation's."""

    __tablename__ = "claims"
    __table_args__ = (
        one_of("noun", ("outcome", "expert")),
        one_of("evidence", vocabulary("claim_evidence").codes),
        one_of("state", vocabulary("claim_states").codes),
        at_most("text", 2000),
        at_most("answer", 2000),
        CheckConstraint("(consent_version = '') = (consented_at IS NULL)", name="consent_with_moment"),
        CheckConstraint("consent_withdrawn_at IS NULL OR consented_at IS NOT NULL", name="withdrawn_was_given"),
        Index("claims_open", "listing_id", "claimant_id", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN),
    )

    noun: str
    listing_id: uuid.UUID = Field(index=True)
    claimant_id: uuid.UUID = Field(foreign_key="users.id", index=True, ondelete="CASCADE")
    organisation_id: uuid.UUID | None = Field(default=None, foreign_key="organisations.id", ondelete="SET NULL")
    evidence: str
    finding: list[str] = Field(default=[], sa_type=JSON)  # what was found when it was made, as codes
    text: str = ""
    state: str = "open"
    answer: str = ""
    decided_by: uuid.UUID | None = None  # no foreign key, and empty where the evidence spoke for itself
    decided_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    consent_version: str = ""
    consent_hash: str = ""
    consented_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    consent_withdrawn_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class RelayMessage(Row, SQLModel, table=True):
    """A message about a listing, from one account to another, that tells neither the other's address: a row for each
    recipient. `opening`: written to the listing by whoever began the thread, and for which organisation."""

    __tablename__ = "relay_messages"
    __table_args__ = (one_of("noun", ("outcome", "expert", "demand")), at_most("text", 4000))

    noun: str
    listing_id: uuid.UUID = Field(index=True)
    thread_id: uuid.UUID = Field(index=True)
    message_id: uuid.UUID  # alike in the rows of one message
    sender_id: uuid.UUID = Field(foreign_key="users.id", index=True, ondelete="CASCADE")
    recipient_id: uuid.UUID = Field(foreign_key="users.id", index=True, ondelete="CASCADE")
    organisation_id: uuid.UUID | None = Field(default=None, foreign_key="organisations.id", ondelete="SET NULL")
    opening: bool = False
    text: str
    read_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    closed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)  # of the whole thread
