"""Which missing field would sharpen a demand's matches most: measured on what is on offer, for drafts as well."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from tests.factories import Caller, post

Drain = Callable[[], int]

BARE: dict[str, Any] = {
    "title_zh": "涂层起泡脱落", "title_en": "", "problem_zh": "潮差区防腐涂层起泡", "keywords": [], "field": "",
    "trl_from": None, "trl_to": None, "budget_to": None, "cooperation_modes": [], "indicators": [], "region": "",
    "region_rule": "none",
}  # fmt: skip
FULL: dict[str, Any] = {"disciplines": ["11011"], "industries": ["C26"], "deadline": "2099-06-30"}


@pytest.fixture
def stock(stranger: Caller, drain: Drain) -> list[dict[str, Any]]:
    """Four outcomes on offer: all say their field, three their price, one its indicators."""
    salt = {"name": "耐盐雾时间", "direction": "at_least", "value": 4000, "unit": "h"}
    common: dict[str, Any] = {
        "summary_zh": "潮差区防腐涂层", "summary_en": "", "region": "", "trl": None, "industries": [],
        "cooperation_modes": [],
    }  # fmt: skip
    made = []
    for number in range(4):
        differing = {"price": 100_000 if number else None, "indicators": [salt] if number == 1 else []}
        made.append(post(stranger, "outcome", title_zh=f"潮差区防腐涂层第{number}种", **common, **differing))
    drain()
    return made


def advice(caller: Caller, demand: dict[str, Any]) -> dict[str, Any]:
    response = caller.get(f"demands/{demand['id']}/advice")
    assert response.status_code == 200, response.text
    return dict(response.json)


def by_field(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {item["field"]: item for item in found["items"]}


@pytest.mark.usefixtures("stock")
def test_what_most_offers_state_and_weighs_most_comes_first(owner: Caller) -> None:
    found = advice(owner, post(owner, "demand", **BARE))
    gains = [item["gain"] for item in found["items"]]
    assert gains == sorted(gains, reverse=True)
    assert found["items"][0]["field"] == "field"


@pytest.mark.usefixtures("stock")
def test_a_gain_is_weight_times_share_times_a_half(owner: Caller) -> None:
    found = advice(owner, post(owner, "demand", **BARE))
    items = by_field(found)
    assert found["candidates"] == 4
    assert {name: items[name]["known"] for name in ("field", "budget_to", "indicators", "trl_from")} == {
        "field": 4, "budget_to": 3, "indicators": 1, "trl_from": 0,
    }  # fmt: skip
    assert items["field"]["gain"] == pytest.approx(1.4 * 0.5)
    assert items["budget_to"]["gain"] == pytest.approx(0.8 * 0.75 * 0.5)
    assert items["indicators"]["gain"] == pytest.approx(1.6 * 0.25 * 0.5)
    assert items["trl_from"]["gain"] == 0


@pytest.mark.usefixtures("stock")
def test_what_no_part_of_the_score_uses_is_not_said_to_be_measured(owner: Caller) -> None:
    items = by_field(advice(owner, post(owner, "demand", **BARE)))
    constants = {name for name, item in items.items() if not item["measured"]}
    assert constants == {"background", "keywords", "deadline"}
    least = min(item["gain"] for item in items.values() if item["measured"] and item["known"])
    assert all(items[name]["gain"] < least for name in constants)


@pytest.mark.usefixtures("stock")
def test_what_is_filled_in_is_not_asked_for(owner: Caller) -> None:
    bare = advice(owner, post(owner, "demand", **BARE))
    full = advice(owner, post(owner, "demand", **FULL))
    assert bare["completeness"] == 0
    assert (full["items"], full["completeness"]) == ([], 1)


@pytest.mark.usefixtures("stock")
def test_filling_in_a_field_takes_it_off_the_list(owner: Caller) -> None:
    demand = post(owner, "demand", **BARE)
    before = advice(owner, demand)
    owner.patch(f"demands/{demand['id']}", {"budget_to": 500_000}, version=demand["version"])
    after = advice(owner, demand)
    assert {*by_field(before)} - {*by_field(after)} == {"budget_to"}
    assert after["completeness"] > before["completeness"]


@pytest.mark.usefixtures("stock")
def test_indicators_that_the_text_states_are_not_asked_for(owner: Caller) -> None:
    told = {**BARE, "problem_zh": "潮差区防腐涂层起泡，要求耐盐雾时间不低于3000 h。"}
    assert "indicators" not in by_field(advice(owner, post(owner, "demand", **told)))


@pytest.mark.usefixtures("stock")
def test_more_text_is_asked_for_only_where_there_is_little(owner: Caller) -> None:
    problem = (
        "码头钢桩潮差区防腐涂层两年内起泡脱落，现用环氧体系盐雾一千小时即失效，求二十年免维护方案，施工窗口很短。"
    )
    assert "background" not in by_field(advice(owner, post(owner, "demand", **{**BARE, "problem_zh": problem})))


@pytest.mark.usefixtures("stock")
def test_a_draft_is_advised_before_the_worker_has_seen_it(owner: Caller) -> None:
    draft = advice(owner, post(owner, "demand", submit=False, **BARE))
    assert draft == advice(owner, post(owner, "demand", **BARE))
    assert draft["candidates"] == 4


def test_where_nothing_is_on_offer_nothing_is_promised(owner: Caller) -> None:
    found = advice(owner, post(owner, "demand", **BARE))
    assert found["candidates"] == 0
    assert all(item["gain"] == 0 for item in found["items"] if item["measured"])
    assert all(item["why"] for item in found["items"])


def test_ones_own_offers_are_not_counted(owner: Caller, drain: Drain) -> None:
    post(owner, "outcome")
    drain()
    assert advice(owner, post(owner, "demand", **BARE))["candidates"] == 0


@pytest.mark.usefixtures("stock")
@pytest.mark.parametrize(("language", "label"), [("zh", "技术领域"), ("en", "Field of technology")])
def test_advice_is_in_the_callers_language(owner: Caller, language: str, label: str) -> None:
    items = by_field(advice(owner.speaking(language), post(owner, "demand", **BARE)))
    assert items["field"]["label"] == label
    assert all(item["why"].isascii() == (language == "en") for item in items.values())


def test_advice_is_for_the_owner_and_staff(
    owner: Caller, stranger: Caller, visitor: Caller, reviewer: Caller, administrator: Caller
) -> None:
    callers = (visitor, stranger, owner, reviewer, administrator)
    for submit, refused in ((True, 403), (False, 404)):
        demand = post(owner, "demand", submit=submit)
        path = f"demands/{demand['id']}/advice"
        assert [caller.get(path).status_code for caller in callers] == [401, refused, 200, 200, 200]
    assert owner.get(f"demands/{uuid.uuid4()}/advice").status_code == 404
