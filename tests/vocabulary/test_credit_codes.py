"""Unified social credit codes: the published ones hold, and what people mistype is found."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.vocabulary import credit_codes
from market.vocabulary.credit_codes import ALPHABET, check_character, valid

bodies = st.text(ALPHABET, min_size=17, max_size=17)


# The standard's own way of computing by hand, and codes that well-known companies print in their yearly reports.
@pytest.mark.parametrize("code", ["91350100M000100Y43", "914403001922038216", "91440300708461136T"])
def test_published_codes_are_valid(code: str) -> None:
    assert valid(code)


@given(bodies)
def test_the_check_character_makes_the_weighted_sum_a_multiple_of_31(body: str) -> None:
    code = body + check_character(body)
    weighted = sum(ALPHABET.index(one) * 3**place for place, one in enumerate(code[:-1])) + ALPHABET.index(code[-1])
    assert weighted % 31 == 0
    assert valid(code)


@given(bodies, st.integers(0, 17), st.sampled_from(ALPHABET))
def test_one_wrong_character_is_always_found(body: str, place: int, other: str) -> None:
    code = body + check_character(body)
    wrong = code[:place] + other + code[place + 1 :]
    assert valid(wrong) == (wrong == code)


@given(bodies, st.integers(0, 16))
def test_two_neighbours_that_change_places_are_found(body: str, place: int) -> None:
    code = body + check_character(body)
    wrong = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
    assert valid(wrong) == (wrong == code)


@pytest.mark.parametrize("text", ["", "91350100M000100Y4", "91350100M000100Y433", "91350100I000100Y43", "涂" * 18])
def test_what_is_no_code_is_not_valid(text: str) -> None:
    assert not valid(text)


def test_codes_are_kept_without_what_people_part_them_with() -> None:
    assert credit_codes.normalised("91350100-m000100y 43") == "91350100M000100Y43"
