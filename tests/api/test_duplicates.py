"""Listings of one thing: how they are found, merged into one, and parted again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from market.runtime import Runtime
from market.services.moderation.duplicates import patent
from tests.factories import NOUNS, Caller, add_member, add_person, payload, post
from tests.services.stock import matches

pytestmark = pytest.mark.long

Drain = Callable[[], int]
OTHER = {
    "outcome": {
        "title_zh": "苹果采后贮藏的气调保鲜工艺", "title_en": "", "summary_zh": "低氧气调库内乙烯脱除，货架期延长。",
        "summary_en": "", "keywords": ["气调", "保鲜"], "indicators": [],
    },
    "expert": {
        "name_zh": "顾南星", "name_en": "", "directions_zh": "果蔬采后生理与气调保鲜", "directions_en": "",
        "keywords": ["保鲜"], "works": [{"title": "乙烯受体与果实软化"}],
    },
    "demand": {
        "title_zh": "冷库乙烯浓度在线监测不准", "title_en": "", "problem_zh": "果库乙烯低浓度时传感器漂移，求替代。",
        "keywords": ["乙烯"], "indicators": [],
    },
}  # fmt: skip


def found(caller: Caller, listing: dict[str, Any]) -> list[dict[str, Any]]:
    response = caller.get(f"{listing['type']}s/{listing['id']}/duplicates")
    assert response.status_code == 200, response.text
    return list(response.json["items"])


def merge(caller: Caller, loser: dict[str, Any], winner: dict[str, Any], **body: Any) -> Any:
    return caller.post(f"{loser['type']}s/{loser['id']}/actions/merge", {"into": winner["id"], **body})


def unmerge(caller: Caller, listing: dict[str, Any]) -> Any:
    return caller.post(f"{listing['type']}s/{listing['id']}/actions/unmerge")


@pytest.fixture
def twins(owner: Caller, stranger: Caller, drain: Drain) -> tuple[dict[str, Any], dict[str, Any]]:
    """One outcome, posted by two organisations in nearly the same words."""
    first = post(owner, "outcome", external_key="HH-2027-031")
    summary = payload("outcome")["summary_zh"].replace("四千", "三千")
    second = post(stranger, "outcome", title_zh="海上风电塔筒用长效防腐涂层", summary_zh=summary)
    drain()
    return first, second


@pytest.mark.parametrize("noun", NOUNS)
def test_whatever_says_nearly_the_same_is_found_in_every_state(
    owner: Caller, newcomer: Caller, reviewer: Caller, drain: Drain, noun: str
) -> None:
    listing = post(owner, noun)
    copy = post(newcomer, noun, field="aerospace") if noun != "expert" else post(newcomer, noun, name_zh="林致远")
    post(owner, noun, **OTHER[noun])
    drain()
    [row] = found(reviewer, listing)
    assert (row["type"], row["listing"]["id"], row["listing"]["state"]) == (noun, copy["id"], "submitted")
    assert row["score"] > 0.9
    assert {one["what"] for one in row["coincides"]} == {"text", "heading"}
    assert [one["listing"]["id"] for one in found(reviewer, copy)] == [listing["id"]]


def test_the_same_key_or_patent_elsewhere_is_found_whatever_the_words(
    owner: Caller, stranger: Caller, reviewer: Caller, drain: Drain
) -> None:
    rights = {"kind": "invention_patent"}
    listing = post(
        owner, "outcome", external_key="HH-2027-031", ip_rights=[{**rights, "number": "ZL 2019 1 0123456.7"}]
    )
    unlike = OTHER["outcome"]
    keyed = post(stranger, "outcome", **unlike, external_key="HH-2027-031")
    patented = post(stranger, "outcome", **unlike, ip_rights=[{**rights, "number": "CN201910123456.7"}])
    post(stranger, "outcome", **unlike, external_key="7")
    post(owner, "outcome", **unlike, external_key="7")
    drain()
    rows = {row["listing"]["id"]: row["coincides"] for row in found(reviewer, listing)}
    assert rows == {
        keyed["id"]: [{"what": "external_key", "value": "HH-2027-031"}],
        patented["id"]: [{"what": "patent", "value": "201910123456"}],
    }


def test_one_person_at_two_organisations_is_found_by_orcid_and_what_is_protected_is_not_said(
    owner: Caller, stranger: Caller, reviewer: Caller, drain: Drain
) -> None:
    orcid = "0000-0002-1825-0097"
    open_, hidden = (
        post(owner, "expert", orcid=orcid),
        post(stranger, "expert", **OTHER["expert"], orcid=orcid, tiers={"orcid": "verified"}),
    )
    drain()
    assert found(reviewer, hidden)[0]["coincides"] == [{"what": "orcid", "value": orcid}]
    assert found(reviewer, open_)[0]["coincides"] == [{"what": "orcid", "value": ""}]


def test_whoever_may_not_see_all_of_a_listing_is_not_told_what_is_like_it(
    runtime: Runtime, client: FlaskClient, owner: Caller, drain: Drain
) -> None:
    place = owner.person.organisation_id if owner.person else None
    expert = Caller(client, add_person(runtime, place, roles=("expert",)))
    secret = {"problem_zh": "氟醚橡胶密封圈在六氟化钨中龟裂", "keywords": ["密封"]}
    masked = post(owner, "demand", **secret, organisation_masked=True, tiers={"problem": "agreement"})
    theirs = [post(expert, "demand", **secret, submit=False) for _ in range(2)]
    drain()
    assert [row["listing"]["id"] for row in found(expert, theirs[0])] == [theirs[1]["id"]]
    assert {row["listing"]["id"] for row in found(owner, masked)} == {one["id"] for one in theirs}


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("ZL 2019 1 0123456.7", "201910123456"),
        ("CN201910123456.7", "201910123456"),
        ("CN 2019 1 0123456", "201910123456"),
        ("zl201910123456x", "201910123456"),
        ("US 11,234,567 B2", "US11234567B2"),
        ("待授权", ""),
        ("12", ""),
    ],
)
def test_a_patent_has_one_spelling(written: str, read: str) -> None:
    assert patent(written) == read


def test_owners_see_duplicates_among_their_own_only(
    runtime: Runtime, client: FlaskClient, owner: Caller, stranger: Caller, drain: Drain,
    twins: tuple[dict[str, Any], dict[str, Any]],
) -> None:  # fmt: skip
    first, _ = twins
    assert found(owner, first) == []
    mine = post(owner, "outcome", trl=3)
    drain()
    assert [row["listing"]["id"] for row in found(owner, first)] == [mine["id"]]
    assert stranger.get(f"outcomes/{first['id']}/duplicates").status_code == 403


def test_what_is_deleted_is_no_duplicate_any_more(
    stranger: Caller, reviewer: Caller, drain: Drain, twins: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    first, second = twins
    assert len(found(reviewer, first)) == 1
    stranger.delete(f"outcomes/{second['id']}", version=1)
    drain()
    assert found(reviewer, first) == []


def test_the_one_goes_on_and_the_other_leads_there(
    owner: Caller, stranger: Caller, visitor: Caller, reviewer: Caller, drain: Drain,
    twins: tuple[dict[str, Any], dict[str, Any]],
) -> None:  # fmt: skip
    winner, loser = twins
    merged = merge(reviewer, loser, winner)
    assert (merged.status_code, merged.json["state"], merged.json["version"]) == (200, "closed", 2)
    drain()
    moved = visitor.get(f"outcomes/{loser['id']}")
    assert (moved.status_code, moved.headers["Location"]) == (308, f"/api/v1/outcomes/{winner['id']}")
    assert moved.headers["Cache-Control"] == "no-store"
    assert visitor.get("outcomes").json["total"] == 1
    assert stranger.get(f"outcomes/{loser['id']}").json["state"] == "closed"
    assert found(reviewer, winner) == []
    [told] = [row for row in stranger.get("notifications").json["items"] if row["kind"] == "listing_suspended"]
    assert "Duplicate" in told["body"]
    owner.post(f"outcomes/{winner['id']}/actions/withdraw")
    assert visitor.get(f"outcomes/{loser['id']}").status_code == 404


def test_what_the_public_never_saw_leads_nowhere(
    owner: Caller, newcomer: Caller, visitor: Caller, reviewer: Caller
) -> None:
    winner, loser = post(owner, "outcome"), post(newcomer, "outcome")
    assert merge(reviewer, loser, winner).status_code == 200
    assert visitor.get(f"outcomes/{loser['id']}").status_code == 404
    assert reviewer.get("moderation/queue").json["items"] == []


def test_merges_can_follow_each_other(owner: Caller, stranger: Caller, visitor: Caller, reviewer: Caller) -> None:
    one, two, three = post(owner, "outcome"), post(stranger, "outcome"), post(owner, "outcome", trl=8)
    assert merge(reviewer, one, two).status_code == 200
    assert merge(reviewer, two, three).status_code == 200
    assert visitor.get(f"outcomes/{one['id']}").headers["Location"].endswith(three["id"])
    back = merge(reviewer, three, one)
    assert (back.status_code, back.json["errors"][0]["pointer"]) == (422, "/into")
    ids = {row["listing"] for row in reviewer.get(f"outcomes/{three['id']}/history").json["items"]}
    assert ids == {one["id"], two["id"], three["id"]}


def test_both_histories_are_read_from_the_one_that_goes_on(
    owner: Caller, stranger: Caller, reviewer: Caller, twins: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    winner, loser = twins
    merge(reviewer, loser, winner)
    rows = owner.get(f"outcomes/{winner['id']}/history").json["items"]
    assert [(row["action"], row["listing"]) for row in rows] == [
        ("merge", loser["id"]),
        ("submit", loser["id"]),
        ("create", loser["id"]),
        ("submit", winner["id"]),
        ("create", winner["id"]),
    ]
    assert [bool(row["who"]["name"]) for row in rows] == [False, False, False, True, True]
    assert owner.get(f"outcomes/{loser['id']}/versions/1").status_code == 404
    assert stranger.get(f"outcomes/{loser['id']}/versions/1").status_code == 200


def test_matches_of_what_was_merged_end_and_come_back_when_it_does(
    runtime: Runtime, newcomer: Caller, reviewer: Caller, drain: Drain, twins: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    winner, loser = twins
    demand = post(newcomer, "demand")
    reviewer.post(f"demands/{demand['id']}/actions/approve", version=1)
    drain()

    def offers() -> set[str]:
        return {str(offer) for _, offer in matches(runtime)}

    assert offers() == {winner["id"], loser["id"]}
    merge(reviewer, loser, winner)
    drain()
    assert offers() == {winner["id"]}
    assert unmerge(reviewer, loser).json["state"] == "published"
    drain()
    assert offers() == {winner["id"], loser["id"]}


@pytest.mark.parametrize("state", ["submitted", "published", "suspended"])
def test_what_is_parted_again_is_what_it_was(owner: Caller, newcomer: Caller, reviewer: Caller, state: str) -> None:
    winner, loser = post(owner, "outcome"), post(newcomer, "outcome")
    path = f"outcomes/{loser['id']}/actions"
    if state != "submitted":
        reviewer.post(f"{path}/approve", version=1)
    if state == "suspended":
        reviewer.post(f"{path}/suspend", {"reason": "other"})
    assert unmerge(reviewer, loser).status_code == 409
    assert merge(reviewer, loser, winner).status_code == 200
    assert merge(reviewer, loser, winner).status_code == 409
    assert unmerge(reviewer, loser).json["state"] == state
    waiting = [row["listing"]["id"] for row in reviewer.get("moderation/queue").json["items"]]
    assert waiting == ([loser["id"]] if state == "submitted" else [])


def test_nobody_merges_what_is_their_own_nor_into_it(runtime: Runtime, client: FlaskClient, stranger: Caller) -> None:
    member = add_member(runtime)
    colleague = Caller(client, add_person(runtime, member.organisation_id, roles=("member", "reviewer")))
    mine, rival = post(Caller(client, member), "outcome"), post(stranger, "outcome")
    assert merge(colleague, mine, rival).status_code == 403
    assert merge(colleague, rival, mine).status_code == 403


def test_what_cannot_go_on_is_refused(owner: Caller, reviewer: Caller, stranger: Caller) -> None:
    listing, expert, closed = post(owner, "outcome"), post(owner, "expert"), post(stranger, "outcome")
    stranger.post(f"outcomes/{closed['id']}/actions/close")
    for into in (listing, expert, closed):
        response = merge(reviewer, listing, into)
        assert (response.status_code, response.json["errors"][0]["pointer"]) == (422, "/into")
    assert merge(reviewer, closed, listing).status_code == 409
    draft = post(owner, "outcome", submit=False)
    assert merge(reviewer, draft, listing).status_code == 409


def test_its_own_key_goes_on_naming_what_was_merged(
    owner: Caller, reviewer: Caller, twins: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    loser, winner = twins
    merge(reviewer, loser, winner)
    again = owner.post("outcomes", payload("outcome", external_key="HH-2027-031"))
    assert (again.status_code, again.json["errors"][0]["pointer"]) == (422, "/external_key")
    assert owner.patch(f"outcomes/{loser['id']}", {"trl": 1}, version=2).status_code == 409
