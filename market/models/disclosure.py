"""Requests to see what is protected: who asked, why, what was answered, and the consent it stands on."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field, SQLModel

from market.db import UtcDateTime
from market.models.base import Row, at_most, one_of
from market.vocabulary import vocabulary

_STANDING = text("state IN ('open', 'granted')")


class AccessRequest(Row, SQLModel, table=True):
    """One person's request about one listing. The confidentiality text they consented to is named by version and
    SHA-256. At most one of a person and a listing is open or granted."""

    __tablename__ = "access_requests"
    __table_args__ = (
        one_of("noun", ("outcome", "expert", "demand")),
        one_of("state", vocabulary("access_states").codes),
        at_most("text", 2000),
        at_most("answer", 2000),
        CheckConstraint("state <> 'granted' OR until IS NOT NULL", name="granted_until"),
        Index(
            "access_requests_standing",
            "listing_id",
            "requester_id",
            unique=True,
            sqlite_where=_STANDING,
            postgresql_where=_STANDING,
        ),
    )

    noun: str
    listing_id: uuid.UUID
    requester_id: uuid.UUID = Field(foreign_key="users.id", index=True, ondelete="CASCADE")
    organisation_id: uuid.UUID | None = Field(default=None, foreign_key="organisations.id", ondelete="SET NULL")
    text: str = ""
    consent_version: str
    consent_hash: str
    consented_at: datetime = Field(sa_type=UtcDateTime)
    state: str = "open"
    answer: str = ""
    decided_by: uuid.UUID | None = None  # no foreign key: the decision outlives the account
    decided_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    version: int = 1
