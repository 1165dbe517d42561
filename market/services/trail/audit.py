"""The audit trail: one entry for each deed, in the deed's own transaction; and who may look for what in it.

Entries are appended without looking at any other, so that writers never wait for each other; what links them into a
chain is done afterwards (sealing.py).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import tuple_
from sqlmodel import Session, col, select

from market.db import append
from market.models import AuditEntry, Listing
from market.models.base import new_id
from market.services.rights.access import Principal

Subject = Listing | tuple[str, uuid.UUID]
"""What was done something to: a listing, or any other thing by its noun and id."""

LONGEST = 200
"""Characters of a text in the details: names and codes are shorter, what people write is longer."""


@dataclass(frozen=True, slots=True)
class Deed:
    """One of many that are recorded together."""

    action: str
    subject: Subject
    details: Mapping[str, Any] = field(default_factory=dict)


def record(
    session: Session, actor: Principal, action: str, subject: Subject, *, now: datetime, **details: Any
) -> None:
    """Write who did what. `details` never holds confidential text, only names and codes of what changed.

    Raises ValueError for a text in the details that is longer than any name.
    """
    record_all(session, actor, [Deed(action, subject, details)], now=now)


def record_all(session: Session, actor: Principal, deeds: Iterable[Deed], *, now: datetime) -> None:
    """The same for many deeds, in one statement."""
    kind = actor_kind(actor)
    request_id = str(structlog.contextvars.get_contextvars().get("request_id", ""))
    append(
        session,
        AuditEntry,
        [
            {
                "id": new_id(),
                "created_at": now,
                "actor_kind": kind,
                "actor_id": actor.user_id,
                "action": deed.action,
                "noun": noun,
                "subject_id": identity,
                "details": _checked(deed.details),
                "request_id": request_id,
            }
            for deed in deeds
            for noun, identity in (_named(deed.subject),)
        ],
    )


def actor_kind(actor: Principal) -> str:
    """Who that is, whatever becomes of the account: user, system or visitor."""
    if actor.user_id is not None:
        return "user"
    return "system" if actor.roles else "visitor"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries to list; what is empty or None does not narrow. `since` is within, `until` is not."""

    noun: str = ""
    subject_id: uuid.UUID | None = None
    actor_id: uuid.UUID | None = None
    actor_kind: str = ""
    action: str = ""
    since: datetime | None = None
    until: datetime | None = None


def listed(
    session: Session, wanted: Wanted, *, before: tuple[datetime, uuid.UUID] | None = None, limit: int
) -> Sequence[AuditEntry]:
    """The entries, the newest first, from after the position `before` (moment, id)."""
    query = select(AuditEntry).order_by(col(AuditEntry.created_at).desc(), col(AuditEntry.id).desc()).limit(limit)
    for column in ("noun", "subject_id", "actor_id", "actor_kind", "action"):
        value = getattr(wanted, column)
        if value:
            query = query.where(getattr(AuditEntry, column) == value)
    if wanted.since is not None:
        query = query.where(col(AuditEntry.created_at) >= wanted.since)
    if wanted.until is not None:
        query = query.where(col(AuditEntry.created_at) < wanted.until)
    if before is not None:
        query = query.where(tuple_(col(AuditEntry.created_at), col(AuditEntry.id)) < before)
    return session.exec(query).all()


def _named(subject: Subject) -> tuple[str, uuid.UUID]:
    return (subject.NOUN, subject.id) if isinstance(subject, Listing) else subject


def _checked(details: Mapping[str, Any]) -> dict[str, Any]:
    for name, value in details.items():
        for one in value if isinstance(value, list | tuple | set | frozenset) else (value,):
            if isinstance(one, str) and len(one) > LONGEST:
                raise ValueError(f"the audit trail keeps names and codes, no texts: {name}")
    return dict(details)
