"""Subscriptions: searches that the caller keeps, tries, changes; and the secret address of each one's feed."""

from __future__ import annotations

import uuid
from typing import Any

from marshmallow import ValidationError

from market.api import paging
from market.api.calls import Call
from market.api.doors import Answer, Door
from market.api.examples import subscriptions as examples
from market.api.presenting import PRESENTERS
from market.errors import Invalid
from market.models import Subscription
from market.services.search.searching import meaning_of
from market.services.subscriptions import answering, subscriptions
from schemas.answers import Nothing
from schemas.base import pointers
from schemas.queries import PageQuery
from schemas.subscriptions import (
    FeedAddress,
    PreviewRead,
    Search,
    SubscriptionCreate,
    SubscriptionMade,
    SubscriptionPage,
    SubscriptionPreview,
    SubscriptionRead,
    SubscriptionUpdate,
    search_of,
)

DAYS = 30  # that a preview looks back

door = Door("subscriptions", __name__, url_prefix="/api/v1/subscriptions", description="Saved searches 订阅")

_row = SubscriptionRead()


@door.route_to(
    "POST", "", action="subscription.keep", body=SubscriptionCreate, body_example=examples.CREATE,
    answer=SubscriptionMade, example=examples.MADE, status=201,
)  # fmt: skip
def create_subscription(call: Call, body: dict[str, Any]) -> Answer:
    """Keep a search: you are told of what newly answers it. The query may be the search's own query string."""
    search = _search(body["noun"], body["query"])
    row = subscriptions.create(
        call.session, call.runtime.engine, call.runtime.embedder, call.principal, search, body,
        now=call.runtime.clock(),
    )  # fmt: skip
    shown = {"feed": _new_feed(call, row)} if body["feed"] else {}
    headers = {"Location": f"/api/v1/subscriptions/{row.id}"}
    return Answer({**_row.dump(row), **shown}, 201, headers=headers, shown_once=tuple(shown))


@door.route_to(
    "POST", "/preview", action="subscription.keep", body=SubscriptionPreview, body_example=examples.PASTED,
    answer=PreviewRead, example=examples.PREVIEW, only_reads=True,
)  # fmt: skip
def preview_subscription(call: Call, body: dict[str, Any]) -> Answer:
    """How much a search would have sent you in the last 30 days if you had kept it, with the newest."""
    search = _search(body["noun"], body["query"])
    vector = None
    if search.semantic:
        vector = subscriptions.pack(meaning_of(call.runtime.embedder, search.asked["q"]))
    scale = call.runtime.scorings.current(call.session).scale
    found = answering.preview(
        call.session, call.runtime.engine, call.principal, search.noun, answering.sought_by(search, vector),
        model=scale.model, unlike=scale.unlike, now=call.runtime.clock(), days=DAYS,
    )  # fmt: skip
    items = [PRESENTERS[search.noun].summary(listing) for listing in found.examples]
    return Answer({"days": DAYS, "count": found.count, "complete": found.complete, "items": items})


@door.route_to("GET", "", action="subscription.keep", query=PageQuery, answer=SubscriptionPage, example=examples.PAGE)
def list_subscriptions(call: Call, query: dict[str, Any]) -> Answer:
    """Your subscriptions, newest first."""
    page = paging.page(
        query,
        lambda before, limit: subscriptions.of_caller(call.session, call.principal, before=before, limit=limit),
    )
    return page.answer(_row.dump(page.rows, many=True))


@door.route_to(
    "GET", "/<uuid:identity>", action="subscription.keep", answer=SubscriptionRead, example=examples.READ_ONE
)
def read_subscription(call: Call, identity: uuid.UUID) -> Answer:
    """Read one of yours."""
    return Answer(_row.dump(subscriptions.get(call.session, call.principal, identity)))


@door.route_to(
    "PATCH", "/<uuid:identity>", action="subscription.keep", body=SubscriptionUpdate, body_example=examples.UPDATE,
    answer=SubscriptionRead, example=examples.READ_ONE,
)  # fmt: skip
def update_subscription(call: Call, identity: uuid.UUID, body: dict[str, Any]) -> Answer:
    """Change the fields that are given; a query is replaced as a whole."""
    row = subscriptions.get(call.session, call.principal, identity)
    search = _search(row.noun, body["query"]) if "query" in body else None
    return _changed(call, row, body, search)


@door.route_to("DELETE", "/<uuid:identity>", action="subscription.keep", answer=None, status=204)
def delete_subscription(call: Call, identity: uuid.UUID) -> Answer:
    """Remove it, and its feed with it."""
    subscriptions.remove(call.session, subscriptions.get(call.session, call.principal, identity))
    return Answer(status=204)


@door.route_to(
    "POST", "/<uuid:identity>/actions/pause", action="subscription.keep", body=Nothing, body_example={},
    answer=SubscriptionRead, example={**examples.READ_ONE, "paused": True},
)  # fmt: skip
def pause_subscription(call: Call, identity: uuid.UUID, body: dict[str, Any]) -> Answer:  # noqa: ARG001
    """Tell nothing for the time being; what comes meanwhile is not told later."""
    return _changed(call, subscriptions.get(call.session, call.principal, identity), {"paused": True})


@door.route_to(
    "POST", "/<uuid:identity>/actions/resume", action="subscription.keep", body=Nothing, body_example={},
    answer=SubscriptionRead, example=examples.READ_ONE,
)  # fmt: skip
def resume_subscription(call: Call, identity: uuid.UUID, body: dict[str, Any]) -> Answer:  # noqa: ARG001
    """Tell again."""
    return _changed(call, subscriptions.get(call.session, call.principal, identity), {"paused": False})


@door.route_to(
    "POST", "/<uuid:identity>/feed", action="subscription.keep", body=Nothing, body_example={},
    answer=FeedAddress, example=examples.FEED, status=201,
)  # fmt: skip
def create_feed(call: Call, identity: uuid.UUID, body: dict[str, Any]) -> Answer:  # noqa: ARG001
    """A new secret address of its Atom feed, shown this once; the one before is good no more."""
    row = subscriptions.get(call.session, call.principal, identity)
    return Answer({"feed": _new_feed(call, row)}, 201, shown_once=("feed",))


@door.route_to("DELETE", "/<uuid:identity>/feed", action="subscription.keep", answer=None, status=204)
def delete_feed(call: Call, identity: uuid.UUID) -> Answer:
    """The feed's address is good no more."""
    subscriptions.end_feed(call.session, subscriptions.get(call.session, call.principal, identity))
    return Answer(status=204)


def _search(noun: str, given: object) -> Search:
    try:
        return search_of(noun, given)
    except ValidationError as error:
        raise Invalid(pointers({"query": error.messages})) from error


def _changed(call: Call, row: Subscription, data: dict[str, Any], search: Search | None = None) -> Answer:
    changed = subscriptions.change(
        call.session, call.runtime.engine, call.runtime.embedder, row, data, search=search, now=call.runtime.clock()
    )
    return Answer(_row.dump(changed))


def _new_feed(call: Call, row: Subscription) -> str:
    token = subscriptions.give_feed(call.session, row)
    return f"{call.runtime.settings.base_url}/feeds/{token}.atom"
