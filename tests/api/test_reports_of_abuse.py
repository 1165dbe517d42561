"""Reports of abuse: anybody makes them, reviewers look at them, and nobody learns who did."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlmodel import select

from market.models import AuditEntry, Report
from market.runtime import Runtime
from tests.factories import NOUNS, Caller, SettableClock, add_member, add_person, post


def report(caller: Caller, listing: dict[str, Any], kind: str = "false_claims", text: str = "查无此报告。") -> Any:
    return caller.post(f"{listing['type']}s/{listing['id']}/reports", {"kind": kind, "text": text})


def listed(caller: Caller, **query: Any) -> list[dict[str, Any]]:
    response = caller.get("reports", **query)
    assert response.status_code == 200, response.text
    return list(response.json["items"])


def resolve(caller: Caller, row: dict[str, Any], verdict: str, text: str = "") -> Any:
    return caller.post(f"reports/{row['id']}/actions/resolve", {"verdict": verdict, "text": text})


@pytest.fixture
def listing(owner: Caller) -> dict[str, Any]:
    return post(owner, "outcome")


@pytest.mark.parametrize("noun", NOUNS)
def test_a_report_waits_for_a_reviewer_and_does_not_say_whose_it_is(
    owner: Caller, stranger: Caller, reviewer: Caller, noun: str
) -> None:
    listing = post(owner, noun)
    made = report(stranger, listing)
    assert made.status_code == 201
    [row] = listed(reviewer)
    assert (row["id"], row["kind"], row["text"]) == (made.json["id"], "false_claims", "查无此报告。")
    assert (row["type"], row["listing"]["id"], row["verdict"]) == (noun, listing["id"], "")
    assert stranger.person
    for told in (str(row), owner.get("notifications").text, owner.get(f"{noun}s/{listing['id']}/history").text):
        assert str(stranger.person.id) not in told
        assert stranger.person.email not in told


def test_each_reason_is_reported_once(owner: Caller, stranger: Caller, listing: dict[str, Any]) -> None:
    assert report(stranger, listing).status_code == 201
    again = report(stranger, listing)
    assert (again.status_code, again.json["type"]) == (409, "/problems/reported-already")
    assert report(stranger, listing, "spam").status_code == 201
    assert report(owner, listing).status_code == 201


def test_somebody_reports_twenty_times_a_day_at_most(
    runtime: Runtime, owner: Caller, stranger: Caller, reviewer: Caller, clock: SettableClock, listing: dict[str, Any]
) -> None:
    assert stranger.person
    with runtime.db.writing() as session:
        for _ in range(19):
            other = Report(noun="outcome", listing_id=listing["id"], kind="spam", created_at=clock())
            other.id, other.listing_id, other.reporter_id = other.id, other.id, stranger.person.id
            session.add(other)
    assert report(stranger, listing).status_code == 201
    refused = report(stranger, listing, "spam")
    assert (refused.status_code, refused.json["type"]) == (429, "/problems/too-many-reports")
    assert report(reviewer, listing, "spam").status_code == 201
    clock.advance(seconds=int(refused.headers["Retry-After"]))
    assert report(stranger, listing, "spam").status_code == 201


def test_what_one_does_not_see_cannot_be_reported(visitor: Caller, newcomer: Caller, stranger: Caller) -> None:
    hidden = post(newcomer, "outcome")
    assert report(stranger, hidden).status_code == 404
    assert report(visitor, hidden).status_code == 401


def test_what_is_found_to_be_abusive_is_taken_down_and_its_owner_told_why_and_not_by_whom(
    runtime: Runtime, owner: Caller, stranger: Caller, visitor: Caller, reviewer: Caller, listing: dict[str, Any]
) -> None:
    report(stranger, listing)
    [row] = listed(reviewer)
    answer = resolve(reviewer, row, "suspended", "检测报告无法核实。")
    assert (answer.status_code, answer.json["verdict"], answer.json["answer"]) == (
        200,
        "suspended",
        "检测报告无法核实。",
    )
    assert visitor.get(f"outcomes/{listing['id']}").status_code == 404
    mine = owner.get(f"outcomes/{listing['id']}").json
    assert (mine["state"], mine["rejection_reason"]) == ("suspended", "implausible")
    [told] = [one for one in owner.get("notifications").json["items"] if one["kind"] == "listing_suspended"]
    assert "检测报告无法核实。" in told["body"]
    assert "举报" not in told["title"] + told["body"]
    assert stranger.get("notifications").json["items"] == []
    assert listed(reviewer) == []
    assert [one["id"] for one in listed(reviewer, state="resolved")] == [row["id"]]
    assert resolve(reviewer, row, "unfounded").status_code == 409
    with runtime.db.reading() as session:
        [entry] = session.exec(select(AuditEntry).where(AuditEntry.action == "resolve_report")).all()
    assert entry.details == {"verdict": "suspended", "listing": listing["id"]}


def test_a_second_report_of_what_is_down_already_is_resolved_too(
    owner: Caller, stranger: Caller, newcomer: Caller, reviewer: Caller, listing: dict[str, Any]
) -> None:
    report(stranger, listing)
    report(newcomer, listing)
    one, two = listed(reviewer)
    assert resolve(reviewer, one, "suspended").status_code == 200
    assert resolve(reviewer, two, "suspended").status_code == 200
    assert owner.get(f"outcomes/{listing['id']}").json["version"] == 2


def test_what_is_not_published_cannot_be_taken_down(
    owner: Caller, stranger: Caller, reviewer: Caller, listing: dict[str, Any]
) -> None:
    report(stranger, listing)
    owner.post(f"outcomes/{listing['id']}/actions/withdraw")
    [row] = listed(reviewer)
    assert resolve(reviewer, row, "suspended").status_code == 409
    assert resolve(reviewer, row, "mended").status_code == 200


def test_reviewers_neither_see_nor_resolve_reports_about_their_own(
    runtime: Runtime, client: FlaskClient, stranger: Caller, reviewer: Caller
) -> None:
    member = add_member(runtime)
    colleague = Caller(client, add_person(runtime, member.organisation_id, roles=("member", "reviewer")))
    report(stranger, post(Caller(client, member), "outcome"))
    assert listed(colleague) == []
    [row] = listed(reviewer)
    assert resolve(colleague, row, "unfounded").status_code == 403


def test_reports_are_for_reviewers(visitor: Caller, owner: Caller, stranger: Caller, listing: dict[str, Any]) -> None:
    made = report(stranger, listing).json
    for caller, code in ((visitor, 401), (owner, 403), (stranger, 403)):
        assert caller.get("reports").status_code == code
        assert resolve(caller, made, "unfounded").status_code == code


def test_reports_go_with_their_listing(
    owner: Caller, stranger: Caller, reviewer: Caller, listing: dict[str, Any]
) -> None:
    report(stranger, listing)
    assert owner.delete(f"outcomes/{listing['id']}", version=1).status_code == 204
    assert listed(reviewer) == []


def test_reports_are_paged(stranger: Caller, reviewer: Caller, listing: dict[str, Any]) -> None:
    kinds = ["false_claims", "spam", "offensive"]
    for kind in kinds:
        report(stranger, listing, kind)
    first = reviewer.get("reports", limit=2).json
    rest = listed(reviewer, limit=2, cursor=first["next"])
    assert [row["kind"] for row in (*first["items"], *rest)] == kinds
