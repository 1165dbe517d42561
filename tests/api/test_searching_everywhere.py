"""/search over all kinds and /suggest."""

from __future__ import annotations

import pytest

from tests.api.library import Library


def test_all_kinds_are_searched_at_once(library: Library) -> None:
    found = library.visitor.get("search", q="焊接", limit=3).json
    assert found["totals"] == {"outcome": 30, "expert": 0, "demand": 6}
    assert [item["type"] for item in found["items"]] == ["outcome", "demand"] * 3


def test_only_the_kinds_asked_for_are_searched(library: Library) -> None:
    found = library.visitor.get("search", q="焊接", kinds="demand,expert").json
    assert found["totals"] == {"demand": 6, "expert": 0}
    assert {item["type"] for item in found["items"]} == {"demand"}


def test_a_kind_named_twice_is_searched_once(library: Library) -> None:
    found = library.visitor.get("search", q="焊接", kinds="demand,demand").json
    assert len(found["items"]) == 6


def test_hits_of_all_kinds_can_be_highlighted(library: Library) -> None:
    items = library.visitor.get("search", q="焊接", highlight="true", limit=1).json["items"]
    assert all(item["highlights"] and item["score"] > 0 for item in items)


def test_an_expert_is_found_by_name(library: Library) -> None:
    items = library.visitor.get("search", q="齐越丙").json["items"]
    assert items[0]["name_zh"] == "齐越丙"


@pytest.mark.parametrize("q", ["", "   "])
def test_a_search_over_all_kinds_needs_words(library: Library, q: str) -> None:
    response = library.visitor.get("search", q=q)
    assert (response.status_code, response.json["errors"][0]["pointer"]) == (422, "/query/q")


def test_a_kind_that_is_none_is_422(library: Library) -> None:
    response = library.visitor.get("search", q="焊接", kinds="outcome,patent")
    assert (response.status_code, response.json["errors"][0]["pointer"]) == (422, "/query/kinds/1")


def test_a_title_is_completed(library: Library) -> None:
    items = library.visitor.get("suggest", q="第3号激").json["items"]
    assert [(item["text"], item["type"], item["id"]) for item in items] == [
        ("第3号激光焊接装置", "outcome", library.outcomes[3]["id"])
    ]


def test_a_keyword_is_completed_once(library: Library) -> None:
    texts = [item["text"] for item in library.visitor.get("suggest", q="电弧").json["items"]]
    assert texts.count("电弧焊接") == 1


def test_an_english_word_is_completed(library: Library) -> None:
    texts = [item["text"] for item in library.visitor.get("suggest", q="laser wel").json["items"]]
    assert texts
    assert all("Laser welding" in text for text in texts)


def test_names_of_experts_are_completed(library: Library) -> None:
    items = library.visitor.get("suggest", q="齐越", kinds="expert").json["items"]
    assert {item["text"] for item in items} == {f"齐越{letter}" for letter in "甲乙丙丁戊己"}


def test_no_more_completions_than_asked_for(library: Library) -> None:
    assert len(library.visitor.get("suggest", q="齐越", limit=2).json["items"]) == 2


def test_what_completes_nothing_gives_nothing(library: Library) -> None:
    assert library.visitor.get("suggest", q="恐龙").json == {"items": []}
