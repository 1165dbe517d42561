"""What a text speaks of: the kinds of features, names of one thing that meet, and texts that nobody meant to read."""

from __future__ import annotations

import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.matching.features import (
    BIGRAM,
    CHARACTER,
    CONCEPT,
    KIND,
    LONGEST_TEXT,
    PAIR,
    STEM,
    WORD,
    count,
    key_of,
    languages_of,
    words_of,
)

ANY_TEXT = st.text(st.characters())  # halves of characters among them
KINDS = (WORD, BIGRAM, CHARACTER, STEM, PAIR, CONCEPT)


def features(text: str) -> dict[int, float]:
    return count([(text, 1.0)])


def has(text: str, feature: str, kind: int) -> bool:
    return key_of(feature, kind) in features(text)


def of_kind(text: str, kind: int) -> set[int]:
    return {key for key in features(text) if key & KIND == kind}


def shared_concepts(one: str, other: str) -> set[int]:
    return of_kind(one, CONCEPT) & of_kind(other, CONCEPT)


# Kinds


@given(st.text(), st.sampled_from(KINDS))
def test_a_key_tells_its_kind_and_fits_32_bits(feature: str, kind: int) -> None:
    key = key_of(feature, kind)
    assert key & KIND == kind
    assert 0 <= key < 1 << 32


def test_the_kinds_of_one_feature_have_different_keys() -> None:
    assert len({key_of("电池", kind) for kind in KINDS}) == len(KINDS)


def test_chinese_gives_words_pairs_of_characters_and_characters() -> None:
    assert of_kind("防腐涂层", WORD) == {key_of(word, WORD) for word in ("防腐", "涂层")}
    assert of_kind("防腐涂层", BIGRAM) == {key_of(two, BIGRAM) for two in ("防腐", "腐涂", "涂层")}
    assert of_kind("防腐涂层", CHARACTER) == {key_of(one, CHARACTER) for one in "防腐涂层"}
    assert not of_kind("防腐涂层", STEM) | of_kind("防腐涂层", PAIR)


def test_a_long_chinese_word_comes_with_those_inside_it() -> None:
    assert has("传感器网络", "传感器", WORD)
    assert has("传感器网络", "传感", WORD)


def test_a_single_chinese_character_is_no_word_and_has_no_neighbour() -> None:
    assert {key & KIND for key in features("镍")} == {CHARACTER}


def test_english_gives_stems_and_pairs_of_them() -> None:
    assert has("Towers were corroded", "tower", STEM)
    assert has("Towers were corroded", "corrod", STEM)
    assert has("Towers were corroded", "tower corrod", PAIR)


def test_english_gives_no_characters() -> None:
    assert {key & KIND for key in features("marine towers")} == {STEM, PAIR}


def test_a_pair_of_words_never_spans_chinese() -> None:
    assert has("graphene tower", "graphen tower", PAIR)
    assert not of_kind("graphene 防腐 tower", PAIR)


def test_pairs_of_characters_never_span_what_stands_between() -> None:
    assert of_kind("防腐，涂层", BIGRAM) == {key_of("防腐", BIGRAM), key_of("涂层", BIGRAM)}


def test_pairs_of_words_never_span_two_texts() -> None:
    assert not {key for key in count([("marine", 1.0), ("tower", 1.0)]) if key & KIND == PAIR}


@pytest.mark.parametrize("text", ["我们 的 进行", "the of and which", "的", "2024 3.14 15 000"])
def test_stop_words_and_bare_numbers_are_no_words(text: str) -> None:
    assert not of_kind(text, WORD) | of_kind(text, STEM) | of_kind(text, PAIR)


def test_a_designation_with_figures_is_a_word() -> None:
    assert has("PM2.5", "pm2.5", STEM)


# Names of one thing


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("锂离子电池", "lithium-ion battery"),
        ("锂离子电池", "Lithium Ion Batteries"),
        ("锂离子电池", "LIB"),
        ("鋰離子電池", "lithium-ion battery"),
        ("新型锂离子电池隔膜", "separators of a lithium-ion battery"),
        ("石墨烯", "graphene"),
    ],
)
def test_names_of_one_concept_share_a_feature(one: str, other: str) -> None:
    assert shared_concepts(one, other)


