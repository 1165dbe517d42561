"""Standing queries: what a document answers is what live search would find it by, and no more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import GRAPHENE, SECRET, SENSOR

from search.embedded import EmbeddedEngine
from search.engine import AnyOf, Between, Document, Filter, Not, Query
from search.indexes import OUTCOMES
from search.standing import Contents, answers, keys, keys_of, required, texts, understand

ZH = (
    "石墨烯",
    "碳纤维",
    "锂电池",
    "防腐",
    "涂层",
    "激光",
    "焊接",
    "钙钛矿",
    "钢",
    "膜",
    "氧化石墨烯",
    "光纤",
    "的",
    "研究",
)
EN = ("graphene", "carbon", "fiber", "fibres", "battery", "welding", "lasers", "PM2.5", "C++", "GB/T", "of", "CNT")
FIELDS = ("new_materials", "environment", "new_energy")
REGIONS = (("120000",), ("110000", "110108"), ("130000",), ())

pieces = st.sampled_from((*ZH, *EN))
gaps = st.sampled_from(("", " ", "，", "、", ". "))


@st.composite
def written(draw: st.DrawFn, least: int = 0, most: int = 6) -> str:
    """Words of both languages, written together or apart."""
    found = draw(st.lists(st.tuples(pieces, gaps), min_size=least, max_size=most))
    return "".join(word + gap for word, gap in found)


@st.composite
def asked(draw: st.DrawFn) -> str:
    """The same, perhaps with a phrase."""
    text = draw(written(1, 3))
    return f'{text} "{draw(written(1, 2))}"' if draw(st.booleans()) else text


documents = st.fixed_dictionaries(
    {"title_zh": written(), "summary_en": written(), "keywords_text": st.lists(written(1, 2), max_size=2)},
    optional={
        "field": st.sampled_from(FIELDS),
        "region": st.sampled_from(REGIONS),
        "trl": st.integers(1, 9),
    },
)
plain_filters: st.SearchStrategy[Filter] = st.one_of(
    st.lists(st.sampled_from(FIELDS), max_size=2).map(lambda codes: AnyOf("field", tuple(codes))),
    st.sampled_from(("110000", "110108", "120000")).map(lambda code: AnyOf("region", (code,))),
    st.tuples(st.none() | st.integers(1, 9), st.none() | st.integers(1, 9)).map(lambda ends: Between("trl", *ends)),
)
filters = st.lists(st.one_of(plain_filters, plain_filters.map(Not)), max_size=2).map(tuple)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedEngine]:
    made = EmbeddedEngine(tmp_path_factory.mktemp("standing"), writable=True)
    yield made
    made.close()


def found(engine: EmbeddedEngine, query: Query) -> set[str]:
    return {hit.id for hit in engine.search("outcomes", query).hits}


def numbered(some: list[dict[str, object]]) -> list[Document]:
    return [{"id": f"d{place}", "version": 1, **one} for place, one in enumerate(some)]  # type: ignore[dict-item]


def rare(key: str) -> float:
    """Any order will do."""
    return len(key) % 5 / 10


@settings(max_examples=40)  # each fills an index
@given(some=st.lists(documents, min_size=1, max_size=4), text=asked(), narrowed=filters)
def test_live_search_finds_whatever_answers_by_its_own_words(
    engine: EmbeddedEngine, some: list[dict[str, object]], text: str, narrowed: tuple[Filter, ...]
) -> None:
    ones = numbered(some)
    engine.rebuild("outcomes", ones)
    query = Query(text=text, filters=narrowed)
    for one in ones:
        if answers(Contents(OUTCOMES, one, synonyms=False), understand(query)):
            assert found(engine, replace(query, filters=(*narrowed, AnyOf("id", (str(one["id"]),)))))


@settings(max_examples=40)  # each fills an index
@given(some=st.lists(documents, min_size=1, max_size=4), text=asked(), narrowed=filters)
def test_live_search_for_one_of_a_few_texts_finds_whatever_answers_by_any_name(
    engine: EmbeddedEngine, some: list[dict[str, object]], text: str, narrowed: tuple[Filter, ...]
) -> None:
    ones = numbered(some)
    engine.rebuild("outcomes", ones)
    standing = understand(Query(text=text, filters=narrowed))
    reached = {one for words in texts(standing) for one in found(engine, Query(text=words, filters=narrowed))}
    assert {str(one["id"]) for one in ones if answers(Contents(OUTCOMES, one), standing)} <= reached


@settings(max_examples=40)
@given(
    some=st.lists(st.lists(pieces, max_size=6), min_size=1, max_size=4),
    words=st.lists(pieces, min_size=1, max_size=3),
    narrowed=filters,
)
def test_whatever_live_search_finds_by_whole_words_answers(
    engine: EmbeddedEngine, some: list[list[str]], words: list[str], narrowed: tuple[Filter, ...]
) -> None:
    # Each word stands somewhere, so that none is looked for otherwise; and the last is not a beginning.
    everything: Document = {"id": "all", "version": 1, "title_zh": "，".join((*ZH, *EN))}
    ones = [{"id": f"d{place}", "version": 1, "title_zh": "，".join(one)} for place, one in enumerate(some)]
    engine.rebuild("outcomes", [*ones, everything])
    query = Query(text="，".join((*words, "graphene")), filters=narrowed)
    standing = understand(query)
    answered = {str(one["id"]) for one in (*ones, everything) if answers(Contents(OUTCOMES, one), standing)}
    by_words = {one for one in found(engine, query) if _holds_all(one, words, ones)}
    assert by_words <= answered


def _holds_all(identity: str, words: list[str], ones: list[Document]) -> bool:
    """Where live search has given up on some words, it finds what holds most of them."""
    held = next((set(str(one["title_zh"]).split("，")) for one in ones if one["id"] == identity), {*ZH, *EN})
    return {"graphene", *words} - {"的", "of"} <= held


@given(one=documents, text=asked(), narrowed=filters)
def test_whatever_answers_holds_both_keys(one: dict[str, object], text: str, narrowed: tuple[Filter, ...]) -> None:
    [document] = numbered([one])
    contents, standing = Contents(OUTCOMES, document), understand(Query(text=text, filters=narrowed))
    if answers(contents, standing):
        assert {*required(standing)} <= keys_of(contents)
        assert {*keys(standing, rare)} - {""} <= keys_of(contents)


def answered(document: Document, text: str, *narrowed: Filter) -> bool:
    return answers(Contents(OUTCOMES, document), understand(Query(text=text, filters=narrowed)))


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("石墨烯", True),
        ("石墨烯 负极", True),
        ("石墨烯 传感器", False),
        ("anode", True),  # by its stem
        ("anod", True),
        ("grap", False),  # a beginning
        ("graphine", False),  # a typing error
        ("石墨烯 负极 循环 寿命 传感器", False),  # most of the words
        ("負極材料", True),  # traditional characters
        ('"负极材料，循环"', True),
        ('"材料负极"', False),
        ('"lithium-ion batteries"', True),
        ('"lithium-ion battery"', False),  # a phrase is not stemmed
        ("GB/T", True),
        ("，。", False),  # no word at all
        ("", True),
    ],
)
def test_a_document_answers_finished_words_and_phrases_only(text: str, holds: bool) -> None:
    one = {**GRAPHENE, "summary_zh": "本成果研制了一种负极材料，循环寿命超过三千次。"}
    assert answered(one, text) is holds


@pytest.mark.parametrize(
    ("written_as", "asked_as", "holds"),
    [
        ("carbon fibers in concrete", "碳纤维", True),
        ("碳纤维混凝土", "carbon fiber", True),
        ("碳纤维混凝土", "carbon fibres", True),
        ("碳纤维混凝土", "carbon", False),  # a part of a name is not the name
        ("CFRP plates", "碳纤维增强复合材料", True),
        ("perovskite layers", "鈣鈦礦", True),
        ("钙钛矿层", "perovskite", True),
        ("激光纤维", "optical fiber", False),  # 光纤 does not stand there
        ("物联网网关", "internet of things gateway", False),
        ("物联网 gateway", "internet of things gateway", True),
    ],
)
def test_names_of_one_thing_count_as_one_another(written_as: str, asked_as: str, holds: bool) -> None:
    assert answered({"id": "a", "version": 1, "title_zh": written_as}, asked_as) is holds


def test_short_words_are_found_inside_longer_ones() -> None:
    assert answered({"id": "a", "version": 1, "title_zh": "质子膜电极"}, "子膜")


def test_phrases_do_not_run_from_one_text_into_the_next() -> None:
    one: Document = {"id": "a", "version": 1, "keywords_text": ["石墨", "烯烃"], "title_en": "graphene oxide"}
    assert not answered(one, '"石墨烯"')
    assert not answered(one, '"oxide 石墨"')
    assert answered(one, '"graphene oxide"')


@pytest.mark.parametrize(
    ("narrowed", "holds"),
    [
        (AnyOf("disciplines", ("E02",)), True),
        (AnyOf("disciplines", ("D",)), False),
        (AnyOf("field", ()), False),
        (AnyOf("trl", (6,)), True),
        (AnyOf("id", ("graphene",)), True),
        (Between("trl", 6, 6), True),
        (Between("trl", 7, None), False),
        (Between("trl", 9, 2), False),
        (Between("valid_until", None, None), False),  # it has none
        (Not(Between("valid_until", None, None)), True),
        (Not(AnyOf("field", ("new_materials", "environment"))), False),
    ],
)
def test_filters_hold_as_in_a_search(engine: EmbeddedEngine, narrowed: Filter, holds: bool) -> None:
    engine.rebuild("outcomes", [GRAPHENE, SENSOR, SECRET])
    assert answered(GRAPHENE, "", narrowed) is holds
    assert ("graphene" in found(engine, Query(filters=(narrowed,)))) is holds


def test_the_two_rarest_of_what_is_required_are_the_keys() -> None:
    shares = {"w:石墨烯": 0.2, "w:涂层": 0.1, "f:field=new_materials": 0.05}
    one = understand(
        Query(text="石墨烯 涂层", filters=(AnyOf("field", ("new_materials",)), AnyOf("region", ("1", "2"))))
    )
    assert keys(one, shares.__getitem__) == ("f:field=new_materials", "w:涂层")
    assert keys(understand(Query()), shares.__getitem__) == ("", "")
