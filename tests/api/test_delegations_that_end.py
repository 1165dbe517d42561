"""Whoever publishes for a house they do not belong to owns nothing there, and keeps nothing once that has ended."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlmodel import select

from market.models import AuditEntry, Demand, Membership, Outcome
from market.runtime import Runtime
from tests.factories import Caller, SettableClock, add_organisation, add_person, payload, post
from tests.services.files import imported, row

Drain = Callable[[], int]


@pytest.fixture
def house(runtime: Runtime) -> uuid.UUID:
    """That they publish for."""
    return add_organisation(runtime)


@pytest.fixture
def head(runtime: Runtime, client: FlaskClient, house: uuid.UUID) -> Caller:
    return Caller(client, add_person(runtime, house, roles=("member", "organisation_admin")))


@pytest.fixture
def guest(runtime: Runtime, client: FlaskClient, house: uuid.UUID) -> Caller:
    """A delegate there before they came to the house that they belong to."""
    person, own = add_person(runtime, house, roles=("delegate",)), add_organisation(runtime)
    with runtime.db.writing() as session:
        [delegation] = session.exec(select(Membership).where(Membership.user_id == person.id))
        delegation.until = runtime.clock() + timedelta(days=10)
        session.add(delegation)
        session.flush()
        session.add(Membership(user_id=person.id, organisation_id=own, roles=["member"], created_at=runtime.clock()))
    return Caller(client, person)


def owner_of(runtime: Runtime, listing: dict[str, Any]) -> uuid.UUID | None:
    with runtime.db.reading() as session:
        return session.get_one(Outcome, uuid.UUID(listing["id"])).owner_id


def owned_there(runtime: Runtime, guest: Caller, house: uuid.UUID) -> dict[str, Any]:
    """A listing of the house that is the delegate's own, as some were once."""
    listing = post(guest, "outcome", organisation_id=str(house))
    with runtime.db.writing() as session:
        assert guest.person is not None
        session.get_one(Outcome, uuid.UUID(listing["id"])).owner_id = guest.person.id
    return listing


def test_a_house_that_one_only_publishes_for_is_never_ones_home(
    runtime: Runtime, guest: Caller, house: uuid.UUID
) -> None:
    assert guest.person is not None
    own, theirs = post(guest, "outcome"), post(guest, "outcome", organisation_id=str(house))
    assert own["organisation"]["id"] != str(house) == theirs["organisation"]["id"]
    assert (owner_of(runtime, own), owner_of(runtime, theirs)) == (guest.person.id, None)
    assert guest.get("me").json["organisation"]["id"] == own["organisation"]["id"]


def test_whoever_only_publishes_for_houses_names_the_one_they_post_for(
    runtime: Runtime, client: FlaskClient, house: uuid.UUID
) -> None:
    nowhere = Caller(client, add_person(runtime, house, roles=("delegate",)))
    assert nowhere.post("outcomes", payload("outcome")).json["type"].endswith("organisation-missing")


def test_an_import_makes_no_delegate_the_owner_of_what_is_the_houses(
    runtime: Runtime, guest: Caller, head: Caller, house: uuid.UUID
) -> None:
    assert guest.person is not None
    assert head.person is not None
    lines = [row("demand", name, owner=one.email) for name, one in (("a", guest.person), ("b", head.person))]
    done = imported(runtime, guest.person, lines, "demand", only=house)
    assert (done.created, done.refused) == (1, 1)
    with runtime.db.reading() as session:
        assert session.exec(select(Demand.owner_id)).all() == [head.person.id]


def test_what_is_still_a_delegates_own_is_the_houses_when_the_delegation_ends(
    runtime: Runtime, guest: Caller, house: uuid.UUID, drain: Drain, clock: SettableClock
) -> None:
    assert guest.person is not None
    listing, own = owned_there(runtime, guest, house), post(guest, "outcome")
    drain()
    assert owner_of(runtime, listing) == guest.person.id
    clock.advance(days=10)
    drain()
    assert (owner_of(runtime, listing), owner_of(runtime, own)) == (None, guest.person.id)
    answer = guest.patch(f"outcomes/{listing['id']}", {"title_en": "Mine still"}, version=listing["version"])
    assert answer.status_code == 403
    clock.advance(days=1)
    drain()
    with runtime.db.reading() as session:
        ended = select(AuditEntry.details).where(AuditEntry.action == "end_delegation")
        assert session.exec(ended).all() == [{"user": str(guest.person.id), "listings": 1}]


def test_a_member_who_is_made_a_delegate_keeps_nothing_as_their_own(
    runtime: Runtime, guest: Caller, head: Caller, house: uuid.UUID, clock: SettableClock
) -> None:
    assert guest.person is not None
    path = f"organisations/{house}/people/{guest.person.id}"
    assert head.patch(path, {"roles": ["member"]}).status_code == 200
    listing = post(guest, "outcome", organisation_id=str(house))
    assert owner_of(runtime, listing) == guest.person.id
    until = (clock.now + timedelta(days=9)).isoformat()
    assert head.patch(path, {"roles": ["delegate"], "until": until}).status_code == 200
    assert owner_of(runtime, listing) is None


def test_whoever_leaves_their_only_house_keeps_nothing_in_those_they_published_for(
    runtime: Runtime, guest: Caller, house: uuid.UUID
) -> None:
    listing = owned_there(runtime, guest, house)
    home = guest.get("me").json["organisation"]["id"]
    assert guest.delete(f"me/memberships/{home}").status_code == 204
    assert guest.get("me").json["memberships"] == []
    assert owner_of(runtime, listing) is None
