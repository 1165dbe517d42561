"""What a text speaks of: the kinds of features, names of one thing that meet, and texts that nobody meant to read."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
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
    Passages,
    Reading,
    key_of,
    key_of_two,
    named,
)
from market.matching.signatures import Particulars, signature_of
from tests.pace import within

ANY_TEXT = st.text(st.characters())  # halves of characters among them
KINDS = (WORD, BIGRAM, CHARACTER, STEM, PAIR, CONCEPT)


def count(passages: Passages) -> dict[int, float]:
    bags = Reading([passages]).bags
    return dict(zip(bags.keys.tolist(), bags.counts.tolist(), strict=True))


def features(text: str) -> dict[int, float]:
    return count([(text, 1.0)])


def words_of(texts: Sequence[str]) -> dict[int, str]:
    return named(*Reading([[(text, 1.0) for text in texts]]).written())


def key(feature: str, kind: int) -> int:
    """The key of a feature of any kind, written as a text."""
    left_right = {
        CHARACTER: lambda: (0, ord(feature)),
        BIGRAM: lambda: (ord(feature[0]), ord(feature[1])),
        PAIR: lambda: tuple(key_of(stem, STEM) for stem in feature.split()),
    }
    if kind not in left_right:
        return key_of(feature, kind)
    left, right = (np.array([one], np.uint32) for one in left_right[kind]())
    return int(key_of_two(left, right, kind)[0])


def has(text: str, feature: str, kind: int) -> bool:
    return key(feature, kind) in features(text)


def of_kind(text: str, kind: int) -> set[int]:
    return {key for key in features(text) if key & KIND == kind}


def shared_concepts(one: str, other: str) -> set[int]:
    return of_kind(one, CONCEPT) & of_kind(other, CONCEPT)


# Kinds


@given(st.text(), st.sampled_from((WORD, STEM, CONCEPT)))
def test_a_key_tells_its_kind_and_fits_32_bits(feature: str, kind: int) -> None:
    key = key_of(feature, kind)
    assert key & KIND == kind
    assert 0 <= key < 1 << 32


@given(st.lists(st.integers(0, (1 << 32) - 1), min_size=2), st.sampled_from((BIGRAM, CHARACTER, PAIR)))
def test_so_does_the_key_of_two(halves: list[int], kind: int) -> None:
    ones = np.array(halves, np.uint32)
    keys = key_of_two(ones[:-1], ones[1:], kind)
    assert keys.dtype == np.uint32
    assert (keys & KIND == kind).all()


def test_pairs_of_neighbouring_characters_all_have_different_keys() -> None:
    some = np.arange(0x4E00, 0x4E00 + 300, dtype=np.uint32)
    left, right = (one.ravel() for one in np.meshgrid(some, some))
    # Of 90,000 in 29 bits eight or so meet by chance.
    assert len(np.unique(key_of_two(left, right, BIGRAM))) > 90_000 - 30


def test_the_kinds_of_one_feature_have_different_keys() -> None:
    assert len({key("电池", kind) for kind in (WORD, BIGRAM, STEM, CONCEPT)}) == 4


def test_chinese_gives_words_pairs_of_characters_and_characters() -> None:
    assert of_kind("防腐涂层", WORD) == {key_of(word, WORD) for word in ("防腐", "涂层")}
    assert of_kind("防腐涂层", BIGRAM) == {key(two, BIGRAM) for two in ("防腐", "腐涂", "涂层")}
    assert of_kind("防腐涂层", CHARACTER) == {key(one, CHARACTER) for one in "防腐涂层"}
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
    assert of_kind("防腐，涂层", BIGRAM) == {key("防腐", BIGRAM), key("涂层", BIGRAM)}


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


# Many texts at once

SOME = ("防腐涂层", "marine towers", "", "石墨烯 graphene", "lithium-ion 电池", "的", "，")


@given(st.lists(st.lists(st.tuples(st.sampled_from(SOME) | ANY_TEXT, st.sampled_from((1.0, 2.0))))))
def test_a_text_has_the_same_features_and_words_whoever_is_read_with_it(texts: list[Passages]) -> None:
    together = Reading(texts)
    bags, written = together.bags, together.written()
    assert len(bags) == len(written) == len(texts)
    for place, passages in enumerate(texts):
        one = bags.one(place)
        assert dict(zip(one.keys.tolist(), one.counts.tolist(), strict=True)) == count(passages)
        assert named(written[place]) == named(*Reading([passages]).written())


@given(st.lists(st.lists(st.tuples(st.sampled_from(SOME), st.sampled_from((1.0, 2.0)))), min_size=1))
def test_a_text_that_others_are_part_of_has_their_features_too(texts: list[Passages]) -> None:
    reading = Reading(texts, within=[0] * len(texts))
    whole, [written] = reading.bags.one(0), reading.written()
    everything = [passage for passages in texts for passage in passages]
    assert dict(zip(whole.keys.tolist(), whole.counts.tolist(), strict=True)) == count(everything)
    assert named(written) == named(*Reading(texts[:1]).written())  # its own words only


def test_more_weights_than_can_be_told_apart_are_refused() -> None:
    with pytest.raises(ValueError, match="300 different weights"):
        _ = Reading([[("tower", float(weight)) for weight in range(1, 301)]]).bags


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
    signature = signature_of(Particulars("outcome"), [[(text, 1.0) for text in texts]])
    assert signature.particulars.languages == languages


# Texts that nobody meant to read


@given(ANY_TEXT, st.sampled_from((0.5, 1.0, 2.0)))
def test_any_text_gives_finite_counts(text: str, weight: float) -> None:
    counts = count([(text, weight)])
    assert all(0 <= key < 1 << 32 for key in counts)
    assert all(math.isfinite(times) and times >= weight for times in counts.values())


@pytest.mark.parametrize("text", ["", " ", "，。！？", "...", "\x00\x01", "\ud800\udfff", "—" * 1000])
def test_texts_without_words_give_nothing(text: str) -> None:
    assert features(text) == {}
    assert words_of([text]) == {}


def test_half_a_character_does_not_hide_the_words_beside_it() -> None:
    assert features("\ud800graphene\udfff") == features("graphene")


@pytest.mark.parametrize("piece", ["电", "锂离子电池", "a", "ab ", "lithium ion ", "a.", "的", "，"])
def test_of_a_very_long_text_only_the_beginning_is_read(piece: str) -> None:
    text = (piece * 100_000)[:100_000]
    with within(1):
        counts = features(text)
    assert counts == features(text[:LONGEST_TEXT])
