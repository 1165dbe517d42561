"""Cases: a broker sees exactly the listings that they look after, in every state, for as long as that holds."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlmodel import Session, select

from market.models import LISTINGS, Membership, Organisation
from market.runtime import Runtime
from market.vocabulary import vocabulary
from tests.api.claiming import kinds, problem, set_user
from tests.factories import NOUNS, Caller, Person, add_organisation, add_person, payload, post

STATES = vocabulary("listing_states").codes


@pytest.fixture
def admin(runtime: Runtime, client: FlaskClient) -> Caller:
    return Caller(client, add_person(runtime, add_organisation(runtime), roles=("organisation_admin", "member")))


@pytest.fixture
def broker(runtime: Runtime, client: FlaskClient) -> Caller:
    """Of the exchange."""
    return Caller(client, add_person(runtime, roles=("broker",)))


def assign(caller: Caller, broker: Caller | Person, noun: str, identity: str, **body: Any) -> Any:
    person = broker if isinstance(broker, Person) else broker.person
    assert person is not None
    return caller.post("cases", {"type": noun, "id": identity, "broker": str(person.id), **body})


def place(runtime: Runtime, admin: Caller, noun: str, state: str) -> str:
    assert admin.person is not None
    row = LISTINGS[noun](organisation_id=admin.person.organisation_id, state=state, **payload(noun, works=[]))
    row.published_at = runtime.clock()
    setattr(row, row.EXPIRES, runtime.clock().date() + timedelta(days=30))
    with runtime.db.writing() as session:
        session.add(row)
    return str(row.id)


@pytest.mark.parametrize("noun", NOUNS)
def test_a_broker_sees_exactly_their_cases_in_every_state(
    runtime: Runtime, client: FlaskClient, admin: Caller, broker: Caller, noun: str
) -> None:
    other = Caller(client, add_person(runtime, roles=("broker",)))
    for state in STATES:
        mine, not_mine = place(runtime, admin, noun, state), place(runtime, admin, noun, state)
        row = assign(admin, broker, noun, mine).json
        public = 200 if state == "published" else 404
        seen = [(who, one) for who in (broker, other) for one in (mine, not_mine)]
        codes = [who.get(f"{noun}s/{one}").status_code for who, one in seen]
        assert codes == [200, public, public, public], state
        matches = [who.get(f"{noun}s/{one}/matches").status_code for who, one in seen]
        refused = 403 if state == "published" else 404
        assert matches == [200, refused, refused, refused], state
        assert broker.patch(f"{noun}s/{mine}", {"keywords": ["改"]}, version=1).status_code == 403
        assert admin.post(f"cases/{row['id']}/actions/close").json["closed_at"] is not None
        assert broker.get(f"{noun}s/{mine}").status_code == public, state


def test_a_case_tells_its_broker_and_is_listed_to_both(
    admin: Caller, broker: Caller, reviewer: Caller, stranger: Caller
) -> None:
    draft = post(admin, "demand", submit=False)
    made = assign(admin, broker, "demand", draft["id"], note="请先联系")
    assert (made.status_code, made.json["note"], made.json["may_close"]) == (201, "请先联系", True)
    assert kinds(broker) == ["case_assigned"]
    assert "请先联系" not in broker.get("notifications").text
    for caller in (admin, broker, reviewer):
        [row] = caller.get("cases", state="open").json["items"]
        assert (row["id"], row["listing"]["id"]) == (made.json["id"], draft["id"])
        assert caller.get(f"cases/{row['id']}").status_code == 200
    assert stranger.get("cases").status_code == 403
    other = Caller(admin.client, broker.person)
    assert problem(assign(admin, other, "demand", draft["id"])) == "case-open-already"
    assert broker.post(f"cases/{made.json['id']}/actions/close").status_code == 200  # they may give it back
    assert problem(admin.post(f"cases/{made.json['id']}/actions/close")) == "not-in-this-state"
    assert admin.get("cases", state="open").json["items"] == []
    assert [row["id"] for row in broker.get("cases", state="closed").json["items"]] == [made.json["id"]]
    assert assign(admin, broker, "demand", draft["id"]).status_code == 201


def test_a_closed_case_shows_its_listing_only_as_everybody_sees_it(admin: Caller, broker: Caller) -> None:
    secret, public = post(admin, "demand", submit=False), post(admin, "demand")
    for one in (secret, public):
        case = assign(admin, broker, "demand", one["id"]).json
        assert broker.post(f"cases/{case['id']}/actions/close").status_code == 200
    shown = {row["listing_id"]: row["listing"] for row in broker.get("cases", state="closed").json["items"]}
    assert (shown[secret["id"]], shown[public["id"]]["id"]) == (None, public["id"])
    assert [row["listing"]["id"] for row in admin.get("cases").json["items"]] == [public["id"], secret["id"]]


def test_cases_are_assigned_by_the_listings_own_administrators_to_brokers(
    runtime: Runtime, client: FlaskClient, admin: Caller, broker: Caller, administrator: Caller, reviewer: Caller
) -> None:
    listing, draft = post(admin, "outcome"), post(admin, "outcome", submit=False)
    assert admin.person is not None
    elsewhere = Caller(client, add_person(runtime, add_organisation(runtime), roles=("organisation_admin",)))
    member = Caller(client, add_person(runtime, admin.person.organisation_id))
    assert [assign(one, broker, "outcome", listing["id"]).status_code for one in (elsewhere, member)] == [403, 403]
    assert assign(elsewhere, broker, "outcome", draft["id"]).status_code == 404
    assert assign(reviewer, broker, "outcome", listing["id"]).status_code == 403
    for nobody in (
        add_person(runtime, add_organisation(runtime), roles=("broker",)),  # of another organisation
        add_person(runtime, roles=("broker",), active=False),
        add_person(runtime, admin.person.organisation_id),
        replace(admin.person, id=add_organisation(runtime)),  # nobody at all
    ):
        refused = assign(admin, nobody, "outcome", listing["id"])
        assert (refused.status_code, refused.json["errors"][0]["pointer"]) == (422, "/broker")
    own = add_person(runtime, admin.person.organisation_id, roles=("broker",))
    assert assign(administrator, own, "outcome", listing["id"]).status_code == 201
    other = Caller(client, add_person(runtime, roles=("broker",)))
    [row] = admin.get("cases").json["items"]
    assert [who.get(f"cases/{row['id']}").status_code for who in (other, elsewhere)] == [404, 404]
    assert other.post(f"cases/{row['id']}/actions/close").status_code == 404


def test_a_case_counts_no_more_when_its_brokers_role_or_account_ends(
    runtime: Runtime, client: FlaskClient, admin: Caller, broker: Caller
) -> None:
    draft = post(admin, "demand", submit=False)
    assert admin.person is not None
    assert broker.person is not None
    inside = add_person(runtime, admin.person.organisation_id, roles=("broker",))
    there = Caller(client, inside)
    for one in (broker, there):
        assign(admin, one, "demand", draft["id"])
    path = f"demands/{draft['id']}"
    assert [one.get(path).status_code for one in (broker, there)] == [200, 200]
    # A broker of another house is none of this one.
    with runtime.db.writing() as session:
        row = session.exec(select(Membership).where(Membership.user_id == inside.id)).one()
        row.roles = ["expert"]
        elsewhere = add_organisation_in(session)
        session.add(Membership(user_id=inside.id, organisation_id=elsewhere, roles=["broker"]))
    assert there.get(path).status_code == 404
    assert there.get("cases").json["items"] == []
    set_user(runtime, broker.person, roles=[])
    assert broker.get(path).status_code == 404
    set_user(runtime, broker.person, roles=["broker"], active=False)
    assert broker.get(path).status_code == 401


def add_organisation_in(session: Session) -> uuid.UUID:
    row = Organisation(name_zh="另一研究院", kind="research_institute")
    session.add(row)
    session.flush()
    return row.id


def test_a_broker_acts_on_matches_for_their_side_and_hears_of_mutual_interest(
    admin: Caller, broker: Caller, stranger: Caller, drain: Callable[[], int]
) -> None:
    demand = post(admin, "demand")
    outcome = post(stranger, "outcome")
    drain()
    path = f"demands/{demand['id']}/matches"
    assert broker.get(path).status_code == 403
    assign(admin, broker, "demand", demand["id"])
    [match] = [one for one in broker.get(path).json["items"] if one["listing"]["id"] == outcome["id"]]
    assert broker.post(f"matches/{match['id']}/actions/interest").status_code == 200
    assert stranger.post(f"matches/{match['id']}/actions/interest").status_code == 200
    assert kinds(broker)[0] == kinds(admin)[0] == kinds(stranger)[0] == "mutual_interest"
