"""Who belongs to an organisation, with which roles and until when; and how somebody's belonging ends."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, or_, select

from market.db import take_turn
from market.errors import Conflict, Invalid, NotFound
from market.models import LISTINGS, Membership, Organisation, User
from market.services.people import accounts
from market.services.rights import turns
from market.services.rights.access import SYSTEM, Principal, require_in
from market.services.rights.principals import DELEGATE
from market.services.trail import audit
from schemas.messages import Message

LONGEST_DELEGATION = timedelta(days=366)

DELEGATE_ALONE = Message("Whoever publishes for others has no other role there.", "代发布人在该机构不能有其他角色。")
DELEGATE_UNTIL = Message("A delegation ends, within a year.", "代发布须有期限，最长一年。")
ONLY_DELEGATES = Message("Only a delegation has an end.", "只有代发布才有期限。")
OF_NOBODY = Message(
    "They belong to no other organisation; make them a member.", "此人不属于其他机构，请将其设为成员。"
)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of an organisation, and for whom else they publish."""

    user: User
    membership: Membership
    delegations: Sequence[tuple[Organisation, Membership]]


def listed(session: Session, actor: Principal, organisation_id: uuid.UUID, *, now: datetime) -> list[Person]:
    """Everybody, who came first first; delegations that are over are not shown."""
    _require(session, actor, organisation_id)
    rows = session.exec(
        select(User, Membership)
        .where(Membership.user_id == User.id, Membership.organisation_id == organisation_id, _holds(now))
        .order_by(col(Membership.id))
    ).all()
    elsewhere: dict[uuid.UUID, list[tuple[Organisation, Membership]]] = {}
    own = [user.id for user, membership in rows if "delegate" not in membership.roles]
    for organisation, membership in session.exec(
        select(Organisation, Membership)
        .where(Membership.organisation_id == Organisation.id, Organisation.id != organisation_id, _holds(now))
        .where(col(Membership.user_id).in_(own))
        .order_by(col(Membership.id))
    ):
        if "delegate" in membership.roles:
            elsewhere.setdefault(membership.user_id, []).append((organisation, membership))
    return [Person(user, membership, elsewhere.get(user.id, ())) for user, membership in rows]


def check(
    session: Session,
    organisation_id: uuid.UUID,
    roles: Collection[str],
    until: datetime | None,
    *,
    user_id: uuid.UUID | None,
    now: datetime,
) -> None:
    """That these roles can be held there until then; raises Invalid. `user_id` None: not known yet by whom."""
    if "delegate" not in roles:
        if until is not None:
            raise Invalid({"/until": [ONLY_DELEGATES]})
        return
    if len(set(roles)) > 1:
        raise Invalid({"/roles": [DELEGATE_ALONE]})
    if until is None or not now < until <= now + LONGEST_DELEGATION:
        raise Invalid({"/until": [DELEGATE_UNTIL]})
    if user_id is not None and not _belongs_elsewhere(session, user_id, organisation_id):
        raise Invalid({"/roles": [OF_NOBODY]})


def join(
    session: Session,
    actor: Principal,
    user: User,
    organisation_id: uuid.UUID,
    roles: Collection[str],
    *,
    until: datetime | None,
    now: datetime,
) -> Membership:
    """Give somebody who agrees these roles beside those they have there; a member is no delegate."""
    take_turn(session, "people", str(organisation_id))
    membership = _membership(session, organisation_id, user.id)
    if membership is None:
        membership = Membership(user_id=user.id, organisation_id=organisation_id, created_at=now)
    held = {*membership.roles, *roles}
    membership.roles = sorted(held - {"delegate"} or held)
    membership.until = until if membership.roles == ["delegate"] else None
    session.add(membership)
    audit.record(
        session, actor, "join", ("organisation", organisation_id), now=now, user=str(user.id), roles=membership.roles
    )
    return membership


def change(
    session: Session,
    actor: Principal,
    organisation_id: uuid.UUID,
    user_id: uuid.UUID,
    roles: Collection[str],
    *,
    until: datetime | None,
    now: datetime,
) -> Person:
    """Give somebody of the organisation these roles there and no others. Raises NotFound for anybody else, Conflict
    where it would be left without an administrator."""
    _require(session, actor, organisation_id)
    turns.take_turn_of(session, user_id)
    take_turn(session, "people", str(organisation_id))
    membership = _membership(session, organisation_id, user_id)
    if membership is None:
        raise NotFound(noun="person", id=str(user_id))
    check(session, organisation_id, roles, until, user_id=user_id, now=now)
    if accounts.HEAD not in roles:
        _require_another(session, organisation_id, membership)
    before, membership.roles, membership.until = membership.roles, sorted(set(roles)), until
    session.add(membership)
    if DELEGATE in roles:  # what somebody publishes for others is not theirs
        accounts.hand_over(session, user_id, now=now, organisation_id=organisation_id)
    details = {"user": str(user_id), "before": before, "after": membership.roles}
    audit.record(session, actor, "give_roles", ("organisation", organisation_id), now=now, **details)
    return Person(session.get_one(User, user_id), membership, ())


