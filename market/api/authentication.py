"""Who is calling: a bearer key, or a visitor. A key that is not good is refused, never taken for a visitor."""

from __future__ import annotations

import uuid
from contextlib import suppress
from functools import partial

from flask import Response, after_this_request, request
from sqlmodel import Session

from market.api import limits
from market.api.calls import runtime
from market.db import AWAY
from market.errors import Unauthenticated
from market.services.people import keys
from market.services.people.keys import KeyUse
from market.services.rights.access import VISITOR, Principal


def principal(session: Session) -> Principal:
    """The caller of this request, within their limits. Raises Unauthenticated, TooMany."""
    caller, key_id = _caller(session)
    limits.admit(session, caller, key_id)
    return caller


def principal_still(session: Session) -> Principal:
    """The same caller with the rights they have by now, counted no second time. Raises Unauthenticated."""
    return _authenticated(session)[0]


def _caller(session: Session) -> tuple[Principal, uuid.UUID | None]:
    caller, key = _authenticated(session)
    if key is None:
        return caller, None
    if keys.use_unnoted(key, now=runtime().clock()):
        after_this_request(partial(_note_use, key))
    return caller, key.id


def _authenticated(session: Session) -> tuple[Principal, KeyUse | None]:
    header = request.headers.get("Authorization")
    if header is None:
        return VISITOR, None
    scheme, _, plain = header.partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthenticated("bad-key")
    return keys.authenticate(session, plain.strip(), now=runtime().clock())


def plain_key() -> str:
    """The key that this request came with, where its caller is known."""
    return request.headers["Authorization"].partition(" ")[2].strip()


def _note_use(key: KeyUse, response: Response) -> Response:
    """Once the request's own transactions have ended: one that held a connection while it waited for another could
    wait for ever, where many do. What goes wrong is noted at the next request."""
    service = runtime()
    with suppress(*AWAY), service.db.writing() as session:
        keys.note_use(session, key, now=service.clock())
    return response
