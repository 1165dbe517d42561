"""Offers that copy a demand word for word are flagged; nobody is told of such a match before a reviewer looked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlmodel import select

from market.models import AuditEntry
from market.runtime import Runtime
from tests.factories import Caller, post
from tests.services.stock import inbox, matches

pytestmark = pytest.mark.long

Drain = Callable[[], int]

PROBLEM = (
    "码头钢桩潮差区防腐涂层两年内起泡脱落，现用环氧体系盐雾一千小时即失效，求二十年免维护方案。"
    "现场温度零下十五至四十度，施工窗口每日不足四小时，表面只能手工除锈，涂层须在潮湿表面固化，"
    "并与原有阴极保护相容，单价不高于每平方米三百元，供方须有两年以上海洋挂片数据。"
)
COPY = {
    "title_en": "",
    "summary_zh": "",
    "summary_en": "",
    "description_zh": PROBLEM,
    "keywords": ["防腐涂层", "潮差区"],
}
DEMAND = {"title_en": "", "problem_zh": PROBLEM, "contact_name": "机密联系人", "external_key": "SECRET-7"}
TITLE = "潮差区钢结构防腐涂层两年内起泡脱落"


@pytest.fixture
def demand(stranger: Caller) -> dict[str, Any]:
    return post(stranger, "demand", **DEMAND)


@pytest.fixture
def copy(demand: dict[str, Any], owner: Caller, drain: Drain) -> dict[str, Any]:
    """An outcome in the demand's own words; matched."""
    made = post(owner, "outcome", title_zh=TITLE, **COPY)
    drain()
    return made


def listed(caller: Caller, **query: Any) -> list[dict[str, Any]]:
    response = caller.get("flags", **query)
    assert response.status_code == 200, response.text
    return list(response.json["items"])


def resolve(caller: Caller, flag: dict[str, Any], verdict: str) -> Any:
    return caller.post(f"flags/{flag['id']}/actions/resolve", {"verdict": verdict})


def test_an_outcome_that_copies_a_demand_is_flagged(
    reviewer: Caller, demand: dict[str, Any], copy: dict[str, Any]
) -> None:
    [flag] = listed(reviewer)
    assert (flag["kind"], flag["type"], flag["verdict"]) == ("copied_demand", "outcome", "")
    assert (flag["listing"]["id"], flag["demand"]["id"]) == (copy["id"], demand["id"])


@pytest.mark.usefixtures("demand")
def test_an_experts_own_text_that_copies_a_demand_is_flagged(reviewer: Caller, owner: Caller, drain: Drain) -> None:
    post(
        owner,
        "expert",
        directions_zh=TITLE,
        directions_en="",
        biography_zh=PROBLEM,
        works=[],
        keywords=COPY["keywords"],
    )
    drain()
    assert [flag["type"] for flag in listed(reviewer)] == ["expert"]


@pytest.mark.usefixtures("demand")
def test_whichever_comes_last_a_copy_is_flagged_once(
    reviewer: Caller, owner: Caller, stranger: Caller, drain: Drain
) -> None:
    outcome = post(owner, "outcome", title_zh=TITLE, **COPY)
    drain()
    again = post(stranger, "demand", **{**DEMAND, "external_key": "SECRET-8"})
    drain()
    owner.patch(f"outcomes/{outcome['id']}", {"trl": 8}, version=outcome["version"])
    drain()
    flags = listed(reviewer)
    assert len(flags) == 2
    assert again["id"] in {flag["demand"]["id"] for flag in flags}


@pytest.mark.usefixtures("demand")
def test_an_outcome_that_fits_in_its_own_words_is_not_flagged(
    runtime: Runtime, reviewer: Caller, owner: Caller, drain: Drain
) -> None:
    post(owner, "outcome")
    drain()
    assert matches(runtime)
    assert listed(reviewer) == []
    assert inbox(runtime)


@pytest.mark.usefixtures("copy")
def test_nobody_is_told_of_a_match_while_its_flag_is_open(runtime: Runtime) -> None:
    assert len(matches(runtime)) == 1
    assert inbox(runtime) == []


@pytest.mark.usefixtures("copy")
def test_what_is_harmless_is_told(runtime: Runtime, reviewer: Caller, drain: Drain) -> None:
    [flag] = listed(reviewer)
    answer = resolve(reviewer, flag, "harmless")
    assert (answer.status_code, answer.json["verdict"]) == (200, "harmless")
    assert answer.json["resolved_at"]
    drain()
    assert len(inbox(runtime)) == 2
    assert listed(reviewer) == []
    assert [one["id"] for one in listed(reviewer, state="resolved")] == [flag["id"]]


