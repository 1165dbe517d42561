"""Cooperation modes: which kinds of cooperation answer which wish."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.vocabulary import mode_nearness, vocabulary
from market.vocabulary.cooperation import SIMILAR

modes = st.sampled_from(vocabulary("cooperation_modes").codes + vocabulary("expert_cooperation").codes)


@given(modes, modes)
def test_mode_nearness_is_symmetric_and_one_on_the_diagonal(wanted: str, offered: str) -> None:
    assert mode_nearness(wanted, wanted) == 1
    assert mode_nearness(wanted, offered) == mode_nearness(offered, wanted)
    assert 0 <= mode_nearness(wanted, offered) <= 1


@pytest.mark.parametrize(
    ("wanted", "offered", "nearness"),
    [
        ("commissioned_development", "commissioned_research", 1),
        ("service", "diagnosis", 0.8),
        ("consulting", "diagnosis", 0.7),
        ("service", "training", 0.6),
        ("licence", "exclusive_licence", 0.6),
        ("transfer", "exclusive_licence", 0.6),
        ("joint_development", "commissioned_development", 0.5),
        ("equity", "consulting", 0),
    ],
)
def test_modes_that_answer_each_other_are_near(wanted: str, offered: str, nearness: float) -> None:
    assert mode_nearness(wanted, offered) == nearness


def test_the_table_of_modes_names_only_known_modes_and_each_pair_once() -> None:
    known = {*vocabulary("cooperation_modes").codes, *vocabulary("expert_cooperation").codes}
    assert {mode for pair in SIMILAR for mode in pair} <= known
    assert len({frozenset(pair) for pair in SIMILAR}) == len(SIMILAR)
