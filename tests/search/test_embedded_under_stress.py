"""The embedded engine under many threads, wide ties, and any text or value at all."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import PUBLIC, THREE, titled

from search.embedded import EmbeddedEngine
from search.engine import (
    AnyOf,
    BadQuery,
    Between,
    Document,
    Filter,
    Not,
    Query,
    Sort,
    WeightedTerm,
)
from search.indexes import OUTCOMES

# Pages

PREFIXED = [f"0198c0de-7000-{i:04d}" for i in range(60)]  # ids whose order numbers are all the same


@pytest.mark.parametrize("page", [1, 7, 60, 61])
def test_versions_join_their_pieces_also_where_ids_begin_alike(
    writer: EmbeddedEngine, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    monkeypatch.setattr("search.embedded.engine.VERSIONS_PAGE", page)
    names = sorted([*PREFIXED, "00", "0198c0de", "zz"])
    for half in (names[::2], names[1::2]):
        writer.put("outcomes", [{"id": name, "version": 1} for name in half])
    assert [name for name, _ in writer.versions("outcomes")] == names


@pytest.mark.parametrize("widest", [0, 5, 30, 3_000])
def test_pages_of_equal_scores_join_however_many_are_equal(
    writer: EmbeddedEngine, monkeypatch: pytest.MonkeyPatch, widest: int
) -> None:
    monkeypatch.setattr("search.embedded.paging.WIDEST_TIE", widest)
    for half in (PREFIXED[:30], PREFIXED[30:]):
        writer.put("outcomes", [{"id": name, "version": 1, "title_zh": "电池"} for name in half])
    writer.put("outcomes", [{"id": f"long{i}", "version": 1, "title_zh": "电池与电机"} for i in range(20)])
    for size in (1, 7, 30, 80):
        found = [
            hit.id
            for offset in range(0, 80, size)
            for hit in writer.search("outcomes", Query("电池", offset=offset, limit=size)).hits
        ]
        assert len(found) == len(set(found)) == 80
        if widest > 80:
            assert found[:60] == PREFIXED[::-1]


# Threads


def test_threads_search_while_others_write(writer: EmbeddedEngine) -> None:
    writer.put("outcomes", titled(*["起点电池"] * 10))
    ended = threading.Event()
    failures: list[BaseException] = []

    def guarded(act: Callable[[], None]) -> Callable[[], None]:
        def run() -> None:
            try:
                act()
            except BaseException as error:
                failures.append(error)

        return run

    def read() -> None:
        while not ended.is_set():
            page = writer.search("outcomes", Query(text="电池", facets=("kind",), highlight=("title_zh",)))
            assert page.total in (10, 20)
            assert len(set(dict(writer.versions("outcomes")).values())) <= 2

    def write(start: int) -> None:
        for version in range(1, 6):
            writer.put(
                "outcomes",
                [{"id": f"o{start + i}", "version": version, "title_zh": "起点电池"} for i in range(10)],
            )

    readers = [threading.Thread(target=guarded(read)) for _ in range(4)]
    writers = [threading.Thread(target=guarded(lambda start=start: write(start))) for start in (0, 10)]
    for thread in (*readers, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    ended.set()
    for thread in readers:
        thread.join()
    assert failures == []
    assert set(dict(writer.versions("outcomes")).values()) == {5}
    assert writer.count("outcomes") == 20


# Anything at all

ANY_TEXT = st.text(
    st.one_of(st.sampled_from("石墨烯电池的 ab\"'“”*()[]{}:\\/+-~^|&!?.,\0\ud800\u200b"), st.characters()),
    max_size=40,
)
ANY_VALUE = st.one_of(
    ANY_TEXT, st.integers(), st.none(), st.booleans(), st.floats(), st.sampled_from(["public", "patent"])
)
ANY_FIELD = st.one_of(st.sampled_from([*OUTCOMES.keywords, *OUTCOMES.numbers, "id", "title_zh", "_words"]), ANY_TEXT)
ANY_FILTER: st.SearchStrategy[Filter] = st.recursive(
    st.one_of(
        st.builds(AnyOf, ANY_FIELD, st.lists(ANY_VALUE, max_size=4).map(tuple)),
        st.builds(Between, ANY_FIELD, ANY_VALUE, ANY_VALUE),  # type: ignore[arg-type]
    ),
    lambda inner: st.builds(Not, inner),
    max_leaves=3,
)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedEngine]:
    engine = EmbeddedEngine(tmp_path_factory.mktemp("filled"), writable=True)
    engine.put("outcomes", THREE)
    yield engine
    engine.close()


@settings(max_examples=200, deadline=None)
@given(text=ANY_TEXT, filters=st.lists(ANY_FILTER, max_size=3).map(tuple))
def test_no_text_and_no_value_raises_or_widens_what_is_visible(
    filled: EmbeddedEngine, text: str, filters: tuple[Filter, ...]
) -> None:
    query = Query(
        text,
        filters=(*filters, PUBLIC),
        facets=("kind", "trl"),
        highlight=("title_zh", "title_en"),
        limit=1000,
    )
    try:
        page = filled.search("outcomes", query)
    except BadQuery:
        return
    found = {hit.id for hit in page.hits}
    assert found <= {"graphene", "sensor"}
    assert page.total == len(found)
    assert sum(page.facets["kind"].values()) == len(found)
    assert all(hit.score > 0 for hit in page.hits)
    if not filters:
        assert {s.id for s in filled.suggest("outcomes", text, filters=(PUBLIC,))} <= {"graphene", "sensor"}


@settings(max_examples=100, deadline=None)
@given(
    terms=st.lists(st.builds(WeightedTerm, ANY_TEXT, st.floats()), max_size=4).map(tuple),
    sort=st.none() | st.builds(Sort, field=ANY_FIELD, descending=st.booleans()),
    offset=st.integers(-2, 5) | st.integers(),
    limit=st.integers(-2, 5) | st.integers(),
)
def test_no_term_sort_or_page_raises_anything_but_a_refusal(
    filled: EmbeddedEngine, terms: tuple[WeightedTerm, ...], sort: Sort | None, offset: int, limit: int
) -> None:
    try:
        page = filled.search("outcomes", Query(terms=terms, sort=sort, offset=offset, limit=limit))
    except BadQuery:
        return
    assert len(page.hits) <= min(limit, page.total)


@settings(max_examples=25, deadline=None)
@given(title=ANY_TEXT, keywords=st.lists(ANY_TEXT, max_size=3))
def test_any_text_can_be_stored_and_is_found_by_itself(
    filled: EmbeddedEngine, title: str, keywords: list[str]
) -> None:
    document: Document = {"id": "any", "version": 1, "title_zh": title, "keywords_text": keywords}
    filled.put("outcomes", [document])
    try:
        query = Query(text=title, filters=(AnyOf("id", ("any",)),), highlight=("title_zh",))
        page = filled.search("outcomes", query)
        has_words = any(character.isalnum() for character in title)
        assert page.total == 1 or not has_words
    finally:
        filled.delete("outcomes", ["any"])
