"""Requests to see what takes an agreement: asked with consent, decided by the owner, and ended by time or deed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient

from market.models import AccessRequest
from market.runtime import Runtime
from market.services.disclosure.access_requests import MOST_OPEN
from tests.api.secrets import consent
from tests.factories import Caller, SettableClock, add_member, add_person, post

REASON = "拟评估承接鲸落项目"


@pytest.fixture
def demand(owner: Caller) -> dict[str, Any]:
    """A masked one, whose problem takes an agreement."""
    return post(owner, "demand", organisation_masked=True, contact_phone="022-1", tiers={"problem": "agreement"})


def ask(caller: Caller, demand: dict[str, Any], **changes: Any) -> Any:
    body = {"text": REASON, "consent": consent(caller), **changes}
    return caller.post(f"demands/{demand['id']}/access-requests", body)


def act(caller: Caller, request: dict[str, Any], deed: str, **body: Any) -> Any:
    return caller.post(f"access-requests/{request['id']}/actions/{deed}", body)


def sees(caller: Caller, demand: dict[str, Any]) -> bool:
    return "problem_zh" in caller.get(f"demands/{demand['id']}").json


def problem(answer: Any) -> str:
    return str(answer.json["type"]).rpartition("/")[2]


def inbox(caller: Caller, kind: str) -> list[dict[str, Any]]:
    return [row for row in caller.get("notifications").json["items"] if row["kind"] == kind]


def test_the_text_that_is_consented_to_has_a_version_and_a_hash(visitor: Caller) -> None:
    told = visitor.get("confidentiality").json
    whole = f"{told['zh']}\n\n{told['en']}".encode()
    assert told["sha256"] == hashlib.sha256(whole).hexdigest()
    # Whoever changes a word gives the text a new version: consents name it.
    assert (told["version"], told["sha256"][:16]) == ("2026-1", "95df0d98bbe395f3")


def test_what_is_granted_is_seen_until_it_ends(
    owner: Caller, stranger: Caller, demand: dict[str, Any], clock: SettableClock, drain: Callable[[], int]
) -> None:
    request = ask(stranger, demand).json
    assert (request["state"], request["text"], sees(stranger, demand)) == ("open", REASON, False)
    granted = act(owner, request, "grant", text="欢迎").json
    assert (granted["state"], granted["answer"], granted["version"]) == ("granted", "欢迎", 2)
    shown = stranger.get(f"demands/{demand['id']}").json
    assert (shown["contact_phone"], shown["protected"]) == ("022-1", {})
    assert shown["organisation"]["id"] == str(owner.person.organisation_id)
    assert not {"tiers", "external_key", "rejection_text"} & set(shown)
    clock.advance(days=89, hours=23)
    assert sees(stranger, demand)
    clock.advance(hours=1)
    assert not sees(stranger, demand)  # before any job has run
    assert stranger.get(f"access-requests/{request['id']}").json["state"] == "expired"
    assert ids(stranger, state="granted") == []
    assert ids(stranger, state="expired") == [request["id"]]
    drain()
    assert ids(owner, side="to_decide", state="expired") == [request["id"]]
    assert ask(stranger, demand).status_code == 201


def ids(caller: Caller, **query: Any) -> list[str]:
    return [item["id"] for item in caller.get("access-requests", **query).json["items"]]


def test_whose_time_is_over_may_ask_again_before_that_is_noted(
    owner: Caller, stranger: Caller, demand: dict[str, Any], clock: SettableClock
) -> None:
    act(owner, ask(stranger, demand).json, "grant")
    assert problem(ask(stranger, demand)) == "access-requested-already"
    clock.advance(days=91)
    assert ask(stranger, demand).status_code == 201


@pytest.mark.parametrize("deed", ["revoke", "withdraw"])
def test_what_is_revoked_or_given_back_is_hidden_at_once(
    owner: Caller, stranger: Caller, demand: dict[str, Any], deed: str
) -> None:
    request = ask(stranger, demand).json
    act(owner, request, "grant")
    assert sees(stranger, demand)
    done = act(owner if deed == "revoke" else stranger, request, deed)
    assert done.status_code == 200
    assert not sees(stranger, demand)
    assert problem(act(owner, request, "grant")) == "not-in-this-state"


def test_what_is_refused_may_be_asked_again(owner: Caller, stranger: Caller, demand: dict[str, Any]) -> None:
    request = ask(stranger, demand).json
    assert act(owner, request, "refuse", text="暂不").json["state"] == "refused"
    assert not sees(stranger, demand)
    assert problem(act(owner, request, "revoke")) == "not-in-this-state"
    assert ask(stranger, demand).status_code == 201


@pytest.mark.parametrize("changes", [{"version": "2019-1"}, {"sha256": "0" * 64}])
def test_consent_to_another_text_is_none(stranger: Caller, demand: dict[str, Any], changes: dict[str, str]) -> None:
    answer = ask(stranger, demand, consent={**consent(stranger), **changes})
    assert (answer.status_code, problem(answer)) == (409, "consent-outdated")
    assert "/api/v1/confidentiality" in answer.json["detail"]


def test_a_request_has_a_reason_and_a_consent(stranger: Caller, demand: dict[str, Any]) -> None:
    answer = stranger.post(f"demands/{demand['id']}/access-requests", {"text": " "})
    assert sorted(item["pointer"] for item in answer.json["errors"]) == ["/consent", "/text"]


def test_nobody_asks_for_their_own_for_nothing_or_for_what_they_cannot_see(
    owner: Caller, stranger: Caller, visitor: Caller, demand: dict[str, Any]
) -> None:
    assert ask(owner, demand).status_code == 403
    assert ask(visitor, demand).status_code == 401
    draft = post(owner, "demand", submit=False)
    assert ask(stranger, draft).status_code == 404
    expert = post(owner, "expert", contact_phone="022-1")
    answer = stranger.post(f"experts/{expert['id']}/access-requests", {"text": "a", "consent": consent(stranger)})
    assert problem(answer) == "nothing-protected"


@pytest.mark.parametrize("days", [0, 367])
def test_a_grant_ends_within_a_year(
    owner: Caller, stranger: Caller, demand: dict[str, Any], clock: SettableClock, days: int
) -> None:
    request = ask(stranger, demand).json
    until = (clock() + timedelta(days=days)).isoformat()
    refused = act(owner, request, "grant", until=until)
    assert [item["pointer"] for item in refused.json["errors"]] == ["/until"]
    assert act(owner, request, "grant", until="2027-01-01").status_code == 422


def test_the_end_of_a_grant_can_be_moved(
    owner: Caller, stranger: Caller, demand: dict[str, Any], clock: SettableClock
) -> None:
    request = ask(stranger, demand).json
    act(owner, request, "grant")
    until = clock() + timedelta(days=2)
    assert act(owner, request, "grant", until=until.isoformat()).json["version"] == 3
    clock.advance(days=2)
    assert not sees(stranger, demand)


def test_only_those_whose_it_is_decide_and_nobody_on_their_own_request(
    owner: Caller, stranger: Caller, newcomer: Caller, reviewer: Caller, administrator: Caller, demand: dict[str, Any]
) -> None:  # fmt: skip
    request = ask(stranger, demand).json
    assert act(newcomer, request, "grant").status_code == 404
    assert act(reviewer, request, "grant").status_code == 403
    assert act(stranger, request, "grant").status_code == 403
    assert act(owner, request, "withdraw").status_code == 403
    mine = ask(administrator, demand).json
    assert act(administrator, mine, "grant").status_code == 403
    assert act(administrator, request, "grant").status_code == 200


def test_a_decision_on_an_older_version_is_refused(owner: Caller, stranger: Caller, demand: dict[str, Any]) -> None:
    request = ask(stranger, demand).json
    path = f"access-requests/{request['id']}/actions/refuse"
    assert owner.post(path, {}, headers={"If-Match": '"7"'}).status_code == 412
    assert owner.post(path, {}, headers={"If-Match": '"1"'}).status_code == 200


def test_each_side_lists_its_own(
    owner: Caller, stranger: Caller, newcomer: Caller, reviewer: Caller, administrator: Caller, demand: dict[str, Any]
) -> None:  # fmt: skip
    first, second = ask(stranger, demand).json, ask(newcomer, demand).json
    assert ids(stranger) == [first["id"]]
    assert ids(owner) == []
    assert ids(owner, side="to_decide") == [second["id"], first["id"]]
    assert ids(stranger, side="to_decide") == []
    assert ids(administrator, side="to_decide", state="open") == [second["id"], first["id"]]
    assert ids(owner, side="to_decide", state="granted") == []
    page = owner.get("access-requests", side="to_decide", limit=1).json
    assert [one["id"] for one in page["items"]] == [second["id"]]
    assert ids(owner, side="to_decide", limit=1, cursor=page["next"]) == [first["id"]]
    assert reviewer.get(f"access-requests/{first['id']}").status_code == 200
    assert newcomer.get(f"access-requests/{first['id']}").status_code == 404


def test_a_colleague_decides_and_a_grant_is_for_one_person(
    owner: Caller, stranger: Caller, runtime: Runtime, client: FlaskClient, demand: dict[str, Any]
) -> None:
    colleague = Caller(client, add_person(runtime, owner.person.organisation_id))
    assert act(colleague, ask(stranger, demand).json, "grant").status_code == 200
    other = Caller(client, add_person(runtime, stranger.person.organisation_id))
    assert (sees(stranger, demand), sees(other, demand)) == (True, False)


def test_the_owner_learns_who_asks_and_the_requester_not_whose_it_is(
    runtime: Runtime, client: FlaskClient, owner: Caller, demand: dict[str, Any]
) -> None:
    asker = Caller(client, add_member(runtime, name_zh="燕山公司", name_en="Yanshan Company"))
    own = Caller(client, add_member(runtime, name_zh="不具名企业", name_en="Undisclosed Works"))
    hidden = post(own, "demand", organisation_masked=True, contact_name="机密联系人")
    request = ask(asker, hidden).json
    told = own.get(f"access-requests/{request['id']}").json["requester"]
    assert (told["organisation_zh"], told["organisation_en"]) == ("燕山公司", "Yanshan Company")
    act(own, request, "refuse", text="暂不")
    identity = str(own.person.organisation_id)
    seen = [asker.get(f"access-requests/{request['id']}").text, asker.get("access-requests").text,
            asker.get("notifications").text, asker.get(f"demands/{hidden['id']}").text]  # fmt: skip
    for told in seen:
        assert not [mark for mark in ("不具名企业", "Undisclosed", identity, "机密联系人") if mark in told]
        assert str(own.person.id) not in told


def test_both_sides_are_told_without_the_requests_words(
    owner: Caller, stranger: Caller, demand: dict[str, Any]
) -> None:
    request = ask(stranger, demand).json
    [asked] = inbox(owner, "access_requested")
    assert (asked["listing_id"], demand["title_zh"] in asked["title"]) == (demand["id"], True)
    act(owner, request, "grant", text="只对您说")
    [decided] = inbox(stranger, "access_decided")
    assert decided["listing_id"] == demand["id"]
    assert "Granted" in decided["body"]
    for row in (asked, decided):
        assert not [words for words in ("鲸落", "只对您说") if words in str(row)]


def test_a_grant_ends_with_the_listings_publication(owner: Caller, stranger: Caller, demand: dict[str, Any]) -> None:
    request = ask(stranger, demand).json
    act(owner, request, "grant")
    owner.post(f"demands/{demand['id']}/actions/withdraw")
    assert stranger.get(f"demands/{demand['id']}").status_code == 404
    assert stranger.get(f"access-requests/{request['id']}").json["listing"] is None


def test_what_was_asked_of_a_listing_that_is_gone_ends(
    owner: Caller, stranger: Caller, demand: dict[str, Any], drain: Callable[[], int], clock: SettableClock
) -> None:
    request = ask(stranger, demand).json
    owner.delete(f"demands/{demand['id']}", version=1)
    clock.advance(minutes=6)
    drain()
    told = stranger.get(f"access-requests/{request['id']}").json
    assert (told["state"], told["listing"]) == ("expired", None)


def test_nobody_keeps_more_than_so_many_open(stranger: Caller, demand: dict[str, Any], runtime: Runtime) -> None:
    waiting = {"consent_version": "1", "consent_hash": "", "consented_at": runtime.clock()}
    with runtime.db.writing() as session:
        for _ in range(MOST_OPEN):
            row = AccessRequest(noun="demand", listing_id=uuid4(), requester_id=stranger.person.id, **waiting)
            session.add(row)
    assert problem(ask(stranger, demand)) == "too-many-access-requests"
