"""Each part by itself: better values never score lower."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.matching import parts
from market.matching.score import Texts, score
from market.matching.signatures import Particulars
from market.matching.weights import SHIPPED
from tests.matching.makers import DEMAND_MODES, demands, few, offers, outcomes, part

DEMAND = Particulars("demand")
OUTCOME = Particulars("outcome")
ALIKE = Texts(0.3, None)
LEVELS = st.integers(1, 9)
PRICES = st.integers(0, 10**12)


def trl_score(wanted: tuple[int | None, int | None], level: int) -> float:
    found = parts.trl(replace(DEMAND, trl=wanted), replace(OUTCOME, trl=(level, level)))
    assert found is not None
    return found.score


@given(LEVELS, LEVELS, LEVELS)
def test_a_level_within_the_wanted_range_scores_1(one: int, other: int, level: int) -> None:
    low, high = sorted((one, other))
    assert (trl_score((low, high), level) == 1) == (low <= level <= high)


@given(LEVELS, LEVELS, LEVELS)
def test_below_the_wanted_range_a_higher_level_scores_more(low: int, one: int, other: int) -> None:
    less, more = sorted((min(one, low), min(other, low)))
    assert trl_score((low, None), less) <= trl_score((low, None), more)


@given(LEVELS, LEVELS, LEVELS)
def test_above_the_wanted_range_a_lower_level_scores_more(high: int, one: int, other: int) -> None:
    less, more = sorted((max(one, high), max(other, high)))
    assert trl_score((None, high), less) >= trl_score((None, high), more)


@given(st.integers(1, 8), st.integers(1, 8))
def test_a_level_too_low_costs_more_than_one_as_much_too_high(wanted: int, by: int) -> None:
    if wanted > by and wanted + by <= 9:
        assert trl_score((wanted, wanted), wanted - by) < trl_score((wanted, wanted), wanted + by)


def budget_score(most: int, price: int) -> float:
    found = parts.budget(replace(DEMAND, money=(None, most)), replace(OUTCOME, money=(price, price)))
    assert found is not None
    return found.score


@given(PRICES, PRICES)
def test_a_price_within_the_budget_scores_1(most: int, price: int) -> None:
    assert (budget_score(most, price) == 1) == (price <= most)


@given(PRICES, PRICES, PRICES)
def test_a_lower_price_never_scores_less(most: int, one: int, other: int) -> None:
    low, high = sorted((one, other))
    assert budget_score(most, low) >= budget_score(most, high)


@given(PRICES, PRICES, PRICES)
def test_a_larger_budget_never_scores_less(price: int, one: int, other: int) -> None:
    low, high = sorted((one, other))
    assert budget_score(low, price) <= budget_score(high, price)


def region_score(wanted: str, offered: str) -> float:
    found = parts.region(
        replace(DEMAND, regions=(wanted,), region_rule="preferred"), replace(OUTCOME, regions=(offered,))
    )
    assert found is not None
    return found.score


def test_nearer_regions_score_more() -> None:
    # Within it, the same province, both in the hub, next to the hub, far away.
    scores = [region_score("130200", code) for code in ("130200", "130100", "110000", "140000", "440000")]
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) == 5


def test_regions_do_not_count_where_the_demand_has_no_rule() -> None:
    demand = replace(DEMAND, regions=("130000",), region_rule="none")
    assert parts.region(demand, replace(OUTCOME, regions=("440000",))) is None


@given(outcomes, st.sampled_from(DEMAND_MODES), st.sampled_from(DEMAND_MODES))
def test_offering_one_more_way_to_cooperate_never_scores_less(offer: Particulars, wanted: str, more: str) -> None:
    demand = replace(DEMAND, modes=(wanted,))
    offer = replace(offer, modes=offer.modes or ("service",), organisation="")
    generous = replace(offer, modes=(*offer.modes, more))
    assert score(demand, offer, ALIKE, SHIPPED).value <= score(demand, generous, ALIKE, SHIPPED).value


def test_the_same_way_to_cooperate_scores_more_than_a_similar_one() -> None:
    demand = replace(DEMAND, modes=("exclusive_licence",))
    scores = [
        found.score
        for mode in ("exclusive_licence", "licence", "service")
        if (found := parts.modes(demand, replace(OUTCOME, modes=(mode,))))
    ]
    assert scores == [1.0, 0.6, 0.0]


def test_the_same_field_speaks_for_a_pair_and_another_against_it() -> None:
    demand = replace(DEMAND, field_code="new_materials")
    same, other = (
        part(score(demand, replace(OUTCOME, field_code=code), ALIKE, SHIPPED), "field")
        for code in ("new_materials", "aerospace")
    )
    assert same is not None
    assert other is not None
    assert same.contribution > 0 > other.contribution


def test_the_nearest_pair_of_disciplines_counts() -> None:
    demand = replace(DEMAND, disciplines=("430", "520"))
    found = parts.disciplines(demand, replace(OUTCOME, disciplines=("52020", "110")))
    assert found is not None
    assert found.evidence == ("520", "52020")
    assert found.score == pytest.approx(2 / 3)


@given(st.integers(15_000, 25_000), st.integers(0, 4_000), st.integers(0, 4_000))
def test_what_was_published_closer_together_never_scores_less(day: int, one: int, other: int) -> None:
    near, far = (
        parts.freshness(replace(DEMAND, published_day=day), replace(OUTCOME, published_day=day + by))
        for by in sorted((one, other))
    )
    assert near is not None
    assert far is not None
    assert near.score >= far.score


@few
@given(demands, offers)
def test_only_what_a_listing_tells_is_within_its_reach(demand: Particulars, offer: Particulars) -> None:
    free = replace(demand, organisation="", region_rule="none" if demand.region_rule == "required" else "preferred")
    found = score(free, replace(offer, available=True), Texts(None, None), SHIPPED)
    told = {one.name for one in found.parts}
    assert told <= set(parts.within_reach(free))
    assert told <= set(parts.within_reach(offer))


def test_nothing_is_within_reach_of_a_listing_that_tells_nothing() -> None:
    assert set(parts.within_reach(DEMAND)) == set()


def test_the_first_day_that_is_counted_is_a_day_like_others() -> None:
    first = replace(DEMAND, published_day=0)
    assert parts.freshness(first, replace(OUTCOME, published_day=1)) is not None
    assert "freshness" in parts.within_reach(first)