def test_names_of_different_concepts_share_none() -> None:
    assert not shared_concepts("石墨烯", "lithium-ion battery")


def test_half_a_name_is_not_the_concept() -> None:
    assert not shared_concepts("锂离子电池", "lithium ion")


def test_a_chinese_name_counts_wherever_it_begins() -> None:
    assert all(shared_concepts(f"{before}石墨烯", "graphene") for before in ("", "以", "新型以", "高导热"))


# Spellings


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("鋰離子電池隔膜", "锂离子电池隔膜"),
        ("Ｇｒａｐｈｅｎｅ　ｃｏａｔｉｎｇ", "graphene coating"),
        ("GRAPHENE Coating", "graphene coating"),
    ],
)
def test_scripts_widths_and_cases_of_one_text_give_the_same(one: str, other: str) -> None:
    assert features(one) == features(other)


# Counts


def test_each_occurrence_counts() -> None:
    assert features("tower tower tower")[key_of("tower", STEM)] == 3


def test_what_stands_in_a_title_counts_more() -> None:
    counts = count([("防腐涂层", 2.0), ("涂层", 1.0)])
    assert counts[key_of("防腐", WORD)] == 2
    assert counts[key_of("涂层", WORD)] == 3


@given(st.lists(st.tuples(st.sampled_from(("防腐涂层", "marine towers", "")), st.sampled_from((1.0, 2.0)))))
def test_the_order_of_passages_changes_nothing(passages: list[tuple[str, float]]) -> None:
    assert count(passages) == count(passages[::-1])


# Words as written


def test_words_are_told_as_they_were_first_written() -> None:
    words = words_of(["Corroded towers", "corrodes tower"])
    assert words[key_of("corrod", STEM)] == "corroded"
    assert words[key_of("tower", STEM)] == "towers"


def test_a_concept_is_told_by_the_name_that_was_used() -> None:
    chinese, english = words_of(["高能锂离子电池"]), words_of(["lithium-ion batteries"])
    [concept] = chinese.keys() & english.keys()
    assert chinese[concept] == "锂离子电池"
    assert english[concept] == "lithium ion batteries"


@given(ANY_TEXT)
def test_every_word_that_is_counted_can_be_told(text: str) -> None:
    words = words_of([text])
    assert set(words) == of_kind(text, WORD) | of_kind(text, STEM) | of_kind(text, CONCEPT)
    assert not any(word.startswith("=") or not word.strip() for word in words.values())


@pytest.mark.parametrize(
    ("texts", "languages"),
    [
        (["防腐涂层"], "zh"),
        (["graphene"], "en"),
        (["石墨烯 graphene"], "both"),
        (["石墨烯", "graphene"], "both"),
        ([""], "both"),
        ([], "both"),
        (["防腐涂层 2024"], "zh"),
    ],
)
def test_texts_are_known_by_their_languages(texts: list[str], languages: str) -> None:
    assert languages_of(texts) == languages


# Texts that nobody meant to read


@given(ANY_TEXT, st.sampled_from((0.5, 1.0, 2.0)))
def test_any_text_gives_finite_counts(text: str, weight: float) -> None:
    counts = count([(text, weight)])
    assert all(0 <= key < 1 << 32 for key in counts)
    assert all(math.isfinite(times) and times >= weight for times in counts.values())
    assert languages_of([text]) in ("zh", "en", "both")


@pytest.mark.parametrize("text", ["", " ", "，。！？", "...", "\x00\x01", "\ud800\udfff", "—" * 1000])
def test_texts_without_words_give_nothing(text: str) -> None:
    assert features(text) == {}
    assert words_of([text]) == {}


def test_half_a_character_does_not_hide_the_words_beside_it() -> None:
    assert features("\ud800graphene\udfff") == features("graphene")


@pytest.mark.parametrize("piece", ["电", "锂离子电池", "a", "ab ", "lithium ion ", "a.", "的", "，"])
def test_of_a_very_long_text_only_the_beginning_is_read(piece: str) -> None:
    text = (piece * 100_000)[:100_000]
    began = time.perf_counter()
    counts = features(text)
    assert time.perf_counter() - began < 5  # the machine may be busy
    assert counts == features(text[:LONGEST_TEXT])
