"""What parts can add at most: nobody who would be among the best is passed over unseen."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.matching import parts
from market.matching.score import Score, Texts, score
from market.matching.signatures import Particulars
from market.matching.weights import SHIPPED, Weights
from tests.matching.makers import demands, few, likenesses, offers

# Learnt weights may say that what is near speaks against a pair.
LEARNT = st.builds(
    Weights,
    bias=st.floats(-5, 5),
    parts=st.fixed_dictionaries(dict.fromkeys(SHIPPED.parts, st.tuples(st.floats(-5, 5), st.floats(0, 1)))),
    version=st.just(1),
)
WEIGHTS = st.one_of(st.just(SHIPPED), LEARNT)


def beside_texts(found: Score) -> float:
    return sum(one.contribution for one in found.parts if one.name not in ("words", "meaning"))


@few
@given(demands, offers, likenesses, WEIGHTS)
def test_no_offer_gets_more_than_what_is_within_a_demands_reach(
    demand: Particulars, offer: Particulars, texts: Texts, weights: Weights
) -> None:
    found = score(demand, offer, texts, weights)
    assert beside_texts(found) <= weights.most(parts.within_reach(demand)) + 1e-9


@few
@given(demands, offers, likenesses, WEIGHTS)
def test_no_demand_gets_more_than_what_is_within_an_offers_reach(
    demand: Particulars, offer: Particulars, texts: Texts, weights: Weights
) -> None:
    found = score(demand, offer, texts, weights)
    assert beside_texts(found) <= weights.most(parts.within_reach(offer)) + 1e-9


@given(st.sets(st.sampled_from(sorted(SHIPPED.parts))), st.sampled_from(sorted(SHIPPED.parts)), WEIGHTS)
def test_one_more_respect_never_lessens_what_can_be_reached(names: set[str], more: str, weights: Weights) -> None:
    assert weights.most(names) <= weights.most({*names, more}) + 1e-9


def test_nothing_can_be_reached_by_what_is_not_known() -> None:
    assert SHIPPED.most(parts.within_reach(Particulars("demand"))) == 0


def test_a_pair_at_its_best_in_a_respect_gets_all_that_can_be_reached() -> None:
    demand = Particulars("demand", field_code="new_materials")
    found = score(demand, replace(demand, noun="outcome"), Texts(None, None), SHIPPED)
    assert beside_texts(found) == pytest.approx(SHIPPED.most(parts.within_reach(demand)))


@pytest.mark.parametrize("name", SHIPPED.parts)
def test_what_is_shipped_lets_every_part_speak_for_a_pair_and_against_it(name: str) -> None:
    weight, centre = SHIPPED.parts[name]
    assert weight > 0
    assert 0 < centre <= 1
