"""Imported listings that nobody has claimed, and people who might: for the tests of claims, messages and cases."""

from __future__ import annotations

import uuid
from typing import Any

from sqlmodel import select

from market.files.faults import Row
from market.models import LISTINGS, Listing, Membership, Organisation, User
from market.runtime import Runtime
from market.services.files import storing
from market.services.files.storing import Outcome, Terms
from market.services.rights.access import SYSTEM
from tests.factories import Caller, Person, add_organisation, add_person, payload

DOMAIN = "haihe.example"
NAME = "林知远"


def imported(
    runtime: Runtime,
    organisation: uuid.UUID,
    noun: str = "expert",
    *,
    key: str = "",
    of: Person | None = None,
    **changes: Any,
) -> str:
    """A listing as the exchange's staff bring it in for an organisation; its id. `of`: whose address it names."""
    if of is not None:
        changes["contact_email"] = of.email
    outcome = bring(runtime, organisation, noun, key=key or str(uuid.uuid4()), **changes)
    assert outcome.created == 1, outcome.faults
    return str(outcome.stored[0].listing_id)


def bring(runtime: Runtime, organisation: uuid.UUID, noun: str, *, key: str, **changes: Any) -> Outcome:
    """One row of a file, stored."""
    with runtime.db.writing() as session:
        house = session.get_one(Organisation, organisation)
        house.external_key = house.external_key or str(uuid.uuid4())
        session.flush()
        row = Row(1, {**payload(noun, **changes), "key": key, "organisation": house.external_key})
        return storing.store(session, LISTINGS[noun], [row], Terms(SYSTEM), now=runtime.clock())


def house(runtime: Runtime, **values: Any) -> uuid.UUID:
    """An organisation with a mail domain."""
    return add_organisation(runtime, mail_domains=[DOMAIN], **values)


def the_expert(runtime: Runtime, organisation: uuid.UUID | None = None, **values: Any) -> Person:
    """Somebody of the profile's name whose confirmed address is the organisation's."""
    numbered = f"{uuid.uuid4().hex[:8]}@{DOMAIN}"
    return add_person(
        runtime, organisation, roles=("member",) if organisation else (),
        **{"name": NAME, "email": numbered, "email_verified_at": runtime.clock(), **values},
    )  # fmt: skip


def consent(caller: Caller) -> dict[str, str]:
    """To be shown, by the present text."""
    told = caller.get("consent").json
    return {"version": told["version"], "sha256": told["sha256"]}


def claim(caller: Caller, identity: str, noun: str = "expert", **body: Any) -> Any:
    """By mail address, unless said otherwise."""
    return caller.post(f"{noun}s/{identity}/claims", {"evidence": "mail_domain", **body})


def by_document(caller: Caller, identity: str, noun: str = "expert", **body: Any) -> dict[str, Any]:
    """A claim that waits for a reviewer."""
    made = claim(caller, identity, noun, evidence="document", text="任职证明", **body)
    assert (made.status_code, made.json["state"]) == (201, "open"), made.text
    return dict(made.json)


def act(caller: Caller, row: dict[str, Any], deed: str, **body: Any) -> Any:
    """An action on a claim."""
    return caller.post(f"claims/{row['id']}/actions/{deed}", body)


def stored(runtime: Runtime, identity: str, noun: str = "expert") -> Listing:
    """The row as it is."""
    with runtime.db.reading() as session:
        row: Listing = session.get_one(LISTINGS[noun], uuid.UUID(identity))
        return row


def roles(runtime: Runtime, person: Person, organisation: uuid.UUID) -> list[str]:
    """The roles of a person there."""
    with runtime.db.reading() as session:
        there = select(Membership.roles).where(
            Membership.user_id == person.id, Membership.organisation_id == organisation
        )
        return [role for held in session.exec(there) for role in held]


def kinds(caller: Caller) -> list[str]:
    """What somebody was told, the newest first."""
    return [row["kind"] for row in caller.get("notifications", limit=100).json["items"]]


def problem(answer: Any) -> str:
    """The kind of problem."""
    return str(answer.json["type"]).rpartition("/")[2]


def set_user(runtime: Runtime, person: Person, **values: Any) -> None:
    """As if it had been so all along."""
    with runtime.db.writing() as session:
        user = session.get_one(User, person.id)
        for name, value in values.items():
            setattr(user, name, value)
        session.add(user)
