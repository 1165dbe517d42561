"""Flags 标记: listings that copy a demand word for word are noted for a reviewer, whose verdict holds from then."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlmodel import Session, col, or_, select

from market.db import dialect_of, insert_into
from market.errors import Conflict, NotFound
from market.models import LISTINGS, Demand, Expert, Flag, Listing, Match, Outcome
from market.models.base import new_id
from market.outbox import JobName, enqueue
from market.services.matching.pairing import Pair
from market.services.rights.access import Principal, admit
from market.services.trail import audit

_COPIED = "copied_demand"


def mark(session: Session, copies: Iterable[Pair], *, now: datetime) -> None:
    """Flag offers whose own text is the demand's. What was flagged before stays as it is, resolved or not."""
    pairs = sorted({(pair.demand_id, pair.offer_id, pair.offer_noun) for pair in copies})
    rows = [
        {
            "id": new_id(),
            "created_at": now,
            "noun": noun,
            "listing_id": offer,
            "kind": _COPIED,
            "about": demand,
            "verdict": "",
        }
        for demand, offer, noun in pairs
    ]
    if rows:
        insert = insert_into(dialect_of(session), Flag)
        known = ["about", "listing_id", "kind"]
        session.execute(insert.on_conflict_do_nothing(index_elements=known), rows)


def refused(session: Session, demands: Iterable[uuid.UUID]) -> set[tuple[uuid.UUID, uuid.UUID]]:
    """The (demand, offer) pairs of these demands that a reviewer has found to be copies: they are no matches, also
    where a word has been changed since."""
    rows = select(Flag.about, Flag.listing_id).where(col(Flag.about).in_(demands), Flag.verdict == "copied")
    return {(demand, offer) for demand, offer in session.execute(rows)}


def unresolved(session: Session, demand: uuid.UUID, offer: uuid.UUID) -> bool:
    """Whether a reviewer has still to look at this pair."""
    rows = select(Flag.id).where(Flag.about == demand, Flag.listing_id == offer, Flag.verdict == "")
    return session.exec(rows.limit(1)).first() is not None


def listed(
    session: Session, actor: Principal, *, resolved: bool, after: uuid.UUID | None, limit: int
) -> list[tuple[Flag, Listing, Listing]]:
    """Flags with the listing and the demand they are about, the oldest first, from after the id `after`; those of
    listings that are gone are left out."""
    admit(actor, "moderation.queue")
    exists = or_(*(col(Flag.listing_id).in_(select(model.id)) for model in (Outcome, Expert)))
    rows = select(Flag).where(exists, Flag.verdict != "" if resolved else Flag.verdict == "")
    if after is not None:
        rows = rows.where(col(Flag.id) > after)
    found = session.exec(rows.order_by(col(Flag.id)).limit(limit)).all()
    listings = _listings(session, found)
    return [(flag, listings[flag.listing_id], listings[flag.about]) for flag in found]


def _listings(session: Session, flags: Sequence[Flag]) -> dict[uuid.UUID, Listing]:
    """The flagged listings and the demands they are about, by id; one query a kind."""
    ids = {flag.listing_id for flag in flags} | {flag.about for flag in flags}
    found: dict[uuid.UUID, Listing] = {}
    for model in LISTINGS.values():
        found.update({row.id: row for row in session.exec(select(model).where(col(model.id).in_(ids)))})
    return found


def resolve(
    session: Session, actor: Principal, identity: uuid.UUID, verdict: str, *, now: datetime
) -> tuple[Flag, Listing, Listing]:
    """Say what a flagged listing is: harmless, then its match holds and is told; copied, then it is no match from now
    on. The verdict may be changed for the other one. Raises NotFound, and Conflict where it is so already.
    """
    admit(actor, "moderation.queue")
    flag = session.exec(select(Flag).where(Flag.id == identity).with_for_update()).first()
    listing: Listing | None = session.get(LISTINGS[flag.noun], flag.listing_id) if flag else None
    if flag is None or listing is None:
        raise NotFound(noun="flag", id=str(identity))
    if flag.verdict == verdict:
        raise Conflict("not-in-this-state", action="resolve", state=verdict)
    flag.verdict, flag.resolved_at, flag.resolved_by = verdict, now, actor.user_id
    session.add(flag)
    offer = col(Match.outcome_id if flag.noun == "outcome" else Match.expert_id)
    pair = select(Match).where(Match.demand_id == flag.about, offer == flag.listing_id)
    match = session.exec(pair.with_for_update()).first()
    if match is not None and verdict == "copied" and match.active:
        match.active, match.updated_at = False, now
    if verdict == "harmless":
        enqueue(session, JobName.NOTIFY, [str(match.id)] if match else [], now=now)
        enqueue(session, JobName.MATCH, [f"{flag.noun}:{flag.listing_id}"], now=now)  # it may have been refused
    audit.record(session, actor, "resolve_flag", listing, now=now, verdict=verdict, about=str(flag.about))
    return flag, listing, session.get_one(Demand, flag.about)
