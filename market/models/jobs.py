"""The outbox: jobs committed together with what caused them; and when each periodic job is due."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, text
from sqlmodel import Field, SQLModel

from market.clock import utc_now
from market.db import UtcDateTime
from market.models.base import Row, at_most, one_of


def _once_while(state: str) -> Index:
    """Of one name and key at most one job is in this state."""
    only = text(f"state = '{state}'")
    return Index(f"jobs_{state}_once", "name", "key", unique=True, sqlite_where=only, postgresql_where=only)


class Job(Row, SQLModel, table=True):
    """Something to be done. Of one name and key at most one is queued: it will see the newest state anyway. And at
    most one runs: of two at once, the one that began with the older state might be the last to write."""

    __tablename__ = "jobs"
    __table_args__ = (
        one_of("state", ("queued", "running", "dead")),
        at_most("error", 4000),
        _once_while("queued"),
        _once_while("running"),
        Index("jobs_due", "state", "name", "bulk", "run_at", "id"),
    )

    name: str
    key: str
    payload: dict[str, Any] = Field(default={}, sa_type=JSON)
    bulk: bool = False  # part of so much that others go before it
    state: str = "queued"
    run_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
    attempts: int = 0
    lease: str = ""  # who holds it: a token made at each claim
    lease_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    error: str = ""


class Schedule(SQLModel, table=True):
    """When a periodic job is due next; the row makes one of many workers enqueue it."""

    __tablename__ = "schedules"

    name: str = Field(primary_key=True)
    due_at: datetime = Field(sa_type=UtcDateTime)
