"""Notifications 通知: the rows of people's inboxes."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from market.db import UtcDateTime
from market.models.base import Row, one_of
from market.vocabulary import vocabulary


class Notification(Row, SQLModel, table=True):
    """One event told to one person, in that person's language. (recipient, event) is unique: never told twice."""

    __tablename__ = "notifications"
    __table_args__ = (
        UniqueConstraint("recipient_id", "event"),
        Index("notifications_inbox", "recipient_id", "id"),
        one_of("kind", vocabulary("notification_kinds").codes),
    )

    recipient_id: uuid.UUID = Field(foreign_key="users.id", ondelete="CASCADE")
    kind: str
    event: str  # what it is about, e.g. match_found:<match id>
    listing_noun: str
    listing_id: uuid.UUID
    match_id: uuid.UUID | None = Field(default=None, foreign_key="matches.id", index=True, ondelete="CASCADE")
    language: str
    title: str
    body: str
    read_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
