"""Organisations: listed, registered, changed, verified, closed."""

from __future__ import annotations

import uuid
from typing import Any

from market.api import paging
from market.api.calls import Call
from market.api.doors import Answer, Door
from market.api.examples import people as examples
from market.models import Organisation
from market.services.people import organisations
from market.services.rights import people
from schemas.answers import Nothing, OrganisationRead
from schemas.organisations import (
    EvidenceRead,
    OrganisationCreate,
    OrganisationFields,
    OrganisationPage,
    OrganisationQuery,
    OrganisationWhole,
    Refusal,
    Verification,
)

door = Door("organisations", __name__, url_prefix="/api/v1/organisations", description="Organisations 机构")

_short, _whole, _for_all = (
    OrganisationRead(),
    OrganisationWhole(),
    OrganisationWhole(exclude=("mail_domains", "trusted")),
)
_evidence = EvidenceRead()


@door.route_to(
    "GET", "", action="exchange.read", query=OrganisationQuery, answer=OrganisationPage,
    example={"items": [examples.ORGANISATION], "next": None},
)  # fmt: skip
def list_organisations(call: Call, query: dict[str, Any]) -> Answer:
    """Organisations, by a part of their name or by their verification."""
    page = paging.page(
        query,
        lambda after, limit: people.organisations(
            call.session, q=query.get("q", ""), verification=query.get("verification", ""), after=after, limit=limit
        ),
    )
    return page.answer(_short.dump(page.rows, many=True))


@door.route_to(
    "POST", "", action="organisation.register", body=OrganisationCreate, body_example=examples.NEW_ORGANISATION,
    answer=OrganisationWhole, example=examples.WHOLE, status=201,
)  # fmt: skip
def register_organisation(call: Call, body: dict[str, Any]) -> Answer:
    """Register an organisation, of which you are then administrator. It is neither verified nor trusted yet."""
    made = organisations.register(call.session, call.principal, body, now=call.runtime.clock())
    return Answer(_whole.dump(made), 201, made.version, headers={"Location": f"/api/v1/organisations/{made.id}"})


@door.route_to(
    "GET", "/<uuid:identity>", action="exchange.read", answer=OrganisationWhole, example=examples.WHOLE
)  # fmt: skip
def read_organisation(call: Call, identity: uuid.UUID) -> Answer:
    """One organisation."""
    return _shown(call, people.organisation(call.session, identity))


@door.route_to(
    "PATCH", "/<uuid:identity>", action="organisation.change", body=OrganisationFields,
    body_example=examples.CHANGED_ORGANISATION, answer=OrganisationWhole, example=examples.WHOLE, versioned=True,
)  # fmt: skip
def update_organisation(call: Call, identity: uuid.UUID, body: dict[str, Any]) -> Answer:
    """Change an organisation. With another name, kind, code or mail domain it is to be verified anew."""
    return _shown(
        call,
        organisations.change(
            call.session, call.principal, identity, body, version=call.if_match, now=call.runtime.clock()
        ),
    )


@door.route_to(
    "POST", "/<uuid:identity>/actions/request-verification", action="organisation.change", body=Nothing,
    body_example={}, answer=OrganisationWhole, example=examples.WHOLE,
)  # fmt: skip
def request_verification(call: Call, identity: uuid.UUID, body: dict[str, Any]) -> Answer:  # noqa: ARG001
    """Ask for it to be verified."""
    now = call.runtime.clock()
    return _shown(call, organisations.request_verification(call.session, call.principal, identity, now=now))


@door.route_to(
    "GET", "/<uuid:identity>/evidence", action="organisation.verify", answer=EvidenceRead, example=examples.EVIDENCE
)  # fmt: skip
def read_evidence(call: Call, identity: uuid.UUID) -> Answer:
    """What speaks for an organisation, for whoever verifies it."""
    return Answer(_evidence.dump(organisations.evidence(call.session, call.principal, identity)))


@door.route_to(
    "POST", "/<uuid:identity>/actions/verify", action="organisation.verify", body=Verification,
    body_example={"trusted": False}, answer=OrganisationWhole, example=examples.WHOLE,
)  # fmt: skip
def verify_organisation(call: Call, identity: uuid.UUID, body: dict[str, Any]) -> Answer:
    """Find that it is who it says; never of your own, unless you are administrator of the exchange."""
    trusted, now = body.get("trusted"), call.runtime.clock()
    return _shown(call, organisations.verify(call.session, call.principal, identity, trusted=trusted, now=now))


@door.route_to(
    "POST", "/<uuid:identity>/actions/refuse", action="organisation.verify", body=Refusal,
    body_example={"text": "请补充营业执照。"}, answer=OrganisationWhole, example=examples.WHOLE,
)  # fmt: skip
def refuse_organisation(call: Call, identity: uuid.UUID, body: dict[str, Any]) -> Answer:
    """Find that it is not, or not shown to be; its administrators are told why."""
    now = call.runtime.clock()
    return _shown(call, organisations.refuse(call.session, call.principal, identity, text=body["text"], now=now))


@door.route_to(
    "POST", "/<uuid:identity>/actions/deactivate", action="organisation.change", body=Nothing, body_example={},
    answer=OrganisationWhole, example=examples.WHOLE,
)  # fmt: skip
def deactivate_organisation(call: Call, identity: uuid.UUID, body: dict[str, Any]) -> Answer:  # noqa: ARG001
    """Close it: what it has published is suspended, and its people have no rights there any more."""
    now = call.runtime.clock()
    return _shown(call, organisations.deactivate(call.session, call.principal, identity, now=now))


@door.route_to(
    "POST", "/<uuid:identity>/actions/activate", action="organisation.verify", body=Nothing, body_example={},
    answer=OrganisationWhole, example=examples.WHOLE,
)  # fmt: skip
def activate_organisation(call: Call, identity: uuid.UUID, body: dict[str, Any]) -> Answer:  # noqa: ARG001
    """Open it again. Its listings stay suspended until a reviewer restores them."""
    now = call.runtime.clock()
    return _shown(call, organisations.activate(call.session, call.principal, identity, now=now))


def _shown(call: Call, organisation: Organisation) -> Answer:
    shape = _whole if organisations.told_of(call.principal, organisation) else _for_all
    return Answer(shape.dump(organisation), version=organisation.version)
