"""What a question finds: words as people type them, and key terms."""

from __future__ import annotations

import pytest
from samples import PUBLIC, ids, titled

from search.engine import (
    AnyOf,
    Between,
    Engine,
    Query,
    Sort,
    WeightedTerm,
)
from search.indexes import INDEXES
from search.text import terms


class Finding:
    """Any engine finds these, and nothing else."""

    def test_an_empty_index_finds_nothing(self, engine: Engine) -> None:
        page = engine.search("outcomes", Query(facets=("field",)))
        assert (page.hits, page.total, page.facets) == ((), 0, {"field": {}})
        assert engine.count("outcomes") == 0

    def test_an_empty_query_finds_everything(self, library: Engine) -> None:
        page = library.search("outcomes", Query())
        assert {hit.id for hit in page.hits} == {"graphene", "sensor", "secret"}
        assert page.total == library.count("outcomes") == 3

    def test_a_hit_carries_its_version_and_a_score(self, library: Engine) -> None:
        (hit,) = library.search("outcomes", Query(text="石墨烯")).hits
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
    def test_a_document_with_all_words_is_found_and_others_are_not(self, library: Engine, text: str) -> None:
        assert ids(library, text) == {"graphene"}

    def test_all_words_are_wanted(self, library: Engine) -> None:
        assert ids(library, "石墨烯 传感器") == set()

    def test_words_of_a_long_question_need_not_all_be_there(self, library: Engine) -> None:
        assert "graphene" in ids(library, "请问有没有石墨烯锂离子电池负极材料的量产技术")

    @pytest.mark.parametrize("text", ["石墨烯鋰離子電池負極材料", "負極材料", "循環壽命"])
    def test_traditional_and_simplified_are_one(self, library: Engine, text: str) -> None:
        assert ids(library, text) == {"graphene"}

    def test_traditional_documents_are_found_by_simplified_words(self, engine: Engine) -> None:
        engine.put("outcomes", titled("機器學習輔助藥物設計"))
        assert ids(engine, "机器学习") == ids(engine, "药物设计") == {"o0"}

    @pytest.mark.parametrize("text", ["Ｇｒａｐｈｅｎｅ", "ＧＢ／Ｔ　３６２７６"])
    def test_full_width_and_half_width_are_one(self, library: Engine, text: str) -> None:
        assert ids(library, text) == {"graphene"}

    @pytest.mark.parametrize("text", ["graph", "lithium-ion bat", "石墨", "锂离", "负极材", "anode techn"])
    def test_the_last_word_may_be_unfinished(self, library: Engine, text: str) -> None:
        assert "graphene" in ids(library, text)

    @pytest.mark.parametrize("text", ["grapheme", "lithum", "bateries graphene", "Jiangnna"])
    def test_a_latin_word_may_be_misspelt(self, library: Engine, text: str) -> None:
        assert ids(library, text) == {"graphene"}

    def test_a_word_that_exists_is_not_taken_for_another(self, engine: Engine) -> None:
        engine.put(
            "outcomes",
            [
                {"id": "sensor", "version": 1, "title_en": "sensor"},
                {"id": "tensor", "version": 1, "title_en": "tensor"},
            ],
        )
        assert ids(engine, "sensor") == {"sensor"}

    def test_a_phrase_must_stand_as_it_is(self, library: Engine) -> None:
        assert ids(library, '"锂离子电池负极"') == {"graphene"}
        assert ids(library, '"负极锂离子电池"') == set()
        assert ids(library, '"water monitoring"') == {"sensor"}
        assert ids(library, '"monitoring water"') == set()
        assert ids(library, "“光纤传感器” 水质") == {"sensor"}

    def test_a_phrase_does_not_run_from_one_text_into_the_next(self, engine: Engine) -> None:
        engine.put("outcomes", [{"id": "a", "version": 1, "keywords_text": ["optical fibre", "sensor array"]}])
        assert ids(engine, '"fibre sensor"') == set()
        assert ids(engine, '"sensor array"') == {"a"}

    @pytest.mark.parametrize("text", ["...", "，。！？", '"', '""', "+-&|!(){}[]^~*?:\\/", "%%", "\u200b", "\0"])
    def test_text_without_a_word_finds_nothing(self, library: Engine, text: str) -> None:
        assert ids(library, text) == (set() if text.strip() else {"graphene", "sensor", "secret"})

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
    def test_hostile_punctuation_is_only_punctuation(self, library: Engine, text: str) -> None:
        assert ids(library, text) <= {"graphene"}

    def test_names_with_signs_are_words(self, library: Engine) -> None:
        assert ids(library, "c++") == {"sensor"}

    def test_documents_may_hold_anything_a_text_can(self, engine: Engine) -> None:
        engine.put("outcomes", titled("零\0字符 zero", "半个\ud83d代理 half", "表情😀 smile", "x" * 100_000))
        assert ids(engine, "zero") == {"o0"}
        assert ids(engine, "half") == {"o1"}
        assert ids(engine, "smile") == {"o2"}
        assert engine.count("outcomes") == 4

    def test_key_terms_find_documents_that_hold_any_of_them(self, library: Engine) -> None:
        wanted = tuple(WeightedTerm(term, 1.0) for term in terms("石墨烯 battery 光纤"))
        page = library.search("outcomes", Query(terms=wanted))
        assert {"graphene", "sensor"} <= {hit.id for hit in page.hits}
        assert all(hit.score > 0 for hit in page.hits)

    def test_a_heavier_key_term_scores_more(self, library: Engine) -> None:
        def best(light: str, heavy: str) -> str:
            both = (WeightedTerm(light, 0.1), WeightedTerm(heavy, 9.0))
            return library.search("outcomes", Query(terms=both)).hits[0].id

        assert best("光纤", "负极") == "graphene"
        assert best("负极", "光纤") == "sensor"

    def test_key_terms_respect_filters(self, library: Engine) -> None:
        assert ids(library, terms=(WeightedTerm("电池", 1.0),), filters=(PUBLIC,)) == {"graphene"}

    def test_frequencies_count_documents(self, library: Engine) -> None:
        found = library.frequencies("outcomes", ["电池", "负极", "batteri", "没有的词"])
        assert found.total == 3
        assert found.counts == {"电池": 2, "负极": 1, "batteri": 1, "没有的词": 0}
