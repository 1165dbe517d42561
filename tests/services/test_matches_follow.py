"""Matches follow their listings: whatever changes, what fits is matched and what no longer fits is withdrawn."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest

from market.runtime import Runtime
from tests.factories import SettableClock, add_organisation
from tests.services.stock import act, change, found, inbox, indexed, matches, publish, remove, signed, stored

pytestmark = pytest.mark.long

Drain = Callable[[], int]
Trio = dict[str, uuid.UUID]
ELSEWHERE = {
    "title_zh": "客服聊天机器人多轮对话引擎",
    "title_en": "Dialogue engine for customer service",
    "keywords": ["对话", "聊天机器人"],
    "field": "electronic_information",
}


@pytest.fixture
def trio(runtime: Runtime, drain: Drain) -> Trio:
    """An outcome and an expert that a demand is matched with."""
    ids = {noun: publish(runtime, noun, add_organisation(runtime)) for noun in ("outcome", "expert", "demand")}
    drain()
    assert pairs(runtime) == everything(ids)
    return ids


def pairs(runtime: Runtime) -> set[tuple[uuid.UUID, uuid.UUID]]:
    return {*matches(runtime)}


def everything(ids: Trio) -> set[tuple[uuid.UUID, uuid.UUID]]:
    return {(ids["demand"], ids["outcome"]), (ids["demand"], ids["expert"])}


def test_a_demand_that_now_asks_for_something_else_loses_its_matches(
    runtime: Runtime, drain: Drain, trio: Trio
) -> None:
    change(runtime, "demand", trio["demand"], **ELSEWHERE, problem_zh="机器人答非所问，需要多轮对话。")
    drain()
    assert pairs(runtime) == set()


def test_an_outcome_that_now_offers_something_else_loses_its_match_only(
    runtime: Runtime, drain: Drain, trio: Trio
) -> None:
    change(runtime, "outcome", trio["outcome"], **ELSEWHERE, summary_zh="多轮对话引擎。", summary_en="Dialogues.")
    drain()
    assert pairs(runtime) == {(trio["demand"], trio["expert"])}


def test_a_change_is_scored_anew(runtime: Runtime, drain: Drain, trio: Trio) -> None:
    pair = (trio["demand"], trio["outcome"])
    before = matches(runtime)[pair].demand_score
    change(runtime, "outcome", trio["outcome"], trl=2)
    drain()
    assert matches(runtime)[pair].demand_score < before


def test_a_match_keeps_its_identity_when_it_is_scored_anew(runtime: Runtime, drain: Drain, trio: Trio) -> None:
    pair = (trio["demand"], trio["outcome"])
    before = matches(runtime)[pair]
    change(runtime, "outcome", trio["outcome"], trl=2)
    drain()
    assert matches(runtime)[pair].id == before.id


def test_a_change_that_makes_it_fit_is_matched(runtime: Runtime, drain: Drain) -> None:
    demand = publish(runtime, "demand", add_organisation(runtime))
    other = publish(runtime, "outcome", add_organisation(runtime), **ELSEWHERE, summary_zh="", summary_en="")
    drain()
    assert pairs(runtime) == set()
    change(
        runtime,
        "outcome",
        other,
        title_zh="潮差区钢结构防腐涂层",
        keywords=["防腐涂层", "潮差区"],
        field="new_materials",
    )
    drain()
    assert pairs(runtime) == {(demand, other)}


@pytest.mark.parametrize("action", ["withdraw", "suspend", "close"])
def test_a_demand_that_is_no_longer_public_loses_its_matches(
    runtime: Runtime, drain: Drain, trio: Trio, action: str
) -> None:
    act(runtime, "demand", trio["demand"], action)
    drain()
    assert pairs(runtime) == set()


@pytest.mark.parametrize("action", ["withdraw", "suspend", "close"])
def test_an_outcome_that_is_no_longer_public_loses_its_match_only(
    runtime: Runtime, drain: Drain, trio: Trio, action: str
) -> None:
    act(runtime, "outcome", trio["outcome"], action)
    drain()
    assert pairs(runtime) == {(trio["demand"], trio["expert"])}


@pytest.mark.parametrize("action", ["negotiate", "award", "cancel"])
def test_a_demand_that_looks_no_longer_loses_its_matches(
    runtime: Runtime, drain: Drain, trio: Trio, action: str
) -> None:
    act(runtime, "demand", trio["demand"], action)
    drain()
    assert pairs(runtime) == set()


def test_a_demand_reopened_gets_its_matches_back(runtime: Runtime, drain: Drain, trio: Trio) -> None:
    before = matches(runtime)
    act(runtime, "demand", trio["demand"], "negotiate")
    drain()
    act(runtime, "demand", trio["demand"], "reopen")
    drain()
    assert {pair: match.id for pair, match in matches(runtime).items()} == {
        pair: match.id for pair, match in before.items()
    }


def test_an_outcome_restored_gets_its_match_back(runtime: Runtime, drain: Drain, trio: Trio) -> None:
    act(runtime, "outcome", trio["outcome"], "suspend")
    drain()
    act(runtime, "outcome", trio["outcome"], "restore")
    drain()
    assert pairs(runtime) == everything(trio)


def test_what_arrives_while_a_demand_is_in_negotiation_is_matched_once_it_reopens(
    runtime: Runtime, drain: Drain, trio: Trio
) -> None:
    act(runtime, "demand", trio["demand"], "negotiate")
    drain()
    late = publish(runtime, "outcome", add_organisation(runtime))
    drain()
    assert pairs(runtime) == set()
    act(runtime, "demand", trio["demand"], "reopen")
    drain()
    assert pairs(runtime) == everything(trio) | {(trio["demand"], late)}


def test_an_expired_outcome_loses_its_match(runtime: Runtime, drain: Drain, trio: Trio, clock: SettableClock) -> None:
    change(runtime, "outcome", trio["outcome"], valid_until=clock().date())
    clock.advance(days=1)
    drain()
    assert pairs(runtime) == {(trio["demand"], trio["expert"])}


def test_an_expired_outcome_that_is_extended_gets_its_match_back(
    runtime: Runtime, drain: Drain, trio: Trio, clock: SettableClock
) -> None:
    change(runtime, "outcome", trio["outcome"], valid_until=clock().date())
    clock.advance(days=1)
    drain()
    act(runtime, "outcome", trio["outcome"], "extend", until=clock().date() + timedelta(days=90))
    drain()
    assert pairs(runtime) == everything(trio)


def test_an_expert_who_becomes_unavailable_loses_the_match(runtime: Runtime, drain: Drain, trio: Trio) -> None:
    change(runtime, "expert", trio["expert"], availability="unavailable")
    drain()
    assert pairs(runtime) == {(trio["demand"], trio["outcome"])}


def test_a_region_that_becomes_required_withdraws_what_lies_outside(
    runtime: Runtime, drain: Drain, trio: Trio
) -> None:
    change(runtime, "demand", trio["demand"], region="110000", region_rule="required")
    drain()
    # The outcome is in Tianjin; the expert serves Beijing too.
    assert pairs(runtime) == {(trio["demand"], trio["expert"])}


@pytest.mark.parametrize("noun", ["demand", "outcome", "expert"])
def test_a_deleted_listing_leaves_no_trace_but_the_audit(
    runtime: Runtime, drain: Drain, trio: Trio, noun: str
) -> None:
    gone = trio[noun]
    remove(runtime, noun, gone)
    drain()
    assert not any(gone in pair for pair in matches(runtime, active=None))
    assert not any(row.listing_id == gone for row in inbox(runtime))
    assert str(gone) not in signed(runtime)
    assert str(gone) not in found(runtime, noun, "防腐涂层")
    assert indexed(runtime) == stored(runtime)


def test_a_listing_deleted_before_its_jobs_ran_is_never_found_or_matched(runtime: Runtime, drain: Drain) -> None:
    publish(runtime, "demand", add_organisation(runtime))
    outcome = publish(runtime, "outcome", add_organisation(runtime))
    remove(runtime, "outcome", outcome)
    drain()
    assert matches(runtime, active=None) == {}
    assert found(runtime, "outcome", "防腐涂层") == set()
    assert str(outcome) not in signed(runtime)


def test_an_organisation_is_never_matched_with_itself(runtime: Runtime, drain: Drain) -> None:
    organisation = add_organisation(runtime)
    for noun in ("demand", "outcome", "expert"):
        publish(runtime, noun, organisation)
    drain()
    assert matches(runtime, active=None) == {}


def test_a_draft_is_not_matched(runtime: Runtime, drain: Drain) -> None:
    publish(runtime, "demand", add_organisation(runtime))
    publish(runtime, "outcome", add_organisation(runtime), submit=False)
    drain()
    assert matches(runtime, active=None) == {}


def test_index_and_signatures_hold_the_version_of_the_database(runtime: Runtime, drain: Drain, trio: Trio) -> None:
    for level in (3, 4, 5):
        change(runtime, "outcome", trio["outcome"], trl=level)
    drain()
    assert indexed(runtime) == stored(runtime)
    assert signed(runtime)[str(trio["outcome"])] == 4
