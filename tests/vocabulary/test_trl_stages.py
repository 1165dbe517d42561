"""Stage words: each has its readiness level however it is spelt, and nothing is guessed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.vocabulary import trl_from_stage, vocabulary
from market.vocabulary.trl import STAGES


@pytest.mark.parametrize(
    ("word", "level"),
    [
        ("概念", 2),
        ("实验室", 4),
        ("小试", 4),
        ("中试", 6),
        ("小批量", 8),
        ("大规模", 9),
        ("产业化", 9),
        ("concept", 2),
        ("under development", 3),
        ("lab tested", 4),
        ("available for demonstration", 7),
        ("on the market", 9),
    ],
)
def test_a_stage_word_has_its_level(word: str, level: int) -> None:
    assert trl_from_stage(word) == level


@pytest.mark.parametrize(
    ("word", "level"),
    [
        ("  中试阶段 ", 6),
        ("Concept stage", 2),
        ("Lab-Tested", 4),
        ("LAB_TESTED", 4),
        ("small\u3000batch", 8),
        ("TRL 6", 6),
        ("TRL-6", 6),
        ("ｔｒｌ７", 7),
        ("6级", 6),
        ("9", 9),
    ],
)
def test_spelling_does_not_hide_a_stage_or_a_level(word: str, level: int) -> None:
    assert trl_from_stage(word) == level


@pytest.mark.parametrize("word", ["", "阶段", "很成熟", "TRL 0", "TRL 10", "0", "6.5", "TRL"])
def test_a_word_that_names_no_stage_has_no_level(word: str) -> None:
    assert trl_from_stage(word) is None


@given(st.text())
def test_any_text_gives_a_readiness_level_or_none(word: str) -> None:
    level = trl_from_stage(word)
    assert level is None or str(level) in vocabulary("trl")


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_in_the_table_can_be_reached(stage: str) -> None:
    assert trl_from_stage(stage) == STAGES[stage]
