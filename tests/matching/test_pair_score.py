"""The pair score as a whole: its range, what unknown values do to it, and the hard conditions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from market.matching.score import excluded
from market.matching.signatures import Indicator, Signature, Words, pack, unpack
from tests.matching.makers import demands, experts, few, names, offers, outcomes, pair_score, part, speaking_of

# What each part looks at, as the value that says "unknown".
UNKNOWN: dict[str, dict[str, Any]] = {
    "text": {"words": Words()},
    "field": {"field_code": ""},
    "disciplines": {"disciplines": ()},
    "industries": {"industries": ()},
    "trl": {"trl": None},
    "budget": {"money": None},
    "region": {"regions": ()},
    "modes": {"modes": ()},
    "indicators": {"indicators": ()},
    "freshness": {"published_day": None},
}
FITTING_DEMAND = speaking_of(
    "防腐涂层 graphene coating",
    languages="both",
    field_code="new_materials",
    disciplines=("430",),
    industries=("C26",),
    trl=(6, 9),
    money=(None, 2_000_000),
    regions=("120000",),
    region_rule="preferred",
    modes=("licence",),
    indicators=(Indicator("耐盐雾时间", "at_least", 3000, None, "h"),),
    published_day=20_000,
)
FITTING_OUTCOME = replace(
    FITTING_DEMAND,
    noun="outcome",
    trl=(7, 7),
    money=(1_800_000, 1_800_000),
    region_rule="none",
    indicators=(Indicator("耐盐雾时间", "at_least", 4000, None, "h"),),
)


@few
@given(demands, offers)
def test_a_score_lies_between_0_and_1(demand: Signature, offer: Signature) -> None:
    scored = pair_score(demand, offer)
    assert 0 <= scored.value <= 1
    assert all(0 <= one.score <= 1 for one in scored.parts)


@few
@given(demands, offers)
def test_the_same_pair_always_gets_the_same_score(demand: Signature, offer: Signature) -> None:
    assert pair_score(demand, offer) == pair_score(demand, offer)


@few
@given(demands, offers)
def test_a_packed_signature_scores_as_the_one_it_was_made_from(demand: Signature, offer: Signature) -> None:
    assert pair_score(unpack(pack(demand)), unpack(pack(offer))) == pair_score(demand, offer)


@few
@given(demands, offers)
def test_the_parts_stand_in_order_of_what_they_add(demand: Signature, offer: Signature) -> None:
    added = [one.contribution for one in pair_score(demand, offer).parts]
    assert added == sorted(added, reverse=True)


def test_a_pair_known_in_every_respect_has_every_part() -> None:
    assert names(pair_score(FITTING_DEMAND, FITTING_OUTCOME)) == set(UNKNOWN)


@pytest.mark.parametrize("name", UNKNOWN)
def test_a_part_is_absent_where_the_demand_does_not_say(name: str) -> None:
    scored = pair_score(replace(FITTING_DEMAND, **UNKNOWN[name]), FITTING_OUTCOME)
    assert names(scored) == set(UNKNOWN) - {name}


@pytest.mark.parametrize("name", UNKNOWN)
def test_a_part_is_absent_where_the_offer_does_not_say(name: str) -> None:
    scored = pair_score(FITTING_DEMAND, replace(FITTING_OUTCOME, **UNKNOWN[name]))
    assert names(scored) == set(UNKNOWN) - {name}


@pytest.mark.parametrize("name", UNKNOWN)
@few
@given(demand=demands, offer=outcomes)
def test_what_one_side_tells_changes_nothing_where_the_other_is_silent(
    name: str, demand: Signature, offer: Signature
) -> None:
    # The score knows the offer's value, or does not; the demand says nothing either way.
    silent = replace(demand, **UNKNOWN[name])
    assert pair_score(silent, offer) == pair_score(silent, replace(offer, **UNKNOWN[name]))


@pytest.mark.parametrize("name", sorted(set(UNKNOWN) - {"region"}))
@few
@given(demand=demands, offer=outcomes)
def test_what_a_demand_tells_changes_nothing_where_the_offer_is_silent(
    name: str, demand: Signature, offer: Signature
) -> None:
    silent = replace(offer, **UNKNOWN[name])
    assert pair_score(demand, silent) == pair_score(replace(demand, **UNKNOWN[name]), silent)


@few
@given(demands, outcomes)
def test_a_part_left_out_leaves_the_other_parts_as_they_were(demand: Signature, offer: Signature) -> None:
    assume(not excluded(demand, offer))
    whole = pair_score(demand, offer)
    less = pair_score(demand, replace(offer, field_code=""))
    assert [one for one in whole.parts if one.name != "field"] == [*less.parts]


def test_words_tell_nothing_where_the_two_texts_share_no_language() -> None:
    chinese = speaking_of("防腐涂层", languages="zh")
    english = speaking_of("graphene coating", noun="outcome", languages="en")
    assert part(pair_score(chinese, english), "text") is None


def test_words_tell_something_where_one_text_is_in_both_languages() -> None:
    both = speaking_of("防腐涂层 graphene", languages="both")
    english = speaking_of("graphene coating", noun="outcome", languages="en")
    assert part(pair_score(both, english), "text") is not None


@few
@given(demands, offers)
def test_an_organisation_is_never_matched_with_itself(demand: Signature, offer: Signature) -> None:
    own = pair_score(replace(demand, organisation="a"), replace(offer, organisation="a"))
    assert (own.value, own.excluded, own.parts) == (0.0, "own_organisation", ())


@few
@given(demands, experts)
def test_an_expert_who_is_unavailable_is_never_matched(demand: Signature, expert: Signature) -> None:
    away = pair_score(replace(demand, organisation="a"), replace(expert, organisation="b", available=False))
    assert (away.value, away.excluded) == (0.0, "unavailable")


def in_region(demanded: str, offered: tuple[str, ...], rule: str = "required") -> str:
    demand = replace(FITTING_DEMAND, regions=(demanded,), region_rule=rule)
    return pair_score(demand, replace(FITTING_OUTCOME, regions=offered)).excluded


def test_a_required_region_excludes_what_lies_outside() -> None:
    assert in_region("130000", ("110000",)) == "region"


def test_a_required_region_admits_a_place_inside_it() -> None:
    assert in_region("130000", ("130200",)) == ""


def test_a_required_region_admits_an_expert_who_serves_it_among_others() -> None:
    assert in_region("130000", ("440000", "130000")) == ""


def test_a_preferred_region_excludes_nobody() -> None:
    assert in_region("130000", ("440000",), rule="preferred") == ""


def test_a_required_region_does_not_exclude_an_offer_that_names_none() -> None:
    assert in_region("130000", ()) == ""


@few
@given(demands, offers, st.sampled_from(("none", "preferred")))
def test_only_the_three_hard_conditions_exclude(demand: Signature, offer: Signature, rule: str) -> None:
    free = replace(demand, organisation="a", region_rule=rule)
    assert excluded(free, replace(offer, organisation="b", available=True)) == ""
