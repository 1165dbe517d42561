"""Signing in: by password, or by what an identity provider vouches for. Whoever has is given a key for some hours."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from marshmallow import ValidationError
from sqlmodel import Session, col, select

from market.db import take_turn
from market.errors import Conflict, NotFound, Unauthenticated
from market.identity.contract import Vouched
from market.models import ApiKey, Endpoint, Identity, User
from market.models.base import new_id
from market.services.people import accounts, keys, passwords
from market.services.rights.access import Principal
from market.services.telling import notifications
from market.services.telling.telling import News, tell
from market.services.trail import audit
from schemas.experts import Orcid


@dataclass(frozen=True, slots=True)
class Attempt:
    """What a password is compared with: nobody's, where there is no such account, or it may not be tried now."""

    user_id: uuid.UUID | None
    kept: str


def begin(session: Session, email: str, *, now: datetime) -> Attempt:
    """Look up what a password is to be compared with. Reads only."""
    user = accounts.by_email(session, email)
    if user is None or not user.active or passwords.resting(user.password_locked_until, now=now):
        return Attempt(None, "")
    return Attempt(user.id, user.password)


def fail(session: Session, attempt: Attempt, *, now: datetime) -> None:
    """Count a wrong password; after some in a row the account's rests, longer each time."""
    user = _held(session, attempt)
    if user is None or passwords.resting(user.password_locked_until, now=now):
        return
    user.password_failures += 1
    rest = passwords.rest(user.password_failures)
    user.password_locked_until = now + rest if rest else None
    session.add(user)


def finish(
    session: Session, attempt: Attempt, *, kept_anew: str = "", hours: float, now: datetime
) -> tuple[str, ApiKey]:
    """The password was right: give a key. `kept_anew`: what to keep of it, where it was kept with less effort than is
    made now. Raises Unauthenticated where it has been changed, or has come to rest, meanwhile."""
    user = _held(session, attempt)
    if (
        user is None
        or not user.active
        or user.password != attempt.kept
        or passwords.resting(user.password_locked_until, now=now)
    ):
        raise Unauthenticated("sign-in-failed")
    user.password_failures, user.password_locked_until = 0, None
    user.password = kept_anew or user.password
    return admit(session, user, hours=hours, now=now)


def _held(session: Session, attempt: Attempt) -> User | None:
    """Held until the transaction ends, so that none of many attempts at once goes uncounted."""
    row = select(User).where(User.id == attempt.user_id).with_for_update().execution_options(populate_existing=True)
    return session.exec(row).first() if attempt.user_id is not None else None


def admit(session: Session, user: User, *, hours: float, now: datetime) -> tuple[str, ApiKey]:
    """A key for whoever has shown who they are."""
    session.add(user)
    session.flush()
    plain, row = keys.create(session, user, now=now, kind="sign_in", expires_at=now + timedelta(hours=hours))
    audit.record(session, Principal(user_id=user.id), "sign_in", ("account", user.id), now=now)
    return plain, row


def vouched_for(session: Session, provider: str, vouched: Vouched, *, language: str, now: datetime) -> User:
    """Whose account it is: known by this identity; or by an address that they and the account have both shown to be
    theirs; else a new one. Raises Unauthenticated where the account is closed.

    An account that holds the address without ever having shown it loses it to whoever has, with all it may have
    prepared; one that nobody can sign in to (it was loaded, or made by an invitation) is theirs.
    """
    take_turn(session, "identity", vouched.issuer, vouched.subject)
    known = select(User).join(Identity, col(Identity.user_id) == col(User.id))
    user = session.exec(
        known.where(Identity.issuer == vouched.issuer, Identity.subject == vouched.subject)
    ).first() or _with_identity(session, provider, vouched, language, now)
    if not user.active:
        raise Unauthenticated("sign-in-failed")
    user.orcid = _orcid(vouched) or user.orcid
    session.add(user)
    return user


def _with_identity(session: Session, provider: str, vouched: Vouched, language: str, now: datetime) -> User:
    email = vouched.email.lower()
    if email:
        take_turn(session, "email", email)
    user = accounts.by_email(session, email) if email else None
    if user is not None and not user.active:
        raise Unauthenticated("sign-in-failed")
    if user is not None and user.email_verified_at is None and accounts.has_credentials(session, user):
        user.email = f"{user.id.hex}{accounts.NOWHERE}"
        session.add(user)
        session.flush()
        user = None
    if user is None:
        user = _new(session, vouched, email, language, now)
        link(session, user, provider, vouched, now=now)
    else:
        accounts.confirm(session, Principal(user_id=user.id), user, now=now)
        link(session, user, provider, vouched, now=now, warned=True)
    return user


def _new(session: Session, vouched: Vouched, email: str, language: str, now: datetime) -> User:
    identity = new_id()
    user = User(
        id=identity,
        email=email or f"{identity.hex}{accounts.NOWHERE}",
        name=vouched.name or email.partition("@")[0][:128] or "—",
        language=language,
        email_verified_at=now if email else None,
        created_at=now,
    )
    session.add(user)
    session.flush()
    if not email:  # nothing is sent there until they say where to
        session.add(Endpoint(user_id=user.id, channel="mail", disabled_for="gone", disabled_at=now, created_at=now))
    audit.record(session, Principal(user_id=user.id), "register", ("account", user.id), now=now)
    return user


def link(
    session: Session, user: User, provider: str, vouched: Vouched, *, now: datetime, warned: bool = False
) -> Identity:
    """Have this identity sign in to this account; `warned`: its owner is told. Raises Conflict where it signs in to
    another."""
    take_turn(session, "identity", vouched.issuer, vouched.subject)
    same = select(Identity).where(Identity.issuer == vouched.issuer, Identity.subject == vouched.subject)
    found = session.exec(same).first()
    if found is not None and found.user_id != user.id:
        raise Conflict("identity-taken")
    if found is not None:
        return found
    identity = Identity(user_id=user.id, issuer=vouched.issuer, subject=vouched.subject, created_at=now)
    user.orcid = _orcid(vouched) or user.orcid
    session.add_all([user, identity])
    audit.record(session, Principal(user_id=user.id), "link", ("account", user.id), now=now, provider=provider)
    if warned:
        news: list[News] = [notifications.news_of_security(user, "identity_added", provider)]
        tell(session, news, now=now)
    return identity


def identities(session: Session, user_id: uuid.UUID) -> list[Identity]:
    """How a person signs in elsewhere, the oldest first."""
    return list(session.exec(select(Identity).where(Identity.user_id == user_id).order_by(col(Identity.id))))


def unlink(session: Session, principal: Principal, identity: uuid.UUID, *, now: datetime) -> None:
    """Have it sign in no more. Raises NotFound for another's, Conflict for the last way in."""
    row = session.get(Identity, identity)
    if row is None or row.user_id != principal.user_id:
        raise NotFound(noun="identity", id=str(identity))
    user = session.get_one(User, row.user_id)
    if not user.password and len(identities(session, user.id)) == 1:
        raise Conflict("last-way-in")
    session.delete(row)
    audit.record(session, principal, "unlink", ("account", user.id), now=now)


def _orcid(vouched: Vouched) -> str:
    """The iD, where it is one."""
    try:
        return str(Orcid().deserialize(vouched.orcid)) if vouched.orcid else ""
    except ValidationError:
        return ""
