"""Matches 匹配: kept equal to what fits, told to the two sides, led through their states."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, or_, select

from market import metrics
from market.db import dialect_of, insert_into
from market.errors import Conflict, NotFound
from market.matching.score import Score
from market.models import LISTINGS, Demand, Listing, Match
from market.models.base import new_id
from market.models.matches import SIDES
from market.outbox import JobName, enqueue
from market.services.matching import flags, signing
from market.services.matching.pairing import Fitting, Pair
from market.services.rights.access import Principal, may
from market.services.search.indexing import Reference
from market.services.telling import notifications, telling
from market.services.telling.telling import News

Key = tuple[uuid.UUID, uuid.UUID]
"""A demand's id and an offer's."""

_SCORES = ("demand_score", "offer_score", "demand_parts", "offer_parts")

_MOVES = {
    "see": ({"new"}, "seen"),
    "interest": ({"new", "seen", "dismissed"}, "interested"),
    "dismiss": ({"new", "seen", "interested"}, "dismissed"),
}


def keep(
    session: Session,
    found: Mapping[Reference, Fitting],
    *,
    versions: Mapping[uuid.UUID, int],
    notify_from: float,
    margin: float = 0.0,
    improvement: float = 1.0,
    now: datetime,
) -> None:
    """Make the matches of these listings equal to what fits them: add, rescore, withdraw; enqueue notifications of
    those that newly reach `notify_from`, and do so by `margin` or more: what hardly changed is kept quiet; and of
    those that are better by `improvement` than when people were told of them. May be repeated. What copies its demand
    is flagged; what a reviewer has found to be a copy is no match. Pairs with a listing that has gone or closed
    meanwhile are left out: that listing's own job has withdrawn them, or will. Matches that the other side's job has
    added meanwhile stay: this side has not looked at them. `versions` are those of the signatures by which it was
    found out what fits: pairs with a listing that was signed anew meanwhile are left as they are, for that listing's
    own job, or what it has come to keep to itself would be told once more.
    """
    old = _matches_of(session, found)
    by_key = {_key(match): match for matches in old.values() for match in matches}
    pairs = [pair for fitting in found.values() for pair in fitting.pairs]
    open_ids = _matchable(session, pairs)
    # Asked once the matches are held: who signs a listing later has these changed later, too.
    moved = signing.moved(session, versions)
    refused = flags.refused(session, {pair.demand_id for pair in pairs})
    new: dict[Key, dict[str, Any]] = {}
    news: list[Key] = []
    copied: list[Pair] = []
    for reference, fitting in found.items():
        kept: set[Key] = set()
        for pair in fitting.pairs:
            key = (pair.demand_id, pair.offer_id)
            match = by_key.get(key)
            if key in refused or not open_ids.issuperset(key):
                continue
            kept.add(key)
            if not moved.isdisjoint(key):
                continue
            if pair.copied:
                copied.append(pair)
            limits = {"notify_from": notify_from, "margin": margin, "improvement": improvement}
            if any(_is_news(match, side, getattr(pair, side), **limits) for side in SIDES):
                news.append(key)
            if match is None:
                new[key] = _row(pair, now=now)
            else:
                _rescore(match, pair, now=now)
        for match in old[reference]:
            key = _key(match)
            if match.active and key not in kept and fitting.partners.intersection(key) and moved.isdisjoint(key):
                match.active, match.updated_at = False, now
    _leave_out_moved(session, new, versions)
    news = [key for key in news if key in new or key in by_key]
    ids = {key: match.id for key, match in by_key.items()} | _add(session, list(new.values()))
    for row in new.values():
        metrics.matches.labels("outcome" if row["outcome_id"] else "expert").inc()
    flags.mark(session, copied, now=now)
    enqueue(session, JobName.NOTIFY, [str(ids[key]) for key in news], now=now)


def _leave_out_moved(session: Session, new: dict[Key, Any], versions: Mapping[uuid.UUID, int]) -> None:
    """Drop the pairs of listings that are just being signed anew: what is not there yet cannot be held otherwise."""
    ends = {one for key in new for one in key}
    moved = signing.moved(session, {one: version for one, version in versions.items() if one in ends}, held=True)
    for key in [one for one in new if not moved.isdisjoint(one)]:
        del new[key]


def _is_news(
    match: Match | None, side: str, score: Score | None, *, notify_from: float, margin: float, improvement: float
) -> bool:
    """Whether this score is worth telling one side of, when the match stands as it does (None: there was none)."""
    if score is None:
        return False
    if match is None or not match.active:
        return score.value >= notify_from + margin
    told = match.told_of(side)
    if told is not None:
        return score.value >= told + improvement
    return score.value >= notify_from + margin and match.score_of(side) < notify_from


def _key(match: Match) -> Key:
    return match.demand_id, match.offer_id


def _matches_of(session: Session, references: Iterable[Reference]) -> dict[Reference, list[Match]]:
    """The matches of each listing, active or not, held until the transaction ends. All are held in one order, so that
    of two workers with the same ones, the one waits for the other and not both."""
    held: dict[Reference, list[Match]] = {reference: [] for reference in references}
    sides = [
        col(getattr(Match, f"{noun}_id")).in_([identity for one, identity in held if one == noun])
        for noun in LISTINGS
    ]
    for match in session.exec(select(Match).where(or_(*sides)).order_by(col(Match.id)).with_for_update()):
        for reference in (("demand", match.demand_id), (match.offer_kind, match.offer_id)):
            if reference in held:
                held[reference].append(match)
    return held


def _rescore(match: Match, pair: Pair, *, now: datetime) -> None:
    if not match.active:
        match.active, match.updated_at = True, now
    for name, value in _as_seen(pair).items():
        if getattr(match, name) != value:
            setattr(match, name, value)


def _as_seen(pair: Pair) -> dict[str, Any]:
    """The scores and their parts, as each side sees them."""
    parts = {
        side: [part.as_row() for part in score.parts] if (score := getattr(pair, side)) is not None else []
        for side in SIDES
    }
    return {
        "demand_score": pair.demand.value if pair.demand is not None else 0.0,
        "offer_score": pair.offer.value if pair.offer is not None else 0.0,
        "demand_parts": parts["demand"],
        "offer_parts": None if pair.offer == pair.demand else parts["offer"],
    }


def _row(pair: Pair, *, now: datetime) -> dict[str, Any]:
    return {
        "id": new_id(),
        "created_at": now,
        "updated_at": now,
        "demand_id": pair.demand_id,
        "outcome_id": pair.offer_id if pair.offer_noun == "outcome" else None,
        "expert_id": pair.offer_id if pair.offer_noun == "expert" else None,
        **_as_seen(pair),
        "active": True,
        "demand_state": "new",
        "offer_state": "new",
        "demand_reason": "",
        "offer_reason": "",
    }


def _add(session: Session, rows: Sequence[dict[str, Any]]) -> dict[Key, uuid.UUID]:
    """Insert; where the other side's job was faster, its row gets our score: both are the same. Gives the ids."""
    ids: dict[Key, uuid.UUID] = {}
    for offer in ("outcome_id", "expert_id"):
        # In order, for the same reason as above.
        mine = sorted((row for row in rows if row[offer] is not None), key=lambda row: (row["demand_id"], row[offer]))
        if not mine:
            continue
        insert = insert_into(dialect_of(session), Match)
        upsert = insert.on_conflict_do_update(
            index_elements=["demand_id", offer],
            set_={name: insert.excluded[name] for name in (*_SCORES, "active")},
        ).returning(Match.id, Match.demand_id, getattr(Match, offer))
        for identity, demand_id, offer_id in session.connection().execute(upsert, mine):
            ids[demand_id, offer_id] = identity
    return ids


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


