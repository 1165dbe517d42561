"""Matches 匹配: kept equal to what fits, shown to the two sides, led through their states."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, or_, select

from market.db import insert_into
from market.errors import Conflict, NotFound
from market.models import LISTINGS, Demand, Listing, Match
from market.models.base import new_id
from market.outbox import JobName, enqueue
from market.services import notifications
from market.services.access import Principal, owns, require_owner, visible_to
from market.services.pairing import Fitting, Pair

_KEPT = 100  # matches of each kind that one listing's run may add: more would only bury the best

_MOVES = {
    "see": ({"new"}, "seen"),
    "interest": ({"new", "seen", "dismissed"}, "interested"),
    "dismiss": ({"new", "seen", "interested"}, "dismissed"),
}


def keep(
    session: Session,
    noun: str,
    identity: uuid.UUID,
    fitting: Fitting,
    *,
    notify_from: float,
    now: datetime,
) -> None:
    """Make the listing's matches equal to what fits: add, rescore, withdraw; enqueue notifications of those that
    newly reach `notify_from`. May be repeated. Pairs with a listing that has gone or closed meanwhile are
    left out: that listing's own job has withdrawn them, or will. Matches that the other side's job has added
    meanwhile stay: this side has not looked at them.
    """
    column = getattr(Match, f"{noun}_id")
    old = {
        (match.demand_id, match.offer_id): match
        for match in session.exec(select(Match).where(column == identity).with_for_update())
    }
    open_ids = _matchable(session, fitting.pairs)
    kept: set[tuple[uuid.UUID, uuid.UUID]] = set()
    news: list[str] = []
    added: dict[str, int] = {}
    for pair in fitting.pairs:
        key = (pair.demand_id, pair.offer_id)
        if not {pair.demand_id, pair.offer_id} <= open_ids:
            continue
        match = old.get(key)
        if match is None:
            added[pair.offer_noun] = added.get(pair.offer_noun, 0) + 1
            if added[pair.offer_noun] > _KEPT:
                continue
        kept.add(key)
        told_before = match is not None and match.active and match.score >= notify_from
        parts = [part.as_row() for part in pair.score.parts]
        if match is None:
            match_id = _add(session, pair, parts, now=now)
        else:
            match_id = match.id
            if (match.score, match.parts, match.active) != (pair.score.value, parts, True):
                match.score, match.parts, match.active, match.updated_at = pair.score.value, parts, True, now
        if pair.score.value >= notify_from and not told_before:
            news.append(str(match_id))
    for key, match in old.items():
        if match.active and key not in kept and fitting.partners.intersection(key):
            match.active, match.updated_at = False, now
    enqueue(session, JobName.NOTIFY, news, now=now)


def _add(session: Session, pair: Pair, parts: list[dict[str, Any]], *, now: datetime) -> uuid.UUID:
    """Insert; where the other side's job was faster, its row gets our score: both are the same."""
    row = {
        "id": new_id(),
        "created_at": now,
        "updated_at": now,
        "demand_id": pair.demand_id,
        "outcome_id": pair.offer_id if pair.offer_noun == "outcome" else None,
        "expert_id": pair.offer_id if pair.offer_noun == "expert" else None,
        "score": pair.score.value,
        "parts": parts,
        "active": True,
        "demand_state": "new",
        "offer_state": "new",
        "demand_reason": "",
        "offer_reason": "",
    }
    insert = insert_into(session, Match).values(row)
    statement = insert.on_conflict_do_update(
        index_elements=["demand_id", f"{pair.offer_noun}_id"],
        set_={"score": insert.excluded.score, "parts": insert.excluded.parts, "active": True},
    ).returning(Match.id)
    identity: uuid.UUID = session.execute(statement).scalar_one()
    return identity


def _matchable(session: Session, pairs: Sequence[Pair]) -> set[uuid.UUID]:
    """Those of the pairs' listings that are open at this moment."""
    wanted: dict[str, set[uuid.UUID]] = {}
    for pair in pairs:
        wanted.setdefault("demand", set()).add(pair.demand_id)
        wanted.setdefault(pair.offer_noun, set()).add(pair.offer_id)
    found: set[uuid.UUID] = set()
    for noun, ids in wanted.items():
        model = LISTINGS[noun]
        rows = select(model.id).where(col(model.id).in_(ids), col(model.state) == "published")
        if model is Demand:
            rows = rows.where(Demand.progress == "open")
        found.update(session.exec(rows))
    return found


def withdraw(session: Session, noun: str, identity: uuid.UUID, *, now: datetime) -> None:
    """End all matches of a listing that is no longer open. May be repeated."""
    column = getattr(Match, f"{noun}_id")
    for match in session.exec(select(Match).where(column == identity, col(Match.active))):
        match.active, match.updated_at = False, now


