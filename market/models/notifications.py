"""Notifications 通知: the rows of people's inboxes."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from market.db import UtcDateTime
from market.models.base import Row, one_of
from market.vocabulary import vocabulary

_UNPLANNED = text("NOT planned")


class Notification(Row, SQLModel, table=True):
    """One event told to one person, in that person's language. (recipient, event) is unique: never told twice.

    `position` counts within an inbox in the order in which transactions commit, which ids do not: whoever has read
    up to one has missed nothing before it. `planned` is true once it is decided which endpoints hear of it.
    """

    __tablename__ = "notifications"
    __table_args__ = (
        UniqueConstraint("recipient_id", "event"),
        UniqueConstraint("recipient_id", "position"),
        CheckConstraint("(listing_noun = '') = (listing_id IS NULL)", name="listing_with_noun"),
        one_of("kind", vocabulary("notification_kinds").codes),
        Index("notifications_unplanned", "recipient_id", sqlite_where=_UNPLANNED, postgresql_where=_UNPLANNED),
    )

    recipient_id: uuid.UUID = Field(foreign_key="users.id", ondelete="CASCADE")
    position: int = Field(sa_type=BigInteger)
    kind: str
    event: str  # what it is about, e.g. match_found:<match id>
    listing_noun: str = ""
    listing_id: uuid.UUID | None = None
    match_id: uuid.UUID | None = Field(default=None, foreign_key="matches.id", index=True, ondelete="CASCADE")
    subscription_id: uuid.UUID | None = Field(
        default=None, foreign_key="subscriptions.id", index=True, ondelete="SET NULL"
    )
    language: str
    title: str
    body: str
    planned: bool = False
    read_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    snoozed_until: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Inbox(SQLModel, table=True):
    """How many positions of a person's inbox are given out."""

    __tablename__ = "inboxes"

    user_id: uuid.UUID = Field(primary_key=True, foreign_key="users.id", ondelete="CASCADE")
    last: int = Field(default=0, sa_type=BigInteger)
