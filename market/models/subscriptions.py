"""Subscriptions 订阅: searches that are kept, and tell of what newly answers them."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, Index, text
from sqlmodel import Field, SQLModel

from market.clock import utc_now
from market.db import UtcDateTime
from market.models.base import Row, at_most, one_of

_SEMANTIC = text("vector IS NOT NULL")


class Subscription(Row, SQLModel, table=True):
    """A search that one person has kept. `query` holds the parameters as the search itself takes them.

    A listing must hold both keys to answer it (search/standing.py says what they are; an empty one is held by all),
    so that a new listing finds its subscriptions without running every search. With a vector, listings near in
    meaning answer too, of whatever words: the first key is then `v:`, and all such are compared at once.
    """

    __tablename__ = "subscriptions"
    __table_args__ = (
        at_most("name", 128),
        one_of("noun", ("outcome", "expert", "demand")),
        one_of("rhythm", ("instant", "daily", "weekly")),
        Index("subscriptions_keys", "noun", "first_key", "second_key"),
        Index("subscriptions_semantic", "noun", "updated_at", sqlite_where=_SEMANTIC, postgresql_where=_SEMANTIC),
    )

    user_id: uuid.UUID = Field(foreign_key="users.id", index=True, ondelete="CASCADE")
    noun: str
    name: str
    query: dict[str, Any] = Field(default={}, sa_type=JSON)
    first_key: str = ""
    second_key: str = ""
    vector: bytes | None = None
    model: str = ""  # what made the vector
    rhythm: str = "instant"
    paused: bool = False
    expires_on: date | None = None
    feed_digest: str | None = Field(default=None, unique=True)  # SHA-256 of its feed's token, in hex
    updated_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
