"""Accounts: registered, confirmed by mail, changed, closed and opened again; the roles that an account itself has.

Passwords come in as they are kept (services/passwords.py), since making that takes long and transactions must not.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, delete, func, select, update

from market.db import take_turn
from market.errors import Conflict, NotFound
from market.models import LISTINGS, ApiKey, Endpoint, Identity, Membership, User
from market.models.memberships import ROLES
from market.outbox import JobName, enqueue
from market.services.people import keys
from market.services.rights import turns
from market.services.rights.access import Principal
from market.services.telling import confirming, former, notifications
from market.services.telling.links import Click
from market.services.telling.telling import News, tell
from market.services.trail import audit

HEAD = "organisation_admin"
"""The role that has the last word in an organisation."""
NOWHERE = "@no-address.invalid"
"""Ends the addresses of accounts that have none: their people sign in elsewhere, where none was vouched for."""


def by_email(session: Session, email: str) -> User | None:
    """The account with this address, however its capitals are written."""
    found = select(User).where(col(User.email).in_({email, email.lower()})).order_by(col(User.id))
    return session.exec(found).first()


def get(session: Session, identity: uuid.UUID) -> User:
    """Raises NotFound."""
    user = session.get(User, identity)
    if user is None:
        raise NotFound(noun="account", id=str(identity))
    return user


def register(session: Session, data: Mapping[str, Any], password: str, *, mailed: bool, now: datetime) -> None:
    """Make an account whose address is to be confirmed. What happens for an address that has one already is not to be
    seen from outside; its owner is told. `mailed`: addresses can be confirmed by mail here. May be repeated.

    Of two who register one address before it is confirmed, neither's password counts: the next mail lets whoever
    reads it set one. So nobody prepares an account for somebody else to confirm.
    """
    email = data["email"].lower()
    take_turn(session, "email", email)
    user = by_email(session, email)
    if user is None:
        user = User(
            email=email, name=data["name"], language=data.get("language", "zh"), password=password, created_at=now
        )
        session.add(user)
        session.flush()
        audit.record(session, Principal(), "register", ("account", user.id), now=now)
        tell(session, [_asked(user, "verify", now)], now=now)
    elif not user.active:
        return
    elif user.email_verified_at is not None:
        known = notifications.news_of_account(user, "known", confirming.event("known", user, now))
        tell(session, [known], now=now)
    elif mailed:
        clear(session, user, now=now)
        tell(session, [_asked(user, "reset", now)], now=now)


def create(session: Session, *, email: str, name: str, language: str, now: datetime) -> User:
    """An account without a password, for whoever runs the exchange, or for somebody who is invited. Raises Conflict
    where the address has one."""
    email = email.lower()
    take_turn(session, "email", email)
    if by_email(session, email) is not None:
        raise Conflict("email-taken")
    user = User(email=email, name=name, language=language, created_at=now)
    session.add(user)
    session.flush()
    return user


def _asked(user: User, deed: str, now: datetime) -> News:
    return notifications.news_of_account(user, deed, confirming.event(deed, user, now))


def verify(session: Session, click: Click, *, now: datetime) -> User:
    """Confirm an address by the token of a mail. Raises NotFound for one that is not good now."""
    _, user, _ = confirming.read(session, click, ("verify",), now=now)
    confirm(session, Principal(user_id=user.id), user, now=now)
    return user


def confirm(session: Session, actor: Principal, user: User, *, now: datetime) -> None:
    """Note that the address is the person's own. May be repeated."""
    if user.email_verified_at is None:
        user.email_verified_at = now
        session.add(user)
        audit.record(session, actor, "verify", ("account", user.id), now=now)


def forgot(session: Session, email: str, *, now: datetime) -> None:
    """Mail a link to set a password, where there is such an account; outside nothing of that is to be seen."""
    user = by_email(session, email)
    if user is not None and user.active:
        tell(session, [_asked(user, "reset", now)], now=now)