def tell(session: Session, identity: uuid.UUID, *, least: float, now: datetime) -> int:
    """Tell both sides of a match, if it still holds and neither has dismissed it. Repeating tells nobody twice."""
    match = session.get(Match, identity)
    if match is None or not match.active or match.dismissed or match.score < least:
        return 0
    demand = session.get(Demand, match.demand_id)
    offer = _offer(session, match)
    if demand is None or offer is None or not (demand.matchable and offer.matchable):
        return 0
    return notifications.tell_match(session, match, demand, offer, now=now)


def of_listing(
    session: Session,
    principal: Principal,
    model: type[Listing],
    identity: uuid.UUID,
    *,
    kind: str | None,
    state: str | None,
    after: tuple[float, uuid.UUID] | None,
    limit: int,
) -> list[tuple[Match, Listing]]:
    """The matches of one's own listing, best first, each with the listing on the other side.

    Dismissed ones only where `state` asks for them. `after` is the (score, id) of the page before.
    """
    listing = session.exec(select(model).where(model.id == identity, visible_to(model, principal))).first()
    if listing is None:
        raise NotFound(noun=model.NOUN, id=str(identity))
    if not principal.staff:
        require_owner(principal, listing)
    mine = col(Match.demand_state if model is Demand else Match.offer_state)
    rows = select(Match).where(getattr(Match, f"{model.NOUN}_id") == identity, col(Match.active))
    rows = rows.where(mine == state) if state else rows.where(mine != "dismissed")
    if kind == "outcome":
        rows = rows.where(col(Match.outcome_id).is_not(None))
    elif kind == "expert":
        rows = rows.where(col(Match.expert_id).is_not(None))
    if after is not None:
        score, last = after
        rows = rows.where(or_(col(Match.score) < score, (col(Match.score) == score) & (col(Match.id) < last)))
    found = session.exec(rows.order_by(col(Match.score).desc(), col(Match.id).desc()).limit(limit)).all()
    others = _others(session, principal, model, found)
    return [(match, others[match.id]) for match in found if match.id in others]


def _others(
    session: Session, principal: Principal, model: type[Listing], found: Sequence[Match]
) -> dict[uuid.UUID, Listing]:
    """The listing on the other side of each match, where the caller may see it; one query a kind."""
    wanted: dict[str, dict[uuid.UUID, uuid.UUID]] = {}
    for match in found:
        noun, identity = (match.offer_kind, match.offer_id) if model is Demand else ("demand", match.demand_id)
        wanted.setdefault(noun, {})[match.id] = identity
    others: dict[uuid.UUID, Listing] = {}
    for noun, by_match in wanted.items():
        other = LISTINGS[noun]
        rows = session.exec(select(other).where(col(other.id).in_(by_match.values()), visible_to(other, principal)))
        by_id = {row.id: row for row in rows}
        others.update({match: by_id[identity] for match, identity in by_match.items() if identity in by_id})
    return others


def act(
    session: Session,
    principal: Principal,
    identity: uuid.UUID,
    action: str,
    *,
    reason: str = "",
    now: datetime,
) -> tuple[Match, str, Listing]:
    """See, be interested in or dismiss a match, as the side the caller owns; gives that side's name and the
    other listing. Interest on both sides brings them in contact. Raises NotFound for a stranger.
    """
    match = session.exec(select(Match).where(Match.id == identity).with_for_update()).first()
    demand, offer, side = _sides(session, principal, match) if match else (None, None, None)
    if match is None or not match.active or demand is None or offer is None or side is None:
        raise NotFound(noun="match", id=str(identity))
    other = "offer" if side == "demand" else "demand"
    present, theirs = getattr(match, f"{side}_state"), getattr(match, f"{other}_state")
    sources, target = _MOVES[action]
    if action == "see" and present in {"seen", "interested", "dismissed", "in_contact", "closed"}:
        target = present  # it has been seen: seeing it again changes nothing
    elif present not in sources:
        raise Conflict("not-in-this-state", action=action, state=present)
    if target == "interested" and theirs == "interested":
        match.demand_state = match.offer_state = "in_contact"
    else:
        setattr(match, f"{side}_state", target)
    if action != "see":
        setattr(match, f"{side}_reason", reason)
    match.updated_at = now
    session.add(match)
    return match, side, offer if side == "demand" else demand


def _offer(session: Session, match: Match) -> Listing | None:
    offer: Listing | None = session.get(LISTINGS[match.offer_kind], match.offer_id)
    return offer


def _sides(session: Session, principal: Principal, match: Match) -> tuple[Demand | None, Listing | None, str | None]:
    demand = session.get(Demand, match.demand_id)
    offer = _offer(session, match)
    if demand is not None and owns(principal, demand):
        return demand, offer, "demand"
    if offer is not None and owns(principal, offer):
        return demand, offer, "offer"
    return demand, offer, None