def leave(
    session: Session, actor: Principal, organisation_id: uuid.UUID, user_id: uuid.UUID, *, now: datetime
) -> None:
    """End somebody's belonging: their own, or by whoever sees to its people. What they own there stays with the
    house; whoever belongs to no other house publishes for no other either. Raises NotFound, Conflict for the last
    administrator."""
    if user_id != actor.user_id:
        _require(session, actor, organisation_id)
    turns.take_turn_of(session, user_id)
    take_turn(session, "people", str(organisation_id))
    membership = _membership(session, organisation_id, user_id)
    if membership is None:
        raise NotFound(noun="person", id=str(user_id))
    _require_another(session, organisation_id, membership)
    session.delete(membership)
    session.flush()
    accounts.hand_over(session, user_id, now=now, organisation_id=organisation_id)
    if not _belongs_elsewhere(session, user_id, organisation_id):
        for row in session.exec(select(Membership).where(Membership.user_id == user_id)).all():
            session.delete(row)
            accounts.hand_over(session, user_id, now=now, organisation_id=row.organisation_id)
    audit.record(session, actor, "leave", ("organisation", organisation_id), now=now, user=str(user_id))


def hand_over_ended(session: Session, *, now: datetime) -> int:
    """Have what is still somebody's own, where their delegation has ended, belong to the house, as when they leave;
    gives how many listings. May be repeated."""
    passed = 0
    for user_id, organisation_id in session.execute(_ended_with_something(now)).all():
        turns.take_turn_of(session, user_id)
        membership = _membership(session, organisation_id, user_id)
        if membership is None or membership.until is None or membership.until > now:
            continue  # they have left meanwhile, or go on
        ended = sum(accounts.hand_over(session, user_id, now=now, organisation_id=organisation_id).values())
        place = ("organisation", organisation_id)
        audit.record(session, SYSTEM, "end_delegation", place, now=now, user=str(user_id), listings=ended)
        passed += ended
    return passed


def _ended_with_something(now: datetime) -> Select[Any]:
    """Person and house, in the order of persons, whose turns are taken in it."""
    theirs = (
        select(model.id)
        .where(model.owner_id == Membership.user_id, model.organisation_id == Membership.organisation_id)
        .exists()
        for model in LISTINGS.values()
    )
    both: tuple[Any, ...] = (Membership.user_id, Membership.organisation_id)
    ended = select_columns(*both).where(col(Membership.until) <= now, or_(*theirs))
    return ended.order_by(col(Membership.user_id), col(Membership.organisation_id))


def _require(session: Session, actor: Principal, organisation_id: uuid.UUID) -> None:
    if session.get(Organisation, organisation_id) is None:
        raise NotFound(noun="organisation", id=str(organisation_id))
    require_in(actor, "organisation.people", organisation_id)


def _membership(session: Session, organisation_id: uuid.UUID, user_id: uuid.UUID) -> Membership | None:
    of_them = select(Membership).where(Membership.organisation_id == organisation_id, Membership.user_id == user_id)
    return session.exec(of_them.execution_options(populate_existing=True)).first()


def _require_another(session: Session, organisation_id: uuid.UUID, membership: Membership) -> None:
    """That the organisation has another administrator whose account is open, where this is one."""
    if accounts.HEAD not in membership.roles:
        return
    others = accounts.roles_of_others(session, organisation_id, membership.user_id)
    if not any(accounts.HEAD in roles for roles in others):
        raise Conflict("last-of-organisation")


def _belongs_elsewhere(session: Session, user_id: uuid.UUID, organisation_id: uuid.UUID) -> bool:
    others = select(Membership.roles).where(
        Membership.user_id == user_id, Membership.organisation_id != organisation_id
    )
    return any("delegate" not in roles for roles in session.exec(others))


def _holds(now: datetime) -> ColumnElement[bool]:
    return or_(col(Membership.until).is_(None), col(Membership.until) > now)
