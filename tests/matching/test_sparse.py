"""Weighted features: what rarity says of them, several texts in one, and cosines as a plain reading gives them."""

from __future__ import annotations

import math
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.matching.sparse import Bags, Census, Keys, Rarity, buckets_of
from market.matching.weighed import Weighed, norms_of
from tests.matching.makers import EVEN, bags_of, few

pytestmark = pytest.mark.long

# Few places, so that features are shared; some agree in all of their upper bits.
KEYS = st.one_of(
    st.builds(lambda slot, rest: slot << 14 | rest, st.sampled_from((0, 1, 77, (1 << 18) - 1)), st.integers(0, 7)),
    st.integers(0, (1 << 32) - 1),
)
TEXT = st.dictionaries(KEYS, st.floats(0.5, 1000, width=16), max_size=12)
TEXTS = st.lists(TEXT, max_size=5)


def keys(*ones: int) -> Keys:
    return np.array(ones, np.uint32)


def census_of(offers: int, demands: int, counts: dict[int, tuple[int, int]]) -> Census:
    """So many texts on each side, and in how many of each a feature stands."""
    census = Census(offers, demands, *(np.zeros_like(Census.empty().of_offers) for _ in range(2)))
    for key, (of_offers, of_demands) in counts.items():
        bucket = buckets_of(keys(key))
        census.of_offers[bucket], census.of_demands[bucket] = of_offers, of_demands
    return census


# Rarity


def test_where_nothing_is_counted_every_feature_tells_the_same() -> None:
    told = EVEN.of(np.arange(0, 1 << 32, 999_999, dtype=np.uint32))
    assert len(set(told.tolist())) == 1
    assert told[0] > 0


def test_the_more_texts_have_a_feature_the_less_it_tells() -> None:
    census = census_of(100, 0, {key: (key, 0) for key in range(101)})
    told = Rarity(census).of(keys(*range(101)))
    assert (np.diff(told) < 0).all()
    assert told[-1] > 0


def test_what_every_demand_says_is_rare_to_nobody() -> None:
    told = Rarity(census_of(1000, 1000, {1: (900, 1), 2: (1, 900), 3: (1, 1)})).of(keys(1, 2, 3))
    assert told[0] == told[1] < told[2]


def test_a_feature_nobody_has_tells_at_least_as_much_as_one_that_somebody_has() -> None:
    told = Rarity(census_of(10, 10, {1: (1, 0)})).of(keys(1, 2))
    assert told[1] >= told[0]


