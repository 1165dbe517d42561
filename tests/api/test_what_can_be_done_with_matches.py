"""Matches of one's own listings, what each side does with them, and /match for a text that is not stored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from market.app import create_app
from market.vocabulary import vocabulary
from market.worker.runner import drain as run_all_jobs
from tests.factories import Caller, SettableClock, add_member, opened, post

DISMISSAL = {"reason": "too_expensive"}


@dataclass
class Pair:
    """A demand of the stranger's that matches an outcome of the owner's."""

    seller: Caller
    buyer: Caller
    outcome: dict[str, Any]
    demand: dict[str, Any]
    match: str

    def of(self, side: str, **query: Any) -> list[dict[str, Any]]:
        """The matches as one side lists them."""
        if side == "demand":
            response = self.buyer.get(f"demands/{self.demand['id']}/matches", **query)
        else:
            response = self.seller.get(f"outcomes/{self.outcome['id']}/matches", **query)
        assert response.status_code == 200, response.text
        return list(response.json["items"])

    def act(self, side: str, action: str, body: Any = None) -> Any:
        """What one side does."""
        caller = self.buyer if side == "demand" else self.seller
        return caller.post(f"matches/{self.match}/actions/{action}", body)


@pytest.fixture(scope="module")
def matched(tmp_path_factory: pytest.TempPathFactory, template: Path) -> tuple[Path, Pair]:
    """The data of an exchange with one match, made once and copied for each test."""
    folder = tmp_path_factory.mktemp("matched")
    with opened(folder, template, SettableClock()) as runtime:
        client = create_app(runtime).test_client()
        seller = Caller(client, add_member(runtime))
        buyer = Caller(client, add_member(runtime, language="en"))
        outcome, demand = post(seller, "outcome"), post(buyer, "demand")
        run_all_jobs(runtime)
        [match] = buyer.get(f"demands/{demand['id']}/matches").json["items"]
    return folder, Pair(seller, buyer, outcome, demand, match["id"])


@pytest.fixture
def start(matched: tuple[Path, Pair]) -> Path:
    return matched[0]


@pytest.fixture
def pair(matched: tuple[Path, Pair], client: FlaskClient) -> Pair:
    made = matched[1]
    seller, buyer = (Caller(client, caller.person) for caller in (made.seller, made.buyer))
    return replace(made, seller=seller, buyer=buyer)


sides = pytest.mark.parametrize(("side", "other"), [("demand", "offer"), ("offer", "demand")])


def test_both_sides_see_the_same_match(pair: Pair) -> None:
    [mine], [theirs] = pair.of("demand"), pair.of("offer")
    assert (mine["id"], mine["score"]) == (theirs["id"], theirs["score"])
    assert (mine["listing"]["id"], theirs["listing"]["id"]) == (pair.outcome["id"], pair.demand["id"])
    assert (mine["type"], theirs["type"]) == ("outcome", "demand")


def test_a_match_says_why(pair: Pair) -> None:
    [match] = pair.of("demand")
    assert match["sentence"]
    names = [reason["name"] for reason in match["reasons"]]
    assert {"words", "field", "indicators"} <= set(names)
    assert all(reason["label"] for reason in match["reasons"])
    assert match["reasons"][names.index("words")]["evidence"]


@pytest.mark.parametrize(("language", "label"), [("zh", "新材料"), ("en", "New materials")])
def test_the_reasons_are_in_the_callers_language(pair: Pair, language: str, label: str) -> None:
    path = f"demands/{pair.demand['id']}/matches"
    [match] = pair.buyer.speaking(language).get(path).json["items"]
    [evidence] = [reason["evidence"] for reason in match["reasons"] if reason["name"] == "field"]
    assert label in evidence
    assert label in match["sentence"] or language == "en"


@sides
def test_a_new_match_becomes_seen_on_one_side_only(pair: Pair, side: str, other: str) -> None:
    assert pair.act(side, "see").json["state"] == "seen"
    assert pair.of(other)[0]["state"] == "new"


@sides
def test_interest_of_one_side_shows_on_the_other(pair: Pair, side: str, other: str) -> None:
    assert pair.act(side, "interest").json["state"] == "interested"
    assert pair.of(other)[0]["other_state"] == "interested"


@sides
def test_what_the_other_side_has_merely_seen_or_dismissed_is_not_shown(pair: Pair, side: str, other: str) -> None:
    pair.act(side, "see")
    assert pair.of(other)[0]["other_state"] == ""
    pair.act(side, "dismiss", DISMISSAL)
    assert (pair.of(other)[0]["other_state"], pair.of(other)[0]["reason"]) == ("", "")


@sides
def test_interest_on_both_sides_brings_them_in_contact(pair: Pair, side: str, other: str) -> None:
    pair.act(side, "interest")
    assert pair.act(other, "interest").json["state"] == "in_contact"
    assert (pair.of(side)[0]["state"], pair.of(side)[0]["other_state"]) == ("in_contact", "in_contact")


@sides
def test_a_dismissed_match_is_listed_only_when_asked_for(pair: Pair, side: str, other: str) -> None:
    answer = pair.act(side, "dismiss", DISMISSAL).json
    assert (answer["state"], answer["reason"]) == ("dismissed", "too_expensive")
    assert pair.of(side) == []
    assert [match["id"] for match in pair.of(side, state="dismissed")] == [pair.match]
    assert len(pair.of(other)) == 1


def test_a_dismissed_match_can_still_become_interesting(pair: Pair) -> None:
    pair.act("demand", "dismiss", DISMISSAL)
    answer = pair.act("demand", "interest").json
    assert (answer["state"], answer["reason"]) == ("interested", "")


def test_seeing_again_changes_nothing(pair: Pair) -> None:
    pair.act("demand", "interest")
    assert pair.act("demand", "see").json["state"] == "interested"


@pytest.mark.parametrize("action", ["interest", "dismiss"])
def test_who_is_in_contact_cannot_go_back(pair: Pair, action: str) -> None:
    pair.act("demand", "interest")
    pair.act("offer", "interest")
    response = pair.act("demand", action, DISMISSAL if action == "dismiss" else None)
    assert (response.status_code, response.json["type"]) == (409, "/problems/not-in-this-state")


def test_dismissing_twice_is_409(pair: Pair) -> None:
    pair.act("demand", "dismiss", DISMISSAL)
    assert pair.act("demand", "dismiss", DISMISSAL).status_code == 409


@pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": "boring"}, {"reason": None}])
def test_a_dismissal_needs_a_reason_of_the_vocabulary(pair: Pair, body: Any) -> None:
    response = pair.act("demand", "dismiss", body)
    assert (response.status_code, response.json["errors"][0]["pointer"]) == (422, "/reason")


@pytest.mark.parametrize("action", ["see", "interest", "dismiss"])
def test_another_cannot_act_on_a_match(
    pair: Pair, newcomer: Caller, reviewer: Caller, visitor: Caller, action: str
) -> None:
    body = DISMISSAL if action == "dismiss" else None
    path = f"matches/{pair.match}/actions/{action}"
    statuses = [caller.post(path, body).status_code for caller in (newcomer, reviewer, visitor)]
    assert statuses == [404, 404, 401]


def test_another_cannot_list_the_matches(pair: Pair, newcomer: Caller) -> None:
    assert newcomer.get(f"demands/{pair.demand['id']}/matches").status_code == 403
    assert pair.seller.get(f"demands/{pair.demand['id']}/matches").status_code == 403


def test_matches_of_anothers_draft_are_404(owner: Caller, stranger: Caller) -> None:
    draft = post(owner, "demand", submit=False)
    assert stranger.get(f"demands/{draft['id']}/matches").status_code == 404


def test_matches_can_be_narrowed_to_a_kind(pair: Pair, drain: Callable[[], int]) -> None:
    post(pair.seller, "expert")
    drain()
    kinds = {kind: {match["type"] for match in pair.of("demand", kind=kind)} for kind in ("outcome", "expert")}
    assert kinds == {"outcome": {"outcome"}, "expert": {"expert"}}
    assert len(pair.of("demand")) == 2


@pytest.mark.parametrize("state", [state for state in vocabulary("match_states").codes if state != "new"])
def test_matches_can_be_narrowed_to_a_state(pair: Pair, state: str) -> None:
    assert len(pair.of("demand", state="new")) == 1
    assert pair.of("demand", state=state) == []


def test_an_organisation_is_never_matched_with_itself(owner: Caller, drain: Callable[[], int]) -> None:
    own = post(owner, "outcome")
    demand = post(owner, "demand")
    drain()
    found = [match["listing"]["id"] for match in owner.get(f"demands/{demand['id']}/matches").json["items"]]
    assert own["id"] not in found
    assert owner.get(f"outcomes/{own['id']}/matches").status_code == 200


@pytest.mark.parametrize(
    ("action", "side"), [("withdraw", "outcome"), ("close", "outcome"), ("award", "demand"), ("negotiate", "demand")]
)
def test_a_match_ends_with_its_listing(pair: Pair, drain: Callable[[], int], action: str, side: str) -> None:
    caller, listing = (pair.buyer, pair.demand) if side == "demand" else (pair.seller, pair.outcome)
    caller.post(f"{side}s/{listing['id']}/actions/{action}")
    drain()
    assert pair.of("demand") == []
    assert pair.act("demand", "see").status_code == 404


def test_a_match_comes_back_with_its_listing(pair: Pair, drain: Callable[[], int]) -> None:
    path = f"outcomes/{pair.outcome['id']}/actions"
    pair.act("demand", "interest")
    for action in ("withdraw", "submit"):
        pair.seller.post(f"{path}/{action}")
        drain()
    assert [(match["id"], match["state"]) for match in pair.of("demand")] == [(pair.match, "interested")]


@pytest.mark.parametrize("kind", ["outcome", "expert", "demand"])
def test_a_text_is_matched_at_once(pair: Pair, kind: str, drain: Callable[[], int]) -> None:
    post(pair.seller, "expert")
    drain()
    response = pair.buyer.post("match", {"text": "潮差区钢结构防腐涂层起泡脱落", "kind": kind})
    assert response.status_code == 200
    assert [item["type"] for item in response.json["items"]] == [kind]
    assert response.json["items"][0]["sentence"]


def test_a_text_can_be_matched_with_all_that_is_known(pair: Pair) -> None:
    known = {
        "text": "潮差区钢结构防腐涂层", "kind": "outcome", "field": "new_materials", "region": "120000",
        "budget_from": 0, "budget_to": 5_000_000, "trl_from": 6, "trl_to": 9, "limit": 1,
    }  # fmt: skip
    [found] = pair.buyer.post("match", known).json["items"]
    assert {"field", "region", "budget", "trl"} <= {reason["name"] for reason in found["reasons"]}


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"text": ""}, "/text"),
        ({"text": "字" * 20_001}, "/text"),
        ({"kind": "patent"}, "/kind"),
        ({"budget_from": 2, "budget_to": 1}, "/budget_to"),
        ({"trl_from": 5, "trl_to": 4}, "/trl_to"),
        ({"trl_from": 0}, "/trl_from"),
        ({"limit": 101}, "/limit"),
        ({"limit": True}, "/limit"),
        ({"budget_to": 1.5}, "/budget_to"),
        ({"field": "cooking"}, "/field"),
        ({"colour": "red"}, "/colour"),
    ],
)
def test_a_text_to_match_is_checked(owner: Caller, change: dict[str, Any], pointer: str) -> None:
    response = owner.post("match", {"text": "防腐", "kind": "outcome", **change})
    assert (response.status_code, response.json["errors"][0]["pointer"]) == (422, pointer)


def test_matching_a_text_stores_nothing(pair: Pair, clock: SettableClock) -> None:
    before = pair.buyer.get("stats").json
    pair.buyer.post("match", {"text": "潮差区钢结构防腐涂层起泡脱落", "kind": "outcome"})
    clock.advance(minutes=1)  # counted anew
    after = pair.buyer.get("stats").json
    assert after.pop("counted_at") > before.pop("counted_at")
    assert after == before


def test_a_visitor_cannot_match_a_text(visitor: Caller) -> None:
    assert visitor.post("match", {"text": "防腐", "kind": "outcome"}).status_code == 401


def test_a_match_that_went_out_of_sight_does_not_end_the_list(pair: Pair, drain: Callable[[], int]) -> None:
    for number in range(3):
        post(pair.seller, "outcome", title_zh=f"第{number}种防腐涂层")
    drain()
    everything = pair.of("demand")
    hidden = everything[1]["listing"]["id"]
    pair.seller.post(f"outcomes/{hidden}/actions/withdraw")  # the worker has not come to it yet
    path, found, cursor = f"demands/{pair.demand['id']}/matches", [], {}
    while cursor is not None:
        page = pair.buyer.get(path, limit=2, **cursor).json
        found += [match["listing"]["id"] for match in page["items"]]
        cursor = {"cursor": page["next"]} if page["next"] else None
    assert found == [match["listing"]["id"] for match in everything if match["listing"]["id"] != hidden]
