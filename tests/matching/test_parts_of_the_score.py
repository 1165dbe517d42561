"""Each part by itself: better values never score lower."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.matching import parts
from market.matching.signatures import Signature, Words
from tests.matching.makers import DEMAND_MODES, even, outcomes, pair_score, part, speaking_of, work

DEMAND = Signature(noun="demand")
OUTCOME = Signature(noun="outcome")
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
def test_offering_one_more_way_to_cooperate_never_scores_less(offer: Signature, wanted: str, more: str) -> None:
    demand = replace(DEMAND, modes=(wanted,))
    offer = replace(offer, modes=offer.modes or ("service",), organisation="")
    generous = replace(offer, modes=(*offer.modes, more))
    assert pair_score(demand, offer).value <= pair_score(demand, generous).value


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
    same, other = (parts.field(demand, replace(OUTCOME, field_code=code)) for code in ("new_materials", "aerospace"))
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
        parts.freshness(replace(OUTCOME, published_day=day + by), replace(DEMAND, published_day=day))
        for by in sorted((one, other))
    )
    assert near is not None
    assert far is not None
    assert near.score >= far.score


def text_score(demand: Signature, offer: Signature) -> float:
    found = part(pair_score(demand, offer), "text")
    assert found is not None
    return found.score


NEED = speaking_of("潮差区 防腐 涂层 起泡")


def test_covering_more_of_the_wanted_words_scores_more() -> None:
    scores = [
        text_score(NEED, speaking_of(text, noun="outcome"))
        for text in ("螺旋桨", "涂层 螺旋桨", "防腐 涂层 螺旋桨", "潮差区 防腐 涂层 起泡")
    ]
    assert scores == sorted(scores)
    assert len(set(scores)) == 4


def test_a_rare_word_in_common_scores_more_than_a_common_one() -> None:
    wanted = parts.key_terms(NEED.words, lambda term: 5.0 if term == "起泡" else 1.0)
    rare, common = (
        parts.text(NEED, speaking_of(text, noun="outcome"), wanted) for text in ("起泡 螺旋桨", "涂层 螺旋桨")
    )
    assert rare is not None
    assert common is not None
    assert rare.score > common.score


def test_an_expert_whose_works_speak_of_it_scores_more_than_one_whose_profile_alone_does() -> None:
    profile = speaking_of("防腐 材料", noun="expert")
    silent = replace(profile, works=(work("螺旋桨噪声"),))
    speaking = replace(profile, works=(work("潮差区涂层起泡", "防腐"),))
    assert text_score(NEED, speaking) > text_score(NEED, silent)


def test_an_expert_is_scored_by_the_best_works_not_by_how_many_there_are() -> None:
    profile = speaking_of("防腐 材料", noun="expert")
    best = (work("潮差区涂层起泡", "防腐"), work("涂层起泡", "潮差区 防腐"))
    others = tuple(work(f"螺旋桨噪声之{number}") for number in range(30))
    assert text_score(NEED, replace(profile, works=(*others, *best))) == pytest.approx(
        text_score(NEED, replace(profile, works=best))
    )


def test_works_on_other_things_never_lower_what_the_profile_scores() -> None:
    profile = speaking_of("潮差区 防腐 涂层", noun="expert")
    assert text_score(NEED, replace(profile, works=(work("螺旋桨噪声"),))) >= text_score(NEED, profile)


def test_the_best_work_is_named_among_the_reasons() -> None:
    expert = replace(
        speaking_of("材料", noun="expert"), works=(work("螺旋桨噪声"), work("潮差区涂层起泡机理", "防腐"))
    )
    found = part(pair_score(NEED, expert), "text")
    assert found is not None
    assert "《潮差区涂层起泡机理》" in found.evidence


COUNTS = st.dictionaries(st.text("abcdef", min_size=1, max_size=3), st.floats(0.5, 50), max_size=60)


@given(COUNTS, st.integers(1, 50))
def test_key_terms_are_the_heaviest_and_heaviest_first(counts: dict[str, float], most: int) -> None:
    chosen = parts.key_terms(Words(counts, sum(counts.values())), even, most)
    weights = [weight for _, weight in chosen]
    assert weights == sorted(weights, reverse=True)
    assert len(chosen) == min(most, len(counts))
    assert all(weight > 0 for weight in weights)