def reset(session: Session, click: Click, password: str, *, now: datetime) -> User:
    """Set a password by the token of a mail, which confirms the address too. All keys end, those of programs too:
    whoever sets a password anew may have lost the account. Raises NotFound for a token that is not good now."""
    _, user, _ = confirming.read(session, click, ("reset",), now=now)
    if user.email_verified_at is None:
        clear(session, user, now=now)
    keys.end_all(session, user.id, now=now)
    actor = Principal(user_id=user.id)
    confirm(session, actor, user, now=now)
    _set_password(session, actor, user, password, "password_reset", now=now)
    return user


def clear(session: Session, user: User, *, now: datetime) -> None:
    """Take every way in from whoever has had an account whose address they have never shown to be theirs, and what
    would tell them of what it hears."""
    user.password = ""
    session.add(user)
    keys.end_all(session, user.id, now=now)
    session.execute(delete(Identity).where(col(Identity.user_id) == user.id))
    session.execute(delete(Endpoint).where(col(Endpoint.user_id) == user.id, col(Endpoint.channel) != "mail"))


def set_password(
    session: Session, actor: Principal, user: User, password: str, *, key_id: uuid.UUID, now: datetime
) -> None:
    """Replace one's password. Whoever else is signed in is signed out: all but this key; the owner is told."""
    keys.end_all(session, user.id, now=now, sign_ins_only=True, but=key_id)
    _set_password(session, actor, user, password, "password_set", now=now)


def _set_password(session: Session, actor: Principal, user: User, password: str, deed: str, *, now: datetime) -> None:
    user.password, user.password_failures, user.password_locked_until = password, 0, None
    session.add(user)
    audit.record(session, actor, "set_password", ("account", user.id), now=now)
    tell(session, [notifications.news_of_security(user, deed, "")], now=now)


def change(session: Session, principal: Principal, data: Mapping[str, Any], *, now: datetime) -> User:
    """Change one's name, language or address; that is then to be confirmed, and the one before is told, where it was.
    Raises Conflict for an address that another account has."""
    user = session.get_one(User, principal.user_id)
    for name in ("name", "language"):
        if name in data:
            setattr(user, name, data[name])
    email = data.get("email", user.email).lower()
    if email != user.email:
        take_turn(session, "email", email)
        if by_email(session, email) not in (None, user):
            raise Conflict("email-taken")
        before = former.event(user.email) if user.email_verified_at is not None else ""
        warned = notifications.news_of_security(user, "address_changed", "", event=before)
        user.email, user.email_verified_at = email, None
        mail = update(Endpoint).where(col(Endpoint.user_id) == user.id, col(Endpoint.channel) == "mail")
        session.execute(mail.values(disabled_for="", disabled_at=None, failing_since=None))  # of the address before
        tell(session, [warned, _asked(user, "verify", now)], now=now)
    session.add(user)
    if data:
        audit.record(session, principal, "change", ("account", user.id), now=now, fields=sorted(data))
    return user


def listed(
    session: Session,
    *,
    q: str = "",
    role: str = "",
    active: bool | None = None,
    after: uuid.UUID | None = None,
    limit: int,
) -> Sequence[User]:
    """Accounts in order of id: those whose name or address holds `q`, that have this role of their own."""
    rows = select(User).order_by(col(User.id))
    if q:
        rows = rows.where(
            col(User.name).icontains(q, autoescape=True) | col(User.email).icontains(q, autoescape=True)
        )
    if active is not None:
        rows = rows.where(col(User.active) == active)
    if after is not None:
        rows = rows.where(col(User.id) > after)
    if not role:
        return session.exec(rows.limit(limit)).all()
    found: list[User] = []
    for user in session.exec(rows.execution_options(yield_per=500)):
        if role in user.roles:
            found.append(user)
        if len(found) == limit:
            break
    return found


def give_roles(session: Session, actor: Principal, user: User, roles: Sequence[str], *, now: datetime) -> User:
    """Replace the roles of the account. Raises Conflict where nobody else would be administrator."""
    if "administrator" in user.roles and "administrator" not in roles:
        _require_another_administrator(session, user)
    before, user.roles = user.roles, sorted(set(roles))
    session.add(user)
    audit.record(session, actor, "give_roles", ("account", user.id), now=now, before=sorted(before), after=user.roles)
    return user


