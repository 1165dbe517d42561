"""Matches of listings, what a side does with them, and /match for a text that is not stored."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from market.api import paging
from market.api.calls import Call
from market.api.doors import Answer, Door
from market.api.examples import matching as examples
from market.api.presenting import PRESENTERS
from market.matching import diversity, reasons
from market.models import LISTINGS, Demand, Listing, Match
from market.services.matching import matches, pairing, showing
from market.services.matching.showing import Place
from market.services.telling import matched
from schemas.answers import Dismissal, MatchPage, MatchRead, Nothing, TextMatches
from schemas.queries import MatchQuery, TextMatch

_SPARE = 30  # found beyond the limit, for those of one organisation that wait behind others

door = Door("matches", __name__, url_prefix="/api/v1", description="Matches 匹配")


def _of_listing(noun: str) -> None:
    model: Any = LISTINGS[noun]

    @door.route_to(
        "GET", f"/{noun}s/<uuid:identity>/matches", action="match.list", query=MatchQuery,
        answer=MatchPage, example=examples.MATCHES, name=f"list_{noun}_matches",
        summary=f"What fits this {noun}, best first, with the reasons; for its owner",
    )  # fmt: skip
    def listed(call: Call, identity: uuid.UUID, query: dict[str, Any]) -> Answer:
        position = paging.decode(query.get("cursor"))
        found, following = showing.of_listing(
            call.session,
            call.principal,
            model,
            identity,
            kind=query.get("kind"),
            state=query.get("state"),
            place=_place(*position) if position else None,
            limit=query["limit"],
        )
        cursor = paging.encode(_position(following)) if following else None
        side = "demand" if model is Demand else "offer"
        as_they_are = matched.as_they_are(call.session, [other for _, other in found if other is not None])
        items = [
            _shown(call, match, side, other, told=other.id in as_they_are)
            for match, other in found
            if other is not None
        ]
        return Answer({"items": items, "next": cursor}, next_cursor=cursor)


for _noun in LISTINGS:
    _of_listing(_noun)


def _position(place: Place) -> list[Any]:
    """A place in a list, as its cursor holds it."""
    after = [place.after[0], place.after[1].hex] if place.after else None
    return [[identity.hex for identity in place.first], place.shown, after]


def _place(first: list[str], shown: int, after: list[Any] | None) -> Place:
    return Place(
        tuple(uuid.UUID(one) for one in first), shown, (after[0], uuid.UUID(after[1])) if after is not None else None
    )


@door.route_to(
    "POST", "/matches/<uuid:identity>/actions/see", action="match.act", body=Nothing, body_example={},
    answer=MatchRead, example=examples.MATCH,
)  # fmt: skip
def see_match(call: Call, identity: uuid.UUID, body: dict[str, Any]) -> Answer:  # noqa: ARG001
    """Note that it has been seen."""
    return _act(call, identity, "see")


@door.route_to(
    "POST", "/matches/<uuid:identity>/actions/interest", action="match.act", body=Nothing, body_example={},
    answer=MatchRead, example=examples.MATCH,
)  # fmt: skip
def express_interest(call: Call, identity: uuid.UUID, body: dict[str, Any]) -> Answer:  # noqa: ARG001
    """Say that you are interested. When both sides are, they are in contact."""
    return _act(call, identity, "interest")


@door.route_to(
    "POST", "/matches/<uuid:identity>/actions/dismiss", action="match.act", body=Dismissal,
    body_example={"reason": "wrong_field"}, answer=MatchRead, example=examples.MATCH,
)  # fmt: skip
def dismiss_match(call: Call, identity: uuid.UUID, body: dict[str, Any]) -> Answer:
    """Turn it down, with a reason that is remembered. The pair stays quiet from then on."""
    return _act(call, identity, "dismiss", body["reason"])


def _act(call: Call, identity: uuid.UUID, action: str, reason: str = "") -> Answer:
    match, side, other = matches.act(
        call.session, call.principal, identity, action, reason=reason, now=call.runtime.clock()
    )
    told = other.id in matched.as_they_are(call.session, [other])
    return Answer(_shown(call, match, side, other, told=told))


@door.route_to(
    "POST", "/match", action="match.text", body=TextMatch, body_example=examples.TEXT_MATCH,
    answer=TextMatches, example=examples.TEXT_MATCHES, only_reads=True,
)  # fmt: skip
def match_text(call: Call, body: dict[str, Any]) -> Answer:
    """Match a text that is not stored: a need against outcomes or experts, an offer against demands."""
    asked = {**body, "limit": body["limit"] + _SPARE}
    found = pairing.of_text(call.runtime.finder(call.session), call.runtime.embedder, call.principal, asked)
    # Whose a listing is counts only where everybody may know it.
    owners = [shown.id if (shown := listing.public_organisation) else None for _, listing in found]
    found = [found[place] for place in diversity.spread(owners)[: body["limit"]]]
    items = [
        {
            "type": listing.NOUN,
            "score": pair.score.value,
            **_reasons([part.as_row() for part in pair.score.parts], call.language),
            "listing": PRESENTERS[listing.NOUN].summary(listing),
        }
        for pair, listing in found
    ]
    by_meaning = any(part.name == "meaning" for pair, _ in found for part in pair.score.parts)
    return Answer({"items": items, "meaning_compared": by_meaning})


def _shown(call: Call, match: Match, side: str, other: Listing, *, told: bool) -> dict[str, Any]:
    """The match as one side sees it; of the other side's state only what concerns us both. Reasons only if `told`:
    those stored may say what the other side has come to keep to itself."""
    theirs = match.offer_state if side == "demand" else match.demand_state
    return {
        "id": match.id,
        "score": match.score_of(side),
        **(_reasons(match.parts_of(side), call.language) if told else _awaited(call.language)),
        "type": other.NOUN,
        "listing": PRESENTERS[other.NOUN].summary(other),
        "state": match.demand_state if side == "demand" else match.offer_state,
        "other_state": theirs if theirs in {"interested", "in_contact"} else "",
        "reason": match.demand_reason if side == "demand" else match.offer_reason,
        "created_at": match.created_at,
        "updated_at": match.updated_at,
    }


def _awaited(language: str) -> dict[str, Any]:
    return {"sentence": reasons.AWAITED[language != "zh"], "reasons": []}


def _reasons(parts: Sequence[Mapping[str, Any]], language: str) -> dict[str, Any]:
    return {
        "sentence": reasons.sentence(parts, language),
        "reasons": [
            {
                "name": part["name"],
                "label": reasons.label(part["name"], language),
                "score": round(part["score"], 4),
                "weight": part["weight"],
                "contribution": part["contribution"],
                "evidence": reasons.evidence(part, language),
            }
            for part in parts
        ],
    }
