"""The caller's endpoints. Of an address only what is no secret is shown; a secret is in one answer and no other."""

from __future__ import annotations

import uuid
from typing import Any

from market.api.calls import Call
from market.api.doors import Answer, Door
from market.api.examples import telling as examples
from market.api.telling import deliveries
from market.models import Endpoint, User
from market.services.telling import endpoints
from schemas.answers import Nothing
from schemas.telling import DeliveryRead, EndpointCreate, EndpointList, EndpointMade, EndpointRead, EndpointUpdate

door = Door("endpoints", __name__, url_prefix="/api/v1/endpoints", description="Where to be told 接收端")

_shape = EndpointRead()


@door.route_to("GET", "", action="endpoint.keep", answer=EndpointList, example=examples.ENDPOINTS)
def list_endpoints(call: Call) -> Answer:
    """Where you are told. Your mail address is among them once there was something to tell."""
    user = call.session.get_one(User, call.principal.user_id)
    return Answer({"items": [_shown(call, one) for one in endpoints.of_user(call.session, user.id)]})


@door.route_to(
    "POST", "", action="endpoint.keep", body=EndpointCreate, body_example=examples.NEW_ENDPOINT,
    answer=EndpointMade, example=examples.MADE_ENDPOINT, status=201,
)  # fmt: skip
def create_endpoint(call: Call, body: dict[str, Any]) -> Answer:
    """Be told somewhere else too. The secret is in this answer only."""
    made, secret = endpoints.create(call.session, call.runtime.post, call.principal, body, now=call.runtime.clock())
    return _with_secret(call, made, secret, status=201, headers={"Location": f"/api/v1/endpoints/{made.id}"})


@door.route_to("GET", "/<uuid:identity>", action="endpoint.keep", answer=EndpointRead, example=examples.ENDPOINT)
def read_endpoint(call: Call, identity: uuid.UUID) -> Answer:
    """One of yours."""
    return Answer(_shown(call, endpoints.get(call.session, call.principal, identity)))


@door.route_to(
    "PATCH", "/<uuid:identity>", action="endpoint.keep", body=EndpointUpdate, body_example=examples.CHANGED_ENDPOINT,
    answer=EndpointRead, example=examples.ENDPOINT,
)  # fmt: skip
def update_endpoint(call: Call, identity: uuid.UUID, body: dict[str, Any]) -> Answer:
    """Change its name, its address or what it is told."""
    changed = endpoints.change(
        call.session, call.runtime.post, call.principal, identity, body, now=call.runtime.clock()
    )
    return Answer(_shown(call, changed))


@door.route_to("DELETE", "/<uuid:identity>", action="endpoint.keep", answer=None, status=204)
def delete_endpoint(call: Call, identity: uuid.UUID) -> Answer:
    """Remove it, with the record of what was sent to it."""
    endpoints.remove(call.session, call.principal, identity)
    return Answer(status=204)


@door.route_to(
    "POST", "/<uuid:identity>/actions/rotate-secret", action="endpoint.keep", body=Nothing, body_example={},
    answer=EndpointMade, example=examples.MADE_ENDPOINT,
)  # fmt: skip
def rotate_endpoint_secret(call: Call, identity: uuid.UUID, body: dict[str, Any]) -> Answer:  # noqa: ARG001
    """A new secret for a webhook, in this answer only; for a day the one before signs as well."""
    changed, secret = endpoints.rotate_secret(
        call.session, call.runtime.post, call.principal, identity, now=call.runtime.clock()
    )
    return _with_secret(call, changed, secret)


@door.route_to(
    "POST", "/<uuid:identity>/actions/enable", action="endpoint.keep", body=Nothing, body_example={},
    answer=EndpointRead, example=examples.ENDPOINT,
)  # fmt: skip
def enable_endpoint(call: Call, identity: uuid.UUID, body: dict[str, Any]) -> Answer:  # noqa: ARG001
    """Use it again, once what was wrong is mended."""
    return Answer(_shown(call, endpoints.enable(call.session, call.principal, identity, now=call.runtime.clock())))


@door.route_to(
    "POST", "/<uuid:identity>/actions/test", action="endpoint.keep", body=Nothing, body_example={},
    answer=DeliveryRead, example=examples.TRIAL, status=202,
)  # fmt: skip
def try_endpoint(call: Call, identity: uuid.UUID, body: dict[str, Any]) -> Answer:  # noqa: ARG001
    """Have a trial message sent to it. The answer is the delivery, to be looked at again."""
    trial = endpoints.try_out(call.session, call.runtime.post, call.principal, identity, now=call.runtime.clock())
    endpoint = endpoints.get(call.session, call.principal, identity)
    return Answer(deliveries.shown(trial, endpoint, ()), 202, headers={"Location": f"/api/v1/deliveries/{trial.id}"})


def _shown(call: Call, endpoint: Endpoint) -> dict[str, Any]:
    body: dict[str, Any] = _shape.dump(endpoint)
    if endpoint.channel == "mail":
        body["shown"] = call.session.get_one(User, endpoint.user_id).email
    return body


def _with_secret(
    call: Call, endpoint: Endpoint, secret: str, *, status: int = 200, headers: dict[str, str] | None = None
) -> Answer:
    # What somebody has brought along they have already: only what was made here is shown.
    made = secret if endpoint.channel == "webhook" else ""
    body = {**_shown(call, endpoint), "secret": made}
    return Answer(body, status, headers=headers or {}, shown_once=("secret",))
