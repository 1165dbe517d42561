"""What is kept of deeds and requests: the audit trail with its seals, answers to idempotency keys, what was used."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Index, LargeBinary
from sqlmodel import Field, SQLModel

from market.clock import utc_now
from market.db import UtcDateTime
from market.models.base import Row, at_most, not_negative, one_of

ACTOR_KINDS = ("user", "system", "visitor")
USAGE_KINDS = ("requests", "writes", "searches", "experts", "exports")


class AuditEntry(Row, SQLModel, table=True):
    """Who did what to which subject. Written in the deed's transaction; triggers refuse to change or delete it."""

    __tablename__ = "audit_entries"
    __table_args__ = (
        one_of("actor_kind", ACTOR_KINDS),
        at_most("request_id", 64),
        Index("audit_entries_in_time", "created_at", "id"),
        Index("audit_entries_of_actor", "actor_id", "created_at"),
    )

    actor_kind: str
    actor_id: uuid.UUID | None = None  # no foreign key: the trail outlives the account
    action: str
    noun: str
    subject_id: uuid.UUID = Field(index=True)
    details: dict[str, Any] = Field(default={}, sa_type=JSON)
    request_id: str = ""  # as the log's lines name it; empty for what no request did


class AuditSeal(SQLModel, table=True):
    """A link of the chain: this entry stands at this position. Triggers refuse to change or delete it."""

    __tablename__ = "audit_seals"
    __table_args__ = (at_most("hash", 64),)

    position: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    entry_id: uuid.UUID = Field(unique=True)  # no foreign key: a seal tells of an entry that is gone
    sealed_at: datetime = Field(sa_type=UtcDateTime)
    hash: str  # SHA-256 over the hash before and this entry, in hex


class Usage(SQLModel, table=True):
    """How much of a kind a subject has used on a day (UTC), as far as processes have told."""

    __tablename__ = "usage"
    __table_args__ = (at_most("subject", 80), one_of("kind", USAGE_KINDS), not_negative("count"))

    day: date = Field(primary_key=True)
    subject: str = Field(primary_key=True)  # key:<id>, user:<id> or address:<network>
    kind: str = Field(primary_key=True)
    count: int = Field(sa_type=BigInteger)


class IdempotentAnswer(SQLModel, table=True):
    """The answer given to a caller's Idempotency-Key, kept for 24 hours in the transaction it answered for."""

    __tablename__ = "idempotent_answers"

    caller: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    fingerprint: str  # SHA-256 of method, path and body, then each role in which it was given
    status: int
    headers: dict[str, str] = Field(default={}, sa_type=JSON)
    body: bytes = Field(sa_type=LargeBinary)
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime, index=True)
