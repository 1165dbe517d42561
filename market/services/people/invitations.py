"""Invitations to an organisation: made, mailed, accepted, taken back, forgotten.

Two tokens open one: that shown to whoever invites, which is handed over and shows nothing of a mail address; and
that in the mail (confirming.py), which shows that the address is one's own, and alone leads into an account that is
anybody's. The first is kept as a hash, the second nowhere.
"""

from __future__ import annotations

import hashlib
import secrets
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, func, select

from market.db import take_turn
from market.errors import Forbidden, NotFound, TooMany, Unauthenticated
from market.models import LISTINGS, ApiKey, Identity, Invitation, Membership, Organisation, User
from market.services.people import accounts, belonging
from market.services.people.organisations import called
from market.services.rights import people, turns
from market.services.rights.access import Principal, require_in
from market.services.telling import confirming, notifications
from market.services.telling.links import Click
from market.services.telling.telling import tell
from market.services.trail import audit

MOST_A_DAY = 30
"""Of one organisation: they are mails to people who may never have heard of it."""
GOOD_FOR = timedelta(days=14)
DELEGATION = timedelta(days=180)
_KEPT = timedelta(days=30)


def create(
    session: Session, actor: Principal, organisation_id: uuid.UUID, data: Mapping[str, Any], *, now: datetime
) -> tuple[Invitation, str]:
    """Invite whoever has this address; gives the token, which cannot be had again. A delegation lasts from when it is
    accepted until a moment that `change` of belonging.py moves. What depends on who is invited is looked at when they
    accept: whoever invites does not learn who has an account. Raises Forbidden, Invalid, Conflict, TooMany."""
    organisation = people.organisation(session, organisation_id)
    require_in(actor, "organisation.people", organisation_id)
    take_turn(session, "invitations", str(organisation_id))
    _refuse_too_many(session, organisation_id, now)
    email = data["email"].lower()
    user = accounts.by_email(session, email)
    until = now + DELEGATION if "delegate" in data["roles"] else None
    belonging.check(session, organisation_id, data["roles"], until, user_id=None, now=now)
    if user is None:  # so that a mail can reach them as it reaches everybody
        user = accounts.create(session, email=email, name="", language=data["language"], now=now)
    token = secrets.token_urlsafe(24)
    invitation = Invitation(
        organisation_id=organisation_id,
        email=email,
        language=data["language"],
        roles=sorted(set(data["roles"])),
        digest=_digest(token),
        invited_by=actor.user_id,
        until=data.get("until") or now + GOOD_FOR,
        created_at=now,
    )
    session.add(invitation)
    session.flush()
    audit.record(session, actor, "invite", ("organisation", organisation_id), now=now, roles=invitation.roles)
    name = called(organisation, user.language)
    news = notifications.news_of_account(user, "invitation", confirming.of_invitation(invitation), name=name)
    tell(session, [news], now=now)
    return invitation, token


def _refuse_too_many(session: Session, organisation_id: uuid.UUID, now: datetime) -> None:
    lately = select(func.count(), func.min(Invitation.created_at)).where(
        Invitation.organisation_id == organisation_id, col(Invitation.created_at) > now - timedelta(days=1)
    )
    sent, first = session.execute(lately).one()
    if sent >= MOST_A_DAY:
        raise TooMany("too-many-invitations", again_in=first + timedelta(days=1) - now, most=MOST_A_DAY)


def listed(session: Session, actor: Principal, organisation_id: uuid.UUID) -> Sequence[Invitation]:
    """All that are kept, the newest first."""
    people.organisation(session, organisation_id)
    require_in(actor, "organisation.people", organisation_id)
    rows = select(Invitation).where(Invitation.organisation_id == organisation_id)
    return session.exec(rows.order_by(col(Invitation.id).desc())).all()


def revoke(
    session: Session, actor: Principal, organisation_id: uuid.UUID, identity: uuid.UUID, *, now: datetime
) -> None:
    """Take one back. Raises NotFound for one that is not open."""
    require_in(actor, "organisation.people", organisation_id)
    invitation = session.get(Invitation, identity, with_for_update=True, populate_existing=True)
    if (
        invitation is None
        or invitation.organisation_id != organisation_id
        or invitation.revoked_at is not None
        or invitation.accepted_at is not None
    ):
        raise NotFound(noun="invitation", id=str(identity))
    invitation.revoked_at = now
    session.add(invitation)
    audit.record(session, actor, "uninvite", ("organisation", organisation_id), now=now)


