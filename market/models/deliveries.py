"""How people are reached outside their inboxes: what they prefer, where to, and what was sent."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import JSON, CheckConstraint, Index, text
from sqlmodel import Field, SQLModel

from market.clock import utc_now
from market.db import UtcDateTime
from market.models.base import Row, at_most, one_of
from market.vocabulary import vocabulary

_OF_MAIL = text("channel = 'mail'")
_PENDING = text("delivery_id IS NULL")


class Preference(SQLModel, table=True):
    """How a person wants to be told; who has no row has what the columns say here."""

    __tablename__ = "preferences"
    __table_args__ = (
        CheckConstraint("(quiet_from IS NULL) = (quiet_to IS NULL)", name="quiet_both_ends"),
        CheckConstraint("digest_at BETWEEN 0 AND 1439", name="digest_at_of_day"),
        CheckConstraint("digest_day BETWEEN 0 AND 6", name="digest_day_of_week"),
    )

    user_id: uuid.UUID = Field(primary_key=True, foreign_key="users.id", ondelete="CASCADE")
    time_zone: str = "Asia/Shanghai"
    quiet_from: int | None = None  # minutes after midnight, as the next three
    quiet_to: int | None = None
    digest_at: int = 480
    digest_day: int = 0  # 0 is Monday
    daily_cap: int | None = None  # messages a day to a person, over all endpoints; None: no limit
    # kind -> channel -> rhythm, where it is not what we would choose
    rhythms: dict[str, dict[str, str]] = Field(default={}, sa_type=JSON)
    updated_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)


class Endpoint(Row, SQLModel, table=True):
    """A place outside where one person is told: their mail address (then `address` is empty: it is the user's own),
    a webhook, a robot, or another service. Address and secrets are encrypted; `shown` is what may be seen of it.
    """

    __tablename__ = "endpoints"
    __table_args__ = (
        one_of("channel", vocabulary("channels").codes),
        one_of("disabled_for", vocabulary("endpoint_reasons").codes),
        at_most("name", 128),
        CheckConstraint("(disabled_for = '') = (disabled_at IS NULL)", name="disabled_with_reason"),
        Index("endpoints_mail", "user_id", unique=True, sqlite_where=_OF_MAIL, postgresql_where=_OF_MAIL),
    )

    user_id: uuid.UUID = Field(foreign_key="users.id", index=True, ondelete="CASCADE")
    channel: str
    name: str = ""
    address: str = ""
    shown: str = ""
    secret: str = ""
    previous_secret: str = ""  # signs beside the new one until `previous_until`
    previous_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    events: list[str] = Field(default=[], sa_type=JSON)  # kinds that it is told; empty: all
    rests_until: datetime | None = Field(default=None, sa_type=UtcDateTime)  # the other side has asked for a pause
    failing_since: datetime | None = Field(default=None, sa_type=UtcDateTime)
    disabled_for: str = ""
    disabled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    updated_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
    version: int = 1


class Delivery(Row, SQLModel, table=True):
    """One message to one endpoint. Its id is the message's in every attempt: whoever gets it twice knows."""

    __tablename__ = "deliveries"
    __table_args__ = (
        one_of("kind", ("event", "digest", "test")),
        one_of("state", vocabulary("delivery_states").codes),
        Index("deliveries_due", "endpoint_id", "state", "next_at"),
        Index("deliveries_of_user", "user_id", "created_at"),
    )

    endpoint_id: uuid.UUID = Field(foreign_key="endpoints.id", ondelete="CASCADE")
    user_id: uuid.UUID = Field(foreign_key="users.id", ondelete="CASCADE")
    kind: str
    state: str = "waiting"
    attempts: int = 0
    next_at: datetime = Field(sa_type=UtcDateTime)
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class DeliveryItem(SQLModel, table=True):
    """That one endpoint is to hear of one notification, not before `due_at`; and the one delivery by which it did."""

    __tablename__ = "delivery_items"
    __table_args__ = (
        Index("delivery_items_pending", "endpoint_id", "due_at", sqlite_where=_PENDING, postgresql_where=_PENDING),
    )

    notification_id: uuid.UUID = Field(primary_key=True, foreign_key="notifications.id", ondelete="CASCADE")
    endpoint_id: uuid.UUID = Field(primary_key=True, foreign_key="endpoints.id", index=True, ondelete="CASCADE")
    due_at: datetime = Field(sa_type=UtcDateTime)
    delivery_id: uuid.UUID | None = Field(default=None, foreign_key="deliveries.id", index=True, ondelete="CASCADE")


class Attempt(Row, SQLModel, table=True):
    """One try of a delivery, on record before it begins: what has no outcome was under way when its process ended."""

    __tablename__ = "attempts"
    __table_args__ = (
        one_of("outcome", ("sent", "failed", "refused", "gone")),
        at_most("detail", 500),
        Index("attempts_of_endpoint", "endpoint_id", "created_at"),
    )

    delivery_id: uuid.UUID = Field(foreign_key="deliveries.id", index=True, ondelete="CASCADE")
    endpoint_id: uuid.UUID = Field(foreign_key="endpoints.id", ondelete="CASCADE")
    outcome: str = ""
    status: int | None = None
    detail: str = ""
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