def test_a_word_of_half_the_texts_tells_less_where_many_texts_say_so() -> None:
    small, large = (Rarity(census_of(texts, 0, {1: (texts // 2, 0)})).of(keys(1))[0] for texts in (2, 2000))
    assert large < small


@few
@given(st.integers(0, 10**6), st.integers(0, 10**6), st.data())
def test_rarity_is_a_figure_above_0_whatever_was_counted(offers: int, demands: int, data: st.DataObject) -> None:
    counts = {key: (data.draw(st.integers(0, offers)), data.draw(st.integers(0, demands))) for key in range(5)}
    told = Rarity(census_of(offers, demands, counts)).of(keys(*range(6)))
    assert np.isfinite(told).all()
    assert (told > 0).all()


@given(st.lists(KEYS))
def test_every_key_has_a_bucket(ones: list[int]) -> None:
    buckets = buckets_of(keys(*ones))
    assert ((buckets >= 0) & (buckets < len(Census.empty().of_offers))).all()


# Several texts in one


def read(bags: Bags) -> list[dict[int, float]]:
    """The texts as `bags_of` took them."""
    bounds = zip(bags.starts[:-1], bags.starts[1:], strict=True)
    return [
        dict(zip(bags.keys[low:high].tolist(), bags.counts[low:high].tolist(), strict=True)) for low, high in bounds
    ]


@given(TEXTS)
def test_bags_hold_what_they_were_made_of(texts: list[dict[int, float]]) -> None:
    assert read(bags_of(texts)) == texts
    assert len(bags_of(texts)) == len(texts)


@given(TEXTS)
def test_keys_ascend_within_a_text(texts: list[dict[int, float]]) -> None:
    assert all(list(text) == sorted(text) for text in read(bags_of(texts)))


@given(TEXTS)
def test_one_of_the_texts_is_as_it_was_among_them(texts: list[dict[int, float]]) -> None:
    bags = bags_of(texts)
    assert [read(bags.one(place)) for place in range(len(texts))] == [[text] for text in texts]


# Products


def weight(key: int, times: float, rarity: Rarity) -> float:
    return times * float(rarity.of(keys(key))[0])


def product(one: dict[int, float], other: dict[int, float], rarity: Rarity) -> float:
    """As a plain reading of the definition gives it."""
    both = one.keys() & other.keys()
    return math.fsum(weight(key, one[key], rarity) * weight(key, other[key], rarity) for key in both)


def weighed(texts: list[dict[int, float]], rarity: Rarity = EVEN) -> Weighed:
    bags = bags_of(texts)
    weights = bags.counts * rarity.of(bags.keys)
    return Weighed(bags.keys, weights, bags.starts, norms_of(weights, np.diff(bags.starts)))


@given(TEXTS, TEXT)
def test_products_are_those_of_a_plain_reading(texts: list[dict[int, float]], other: dict[int, float]) -> None:
    found = weighed(texts).products(weighed([other]))
    assert found.tolist() == pytest.approx([product(text, other, EVEN) for text in texts], rel=1e-5)


@given(TEXTS)
def test_norms_are_those_of_a_plain_reading(texts: list[dict[int, float]]) -> None:
    wanted = [math.sqrt(product(text, text, EVEN)) for text in texts]
    assert weighed(texts).norms.tolist() == pytest.approx(wanted, rel=1e-5)


@given(TEXTS)
def test_one_of_the_texts_weighs_as_much_as_among_them(texts: list[dict[int, float]]) -> None:
    together = weighed(texts)
    for place in range(len(texts)):
        one = together.one(place)
        assert one.norms.tolist() == [together.norms[place]]
        assert one.products(one).tolist() == [together.products(one)[place]]


@given(st.lists(TEXTS, max_size=4), TEXT)
def test_texts_that_are_joined_weigh_as_they_did_apart(
    groups: list[list[dict[int, float]]], other: dict[int, float]
) -> None:
    apart = [weighed(texts) for texts in groups]
    joined, asked = Weighed.joined(apart), weighed([other])
    assert joined.norms.tolist() == [norm for one in apart for norm in one.norms.tolist()]
    assert joined.products(asked).tolist() == [figure for one in apart for figure in one.products(asked).tolist()]


@given(TEXT, TEXT)
def test_a_product_is_the_same_from_either_side(one: dict[int, float], other: dict[int, float]) -> None:
    assert weighed([one]).products(weighed([other])) == weighed([other]).products(weighed([one]))


@given(TEXTS, TEXT, st.randoms())
def test_the_order_of_texts_does_not_matter(
    texts: list[dict[int, float]], other: dict[int, float], random: Random
) -> None:
    order = list(range(len(texts)))
    random.shuffle(order)
    asked = weighed([other])
    found = weighed(texts).products(asked)
    assert weighed([texts[place] for place in order]).products(asked).tolist() == [found[place] for place in order]


def test_features_that_share_their_upper_bits_all_count() -> None:
    crowd = {7 << 14 | rest: 1.0 for rest in range(0, 4000, 4)}
    one = {7 << 14: 1.0}
    assert weighed([crowd]).products(weighed([crowd]))[0] == pytest.approx(1000 * product(one, one, EVEN))


def test_a_rare_feature_in_common_weighs_more_than_a_common_one() -> None:
    rarity = Rarity(census_of(100, 100, {4: (1, 1), 8: (90, 90)}))
    rare, common = weighed([{4: 1.0}, {8: 1.0}], rarity).products(weighed([{4: 1.0, 8: 1.0}], rarity))
    assert rare > common