def test_what_is_copied_is_no_match_from_then_on(
    runtime: Runtime, reviewer: Caller, owner: Caller, copy: dict[str, Any], drain: Drain
) -> None:
    [flag] = listed(reviewer)
    assert resolve(reviewer, flag, "copied").status_code == 200
    assert matches(runtime) == {}
    changed = {"description_zh": "我们的办法：" + PROBLEM}
    assert owner.patch(f"outcomes/{copy['id']}", changed, version=copy["version"]).status_code == 200
    drain()
    assert matches(runtime) == {}
    assert inbox(runtime) == []


@pytest.mark.usefixtures("copy")
def test_a_verdict_can_be_changed_for_the_other_one(runtime: Runtime, reviewer: Caller, drain: Drain) -> None:
    [flag] = listed(reviewer)
    resolve(reviewer, flag, "copied")
    drain()
    assert resolve(reviewer, flag, "copied").status_code == 409
    assert resolve(reviewer, flag, "harmless").status_code == 200
    drain()
    assert len(matches(runtime)) == 1
    assert len(inbox(runtime)) == 2


def test_a_verdict_is_written_down(runtime: Runtime, reviewer: Caller, copy: dict[str, Any]) -> None:
    [flag] = listed(reviewer)
    resolve(reviewer, flag, "copied")
    with runtime.db.reading() as session:
        [entry] = session.exec(select(AuditEntry).where(AuditEntry.action == "resolve_flag")).all()
    assert reviewer.person
    assert (entry.actor_id, str(entry.subject_id)) == (reviewer.person.id, copy["id"])
    assert entry.details == {"verdict": "copied", "about": flag["demand"]["id"]}


@pytest.mark.usefixtures("copy")
def test_a_flag_tells_nothing_confidential(reviewer: Caller) -> None:
    text = reviewer.get("flags").text
    assert "SECRET" not in text
    assert "机密" not in text
    assert PROBLEM not in text


@pytest.mark.usefixtures("copy")
def test_flags_are_for_reviewers_and_administrators(
    owner: Caller, stranger: Caller, visitor: Caller, reviewer: Caller, administrator: Caller
) -> None:
    callers = (visitor, owner, stranger, reviewer, administrator)
    assert [caller.get("flags").status_code for caller in callers] == [401, 403, 403, 200, 200]
    [flag] = listed(reviewer)
    assert [resolve(caller, flag, "harmless").status_code for caller in callers[:3]] == [401, 403, 403]
    assert resolve(administrator, flag, "harmless").status_code == 200


@pytest.mark.usefixtures("copy")
@pytest.mark.parametrize("body", [{}, {"verdict": ""}, {"verdict": "stolen"}, {"verdict": None}])
def test_a_verdict_is_checked(reviewer: Caller, body: dict[str, Any]) -> None:
    [flag] = listed(reviewer)
    response = reviewer.post(f"flags/{flag['id']}/actions/resolve", body)
    assert (response.status_code, response.json["errors"][0]["pointer"]) == (422, "/verdict")


def test_a_flag_goes_with_its_listing(
    reviewer: Caller, owner: Caller, copy: dict[str, Any], stranger: Caller, demand: dict[str, Any], drain: Drain
) -> None:
    [flag] = listed(reviewer)
    assert owner.delete(f"outcomes/{copy['id']}", version=copy["version"]).status_code == 204
    assert listed(reviewer) == []
    assert resolve(reviewer, flag, "harmless").status_code == 404
    assert stranger.delete(f"demands/{demand['id']}", version=demand["version"]).status_code == 204
    drain()


@pytest.mark.usefixtures("demand")
def test_flags_can_be_paged(reviewer: Caller, owner: Caller, drain: Drain) -> None:
    for _ in range(3):
        post(owner, "outcome", title_zh=TITLE, **COPY)
    drain()
    everything = [flag["id"] for flag in listed(reviewer)]
    first = reviewer.get("flags", limit=2)
    rest = listed(reviewer, limit=2, cursor=first.json["next"])
    assert [flag["id"] for flag in (*first.json["items"], *rest)] == everything == sorted(everything)
    assert len(everything) == 3
    assert reviewer.get("flags", state="resolved", cursor=first.json["next"]).status_code == 400
