"""Regions: how near they are, seen from the 京津冀 hub."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.vocabulary import region_nearness, vocabulary
from market.vocabulary.regions import JINGJINJI, JINGJINJI_NEIGHBOURS, province_of

regions = st.sampled_from(vocabulary("regions").codes)


@given(regions, regions)
def test_region_nearness_is_symmetric_and_one_on_the_diagonal(a: str, b: str) -> None:
    assert region_nearness(a, a) == 1
    assert region_nearness(a, b) == region_nearness(b, a)
    assert region_nearness(a, b) in {0, 0.3, 0.6, 0.8, 1}


@pytest.mark.parametrize(
    ("a", "b", "nearness"),
    [
        ("120000", "120116", 1),  # Tianjin holds Binhai
        ("120101", "120116", 0.8),  # two districts of Tianjin
        ("130100", "130200", 0.8),  # two cities of Hebei
        ("120116", "110108", 0.6),  # Binhai and Haidian
        ("110000", "130000", 0.6),
        ("120116", "370000", 0.3),  # Binhai and Shandong
        ("370000", "410000", 0),  # neighbours of each other, but neither in the hub
        ("120000", "440000", 0),
    ],
)
def test_region_nearness_falls_from_containment_to_the_neighbours_of_the_hub(a: str, b: str, nearness: float) -> None:
    assert region_nearness(a, b) == nearness


def test_the_hub_and_its_neighbours_are_provinces_of_the_vocabulary() -> None:
    assert {province_of(code) for code in JINGJINJI | JINGJINJI_NEIGHBOURS} == JINGJINJI | JINGJINJI_NEIGHBOURS
    assert province_of("130400") == "130000"


def test_a_region_outside_the_vocabulary_is_near_nothing() -> None:
    assert region_nearness("999999", "120000") == 0
    assert region_nearness("999999", "999999") == 0
