"""/demands."""

from __future__ import annotations

import uuid

from market.api.calls import Call
from market.api.doors import Answer, Door
from market.api.examples import matching as examples
from market.api.listings.listings import Noun, serve
from market.services.listings.lives import DEMAND_ACTIONS, LISTING_ACTIONS
from market.services.matching import advice
from schemas.answers import Advice
from schemas.demands import DemandCreate, DemandFields, DemandRead
from schemas.queries import DemandQuery

door = Door("demands", __name__, url_prefix="/api/v1/demands", description="Demands 科研众包需求")

_NOUN = Noun("demand", DemandCreate, DemandFields, DemandRead, DemandQuery)
serve(door, _NOUN, life={**LISTING_ACTIONS, **DEMAND_ACTIONS})


@door.route_to("GET", "/<uuid:identity>/advice", action="match.list", answer=Advice, example=examples.ADVICE)
def advise_demand(call: Call, identity: uuid.UUID) -> Answer:
    """Which missing field would sharpen its matches most, best first; for its owner, also before it is published."""
    found = advice.of_demand(call.session, call.principal, identity, call.runtime.finder(call.session))
    items = [
        {
            "field": one.field,
            "label": one.label(call.language),
            "why": one.why(call.language),
            "gain": one.gain,
            "measured": one.measured,
            "known": one.known,
        }
        for one in found.suggestions
    ]
    return Answer({"completeness": found.completeness, "candidates": found.candidates, "items": items})
