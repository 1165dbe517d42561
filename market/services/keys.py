"""API keys: made, shown once, recognised by their hash, revoked."""

from __future__ import annotations

import hashlib
import secrets
import string
import uuid
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, or_, select, update

from market.errors import NotFound, Unauthenticated
from market.models import ApiKey, User
from market.services import notifications
from market.services.access import Principal
from market.services.telling import tell

PREFIX = "qiao_"
_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_RANDOM, _CHECK = 30, 6
_USE_NOTED_EVERY = timedelta(hours=1)


# Made once: every request with a key runs it.
_GOOD = (
    select_columns(
        col(ApiKey.id),
        col(ApiKey.last_used_at),
        col(User.id),
        col(User.organisation_id),
        col(User.roles),
        col(User.language),
    )
    .where(col(ApiKey.digest) == bindparam("digest"), col(ApiKey.user_id) == col(User.id), col(User.active))
    .where(col(ApiKey.revoked_at).is_(None))
    .where(or_(col(ApiKey.expires_at).is_(None), col(ApiKey.expires_at) > bindparam("now")))
)


def create(
    session: Session, user: User, *, now: datetime, label: str = "", expires_at: datetime | None = None
) -> tuple[str, ApiKey]:
    """A new key for the user, as (the key, its row). The key cannot be had again."""
    body = "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM))
    plain = PREFIX + body + _checksum(body)
    row = ApiKey(
        user_id=user.id,
        digest=_digest(plain),
        hint=plain[: len(PREFIX) + 4],
        label=label,
        expires_at=expires_at,
        created_at=now,
    )
    if session.exec(select(ApiKey.id).where(ApiKey.user_id == user.id).limit(1)).first() is not None:
        # Of a first key there is nobody to warn.
        tell(session, [notifications.news_of_security(user, "key_created", label or row.hint)], now=now)
    session.add(row)
    return plain, row


@dataclass(frozen=True, slots=True)
class KeyUse:
    """A key that was just used, and when it was used before, as far as that is on record."""

    id: uuid.UUID
    last_used_at: datetime | None


def authenticate(session: Session, plain: str, *, now: datetime) -> tuple[Principal, KeyUse]:
    """Who speaks with this key. Raises Unauthenticated for any key that is not good now, always alike."""
    body = plain.removeprefix(PREFIX)
    well_formed = plain.startswith(PREFIX) and len(body) == _RANDOM + _CHECK and plain.isascii()
    if not well_formed or _checksum(body[:_RANDOM]) != body[_RANDOM:]:
        raise Unauthenticated("bad-key")
    found = session.connection().execute(_GOOD, {"digest": _digest(plain), "now": now}).first()
    if found is None:
        raise Unauthenticated("bad-key")
    key_id, last_used_at, user_id, organisation_id, roles, language = found
    return Principal(user_id, organisation_id, frozenset(roles), language), KeyUse(key_id, last_used_at)


def use_unnoted(key: KeyUse, *, now: datetime) -> bool:
    """Whether the last use on record is old enough to be written anew; most requests write nothing."""
    return key.last_used_at is None or now - key.last_used_at > _USE_NOTED_EVERY


def note_use(session: Session, key: KeyUse, *, now: datetime) -> None:
    """Put the use on record."""
    session.execute(update(ApiKey).where(col(ApiKey.id) == key.id).values(last_used_at=now))


def of_all(session: Session) -> Sequence[tuple[ApiKey, User]]:
    """All keys with their users, newest last."""
    return session.exec(select(ApiKey, User).where(ApiKey.user_id == User.id).order_by(col(ApiKey.id))).all()


def revoke(session: Session, hint: str, *, now: datetime) -> ApiKey:
    """End a key, named by its id or its first characters as `market keys list` shows them."""
    rows = [key for key, _ in of_all(session) if hint in (str(key.id), key.hint) and key.revoked_at is None]
    if len(rows) != 1:
        raise NotFound(noun="key", id=hint)
    rows[0].revoked_at = now
    session.add(rows[0])
    user = session.get_one(User, rows[0].user_id)
    tell(session, [notifications.news_of_security(user, "key_revoked", rows[0].label or hint)], now=now)
    return rows[0]


def _digest(plain: str) -> str:
    return hashlib.sha256(plain.encode()).hexdigest()


def _checksum(body: str) -> str:
    """CRC-32 in base 62: finds a mistyped key without asking the database."""
    number, digits = zlib.crc32(body.encode()), ""
    for _ in range(_CHECK):
        number, digit = divmod(number, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits
