"""Duplicates of a listing, merging one into another, and undoing it."""

from __future__ import annotations

import uuid
from typing import Any

from market.api.calls import Call
from market.api.doors import Answer, Door
from market.api.examples import listings, moderation
from market.api.presenting import PRESENTERS, READ, shown_to
from market.models import LISTINGS, Listing
from market.services.moderation import duplicates, merging
from market.services.moderation.duplicates import Duplicate, Looking
from schemas.answers import Nothing
from schemas.moderation import Duplicates, Merge

door = Door("merging", __name__, url_prefix="/api/v1", description="Duplicates 重复与合并")


def _serve(noun: str) -> None:
    model: Any = LISTINGS[noun]

    @door.route_to(
        "GET", f"/{noun}s/<uuid:identity>/duplicates", action="listing.duplicates", answer=Duplicates,
        example=moderation.DUPLICATES, name=f"find_duplicates_of_{noun}",
    )  # fmt: skip
    def find(call: Call, identity: uuid.UUID) -> Answer:
        """What says nearly the same, or names the same thing. Owners see their organisation's own."""
        looking = Looking(
            call.session, call.runtime.engine, call.runtime.scorings.current(call.session), call.runtime.signatures
        )
        found = duplicates.of_listing(looking, call.principal, model, identity)
        return Answer({"items": [_shown(one) for one in found]})

    @door.route_to(
        "POST", f"/{noun}s/<uuid:identity>/actions/merge", action="listing.moderate", body=Merge,
        body_example={"into": "0192f0c1-8b10-7d44-8c2e-51f0a9b7e630"}, answer=READ[noun],
        example=listings.READ[noun], name=f"merge_{noun}",
    )  # fmt: skip
    def merge(call: Call, identity: uuid.UUID, body: dict[str, Any]) -> Answer:
        """Close it in favour of another, which goes on for both; its address leads there from now on."""
        done: Listing = merging.merge(
            call.session, call.principal, model, identity, body["into"],
            version=call.if_match, force=body["force"], now=call.runtime.clock(),
        )  # fmt: skip
        return shown_to(call, done)

    @door.route_to(
        "POST", f"/{noun}s/<uuid:identity>/actions/unmerge", action="listing.moderate", body=Nothing, body_example={},
        answer=READ[noun], example=listings.READ[noun], name=f"unmerge_{noun}",
    )  # fmt: skip
    def unmerge(call: Call, identity: uuid.UUID, body: dict[str, Any]) -> Answer:  # noqa: ARG001
        """Undo a merge: it is again what it was before."""
        done: Listing = merging.unmerge(
            call.session, call.principal, model, identity, version=call.if_match, now=call.runtime.clock()
        )
        return shown_to(call, done)


for _noun in LISTINGS:
    _serve(_noun)


def _shown(one: Duplicate) -> dict[str, Any]:
    return {
        "type": one.listing.NOUN,
        "listing": PRESENTERS[one.listing.NOUN].summary(one.listing),
        "score": one.score,
        "coincides": [{"what": what, "value": value} for what, value in one.coincides],
    }
