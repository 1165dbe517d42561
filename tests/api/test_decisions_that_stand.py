"""What a reviewer has decided stays decided, whatever its owner, or the owner of another listing, does afterwards."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from market.runtime import Runtime
from tests.api import claiming
from tests.api.claiming import problem
from tests.factories import NOUNS, Caller, SettableClock, post

NO = {"reason": "implausible", "text": "查无此报告。"}


def act(caller: Caller, listing: dict[str, Any], action: str, *, version: int | None = None, **body: Any) -> Any:
    return caller.post(f"{listing['type']}s/{listing['id']}/actions/{action}", body, version=version)


def present(caller: Caller, listing: dict[str, Any]) -> dict[str, Any]:
    return dict(caller.get(f"{listing['type']}s/{listing['id']}").json)


def led(caller: Caller, listing: dict[str, Any], *actions: str) -> list[str]:
    """The states that the actions lead to."""
    return [act(caller, listing, action).json["state"] for action in actions]


@pytest.mark.parametrize("noun", NOUNS)
def test_withdrawing_twice_undoes_no_suspension(owner: Caller, reviewer: Caller, noun: str) -> None:
    listing = post(owner, noun)
    act(reviewer, listing, "suspend", **NO)
    turns = ("withdraw", "submit", "withdraw", "submit")
    assert led(owner, listing, *turns) == ["withdrawn", "submitted", "withdrawn", "submitted"]
    assert present(owner, listing)["rejection_text"] == NO["text"]  # while it waits, why it does
    approved = act(reviewer, listing, "approve", version=6).json
    assert (approved["state"], approved["rejection_reason"], approved["rejection_text"]) == ("published", "", "")
    assert led(owner, listing, "withdraw", "submit") == ["withdrawn", "published"]  # its organisation is trusted


def test_withdrawing_what_was_rejected_does_not_undo_that(owner: Caller, reviewer: Caller) -> None:
    listing = post(owner, "outcome")
    act(reviewer, listing, "suspend", **NO)
    led(owner, listing, "withdraw", "submit")
    act(reviewer, listing, "reject", **NO)
    assert led(owner, listing, "submit", "withdraw", "submit") == ["submitted", "withdrawn", "submitted"]


def test_a_review_that_its_owner_ends_has_no_reason_of_an_earlier_one(owner: Caller, reviewer: Caller) -> None:
    listing = post(owner, "outcome")
    act(reviewer, listing, "suspend", **NO)
    led(owner, listing, "withdraw", "submit", "withdraw")
    rows = owner.get(f"outcomes/{listing['id']}/history").json["items"]
    assert [(row["action"], row["reason"]) for row in rows[:4]] == [
        ("withdraw", ""), ("submit", ""), ("withdraw", ""), ("suspend", "implausible"),
    ]  # fmt: skip


def test_merging_and_parting_undoes_no_suspension(owner: Caller, stranger: Caller, reviewer: Caller) -> None:
    loser, winner = post(owner, "outcome"), post(stranger, "outcome")
    act(reviewer, loser, "suspend", **NO)
    merged = act(reviewer, loser, "merge", into=winner["id"]).json
    parted = act(reviewer, loser, "unmerge").json
    for one in (merged, parted):
        assert (one["rejection_reason"], one["rejection_text"]) == (NO["reason"], NO["text"])
    assert led(owner, loser, "withdraw", "submit") == ["withdrawn", "submitted"]


def test_what_was_fine_is_as_fine_once_it_is_parted_again(owner: Caller, stranger: Caller, reviewer: Caller) -> None:
    loser, winner = post(owner, "outcome"), post(stranger, "outcome")
    act(reviewer, loser, "merge", into=winner["id"])
    assert act(reviewer, loser, "unmerge").json["rejection_reason"] == ""
    assert led(owner, loser, "withdraw", "submit") == ["withdrawn", "published"]


def test_what_is_parted_after_its_last_day_has_expired(
    owner: Caller, stranger: Caller, reviewer: Caller, clock: SettableClock
) -> None:
    today = str(clock.now.date())
    loser, winner = post(owner, "outcome", valid_until=today), post(stranger, "outcome")
    act(reviewer, loser, "merge", into=winner["id"])
    assert act(reviewer, loser, "unmerge").json["state"] == "published"
    act(reviewer, loser, "merge", into=winner["id"])
    clock.advance(days=1)
    assert act(reviewer, loser, "unmerge").json["state"] == "expired"


@pytest.mark.parametrize("noun", NOUNS)
def test_nothing_is_approved_that_its_reviewer_has_not_seen(newcomer: Caller, reviewer: Caller, noun: str) -> None:
    listing = post(newcomer, noun)
    [seen] = reviewer.get("moderation/queue").json["items"]
    newcomer.patch(f"{noun}s/{listing['id']}", {"keywords": ["广告"]}, version=1)
    unnamed, old = act(reviewer, listing, "approve"), act(reviewer, listing, "approve", version=seen["version"])
    assert [(one.status_code, problem(one)) for one in (unnamed, old)] == [
        (428, "version-required"), (412, "stale-version"),
    ]  # fmt: skip
    assert present(reviewer, listing)["state"] == "submitted"
    assert act(reviewer, listing, "approve", version=2).json["state"] == "published"


def test_nothing_is_restored_that_its_reviewer_has_not_seen(owner: Caller, reviewer: Caller) -> None:
    listing = post(owner, "outcome")
    act(reviewer, listing, "suspend", **NO)
    owner.patch(f"outcomes/{listing['id']}", {"keywords": ["广告"]}, version=2)
    assert [act(reviewer, listing, "restore", version=one).status_code for one in (None, 2, 3)] == [428, 412, 200]


@pytest.mark.parametrize("action", ["approve", "restore"])
def test_many_are_made_public_only_as_they_were_seen(newcomer: Caller, reviewer: Caller, action: str) -> None:
    first, second = ({"type": "outcome", "id": post(newcomer, "outcome")["id"]} for _ in range(2))
    refused = reviewer.post("moderation/bulk", {"action": action, "items": [{**first, "version": 1}, second]})
    told = refused.json["errors"]
    assert (refused.status_code, [one["pointer"] for one in told]) == (422, ["/items/1/version"])
    assert reviewer.get("moderation/summary").json["waiting"] == 2


def test_what_others_were_merged_into_is_not_deleted(
    owner: Caller, stranger: Caller, reviewer: Caller, visitor: Caller
) -> None:
    loser, winner = post(owner, "outcome", external_key="HH-1"), post(stranger, "outcome")
    act(reviewer, loser, "merge", into=winner["id"])
    refused = stranger.delete(f"outcomes/{winner['id']}", version=1)
    assert (refused.status_code, problem(refused)) == (409, "others-merged-into-it")
    assert visitor.get(f"outcomes/{loser['id']}").status_code == 308
    act(reviewer, loser, "unmerge")
    assert stranger.delete(f"outcomes/{winner['id']}", version=1).status_code == 204
    assert visitor.get(f"outcomes/{loser['id']}").status_code == 200


def test_what_was_merged_may_be_deleted_and_then_the_one_it_was_merged_into(owner: Caller, reviewer: Caller) -> None:
    loser, winner = post(owner, "outcome"), post(owner, "outcome")
    act(reviewer, loser, "merge", into=winner["id"])
    assert owner.delete(f"outcomes/{loser['id']}", version=2).status_code == 204
    assert owner.delete(f"outcomes/{winner['id']}", version=1).status_code == 204


def test_a_claim_to_what_was_merged_can_be_ended_by_either_side(
    runtime: Runtime, client: FlaskClient, stranger: Caller, reviewer: Caller
) -> None:
    house = claiming.house(runtime)
    loser, winner = ({"type": "expert", "id": claiming.imported(runtime, house, name_zh=name)} for name in "甲乙")
    refused, withdrawn = (
        (caller, claiming.by_document(caller, loser["id"]))
        for caller in (Caller(client, claiming.the_expert(runtime)) for _ in range(2))
    )
    act(reviewer, loser, "merge", into=winner["id"])
    assert problem(claiming.act(reviewer, refused[1], "approve")) == "closed"
    assert claiming.act(reviewer, refused[1], "refuse", text="已并入另一条。").json["state"] == "refused"
    assert "claim_decided" in claiming.kinds(refused[0])
    assert claiming.act(withdrawn[0], withdrawn[1], "withdraw").json["state"] == "withdrawn"
    assert reviewer.get("claims", side="to_decide", state="open").json["items"] == []


def test_nothing_is_turned_over_to_a_closed_account(runtime: Runtime, client: FlaskClient, reviewer: Caller) -> None:
    identity = claiming.imported(runtime, claiming.house(runtime))
    person = claiming.the_expert(runtime)
    made = claiming.by_document(Caller(client, person), identity)
    claiming.set_user(runtime, person, active=False)
    assert problem(claiming.act(reviewer, made, "approve")) == "claimant-gone"
    assert claiming.stored(runtime, identity).custody == "unclaimed"
    assert claiming.act(reviewer, made, "refuse", text="账户已注销。").json["state"] == "refused"
