"""Organisations: registered by anybody, verified by somebody else, and kept by their own people."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from market.models import LISTINGS
from market.runtime import Runtime
from market.services.people import invitations
from tests.api.letters import PASSWORD, tokens
from tests.delivery.mail_server import MailServer
from tests.factories import Caller, SettableClock, add_organisation, add_person, payload, post

Drain = Callable[[], int]
NEW = {
    "name_zh": "海河材料研究院",
    "kind": "research_institute",
    "credit_code": "91350100-M000100Y43",
    "mail_domains": ["Haihe.example"],
}


@pytest.fixture
def runtime(mailing: Runtime) -> Runtime:
    """One that sends mail."""
    return mailing


@pytest.fixture
def founder(runtime: Runtime, client: FlaskClient) -> Caller:
    return Caller(client, add_person(runtime, email="chen@lab.haihe.example", email_verified_at=runtime.clock()))


@pytest.fixture
def organisation(founder: Caller) -> dict[str, Any]:
    answer = founder.post("organisations", NEW)
    assert answer.status_code == 201, answer.text
    return dict(answer.json)


def path(organisation: dict[str, Any], *rest: object) -> str:
    return "/".join(("organisations", organisation["id"], *map(str, rest)))


def member(runtime: Runtime, client: FlaskClient, organisation: dict[str, Any], *roles: str, **values: Any) -> Caller:
    place = uuid.UUID(organisation["id"])
    return Caller(client, add_person(runtime, place, roles=roles or ("member",), **values))


def roles_of(founder: Caller, organisation: dict[str, Any]) -> dict[str, list[str]]:
    return {one["id"]: one["roles"] for one in founder.get(path(organisation, "people")).json["items"]}


def test_whoever_registers_one_is_its_administrator_and_it_is_not_verified(
    founder: Caller, stranger: Caller, organisation: dict[str, Any]
) -> None:
    assert (organisation["verification"], organisation["trusted"]) == ("unverified", False)
    assert organisation["credit_code"] == "91350100M000100Y43"
    [mine] = founder.get("me").json["memberships"]
    assert mine["roles"] == ["member", "organisation_admin"]
    assert founder.get(path(organisation)).json["mail_domains"] == ["haihe.example"]
    assert "mail_domains" not in stranger.get(path(organisation)).json


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"credit_code": "91350100M000100Y44"}, "/credit_code"),
        ({"mail_domains": ["not a domain"]}, "/mail_domains/0"),
        ({"name_zh": "", "name_en": ""}, "/name_zh"),
        ({"kind": "castle"}, "/kind"),
        ({"trusted": True}, "/trusted"),
        ({"verification": "verified"}, "/verification"),
    ],
)
def test_what_is_said_of_one_is_checked(founder: Caller, change: dict[str, Any], pointer: str) -> None:
    answer = founder.post("organisations", {**NEW, **change})
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, pointer)


def test_one_credit_code_is_one_organisations(stranger: Caller, organisation: dict[str, Any]) -> None:
    answer = stranger.post("organisations", {**NEW, "name_zh": "另一家"})
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "/credit_code")


def test_it_is_verified_by_somebody_else_who_sees_what_speaks_for_it(
    runtime: Runtime, client: FlaskClient, founder: Caller, reviewer: Caller, organisation: dict[str, Any]
) -> None:
    add_organisation(runtime, name_zh=NEW["name_zh"])
    assert founder.post(path(organisation, "actions/request-verification")).json["verification"] == "requested"
    assert founder.post(path(organisation, "actions/request-verification")).status_code == 409
    [waiting] = reviewer.get("organisations", verification="requested").json["items"]
    assert waiting["id"] == organisation["id"]
    evidence = reviewer.get(path(organisation, "evidence")).json
    assert (evidence["credit_code_valid"], evidence["confirmed"]) == (True, {"haihe.example": 1})
    assert len(evidence["alike"]) == 1
    insider = member(runtime, client, organisation, "member", "reviewer")
    for caller in (founder, insider):
        assert caller.post(path(organisation, "actions/verify"), {}).status_code == 403
        assert caller.get(path(organisation, "evidence")).status_code == 403
    done = reviewer.post(path(organisation, "actions/verify"), {"trusted": True}).json
    assert (done["verification"], done["trusted"]) == ("verified", True)
    refused = reviewer.post(path(organisation, "actions/refuse"), {"text": "代码与名称不符"}).json
    assert (refused["verification"], refused["trusted"]) == ("refused", False)
    told = [one["body"] for one in founder.get("notifications").json["items"] if one["kind"] == "account"]
    assert "代码与名称不符" in told[0]


def test_a_new_name_ends_verification_and_makes_new_versions_of_its_listings(
    founder: Caller, reviewer: Caller, organisation: dict[str, Any]
) -> None:
    listing = post(founder, "outcome", submit=False)
    reviewer.post(path(organisation, "actions/verify"), {})
    before = founder.get(path(organisation)).headers["ETag"].strip('"')
    same = founder.patch(path(organisation), {"summary_zh": "从事防腐研究。"}, version=int(before)).json
    assert same["verification"] == "verified"
    assert founder.patch(path(organisation), {"name_zh": "新名"}).status_code == 428
    assert founder.patch(path(organisation), {"name_zh": "新名"}, version=int(before)).status_code == 412
    changed = founder.patch(path(organisation), {"name_zh": "新名"}, version=int(before) + 1).json
    assert changed["verification"] == "unverified"
    assert founder.get(f"outcomes/{listing['id']}").json["version"] == listing["version"] + 1


def test_only_its_administrators_change_it(
    runtime: Runtime, client: FlaskClient, stranger: Caller, organisation: dict[str, Any]
) -> None:
    for caller in (stranger, member(runtime, client, organisation)):
        assert caller.patch(path(organisation), {"summary_zh": "改"}, version=1).status_code == 403
        assert caller.get(path(organisation, "people")).status_code == 403
        assert caller.post(path(organisation, "actions/deactivate")).status_code == 403


def test_somebody_without_an_account_joins_by_the_mail(
    founder: Caller, visitor: Caller, organisation: dict[str, Any], mails: MailServer, drain: Drain
) -> None:
    body = {"email": "Li@haihe.example", "roles": ["member", "expert"]}
    assert founder.post(path(organisation, "invitations"), body).status_code == 201
    [token] = tokens(mails, drain, "li@haihe.example")
    body = {"token": token, "name": "李文", "password": PASSWORD}
    joined = visitor.post("invitations/actions/accept", body)
    assert (joined.status_code, joined.json["roles"]) == (200, ["expert", "member"])
    assert visitor.post("invitations/actions/accept", body).status_code == 404, "it is good once"
    assert visitor.post("sign-in", {"email": "li@haihe.example", "password": PASSWORD}).status_code == 200
    [other] = [one for one in founder.get(path(organisation, "people")).json["items"] if one["name"] == "李文"]
    assert other["email_verified"] is True


def test_a_token_that_is_handed_over_opens_no_account_that_somebody_has(
    runtime: Runtime, client: FlaskClient, founder: Caller, visitor: Caller, stranger: Caller,
    organisation: dict[str, Any],
) -> None:  # fmt: skip
    person = add_person(runtime, email="wang@haihe.example")
    made = founder.post(path(organisation, "invitations"), {"email": person.email, "roles": ["member"]}).json
    assert "token" not in founder.get(path(organisation, "invitations")).json["items"][0]
    body = {"token": made["token"], "password": PASSWORD}
    assert visitor.post("invitations/actions/accept", body).status_code == 401
    assert stranger.post("invitations/actions/accept", body).status_code == 403
    assert visitor.post("sign-in", {"email": person.email, "password": PASSWORD}).status_code == 401
    assert Caller(client, person).post("invitations/actions/accept", {"token": made["token"]}).status_code == 200
    assert str(person.id) in roles_of(founder, organisation)


def test_an_invitation_taken_back_or_too_old_is_worth_nothing(
    founder: Caller,
    visitor: Caller,
    organisation: dict[str, Any],
    clock: SettableClock,
    mails: MailServer,
    drain: Drain,
) -> None:
    made = [
        founder.post(path(organisation, "invitations"), {"email": f"{name}@haihe.example", "roles": ["member"]}).json
        for name in ("one", "two")
    ]
    assert founder.delete(path(organisation, "invitations", made[0]["id"])).status_code == 204
    assert tokens(mails, drain, "one@haihe.example") == []
    clock.advance(days=14)
    for one in made:
        body = {"token": one["token"], "password": PASSWORD}
        assert visitor.post("invitations/actions/accept", body).status_code == 404


def test_an_organisation_that_has_sent_enough_invitations_is_told_when_it_may_send_more(
    founder: Caller, organisation: dict[str, Any], clock: SettableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(invitations, "MOST_A_DAY", 2)

    def invite(name: str) -> TestResponse:
        body = {"email": f"{name}@haihe.example", "roles": ["member"]}
        return founder.post(path(organisation, "invitations"), body)

    assert [invite(name).status_code for name in ("one", "two")] == [201, 201]
    clock.advance(hours=1)
    refused = invite("three")
    assert (refused.status_code, refused.json["type"]) == (429, "/problems/too-many-invitations")
    assert refused.headers["Retry-After"] == str(23 * 60 * 60)
    clock.advance(seconds=int(refused.headers["Retry-After"]))
    assert invite("three").status_code == 201


def test_roles_are_given_and_somebody_always_has_the_last_word(
    runtime: Runtime, client: FlaskClient, founder: Caller, organisation: dict[str, Any]
) -> None:
    mine, other = founder.person.id, member(runtime, client, organisation).person
    people = path(organisation, "people")
    for caller_id, body in ((mine, {"roles": ["member"]}), (other.id, {"roles": []})):
        assert founder.patch(f"{people}/{caller_id}", body).status_code in (409, 422)
    assert founder.delete(f"{people}/{mine}").status_code == 409
    assert founder.delete(f"me/memberships/{organisation['id']}").status_code == 409
    assert founder.patch(f"{people}/{other.id}", {"roles": ["organisation_admin"]}).status_code == 200
    assert founder.delete(f"me/memberships/{organisation['id']}").status_code == 204
    assert Caller(client, other).delete(f"{people}/{mine}").status_code == 404


def test_whoever_leaves_leaves_their_listings_with_the_house(
    runtime: Runtime, client: FlaskClient, founder: Caller, organisation: dict[str, Any]
) -> None:
    leaver = member(runtime, client, organisation)
    listing = post(leaver, "outcome", submit=False)
    assert founder.delete(path(organisation, "people", leaver.person.id)).status_code == 204
    assert leaver.get(f"outcomes/{listing['id']}").status_code == 404
    assert founder.get(f"outcomes/{listing['id']}").status_code == 200
    with runtime.db.reading() as session:
        assert session.get_one(LISTINGS["outcome"], uuid.UUID(listing["id"])).owner_id is None


def test_somebody_publishes_for_another_house_until_a_day_and_both_know(
    runtime: Runtime, client: FlaskClient, founder: Caller, organisation: dict[str, Any], clock: SettableClock
) -> None:
    home = add_organisation(runtime)
    head = Caller(client, add_person(runtime, home, roles=("member", "organisation_admin")))
    guest = Caller(client, add_person(runtime, home))
    body = {"email": guest.person.email, "roles": ["delegate"]}
    token = founder.post(path(organisation, "invitations"), body).json["token"]
    assert guest.post("invitations/actions/accept", {"token": token}).status_code == 200
    until = (clock.now + timedelta(days=10)).isoformat()
    person = path(organisation, "people", guest.person.id)
    assert founder.patch(person, {"roles": ["delegate"], "until": until}).status_code == 200
    assert founder.patch(person, {"roles": ["delegate"]}).status_code == 422
    assert founder.patch(person, {"roles": ["delegate", "member"], "until": until}).status_code == 422
    draft = payload("outcome", organisation_id=organisation["id"])
    posted = guest.post("outcomes", draft).json
    assert posted["organisation"]["id"] == organisation["id"]
    shown = {one["id"]: one for one in head.get(f"organisations/{home}/people").json["items"]}
    assert shown[str(guest.person.id)]["delegations"][0]["organisation"]["id"] == organisation["id"]
    clock.advance(days=10)
    assert guest.post("outcomes", draft).status_code == 403
    assert guest.get(f"outcomes/{posted['id']}").status_code == 404
    assert str(guest.person.id) not in roles_of(founder, organisation)


def test_nobody_is_made_a_delegate_who_belongs_nowhere_else(
    runtime: Runtime, client: FlaskClient, founder: Caller, organisation: dict[str, Any], clock: SettableClock
) -> None:
    other = member(runtime, client, organisation).person
    until = (clock.now + timedelta(days=10)).isoformat()
    body = {"roles": ["delegate"], "until": until}
    assert founder.patch(path(organisation, "people", other.id), body).status_code == 422


def test_a_closed_house_shows_nothing_and_its_people_have_no_rights_there(
    founder: Caller, reviewer: Caller, visitor: Caller, organisation: dict[str, Any], drain: Drain
) -> None:
    reviewer.post(path(organisation, "actions/verify"), {"trusted": True})
    listing = post(founder, "outcome")
    drain()
    assert visitor.get("outcomes", q="防腐涂层").json["total"] == 1
    assert founder.post(path(organisation, "actions/deactivate")).json["active"] is False
    drain()
    assert visitor.get("outcomes", q="防腐涂层").json["total"] == 0
    assert visitor.get(f"outcomes/{listing['id']}").status_code == 404
    assert founder.get("me").json["memberships"] == []
    assert founder.post("outcomes", payload("outcome")).status_code in (403, 409)
    assert organisation["id"] not in visitor.get("organisations").text
    with_rights = reviewer.post(path(organisation, "actions/activate"))
    assert with_rights.json["active"] is True
    assert founder.get(f"outcomes/{listing['id']}").json["state"] == "suspended"
