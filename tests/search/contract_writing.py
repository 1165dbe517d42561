"""What is shown of a document, and how documents come and go."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from samples import GRAPHENE, PUBLIC, SENSOR, THREE, ids, titled

from search.engine import (
    AnyOf,
    BadDocument,
    Document,
    Engine,
    Query,
)


class Showing:
    """Any engine marks and suggests original texts."""

    def test_highlights_mark_the_original_text(self, library: Engine) -> None:
        asked = Query(text="負極 Battery graph", highlight=("title_zh", "title_en", "keywords_text", "summary_zh"))
        (hit,) = library.search("outcomes", asked).hits
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

    def test_fields_without_a_found_word_have_no_highlight(self, library: Engine) -> None:
        (hit,) = library.search("outcomes", Query(text="gb/t", highlight=("title_zh", "description_en"))).hits
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
        self, library: Engine, text: str, expected: set[str]
    ) -> None:
        found = library.suggest("outcomes", text, filters=(PUBLIC,))
        assert {suggestion.text for suggestion in found} == expected
        assert {suggestion.id for suggestion in found} <= {"graphene", "sensor"}

    def test_suggestions_are_distinct_and_limited(self, engine: Engine) -> None:
        engine.put("outcomes", titled(*["燃料电池"] * 5, "燃料电池双极板", "燃料电池催化剂"))
        found = engine.suggest("outcomes", "燃料")
        assert sorted(s.text for s in found) == sorted(["燃料电池", "燃料电池双极板", "燃料电池催化剂"])
        assert len(engine.suggest("outcomes", "燃料", limit=2)) == 2
        assert engine.suggest("outcomes", "燃料", limit=0) == ()


class Writing:
    """Any engine writes all or nothing, and shows it at once."""

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
            ({"price": 2**53}, "price"),
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

    def test_versions_tell_every_document_once_in_order_of_id(self, engine: Engine) -> None:
        documents: list[Document] = [{"id": f"n{i:03d}", "version": i + 1} for i in range(250)]
        engine.put("outcomes", documents[::-1])
        assert list(engine.versions("outcomes")) == [(f"n{i:03d}", i + 1) for i in range(250)]

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
