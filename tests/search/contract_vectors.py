"""What every engine that holds vectors must do: neighbours of one, alone and beside words."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator

import pytest
from samples import titled

from search.engine import AnyOf, BadDocument, BadQuery, Document, Engine, Not, Query, Sort, WeightedTerm
from search.indexes import OUTCOMES

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
WRONG = [
    (1.0, 0.0, 0.0), (1.0,) * 5, (math.nan, 0, 0, 0), (math.inf, 0, 0, 0), ("1", 0, 0, 0), "abcd", 7,
]  # fmt: skip


def names(engine: Engine, query: Query) -> list[str]:
    return [hit.id for hit in engine.search("outcomes", query).hits]


class Neighbouring:
    """Any engine that holds vectors. A subclass gives `new_vectored`; nothing here knows which one it is."""

    @pytest.fixture(scope="class")
    @classmethod
    def new_vectored(cls) -> Callable[[], Engine]:
        """Makes an empty engine of SPEC at each call, and closes them all in the end."""
        raise NotImplementedError

    @pytest.fixture(scope="class")
    @classmethod
    def five(cls, new_vectored: Callable[[], Engine]) -> Engine:
        """Five outcomes, four of them with a vector; whoever writes leaves them as they were."""
        engine = new_vectored()
        engine.put("outcomes", DOCUMENTS)
        return engine

    def test_a_vector_alone_orders_everything_by_how_near_it_is(self, five: Engine) -> None:
        page = five.search("outcomes", Query(vector=EAST, facets=("kind",)))
        assert [hit.id for hit in page.hits] == BY_NEARNESS
        scores = [hit.score for hit in page.hits]
        assert scores == sorted(scores, reverse=True)
        assert min(scores) > 0
        assert page.total == 5
        assert page.facets == {"kind": {"patent": 3, "prototype": 2}}
        for size in (1, 2):
            pages = (names(five, Query(vector=EAST, offset=start, limit=size)) for start in range(0, 6, size))
            assert [name for page in pages for name in page] == BY_NEARNESS

    def test_words_and_vector_find_both_and_count_the_words(self, five: Engine) -> None:
        page = five.search("outcomes", Query("电池", vector=EAST, facets=("kind",), highlight=("title_zh",)))
        found = [hit.id for hit in page.hits]
        assert found[0] == "east"
        assert {*found} == {*BY_NEARNESS}
        assert page.total == 3
        assert page.facets == {"kind": {"patent": 2, "prototype": 1}}
        assert {hit.id for hit in page.hits if hit.highlights} == {"east", "west", "nowhere"}

    def test_the_share_decides_between_words_and_nearness(self, five: Engine) -> None:
        assert {*names(five, Query("电池", vector=EAST, semantic=0.0))} == {"east", "west", "nowhere"}
        assert names(five, Query("电池", vector=EAST, semantic=1.0))[:4] == BY_NEARNESS[:4]
        page = five.search("outcomes", Query("没有这样的词", vector=EAST))
        assert [hit.id for hit in page.hits][:2] == ["east", "nearly"]
        assert page.total == 0

    def test_filters_and_terms_hold_for_neighbours(self, five: Engine) -> None:
        patents = AnyOf("kind", ("patent",))
        page = five.search("outcomes", Query(vector=EAST, filters=(patents,), facets=("kind",)))
        assert [hit.id for hit in page.hits] == ["east", "nearly", "nowhere"]
        assert (page.total, page.facets) == (3, {"kind": {"patent": 3}})
        assert {*names(five, Query("电池", vector=EAST, filters=(Not(patents),)))} == {"north", "west"}
        assert names(five, Query(vector=EAST, terms=(WeightedTerm("电池", 1.0),))) == ["east", "west", "nowhere"]
        assert names(five, Query(vector=EAST, filters=(AnyOf("kind", ()),))) == []

    def test_a_sort_decides_before_nearness_and_text_without_words_finds_nothing(self, five: Engine) -> None:
        page = five.search("outcomes", Query(vector=EAST, sort=Sort(field="price", descending=True)))
        assert [hit.id for hit in page.hits] == ["nowhere", "east", "nearly", "north", "west"]
        assert {hit.score for hit in page.hits} == {0.0}
        page = five.search("outcomes", Query("…", vector=EAST, facets=("kind",)))
        assert (page.hits, page.total, page.facets) == ((), 0, {"kind": {}})

    def test_a_document_without_a_vector_is_found_by_words_and_may_get_or_lose_one(self, five: Engine) -> None:
        assert "nowhere" in names(five, Query("燃料电池"))
        five.put("outcomes", [outcome("moving", None, "移动", "other", 1)])
        for vector, place in (((0.99, 0.01, 0, 0), 1), (None, 4)):
            five.put("outcomes", [outcome("moving", vector, "移动", "other", 1)])
            assert place <= names(five, Query(vector=EAST)).index("moving") <= place + 1
        five.delete("outcomes", ["moving"])
        assert names(five, Query(vector=EAST)) == BY_NEARNESS

    @pytest.mark.parametrize("semantic", [-0.1, 1.1, math.nan])
    def test_a_share_that_is_none_is_refused(self, five: Engine, semantic: float) -> None:
        with pytest.raises(BadQuery):
            five.search("outcomes", Query(vector=EAST, semantic=semantic))

    @pytest.mark.parametrize("scale", [1e300, 1e-300, 2**60, 1e-40])
    def test_only_the_direction_of_a_vector_counts_however_long_it_is(self, five: Engine, scale: float) -> None:
        assert names(five, Query(vector=(scale, 0, 0, 0))) == BY_NEARNESS
        five.put("outcomes", [outcome("far", (scale, scale, 0, 0), "远方", "other", 1)])
        try:
            assert names(five, Query(vector=EAST)) == ["east", "nearly", "far", "north", "west", "nowhere"]
        finally:
            five.delete("outcomes", ["far"])

    def test_a_vector_without_a_direction_is_no_error(self, five: Engine) -> None:
        assert {*names(five, Query(vector=(0, 0, 0, 0)))} == {*BY_NEARNESS}

    @pytest.mark.parametrize("vector", WRONG, ids=str)
    def test_a_vector_that_does_not_fit_is_refused_before_anything_is_written(
        self, five: Engine, vector: object
    ) -> None:
        with pytest.raises(BadDocument, match=r"bad: vector"):
            five.put("outcomes", [*titled("新的"), {"id": "bad", "version": 1, "vector": vector}])  # type: ignore[dict-item]
        with pytest.raises(BadQuery, match="vector"):
            five.search("outcomes", Query(vector=vector))  # type: ignore[arg-type]
        assert names(five, Query(vector=EAST)) == BY_NEARNESS

    def test_a_rebuild_replaces_all_vectors_or_none(self, new_vectored: Callable[[], Engine]) -> None:
        engine = new_vectored()
        engine.put("outcomes", [outcome("old", EAST, "旧", "patent", 1)])

        def failing() -> Iterator[Document]:
            yield from DOCUMENTS
            raise LookupError

        with pytest.raises(LookupError):
            engine.rebuild("outcomes", failing())
        assert names(engine, Query(vector=EAST)) == ["old"]
        assert engine.rebuild("outcomes", [*DOCUMENTS, outcome("east", (0, 0, 1, 0), "后来", "patent", 1)]) == 5
        assert names(engine, Query(vector=EAST))[0] == "nearly"
        assert names(engine, Query(vector=(0, 0, 1, 0)))[0] == "east"
        assert engine.rebuild("outcomes", DOCUMENTS) == 5
        assert names(engine, Query(vector=EAST)) == BY_NEARNESS
