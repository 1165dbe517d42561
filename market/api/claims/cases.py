"""/cases: which broker looks after which listing."""

from __future__ import annotations

import uuid
from typing import Any

from market.api import paging
from market.api.calls import Call
from market.api.doors import Answer, Door
from market.api.examples import claims as examples
from market.api.presenting import PRESENTERS
from market.models import LISTINGS
from market.services.claims import cases
from market.services.claims.cases import Shown
from schemas.answers import Nothing
from schemas.cases import CaseCreate, CasePage, CaseQuery, CaseRead

door = Door("cases", __name__, url_prefix="/api/v1/cases", description="Cases of brokers 对接任务")

_row = CaseRead(exclude=("listing", "broker", "may_close", "closed_because"))


@door.route_to(
    "POST", "", action="case.assign", body=CaseCreate, body_example=examples.ASSIGN, answer=CaseRead,
    example=examples.CASE, status=201,
)  # fmt: skip
def assign_case(call: Call, body: dict[str, Any]) -> Answer:
    """Have a broker look after a listing of your organisation: they see it in every state, and act on its matches."""
    one = cases.assign(
        call.session, call.principal, LISTINGS[body["type"]], body["id"], body["broker"], body.get("note", ""),
        now=call.runtime.clock(),
    )  # fmt: skip
    return Answer(_shown(one), 201, headers={"Location": f"/api/v1/cases/{one.case.id}"})


@door.route_to(
    "GET", "", action="case.read", query=CaseQuery, answer=CasePage, example={"items": [examples.CASE], "next": None}
)
def list_cases(call: Call, query: dict[str, Any]) -> Answer:
    """Your own as a broker, those of your organisation as its administrator; newest first."""
    page = paging.page(
        query,
        lambda before, limit: cases.listed(
            call.session, call.principal, state=query.get("state", ""), listing_id=query.get("listing"),
            before=before, limit=limit,
        ),
        place=lambda one: one.case.id,
    )  # fmt: skip
    return page.answer(_shown(one) for one in page.rows)


@door.route_to("GET", "/<uuid:identity>", action="case.read", answer=CaseRead, example=examples.CASE)
def read_case(call: Call, identity: uuid.UUID) -> Answer:
    """Read one."""
    return Answer(_shown(cases.get(call.session, call.principal, identity)))


@door.route_to(
    "POST", "/<uuid:identity>/actions/close", action="case.close", body=Nothing, body_example={}, answer=CaseRead,
    example={**examples.CASE, "closed_at": "2027-04-01T08:30:00+00:00", "may_close": False},
)  # fmt: skip
def close_case(call: Call, identity: uuid.UUID, body: dict[str, Any]) -> Answer:  # noqa: ARG001
    """End it: from the next request on the broker sees of the listing what everybody sees."""
    return Answer(_shown(cases.close(call.session, call.principal, identity, now=call.runtime.clock())))


def _shown(one: Shown) -> dict[str, Any]:
    return {
        **_row.dump(one.case),
        "listing": PRESENTERS[one.case.noun].summary(one.listing) if one.listing is not None else None,
        "broker": {"id": str(one.broker.id), "name": one.broker.name} if one.broker is not None else None,
        "may_close": one.may_close,
        "closed_because": one.because,
    }
