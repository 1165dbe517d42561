"""Neighbours of a vector on a Meilisearch server, alone and beside words."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path

import pytest
from asking import RUN, Server, indexes, tasks
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import titled

from search.embedded import EmbeddedEngine
from search.engine import AnyOf, BadDocument, BadQuery, Document, Not, Query, Sort, Unsupported, WeightedTerm
from search.indexes import OUTCOMES
from search.meili import MeiliEngine
from search.meili.documents import unit

NewMeili = Callable[..., MeiliEngine]

SPEC = dataclasses.replace(OUTCOMES, dimensions=4)
EAST = (1.0, 0.0, 0.0, 0.0)


def outcome(name: str, vector: tuple[float, ...] | None, title: str, kind: str, price: int) -> Document:
    fields: Document = {"id": name, "version": 1, "title_zh": title, "kind": kind, "price": price}
    return fields if vector is None else {**fields, "vector": vector}


DOCUMENTS = [
    outcome("east", (2, 0, 0, 0), "锂电池的隔膜", "patent", 4),
    outcome("nearly", (0.9, 0.1, 0, 0), "水质监测", "patent", 3),
    outcome("north", (0, 3, 0, 0), "土壤修复", "prototype", 2),
    outcome("west", (-1, 0, 0, 0), "固态电池", "prototype", 1),
    outcome("nowhere", None, "燃料电池", "patent", 5),
]
BY_NEARNESS = ["east", "nearly", "north", "west", "nowhere"]


@pytest.fixture(scope="module")
def engine(new_meili: NewMeili) -> MeiliEngine:
    engine = new_meili(prefix=f"{RUN}vectors_", specs={"outcomes": SPEC})
    engine.put("outcomes", DOCUMENTS)
    return engine


def names(engine: MeiliEngine, query: Query) -> list[str]:
    return [hit.id for hit in engine.search("outcomes", query).hits]


def test_a_vector_alone_orders_everything_by_how_near_it_is(engine: MeiliEngine) -> None:
    page = engine.search("outcomes", Query(vector=EAST, facets=("kind",)))
    assert [hit.id for hit in page.hits] == BY_NEARNESS
    scores = [hit.score for hit in page.hits]
    assert scores == sorted(scores, reverse=True)
    assert min(scores) > 0
    assert page.total == 5
    assert page.facets == {"kind": {"patent": 3, "prototype": 2}}
    for size in (1, 2):
        pages = (names(engine, Query(vector=EAST, offset=start, limit=size)) for start in range(0, 6, size))
        assert [name for page in pages for name in page] == BY_NEARNESS


def test_words_and_vector_find_both_and_count_the_words(engine: MeiliEngine) -> None:
    page = engine.search("outcomes", Query("电池", vector=EAST, facets=("kind",), highlight=("title_zh",)))
    found = [hit.id for hit in page.hits]
    assert found[0] == "east"
    assert {*found} == {*BY_NEARNESS}
    assert page.total == 3
    assert page.facets == {"kind": {"patent": 2, "prototype": 1}}
    assert {hit.id for hit in page.hits if hit.highlights} == {"east", "west", "nowhere"}


def test_the_share_decides_between_words_and_nearness(engine: MeiliEngine) -> None:
    assert {*names(engine, Query("电池", vector=EAST, semantic=0.0))} == {"east", "west", "nowhere"}
    assert names(engine, Query("电池", vector=EAST, semantic=1.0))[:4] == BY_NEARNESS[:4]
    page = engine.search("outcomes", Query("没有这样的词", vector=EAST))
    assert [hit.id for hit in page.hits][:2] == ["east", "nearly"]
    assert page.total == 0


def test_filters_and_terms_hold_for_neighbours(engine: MeiliEngine) -> None:
    patents = AnyOf("kind", ("patent",))
    page = engine.search("outcomes", Query(vector=EAST, filters=(patents,), facets=("kind",)))
    assert [hit.id for hit in page.hits] == ["east", "nearly", "nowhere"]
    assert (page.total, page.facets) == (3, {"kind": {"patent": 3}})
    assert {*names(engine, Query("电池", vector=EAST, filters=(Not(patents),)))} == {"north", "west"}
    assert names(engine, Query(vector=EAST, terms=(WeightedTerm("电池", 1.0),))) == ["east", "west", "nowhere"]
    assert names(engine, Query(vector=EAST, filters=(AnyOf("kind", ()),))) == []


def test_a_sort_decides_before_nearness_and_text_without_words_finds_nothing(engine: MeiliEngine) -> None:
    page = engine.search("outcomes", Query(vector=EAST, sort=Sort(field="price", descending=True)))
    assert [hit.id for hit in page.hits] == ["nowhere", "east", "nearly", "north", "west"]
    assert {hit.score for hit in page.hits} == {0.0}
    page = engine.search("outcomes", Query("…", vector=EAST, facets=("kind",)))
    assert (page.hits, page.total, page.facets) == ((), 0, {"kind": {}})


def test_a_document_without_a_vector_is_found_by_words_and_may_get_or_lose_one(engine: MeiliEngine) -> None:
    assert "nowhere" in names(engine, Query("燃料电池"))
    engine.put("outcomes", [outcome("moving", None, "移动", "other", 1)])
    for vector, place in (((0.99, 0.01, 0, 0), 1), (None, 4)):
        engine.put("outcomes", [outcome("moving", vector, "移动", "other", 1)])
        assert place <= names(engine, Query(vector=EAST)).index("moving") <= place + 1
    engine.delete("outcomes", ["moving"])
    assert names(engine, Query(vector=EAST)) == BY_NEARNESS


WRONG = [
    (1.0, 0.0, 0.0), (1.0,) * 5, (math.nan, 0, 0, 0), (math.inf, 0, 0, 0), ("1", 0, 0, 0), "abcd", 7,
]  # fmt: skip


@pytest.mark.parametrize("vector", WRONG, ids=str)
def test_a_vector_that_does_not_fit_is_refused_before_anything_is_sent(
    engine: MeiliEngine, meili: Server, vector: object
) -> None:
    before = tasks(meili, f"{RUN}vectors_")
    with pytest.raises(BadDocument, match=r"bad: vector"):
        engine.put("outcomes", [*titled("新的"), {"id": "bad", "version": 1, "vector": vector}])  # type: ignore[dict-item]
    with pytest.raises(BadQuery, match="vector"):
        engine.search("outcomes", Query(vector=vector))  # type: ignore[arg-type]
    assert tasks(meili, f"{RUN}vectors_") == before


@pytest.mark.parametrize("semantic", [-0.1, 1.1, math.nan])
def test_a_share_that_is_none_is_refused(engine: MeiliEngine, semantic: float) -> None:
    with pytest.raises(BadQuery):
        engine.search("outcomes", Query(vector=EAST, semantic=semantic))


def test_an_index_without_vectors_refuses_one(new_meili: NewMeili) -> None:
    plain = new_meili()
    with pytest.raises(BadQuery):
        plain.search("outcomes", Query(vector=EAST))
    with pytest.raises(BadDocument):
        plain.put("outcomes", [{"id": "a", "version": 1, "vector": EAST}])


def test_the_embedded_engine_says_which_engine_holds_vectors(tmp_path: Path) -> None:
    with pytest.raises(Unsupported, match="Meilisearch"):
        EmbeddedEngine(tmp_path, writable=True, specs={"outcomes": SPEC})


def test_a_rebuild_keeps_vectors(new_meili: NewMeili, meili: Server) -> None:
    engine = new_meili(prefix=f"{RUN}revectored_", specs={"outcomes": SPEC})
    assert engine.rebuild("outcomes", DOCUMENTS) == 5
    assert names(engine, Query(vector=EAST)) == BY_NEARNESS
    assert engine.sync(apply=False) == {}
    assert len(indexes(meili, f"{RUN}revectored_")) == 1


@pytest.mark.parametrize("scale", [1e300, 1e-300, 2**60, 1e-40])
def test_only_the_direction_of_a_vector_counts_however_long_it_is(engine: MeiliEngine, scale: float) -> None:
    assert names(engine, Query(vector=(scale, 0, 0, 0))) == BY_NEARNESS
    engine.put("outcomes", [outcome("far", (scale, scale, 0, 0), "远方", "other", 1)])
    try:
        assert names(engine, Query(vector=EAST)) == ["east", "nearly", "far", "north", "west", "nowhere"]
    finally:
        engine.delete("outcomes", ["far"])


def test_a_vector_without_a_direction_is_no_error(engine: MeiliEngine) -> None:
    assert {*names(engine, Query(vector=(0, 0, 0, 0)))} == {*BY_NEARNESS}


@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**80), 2**80), min_size=1, max_size=6)
)
@settings(max_examples=200, deadline=None)
def test_a_unit_vector_has_length_one_or_none(vector: list[float]) -> None:
    length = math.hypot(*unit(vector))
    assert math.isclose(length, 1.0, rel_tol=1e-9) if any(vector) else length == 0.0
