"""Who is calling: a bearer key, or a visitor. A key that is not good is refused, never taken for a visitor."""

from __future__ import annotations

from contextlib import suppress
from functools import partial

from flask import Response, after_this_request, request
from sqlmodel import Session

from market.api.calls import runtime
from market.db import AWAY
from market.errors import Unauthenticated
from market.services import keys
from market.services.access import VISITOR, Principal
from market.services.keys import KeyUse


def principal(session: Session) -> Principal:
    """The caller of this request. Raises Unauthenticated."""
    header = request.headers.get("Authorization")
    if header is None:
        return VISITOR
    scheme, _, plain = header.partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthenticated("bad-key")
    now = runtime().clock()
    caller, key = keys.authenticate(session, plain.strip(), now=now)
    if keys.use_unnoted(key, now=now):
        after_this_request(partial(_note_use, key))
    return caller


def _note_use(key: KeyUse, response: Response) -> Response:
    """Once the request's own transactions have ended: one that held a connection while it waited for another could
    wait for ever, where many do. What goes wrong is noted at the next request."""
    service = runtime()
    with suppress(*AWAY), service.db.writing() as session:
        keys.note_use(session, key, now=service.clock())
    return response
