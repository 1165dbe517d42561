"""How alike texts are: the same from either side, NaN where it is not known, and what several works show."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.matching import likeness
from market.matching.likeness import Ready, Scale
from market.matching.signatures import Signature
from tests.matching.makers import (
    EVEN,
    MODEL,
    at,
    compared,
    demands,
    experts,
    few,
    likeness_of,
    listings,
    offers,
    outcomes,
    side,
    speaking_of,
    unit_vectors,
)

MANY_DEMANDS = st.lists(listings(demands), min_size=1, max_size=5)
MANY_OFFERS = st.lists(listings(offers), min_size=1, max_size=5)
NEED = speaking_of("潮差区防腐涂层起泡", vectors=at(0))
LONG = (
    "海上风电塔筒处于潮差区，防腐涂层在阴极保护下起泡剥离，检修窗口短。需要能在潮湿表面施工的低表面处理涂料，"
    "附着力不小于八兆帕，并给出三年以上的实海挂片数据。"
)
OTHER = "本研究比较了三种固化体系在盐雾与紫外交替老化后的电化学阻抗谱，并讨论了填料取向对渗透路径的影响。"


def words_of(demand: Signature, offer: Signature) -> float:
    found = likeness_of(demand, offer).words
    assert found is not None
    return found


def meaning_of(demand: Signature, offer: Signature) -> float:
    found = likeness_of(demand, offer).meaning
    assert found is not None
    return found


def expert(profile: str, *works: str, **values: object) -> Signature:
    return speaking_of(profile, *works, noun="expert", **values)  # type: ignore[arg-type]


# Whichever side arrived last


@few
@given(MANY_DEMANDS, MANY_OFFERS)
def test_a_demand_compared_alone_is_as_alike_as_among_others(
    demanded: list[Signature], offered: list[Signature]
) -> None:
    all_pairs = compared(demanded, offered)
    for place, one in enumerate(demanded):
        alone = compared([one], offered)
        assert np.array_equal(alone.words[0], all_pairs.words[place])
        assert np.array_equal(alone.meaning[0], all_pairs.meaning[place], equal_nan=True)
        assert np.array_equal(alone.best[0], all_pairs.best[place])


@few
@given(MANY_DEMANDS, MANY_OFFERS)
def test_an_offer_compared_alone_is_as_alike_as_among_others(
    demanded: list[Signature], offered: list[Signature]
) -> None:
    all_pairs = compared(demanded, offered)
    for place, one in enumerate(offered):
        alone = compared(demanded, [one])
        assert np.array_equal(alone.words[:, 0], all_pairs.words[:, place])
        assert np.array_equal(alone.meaning[:, 0], all_pairs.meaning[:, place], equal_nan=True)
        assert np.array_equal(alone.best[:, 0], all_pairs.best[:, place])


@few
@given(st.integers(0, 1000), st.sampled_from((64, 384, 1024)), st.integers(2, 40))
def test_vectors_as_long_as_a_models_are_as_near_alone_as_among_others(seed: int, width: int, many: int) -> None:
    vectors = unit_vectors(many, width, seed)
    offered = [speaking_of("", noun="outcome", vectors=vectors[place : place + 1]) for place in range(many)]
    demand = speaking_of("", vectors=unit_vectors(1, width, seed + 5000))
    together = compared([demand], offered).meaning[0]
    assert together.tolist() == [compared([demand], [one]).meaning[0, 0] for one in offered]


@few
@given(MANY_DEMANDS, MANY_OFFERS)
def test_likeness_is_never_below_0_and_known_of_all_words(
    demanded: list[Signature], offered: list[Signature]
) -> None:
    found = compared(demanded, offered)
    assert found.words.shape == found.meaning.shape == found.best.shape == (len(demanded), len(offered))
    assert ((found.words >= 0) & np.isfinite(found.words)).all()
    known = found.meaning[~np.isnan(found.meaning)]
    assert ((known >= 0) & np.isfinite(known)).all()


@few
@given(listings(demands), MANY_OFFERS)
def test_the_nearest_text_is_one_that_the_offer_has(demand: Signature, offered: list[Signature]) -> None:
    best = compared([demand], offered).best[0]
    assert all(0 <= place < len(one.bags) for place, one in zip(best, offered, strict=True))


def test_nobody_can_be_compared_with_nobody() -> None:
    assert compared([NEED], []).words.shape == (1, 0)


# Words


def test_nothing_is_more_alike_than_the_same_text() -> None:
    same = words_of(NEED, speaking_of("潮差区防腐涂层起泡", noun="outcome"))
    others = ("涂层起泡", "潮差区防腐涂层起泡的螺旋桨噪声", "防腐", "潮差区起泡")
    assert all(words_of(NEED, speaking_of(text, noun="outcome")) < same for text in others)


def test_an_outcome_that_copies_the_demand_word_for_word_counts() -> None:
    # Only of works is it suspicious: who offers just this may well have been asked for it.
    copied, halved = (speaking_of(text, noun="outcome") for text in (LONG, LONG[: len(LONG) // 2]))
    assert words_of(speaking_of(LONG), copied) > words_of(speaking_of(LONG), halved)


def test_texts_that_share_nothing_are_not_alike_at_all() -> None:
    assert words_of(NEED, speaking_of("monoclonal antibodies", noun="outcome")) == 0


def test_covering_more_of_the_wanted_words_is_more_alike() -> None:
    found = [
        words_of(NEED, speaking_of(text, noun="outcome"))
        for text in ("螺旋桨", "涂层 螺旋桨", "防腐 涂层 螺旋桨", "潮差区 防腐 涂层 起泡")
    ]
    assert found == sorted(found)
    assert len(set(found)) == 4


def test_one_thing_named_in_two_languages_is_alike() -> None:
    chinese = speaking_of("锂离子电池隔膜")
    assert words_of(chinese, speaking_of("separators of a lithium-ion battery", noun="outcome")) > 0


@pytest.mark.parametrize("text", ["", "，。", "的"])
def test_an_offer_without_words_is_not_alike_and_no_error(text: str) -> None:
    assert words_of(NEED, speaking_of(text, noun="outcome")) == words_of(NEED, expert(text, text)) == 0


def test_a_demand_without_words_is_like_nothing() -> None:
    offered = [speaking_of("防腐涂层", noun="outcome"), expert("防腐", "涂层"), speaking_of("", noun="outcome")]
    assert compared([speaking_of("")], offered).words.tolist() == [[0, 0, 0]]


# Meaning


def test_the_smaller_the_angle_the_nearer_the_meaning() -> None:
    near = [meaning_of(NEED, speaking_of("", noun="outcome", vectors=at(angle))) for angle in range(0, 181, 5)]
    assert near == sorted(near, reverse=True)
    assert near[0] > near[-1] == 0


def test_meaning_is_unknown_where_the_offer_has_no_vector() -> None:
    assert likeness_of(NEED, speaking_of("防腐涂层", noun="outcome")).meaning is None


def test_meaning_is_unknown_where_the_demand_has_no_vector() -> None:
    offer = speaking_of("防腐涂层", noun="outcome", vectors=at(0))
    assert likeness_of(replace(NEED, vectors=None), offer).meaning is None


def test_meaning_is_unknown_where_the_only_vector_is_one_of_zeros() -> None:
    assert likeness_of(NEED, speaking_of("", noun="outcome", vectors=at(None))).meaning is None


def test_meaning_is_unknown_only_of_those_without_a_vector() -> None:
    offered = [speaking_of("", noun="outcome", vectors=vectors) for vectors in (None, at(0), at(None))]
    assert np.isnan(compared([NEED], offered).meaning[0]).tolist() == [True, False, True]


def test_a_work_without_a_vector_leaves_what_the_others_show() -> None:
    one, other = (expert("", "一", "二", vectors=at(10, 20, angle)) for angle in (None, 180))
    assert meaning_of(NEED, one) == meaning_of(NEED, other) > 0


def test_vectors_of_another_model_never_count() -> None:
    other = speaking_of("", noun="outcome", vectors=at(0), model="another")
    assert likeness_of(NEED, other).meaning is None


def test_a_demand_with_vectors_of_another_model_is_near_to_nobody() -> None:
    offer = speaking_of("", noun="outcome", vectors=at(0))
    assert likeness_of(replace(NEED, model="another"), offer).meaning is None


def test_vectors_of_another_model_leave_those_beside_them_as_they_are() -> None:
    own, wide = (
        speaking_of("", noun="outcome", vectors=vectors, model=model)
        for vectors, model in ((at(5), MODEL), (unit_vectors(1, 7, 0), "another"))
    )
    together = compared([NEED], [wide, own, wide]).meaning[0]
    assert np.array_equal(together, [np.nan, meaning_of(NEED, own), np.nan], equal_nan=True)


# An expert's works


def test_several_near_works_show_more_than_one() -> None:
    near = ["涂层在潮差区", "防腐与起泡"]
    one = expert("材料学", near[0], "螺旋桨噪声", vectors=at(90, 25, 90))
    both = expert("材料学", *near, vectors=at(90, 25, 25))
    assert words_of(NEED, both) > words_of(NEED, one)
    assert meaning_of(NEED, both) > meaning_of(NEED, one)


def test_works_that_speak_of_it_show_more_than_a_profile_alone() -> None:
    silent = expert("防腐 材料", "螺旋桨噪声", vectors=at(30, 90))
    speaking = expert("防腐 材料", "潮差区涂层起泡", vectors=at(30, 10))
    assert words_of(NEED, speaking) > words_of(NEED, silent)
    assert meaning_of(NEED, speaking) > meaning_of(NEED, silent)


def test_works_on_other_things_never_lower_what_the_near_ones_mean() -> None:
    with_one = expert("潮差区防腐", "涂层起泡", vectors=at(10, 20))
    with_more = expert("潮差区防腐", "涂层起泡", *["bird song"] * 9, vectors=at(10, 20, *[90] * 9))
    assert meaning_of(NEED, with_more) == pytest.approx(meaning_of(NEED, with_one))


def test_the_order_of_works_does_not_matter() -> None:
    works = ("涂层在潮差区", "螺旋桨噪声", "防腐与起泡")
    one, other = expert("材料学", *works), expert("材料学", *works[::-1])
    assert words_of(NEED, one) == pytest.approx(words_of(NEED, other))


def test_the_nearest_work_is_found_by_words_and_meaning_together() -> None:
    by_words = expert("材料学", "螺旋桨噪声", "潮差区防腐涂层")
    by_meaning = expert("", "", "", vectors=at(90, 5, 80))
    assert compared([NEED], [by_words, by_meaning]).best.tolist() == [[2, 1]]


def test_where_no_work_is_alike_none_is_the_nearest() -> None:
    assert compared([NEED], [expert("潮差区防腐涂层", "bird song", "螺旋桨噪声")]).best.tolist() == [[0]]


# Copies


@pytest.mark.parametrize("vectors", [None, at(40, 0)])
def test_a_work_that_copies_the_demand_shows_no_more_than_an_empty_one(vectors: np.ndarray | None) -> None:
    demand = speaking_of(LONG, vectors=at(0))
    copied = expert("材料学", LONG, vectors=vectors)
    empty = expert("材料学", "", vectors=None if vectors is None else at(40, 90))
    assert words_of(demand, copied) <= words_of(demand, empty)
    assert likeness_of(demand, copied).meaning == likeness_of(demand, empty).meaning


def test_a_copied_work_is_not_the_nearest() -> None:
    copied = expert("材料学", LONG, "防腐涂层起泡", vectors=at(80, 0, 30))
    assert compared([speaking_of(LONG, vectors=at(0))], [copied]).best.tolist() == [[2]]


def test_a_copied_work_shows_nothing_through_the_profile_either() -> None:
    copied, empty = (expert(OTHER * 2, work) for work in (LONG, ""))
    assert words_of(speaking_of(LONG), copied) <= words_of(speaking_of(LONG), empty)


def test_a_copy_leaves_the_other_works_what_they_show() -> None:
    copied = expert("材料学", "塔筒防腐涂层起泡", LONG)
    assert words_of(speaking_of(LONG), copied) > 0


def test_a_short_text_may_say_the_same_by_chance() -> None:
    assert words_of(speaking_of("防腐涂层"), expert("材料学", "防腐涂层")) > 0


def test_a_work_that_quotes_the_demand_among_its_own_words_counts() -> None:
    assert words_of(speaking_of(LONG), expert("材料学", LONG + OTHER * 2)) > 0


@few
@given(listings(demands), listings(experts), listings(outcomes))
def test_who_else_is_compared_changes_nothing(demand: Signature, one: Signature, other: Signature) -> None:
    alone, among = compared([demand], [one]), compared([demand], [other, one, other])
    assert among.words[0, 1] == alone.words[0, 0]
    assert np.array_equal(among.meaning[0, 1], alone.meaning[0, 0], equal_nan=True)


@few
@given(st.lists(listings(demands) | listings(offers), min_size=1, max_size=5))
def test_listings_weigh_together_what_each_weighs_alone(signatures: list[Signature]) -> None:
    for signature, one in zip(signatures, Ready.by(Scale(EVEN), signatures), strict=True):
        [alone] = Ready.by(Scale(EVEN), [signature])
        assert one.signature is alone.signature is signature
        assert one.weighed.keys.tolist() == alone.weighed.keys.tolist()
        assert one.weighed.weights.tolist() == alone.weighed.weights.tolist()
        assert one.weighed.norms.tolist() == alone.weighed.norms.tolist()
        assert one.weighed.starts.tolist() == alone.weighed.starts.tolist()


# Against a plain reading of the definition


def of_offer(texts: list[float], noun: str, profile: float) -> float:
    """What the texts of one offer amount to: its own, then those of works; NaN where they are not known."""
    own, works = texts[0], texts[1:]
    if noun != "expert":
        return own
    if not works:
        return own * 0.75
    if np.isnan(works).all():
        return math.nan
    known = sorted(0.0 if np.isnan(one) else one for one in works)[-5:]
    return sum(known) * 0.25 + profile * (0.0 if np.isnan(own) else own)


@given(st.integers(1, 3), st.data(), st.sampled_from((0.0, 0.5)))
def test_figures_of_offers_are_those_of_a_plain_reading(demanded: int, data: st.DataObject, profile: float) -> None:
    figures = st.one_of(st.just(math.nan), st.just(0.0), st.floats(0, 1))
    works = data.draw(st.lists(st.integers(0, 9), max_size=6))
    nouns = [
        data.draw(st.sampled_from(("expert", "expert", "outcome"))) if not count else "expert" for count in works
    ]
    offered = side([speaking_of(*[""] * (1 + count), noun=noun) for count, noun in zip(works, nouns, strict=True)])
    rows = [data.draw(st.lists(figures, min_size=offered.texts, max_size=offered.texts)) for _ in range(demanded)]
    texts = np.array(rows, np.float64).reshape(demanded, offered.texts)
    plain = [
        [[*row[start : start + 1 + count]] for start, count in zip(offered.starts, works, strict=False)]
        for row in texts
    ]
    wanted = [[of_offer(one, noun, profile) for one, noun in zip(row, nouns, strict=True)] for row in plain]
    nearest = [
        [int(np.nanargmax(one[1:])) + 1 if np.nan_to_num(one[1:]).any() else 0 for one in row] for row in plain
    ]
    shape = demanded, len(works)
    found = likeness._of_offers(texts, offered, profile)
    assert np.array_equal(found, np.array(wanted).reshape(shape), equal_nan=True)
    assert np.array_equal(likeness._best(texts, offered), np.array(nearest).reshape(shape))


@few
@given(listings(demands), MANY_OFFERS)
def test_weighed_listings_are_as_alike_after_they_were_joined(demand: Signature, offered: list[Signature]) -> None:
    together = side(offered).weighed
    apart = [side([one]).weighed for one in offered]
    asked = side([demand]).weighed
    assert together.products(asked).tolist() == [product for one in apart for product in one.products(asked).tolist()]
    assert together.norms.tolist() == [norm for one in apart for norm in one.norms.tolist()]
    assert together.starts[-1] == len(together.keys) == len(together.weights)
