"""An address that nobody has confirmed convinces nobody: it opens no tier, asks for nothing, writes to nobody."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlmodel import select

from market.files.faults import Row
from market.models import Identity, Organisation, User
from market.runtime import Runtime
from market.services.files import loading
from tests.api.secrets import consent
from tests.factories import Caller, add_member, add_organisation, add_person, post


@pytest.fixture
def newly(runtime: Runtime, client: FlaskClient) -> Caller:
    """Somebody of a verified organisation who has registered with some address."""
    place = add_organisation(runtime, verification="verified")
    return Caller(client, add_person(runtime, place, email_verified_at=None))


@pytest.fixture
def demand(owner: Caller) -> dict[str, Any]:
    return post(
        owner, "demand", tiers={"problem": "registered", "background": "verified", "budget": "agreement"},
        background_zh="海上风电场",
    )  # fmt: skip


def sees(caller: Caller, demand: dict[str, Any]) -> set[str]:
    return {"problem_zh", "background_zh", "budget_to"} & {*caller.get(f"demands/{demand['id']}").json}


def ask(caller: Caller, demand: dict[str, Any]) -> Any:
    body = {"text": "拟评估承接", "consent": consent(caller)}
    return caller.post(f"demands/{demand['id']}/access-requests", body)


def write(caller: Caller, demand: dict[str, Any]) -> Any:
    return caller.post(f"demands/{demand['id']}/messages", {"text": "能否谈谈施工条件？"})


def confirm(runtime: Runtime, caller: Caller, **values: Any) -> None:
    assert caller.person
    with runtime.db.writing() as session:
        user = session.exec(select(User).where(User.id == caller.person.id)).one()
        user.email_verified_at = values.get("at", runtime.clock())
        session.add(user)


def test_tiers_open_only_to_whoever_has_shown_who_they_are(
    runtime: Runtime, newly: Caller, demand: dict[str, Any]
) -> None:
    assert sees(newly, demand) == set()
    confirm(runtime, newly)
    assert sees(newly, demand) == {"problem_zh", "background_zh"}


def test_an_identity_elsewhere_counts_as_well_as_an_address(
    runtime: Runtime, newly: Caller, demand: dict[str, Any]
) -> None:
    assert newly.person
    with runtime.db.writing() as session:
        session.add(Identity(user_id=newly.person.id, issuer="https://id.example", subject="1"))
    assert sees(newly, demand) == {"problem_zh", "background_zh"}


def test_what_was_granted_is_not_seen_while_the_address_is_not_confirmed(
    runtime: Runtime, newly: Caller, owner: Caller, demand: dict[str, Any]
) -> None:
    confirm(runtime, newly)
    request = ask(newly, demand)
    assert owner.post(f"access-requests/{request.json['id']}/actions/grant", {}).status_code == 200
    assert "budget_to" in sees(newly, demand)
    confirm(runtime, newly, at=None)
    assert sees(newly, demand) == set()


@pytest.mark.parametrize("deed", [ask, write])
def test_asking_and_writing_take_a_confirmed_address(
    runtime: Runtime, newly: Caller, demand: dict[str, Any], deed: Any
) -> None:
    refused = deed(newly, demand)
    assert (refused.status_code, refused.json["type"]) == (403, "/problems/address-unconfirmed")
    assert "forgot" in refused.json["detail"]
    confirm(runtime, newly)
    assert deed(newly, demand).status_code == 201


def test_whoever_decides_sees_how_far_a_name_can_be_believed(
    runtime: Runtime, client: FlaskClient, owner: Caller, demand: dict[str, Any]
) -> None:
    known = Caller(client, add_member(runtime, verification="verified", name_zh="海河材料研究院"))
    pretender = Caller(client, add_member(runtime, name_zh="海河材料研究院"))
    nobodys = Caller(client, add_person(runtime))
    expected = {"verified": known, "unverified": pretender, "": nobodys}
    asked = {ask(one, demand).json["id"]: how for how, one in expected.items()}
    written = {write(one, demand).json["id"]: how for how, one in expected.items()}
    requests = owner.get("access-requests", side="to_decide").json["items"]
    threads = owner.get("messages").json["items"]
    assert {one["id"]: one["requester"]["organisation_verification"] for one in requests} == asked
    assert {one["id"]: one["writer"]["organisation_verification"] for one in threads} == written
    confirm(runtime, pretender, at=None)
    requests = owner.get("access-requests", side="to_decide").json["items"]
    threads = owner.get("messages").json["items"]
    for shown, what in ((requests, "requester"), (threads, "writer")):
        believed = {one[what]["organisation_verification"]: one[what]["email_verified"] for one in shown}
        assert believed == {"verified": True, "unverified": False, "": True}


def test_whoever_the_operator_loads_counts_as_confirmed(runtime: Runtime) -> None:
    rows = [
        Row(1, {"key": "u-1", "email": "one@campus.example", "name": "甲", "language": "zh", "roles": ["reviewer"]})
    ]
    with runtime.db.writing() as session:
        session.add(User(external_key="u-1", email="one@campus.example", name="甲", roles=["reviewer"]))
        session.flush()
        loaded = loading.store(session, "users", rows, now=runtime.clock())
        assert (loaded.changed, loaded.unchanged) == (1, 0)
        again = loading.store(session, "users", rows, now=runtime.clock())
        assert (again.changed, again.unchanged) == (0, 1)
        [user] = session.exec(select(User))
        assert user.email_verified_at is not None
        assert session.exec(select(Organisation)).all() == []
        assert isinstance(user.id, uuid.UUID)
