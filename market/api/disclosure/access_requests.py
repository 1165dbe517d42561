"""/access-requests: who asks to see what is protected, and what is decided; and the text that is consented to."""

from __future__ import annotations

import uuid
from typing import Any

from marshmallow import Schema

from market.api import paging
from market.api.calls import Call
from market.api.doors import Answer, Door
from market.api.examples import disclosure as examples
from market.api.presenting import PRESENTERS
from market.models import LISTINGS
from market.rights import confidentiality
from market.services.disclosure import access_requests
from market.services.disclosure.access_requests import Shown
from schemas.answers import Nothing
from schemas.disclosure import (
    AccessAnswer,
    AccessGrant,
    AccessRequestCreate,
    AccessRequestPage,
    AccessRequestQuery,
    AccessRequestRead,
    Confidentiality,
)

door = Door("access_requests", __name__, url_prefix="/api/v1", description="Protected fields 受限披露")

_row = AccessRequestRead(exclude=("listing", "requester"))
_TEXT = {
    "version": confidentiality.VERSION,
    "sha256": confidentiality.SHA256,
    "zh": confidentiality.ZH,
    "en": confidentiality.EN,
}
_DECISIONS: dict[str, tuple[type[Schema], str, str]] = {
    "grant": (AccessGrant, "access.decide", "Show it, for 90 days unless said otherwise, at most a year"),
    "refuse": (AccessAnswer, "access.decide", "Do not show it"),
    "revoke": (AccessAnswer, "access.decide", "Show it no more, from this moment on"),
    "withdraw": (Nothing, "access.request", "Take one's own request back, or do without what was granted"),
}


@door.route_to("GET", "/confidentiality", action="exchange.read", answer=Confidentiality, example=examples.TEXT)
def read_confidentiality(_: Call) -> Answer:
    """What whoever asks to see protected fields consents to, in Chinese and English, with its version and hash."""
    return Answer(_TEXT)


def _of_listing(noun: str) -> None:
    model: Any = LISTINGS[noun]

    @door.route_to(
        "POST", f"/{noun}s/<uuid:identity>/access-requests", action="access.request", body=AccessRequestCreate,
        body_example=examples.CREATE, answer=AccessRequestRead, example=examples.ROW, status=201,
        name=f"ask_for_{noun}", summary=f"Ask to see what of this {noun} takes an agreement",
    )  # fmt: skip
    def ask(call: Call, identity: uuid.UUID, body: dict[str, Any]) -> Answer:
        row = access_requests.ask(call.session, call.principal, model, identity, body, now=call.runtime.clock())
        headers = {"Location": f"/api/v1/access-requests/{row.id}"}
        shown = access_requests.get(call.session, call.principal, row.id)
        return Answer(_shown(call, shown), 201, version=row.version, headers=headers)


for _noun in LISTINGS:
    _of_listing(_noun)


@door.route_to(
    "GET", "/access-requests", action="access.read", query=AccessRequestQuery, answer=AccessRequestPage,
    example={"items": [examples.ROW], "next": None},
)  # fmt: skip
def list_access_requests(call: Call, query: dict[str, Any]) -> Answer:
    """Requests that you have made, or that are yours to decide; newest first."""
    page = paging.page(
        query,
        lambda before, limit: access_requests.listed(
            call.session, call.principal, side=query["side"], state=query.get("state", ""), before=before,
            limit=limit, now=call.runtime.clock(),
        ),
        place=lambda one: one.row.id,
    )  # fmt: skip
    return page.answer(_shown(call, one) for one in page.rows)


@door.route_to(
    "GET", "/access-requests/<uuid:identity>", action="access.read", answer=AccessRequestRead, example=examples.ROW
)
def read_access_request(call: Call, identity: uuid.UUID) -> Answer:
    """Read one that you have made, or that is yours to decide."""
    one = access_requests.get(call.session, call.principal, identity)
    return Answer(_shown(call, one), version=one.row.version)


def _decision(deed: str) -> None:
    body, action, summary = _DECISIONS[deed]

    @door.route_to(
        "POST", f"/access-requests/<uuid:identity>/actions/{deed}", action=action, body=body,
        body_example=examples.DECISIONS[deed], answer=AccessRequestRead, example=examples.DECIDED[deed],
        name=f"{deed}_access", summary=summary,
    )  # fmt: skip
    def decide(call: Call, identity: uuid.UUID, body: dict[str, Any]) -> Answer:
        one = access_requests.decide(
            call.session, call.principal, identity, deed, body, version=call.if_match, now=call.runtime.clock()
        )
        return Answer(_shown(call, one), version=one.row.version)


for _deed in _DECISIONS:
    _decision(_deed)


def _shown(call: Call, one: Shown) -> dict[str, Any]:
    """As either side sees it: of the listing only what is public, of its owners nothing."""
    organisation = one.organisation
    requester = {
        "name": one.requester.name if one.requester else "",
        "organisation_zh": organisation.name_zh if organisation else "",
        "organisation_en": organisation.name_en if organisation else "",
        "organisation_verification": organisation.verification if organisation else "",
        "email_verified": one.requester is not None and one.requester.email_verified_at is not None,
    }
    return {
        **_row.dump(one.row),
        "state": access_requests.state_of(one.row, now=call.runtime.clock()),
        "listing": PRESENTERS[one.row.noun].summary(one.listing) if one.listing is not None else None,
        "requester": requester,
    }