def by_token(session: Session, token: str, *, now: datetime) -> Invitation:
    """The invitation that the token opens which whoever invited was shown. It is held, and before it the account that
    it is for. Raises NotFound, always alike."""
    row = select(Invitation).where(Invitation.digest == _digest(token))
    invited = _require_open(session.exec(row).first(), now)
    user = accounts.by_email(session, invited.email)
    if user is not None:
        turns.take_turn_of(session, user.id)
    row = row.with_for_update().execution_options(populate_existing=True)
    return _require_open(session.exec(row).first(), now)


def _require_open(invitation: Invitation | None, now: datetime) -> Invitation:
    if invitation is None or not confirming.open_still(invitation, now=now):
        raise NotFound(noun="link", id="")
    return invitation


def accept(
    session: Session,
    caller: Principal,
    invitation: Invitation,
    *,
    name: str = "",
    password: str = "",  # as passwords.py keeps it
    mailed: bool,
    now: datetime,
) -> Membership:
    """Join by a token that was handed over, signed in as whoever is invited. Only where there is no mail (`mailed`)
    does it open a blank account, whose address is still to be confirmed: whoever invites would else learn by it who
    has an account. Raises Unauthenticated, Forbidden for anybody else's invitation, Invalid."""
    user = accounts.by_email(session, invitation.email)
    if caller.user_id is not None:
        if user is None or user.id != caller.user_id:
            raise Forbidden("invitation-of-another")
        return _accepted(session, user, invitation, name, now)
    if mailed or not (user is None or blank(session, user)):
        raise Unauthenticated("sign-in-first")
    if user is None:
        user = accounts.create(session, email=invitation.email, name="", language=invitation.language, now=now)
    user.password = password
    return _accepted(session, user, invitation, name, now)


def accept_mailed(session: Session, click: Click, *, name: str = "", password: str = "", now: datetime) -> Membership:
    """Join by the token of a mail, which confirms the address. A password is set where `takes_password` says so.
    Raises NotFound for a token that is not good now, Invalid."""
    _, user, invitation = confirming.read(session, click, ("join",), held=True, now=now)
    assert invitation is not None  # or it would not have been read
    sets_password = takes_password(session, user)
    if user.email_verified_at is None:
        accounts.clear(session, user, now=now)
    if sets_password:
        user.password = password
    accounts.confirm(session, Principal(user_id=user.id), user, now=now)
    return _accepted(session, user, invitation, name, now)


def takes_password(session: Session, user: User) -> bool:
    """Whether the token of a mail sets a password: where the address was not confirmed, or nobody can sign in yet."""
    return user.email_verified_at is None or not accounts.has_credentials(session, user)


def _accepted(session: Session, user: User, invitation: Invitation, name: str, now: datetime) -> Membership:
    user.name = user.name or name or invitation.email.partition("@")[0][:128]
    invitation.accepted_at = now
    session.add_all([user, invitation])
    until = now + DELEGATION if "delegate" in invitation.roles else None
    belonging.check(session, invitation.organisation_id, invitation.roles, until, user_id=user.id, now=now)
    actor, place = Principal(user_id=user.id), invitation.organisation_id
    return belonging.join(session, actor, user, place, invitation.roles, until=until, now=now)


def forget(session: Session, *, now: datetime) -> None:
    """Drop invitations that ended a month ago, and the accounts that were made for them and never used. May be
    repeated."""
    for invitation in session.exec(select(Invitation).where(col(Invitation.until) < now - _KEPT)).all():
        session.delete(invitation)
        session.flush()
        user = accounts.by_email(session, invitation.email)
        invited = select(Invitation.id).where(Invitation.email == invitation.email)
        if user is not None and blank(session, user) and session.exec(invited).first() is None:
            session.delete(user)


def blank(session: Session, user: User) -> bool:
    """Whether an account is as an invitation has made it: nobody's yet, with nothing that it could give away."""
    if user.roles or user.name or user.external_key or user.password or user.orcid:
        return False
    if user.email_verified_at is not None or not user.active:
        return False
    theirs: list[Any] = [
        *(select(model.id).where(col(model.user_id) == user.id) for model in (ApiKey, Identity, Membership)),
        *(select(model.id).where(col(model.owner_id) == user.id) for model in LISTINGS.values()),
    ]
    return all(session.exec(rows.limit(1)).first() is None for rows in theirs)


def organisation_of(session: Session, membership: Membership) -> Organisation:
    """Whose invitation it was."""
    return session.get_one(Organisation, membership.organisation_id)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
