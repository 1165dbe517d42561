"""The analyser: one form for one word, and every offset true to the original."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.embedded.schema import analyse, order_of
from search.highlighting import FRAGMENT, Wanted, find_marks, highlight, is_within
from search.reading import read
from search.stopwords import STOP_WORDS
from search.text import index_tokens, normalise, query_tokens, stem, terms

MIXED = st.text(
    alphabet=st.one_of(
        st.sampled_from("石墨烯锂離子電池負極材料的了和ＡＢＣabcXYZ0123456789 .,/&+#-_'\"，。“”①㎡ﬁİß\0\ud800"),
        st.characters(),
    ),
    max_size=80,
)


@given(MIXED)
def test_normalising_keeps_every_character_in_its_place(text: str) -> None:
    assert len(normalise(text)) == len(text)


@given(MIXED)
def test_normalising_twice_changes_nothing_more(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


@given(MIXED)
def test_tokens_are_slices_of_the_text(text: str) -> None:
    normalised = normalise(text)
    for token in (*index_tokens(text), *query_tokens(text)):
        assert token.text == stem(normalised[token.start : token.end])
        assert token.text.strip() == token.text != ""


@given(MIXED)
def test_a_text_holds_the_words_that_a_question_makes_of_it(text: str) -> None:
    assert {token.text for token in query_tokens(text)} <= {token.text for token in index_tokens(text)}


@given(MIXED)
def test_an_index_holds_the_words_of_the_analyser(text: str) -> None:
    expected = [token.text for token in index_tokens(text)]
    assert analyse(text).words == expected


@given(MIXED)
def test_no_word_can_break_out_of_the_space_it_is_put_between(text: str) -> None:
    analysis = analyse(text)
    for word in (*analysis.words, *analysis.grams, *analysis.latin):
        assert word.split() == [word] != ["|"]


@given(MIXED)
def test_terms_carry_meaning(text: str) -> None:
    for term in terms(text):
        assert term not in STOP_WORDS or term == stem(term)
        assert not term.isdigit()


@given(MIXED)
def test_reading_never_fails_and_never_makes_empty_words(text: str) -> None:
    reading = read(text)
    assert all(reading.words)
    assert all(phrase.strip() for phrase in reading.phrases)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("機器學習", "机器学习"),
        ("後髮發臺灣", "后发发台湾"),
        ("Ｇｒａｐｈｅｎｅ　３Ｄ", "graphene 3d"),
        ("ÉCOLE", "école"),
        ("µm ①", "μm 1"),
        ("a\0b\ud800", "a b\ufffd"),
        ("ﬁ㎡", "ﬁ㎡"),  # would need more room than they have
    ],
)
def test_variants_of_a_character_are_one(text: str, expected: str) -> None:
    assert normalise(text) == expected


@pytest.mark.parametrize("word", ["3d", "c++", "c#", "pm2.5", "gb/t", "r&d", "tio2", "mrna"])
def test_names_with_digits_and_signs_are_one_word(word: str) -> None:
    assert [token.text for token in query_tokens(f"用{word}的")][1] == word


def test_compound_words_are_also_found_by_their_parts() -> None:
    assert analyse("gb/t 36276").words == ["gb/t", "gb", "t", "36276"]


def test_long_han_words_are_also_found_by_the_words_inside() -> None:
    words = {token.text for token in index_tokens("中华人民共和国")}
    assert {"中华人民共和国", "人民", "共和国"} <= words
    assert [token.text for token in query_tokens("中华人民共和国")] == ["中华人民共和国"]


def test_english_words_are_stemmed_and_others_are_not() -> None:
    assert {stem(word) for word in ("battery", "batteries")} == {"batteri"}
    assert stem("tio2s") == "tio2s"
    assert len(stem("x" * 5000)) == 64


def test_terms_leave_out_stop_words_single_characters_and_numbers() -> None:
    found = terms("本成果研制了一种基于石墨烯的 batteries, with 36276 and 3.5 of GB/T")
    assert found == ["成果", "研制", "石墨", "batteri", "gb/t"]


def test_a_typed_text_is_read_into_phrases_and_words() -> None:
    reading = read("“光纤 Sensor” 水质的监测 and gb/t")
    assert reading.phrases == ("光纤 sensor",)
    assert reading.words == ("水质", "监测", "gb/t")


def test_stop_words_count_when_nothing_else_is_said() -> None:
    assert read("的").words == ("的",)
    assert read("the 电池").words == ("电池",)


def test_a_quote_without_a_partner_is_no_quote() -> None:
    reading = read('"光纤 sensor')
    assert reading.phrases == ()
    assert set(reading.words) == {"光纤", "sensor"}


@pytest.mark.parametrize(
    ("word", "other", "edits", "expected"),
    [
        ("sensor", "sensor", 0, True),
        ("senosr", "sensor", 1, True),
        ("sensr", "sensor", 1, True),
        ("sensorr", "sensor", 1, True),
        ("tensor", "sensor", 1, True),
        ("tenors", "sensor", 1, False),
        ("", "ab", 2, True),
        ("abcdef", "ab", 2, False),
    ],
)
def test_edits_are_counted_with_swaps_as_one(word: str, other: str, edits: int, expected: bool) -> None:
    assert is_within(word, other, edits) is expected
    assert is_within(other, word, edits) is expected


def test_marks_that_touch_are_one() -> None:
    wanted = Wanted(words=frozenset({"锂离子", "离子", "电池"}))
    assert find_marks("新型锂离子电池", wanted) == [(2, 7)]


def test_latin_marks_are_whole_words() -> None:
    wanted = Wanted(words=frozenset({"sensor", "t"}), beginnings=frozenset({"gra"}))
    text = "biosensor Sensors GB/T石墨Graphene"
    assert [text[a:b] for a, b in find_marks(text, wanted)] == ["Sensors", "T", "Graphene"]


def test_phrases_are_marked_as_a_whole() -> None:
    text = "An optical-fibre cable; optical glass fibre"
    assert [text[a:b] for a, b in find_marks(text, Wanted(phrases=("optical fibre",)))] == ["optical-fibre"]


@given(st.text(alphabet="电池石 a,。", max_size=600), st.sampled_from(["电池", "a", "石"]))
def test_a_passage_is_part_of_the_text_and_its_marks_lie_inside(text: str, word: str) -> None:
    found = highlight("title_zh", text, Wanted(words=frozenset({word})))
    if found is None:
        assert word not in normalise(text).split() or word == "a"
        return
    assert found.fragment in text
    assert found.marks
    for start, end in found.marks:
        assert 0 <= start < end <= len(found.fragment)
    assert len(found.fragment) <= 2 * FRAGMENT


@given(
    st.from_regex(r"[A-Za-z0-9_-]{1,20}", fullmatch=True),
    st.from_regex(r"[A-Za-z0-9_-]{1,20}", fullmatch=True),
)
def test_the_order_number_of_an_id_never_contradicts_the_id(one: str, other: str) -> None:
    low, high = sorted((one, other))
    assert 0 <= order_of(low) <= order_of(high) < 2**63
