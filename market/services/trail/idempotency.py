"""Answers given to Idempotency-Keys: the same request of one person gets the same answer, once done, for 24 hours, as
long as they still have every role in which it was given. Visitors, who are many, have no keys."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlmodel import Session, col, delete

from market.db import rows_touched, take_turn
from market.errors import Conflict, KeyReused
from market.models import IdempotentAnswer
from market.services.rights.access import Principal

_KEPT = timedelta(hours=24)


def fingerprint(method: str, path: str, body: bytes) -> str:
    """What makes two requests the same."""
    return hashlib.sha256(b"\0".join((method.encode(), path.encode(), body))).hexdigest()


def earlier(
    session: Session, principal: Principal, key: str, print_: str, *, now: datetime
) -> IdempotentAnswer | None:
    """The answer given before, if any. Raises KeyReused where the key came with another request, and Conflict where
    the caller has lost a role since: what they might see then they may not see now.

    A request with this key that still runs elsewhere is waited for: by the time its turn is ours, it has ended, one
    way or the other.
    """
    take_turn(session, "idempotency", principal.name, key)
    answer = session.get(IdempotentAnswer, (principal.name, key))
    if answer is None or answer.created_at < now - _KEPT:
        return None
    same, _, roles = answer.fingerprint.partition(" ")
    if same != print_:
        raise KeyReused(key=key)
    if not _roles(principal).issuperset(roles.split()):
        raise Conflict("answered-already")
    return answer


def remember(
    session: Session,
    principal: Principal,
    key: str,
    print_: str,
    *,
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    now: datetime,
) -> None:
    """Keep an answer, in the transaction whose work it reports."""
    session.merge(
        IdempotentAnswer(
            caller=principal.name,
            key=key,
            fingerprint=" ".join([print_, *sorted(_roles(principal))]),
            status=status,
            headers=dict(headers),
            body=body,
            created_at=now,
        )
    )


def _roles(principal: Principal) -> frozenset[str]:
    """All that somebody is, in their account and in organisations."""
    return principal.roles | {f"{role}@{organisation}" for organisation, role in principal.memberships}


def forget(session: Session, *, now: datetime) -> int:
    """Drop what is older than 24 hours."""
    old = delete(IdempotentAnswer).where(col(IdempotentAnswer.created_at) < now - _KEPT)
    return rows_touched(session.execute(old))