def deactivate(session: Session, actor: Principal, user: User, *, now: datetime) -> None:
    """Close an account: its keys end, it is told nothing more, what it owns passes to its organisations' people.
    Memberships stay, for when it is opened again. May be repeated. Raises Conflict for the last administrator, and
    for whoever closes their own and would leave others in an organisation without one."""
    turns.take_turn_of(session, user.id)  # what they are posting is handed over too
    if not user.active:
        return
    require_not_last(session, user)
    if actor.user_id == user.id:
        _require_others_led(session, user)
    user.active = False
    session.add(user)
    keys.end_all(session, user.id, now=now)
    hand_over(session, user.id, now=now)
    audit.record(session, actor, "deactivate", ("account", user.id), now=now)


def activate(session: Session, actor: Principal, user: User, *, now: datetime) -> None:
    """Open it again; keys are to be made anew. May be repeated."""
    if not user.active:
        user.active = True
        session.add(user)
        audit.record(session, actor, "activate", ("account", user.id), now=now)


def hand_over(
    session: Session, user_id: uuid.UUID, *, now: datetime, organisation_id: uuid.UUID | None = None
) -> dict[str, int]:
    """Have what a person owns, in one organisation or all, belong to the organisation's people; how many by noun."""
    passed: dict[str, int] = {}
    for noun, model in LISTINGS.items():
        mine = [col(model.owner_id) == user_id]
        if organisation_id is not None:
            mine.append(col(model.organisation_id) == organisation_id)
        ids = session.exec(select(model.id).where(*mine)).all()
        if ids:
            # No new version: strangers see no owners, and what changes in one moment would be known for one house's.
            session.execute(update(model).where(*mine).values(owner_id=None))
            # Who may find it in a search stands in the index.
            enqueue(session, JobName.INDEX, [f"{noun}:{identity}" for identity in ids], now=now)
        passed[noun] = len(ids)
    return passed


def require_not_last(session: Session, user: User) -> None:
    """Raises Conflict for the only administrator."""
    if "administrator" in user.roles:
        _require_another_administrator(session, user)


def _require_another_administrator(session: Session, user: User) -> None:
    take_turn(session, "administrators")
    others = session.exec(select(User.roles).where(col(User.active), User.id != user.id))
    if not any("administrator" in roles for roles in others):
        raise Conflict("last-administrator")


def _require_others_led(session: Session, user: User) -> None:
    led = select(Membership).where(Membership.user_id == user.id).order_by(col(Membership.organisation_id))
    for mine in session.exec(led):
        if HEAD in mine.roles:
            take_turn(session, "people", str(mine.organisation_id))
            others = roles_of_others(session, mine.organisation_id, user.id)
            if others and not any(HEAD in roles for roles in others):
                raise Conflict("last-of-organisation")


def roles_of_others(session: Session, organisation_id: uuid.UUID, user_id: uuid.UUID) -> Sequence[Sequence[str]]:
    """The roles in an organisation of everybody else whose account is open. Whoever decides by them has the turn of
    its people, or two who leave at once would each see the other."""
    return session.exec(
        select(Membership.roles).where(
            Membership.organisation_id == organisation_id,
            Membership.user_id != user_id,
            Membership.user_id == User.id,
            col(User.active),
        )
    ).all()


def has_credentials(session: Session, user: User) -> bool:
    """Whether anybody can sign in to it, or speaks for it."""
    if user.password:
        return True
    known = select(func.count()).select_from(Identity).where(Identity.user_id == user.id)
    good = select(func.count()).select_from(ApiKey).where(ApiKey.user_id == user.id, col(ApiKey.revoked_at).is_(None))
    return bool(session.exec(known).one() or session.exec(good).one())


def account_roles() -> tuple[str, ...]:
    """Roles that an account itself can have; a broker's may be the exchange's too."""
    return ("administrator", "reviewer", "auditor", "service_partner", *(role for role in ROLES if role == "broker"))
