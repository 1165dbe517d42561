"""The thesaurus: what its file must hold, and what is refused."""

from __future__ import annotations

from collections import Counter

import pytest

from search.stopwords import STOP_WORDS
from search.text import normalise, runs, stem
from search.thesaurus import Concept, concepts, domain_words, parse, synonyms

GOOD = "碳纤维\tcarbon fiber|carbon fibre\tCF"


def all_terms() -> list[str]:
    return [term for concept in concepts() for term in concept.terms]


def analysed(term: str) -> tuple[str, ...]:
    """What a term comes to when the caller stems it."""
    return tuple(run if is_han else stem(run) for run, _, is_han in runs(normalise(term)))


def test_it_holds_at_least_five_hundred_concepts() -> None:
    assert len(concepts()) >= 500


def test_every_concept_has_names_in_both_languages() -> None:
    assert all(concept.zh and concept.en for concept in concepts())


def test_no_term_stands_there_twice() -> None:
    assert [term for term, count in Counter(map(normalise, all_terms())).items() if count > 1] == []


def test_terms_still_differ_when_stemmed_and_without_hyphens() -> None:
    assert [words for words, count in Counter(map(analysed, all_terms())).items() if count > 1] == []


def test_chinese_terms_are_normalised_already_and_of_two_characters_or_more() -> None:
    assert [word for word in domain_words() if normalise(word) != word or len(word) < 2] == []


def test_no_term_is_a_stop_word_or_a_single_letter() -> None:
    assert [term for term in all_terms() if normalise(term) in STOP_WORDS or len(term) < 2] == []


def test_domain_words_are_all_chinese_terms_sorted() -> None:
    words = domain_words()
    assert list(words) == sorted(words)
    assert set(words) == {term for concept in concepts() for term in concept.zh}


def test_every_term_has_synonyms() -> None:
    assert set(synonyms()) == set(map(normalise, all_terms()))
    assert all(synonyms().values())


def test_synonyms_are_symmetric_and_no_term_is_its_own() -> None:
    table = synonyms()
    assert [(term, other) for term, others in table.items() for other in others if term not in table[other]] == []
    assert [term for term, others in table.items() if term in others] == []


def test_synonyms_cross_languages_and_are_in_lower_case() -> None:
    assert synonyms()["质子交换膜燃料电池"] == (
        "proton exchange membrane fuel cell",
        "polymer electrolyte membrane fuel cell",
        "pemfc",
    )
    assert "质子交换膜燃料电池" in synonyms()["pemfc"]


def test_a_line_is_read_into_its_columns() -> None:
    assert parse([GOOD + "\n"]) == (Concept(("碳纤维",), ("carbon fiber", "carbon fibre"), ("CF",)),)


def test_abbreviations_may_be_missing() -> None:
    assert parse(["石墨烯\tgraphene\t"]) == (Concept(("石墨烯",), ("graphene",), ()),)


def test_comments_and_blank_lines_hold_no_concept() -> None:
    assert parse(["# Chinese\tEnglish\tabbreviations\n", "\n", GOOD]) == parse([GOOD])


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("石墨烯\tgraphene", id="two columns"),
        pytest.param("石墨烯\tgraphene\t\t", id="four columns"),
        pytest.param("\tgraphene\t", id="no Chinese"),
        pytest.param("石墨烯\t\t", id="no English"),
        pytest.param("石墨烯|\tgraphene\t", id="an empty Chinese term"),
        pytest.param("石墨烯\tgraphene||sheet\t", id="an empty English term"),
        pytest.param("碳\tcarbon\t", id="one Chinese character"),
        pytest.param("納米材料\tnanomaterial\t", id="traditional characters"),
        pytest.param("石墨烯 材料\tgraphene\t", id="a space in Chinese"),
        pytest.param("graphene\tgraphene sheet\t", id="English for Chinese"),
        pytest.param("石墨烯\tGraphene\t", id="upper case"),
        pytest.param("石墨烯\tgraphene \t", id="a space at the end"),
        pytest.param("石墨烯\tgraphène\t", id="an accent"),
        pytest.param("石墨烯\tgraphene\tG", id="a single letter"),
    ],
)
def test_a_malformed_line_is_refused_by_number(line: str) -> None:
    with pytest.raises(ValueError, match=r"^line 3: "):
        parse(["# comment", GOOD, line])


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("碳纤维\tgraphene\t", id="Chinese"),
        pytest.param("石墨烯\tcarbon fibre\t", id="English"),
        pytest.param("石墨烯\tgraphene\tcf", id="an abbreviation in another case"),
        pytest.param("石墨烯\tcf\t", id="an abbreviation as a term"),
    ],
)
def test_a_term_of_an_earlier_line_is_refused_by_both_numbers(line: str) -> None:
    with pytest.raises(ValueError, match=r"^line 4: .* on line 2 already"):
        parse(["# comment", GOOD, "", line])


def test_a_term_twice_on_one_line_is_refused_by_number() -> None:
    with pytest.raises(ValueError, match=r"^line 1: "):
        parse(["石墨烯\tgraphene|graphene\t"])
