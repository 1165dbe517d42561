"""What the mail provider tells of mails that came back. Its signature is the right to tell."""

from __future__ import annotations

from typing import Any

from flask import request

from market.api.calls import Call, runtime
from market.api.doors import Answer, Door
from market.api.examples import telling as examples
from market.errors import NotFound
from market.services.telling import bounces
from schemas.telling import Bounce

door = Door("bounces", __name__, url_prefix="/api/v1/bounces", description="Mails that came back 退信")


@door.before_request  # type: ignore[untyped-decorator]  # flask-smorest carries no types
def _signed() -> None:
    """Before anything is read of the body: whoever may not tell learns nothing."""
    secret = runtime().settings.bounce_secret
    if not secret:
        raise NotFound(noun="page", id="")
    bounces.verify(secret, request.get_data(), dict(request.headers))


@door.route_to("POST", "", action="signed.act", body=Bounce, body_example=examples.BOUNCE, answer=None, status=204)
def take_bounce(call: Call, body: dict[str, Any]) -> Answer:
    """For the mail provider, signed by Standard Webhooks: hard bounces and complaints end mails to an address."""
    bounces.take(call.session, body["address"], body["kind"], now=call.runtime.clock())
    return Answer(status=204)
