"""Any value and any text at all on a Meilisearch server: nothing ends the quotes, folds two into one or raises."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from asking import RUN
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from samples import PUBLIC, THREE

from search.engine import AnyOf, BadQuery, Between, Document, Filter, Not, Query, Sort, WeightedTerm
from search.meili import MeiliEngine
from search.meili.browsers import opaque
from search.meili.documents import LONGEST_VALUE, decode, encode

NewMeili = Callable[..., MeiliEngine]

NASTY = [
    *("patent", "Patent", "PATENT", "pátent", "ｐａｔｅｎｔ", "patent ", " patent", "patent\0", "pat\u00adent"),
    *("ﬁ", "fi", "ß", "ss", "SS", "İ", "i", "I", "ı", "é", "e\u0301", "e", "Å", "\u212b", "石墨烯", "石墨稀"),
    *("😀", "👍🏽", "👍", "\n", "\t", " ", "\u200b", "\ufeff", "\x7f", "\x1b[0m", "*", "%", "_", "a_b", "a-b", "a b"),
    *('"', "'", "\\", "\\\\", '\\"', "`", 'x" OR readers EXISTS OR kind = "y', "' OR readers EXISTS OR kind = '"),
    *("x] OR readers EXISTS", "IN [a]", "NOT", "OR", "EXISTS", "NULL", "null", "IS NULL", "IS EMPTY", "TO", "1 TO 5"),
    *("5", "05", "5.0", "5e0", "+5", "-5", "0x5", "１", "NaN", "inf", "true", "_geoRadius(0,0,1)"),
    *("^p", "~70;", "~", "^", "p^", "~70", "a" * 500, "a" * 501, "A" * 500, "中" * 300),
]
CHARACTERS = st.sampled_from("aAbBeEéÉ\"'\\^~;:,()[]{}=<>!* \t\n\0\u0301\u200b石ß１5０ｅ😀-_./")
VALUES = st.one_of(
    st.sampled_from(NASTY),
    st.text(CHARACTERS, max_size=8),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
)
FULL = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
QUICK = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@given(FULL)
@settings(max_examples=500, deadline=None)
def test_what_is_encoded_can_be_decoded(value: str) -> None:
    told = encode(value)
    assert value.startswith(decode(told))
    if len(told) < 165:  # longer ones may have been cut
        assert decode(told) == value
    assert told == told.lower()
    assert told.isascii()
    assert not {*'"\\ \n\0'} & {*told}


@given(st.lists(VALUES, min_size=2, max_size=30, unique=True))
@settings(max_examples=200, deadline=None)
def test_no_two_values_are_encoded_alike(values: list[str]) -> None:
    for name in (encode, opaque):
        assert len({name(value) for value in values}) == len(values)
        assert all(len(name(value)) <= LONGEST_VALUE for value in values)


def test_long_values_stay_apart_and_show_their_beginning() -> None:
    values = ["中" * 300, "中" * 301, "a" * 1000, "A" * 1000, "a" * 999, "é" * 99, "😀" * 50, "a" * LONGEST_VALUE]
    assert len({*map(encode, values)}) == len(values)
    for value in values:
        assert len(encode(value)) <= LONGEST_VALUE
        assert decode(encode(value))
        assert value.startswith(decode(encode(value)))
    for value in ("~" + "a" * 64, "x~" + "0" * 64, "^" + "~" + "f" * 64, "x" * 300 + "~" + "1" * 64):
        assert decode(encode(value)) == value


@pytest.fixture(scope="module")
def engine(new_meili: NewMeili) -> MeiliEngine:
    """Three documents, and one for each nasty value, which it holds alone and beside the next."""
    engine = new_meili()
    pairs = zip(NASTY, [*NASTY[1:], NASTY[0]], strict=True)
    stored: list[Document] = [
        {"id": f"v{number}", "version": 1, "kind": one, "ipc": [one, other], "trl": number - 40}
        for number, (one, other) in enumerate(pairs)
    ]
    engine.put("outcomes", [*stored, *THREE])
    return engine


def found(engine: MeiliEngine, *filters: Filter) -> set[str]:
    page = engine.search("outcomes", Query(filters=filters, limit=1000))
    names = {hit.id for hit in page.hits}
    assert len(page.hits) == len(names) == page.total
    return names


EVERYTHING = {f"v{number}" for number in range(len(NASTY))} | {"graphene", "sensor", "secret"}
KINDS = dict(zip((f"v{n}" for n in range(len(NASTY))), NASTY, strict=True)) | {
    "graphene": "patent", "sensor": "prototype", "secret": "know_how",
}  # fmt: skip


def test_each_value_finds_exactly_the_documents_that_hold_it(engine: MeiliEngine) -> None:
    wrong = {
        value: found(engine, AnyOf("kind", (value,)))
        for value in [*NASTY, "Know_How", "prototype\0"]
        if found(engine, AnyOf("kind", (value,))) != {name for name, held in KINDS.items() if held == value}
    }
    assert wrong == {}
    assert found(engine, AnyOf("ipc", ('"', "石墨烯"))) == {
        f"v{n}" for n, one in enumerate(NASTY) if {one, [*NASTY[1:], NASTY[0]][n]} & {'"', "石墨烯"}
    }


@QUICK
@given(values=st.lists(VALUES, max_size=6).map(tuple))
def test_filters_are_sets_of_exact_strings(engine: MeiliEngine, values: tuple[str, ...]) -> None:
    holding = {name for name, held in KINDS.items() if held in values}
    assert found(engine, AnyOf("kind", values)) == holding
    assert found(engine, Not(AnyOf("kind", values))) == EVERYTHING - holding
    assert found(engine, Not(Not(AnyOf("kind", values))), PUBLIC) == holding & {"graphene", "sensor"}


NUMBERS = st.one_of(st.none(), st.integers(-60, 60), st.sampled_from([2**53 - 1, 1 - 2**53, 0]))
TRLS = {f"v{number}": number - 40 for number in range(len(NASTY))} | {"graphene": 6, "sensor": 4, "secret": 8}


@QUICK
@given(low=NUMBERS, high=NUMBERS, values=st.lists(NUMBERS.filter(lambda n: n is not None), max_size=4).map(tuple))
def test_numbers_lie_between_as_in_arithmetic(
    engine: MeiliEngine, low: int | None, high: int | None, values: tuple[int, ...]
) -> None:
    within = {n for n, trl in TRLS.items() if (low is None or low <= trl) and (high is None or trl <= high)}
    assert found(engine, Between("trl", low, high)) == within
    assert found(engine, Not(Between("trl", low, high))) == EVERYTHING - within
    assert found(engine, AnyOf("trl", values)) == {n for n, trl in TRLS.items() if trl in values}


def test_facets_tell_values_as_they_were_written(engine: MeiliEngine) -> None:
    some = tuple(f"v{number}" for number, value in enumerate(NASTY) if decode(encode(value)) == value)
    page = engine.search("outcomes", Query(filters=(AnyOf("id", some),), facets=("kind",)))
    assert page.facets["kind"] == {KINDS[name]: 1 for name in some}


def test_ids_that_differ_in_capitals_are_different(new_meili: NewMeili) -> None:
    engine = new_meili()
    names = ["B", "a", "A", "b", "_", "-", "0", "Z9", "z9"]
    engine.put("outcomes", [{"id": n, "version": 1, "title_zh": "电池", "price": 1} for n in names])
    for name in names:
        assert found(engine, AnyOf("id", (name,))) == {name}
        assert found(engine, Not(AnyOf("id", (name,)))) == {*names} - {name}
    assert [name for name, _ in engine.versions("outcomes")] == sorted(names)
    greatest_first = sorted(names, reverse=True)
    for query in (Query(), Query(sort=Sort(field="price", descending=True)), Query(terms=(WeightedTerm("电池", 1),))):
        assert [hit.id for hit in engine.search("outcomes", query).hits] == greatest_first


TEXTS = st.text(
    st.one_of(st.sampled_from("石墨烯电池的 ab\"'“”*()[]{}:\\/+-~^|&!?.,\0\ud800\u200b#"), st.characters()),
    max_size=40,
) | st.sampled_from([*NASTY, '"石墨烯" -电池', "-石墨烯", '"-', "石墨烯 " * 400, "a" * 5_000, '" "', "\ud83d\ude00"])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=TEXTS, phrase=TEXTS, terms=st.lists(TEXTS, max_size=3))
def test_no_text_phrase_or_term_raises_or_finds_what_a_filter_excludes(
    engine: MeiliEngine, text: str, phrase: str, terms: list[str]
) -> None:
    weighted = tuple(WeightedTerm(term, 1.0) for term in terms)
    quoted = '"' + phrase.replace('"', "") + '"'
    for asked in (Query(text), Query(quoted), Query(f"{text} {quoted}", terms=weighted), Query(terms=weighted)):
        query = Query(asked.text, asked.terms, filters=(PUBLIC,), facets=("state",), highlight=("title_zh",))
        try:
            page = engine.search("outcomes", query)
        except BadQuery:
            continue
        names = {hit.id for hit in page.hits}
        assert names <= {"graphene", "sensor"}
        assert page.total == len(names) == sum(page.facets["state"].values())
        assert all(hit.score > 0 for hit in page.hits)
    assert {one.id for one in engine.suggest("outcomes", text, filters=(PUBLIC,))} <= {"graphene", "sensor"}
    assert {*engine.frequencies("outcomes", terms).counts} == {*terms}


@pytest.mark.long
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(VALUES | FULL, max_size=20).map(tuple), text=TEXTS)
def test_many_more_values_and_texts(engine: MeiliEngine, values: tuple[str, ...], text: str) -> None:
    assert found(engine, AnyOf("kind", values)) == {name for name, held in KINDS.items() if held in values}
    hits = engine.search("outcomes", Query(text, filters=(AnyOf("kind", values),), limit=1000)).hits
    assert {KINDS[hit.id] for hit in hits} <= {*values}


@pytest.mark.long
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(held=st.lists(st.lists(VALUES | FULL, max_size=4), min_size=1, max_size=12), data=st.data())
def test_any_values_stored_are_found_by_themselves_alone(
    new_meili: NewMeili, held: list[list[str]], data: st.DataObject
) -> None:
    engine = new_meili(prefix=f"{RUN}anything_")
    engine.rebuild("outcomes", [{"id": f"d{n}", "version": 1, "ipc": values} for n, values in enumerate(held)])
    stored = sorted({value for values in held for value in values})
    for value in [*stored, *data.draw(st.lists(VALUES, max_size=5))]:
        expected = {f"d{number}" for number, values in enumerate(held) if value and value in values}
        assert found(engine, AnyOf("ipc", (value,))) == expected
