"""The matches of one's own listing, page by page."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, col, or_, select

from market.errors import NotFound
from market.matching import diversity
from market.models import LISTINGS, Demand, Listing, Match
from market.models.matches import SOUGHT
from market.services.rights.access import Principal, require, visible_to


@dataclass(frozen=True, slots=True)
class Place:
    """How far a list has been read: the ids that come first, how many of them were shown, and the (score, id) of the
    last one after them."""

    first: tuple[uuid.UUID, ...]
    shown: int = 0
    after: tuple[float, uuid.UUID] | None = None


def of_listing(
    session: Session,
    principal: Principal,
    model: type[Listing],
    identity: uuid.UUID,
    *,
    kind: str | None,
    state: str | None,
    place: Place | None,
    limit: int,
) -> tuple[list[tuple[Match, Listing | None]], Place | None]:
    """The matches of one's own listing, each with the listing on the other side, or None where that has gone out of
    sight and the match is about to end; and where the next page goes on, None at the end.

    Best first, but that one organisation cannot fill the first ten. Which ten those are depends on all matches: the
    first page reads them, some hundreds at most, and the place keeps the ten. All others follow by score and id. So
    what is dismissed or scored anew between two pages moves nothing else, as it would if pages were counted.
    Dismissed ones only where `state` asks for them.
    """
    listing = session.exec(select(model).where(model.id == identity, visible_to(model, principal))).first()
    if listing is None:
        raise NotFound(noun=model.NOUN, id=str(identity))
    require(principal, "match.list", listing)
    side = "demand" if model is Demand else "offer"
    mine, score = col(getattr(Match, f"{side}_state")), col(getattr(Match, f"{side}_score"))
    sought = or_(col(Match.demand_state).in_(SOUGHT), col(Match.offer_state).in_(SOUGHT))
    rows = select(Match).where(getattr(Match, f"{model.NOUN}_id") == identity, col(Match.active))
    rows = rows.where(or_(score > 0, sought))  # as Match.shown_to
    rows = rows.where(mine == state) if state else rows.where(mine != "dismissed")
    if kind == "outcome":
        rows = rows.where(col(Match.outcome_id).is_not(None))
    elif kind == "expert":
        rows = rows.where(col(Match.expert_id).is_not(None))
    if place is None:
        place = Place(_first(session, model, rows, score))
    found, following = _page(session, rows, score, place, limit)
    others = _others(session, principal, model, found)
    return [(match, others.get(match.id)) for match in found], following


def _page(session: Session, rows: Any, by: Any, place: Place, limit: int) -> tuple[list[Match], Place | None]:
    """Up to `limit` matches from a place on, fewer where some of the first are gone since; and the next place."""
    ids = place.first[place.shown : place.shown + limit]
    first = {match.id: match for match in session.exec(rows.where(col(Match.id).in_(ids)))}
    rest = rows.where(col(Match.id).not_in(place.first))
    if place.after is not None:
        score, last = place.after
        rest = rest.where(or_(by < score, (by == score) & (col(Match.id) < last)))
    room = limit - len(ids)
    following = session.exec(rest.order_by(by.desc(), col(Match.id).desc()).limit(room + 1)).all()
    page = [*(first[one] for one in ids if one in first), *following[:room]]
    shown = place.shown + len(ids)
    if shown == len(place.first) and len(following) <= room:
        return page, None
    last_one = following[room - 1] if room and following else None
    after = place.after if last_one is None else (getattr(last_one, by.key), last_one.id)
    return page, Place(place.first, shown, after)


def _first(session: Session, model: type[Listing], rows: Any, by: Any) -> tuple[uuid.UUID, ...]:
    """The ids of the matches that come first. Whose a listing is counts only where everybody may know it."""
    columns = (Match.id, Match.demand_id, Match.outcome_id, Match.expert_id)
    found = session.execute(rows.with_only_columns(*columns).order_by(by.desc(), col(Match.id).desc())).all()
    nouns = ("outcome", "expert") if model is Demand else ("demand",)
    others = {row.id: row.demand_id if model is not Demand else row.outcome_id or row.expert_id for row in found}
    owners: dict[uuid.UUID, uuid.UUID] = {}
    for noun in nouns:
        other = LISTINGS[noun]
        whose = select(other.id, other.organisation_id).where(col(other.id).in_(others.values()))
        told = whose.where(~col(Demand.organisation_masked)) if other is Demand else whose
        owners.update(session.execute(told).all())
    order = diversity.spread([owners.get(others[row.id]) for row in found])
    return tuple(found[place].id for place in order[: diversity.FIRST])


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
