"""Answers given to Idempotency-Keys: the same request gets the same answer, once done, for 24 hours."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from sqlmodel import Session, col, delete

from market.db import rows_touched, take_turn
from market.errors import KeyReused
from market.models import IdempotentAnswer

_KEPT = timedelta(hours=24)


def fingerprint(method: str, path: str, body: bytes) -> str:
    """What makes two requests the same."""
    return hashlib.sha256(b"\0".join((method.encode(), path.encode(), body))).hexdigest()


def earlier(session: Session, caller: str, key: str, print_: str, *, now: datetime) -> IdempotentAnswer | None:
    """The answer given before, if any. Raises KeyReused where the key came with another request.

    A request with this key that still runs elsewhere is waited for: by the time its turn is ours, it has ended, one
    way or the other.
    """
    take_turn(session, "idempotency", caller, key)
    answer = session.get(IdempotentAnswer, (caller, key))
    if answer is None or answer.created_at < now - _KEPT:
        return None
    if answer.fingerprint != print_:
        raise KeyReused(key=key)
    return answer


def remember(session: Session, answer: IdempotentAnswer) -> None:
    """Keep an answer, in the transaction whose work it reports."""
    session.merge(answer)


def forget(session: Session, *, now: datetime) -> int:
    """Drop what is older than 24 hours."""
    old = delete(IdempotentAnswer).where(col(IdempotentAnswer.created_at) < now - _KEPT)
    return rows_touched(session.execute(old))
