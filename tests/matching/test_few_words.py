"""A demand of few words: what is like the nearest offers is likelier to be meant; a word's vector tells little."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from market.matching.likeness import Likeness, compare, supported
from market.matching.signatures import Signature
from tests.matching.makers import at, compared, demands, few, listings, offers, side, speaking_of

LONG = (
    "海上风电塔筒处于潮差区，防腐涂层在阴极保护下起泡剥离，需要能在潮湿表面施工的低表面处理涂料，附着力不小于八兆帕。"
)


def supported_by(demand: Signature, *others: Signature) -> tuple[Likeness, Likeness]:
    """How alike the demand is to the others, before and after."""
    mine, theirs = (side(ones) for ones in ([demand], others))
    before = compare(mine, theirs)
    return before, supported(mine, theirs, before)


def test_what_is_like_the_nearest_offer_is_a_little_like_the_demand() -> None:
    nearest = speaking_of("塔筒起泡 环氧富锌", noun="outcome")
    before, after = supported_by(speaking_of("塔筒起泡"), nearest, speaking_of("环氧富锌", noun="outcome"))
    assert before.words[0, 1] == 0
    assert after.words[0, 0] > after.words[0, 1] > 0


def test_what_is_near_to_the_nearest_in_meaning_is_so_too() -> None:
    others = [
        speaking_of(text, noun="outcome", vectors=at(angle))
        for text, angle in (("环氧富锌涂层", 0), ("bird song", 30), ("corrosion", 170))
    ]
    before, after = supported_by(speaking_of("塔筒", vectors=at(-40)), *others)
    assert before.meaning[0, 1] == 0
    assert after.meaning[0, 0] > after.meaning[0, 1] > 0
    assert after.meaning[0, 2] == 0


def test_what_nothing_is_like_does_not_become_like_what_it_is_nearest_to() -> None:
    offers = [speaking_of(text, noun="outcome") for text in ("环氧富锌涂料的制备 天", "塔筒起泡检测方法与装置")]
    before, after = supported_by(speaking_of("今天天气真好适合出去玩"), *offers)
    assert 0 < before.words.max() < 0.1
    assert after.words.max() < 1.1 * before.words.max()


def test_a_demand_that_nothing_is_like_stays_as_it_was() -> None:
    offered = (speaking_of(text, noun="outcome") for text in ("bird song", ""))
    before, after = supported_by(speaking_of("潮差区防腐涂层起泡"), *offered)
    assert before.words.tolist() == after.words.tolist() == [[0, 0]]


def test_what_is_unknown_of_meaning_stays_unknown() -> None:
    _, after = supported_by(speaking_of("防腐涂层"), speaking_of("防腐", noun="outcome", vectors=at(0)))
    assert np.isnan(after.meaning).all()


@few
@given(listings(demands), st.lists(listings(offers), min_size=1, max_size=5))
def test_support_gives_figures_whatever_is_offered(demand: Signature, offered: list[Signature]) -> None:
    before, after = supported_by(demand, *offered)
    assert ((after.words >= 0) & np.isfinite(after.words)).all()
    assert (np.isnan(after.meaning) == np.isnan(before.meaning)).all()


def test_the_vector_of_a_word_tells_less_than_that_of_a_text() -> None:
    offer = speaking_of("", noun="outcome", vectors=at(5))
    word, text = (compared([speaking_of(one, vectors=at(0))], [offer]).meaning[0, 0] for one in ("tower", LONG))
    assert 0 < word < 0.5 * text
