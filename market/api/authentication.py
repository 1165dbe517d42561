"""Who is calling: a bearer key, or a visitor. A key that is not good is refused, never taken for a visitor."""

from __future__ import annotations

from flask import request
from sqlmodel import Session

from market.api.calls import runtime
from market.errors import Unauthenticated
from market.services import keys
from market.services.access import VISITOR, Principal


def principal(session: Session) -> Principal:
    """The caller of this request. Raises Unauthenticated."""
    header = request.headers.get("Authorization")
    if header is None:
        return VISITOR
    scheme, _, plain = header.partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthenticated("bad-key")
    service = runtime()
    now = service.clock()
    caller, key = keys.authenticate(session, plain.strip(), now=now)
    if keys.use_unnoted(key, now=now):
        with service.db.writing() as writing:
            keys.note_use(writing, key, now=now)
    return caller
