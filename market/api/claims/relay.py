"""/messages: what is written about a listing whose contact is not shown; the exchange passes it on."""

from __future__ import annotations

import uuid
from typing import Any

from market.api import paging
from market.api.calls import Call
from market.api.doors import Answer, Door
from market.api.examples import claims as examples
from market.api.presenting import PRESENTERS
from market.models import LISTINGS
from market.services.claims import relay
from market.services.claims.relay import Thread
from schemas.answers import Nothing
from schemas.relay import MessageCreate, MessageRead, ThreadPage, ThreadQuery, ThreadRead, ThreadWhole

door = Door("relay", __name__, url_prefix="/api/v1", description="Messages that are passed on 留言转交")

_row = ThreadRead(exclude=("listing", "writer", "closed_because"))
_message = MessageRead(many=True)


def _of_listing(noun: str) -> None:
    model: Any = LISTINGS[noun]

    @door.route_to(
        "POST", f"/{noun}s/<uuid:identity>/messages", action="relay.send", body=MessageCreate,
        body_example=examples.MESSAGE, answer=ThreadWhole, example=examples.SENT, status=201,
        name=f"write_to_{noun}", summary=f"Write to whoever this {noun} belongs to; neither side sees an address",
    )  # fmt: skip
    def send(call: Call, identity: uuid.UUID, body: dict[str, Any]) -> Answer:
        now = call.runtime.clock()
        thread = relay.send(call.session, call.principal, model, identity, body["text"], now=now)
        call.session.flush()
        return _whole(call, thread, 201, {"Location": f"/api/v1/messages/{thread}"})


for _noun in LISTINGS:
    _of_listing(_noun)


@door.route_to(
    "GET", "/messages", action="relay.read", query=ThreadQuery, answer=ThreadPage,
    example={"items": [examples.THREAD], "next": None},
)  # fmt: skip
def list_messages(call: Call, query: dict[str, Any]) -> Answer:
    """Your conversations, the one with the newest message first."""
    page = paging.page(
        query,
        lambda before, limit: relay.listed(call.session, call.principal, before=before, limit=limit),
        place=lambda one: (one.last_at, one.id),
    )
    return page.answer(_shown(one) for one in page.rows)


@door.route_to(
    "GET", "/messages/<uuid:identity>", action="relay.read", answer=ThreadWhole, example=examples.CONVERSATION
)
def read_messages(call: Call, identity: uuid.UUID) -> Answer:
    """Read a conversation."""
    return _whole(call, identity)


@door.route_to(
    "POST", "/messages/<uuid:identity>", action="relay.read", body=MessageCreate, body_example=examples.MESSAGE,
    answer=ThreadWhole, example=examples.SENT, status=201,
)  # fmt: skip
def answer_message(call: Call, identity: uuid.UUID, body: dict[str, Any]) -> Answer:
    """Write to the other side."""
    relay.answer(call.session, call.principal, identity, body["text"], now=call.runtime.clock())
    call.session.flush()
    return _whole(call, identity, 201)


@door.route_to(
    "POST", "/messages/<uuid:identity>/actions/read", action="relay.read", body=Nothing, body_example={},
    answer=ThreadWhole, example={**examples.CONVERSATION, "unread": 0},
)  # fmt: skip
def mark_messages_read(call: Call, identity: uuid.UUID, body: dict[str, Any]) -> Answer:  # noqa: ARG001
    """Note that you have read all of it."""
    relay.mark_read(call.session, call.principal, identity, now=call.runtime.clock())
    return _whole(call, identity)


@door.route_to(
    "POST", "/messages/<uuid:identity>/actions/close", action="relay.read", body=Nothing, body_example={},
    answer=ThreadWhole, example=examples.ENDED,
)  # fmt: skip
def close_messages(call: Call, identity: uuid.UUID, body: dict[str, Any]) -> Answer:  # noqa: ARG001
    """End it for good: nothing more is passed on about this listing between the two sides."""
    relay.close(call.session, call.principal, identity, now=call.runtime.clock())
    return _whole(call, identity)


def _whole(call: Call, identity: uuid.UUID, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    thread, said = relay.get(call.session, call.principal, identity)
    return Answer({**_shown(thread), "messages": _message.dump(said)}, status, headers=headers or {})


def _shown(thread: Thread) -> dict[str, Any]:
    """Of the listing only what is public: so nobody learns from a thread whose it is where that is masked."""
    opener = thread.opener
    house = opener.organisation if opener is not None else None
    writer = None
    if opener is not None:
        writer = {
            "name": opener.name,
            "organisation_zh": house.name_zh if house else "",
            "organisation_en": house.name_en if house else "",
            "organisation_verification": house.verification if house else "",
            "email_verified": opener.email_verified,
        }
    listing = PRESENTERS[thread.noun].summary(thread.listing) if thread.listing is not None else None
    return {**_row.dump(thread), "listing": listing, "writer": writer, "closed_because": thread.because}