def withdraw(session: Session, references: Sequence[Reference], *, now: datetime) -> None:
    """End all matches of listings that are no longer open. May be repeated."""
    for matches in _matches_of(session, references).values():
        for match in matches:
            if match.active:
                match.active, match.updated_at = False, now


def tell(session: Session, ids: Iterable[uuid.UUID], *, least: float, improvement: float, now: datetime) -> int:
    """Tell the sides of each match that still holds, that neither has dismissed and for which no flag waits to be
    looked at: that it was found, or that it is better by `improvement` than when they were told. A side for which it
    does not reach `least` hears of it when the other is interested. Repeating tells nobody twice."""
    news: list[News] = []
    enough = or_(col(Match.demand_score) >= least, col(Match.offer_score) >= least)
    rows = select(Match).where(col(Match.id).in_(list(ids)), col(Match.active), enough)
    for match in session.exec(rows.order_by(col(Match.id)).with_for_update()):
        if match.dismissed:
            continue
        demand = session.get(Demand, match.demand_id)
        offer = _offer(session, match)
        if demand is None or offer is None or not (demand.matchable and offer.matchable):
            continue
        if flags.unresolved(session, match.demand_id, match.offer_id):
            continue
        for side, mine, other in (("demand", demand, offer), ("offer", offer, demand)):
            score, told = match.score_of(side), match.told_of(side)
            if score < least:
                continue
            improved = told is not None and score >= told + improvement
            kind = "match_improved" if improved else "match_found"
            news.extend(notifications.news_of_match(session, match, side, mine, other, kind))
            if improved or told is None:
                setattr(match, f"{side}_told", score)
    return telling.tell(session, news, now=now)


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
    # It may be about to end: the other listing has gone out of sight, and the job that sees to that waits.
    if not (match.shown_to(side) and may(principal, "listing.read", offer if side == "demand" else demand)):
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
    mine, theirs = (demand, offer) if side == "demand" else (offer, demand)
    if action == "interest":
        notifications.tell_interest(session, match, mine, theirs, now=now)
    return match, side, theirs


def _offer(session: Session, match: Match) -> Listing | None:
    offer: Listing | None = session.get(LISTINGS[match.offer_kind], match.offer_id)
    return offer


def _sides(session: Session, principal: Principal, match: Match) -> tuple[Demand | None, Listing | None, str | None]:
    demand = session.get(Demand, match.demand_id)
    offer = _offer(session, match)
    if demand is not None and may(principal, "match.act", demand):
        return demand, offer, "demand"
    if offer is not None and may(principal, "match.act", offer):
        return demand, offer, "offer"
    return demand, offer, None
