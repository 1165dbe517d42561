"""The routes that outcomes, experts and demands have alike, made once for each noun."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from marshmallow import Schema

from market.api import paging
from market.api.calls import Call
from market.api.doors import Answer, Door
from market.api.examples import listings as examples
from market.api.presenting import PRESENTERS, shown_to
from market.errors import NotFound
from market.models import LISTINGS, Listing
from market.services.listings import listings
from market.services.listings.lives import LISTING_ACTIONS, Transition
from market.services.moderation import merging
from market.services.rights import people
from market.services.search import searching
from market.vocabulary import VOCABULARIES, vocabulary
from schemas.answers import Extension, Nothing, SearchPage
from schemas.moderation import Approval, Rejection, Return, Suspension


@dataclass(frozen=True, slots=True)
class Noun:
    """What differs between the three: the schemas."""

    name: str
    create: type[Schema]
    update: type[Schema]
    read: type[Schema]
    query: type[Schema]

    @property
    def plural(self) -> str:
        """As in the address."""
        return f"{self.name}s"


_ACTIONS: Mapping[str, tuple[type[Schema], str]] = {
    "submit": (Nothing, "Ask for publication; a trusted organisation's is published at once"),
    "approve": (Approval, "Publish what was submitted"),
    "reject": (Rejection, "Refuse what was submitted, with a reason"),
    "return": (Return, "Ask for changes: it goes back to its owner as a draft"),
    "withdraw": (Nothing, "Take it out of the public's sight"),
    "suspend": (Suspension, "Take it down, with a reason"),
    "restore": (Nothing, "Show again what was suspended"),
    "close": (Nothing, "End it for good"),
    "extend": (Extension, "Move its last day, once"),
    # a demand's
    "negotiate": (Nothing, "In negotiation: no new matches meanwhile"),
    "reopen": (Nothing, "Open to offers again"),
    "award": (Nothing, "Awarded to somebody"),
    "solve": (Nothing, "Solved"),
    "fail": (Nothing, "Failed"),
    "cancel": (Nothing, "No longer wanted"),
}


_AS_SEEN = frozenset({"approve", "restore"})
"""What makes public names the version that its reviewer has read: its owner may change it meanwhile."""


def serve(door: Door, noun: Noun, *, life: Mapping[str, Transition] = LISTING_ACTIONS) -> None:
    """Add the routes of one noun to its door."""
    model: Any = LISTINGS[noun.name]
    shown = examples.READ[noun.name]

    def answer(call: Call, listing: Listing, status: int = 200) -> Answer:
        headers = {"Location": f"/api/v1/{noun.plural}/{listing.id}"} if status == 201 else {}
        return shown_to(call, listing, status, headers=headers)

    @door.route_to(
        "POST", "", action="listing.create", body=noun.create, body_example=examples.CREATE[noun.name],
        answer=noun.read, example=shown, status=201, name=f"create_{noun.name}",
    )  # fmt: skip
    def create(call: Call, body: dict[str, Any]) -> Answer:
        """Post one; with "submit": true it is submitted at once."""
        listing = listings.create(call.session, call.principal, model, body, now=call.runtime.clock())
        return answer(call, listing, 201)

    @door.route_to(
        "GET", "", action="listing.search", query=noun.query, answer=SearchPage,
        example=examples.page(shown), name=f"search_{noun.plural}",
    )  # fmt: skip
    def search(call: Call, query: dict[str, Any]) -> Answer:
        """Search: words, filters, facets, sort, highlights, pages. Without q: all, newest first."""
        return _search(call, noun.name, query)

    @door.route_to(
        "GET", "/<uuid:identity>", action="listing.read", answer=noun.read, example=shown, name=f"read_{noun.name}"
    )
    def read(call: Call, identity: uuid.UUID) -> Answer:
        """Read one. Its ETag is what a change must name. What was merged into another leads to that one."""
        try:
            return answer(call, listings.get(call.session, call.principal, model, identity))
        except NotFound:
            following = merging.successor(call.session, call.principal, model, identity)
            if following is None:
                raise
            return _moved(noun, following)

    @door.route_to(
        "PATCH", "/<uuid:identity>", action="listing.update", body=noun.update,
        body_example=examples.UPDATE[noun.name], answer=noun.read, example=shown, versioned=True,
        name=f"update_{noun.name}",
    )  # fmt: skip
    def update(call: Call, identity: uuid.UUID, body: dict[str, Any]) -> Answer:
        """Change the fields that are given; the works of an expert are replaced as a whole."""
        changed = listings.change(
            call.session,
            call.principal,
            model,
            identity,
            body,
            version=call.if_match,
            now=call.runtime.clock(),
        )
        return answer(call, changed)

    @door.route_to(
        "DELETE", "/<uuid:identity>", action="listing.delete", answer=None, status=204, versioned=True,
        name=f"delete_{noun.name}",
    )  # fmt: skip
    def delete(call: Call, identity: uuid.UUID) -> Answer:
        """Delete it with its matches and their notifications."""
        listings.remove(
            call.session, call.principal, model, identity, version=call.if_match, now=call.runtime.clock()
        )
        return Answer(status=204)

    for action, transition in life.items():
        body, summary = _ACTIONS[action]
        door.route_to(
            "POST", f"/<uuid:identity>/actions/{action}", action=transition.right, body=body,
            body_example=examples.ACTION.get(action, {}), answer=noun.read, example=shown,
            versioned=action in _AS_SEEN, name=f"{action}_{noun.name}", summary=summary,
        )(_action(model, action, answer))  # fmt: skip


def _moved(noun: Noun, identity: uuid.UUID) -> Answer:
    """Where it is now. Not to be remembered by anybody, as a merge may be undone."""
    headers = {"Location": f"/api/v1/{noun.plural}/{identity}", "Cache-Control": "no-store"}
    return Answer({"id": str(identity), "type": noun.name}, 308, headers=headers)


def _action(model: Any, action: str, answer: Callable[[Call, Listing], Answer]) -> Callable[..., Answer]:
    def act(call: Call, identity: uuid.UUID, body: dict[str, Any]) -> Answer:
        return answer(
            call,
            listings.act(
                call.session, call.principal, model, identity, action,
                version=call.if_match, now=call.runtime.clock(), details=body,
            ),
        )  # fmt: skip

    return act


def _search(call: Call, noun: str, query: dict[str, Any]) -> Answer:
    offset = paging.decode(query.get("cursor")) or 0
    found = searching.run(
        call.session, call.runtime.engine, call.principal, noun, query,
        embedder=call.runtime.embedder, offset=offset, limit=query["limit"],
    )  # fmt: skip
    cursor = None if found.next_offset is None else paging.encode(found.next_offset)
    body = {
        "items": PRESENTERS[noun].hits(call.session, found.hits, with_highlights=query["highlight"]),
        "total": found.total,
        "facets": {name: _facet(call, name, counts) for name, counts in found.facets.items()},
        "next": cursor,
    }
    return Answer(body, next_cursor=cursor)


_FACET_VOCABULARIES = {
    "field": "fields", "region": "regions", "regions_served": "regions", "kind": "outcome_kinds",
    "category": "outcome_categories", "funding_source": "funding_sources", "ip_status": "ip_statuses",
    "state": "listing_states", "progress": "demand_progress", "cooperation": "expert_cooperation",
    "professional_title": "professional_titles", "degree": "degrees", "availability": "availabilities",
    "region_rule": "region_rules",
}  # fmt: skip


def _facet(call: Call, name: str, counts: Mapping[str, int]) -> list[dict[str, Any]]:
    labels = _labels(call, name, counts)
    return [{"value": code, "label": labels.get(code, code), "count": count} for code, count in counts.items()]


def _labels(call: Call, name: str, codes: Iterable[str]) -> dict[str, str]:
    if name == "organisation":
        return people.names(call.session, [uuid.UUID(code) for code in codes], call.language)
    known = _FACET_VOCABULARIES.get(name, name)
    if known not in VOCABULARIES:
        return {}
    terms = vocabulary(known)
    return {code: terms.label(code, call.language) for code in codes if code in terms}
