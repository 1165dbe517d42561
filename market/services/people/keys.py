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
from typing import Literal

from sqlmodel import Session, col, delete, select, update

from market.db import rows_touched, take_turn
from market.errors import Conflict, Forbidden, NotFound, Unauthenticated
from market.models import ApiKey, User
from market.services.rights import principals
from market.services.rights.access import Principal
from market.services.telling import notifications
from market.services.telling.telling import tell
from market.services.trail import audit

PREFIX = "qiao_"
_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_RANDOM, _CHECK = 30, 6
_USE_NOTED_EVERY = timedelta(hours=1)
JUST = timedelta(minutes=10)
"""For so long after signing in one counts as having shown who one is."""
MOST = 50
"""Keys of one person that are good at once; sign-ins do not count."""
_KEPT_AFTER_SIGN_IN = timedelta(days=30)


def create(
    session: Session,
    user: User,
    *,
    now: datetime,
    label: str = "",
    expires_at: datetime | None = None,
    scopes: Sequence[str] = (),
    kind: Literal["key", "sign_in"] = "key",
) -> tuple[str, ApiKey]:
    """A new key for the user, as (the key, its row). The key cannot be had again. Without `scopes` it is good for all
    that its user may do. Of a key there is a security notice, of a sign-in there is none."""
    body = "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM))
    plain = PREFIX + body + _checksum(body)
    row = ApiKey(
        user_id=user.id,
        digest=_digest(plain),
        hint=plain[: len(PREFIX) + 4],
        label=label,
        kind=kind,
        scopes=list(scopes),
        expires_at=expires_at,
        created_at=now,
    )
    if (
        kind == "key"
        and session.exec(select(ApiKey.id).where(ApiKey.user_id == user.id).limit(1)).first() is not None
    ):
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
    found = principals.of_key(session, _digest(plain), now=now)
    if found is None:
        raise Unauthenticated("bad-key")
    caller, key_id, last_used_at = found
    return caller, KeyUse(key_id, last_used_at)


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


def create_own(
    session: Session,
    principal: Principal,
    *,
    label: str,
    scopes: Sequence[str],
    expires_at: datetime | None,
    now: datetime,
) -> tuple[str, ApiKey]:
    """A key for the caller, as `create` gives it. A key with scopes makes keys with some of these and no others.

    Raises Forbidden for a scope beyond those, Conflict for too many keys.
    """
    user = session.get_one(User, principal.user_id)
    beyond = sorted(set(scopes) - principal.scopes) if principal.scopes else []
    if beyond:
        raise Forbidden("scope-missing", scope=beyond[0])
    take_turn(session, "keys", str(user.id))
    if sum(one.kind == "key" for one in good(session, user.id, now=now)) >= MOST:
        raise Conflict("too-many-keys", most=MOST)
    plain, row = create(
        session, user, now=now, label=label, expires_at=expires_at, scopes=sorted(scopes or principal.scopes)
    )
    audit.record(session, principal, "create", ("key", row.id), now=now, scopes=row.scopes)
    return plain, row


def good(session: Session, user_id: uuid.UUID, *, now: datetime) -> list[ApiKey]:
    """A person's keys that are neither revoked nor expired, the oldest first."""
    rows = select(ApiKey).where(ApiKey.user_id == user_id, col(ApiKey.revoked_at).is_(None))
    found = session.exec(rows.order_by(col(ApiKey.id)))
    return [one for one in found if one.expires_at is None or one.expires_at > now]


def just_signed_in(row: ApiKey, *, now: datetime) -> bool:
    """Whether it was given to somebody who has signed in a moment ago."""
    return row.kind == "sign_in" and row.created_at > now - JUST


def still_good(session: Session, identity: uuid.UUID, *, now: datetime) -> ApiKey:
    """The row of a key that is good now, and whose user's account is open. Raises Unauthenticated."""
    row = session.get(ApiKey, identity)
    if row is None or row.revoked_at is not None or (row.expires_at is not None and row.expires_at <= now):
        raise Unauthenticated("bad-key")
    if not session.get_one(User, row.user_id).active:
        raise Unauthenticated("bad-key")
    return row


def of_plain(session: Session, plain: str) -> ApiKey:
    """The row of a key, whatever became of it. Raises Unauthenticated where there is none."""
    row = session.exec(select(ApiKey).where(ApiKey.digest == _digest(plain))).first()
    if row is None:
        raise Unauthenticated("bad-key")
    return row


def revoke_own(session: Session, principal: Principal, identity: uuid.UUID, *, now: datetime) -> None:
    """End one of the caller's. Raises NotFound for another's, and for one that has ended."""
    row = session.get(ApiKey, identity)
    if row is None or row.user_id != principal.user_id or row.revoked_at is not None:
        raise NotFound(noun="key", id=str(identity))
    row.revoked_at = now
    session.add(row)
    audit.record(session, principal, "revoke", ("key", row.id), now=now)


def end_all(
    session: Session,
    user_id: uuid.UUID,
    *,
    now: datetime,
    sign_ins_only: bool = False,
    but: uuid.UUID | None = None,
) -> int:
    """End a person's keys at once, `but` one, and say how many. May be repeated."""
    ended = update(ApiKey).where(col(ApiKey.user_id) == user_id, col(ApiKey.revoked_at).is_(None))
    if sign_ins_only:
        ended = ended.where(col(ApiKey.kind) == "sign_in")
    if but is not None:
        ended = ended.where(col(ApiKey.id) != but)
    return rows_touched(session.execute(ended.values(revoked_at=now)))


def forget(session: Session, *, now: datetime) -> int:
    """Drop sign-ins that ended a month ago. May be repeated."""
    old = col(ApiKey.expires_at) < now - _KEPT_AFTER_SIGN_IN
    return rows_touched(session.execute(delete(ApiKey).where(col(ApiKey.kind) == "sign_in", old)))


def _digest(plain: str) -> str:
    return hashlib.sha256(plain.encode()).hexdigest()


def _checksum(body: str) -> str:
    """CRC-32 in base 62: finds a mistyped key without asking the database."""
    number, digits = zlib.crc32(body.encode()), ""
    for _ in range(_CHECK):
        number, digit = divmod(number, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits
