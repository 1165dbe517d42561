"""What is kept of requests: the audit trail, and the answers given to idempotency keys."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, LargeBinary
from sqlmodel import Field, SQLModel

from market.clock import utc_now
from market.db import UtcDateTime
from market.models.base import Row


class AuditEntry(Row, SQLModel, table=True):
    """Who did what to which listing. Written in the transaction of the deed, never changed."""

    __tablename__ = "audit_entries"

    actor_id: uuid.UUID | None = None  # no foreign key: the trail outlives the account
    action: str
    noun: str
    subject_id: uuid.UUID = Field(index=True)
    details: dict[str, Any] = Field(default={}, sa_type=JSON)


class IdempotentAnswer(SQLModel, table=True):
    """The answer given to a caller's Idempotency-Key, kept for 24 hours in the transaction it answered for."""

    __tablename__ = "idempotent_answers"

    caller: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    fingerprint: str  # SHA-256 of method, path and body
    status: int
    headers: dict[str, str] = Field(default={}, sa_type=JSON)
    body: bytes = Field(sa_type=LargeBinary)
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime, index=True)
