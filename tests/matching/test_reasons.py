"""Reasons in words: in the reader's language, of words and values that people wrote, and true."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.matching import reasons
from market.matching.score import Score, Texts, score
from market.matching.signatures import Indicator, Particulars, Signature
from market.matching.weights import SHIPPED
from market.vocabulary import vocabulary
from tests.matching.makers import at, demands, few, listings, offers, scored, speaking_of

LANGUAGES = ("zh", "en")
HAN = re.compile(r"[\u4e00-\u9fff]")
DEMAND = Particulars("demand", region_rule="preferred")
OUTCOME = Particulars("outcome")
UNKNOWN = Texts(None, None)
ENGLISH = (
    "blistering", "coatings", "corrosion", "towers", "testing", "properties", "anodised", "surfaces", "quickly",
    "efficiency", "batteries", "studies", "monitoring", "composites", "fatigue", "measured",
)  # fmt: skip


def rows(found: Score) -> list[dict[str, Any]]:
    return [one.as_row() for one in found.parts]


def sentence(demand: Particulars, offer: Particulars, language: str) -> str:
    return reasons.sentence(rows(score(demand, offer, UNKNOWN, SHIPPED)), language)


def of_texts(demand: Signature, offer: Signature, language: str) -> str:
    return reasons.sentence(rows(scored(demand, offer)), language)


@few
@given(listings(demands), listings(offers), st.sampled_from(LANGUAGES))
def test_every_pair_has_a_sentence(demand: Signature, offer: Signature, language: str) -> None:
    said = of_texts(demand, offer, language)
    assert said.endswith("。" if language == "zh" else ".")
    assert len(said) > 3


@few
@given(listings(demands), listings(offers))
def test_a_sentence_gives_at_most_three_reasons(demand: Signature, offer: Signature) -> None:
    assert of_texts(demand, offer, "zh").count("；") <= 2


@given(st.lists(st.sampled_from(ENGLISH), min_size=1, max_size=8, unique=True))
def test_shared_words_are_shown_as_they_were_written_never_as_stems(words: list[str]) -> None:
    text = " ".join(words)
    [part] = rows(scored(speaking_of(text), speaking_of(text, noun="outcome")))
    shown = " ".join(part["evidence"]).split()
    assert shown
    assert set(shown) <= set(words)


def test_a_word_only_the_offer_inflects_is_shown_as_the_demand_wrote_it() -> None:
    offer = speaking_of("corrosion corrosions", noun="outcome")
    assert "corrosion" in of_texts(speaking_of("corrosion"), offer, "en")


def test_shared_chinese_words_are_shown() -> None:
    said = of_texts(speaking_of("防腐涂层"), speaking_of("涂层防腐", noun="outcome"), "zh")
    assert "防腐" in said
    assert "涂层" in said


@pytest.mark.parametrize(
    ("language", "own", "foreign"),
    [("zh", ("阻抗", "焊接"), ("blistering", "fatigue")), ("en", ("blistering", "fatigue"), ("阻抗", "焊接"))],
)
def test_words_of_the_readers_own_script_come_first(
    language: str, own: tuple[str, ...], foreign: tuple[str, ...]
) -> None:
    text = "blistering 阻抗 fatigue 焊接"
    said = of_texts(speaking_of(text), speaking_of(text, noun="outcome"), language)
    assert max(said.index(word) for word in own) < min(said.index(word) for word in foreign)


@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_alike_without_a_word_in_common_are_said_to_be_worded_alike(language: str) -> None:
    row = {"name": "words", "score": 0.9, "weight": 6.0, "contribution": 2.0, "evidence": ["《一项研究》"]}
    said = reasons.sentence([row], language)
    assert said == {"zh": "用字相近。", "en": "Worded alike."}[language]


def test_titles_of_works_are_no_shared_words() -> None:
    expert = speaking_of("", "阻抗焊接", "阻抗焊接", noun="expert", titles=("其一", "其二"))
    found = rows(scored(speaking_of("阻抗焊接"), expert))
    assert "《其" not in reasons.sentence([one for one in found if one["name"] == "words"], "zh")


def test_the_nearest_work_is_among_the_reasons() -> None:
    expert = speaking_of("", "螺旋桨噪声", "潮差区涂层起泡", noun="expert", titles=("噪声", "起泡机理"))
    [part] = rows(scored(speaking_of("潮差区防腐涂层起泡"), expert))
    assert "《起泡机理》" in part["evidence"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_nearness_in_meaning_names_the_work_that_shows_it(language: str) -> None:
    expert = speaking_of("", *["一"] * 6, noun="expert", titles=("起泡机理",) * 6, vectors=at(*[0] * 7))
    found = [one for one in rows(scored(speaking_of("二", vectors=at(0)), expert)) if one["name"] == "meaning"]
    said = reasons.sentence([{**one, "contribution": 1.0} for one in found], language)
    assert said == {"zh": "含义相近：《起泡机理》。", "en": "Near in meaning: 《起泡机理》."}[language]


@pytest.mark.parametrize("language", LANGUAGES)
def test_nearness_in_meaning_of_an_outcome_names_no_work(language: str) -> None:
    row = {"name": "meaning", "score": 0.9, "weight": 3.0, "contribution": 2.0, "evidence": []}
    assert reasons.sentence([row], language) == {"zh": "含义相近。", "en": "Near in meaning."}[language]


@pytest.mark.parametrize(
    ("fields", "name", "codes"),
    [
        ({"field_code": "new_materials"}, "fields", ("new_materials",)),
        ({"disciplines": ("430",)}, "disciplines", ("430",)),
        ({"industries": ("C26",)}, "industries", ("C26",)),
        ({"regions": ("120000",)}, "regions", ("120000",)),
        ({"modes": ("licence",)}, "cooperation_modes", ("licence",)),
    ],
)
@pytest.mark.parametrize("language", LANGUAGES)
def test_codes_are_shown_as_labels(fields: dict[str, Any], name: str, codes: tuple[str, ...], language: str) -> None:
    said = sentence(replace(DEMAND, **fields), replace(OUTCOME, **fields), language)
    for code in codes:
        assert vocabulary(name).label(code, language).lower() in said.lower()
        assert code not in said


@pytest.mark.parametrize("name", ["words", "meaning", *(name for name in SHIPPED.parts if name != "texts")])
def test_every_part_has_a_label_in_both_languages(name: str) -> None:
    assert HAN.search(reasons.label(name, "zh"))
    assert not HAN.search(reasons.label(name, "en"))


def test_the_values_of_readiness_price_and_indicators_are_shown() -> None:
    demand = replace(
        DEMAND,
        trl=(6, 9),
        money=(None, 2_000_000),
        indicators=(Indicator("耐盐雾时间", "at_least", 3000, None, "h"),),
    )
    outcome = replace(
        OUTCOME,
        trl=(7, 7),
        money=(1_800_000, 1_800_000),
        indicators=(Indicator("耐盐雾时间", "at_least", 4000, None, "h"),),
    )
    for language in LANGUAGES:
        said = sentence(demand, outcome, language)
        for value in ("7", "6–9", "1800000", "2000000", "≥4000 h", "≥3000 h"):
            assert value in said


def test_what_speaks_against_a_pair_is_not_told_as_a_reason() -> None:
    said = sentence(replace(DEMAND, field_code="aerospace"), replace(OUTCOME, field_code="new_materials"), "en")
    assert said == "Little in common."


@pytest.mark.parametrize(
    ("language", "sentence"), [("zh", "只共有这些词：防腐。"), ("en", "Little more in common than 防腐.")]
)
def test_of_a_pair_that_nothing_speaks_for_the_words_are_told_that_both_use(language: str, sentence: str) -> None:
    against = {"name": "words", "score": 0.1, "contribution": -3.0, "evidence": ["防腐"]}
    assert reasons.sentence([against], language) == sentence


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_price_just_above_the_budget_is_not_said_to_be_within_it(language: str) -> None:
    fits, dearer = (
        sentence(replace(DEMAND, money=(None, 2_000_000)), replace(OUTCOME, money=(price, price)), language)
        for price in (2_000_000, 2_200_000)
    )
    claim = "元内" if language == "zh" else "within"
    assert claim in fits
    assert claim not in dearer


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("level", [5, 9])
def test_a_level_just_outside_the_wanted_range_is_not_said_to_fit(language: str, level: int) -> None:
    fits, outside = (
        sentence(replace(DEMAND, trl=(6, 8)), replace(OUTCOME, trl=(at, at)), language) for at in (7, level)
    )
    claim = "合所需" if language == "zh" else "fits"
    assert claim in fits
    assert claim not in outside


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_indicator_that_falls_short_is_not_said_to_agree(language: str) -> None:
    wanted = replace(DEMAND, indicators=(Indicator("寿命", "at_least", 100, None, "h"),))
    meets, short = (
        sentence(wanted, replace(OUTCOME, indicators=(Indicator("寿命", "exactly", at, None, "h"),)), language)
        for at in (100, 90)
    )
    claim = "指标相合" if language == "zh" else "agree"
    assert claim in meets
    assert claim not in short
