"""What an organisation's trust and its verification are worth, for whom, and until when."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from market.models import LISTINGS
from market.rights import confidentiality
from market.runtime import Runtime
from market.services.disclosure import access_requests
from market.services.people import organisations
from market.services.rights import people
from market.services.rights.access import SYSTEM
from tests.api.claiming import problem
from tests.factories import NOUNS, Caller, add_organisation, add_person, post

AGREED = {"version": confidentiality.VERSION, "sha256": confidentiality.SHA256}


def act(
    caller: Caller, noun: str, listing: dict[str, Any], action: str, *, version: int | None = None, **body: Any
) -> Any:
    return caller.post(f"{noun}s/{listing['id']}/actions/{action}", body, version=version)


def closed(runtime: Runtime, house: uuid.UUID) -> None:
    with runtime.db.writing() as session:
        organisations.deactivate(session, SYSTEM, house, now=runtime.clock())


def test_an_experts_own_word_is_not_their_houses(runtime: Runtime, client: FlaskClient, reviewer: Caller) -> None:
    house = add_organisation(runtime)
    expert = Caller(client, add_person(runtime, house, roles=("expert",)))
    mine = post(expert, "expert")
    assert mine["state"] == "submitted"
    assert act(reviewer, "expert", mine, "approve", version=1).json["state"] == "published"
    changed = expert.patch(f"experts/{mine['id']}", {"name_zh": "另一人"}, version=2)
    assert changed.json["state"] == "submitted"
    for role in ("member", "organisation_admin", "delegate"):
        colleague = Caller(client, add_person(runtime, house, roles=(role,)))
        assert post(colleague, "expert", organisation_id=str(house))["state"] == "published"


def test_nothing_of_a_closed_house_is_made_public(
    runtime: Runtime, client: FlaskClient, reviewer: Caller, administrator: Caller, visitor: Caller
) -> None:
    house = add_organisation(runtime)
    owner = Caller(client, add_person(runtime, house))
    draft = post(owner, "outcome", submit=False)
    public, ended = post(owner, "outcome"), post(owner, "outcome")
    waiting = post(Caller(client, add_person(runtime, house, roles=("expert",))), "expert")
    with runtime.db.writing() as session:
        row: Any = session.get_one(LISTINGS["outcome"], uuid.UUID(ended["id"]))
        row.state, row.valid_until = "expired", runtime.clock().date() - timedelta(days=1)
    closed(runtime, house)
    until = (runtime.clock().date() + timedelta(days=30)).isoformat()
    refused = [
        act(owner, "outcome", draft, "submit"),
        act(owner, "outcome", ended, "extend", until=until),
        act(reviewer, "outcome", public, "restore", version=2),
        act(administrator, "outcome", draft, "submit"),
        act(reviewer, "expert", waiting, "approve", version=1),
        administrator.post("outcomes", {"title_zh": "甲", "submit": True, "organisation_id": str(house)}),
    ]
    assert [(one.status_code, problem(one)) for one in refused] == [(409, "organisation-closed")] * len(refused)
    assert [visitor.get(f"outcomes/{one['id']}").status_code for one in (draft, public, ended)] == [404] * 3
    # What ends something is possible.
    assert act(owner, "outcome", public, "withdraw").json["state"] == "withdrawn"
    assert act(reviewer, "expert", waiting, "return", text="机构已关闭").json["state"] == "draft"


def test_a_house_that_is_opened_again_publishes_nothing_of_before_by_itself(
    runtime: Runtime, client: FlaskClient, reviewer: Caller
) -> None:
    house = add_organisation(runtime)
    owner = Caller(client, add_person(runtime, house))
    listed = post(owner, "outcome")
    closed(runtime, house)
    with runtime.db.writing() as session:
        organisations.activate(session, SYSTEM, house, now=runtime.clock())
    assert act(owner, "outcome", listed, "withdraw").json["state"] == "withdrawn"
    again = act(owner, "outcome", listed, "submit").json
    assert again["state"] == "submitted"
    assert act(reviewer, "outcome", listed, "approve", version=again["version"]).json["state"] == "published"


def test_what_was_merged_does_not_come_back_into_a_closed_house(
    runtime: Runtime, client: FlaskClient, owner: Caller, reviewer: Caller
) -> None:
    house = add_organisation(runtime)
    loser, winner = post(Caller(client, add_person(runtime, house)), "outcome"), post(owner, "outcome")
    assert act(reviewer, "outcome", loser, "merge", into=winner["id"]).status_code == 200
    closed(runtime, house)
    assert problem(act(reviewer, "outcome", loser, "unmerge")) == "organisation-closed"


@pytest.mark.parametrize(
    ("role", "sees"), [("member", True), ("organisation_admin", True), ("expert", False), ("broker", False)]
)
def test_a_verified_house_vouches_for_its_members_alone(
    runtime: Runtime, client: FlaskClient, owner: Caller, role: str, sees: bool
) -> None:
    demand = post(owner, "demand", problem_zh="莺燕", tiers={"problem": "verified"})
    there = add_organisation(runtime, verification="verified")
    reader = Caller(client, add_person(runtime, there, roles=(role,)))
    assert ("problem_zh" in reader.get(f"demands/{demand['id']}").json) is sees


@pytest.mark.parametrize("noun", NOUNS[::2])
def test_a_grant_ends_with_the_membership_for_which_it_was_asked(
    runtime: Runtime, client: FlaskClient, owner: Caller, noun: str
) -> None:
    field = "problem_zh" if noun == "demand" else "description_zh"
    listing = post(owner, noun, tiers={field.removesuffix("_zh"): "agreement"}, **{field: "莺燕"})
    house = add_organisation(runtime)
    head = Caller(client, add_person(runtime, house, roles=("organisation_admin", "member")))
    member = Caller(client, add_person(runtime, house))
    alone = Caller(client, add_person(runtime, roles=()))
    path = f"{noun}s/{listing['id']}"
    for asker in (member, alone):
        made = asker.post(f"{path}/access-requests", {"text": "可评估", "consent": AGREED})
        assert owner.post(f"access-requests/{made.json['id']}/actions/grant").status_code == 200
        assert asker.get(path).json[field] == "莺燕"
    assert member.person is not None
    assert head.delete(f"organisations/{house}/people/{member.person.id}").status_code == 204
    assert field not in member.get(path).json
    elsewhere = {member.person.id: (add_organisation(runtime), ["member"])}
    with runtime.db.writing() as session:  # there they are somebody else
        people.join(session, elsewhere, now=runtime.clock())
    assert field not in member.get(path).json
    with runtime.db.writing() as session:
        assert access_requests.expire(session, now=runtime.clock()) == 1
    states = [one.get("access-requests").json["items"][0]["state"] for one in (member, alone)]
    assert (states, alone.get(path).json[field]) == (["expired", "granted"], "莺燕")
