"""/flags: listings that a reviewer should look at."""

from __future__ import annotations

import uuid
from typing import Any

from market.api import paging
from market.api.calls import Call
from market.api.doors import Answer, Door
from market.api.examples import matching as examples
from market.api.presenting import PRESENTERS
from market.models import Flag, Listing
from market.services.matching import flags
from schemas.answers import FlagPage, FlagRead, FlagVerdict
from schemas.queries import FlagQuery

door = Door("flags", __name__, url_prefix="/api/v1/flags", description="Flags for reviewers 待审标记")

_row = FlagRead(exclude=("listing", "demand"))


@door.route_to("GET", "", action="moderation.queue", query=FlagQuery, answer=FlagPage, example=examples.FLAGS)
def list_flags(call: Call, query: dict[str, Any]) -> Answer:
    """Offers that copy a demand word for word, oldest first."""
    resolved = query["state"] == "resolved"
    page = paging.page(
        query,
        lambda after, limit: flags.listed(call.session, call.principal, resolved=resolved, after=after, limit=limit),
        place=lambda one: one[0].id,
    )
    return page.answer(_shown(*one) for one in page.rows)


@door.route_to(
    "POST", "/<uuid:identity>/actions/resolve", action="moderation.queue", body=FlagVerdict,
    body_example={"verdict": "copied"}, answer=FlagRead, example=examples.RESOLVED_FLAG,
)  # fmt: skip
def resolve_flag(call: Call, identity: uuid.UUID, body: dict[str, Any]) -> Answer:
    """Harmless: the match holds, and both sides are told. Copied: the two are no match from now on."""
    return Answer(
        _shown(*flags.resolve(call.session, call.principal, identity, body["verdict"], now=call.runtime.clock()))
    )


def _shown(flag: Flag, listing: Listing, demand: Listing) -> dict[str, Any]:
    return {
        **_row.dump(flag),
        "listing": PRESENTERS[listing.NOUN].summary(listing),
        "demand": PRESENTERS["demand"].summary(demand),
    }
