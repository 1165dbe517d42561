"""Cases 对接任务: a listing that a broker 技术经理人 looks after, seen in every state until the case is closed."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, false, or_, true
from sqlmodel import Session, col, select

from market.db import take_turn
from market.errors import Conflict, Forbidden, Invalid, NotFound
from market.models import LISTINGS, Case, Listing, User
from market.rights import rules_of
from market.services.claims import ending
from market.services.listings import listings
from market.services.rights import people
from market.services.rights.access import Principal, Relation, allowed, require, visible_to
from market.services.telling.telling import News, tell
from market.services.trail import audit
from schemas.messages import Message

NO_BROKER = Message(
    "Nobody who is broker of the organisation, or of the exchange.", "此人不是该机构或平台的技术经理人。"
)
_BROKER = "broker"


@dataclass(frozen=True, slots=True)
class Shown:
    """A case with its listing, None where that is gone or not for the caller to see, and the broker. `because`: why
    it was closed, where nobody closed it."""

    case: Case
    listing: Listing | None
    broker: User | None
    may_close: bool
    because: str


def assign(
    session: Session,
    actor: Principal,
    model: type[Listing],
    identity: uuid.UUID,
    broker_id: uuid.UUID,
    note: str,
    *,
    now: datetime,
) -> Shown:
    """Have a broker look after a listing; they are told. Raises NotFound, Forbidden, Invalid for whoever is no broker
    there, and Conflict where they look after it already."""
    listing = listings.get_to_change(session, actor, model, identity, version=None)
    require(actor, "case.assign", listing)
    take_turn(session, "case", str(identity), str(broker_id))
    broker = session.get(User, broker_id)
    if broker is None or not _is_broker(session, broker, listing):
        raise Invalid({"/broker": [NO_BROKER]})
    same = Case.listing_id == identity, Case.broker_id == broker_id, col(Case.closed_at).is_(None)
    if session.exec(select(Case.id).where(*same)).first() is not None:
        raise Conflict("case-open-already")
    case = Case(
        noun=model.NOUN, listing_id=identity, broker_id=broker_id, assigned_by=actor.user_id, note=note,
        created_at=now,
    )  # fmt: skip
    session.add(case)
    session.flush()
    audit.record(session, actor, "assign", ("case", case.id), now=now, listing=str(identity), broker=str(broker_id))
    if broker_id != actor.user_id:
        tell(session, [News(broker, "case_assigned", f"case_assigned:{case.id}", listing)], now=now)
    return _beside(session, actor, [case])[0]


def _is_broker(session: Session, user: User, listing: Listing) -> bool:
    there = people.members(session, listing.organisation_id, frozenset({_BROKER}))
    return user.active and (_BROKER in user.roles or user.id in {one.id for one in there})


def get(session: Session, actor: Principal, identity: uuid.UUID) -> Shown:
    """A case of the caller's own, or of their organisation's as its administrator. Raises NotFound else."""
    case = session.exec(select(Case).where(Case.id == identity, _readable(actor))).first()
    if case is None:
        raise NotFound(noun="case", id=str(identity))
    return _beside(session, actor, [case])[0]


def listed(
    session: Session,
    actor: Principal,
    *,
    state: str,
    listing_id: uuid.UUID | None,
    before: uuid.UUID | None,
    limit: int,
) -> list[Shown]:
    """The cases that the caller may read, newest first, from before the id `before`; `state` is open, closed or
    empty for both."""
    rows = select(Case).where(_readable(actor))
    if state:
        rows = rows.where(col(Case.closed_at).is_(None) if state == "open" else col(Case.closed_at).is_not(None))
    if listing_id is not None:
        rows = rows.where(Case.listing_id == listing_id)
    if before is not None:
        rows = rows.where(col(Case.id) < before)
    return _beside(session, actor, session.exec(rows.order_by(col(Case.id).desc()).limit(limit)).all())


def close(session: Session, actor: Principal, identity: uuid.UUID, *, now: datetime) -> Shown:
    """End a case: from the next request on its broker is a stranger to the listing. Raises NotFound, Forbidden, and
    Conflict where it is closed."""
    row = select(Case).where(Case.id == identity, _readable(actor)).with_for_update()
    case = session.exec(row.execution_options(populate_existing=True)).first()
    if case is None:
        raise NotFound(noun="case", id=str(identity))
    if not _may_close(actor, case, _listing(session, case)):
        raise Forbidden
    if case.closed_at is not None:
        raise Conflict("not-in-this-state", action="close", state="closed")
    case.closed_at = now
    session.add(case)
    audit.record(session, actor, "close", ("case", case.id), now=now, listing=str(case.listing_id))
    return _beside(session, actor, [case])[0]


def _may_close(actor: Principal, case: Case, listing: Listing | None) -> bool:
    house = listing.organisation_id if listing is not None else None
    mine = case.broker_id == actor.user_id
    return allowed(actor, "case.close", Relation(organisation_id=house, assigned=mine))


def _readable(actor: Principal) -> ColumnElement[bool]:
    """The cases that the table lets this caller read. A broker's own count only while they count for anything."""
    if allowed(actor, "case.read", Relation()):
        return true()
    clauses: list[ColumnElement[bool]] = [false()]
    if allowed(actor, "case.read", Relation(assigned=True)):
        closed = col(Case.closed_at).is_not(None)
        clauses.append(and_(col(Case.broker_id) == actor.user_id, or_(closed, col(Case.listing_id).in_(actor.cases))))
    houses = actor.organisations_as(frozenset().union(*(one.organisation.roles for one in rules_of("case.read"))))
    if houses:
        for noun, model in LISTINGS.items():
            ids = select(model.id).where(col(model.organisation_id).in_(sorted(houses)))
            clauses.append(and_(col(Case.noun) == noun, col(Case.listing_id).in_(ids)))
    return or_(*clauses)


def _listing(session: Session, case: Case) -> Listing | None:
    found: Listing | None = session.get(LISTINGS[case.noun], case.listing_id)
    return found


def _beside(session: Session, actor: Principal, cases: Sequence[Case]) -> list[Shown]:
    """With listings and brokers, one query a kind."""
    known: dict[uuid.UUID, Listing] = {}
    seen: set[uuid.UUID] = set()
    for noun, model in LISTINGS.items():
        ids = {case.listing_id for case in cases if case.noun == noun}
        if ids:
            rows = select(model, visible_to(model, actor)).where(col(model.id).in_(ids))
            for listing, visible in session.exec(rows):
                known[listing.id] = listing
                seen |= {listing.id} if visible else set()
    who = {case.broker_id for case in cases}
    brokers = {one.id: one for one in session.exec(select(User).where(col(User.id).in_(who)))}
    because = ending.reasons(session, "case", [case.id for case in cases if case.closed_at is not None])
    return [
        Shown(
            case,
            known.get(case.listing_id) if case.listing_id in seen else None,
            brokers.get(case.broker_id),
            case.closed_at is None and _may_close(actor, case, known.get(case.listing_id)),
            because.get(case.id, ""),
        )
        for case in cases
    ]
