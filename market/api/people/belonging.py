"""The people of an organisation, and whom it invites."""

from __future__ import annotations

import uuid
from typing import Any

from market.api.calls import Call
from market.api.doors import Answer, Door
from market.api.examples import people as examples
from market.services.people import belonging, invitations
from market.services.people.belonging import Person
from schemas.organisations import (
    InvitationCreate,
    InvitationList,
    InvitationMade,
    InvitationRead,
    PersonList,
    PersonRead,
    PersonUpdate,
)

door = Door("people", __name__, url_prefix="/api/v1/organisations", description="People of organisations 机构人员")

_person, _invitation = PersonRead(), InvitationRead()


@door.route_to(
    "GET", "/<uuid:identity>/people", action="organisation.people", answer=PersonList,
    example={"items": [examples.PERSON]},
)  # fmt: skip
def list_people(call: Call, identity: uuid.UUID) -> Answer:
    """Who belongs to it, who publishes for it, and for whom else its people do."""
    rows = belonging.listed(call.session, call.principal, identity, now=call.runtime.clock())
    return Answer({"items": [_shown(one) for one in rows]})


@door.route_to(
    "PATCH", "/<uuid:identity>/people/<uuid:user_id>", action="organisation.people", body=PersonUpdate,
    body_example=examples.CHANGED_PERSON, answer=PersonRead, example=examples.PERSON,
)  # fmt: skip
def update_person(call: Call, identity: uuid.UUID, user_id: uuid.UUID, body: dict[str, Any]) -> Answer:
    """Give somebody of it these roles there and no others; a delegation has an end."""
    changed = belonging.change(
        call.session, call.principal, identity, user_id, body["roles"], until=body["until"], now=call.runtime.clock()
    )
    return Answer(_shown(changed))


@door.route_to(
    "DELETE", "/<uuid:identity>/people/<uuid:user_id>", action="organisation.people", answer=None, status=204
)
def remove_person(call: Call, identity: uuid.UUID, user_id: uuid.UUID) -> Answer:
    """End somebody's belonging. What they own there stays with the organisation."""
    belonging.leave(call.session, call.principal, identity, user_id, now=call.runtime.clock())
    return Answer(status=204)


@door.route_to(
    "GET", "/<uuid:identity>/invitations", action="organisation.people", answer=InvitationList,
    example={"items": [examples.INVITATION]},
)  # fmt: skip
def list_invitations(call: Call, identity: uuid.UUID) -> Answer:
    """Whom it has invited, the newest first."""
    return Answer({"items": _invitation.dump(invitations.listed(call.session, call.principal, identity), many=True)})


@door.route_to(
    "POST", "/<uuid:identity>/invitations", action="organisation.people", body=InvitationCreate,
    body_example=examples.NEW_INVITATION, answer=InvitationMade, example=examples.MADE_INVITATION, status=201,
)  # fmt: skip
def create_invitation(call: Call, identity: uuid.UUID, body: dict[str, Any]) -> Answer:
    """Invite somebody, by mail where there is any. The token in this answer can be handed over, too."""
    made, token = invitations.create(call.session, call.principal, identity, body, now=call.runtime.clock())
    return Answer({**_invitation.dump(made), "token": token}, 201, shown_once=("token",))


@door.route_to(
    "DELETE", "/<uuid:identity>/invitations/<uuid:invitation_id>", action="organisation.people", answer=None,
    status=204,
)  # fmt: skip
def revoke_invitation(call: Call, identity: uuid.UUID, invitation_id: uuid.UUID) -> Answer:
    """Take an invitation back."""
    invitations.revoke(call.session, call.principal, identity, invitation_id, now=call.runtime.clock())
    return Answer(status=204)


def _shown(one: Person) -> dict[str, Any]:
    user, membership = one.user, one.membership
    shown: dict[str, Any] = _person.dump(
        {
            **{name: getattr(user, name) for name in ("id", "name", "email", "active")},
            "email_verified": user.email_verified_at is not None,
            "roles": membership.roles,
            "until": membership.until,
            "since": membership.created_at,
            "delegations": [{"organisation": to, "until": held.until} for to, held in one.delegations],
        }
    )
    return shown
