"""What filters keep, what facets count, and how pages join."""

from __future__ import annotations

import pytest
from samples import PUBLIC, ids

from search.engine import (
    AnyOf,
    BadQuery,
    Between,
    Engine,
    Not,
    Query,
    Sort,
    WeightedTerm,
)


class Narrowing:
    """Any engine narrows, counts and pages like this."""

    @pytest.mark.parametrize(
        ("condition", "expected"),
        [
            (AnyOf("kind", ("patent",)), {"graphene"}),
            (AnyOf("kind", ("patent", "prototype")), {"graphene", "sensor"}),
            (AnyOf("kind", (*(f"kind{number}" for number in range(40)), "patent")), {"graphene"}),
            (Not(AnyOf("kind", ("patent", "prototype"))), {"secret"}),
            (AnyOf("kind", ("Patent",)), set()),
            (AnyOf("kind", ()), set()),
            (AnyOf("disciplines", ("E02",)), {"graphene", "secret"}),
            (AnyOf("trl", (4, 8)), {"sensor", "secret"}),
            (AnyOf("id", ("sensor", "nobody")), {"sensor"}),
            (AnyOf("kind", ('patent" OR kind = "prototype',)), set()),
            (AnyOf("kind", ("*",)), set()),
            (Between("trl", 4, 6), {"graphene", "sensor"}),
            (Between("trl", 7, None), {"secret"}),
            (Between("trl", None, 5), {"sensor"}),
            (Between("trl", 6, 5), set()),
            (Between("price", None, None), {"graphene", "sensor"}),
            (Not(AnyOf("kind", ("patent",))), {"sensor", "secret"}),
            (Not(Between("price", 0, 500_000)), {"graphene", "secret"}),
            (Not(Not(AnyOf("kind", ("patent",)))), {"graphene"}),
            (Not(AnyOf("kind", ())), {"graphene", "sensor", "secret"}),
        ],
    )
    def test_a_filter_keeps_exactly_what_it_says(
        self, library: Engine, condition: AnyOf | Between | Not, expected: set[str]
    ) -> None:
        assert ids(library, filters=(condition,)) == expected

    def test_all_filters_must_hold(self, library: Engine) -> None:
        assert ids(library, filters=(AnyOf("disciplines", ("E",)), PUBLIC)) == {"graphene"}

    def test_what_a_person_may_not_see_is_neither_found_nor_counted_nor_suggested(self, library: Engine) -> None:
        page = library.search("outcomes", Query(text="电池", filters=(PUBLIC,), facets=("kind", "disciplines")))
        assert {hit.id for hit in page.hits} == {"graphene"}
        assert page.total == 1
        assert page.facets == {"kind": {"patent": 1}, "disciplines": {"E": 1, "E02": 1, "E0203": 1}}
        assert library.suggest("outcomes", "隔膜", filters=(PUBLIC,)) == ()
        assert library.suggest("outcomes", "隔膜") != ()

    @pytest.mark.parametrize(
        "query",
        [
            Query(filters=(AnyOf("nothing", ("a",)),)),
            Query(filters=(AnyOf("title_zh", ("a",)),)),
            Query(filters=(AnyOf("kind", (1,)),)),
            Query(filters=(AnyOf("trl", ("6",)),)),
            Query(filters=(AnyOf("trl", (2**53,)),)),
            Query(filters=(AnyOf("kind", ("\ud800",)),)),
            Query(filters=(Between("kind", 1, 2),)),
            Query(filters=(Between("trl", 1.5, None),)),  # type: ignore[arg-type]
            Query(filters=("kind = 1",)),  # type: ignore[arg-type]
            Query(facets=("readers",)),
            Query(facets=("nothing",)),
            Query(sort=Sort(field="kind", descending=True)),
            Query(highlight=("nothing",)),
            Query(limit=-1),
            Query(limit=10**9),
            Query(offset=-1),
            Query(offset=10**12),
            Query(terms=(WeightedTerm("a", float("nan")),)),
            Query(terms=(WeightedTerm("a", 0.0),)),
            Query(vector=(1.0,)),
            Query(semantic=1.5),
            Query(semantic="x"),  # type: ignore[arg-type]
        ],
    )
    def test_a_question_that_cannot_be_answered_is_refused(self, library: Engine, query: Query) -> None:
        with pytest.raises(BadQuery):
            library.search("outcomes", query)

    def test_an_unknown_index_is_refused(self, engine: Engine) -> None:
        with pytest.raises(BadQuery):
            engine.search("nothing", Query())

    def test_facets_count_everything_found_and_not_only_the_page(self, engine: Engine) -> None:
        engine.put(
            "outcomes",
            [{"id": f"n{i}", "version": 1, "kind": "ab"[i % 2], "trl": 1 + i % 3} for i in range(30)],
        )
        page = engine.search("outcomes", Query(facets=("kind", "trl"), limit=1))
        assert page.facets == {"kind": {"a": 15, "b": 15}, "trl": {"1": 10, "2": 10, "3": 10}}
        assert engine.search("outcomes", Query(facets=("kind",), limit=0)).facets["kind"] == {
            "a": 15,
            "b": 15,
        }

    @pytest.mark.parametrize(
        "query",
        [
            Query(),
            Query(text="电池"),
            Query(text="elect"),
            Query(terms=(WeightedTerm("电池", 1.0),)),
            Query(sort=Sort(field="trl", descending=True)),
            Query(sort=Sort(field="trl", descending=False)),
            Query(text="电池", sort=Sort(field="price", descending=True)),
        ],
    )
    def test_pages_join_without_gap_or_repeat(self, engine: Engine, query: Query) -> None:
        for start in (0, 20):  # two writes, so that equals lie apart
            engine.put(
                "outcomes",
                [
                    {
                        "id": f"0198aaaa-bbbb-{i:04d}",
                        "version": 1,
                        "title_zh": "电池",
                        "title_en": "electrode" if i % 2 else "electric",
                        "trl": None if i % 5 == 0 else i % 3,
                        "price": 7,
                    }
                    for i in range(start, start + 20)
                ],
            )

        def page(offset: int, limit: int) -> list[str]:
            asked = Query(query.text, query.terms, sort=query.sort, offset=offset, limit=limit)
            found = engine.search("outcomes", asked)
            assert found.total == 40
            return [hit.id for hit in found.hits]

        whole = page(0, 100)
        assert sorted(whole) == sorted(set(whole))
        assert len(whole) == 40
        for size in (1, 7, 40):
            assert [name for offset in range(0, 40, size) for name in page(offset, size)] == whole
        assert page(40, 10) == page(1000, 10) == []

    @pytest.mark.parametrize("descending", [True, False])
    def test_a_sort_orders_by_number_then_id_with_the_numberless_last(self, engine: Engine, descending: bool) -> None:
        prices = {"a": 5, "b": None, "c": -3, "d": 5, "e": 2**53 - 1, "f": None, "g": 1 - 2**53, "h": 5}
        for name, price in prices.items():
            engine.put("outcomes", [{"id": name, "version": 1, "price": price}])
        newest_first = sorted(prices, reverse=True)
        expected = sorted((n for n in newest_first if prices[n] is not None), key=lambda n: prices[n] or 0)
        if descending:
            expected = sorted(expected, key=lambda n: prices[n] or 0, reverse=True)
        expected += ["f", "b"]
        sort = Sort(field="price", descending=descending)
        found = engine.search("outcomes", Query(sort=sort)).hits
        assert [hit.id for hit in found] == expected
        one_by_one = [engine.search("outcomes", Query(sort=sort, offset=i, limit=1)).hits[0].id for i in range(8)]
        assert one_by_one == expected

    def test_without_words_the_greatest_id_comes_first(self, engine: Engine) -> None:
        for name in ("0198-b", "0198-c", "0198-a"):
            engine.put("outcomes", [{"id": name, "version": 1}])
        assert [hit.id for hit in engine.search("outcomes", Query()).hits] == ["0198-c", "0198-b", "0198-a"]
