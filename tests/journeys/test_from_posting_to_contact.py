"""The journey of a match, from the first posting to contact, as two organisations live it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.factories import Caller, SettableClock, post

Drain = Callable[[], int]


def inbox(caller: Caller, kind: str = "match_found") -> list[dict[str, Any]]:
    return [row for row in caller.get("notifications").json["items"] if row["kind"] == kind]


@pytest.fixture
def university(owner: Caller) -> Caller:
    return owner


@pytest.fixture
def company(stranger: Caller) -> Caller:
    return stranger


def test_both_sides_learn_of_each_other_and_find_an_expert(university: Caller, company: Caller, drain: Drain) -> None:
    outcome = post(university, "outcome")
    expert = post(university, "expert")
    demand = post(company, "demand")
    drain()

    [to_university] = [row for row in inbox(university) if row["listing_id"] == outcome["id"]]
    assert to_university["language"] == "zh"
    assert to_university["title"] == f"新的匹配：{demand['title_zh']}"
    assert "防腐" in to_university["body"]
    assert "同属新材料领域" in to_university["body"]
    [to_company] = [row for row in inbox(company) if outcome["title_en"] in row["title"]]
    assert to_company["language"] == "en"
    assert demand["title_en"] in to_company["body"]
    assert "same field: New materials" in to_company["body"]
    assert to_company["match_id"] == to_university["match_id"]

    found = company.get("search", q="潮差区 腐蚀 专家", kinds="expert").json["items"]
    assert found[0]["id"] == expert["id"]
    answer = company.post("match", {"text": demand["problem_zh"], "kind": "expert"}).json["items"]
    assert answer[0]["listing"]["id"] == expert["id"]

    path = f"matches/{to_company['match_id']}/actions/interest"
    assert company.post(path).json["state"] == "interested"
    assert university.post(path).json["state"] == "in_contact"


@pytest.mark.parametrize("first", ["outcome", "demand"])
def test_whichever_comes_first_the_other_finds_it(
    university: Caller, company: Caller, drain: Drain, first: str
) -> None:
    posters = {"outcome": university, "demand": company}
    post(posters.pop(first), first)
    drain()
    [(noun, poster)] = posters.items()
    post(poster, noun)
    drain()
    assert [len(inbox(caller)) for caller in (university, company)] == [1, 1]


def test_withdrawing_an_outcome_withdraws_its_match(university: Caller, company: Caller, drain: Drain) -> None:
    outcome, demand = post(university, "outcome"), post(company, "demand")
    drain()
    path = f"demands/{demand['id']}/matches"
    assert len(company.get(path).json["items"]) == 1
    university.post(f"outcomes/{outcome['id']}/actions/withdraw")
    assert company.get(path).json["items"] == []  # at once, though the index does not know yet
    drain()
    assert company.get(path).json["items"] == []
    assert company.get("stats").json["matches"] == 0


def test_what_was_dismissed_stays_quiet_after_a_change(university: Caller, company: Caller, drain: Drain) -> None:
    outcome, demand = post(university, "outcome"), post(company, "demand")
    drain()
    [match] = company.get(f"demands/{demand['id']}/matches").json["items"]
    company.post(f"matches/{match['id']}/actions/dismiss", {"reason": "too_expensive"})
    university.patch(f"outcomes/{outcome['id']}", {"trl": 9, "price": 1}, version=1)
    drain()
    assert company.get(f"demands/{demand['id']}/matches").json["items"] == []
    assert [len(inbox(caller)) for caller in (university, company)] == [1, 1]
    [kept] = company.get(f"demands/{demand['id']}/matches", state="dismissed").json["items"]
    assert (kept["id"], kept["reason"]) == (match["id"], "too_expensive")


def test_what_was_dismissed_before_the_withdrawal_stays_quiet_after_the_return(
    university: Caller, company: Caller, drain: Drain
) -> None:
    outcome, demand = post(university, "outcome"), post(company, "demand")
    drain()
    [match] = company.get(f"demands/{demand['id']}/matches").json["items"]
    company.post(f"matches/{match['id']}/actions/dismiss", {"reason": "not_needed"})
    for action in ("withdraw", "submit"):
        university.post(f"outcomes/{outcome['id']}/actions/{action}")
        drain()
    assert company.get(f"demands/{demand['id']}/matches").json["items"] == []
    assert [len(inbox(caller)) for caller in (university, company)] == [1, 1]


def test_a_listing_that_waits_for_review_is_matched_only_once_approved(
    newcomer: Caller, company: Caller, reviewer: Caller, drain: Drain
) -> None:
    outcome = post(newcomer, "outcome")
    post(company, "demand")
    drain()
    assert inbox(company) == []
    reviewer.post(f"outcomes/{outcome['id']}/actions/approve", version=1)
    drain()
    assert len(inbox(company)) == 1


def test_an_outcome_lives_until_its_last_day(
    university: Caller, company: Caller, clock: SettableClock, drain: Drain
) -> None:
    last_day = clock().date().fromordinal(clock().date().toordinal() + 20).isoformat()
    outcome = post(university, "outcome", valid_until=last_day)
    demand = post(company, "demand")
    drain()
    clock.advance(days=8)
    drain()
    assert len(inbox(university, "listing_expiring")) == 1
    clock.advance(days=12)
    drain()
    assert university.get(f"outcomes/{outcome['id']}").json["state"] == "published"
    clock.advance(days=1)
    drain()
    assert university.get(f"outcomes/{outcome['id']}").json["state"] == "expired"
    assert len(inbox(university, "listing_expired")) == 1
    assert company.get(f"demands/{demand['id']}/matches").json["items"] == []


def test_an_extension_brings_a_warning_of_its_own(university: Caller, clock: SettableClock, drain: Drain) -> None:
    today = clock().date().toordinal()
    day = clock().date().fromordinal
    outcome = post(university, "outcome", valid_until=day(today + 5).isoformat())
    drain()
    until = day(today + 40).isoformat()
    assert university.post(f"outcomes/{outcome['id']}/actions/extend", {"until": until}).status_code == 200
    drain()
    assert len(inbox(university, "listing_expiring")) == 1
    clock.advance(days=30)
    drain()
    assert len(inbox(university, "listing_expiring")) == 2
