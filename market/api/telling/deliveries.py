"""What was sent to the caller, what became of it, and what waits."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from market.api import paging
from market.api.calls import Call
from market.api.doors import Answer, Door
from market.api.examples import telling as examples
from market.delivery.rendering import render
from market.models import Attempt, Delivery, Endpoint, User
from market.services.telling import composing, deliveries, endpoints
from schemas.answers import Nothing
from schemas.telling import DeliveryPage, DeliveryQuery, DeliveryRead, Digest, DigestQuery

door = Door("deliveries", __name__, url_prefix="/api/v1", description="What was sent 发送记录")

_shape = DeliveryRead()


@door.route_to(
    "GET",
    "/deliveries",
    action="endpoint.keep",
    query=DeliveryQuery,
    answer=DeliveryPage,
    example=examples.DELIVERIES,
)
def list_deliveries(call: Call, query: dict[str, Any]) -> Answer:
    """What was sent to you outside your inbox, the newest first, with every attempt."""
    page = paging.page(
        query,
        lambda before, limit: deliveries.listed(
            call.session, user_id=call.principal.user_id, endpoint_id=query.get("endpoint"),
            state=query.get("state", ""), before=before, limit=limit,
        ),
        place=lambda row: row[0].id,
    )  # fmt: skip
    log = deliveries.attempts(call.session, [delivery.id for delivery, _ in page.rows])
    return page.answer(shown(delivery, endpoint, log[delivery.id]) for delivery, endpoint in page.rows)


@door.route_to(
    "GET", "/deliveries/<uuid:identity>", action="endpoint.keep", answer=DeliveryRead, example=examples.DELIVERY
)
def read_delivery(call: Call, identity: uuid.UUID) -> Answer:
    """One of them."""
    return _answer(call, *deliveries.get(call.session, call.principal, identity))


@door.route_to(
    "POST", "/deliveries/<uuid:identity>/actions/replay", action="endpoint.keep", body=Nothing, body_example={},
    answer=DeliveryRead, example=examples.DELIVERY,
)  # fmt: skip
def replay_delivery(call: Call, identity: uuid.UUID, body: dict[str, Any]) -> Answer:  # noqa: ARG001
    """Send it again, whatever became of it. It keeps its id: a receiver can tell that it has it."""
    deliveries.replay(call.session, call.principal, identity, now=call.runtime.clock())
    return _answer(call, *deliveries.get(call.session, call.principal, identity))


@door.route_to("GET", "/digest", action="endpoint.keep", query=DigestQuery, answer=Digest, example=examples.DIGEST)
def preview_digest(call: Call, query: dict[str, Any]) -> Answer:
    """What waits for your mail, or for another endpoint, as you would be told it now. Sends nothing."""
    user = call.session.get_one(User, call.principal.user_id)
    if "endpoint" in query:
        found: Endpoint | None = endpoints.get(call.session, call.principal, query["endpoint"])
    else:
        mine = endpoints.of_user(call.session, user.id)
        found = next((one for one in mine if one.channel == "mail"), None)
    now = call.runtime.clock()
    message = composing.preview(call.session, call.runtime.links, found, user, now=now) if found else None
    if message is None:
        return Answer({"subject": "", "text": "", "html": "", "items": 0})
    return Answer({**render(message)._asdict(), "items": len(message.entries)})


def _answer(call: Call, delivery: Delivery, endpoint: Endpoint) -> Answer:
    return Answer(shown(delivery, endpoint, deliveries.attempts(call.session, [delivery.id])[delivery.id]))


def shown(delivery: Delivery, endpoint: Endpoint, log: Sequence[Attempt]) -> dict[str, Any]:
    """A delivery with its attempts."""
    body: dict[str, Any] = _shape.dump(
        {
            **delivery.model_dump(),
            "channel": endpoint.channel,
            "tries": delivery.attempts,
            "next_at": delivery.next_at if delivery.state == "waiting" else None,
            "attempts": log,
        }
    )
    return body
