"""/search over all kinds, and /suggest."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from market.api.calls import Call
from market.api.doors import Answer, Door
from market.api.examples import search as examples
from market.api.presenting import PRESENTERS
from market.services.search import searching
from schemas.answers import Hits, SearchKey, Suggestions
from schemas.queries import EverywhereQuery, SuggestQuery

door = Door("search", __name__, url_prefix="/api/v1", description="Search over all kinds 综合检索")


@door.route_to("GET", "/search", action="listing.search", query=EverywhereQuery, answer=Hits, example=examples.HITS)
def search(call: Call, query: dict[str, Any]) -> Answer:
    """Search outcomes, experts and demands at once: the best of each kind, kind by kind in turn."""
    by_kind: list[list[dict[str, Any]]] = []
    totals: dict[str, int] = {}
    for kind in dict.fromkeys(query["kinds"]):
        found = searching.run(call.session, call.runtime.engine, call.principal, kind, query, limit=query["limit"])
        totals[kind] = found.total
        by_kind.append(PRESENTERS[kind].hits(call.session, found.hits, with_highlights=query["highlight"]))
    longest = max(map(len, by_kind), default=0)
    items = [hits[rank] for rank in range(longest) for hits in by_kind if rank < len(hits)]
    return Answer({"items": items, "totals": totals})


@door.route_to(
    "GET", "/suggest", action="listing.search", query=SuggestQuery, answer=Suggestions, example=examples.SUGGESTIONS
)
def suggest(call: Call, query: dict[str, Any]) -> Answer:
    """Complete what is being typed: titles, names and keywords."""
    found = searching.suggest(
        call.session, call.runtime.engine, call.principal, query["q"], kinds=query["kinds"], limit=query["limit"]
    )
    return Answer({"items": [{"text": one.text, "type": kind, "id": one.id} for kind, one in found]})


@door.route_to(
    "POST", "/search-keys", action="listing.search", answer=SearchKey, status=201, example=examples.SEARCH_KEY
)
def create_search_key(call: Call) -> Answer:
    """A key for a browser: for some minutes it may ask the search server itself for the public fields of what you
    may see, and nothing else."""
    expires_at = call.runtime.clock() + timedelta(minutes=call.runtime.settings.search_key_minutes)
    key = searching.browser_key(call.runtime.engine, call.principal, expires_at=expires_at)
    return Answer(
        {"url": key.url, "key": key.token, "indexes": dict(key.indexes), "expires_at": key.expires_at.isoformat()},
        status=201,
    )
