"""The queue of reviewers: what waits in it, who looks at it, how it is decided, one by one and many at once."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlmodel import col, select

from market.models import AuditEntry, Review
from market.runtime import Runtime
from market.worker.runner import drain as run_all_jobs
from tests.factories import NOUNS, Caller, SettableClock, add_member, add_person, post

Drain = Callable[[], int]


def queue(caller: Caller, **query: Any) -> list[dict[str, Any]]:
    response = caller.get("moderation/queue", **query)
    assert response.status_code == 200, response.text
    return list(response.json["items"])


def act(caller: Caller, listing: dict[str, Any], action: str, **body: Any) -> Any:
    """What makes public names the version that is there now."""
    path = f"{listing['type']}s/{listing['id']}"
    version = caller.get(path).json["version"] if action in ("approve", "restore") else None
    return caller.post(f"{path}/actions/{action}", body, version=version)


def assign(caller: Caller, review: dict[str, Any], **body: Any) -> Any:
    return caller.post(f"moderation/reviews/{review['id']}/actions/assign", body)


@pytest.fixture
def second(runtime: Runtime, client: FlaskClient) -> Caller:
    """Another reviewer."""
    return Caller(client, add_person(runtime, roles=("reviewer",)))


@pytest.fixture
def submitted(newcomer: Caller) -> dict[str, Any]:
    return post(newcomer, "outcome")


def notified(caller: Caller, kind: str) -> list[dict[str, Any]]:
    return [row for row in caller.get("notifications").json["items"] if row["kind"] == kind]


@pytest.mark.parametrize("noun", NOUNS)
def test_what_is_submitted_waits_in_the_queue(
    newcomer: Caller, owner: Caller, reviewer: Caller, clock: SettableClock, noun: str
) -> None:
    listing = post(newcomer, noun)
    post(newcomer, noun, submit=False)
    post(owner, noun)  # trusted: published at once
    clock.advance(minutes=90)
    [row] = queue(reviewer)
    assert (row["type"], row["listing"]["id"], row["version"]) == (noun, listing["id"], 1)
    assert (row["age_seconds"], row["assigned_to"], row["duplicates"]) == (5400, None, None)
    assert (row["first_publication"], row["submitted_before"], row["may_decide"]) == (True, False, True)
    assert (row["open_flags"], row["open_reports"]) == (0, 0)
    assert "contact" not in str(row)


@pytest.mark.parametrize(
    ("action", "body", "state", "decision"),
    [
        ("approve", {}, "published", "approved"),
        ("reject", {"reason": "implausible", "text": "查无此报告。"}, "rejected", "rejected"),
        ("return", {"text": "请补充检测报告。"}, "draft", "returned"),
        ("withdraw", {}, "withdrawn", "withdrawn"),
    ],
)
def test_whatever_leads_on_from_submitted_decides_the_review(
    runtime: Runtime, newcomer: Caller, reviewer: Caller, submitted: dict[str, Any],
    action: str, body: dict[str, Any], state: str, decision: str,
) -> None:  # fmt: skip
    caller = newcomer if action == "withdraw" else reviewer
    assert act(caller, submitted, action, **body).json["state"] == state
    assert queue(reviewer) == []
    with runtime.db.reading() as session:
        [review] = session.exec(select(Review)).all()
    assert caller.person
    assert (review.decision, review.reason, review.text) == (decision, body.get("reason", ""), body.get("text", ""))
    assert (review.decided_by, review.decided_at) == (caller.person.id, runtime.clock())


def test_what_comes_again_says_so(newcomer: Caller, reviewer: Caller, submitted: dict[str, Any]) -> None:
    act(reviewer, submitted, "approve")
    changed = newcomer.patch(f"outcomes/{submitted['id']}", {"trl": 9}, version=2)
    assert changed.json["state"] == "submitted"
    [row] = queue(reviewer)
    assert (row["first_publication"], row["submitted_before"], row["version"]) == (False, True, 3)


def test_what_is_changed_while_it_waits_stays_one_review_of_the_new_version(
    newcomer: Caller, reviewer: Caller, submitted: dict[str, Any]
) -> None:
    [before] = queue(reviewer)
    newcomer.patch(f"outcomes/{submitted['id']}", {"trl": 9}, version=1)
    [row] = queue(reviewer)
    assert (row["id"], row["version"]) == (before["id"], 2)


def test_what_is_returned_is_mended_and_submitted_again(
    newcomer: Caller, reviewer: Caller, submitted: dict[str, Any]
) -> None:
    answer = act(reviewer, submitted, "return", text="请补充第三方检测报告。").json
    assert (answer["state"], answer["rejection_text"]) == ("draft", "请补充第三方检测报告。")
    [told] = notified(newcomer, "listing_returned")
    assert "请补充第三方检测报告。" in told["body"]
    again = act(newcomer, submitted, "submit").json
    assert (again["state"], again["rejection_text"]) == ("submitted", "请补充第三方检测报告。")
    assert [row["submitted_before"] for row in queue(reviewer)] == [True]


def test_changes_cannot_be_asked_for_without_saying_which(reviewer: Caller, submitted: dict[str, Any]) -> None:
    for body in ({}, {"text": " "}):
        response = act(reviewer, submitted, "return", **body)
        assert (response.status_code, response.json["errors"][0]["pointer"]) == (422, "/text")


def test_what_is_taken_down_has_a_reason_and_only_a_reviewer_puts_it_back(owner: Caller, reviewer: Caller) -> None:
    listing = post(owner, "outcome")
    assert act(reviewer, listing, "suspend").status_code == 422
    answer = act(reviewer, listing, "suspend", reason="implausible", text="指标与报告不符。").json
    assert (answer["rejection_reason"], answer["rejection_text"]) == ("implausible", "指标与报告不符。")
    [told] = notified(owner, "listing_suspended")
    assert "指标与报告不符。" in told["body"]
    act(owner, listing, "withdraw")
    assert act(owner, listing, "submit").json["state"] == "submitted"  # although its organisation is trusted
    assert act(reviewer, listing, "approve").json["rejection_reason"] == ""


def test_nobody_decides_or_takes_what_is_their_own(runtime: Runtime, client: FlaskClient, reviewer: Caller) -> None:
    member = add_member(runtime, trusted=False)
    colleague = Caller(client, add_person(runtime, member.organisation_id, roles=("member", "reviewer")))
    listing = post(Caller(client, member), "outcome")
    [row] = queue(colleague)
    assert row["may_decide"] is False
    for action, body in (("approve", {}), ("reject", {"reason": "other"}), ("return", {"text": "甲"})):
        assert act(colleague, listing, action, **body).status_code == 403
    assert assign(colleague, row).status_code == 403
    assert colleague.person
    refused = assign(reviewer, row, user=str(colleague.person.id))
    assert (refused.status_code, refused.json["errors"][0]["pointer"]) == (422, "/user")


def test_what_one_reviewer_looks_at_another_decides_only_on_purpose(
    runtime: Runtime, reviewer: Caller, second: Caller, submitted: dict[str, Any]
) -> None:
    [row] = queue(reviewer)
    answer = assign(reviewer, row)
    assert reviewer.person
    assert answer.json["assigned_to"] == {"id": str(reviewer.person.id), "name": answer.json["assigned_to"]["name"]}
    refused = act(second, submitted, "approve")
    assert (refused.status_code, refused.json["type"]) == (409, "/problems/assigned-to-another")
    assert answer.json["assigned_to"]["name"] in refused.json["detail"]
    assert assign(second, row).status_code == 409
    assert act(second, submitted, "approve", force=True).json["state"] == "published"


def test_whoever_looks_at_it_may_decide_it(reviewer: Caller, second: Caller, submitted: dict[str, Any]) -> None:
    [row] = queue(reviewer)
    assert second.person
    assert assign(reviewer, row, user=str(second.person.id)).status_code == 200
    assert act(second, submitted, "reject", reason="other").status_code == 200
    assert assign(second, row).status_code == 409  # it is decided


def test_an_assignment_counts_for_others_for_a_day(
    reviewer: Caller, second: Caller, submitted: dict[str, Any], clock: SettableClock
) -> None:
    [row] = queue(reviewer)
    assign(reviewer, row)
    assert [len(queue(one, assigned="none")) for one in (reviewer, second)] == [0, 0]
    assert [len(queue(one, assigned="me")) for one in (reviewer, second)] == [1, 0]
    assert reviewer.person
    assert len(queue(second, assigned=str(reviewer.person.id))) == 1
    clock.advance(hours=24)
    assert [len(queue(one, assigned="none")) for one in (reviewer, second)] == [0, 1]
    assert [len(queue(one, assigned="me")) for one in (reviewer, second)] == [1, 0]
    assert queue(second)[0]["assigned_to"] is None
    assert queue(second, assigned=str(reviewer.person.id)) == []
    assert act(second, submitted, "approve").status_code == 200


@pytest.mark.usefixtures("submitted")
def test_what_is_released_is_anybodys(reviewer: Caller, second: Caller) -> None:
    [row] = queue(reviewer)
    path = f"moderation/reviews/{row['id']}/actions/release"
    assign(reviewer, row)
    assert second.post(path).status_code == 409
    assert reviewer.post(path).json["assigned_to"] is None
    assert reviewer.post(path).status_code == 200
    assert len(queue(second, assigned="none")) == 1


def test_the_queue_is_narrowed_ordered_and_paged(
    newcomer: Caller, runtime: Runtime, client: FlaskClient, reviewer: Caller, clock: SettableClock
) -> None:
    other = Caller(client, add_member(runtime, trusted=False))
    posted = [post(caller, noun)["id"] for caller in (newcomer, other) for noun in NOUNS]
    clock.advance(hours=3)
    posted.append(post(other, "outcome")["id"])
    ids = [row["listing"]["id"] for row in queue(reviewer)]
    assert ids == posted
    assert [row["listing"]["id"] for row in queue(reviewer, sort="newest")] == posted[::-1]
    assert {row["type"] for row in queue(reviewer, noun="expert")} == {"expert"}
    assert other.person
    assert len(queue(reviewer, organisation=str(other.person.organisation_id))) == 4
    assert len(queue(reviewer, older_than_hours=3)) == 6
    for sort in ("oldest", "newest"):
        paged: list[str] = []
        cursor: dict[str, Any] = {}
        while True:
            page = reviewer.get("moderation/queue", limit=3, sort=sort, **cursor).json
            paged += [row["listing"]["id"] for row in page["items"]]
            if page["next"] is None:
                break
            cursor = {"cursor": page["next"]}
        assert paged == (posted if sort == "oldest" else posted[::-1])


@pytest.mark.parametrize("query", [{"assigned": "you"}, {"noun": "work"}, {"older_than_hours": -1}, {"sort": "best"}])
def test_what_is_asked_of_the_queue_is_checked(reviewer: Caller, query: dict[str, Any]) -> None:
    assert reviewer.get("moderation/queue", **query).status_code == 422


def test_the_queue_counts_duplicates_flags_and_reports(
    runtime: Runtime, newcomer: Caller, owner: Caller, stranger: Caller, reviewer: Caller
) -> None:
    post(owner, "outcome")
    listing = post(newcomer, "outcome")
    run_all_jobs(runtime)
    assert [row["duplicates"] for row in queue(reviewer)] == [1]
    act(reviewer, listing, "approve")
    stranger.post(f"outcomes/{listing['id']}/reports", {"kind": "spam"})
    newcomer.patch(f"outcomes/{listing['id']}", {"trl": 9}, version=2)
    assert [(row["duplicates"], row["open_reports"]) for row in queue(reviewer)] == [(None, 1)]


def test_the_summary_says_how_much_waits_and_how_long(
    newcomer: Caller, reviewer: Caller, clock: SettableClock
) -> None:
    empty = reviewer.get("moderation/summary").json
    assert (empty["waiting"], empty["age"]) == (0, {"half": None, "nine_tenths": None, "oldest": None})
    listings = []
    for _ in range(11):
        listings.append(post(newcomer, "outcome"))
        clock.advance(hours=1)
    assign(reviewer, queue(reviewer)[0])
    found = reviewer.get("moderation/summary").json
    assert (found["waiting"], found["assigned"]) == (11, 1)
    assert found["by_type"] == {"outcome": 11, "expert": 0, "demand": 0}
    assert found["age"] == {"half": 6 * 3600, "nine_tenths": 10 * 3600, "oldest": 11 * 3600}
    act(reviewer, listings[0], "approve")
    act(reviewer, listings[1], "return", text="请补充。")
    clock.advance(days=6)
    assert reviewer.get("moderation/summary").json["decided"] == {"approved": 1, "returned": 1}
    clock.advance(days=1)
    assert reviewer.get("moderation/summary").json["decided"] == {}


def test_many_are_decided_at_once_and_one_that_cannot_be_leaves_the_others_alone(
    runtime: Runtime, newcomer: Caller, reviewer: Caller, second: Caller
) -> None:
    fine, stale, taken, draft = (post(newcomer, "outcome", submit=number < 3) for number in range(4))
    newcomer.patch(f"outcomes/{stale['id']}", {"trl": 9}, version=1)
    assign(second, next(row for row in queue(reviewer) if row["listing"]["id"] == taken["id"]))
    gone = {"type": "demand", "id": str(uuid.uuid4())}
    items = [{"type": "outcome", "id": one["id"], "version": 1} for one in (draft, taken, stale, fine)]
    answer = reviewer.post(
        "moderation/bulk", {"action": "return", "text": "请补充检测报告。", "items": [*items, gone]}
    )
    assert answer.status_code == 200, answer.text
    assert [one["id"] for one in answer.json["items"]] == [one["id"] for one in [*items, gone]]
    assert answer.json["done"] == 1
    problems = [one.get("problem") for one in answer.json["items"]]
    assert problems == ["not-in-this-state", "assigned-to-another", "stale-version", None, "not-found"]
    assert answer.json["items"][3]["state"] == "draft"
    assert len(notified(newcomer, "listing_returned")) == 1
    with runtime.db.reading() as session:
        entries = session.exec(select(AuditEntry).where(col(AuditEntry.action) == "return")).all()
    assert [str(one.subject_id) for one in entries] == [fine["id"]]
    assert len(queue(reviewer)) == 2


def test_many_are_assigned_approved_suspended_and_restored_at_once(newcomer: Caller, reviewer: Caller) -> None:
    listings = [post(newcomer, noun) for noun in NOUNS]
    items = [{"type": one["type"], "id": one["id"]} for one in listings]

    def done(action: str, **body: Any) -> set[str]:
        answer = reviewer.post("moderation/bulk", {"action": action, "items": items, **body}).json
        assert answer["done"] == 3, answer
        items[:] = [{name: one[name] for name in ("type", "id", "version")} for one in answer["items"]]
        return {one["state"] for one in answer["items"]}

    assert done("assign") == {"submitted"}
    assert len(queue(reviewer, assigned="me")) == 3
    assert done("approve") == {"published"}
    assert done("suspend", reason="other", text="核查中。") == {"suspended"}
    assert done("restore") == {"published"}
    assert len(notified(newcomer, "listing_suspended")) == 3


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"action": "approve", "items": []}, "/items"),
        ({"action": "approve", "items": [{"type": "outcome", "id": str(uuid.uuid4())}] * 201}, "/items"),
        ({"action": "reject", "items": [{"type": "outcome", "id": str(uuid.uuid4())}]}, "/reason"),
        ({"action": "suspend", "items": [{"type": "outcome", "id": str(uuid.uuid4())}]}, "/reason"),
        ({"action": "return", "items": [{"type": "outcome", "id": str(uuid.uuid4())}]}, "/text"),
        ({"action": "delete", "items": [{"type": "outcome", "id": str(uuid.uuid4())}]}, "/action"),
        ({"action": "approve", "items": [{"type": "work", "id": str(uuid.uuid4())}]}, "/items/0/type"),
    ],
)
def test_what_is_done_to_many_is_checked(reviewer: Caller, body: dict[str, Any], pointer: str) -> None:
    response = reviewer.post("moderation/bulk", body)
    assert (response.status_code, response.json["errors"][0]["pointer"]) == (422, pointer)


def test_what_is_deleted_leaves_the_queue(newcomer: Caller, reviewer: Caller, submitted: dict[str, Any]) -> None:
    assert newcomer.delete(f"outcomes/{submitted['id']}", version=1).status_code == 204
    assert queue(reviewer) == []
