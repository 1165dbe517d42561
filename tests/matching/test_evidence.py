"""What shows that two texts are alike: words that people wrote, those that tell most first, and the nearest work."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from market.matching.evidence import Asked
from market.matching.features import STEM, WORD, key_of
from market.matching.signatures import Signature, words_of
from market.matching.sparse import Census, Rarity, buckets_of
from tests.matching.makers import EVEN, demands, few, listings, offers, speaking_of


def shared(demand: Signature, offer: Signature, rarity: Rarity = EVEN) -> tuple[str, ...]:
    return Asked(demand, rarity).told(offer, 0).shared


def common(*words: tuple[str, int]) -> Rarity:
    """Of a hundred texts so many have each word."""
    census = Census(100, 0, *(np.zeros_like(Census.empty().of_offers) for _ in range(2)))
    for word, texts in words:
        keys = [key_of(word, STEM if word.isascii() else WORD)]
        census.of_offers[buckets_of(np.array(keys, np.uint32))] = texts
    return Rarity(census)


def test_words_are_shown_as_the_demand_writes_them() -> None:
    demand, offer = speaking_of("Blistering towers"), speaking_of("blistered tower", noun="outcome")
    assert set(shared(demand, offer)) == {"blistering", "towers"}


def test_words_that_only_one_of_them_uses_are_not_shown() -> None:
    demand, offer = speaking_of("阻抗 焊接"), speaking_of("阻抗 隔膜", noun="outcome")
    assert shared(demand, offer) == ("阻抗",)


def test_the_words_that_tell_most_stand_first() -> None:
    demand, offer = speaking_of("marine tower sampling"), speaking_of("tower sampling marine", noun="outcome")
    rarity = common(("marin", 10), ("tower", 90), ("sampl", 50))
    assert shared(demand, offer, rarity) == ("marine", "sampling", "tower")


def test_one_thing_named_in_two_languages_is_told_by_the_demands_name() -> None:
    demand, offer = speaking_of("锂离子电池"), speaking_of("lithium-ion batteries", noun="outcome")
    assert shared(demand, offer) == ("锂离子电池",)
    assert shared(offer, demand) == ("lithium ion batteries",)


def test_no_word_is_shown_that_stands_inside_another() -> None:
    demand, offer = speaking_of("锂离子电池隔膜"), speaking_of("锂离子电池隔膜", noun="outcome")
    assert set(shared(demand, offer)) == {"锂离子电池", "电池隔膜"}


@few
@given(listings(demands), listings(offers))
def test_what_is_shown_stands_in_the_demand_and_never_twice(demand: Signature, offer: Signature) -> None:
    words = shared(demand, offer)
    assert set(words) <= set(words_of(demand).values())
    assert not any(one in other for one in words for other in words if one is not other)
    assert len(words) <= 8


def test_of_very_many_words_only_some_are_shown() -> None:
    text = "阻抗 焊接 隔膜 起泡 传感器 紫外 固化 阻抗 螺旋桨 噪声 钢筋 混凝土 水泥 玻璃 陶瓷"
    assert 0 < len(shared(speaking_of(text), speaking_of(text, noun="outcome"))) <= 8


def test_words_of_an_experts_works_are_shared_too() -> None:
    expert = speaking_of("材料学", "阻抗焊接", noun="expert", titles=("一项研究",))
    assert set(shared(speaking_of("阻抗焊接"), expert)) == {"阻抗", "焊接"}


@pytest.mark.parametrize("text", ["", "的", "隔膜"])
def test_nothing_is_shown_where_nothing_is_shared(text: str) -> None:
    assert shared(speaking_of("阻抗"), speaking_of(text, noun="outcome")) == ()


@pytest.mark.parametrize(("place", "title"), [(0, ""), (1, "其一"), (2, "其二"), (3, "")])
def test_the_nearest_work_is_told_by_its_title(place: int, title: str) -> None:
    expert = speaking_of("", "阻抗", "焊接", noun="expert", titles=("其一", "其二"))
    assert Asked(speaking_of("焊接"), EVEN).told(expert, place).nearest == title


def test_an_outcome_has_no_nearest_work() -> None:
    assert Asked(speaking_of("阻抗"), EVEN).told(speaking_of("阻抗", noun="outcome"), 0).nearest == ""
