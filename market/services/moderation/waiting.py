"""What waits for a reviewer 待审: the queue of open reviews, and how long it is. Reads only."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_
from sqlmodel import Session, col, func, or_, select

from market.models import LISTINGS, Flag, Listing, Report, Review, User
from market.services.listings import reviews
from market.services.rights.access import Principal, admit, may

_SHARES = (("half", 0.5), ("nine_tenths", 0.9))
_LATELY = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Asked:
    """Which reviews; what is None does not narrow. `assigned` is a person, or "none"."""

    noun: str | None = None
    assigned: uuid.UUID | str | None = None
    organisation: uuid.UUID | None = None
    older_than_hours: int | None = None
    newest_first: bool = False


@dataclass(frozen=True, slots=True)
class Waiting:
    """An open review with what a reviewer wants to know before looking. `assigned` is who looks at it, as far as that
    counts for the caller; `again`: it was submitted before; `first`: it has never been published."""

    review: Review
    listing: Listing
    assigned: User | None
    again: bool
    flags: int
    reports: int
    may_decide: bool

    @property
    def first(self) -> bool:
        return self.listing.published_at is None


def queue(
    session: Session, actor: Principal, asked: Asked, *, after: uuid.UUID | None, limit: int, now: datetime
) -> list[Waiting]:
    """Open reviews from after the id `after`, in the order asked for; a few queries, however many they are."""
    admit(actor, "moderation.queue")
    rows = select(Review).where(Review.decision == "", *_narrowed(actor, asked, now=now))
    order = col(Review.id)
    if after is not None:
        rows = rows.where(order < after if asked.newest_first else order > after)
    found = session.exec(rows.order_by(order.desc() if asked.newest_first else order).limit(limit)).all()
    return _with_all(session, actor, found, now=now)


def _narrowed(actor: Principal, asked: Asked, *, now: datetime) -> list[ColumnElement[bool]]:
    clauses: list[ColumnElement[bool]] = []
    if asked.noun is not None:
        clauses.append(col(Review.noun) == asked.noun)
    if asked.organisation is not None:
        clauses.append(col(Review.organisation_id) == asked.organisation)
    if asked.older_than_hours is not None:
        clauses.append(col(Review.created_at) <= now - timedelta(hours=asked.older_than_hours))
    if asked.assigned is not None:
        clauses.append(_assigned(actor, asked.assigned, now=now))
    return clauses


def _assigned(actor: Principal, whom: uuid.UUID | str, *, now: datetime) -> ColumnElement[bool]:
    to, lapsed = col(Review.assigned_to), col(Review.assigned_at) <= now - reviews.ASSIGNED_FOR
    if whom == "none":
        return or_(to.is_(None), and_(lapsed, to != actor.user_id))
    if whom == actor.user_id:
        return to == whom
    return and_(to == whom, ~lapsed)


def _with_all(session: Session, actor: Principal, found: Sequence[Review], *, now: datetime) -> list[Waiting]:
    ids = [one.listing_id for one in found]
    known = _listings(session, found)
    assigned = {one.assigned_to for one in found if one.assigned_to is not None}
    people = {one.id: one for one in session.exec(select(User).where(col(User.id).in_(assigned)))} if assigned else {}
    again = _counted(session, Review, ids, col(Review.decision) != "")
    flagged = _counted(session, Flag, ids, col(Flag.verdict) == "")
    reported = _counted(session, Report, ids, col(Report.verdict) == "")
    shown: list[Waiting] = []
    for one in found:
        listing = known.get(one.listing_id)
        if listing is None:
            continue
        mine = one.assigned_to == actor.user_id
        counts = one.assigned_to is not None and (mine or reviews.stands(one.assigned_at, now=now))
        shown.append(
            Waiting(
                one,
                listing,
                people.get(one.assigned_to) if counts and one.assigned_to else None,
                again=one.listing_id in again,
                flags=flagged.get(one.listing_id, 0),
                reports=reported.get(one.listing_id, 0),
                may_decide=may(actor, "listing.moderate", listing),
            )
        )
    return shown


def _listings(session: Session, found: Sequence[Review]) -> dict[uuid.UUID, Listing]:
    """One query a kind."""
    known: dict[uuid.UUID, Listing] = {}
    for noun, model in LISTINGS.items():
        ids = [one.listing_id for one in found if one.noun == noun]
        if ids:
            known.update({row.id: row for row in session.exec(select(model).where(col(model.id).in_(ids)))})
    return known


def _counted(
    session: Session, model: Any, ids: Collection[uuid.UUID], which: ColumnElement[bool]
) -> dict[uuid.UUID, int]:
    """How many rows each listing has."""
    if not ids:
        return {}
    rows = select(model.listing_id, func.count()).where(col(model.listing_id).in_(ids), which)
    return {identity: int(number) for identity, number in session.execute(rows.group_by(model.listing_id))}


def one(session: Session, actor: Principal, review: Review, *, now: datetime) -> Waiting:
    """The same of a single review."""
    [shown] = _with_all(session, actor, [review], now=now)
    return shown


def summary(session: Session, actor: Principal, *, now: datetime) -> Mapping[str, Any]:
    """How much waits, how long it has (in seconds), and what was decided in seven days."""
    admit(actor, "moderation.queue")
    waiting = col(Review.decision) == ""
    by_noun = dict.fromkeys(LISTINGS, 0)
    by_noun |= dict(
        session.execute(select(Review.noun, func.count()).where(waiting).group_by(col(Review.noun))).all()
    )
    total = sum(by_noun.values())
    lately = col(Review.decided_at) > now - _LATELY
    decided = select(Review.decision, func.count()).where(~waiting, lately).group_by(col(Review.decision))
    return {
        "waiting": total,
        "by_type": by_noun,
        "assigned": _number(session, Review, waiting, col(Review.assigned_at) > now - reviews.ASSIGNED_FOR),
        "age": _ages(session, total, now=now),
        "open_flags": _number(session, Flag, col(Flag.verdict) == ""),
        "open_reports": _number(session, Report, col(Report.verdict) == ""),
        "decided": {decision: int(number) for decision, number in session.execute(decided)},
    }


def _number(session: Session, model: Any, *which: ColumnElement[bool]) -> int:
    return int(session.execute(select(func.count()).select_from(model).where(*which)).scalar_one())


def _ages(session: Session, total: int, *, now: datetime) -> dict[str, int | None]:
    """How long half, nine tenths and all of them have waited at most: their places in the order are known, so that
    three rows are read and not all."""
    newest_first = select(Review.created_at).where(Review.decision == "").order_by(col(Review.id).desc())
    ages: dict[str, int | None] = {}
    for name, share in (*_SHARES, ("oldest", 1.0)):
        place = max(0, min(total - 1, int(total * share)))
        moment = session.exec(newest_first.offset(place).limit(1)).first()
        ages[name] = None if moment is None else max(0, int((now - moment).total_seconds()))
    return ages
