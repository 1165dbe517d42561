"""What every engine must do. A subclass gives a fresh `engine`; nothing here knows which one it is.

Asserts sets, filters, facets, paging and visibility; the order of a page only where a sort decides it.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from search.engine import (
    AnyOf,
    BadDocument,
    BadQuery,
    Between,
    Document,
    Engine,
    Not,
    Query,
    Sort,
    WeightedTerm,
)
from search.indexes import INDEXES
from search.text import terms

PUBLIC = AnyOf("readers", ("public",))

GRAPHENE: Document = {
    "id": "graphene",
    "version": 3,
    "title_zh": "石墨烯锂离子电池负极材料",
    "title_en": "Graphene anodes for lithium-ion batteries",
    "keywords_text": ["石墨烯", "负极材料", "energy storage"],
    "summary_zh": "本成果研制了一种高比容量的负极材料，循环寿命超过三千次。",
    "description_en": "The electrode keeps 92% of its capacity after 3,000 cycles (GB/T 36276).",
    "organisation_name": ["江南理工大学", "Jiangnan Institute of Technology"],
    "field": "new_materials",
    "disciplines": ["E", "E02", "E0203"],
    "region": ["320000", "320200"],
    "kind": "patent",
    "organisation": "org-1",
    "readers": ["public"],
    "state": "published",
    "trl": 6,
    "price": 800_000,
    "published_at": 1_700_000_300,
}
SENSOR: Document = {
    "id": "sensor",
    "version": 1,
    "title_zh": "用于水质监测的光纤传感器",
    "title_en": "Optical fibre sensor for water monitoring",
    "keywords_text": ["光纤", "水质监测"],
    "summary_zh": "可在线测量浊度，成本低，适合农村饮用水。使用 C++ 编写的网关。",
    "field": "environment",
    "disciplines": ["D", "D01"],
    "region": ["330000"],
    "kind": "prototype",
    "organisation": "org-2",
    "readers": ["public"],
    "state": "published",
    "trl": 4,
    "price": 200_000,
    "published_at": 1_700_000_200,
}
SECRET: Document = {
    "id": "secret",
    "version": 2,
    "title_zh": "未公开的电池隔膜工艺",
    "keywords_text": ["隔膜"],
    "field": "new_materials",
    "disciplines": ["E", "E02"],
    "kind": "know_how",
    "organisation": "org-1",
    "readers": ["organisation:org-1"],
    "state": "published",
    "trl": 8,
    "published_at": 1_700_000_100,
}
THREE = (GRAPHENE, SENSOR, SECRET)


def ids(engine: Engine, text: str = "", **rest: object) -> set[str]:
    """The ids of everything an outcomes query finds."""
    return {hit.id for hit in engine.search("outcomes", Query(text=text, limit=1000, **rest)).hits}  # type: ignore[arg-type]


def titled(*titles: str) -> list[Document]:
    """Outcomes o0, o1, ... with these Chinese titles."""
    return [{"id": f"o{i}", "version": 1, "title_zh": title} for i, title in enumerate(titles)]


class EngineContract:
    @pytest.fixture
    def engine(self) -> Engine:
        raise NotImplementedError

    @pytest.fixture
    def three(self, engine: Engine) -> Engine:
        engine.put("outcomes", THREE)
        return engine

    # Everything

    def test_an_empty_index_finds_nothing(self, engine: Engine) -> None:
        page = engine.search("outcomes", Query(facets=("field",)))
        assert (page.hits, page.total, page.facets) == ((), 0, {"field": {}})
        assert engine.count("outcomes") == 0

    def test_an_empty_query_finds_everything(self, three: Engine) -> None:
        page = three.search("outcomes", Query())
        assert {hit.id for hit in page.hits} == {"graphene", "sensor", "secret"}
        assert page.total == three.count("outcomes") == 3

    def test_a_hit_carries_its_version_and_a_score(self, three: Engine) -> None:
        (hit,) = three.search("outcomes", Query(text="石墨烯")).hits
        assert (hit.id, hit.version, hit.highlights) == ("graphene", 3, ())
        assert hit.score > 0

    def test_indexes_do_not_mix(self, three: Engine) -> None:
        three.put("experts", [{"id": "wang", "version": 1, "name_zh": "王石墨", "works_count": 3}])
        assert three.search("experts", Query(text="电池")).total == 0
        assert {hit.id for hit in three.search("experts", Query(text="王石墨")).hits} == {"wang"}
        assert "wang" not in ids(three)

    @pytest.mark.parametrize("name", sorted(INDEXES))
    def test_every_declared_field_can_be_written_and_asked_for(self, engine: Engine, name: str) -> None:
        spec = INDEXES[name]
        full: dict[str, object] = {"id": "full", "version": 1}
        full |= {text.name: "一句话 sentence" for text in spec.text}
        full |= {keyword: ["a", "b"] for keyword in spec.keywords} | dict.fromkeys(spec.numbers, 5)
        engine.put(name, [full, {"id": "bare", "version": 1}])  # type: ignore[list-item]
        for keyword in spec.keywords:
            assert engine.search(name, Query(filters=(AnyOf(keyword, ("b",)),))).total == 1
        for number in spec.numbers:
            assert engine.search(name, Query(filters=(Between(number, 5, 5),))).total == 1
        for sort in spec.sorts:
            assert engine.search(name, Query(sort=Sort(field=sort, descending=True))).hits[0].id == "full"
        page = engine.search(name, Query(facets=spec.facets))
        assert all(counts in ({"a": 1, "b": 1}, {"5": 1}) for counts in page.facets.values())
        marked = engine.search(name, Query(text="sentence", highlight=tuple(t.name for t in spec.text)))
        assert {h.field for h in marked.hits[0].highlights} == {t.name for t in spec.text}

    # Words

    @pytest.mark.parametrize(
        "text",
        [
            "石墨烯",
            "石墨烯 负极",
            "负极材料 battery",
            "lithium",
            "LITHIUM Ion",
            "battery",
            "江南理工大学",
            "gb/t 36276",
            "高比容量",
            "循环寿命超过三千次",
            "energy storage",
        ],
    )
    def test_a_document_with_all_words_is_found_and_others_are_not(self, three: Engine, text: str) -> None:
        assert ids(three, text) == {"graphene"}

    def test_all_words_are_wanted(self, three: Engine) -> None:
        assert ids(three, "石墨烯 传感器") == set()

    def test_words_of_a_long_question_need_not_all_be_there(self, three: Engine) -> None:
        assert "graphene" in ids(three, "请问有没有石墨烯锂离子电池负极材料的量产技术")

    @pytest.mark.parametrize("text", ["石墨烯鋰離子電池負極材料", "負極材料", "循環壽命"])
    def test_traditional_and_simplified_are_one(self, three: Engine, text: str) -> None:
        assert ids(three, text) == {"graphene"}

    def test_traditional_documents_are_found_by_simplified_words(self, engine: Engine) -> None:
        engine.put("outcomes", titled("機器學習輔助藥物設計"))
        assert ids(engine, "机器学习") == ids(engine, "药物设计") == {"o0"}

    @pytest.mark.parametrize("text", ["Ｇｒａｐｈｅｎｅ", "ＧＢ／Ｔ　３６２７６"])
    def test_full_width_and_half_width_are_one(self, three: Engine, text: str) -> None:
        assert ids(three, text) == {"graphene"}

    @pytest.mark.parametrize("text", ["graph", "lithium-ion bat", "石墨", "锂离", "负极材", "anode techn"])
    def test_the_last_word_may_be_unfinished(self, three: Engine, text: str) -> None:
        assert "graphene" in ids(three, text)

    @pytest.mark.parametrize("text", ["grapheme", "lithum", "bateries graphene", "Jiangnna"])
    def test_a_latin_word_may_be_misspelt(self, three: Engine, text: str) -> None:
        assert ids(three, text) == {"graphene"}

    def test_a_word_that_exists_is_not_taken_for_another(self, engine: Engine) -> None:
        engine.put(
            "outcomes",
            [
                {"id": "sensor", "version": 1, "title_en": "sensor"},
                {"id": "tensor", "version": 1, "title_en": "tensor"},
            ],
        )
        assert ids(engine, "sensor") == {"sensor"}

    def test_a_phrase_must_stand_as_it_is(self, three: Engine) -> None:
        assert ids(three, '"锂离子电池负极"') == {"graphene"}
        assert ids(three, '"负极锂离子电池"') == set()
        assert ids(three, '"water monitoring"') == {"sensor"}
        assert ids(three, '"monitoring water"') == set()
        assert ids(three, "“光纤传感器” 水质") == {"sensor"}

    def test_a_phrase_does_not_run_from_one_text_into_the_next(self, engine: Engine) -> None:
        engine.put("outcomes", [{"id": "a", "version": 1, "keywords_text": ["optical fibre", "sensor array"]}])
        assert ids(engine, '"fibre sensor"') == set()
        assert ids(engine, '"sensor array"') == {"a"}

    @pytest.mark.parametrize("text", ["...", "，。！？", '"', '""', "+-&|!(){}[]^~*?:\\/", "%%", "\u200b", "\0"])
    def test_text_without_a_word_finds_nothing(self, three: Engine, text: str) -> None:
        assert ids(three, text) == (set() if text.strip() else {"graphene", "sensor", "secret"})

    @pytest.mark.parametrize(
        "text",
        [
            'graphene"',
            "graphene)(",
            "title_zh:graphene",
            "graphene AND OR NOT",
            "graphene*",
            "-graphene",
            "[graphene TO *]",
            "graphene\0",
            "graphene\ud800",
            "graphene' OR '1'='1",
            "{graphene}",
            "graphene^9~",
        ],
    )
    def test_hostile_punctuation_is_only_punctuation(self, three: Engine, text: str) -> None:
        assert ids(three, text) <= {"graphene"}

    def test_names_with_signs_are_words(self, three: Engine) -> None:
        assert ids(three, "c++") == {"sensor"}

    def test_documents_may_hold_anything_a_text_can(self, engine: Engine) -> None:
        engine.put("outcomes", titled("零\0字符 zero", "半个\ud83d代理 half", "表情😀 smile", "x" * 100_000))
        assert ids(engine, "zero") == {"o0"}
        assert ids(engine, "half") == {"o1"}
        assert ids(engine, "smile") == {"o2"}
        assert engine.count("outcomes") == 4

    # Key terms

    def test_key_terms_find_documents_that_hold_any_of_them(self, three: Engine) -> None:
        wanted = tuple(WeightedTerm(term, 1.0) for term in terms("石墨烯 battery 光纤"))
        page = three.search("outcomes", Query(terms=wanted))
        assert {"graphene", "sensor"} <= {hit.id for hit in page.hits}
        assert all(hit.score > 0 for hit in page.hits)

    def test_a_heavier_key_term_scores_more(self, three: Engine) -> None:
        def best(light: str, heavy: str) -> str:
            both = (WeightedTerm(light, 0.1), WeightedTerm(heavy, 9.0))
            return three.search("outcomes", Query(terms=both)).hits[0].id

        assert best("光纤", "负极") == "graphene"
        assert best("负极", "光纤") == "sensor"

    def test_key_terms_respect_filters(self, three: Engine) -> None:
        assert ids(three, terms=(WeightedTerm("电池", 1.0),), filters=(PUBLIC,)) == {"graphene"}

    def test_frequencies_count_documents(self, three: Engine) -> None:
        found = three.frequencies("outcomes", ["电池", "负极", "batteri", "没有的词"])
        assert found.total == 3
        assert found.counts == {"电池": 2, "负极": 1, "batteri": 1, "没有的词": 0}

    # Filters

    @pytest.mark.parametrize(
        ("condition", "expected"),
        [
            (AnyOf("kind", ("patent",)), {"graphene"}),
            (AnyOf("kind", ("patent", "prototype")), {"graphene", "sensor"}),
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
        self, three: Engine, condition: AnyOf | Between | Not, expected: set[str]
    ) -> None:
        assert ids(three, filters=(condition,)) == expected

    def test_all_filters_must_hold(self, three: Engine) -> None:
        assert ids(three, filters=(AnyOf("disciplines", ("E",)), PUBLIC)) == {"graphene"}

    def test_what_a_person_may_not_see_is_neither_found_nor_counted_nor_suggested(self, three: Engine) -> None:
        page = three.search("outcomes", Query(text="电池", filters=(PUBLIC,), facets=("kind", "disciplines")))
        assert {hit.id for hit in page.hits} == {"graphene"}
        assert page.total == 1
        assert page.facets == {"kind": {"patent": 1}, "disciplines": {"E": 1, "E02": 1, "E0203": 1}}
        assert three.suggest("outcomes", "隔膜", filters=(PUBLIC,)) == ()
        assert three.suggest("outcomes", "隔膜") != ()

    @pytest.mark.parametrize(
        "query",
        [
            Query(filters=(AnyOf("nothing", ("a",)),)),
            Query(filters=(AnyOf("title_zh", ("a",)),)),
            Query(filters=(AnyOf("kind", (1,)),)),
            Query(filters=(AnyOf("trl", ("6",)),)),
            Query(filters=(AnyOf("trl", (2**63,)),)),
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
        ],
    )
    def test_a_question_that_cannot_be_answered_is_refused(self, three: Engine, query: Query) -> None:
        with pytest.raises(BadQuery):
            three.search("outcomes", query)

    def test_an_unknown_index_is_refused(self, engine: Engine) -> None:
        with pytest.raises(BadQuery):
            engine.search("nothing", Query())

    # Facets, paging, sorts

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
        prices = {"a": 5, "b": None, "c": -3, "d": 5, "e": 2**63 - 1, "f": None, "g": -(2**63), "h": 5}
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

    # Highlights and suggestions

    def test_highlights_mark_the_original_text(self, three: Engine) -> None:
        asked = Query(text="負極 Battery graph", highlight=("title_zh", "title_en", "keywords_text", "summary_zh"))
        (hit,) = three.search("outcomes", asked).hits
        marked = {(h.field, h.fragment[a:b]) for h in hit.highlights for a, b in h.marks}
        assert ("title_zh", "负极") in marked
        assert {("title_en", "Graphene"), ("title_en", "batteries")} <= marked
        assert ("summary_zh", "负极") in marked
        for found in hit.highlights:
            originals = GRAPHENE[found.field]
            assert found.fragment in ([originals] if isinstance(originals, str) else originals)  # type: ignore[operator]
            assert list(found.marks) == sorted(found.marks)

    def test_a_highlight_of_a_long_text_is_a_passage_around_the_words(self, engine: Engine) -> None:
        text = "开头的话。" * 100 + "这里谈到<b>钙钛矿</b>太阳能电池的封装。" + "结尾的话。" * 100
        engine.put("outcomes", [{"id": "long", "version": 1, "description_zh": text}])
        (hit,) = engine.search("outcomes", Query(text="钙钛矿 太阳能", highlight=("description_zh",))).hits
        (found,) = hit.highlights
        assert found.fragment in text
        assert len(found.fragment) <= 200
        assert {found.fragment[a:b] for a, b in found.marks} >= {"钙钛矿"}

    def test_fields_without_a_found_word_have_no_highlight(self, three: Engine) -> None:
        (hit,) = three.search("outcomes", Query(text="gb/t", highlight=("title_zh", "description_en"))).hits
        assert [(h.field, h.fragment[slice(*h.marks[0])]) for h in hit.highlights] == [("description_en", "GB/T")]

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("石墨", {"石墨烯锂离子电池负极材料", "石墨烯"}),
            ("负极", {"石墨烯锂离子电池负极材料", "负极材料"}),
            ("graph", {"Graphene anodes for lithium-ion batteries"}),
            ("Ene", {"energy storage"}),
            ("水质监测", {"用于水质监测的光纤传感器", "水质监测"}),
            ("負", {"石墨烯锂离子电池负极材料", "负极材料"}),
            ("没有这样的", set()),
            ("浊度", set()),
            ("", set()),
            ('"*', set()),
        ],
    )
    def test_suggestions_are_the_original_texts_that_complete_what_is_typed(
        self, three: Engine, text: str, expected: set[str]
    ) -> None:
        found = three.suggest("outcomes", text, filters=(PUBLIC,))
        assert {suggestion.text for suggestion in found} == expected
        assert {suggestion.id for suggestion in found} <= {"graphene", "sensor"}

    def test_suggestions_are_distinct_and_limited(self, engine: Engine) -> None:
        engine.put("outcomes", titled(*["燃料电池"] * 5, "燃料电池双极板", "燃料电池催化剂"))
        found = engine.suggest("outcomes", "燃料")
        assert sorted(s.text for s in found) == sorted(["燃料电池", "燃料电池双极板", "燃料电池催化剂"])
        assert len(engine.suggest("outcomes", "燃料", limit=2)) == 2
        assert engine.suggest("outcomes", "燃料", limit=0) == ()

    # Writing

    def test_a_later_put_replaces_the_whole_document(self, three: Engine) -> None:
        three.put("outcomes", [{"id": "graphene", "version": 4, "title_zh": "钠离子电池"}])
        assert three.count("outcomes") == 3
        assert ids(three, "石墨烯") == set()
        assert ids(three, filters=(AnyOf("kind", ("patent",)),)) == set()
        assert dict(three.versions("outcomes")) == {"graphene": 4, "sensor": 1, "secret": 2}

    def test_of_two_with_one_id_in_a_put_the_later_stays(self, engine: Engine) -> None:
        engine.put(
            "outcomes",
            [{"id": "a", "version": 1, "title_zh": "电池"}, {"id": "a", "version": 2, "title_zh": "电机"}],
        )
        assert ids(engine, "电池") == set()
        assert list(engine.versions("outcomes")) == [("a", 2)]

    def test_putting_again_changes_nothing(self, three: Engine) -> None:
        three.put("outcomes", THREE)
        assert three.count("outcomes") == three.search("outcomes", Query()).total == 3

    def test_putting_nothing_is_allowed(self, engine: Engine) -> None:
        engine.put("outcomes", [])
        engine.delete("outcomes", [])
        assert engine.count("outcomes") == 0

    @pytest.mark.parametrize(
        ("fields", "named"),
        [
            ({"nothing": "x"}, "nothing"),
            ({"title_zh": 5}, "title_zh"),
            ({"trl": "6"}, "trl"),
            ({"trl": 6.0}, "trl"),
            ({"trl": True}, "trl"),
            ({"price": 2**63}, "price"),
            ({"kind": 3}, "kind"),
            ({"kind": ["a", None]}, "kind"),
            ({"kind": "x" * 100_000}, "kind"),
            ({"version": None}, "version"),
            ({"version": "1"}, "version"),
        ],
    )
    def test_a_bad_document_is_refused_with_its_whole_batch(
        self, three: Engine, fields: dict[str, object], named: str
    ) -> None:
        with pytest.raises(BadDocument, match=rf"(?s)bad.*{named}"):
            three.put("outcomes", [*titled("新的"), {"id": "bad", "version": 1} | fields])  # type: ignore[list-item]
        assert ids(three) == {"graphene", "sensor", "secret"}

    @pytest.mark.parametrize("name", ["", "a b", "中文", "a\0", "x" * 600, None, 7])
    def test_an_id_that_not_every_engine_can_hold_is_refused(self, engine: Engine, name: object) -> None:
        with pytest.raises(BadDocument):
            engine.put("outcomes", [{"id": name, "version": 1}])  # type: ignore[dict-item]

    def test_absent_values_are_no_values(self, engine: Engine) -> None:
        engine.put(
            "outcomes",
            [{"id": "a", "version": 1, "title_zh": None, "kind": None, "trl": None, "ipc": [], "people": []}],
        )
        assert engine.search("outcomes", Query(facets=("kind", "trl", "ipc"))).facets == {
            "kind": {},
            "trl": {},
            "ipc": {},
        }

    def test_deleted_documents_are_gone(self, three: Engine) -> None:
        three.delete("outcomes", ["graphene", "never-there", "never there"])
        assert ids(three) == {"sensor", "secret"}
        assert three.search("outcomes", Query(text="石墨烯", facets=("kind",))).facets == {"kind": {}}
        assert three.suggest("outcomes", "石墨") == ()
        three.delete("outcomes", ["graphene"])
        assert three.count("outcomes") == 2

    def test_versions_tell_every_document_once(self, engine: Engine) -> None:
        documents: list[Document] = [{"id": f"n{i:03d}", "version": i + 1} for i in range(250)]
        engine.put("outcomes", documents[::-1])
        assert sorted(engine.versions("outcomes")) == [(f"n{i:03d}", i + 1) for i in range(250)]

    def test_a_rebuild_replaces_everything(self, three: Engine) -> None:
        assert three.rebuild("outcomes", iter(titled("新的电池", "新的电机"))) == 2
        assert ids(three) == {"o0", "o1"}
        assert dict(three.versions("outcomes")) == {"o0": 1, "o1": 1}
        three.put("outcomes", [SENSOR])
        assert ids(three) == {"o0", "o1", "sensor"}
        assert three.rebuild("outcomes", []) == three.count("outcomes") == 0

    def test_readers_see_the_old_content_until_a_rebuild_ends(self, three: Engine) -> None:
        seen: list[set[str]] = []

        def documents() -> Iterator[Document]:
            for document in titled("新的电池", "新的电机"):
                seen.append(ids(three))
                yield document

        three.rebuild("outcomes", documents())
        assert seen == [{"graphene", "sensor", "secret"}] * 2
        assert ids(three) == {"o0", "o1"}

    def test_a_rebuild_that_fails_leaves_the_old_content(self, three: Engine) -> None:
        def failing() -> Iterator[Document]:
            yield from titled("新的电池")
            raise ConnectionError("the database went away")

        with pytest.raises(ConnectionError):
            three.rebuild("outcomes", failing())
        with pytest.raises(BadDocument):
            three.rebuild("outcomes", [*titled("新的电池"), {"id": "bad", "version": None}])
        assert ids(three) == {"graphene", "sensor", "secret"}
        three.put("outcomes", titled("新的电池"))
        assert three.count("outcomes") == 4

    def test_an_engine_that_can_answer_is_ready(self, engine: Engine) -> None:
        engine.ready()
        assert isinstance(engine, Engine)
