"""The pair score as a whole: its range, what unknown values do to it, and the hard conditions."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from market.matching.score import Scales, Score, Texts, excluded, score, text_odds
from market.matching.signatures import Indicator, Particulars, Signature, pack, pack_vectors, unpack
from market.matching.weights import SHIPPED
from tests.matching.makers import (
    demands,
    experts,
    few,
    likenesses,
    listings,
    names,
    offers,
    outcomes,
    part,
    scored,
    shares,
    speaking_of,
)

# What each part looks at beside the texts, as the value that says "unknown".
UNKNOWN: dict[str, dict[str, Any]] = {
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
FITTING_DEMAND = Particulars(
    "demand",
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
ALIKE = Texts(0.3, 0.2)
NOTHING = (Particulars("demand"), Particulars("outcome"))


def of(demand: Particulars, offer: Particulars, texts: Texts = ALIKE) -> Score:
    return score(demand, offer, texts, SHIPPED)


def again(signature: Signature) -> Signature:
    vectors = None if signature.vectors is None else pack_vectors(signature.vectors)
    return unpack(pack(signature), digests=b"".join(signature.digests), vectors=vectors, model=signature.model)


@few
@given(demands, offers, likenesses)
def test_a_score_lies_between_0_and_1(demand: Particulars, offer: Particulars, texts: Texts) -> None:
    found = of(demand, offer, texts)
    assert 0 <= found.value <= 1
    assert all(0 <= one.score <= 1 for one in found.parts)


@few
@given(demands, offers, likenesses)
def test_the_value_is_the_share_that_the_odds_stand_for(
    demand: Particulars, offer: Particulars, texts: Texts
) -> None:
    found = of(demand, offer, texts)
    assert found.value == pytest.approx(1 / (1 + math.exp(-found.odds)) if found.odds > -math.inf else 0, abs=1e-4)


@few
@given(demands, offers, likenesses)
def test_the_odds_are_what_the_parts_add_to_those_of_a_pair_unknown(
    demand: Particulars, offer: Particulars, texts: Texts
) -> None:
    found = of(demand, offer, texts)
    assume(not found.excluded)
    assert found.odds == pytest.approx(SHIPPED.bias + sum(one.contribution for one in found.parts))


@few
@given(listings(demands), listings(offers))
def test_the_same_pair_always_gets_the_same_score(demand: Signature, offer: Signature) -> None:
    assert scored(demand, offer) == scored(demand, offer)


@few
@given(listings(demands), listings(offers))
def test_a_packed_signature_scores_as_the_one_it_was_made_from(demand: Signature, offer: Signature) -> None:
    assert scored(again(demand), again(offer)) == scored(demand, offer)


@few
@given(demands, offers, likenesses)
def test_the_parts_stand_in_order_of_what_they_add(demand: Particulars, offer: Particulars, texts: Texts) -> None:
    added = [one.contribution for one in of(demand, offer, texts).parts]
    assert added == sorted(added, reverse=True)


# What is not known


def test_a_pair_known_in_every_respect_has_every_part() -> None:
    assert names(of(FITTING_DEMAND, FITTING_OUTCOME)) == {*UNKNOWN, "words", "meaning"}


def test_a_pair_of_which_nothing_is_known_has_no_part_and_the_odds_of_any() -> None:
    found = of(*NOTHING, Texts(None, None))
    assert (found.parts, found.odds, found.excluded) == ((), SHIPPED.bias, "")


@pytest.mark.parametrize("name", UNKNOWN)
def test_a_part_is_absent_where_the_demand_does_not_say(name: str) -> None:
    found = of(replace(FITTING_DEMAND, **UNKNOWN[name]), FITTING_OUTCOME)
    assert names(found) == {*UNKNOWN, "words", "meaning"} - {name}


@pytest.mark.parametrize("name", UNKNOWN)
def test_a_part_is_absent_where_the_offer_does_not_say(name: str) -> None:
    found = of(FITTING_DEMAND, replace(FITTING_OUTCOME, **UNKNOWN[name]))
    assert names(found) == {*UNKNOWN, "words", "meaning"} - {name}


@pytest.mark.parametrize("name", UNKNOWN)
@few
@given(demand=demands, offer=outcomes)
def test_what_one_side_tells_changes_nothing_where_the_other_is_silent(
    name: str, demand: Particulars, offer: Particulars
) -> None:
    # The score knows the offer's value, or does not; the demand says nothing either way.
    silent = replace(demand, **UNKNOWN[name])
    assert of(silent, offer) == of(silent, replace(offer, **UNKNOWN[name]))


@pytest.mark.parametrize("name", sorted(set(UNKNOWN) - {"region"}))
@few
@given(demand=demands, offer=outcomes)
def test_what_a_demand_tells_changes_nothing_where_the_offer_is_silent(
    name: str, demand: Particulars, offer: Particulars
) -> None:
    silent = replace(offer, **UNKNOWN[name])
    assert of(demand, silent) == of(replace(demand, **UNKNOWN[name]), silent)


@few
@given(demands, outcomes, likenesses)
def test_a_part_left_out_leaves_the_other_parts_as_they_were(
    demand: Particulars, offer: Particulars, texts: Texts
) -> None:
    assume(not excluded(demand, offer))
    whole, less = (of(demand, one, texts) for one in (offer, replace(offer, field_code="")))
    assert [one for one in whole.parts if one.name != "field"] == [*less.parts]


# Texts


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        (Texts(0.1, 0.2), {"words", "meaning"}),
        (Texts(0.1, None), {"words"}),
        (Texts(None, 0.2), {"meaning"}),
        (Texts(None, None), set()),
        (Texts(0.0, 0.0), {"words", "meaning"}),
    ],
)
def test_of_the_texts_only_what_is_known_is_a_reason(texts: Texts, found: set[str]) -> None:
    assert names(of(*NOTHING, texts)) == found


@given(st.lists(st.tuples(shares, shares)))
def test_what_many_texts_add_is_what_each_pair_is_scored_by(pairs: list[tuple[float | None, float | None]]) -> None:
    words, meaning = (np.array([pair[side] for pair in pairs], np.float64) for side in (0, 1))  # None becomes NaN
    wanted = [of(*NOTHING, Texts(*pair)).odds - SHIPPED.bias for pair in pairs]
    assert text_odds(words, meaning, SHIPPED).tolist() == pytest.approx(wanted)


@given(st.floats(0, 1), st.floats(0, 1), shares)
def test_more_alike_in_words_never_scores_less(one: float, other: float, meaning: float | None) -> None:
    less, more = (of(*NOTHING, Texts(words, meaning)).odds for words in sorted((one, other)))
    assert less <= more + 1e-9


@given(st.floats(0, 1), st.floats(0, 1), shares)
def test_nearer_in_meaning_never_scores_less(one: float, other: float, words: float | None) -> None:
    less, more = (of(*NOTHING, Texts(words, meaning)).odds for meaning in sorted((one, other)))
    assert less <= more + 1e-9


@given(st.floats(0, 1))
def test_words_whose_meaning_is_not_known_stand_for_both(words: float) -> None:
    assert of(*NOTHING, Texts(words, None)).odds >= of(*NOTHING, Texts(words, 0.0)).odds


def test_texts_that_are_not_alike_speak_against_a_pair_as_much_as_either_tells_it() -> None:
    told = {of(*NOTHING, texts).odds for texts in (Texts(0.0, 0.0), Texts(0.0, None), Texts(None, 0.0))}
    assert max(told) == pytest.approx(min(told))
    assert max(told) < SHIPPED.bias


# Evidence


def test_evidence_changes_no_figure() -> None:
    found = of(FITTING_DEMAND, FITTING_OUTCOME)
    told = found.with_evidence(("防腐",), "一项研究")
    assert (told.value, told.odds, told.excluded) == (found.value, found.odds, found.excluded)
    assert [replace(one, evidence=()) for one in told.parts] == [replace(one, evidence=()) for one in found.parts]


def test_words_show_what_is_shared_and_the_nearest_work() -> None:
    told = of(FITTING_DEMAND, FITTING_OUTCOME).with_evidence(("防腐", "涂层"), "一项研究")
    shown = {one.name: one.evidence for one in told.parts}
    assert shown["words"] == ("防腐", "涂层", "《一项研究》")
    assert shown["meaning"] == ("《一项研究》",)


def test_the_other_parts_keep_their_evidence() -> None:
    found = of(FITTING_DEMAND, FITTING_OUTCOME)
    told = found.with_evidence(("防腐",), "")
    assert [one for one in told.parts if one.name in UNKNOWN] == [one for one in found.parts if one.name in UNKNOWN]


def test_without_a_work_there_is_no_empty_title() -> None:
    told = of(*NOTHING).with_evidence((), "")
    assert [one.evidence for one in told.parts] == [(), ()]


def test_a_part_is_kept_as_what_json_can_hold() -> None:
    found = part(of(FITTING_DEMAND, FITTING_OUTCOME), "field")
    assert found is not None
    row = found.as_row()
    assert row["contribution"] == pytest.approx(row["weight"] * (row["score"] - found.centre), abs=1e-4)
    assert row["evidence"] == ["new_materials", "new_materials"]


# Hard conditions


@few
@given(demands, offers, likenesses)
def test_an_organisation_is_never_matched_with_itself(demand: Particulars, offer: Particulars, texts: Texts) -> None:
    own = of(replace(demand, organisation="a"), replace(offer, organisation="a"), texts)
    assert (own.value, own.excluded, own.parts, own.odds) == (0.0, "own_organisation", (), -math.inf)


@few
@given(demands, experts)
def test_an_expert_who_is_unavailable_is_never_matched(demand: Particulars, expert: Particulars) -> None:
    away = of(replace(demand, organisation="a"), replace(expert, organisation="b", available=False))
    assert (away.value, away.excluded, away.odds) == (0.0, "unavailable", -math.inf)


def in_region(demanded: str, offered: tuple[str, ...], rule: str = "required") -> str:
    demand = replace(FITTING_DEMAND, regions=(demanded,), region_rule=rule)
    return of(demand, replace(FITTING_OUTCOME, regions=offered)).excluded


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
def test_only_the_three_hard_conditions_exclude(demand: Particulars, offer: Particulars, rule: str) -> None:
    free = replace(demand, organisation="a", region_rule=rule)
    assert excluded(free, replace(offer, organisation="b", available=True)) == ""


def test_what_is_excluded_stays_so_when_evidence_comes() -> None:
    own = replace(FITTING_OUTCOME, organisation="a")
    told = of(replace(FITTING_DEMAND, organisation="a"), own).with_evidence(("防腐",), "一项研究")
    assert (told.value, told.parts, told.excluded) == (0.0, (), "own_organisation")


def test_a_fitting_pair_scores_more_than_one_of_which_only_the_texts_fit() -> None:
    assert of(FITTING_DEMAND, FITTING_OUTCOME).value > of(*NOTHING).value


def test_a_pair_is_scored_by_the_texts_that_are_there() -> None:
    fit, other = (speaking_of(text, noun="outcome") for text in ("防腐涂层", "bird song"))
    need = speaking_of("防腐涂层")
    assert scored(need, fit).value > scored(need, other).value


# Pairs that are weighed, and not told


@given(demands, offers, likenesses, st.booleans(), st.floats(-12, 12))
def test_a_pair_is_given_up_exactly_where_it_does_not_reach_what_is_asked(
    demand: Particulars, offer: Particulars, texts: Texts, from_demand: bool, least: float
) -> None:
    whole = score(demand, offer, texts, SHIPPED)
    scales = Scales(demand if from_demand else offer, SHIPPED)
    for bar in (least, whole.odds):
        found = scales.weigh(demand, offer, texts, least=bar)
        if whole.excluded:
            assert found is None
        elif whole.odds >= bar:
            assert found is not None
            assert found.score() == whole
        else:
            assert found is None or found.odds < bar
