"""Who belongs to which organisation, with which roles there; invitations to; and the cases of brokers."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import JSON, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from market.db import UtcDateTime
from market.models.base import Row, at_most, one_of

ROLES = ("organisation_admin", "member", "delegate", "expert", "broker")
"""Roles one can have in an organisation."""

_OPEN = text("closed_at IS NULL")


class Membership(Row, SQLModel, table=True):
    """The roles of a person in an organisation. A delegate 代发布人 publishes for one they are not a member of.

    A person's oldest membership that is more than a delegation is their home: what they post belongs there unless
    they say otherwise.
    """

    __tablename__ = "memberships"
    __table_args__ = (UniqueConstraint("user_id", "organisation_id"),)

    user_id: uuid.UUID = Field(foreign_key="users.id", ondelete="CASCADE")
    organisation_id: uuid.UUID = Field(foreign_key="organisations.id", index=True, ondelete="CASCADE")
    roles: list[str] = Field(default=[], sa_type=JSON)
    until: datetime | None = Field(default=None, sa_type=UtcDateTime)  # the end of a delegation


class Invitation(Row, SQLModel, table=True):
    """That whoever holds this mail address may join with these roles. Its token is kept as a hash."""

    __tablename__ = "invitations"
    __table_args__ = (at_most("email", 254), one_of("language", ("zh", "en")))

    organisation_id: uuid.UUID = Field(foreign_key="organisations.id", index=True, ondelete="CASCADE")
    email: str = Field(index=True)
    language: str = "zh"
    roles: list[str] = Field(default=[], sa_type=JSON)
    digest: str = Field(unique=True)  # SHA-256 of the token, in hex
    invited_by: uuid.UUID | None = Field(default=None, foreign_key="users.id", ondelete="SET NULL")
    until: datetime = Field(sa_type=UtcDateTime)
    accepted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Case(Row, SQLModel, table=True):
    """A listing that a broker 技术经理人 looks after. At most one is open of each pair."""

    __tablename__ = "cases"
    __table_args__ = (
        at_most("note", 2000),
        one_of("noun", ("outcome", "expert", "demand")),
        Index("cases_open", "listing_id", "broker_id", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN),
    )

    noun: str
    listing_id: uuid.UUID
    broker_id: uuid.UUID = Field(foreign_key="users.id", index=True, ondelete="CASCADE")
    assigned_by: uuid.UUID | None = None  # no foreign key: who assigned may leave
    note: str = ""
    closed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
