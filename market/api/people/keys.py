"""The caller's own keys, for their programs: made, listed, ended. A key is shown in the answer that makes it."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from market.api.calls import Call
from market.api.doors import Answer, Door
from market.api.examples import people as examples
from market.services.people import keys
from schemas.accounts import KeyCreate, KeyList, KeyMade, KeyRead

door = Door("keys", __name__, url_prefix="/api/v1/me/keys", description="Keys 密钥")

_shape = KeyRead()


@door.route_to("GET", "", action="account.change", answer=KeyList, example=examples.KEYS)
def list_keys(call: Call) -> Answer:
    """Your keys that are good now, sign-ins among them."""
    assert call.principal.user_id is not None  # the table lets nobody else
    rows = keys.good(call.session, call.principal.user_id, now=call.runtime.clock())
    return Answer({"items": _shape.dump(rows, many=True)})


@door.route_to(
    "POST", "", action="account.change", body=KeyCreate, body_example=examples.NEW_KEY,
    answer=KeyMade, example=examples.MADE_KEY, status=201,
)  # fmt: skip
def create_key(call: Call, body: dict[str, Any]) -> Answer:
    """Make a key. It is in this answer only. With a key that has scopes, only some of these can be given."""
    now, days = call.runtime.clock(), body.get("days")
    plain, row = keys.create_own(
        call.session,
        call.principal,
        label=body["label"],
        scopes=body.get("scopes", ()),
        expires_at=now + timedelta(days=days) if days else None,
        now=now,
    )
    location = {"Location": f"/api/v1/me/keys/{row.id}"}
    return Answer({**_shape.dump(row), "key": plain}, 201, headers=location, shown_once=("key",))


@door.route_to("DELETE", "/<uuid:identity>", action="account.change", answer=None, status=204)
def revoke_key(call: Call, identity: uuid.UUID) -> Answer:
    """End one of yours, at once and for good."""
    keys.revoke_own(call.session, call.principal, identity, now=call.runtime.clock())
    return Answer(status=204)
