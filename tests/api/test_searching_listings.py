"""Searches of one kind: filters, ranges, facets, sorts, highlights; compared with what was posted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from market.vocabulary import vocabulary
from schemas.queries import FACETS
from tests.api.library import Library

Holds = Callable[[dict[str, Any]], bool]

FILTERS: list[tuple[str, dict[str, Any], Holds]] = [
    ("outcome", {"field": "new_energy"}, lambda one: one["field"] == "new_energy"),
    ("outcome", {"field": "new_energy,aerospace"}, lambda one: one["field"] in ("new_energy", "aerospace")),
    ("outcome", {"region": "110108"}, lambda one: one["region"] == "110108"),
    ("outcome", {"region": "110000"}, lambda one: one["region"] == "110108"),
    ("outcome", {"industries": "C"}, lambda one: one["industries"] == ["C26"]),
    ("outcome", {"disciplines": "110"}, lambda one: bool(one["disciplines"])),
    ("outcome", {"kind": "software"}, lambda one: one["kind"] == "software"),
    ("outcome", {"category": "basic_theory"}, lambda one: one["category"] == "basic_theory"),
    ("outcome", {"funding_source": "joint"}, lambda one: one["funding_source"] == "joint"),
    ("outcome", {"ip_status": "granted"}, lambda one: one["ip_status"] == "granted"),
    ("outcome", {"ip_kinds": "software_copyright"}, lambda one: one["kind"] == "software"),
    ("outcome", {"cooperation_modes": "consulting"}, lambda one: "consulting" in one["cooperation_modes"]),
    ("outcome", {"trl_from": 7}, lambda one: one["trl"] >= 7),
    ("outcome", {"trl_to": 3}, lambda one: one["trl"] <= 3),
    ("outcome", {"trl_from": 4, "trl_to": 4}, lambda one: one["trl"] == 4),
    ("outcome", {"price_from": 2_000_000}, lambda one: (one["price"] or 0) >= 2_000_000),
    ("outcome", {"price_to": 300_000}, lambda one: one["price"] is not None and one["price"] <= 300_000),
    ("outcome", {"published_from": "2027-01-20"}, lambda one: one["published_at"] >= "2027-01-20"),
    ("outcome", {"published_to": "2027-01-03"}, lambda one: one["published_at"] < "2027-01-04"),
    ("outcome", {"state": "published"}, lambda _: True),
    ("outcome", {"state": "draft"}, lambda _: False),
    ("outcome", {"field": "aerospace", "trl_from": 7}, lambda one: one["field"] == "aerospace" and one["trl"] > 6),
    ("outcome", {"q": '"激光焊接"', "kind": "software"}, lambda one: one["kind"] == "software"),
    ("expert", {"field": "aerospace"}, lambda one: one["field"] == "aerospace"),
    ("expert", {"regions_served": "110000"}, lambda one: one["regions_served"] == ["110108"]),
    ("expert", {"cooperation": "training"}, lambda one: one["cooperation"] == ["training"]),
    ("expert", {"professional_title": "professor"}, lambda one: one["professional_title"] == "professor"),
    ("expert", {"degree": "master"}, lambda one: one["degree"] == "master"),
    ("expert", {"availability": "limited"}, lambda one: one["availability"] == "limited"),
    ("expert", {"published_to": "2027-01-02"}, lambda one: one["published_at"] < "2027-01-03"),
    ("demand", {"region": "130000"}, lambda one: one["region"] == "130000"),
    ("demand", {"region_rule": "required"}, lambda one: one["region_rule"] == "required"),
    ("demand", {"industries": "A01"}, lambda one: one["industries"] == ["A01"]),
    ("demand", {"cooperation_modes": "licence"}, lambda one: one["cooperation_modes"] == ["licence"]),
    ("demand", {"progress": "open"}, lambda _: True),
    ("demand", {"progress": "awarded,solved"}, lambda _: False),
    ("demand", {"trl_from": 7}, lambda one: one["trl_to"] >= 7),
    ("demand", {"trl_to": 2}, lambda one: one["trl_from"] <= 2),
    ("demand", {"budget_from": 450_000}, lambda one: one["budget_to"] >= 450_000),
    ("demand", {"budget_to": 150_000}, lambda one: one["budget_from"] <= 150_000),
    ("demand", {"deadline_from": "2033-01-01"}, lambda one: one["deadline"] >= "2033-01-01"),
    ("demand", {"deadline_to": "2032-06-30"}, lambda one: one["deadline"] <= "2032-06-30"),
]


@pytest.mark.parametrize(("noun", "query", "holds"), FILTERS, ids=lambda value: "" if callable(value) else str(value))
def test_a_filter_finds_what_it_names_and_nothing_else(
    library: Library, noun: str, query: dict[str, Any], holds: Holds
) -> None:
    posted = getattr(library, f"{noun}s")
    assert library.ids(noun, **query) == {one["id"] for one in posted if holds(one)}


@pytest.mark.parametrize("noun", ["outcome", "expert", "demand"])
def test_listings_are_found_by_their_organisation(library: Library, noun: str) -> None:
    organisation = str(library.owner.person.organisation_id)
    posted = getattr(library, f"{noun}s")
    assert library.ids(noun, organisation=organisation) == {one["id"] for one in posted[1::2]}


def test_words_find_what_holds_them(library: Library) -> None:
    found = library.find("outcome", q="电弧焊接")["items"]
    assert found[0]["keywords"] == ["电弧焊接"]


def test_traditional_characters_find_simplified_ones(library: Library) -> None:
    assert library.find("outcome", q="電弧焊接")["total"] == library.find("outcome", q="电弧焊接")["total"] > 0


def test_an_organisation_is_found_by_its_name(library: Library) -> None:
    assert {one["organisation"]["name_zh"] for one in library.find("outcome", q="津门大学")["items"]} == {"津门大学"}


def test_words_that_stand_nowhere_find_nothing(library: Library) -> None:
    assert library.find("outcome", q="恐龙") == {"items": [], "total": 0, "facets": {}, "next": None}


@pytest.mark.parametrize(
    ("noun", "sort", "attribute", "descending"),
    [
        ("outcome", "newest", "published_at", True),
        ("outcome", "price", "price", False),
        ("outcome", "-price", "price", True),
        ("outcome", "trl", "trl", False),
        ("outcome", "-trl", "trl", True),
        ("expert", "newest", "published_at", True),
        ("demand", "newest", "published_at", True),
        ("demand", "deadline", "deadline", False),
        ("demand", "-budget_to", "budget_to", True),
        ("demand", "-reward", "reward", True),
    ],
)
def test_a_sort_orders_by_its_field_and_puts_what_has_none_last(
    library: Library, noun: str, sort: str, attribute: str, descending: bool
) -> None:
    values = [item[attribute] for item in library.find(noun, sort=sort)["items"]]
    given = [value for value in values if value is not None]
    assert given == sorted(given, reverse=descending)
    assert values[len(given) :] == [None] * (len(values) - len(given))
    assert len(values) == len(getattr(library, f"{noun}s"))


def test_experts_are_ordered_by_how_many_works_they_have(library: Library) -> None:
    found = [item["id"] for item in library.find("expert", sort="-works_count")["items"]]
    assert found == [one["id"] for one in reversed(library.experts)]


def test_without_words_the_newest_come_first(library: Library) -> None:
    assert library.find("outcome")["items"][0]["id"] == library.outcomes[-1]["id"]


@pytest.mark.parametrize("noun", ["outcome", "expert", "demand"])
def test_every_facet_can_be_counted(library: Library, noun: str) -> None:
    facets = library.find(noun, facets=",".join(FACETS[noun]))["facets"]
    assert set(facets) == set(FACETS[noun])


@pytest.mark.parametrize("language", ["zh", "en"])
def test_facets_count_and_carry_labels_in_the_callers_language(library: Library, language: str) -> None:
    caller = library.visitor.speaking(language)
    facet = library.find("outcome", caller, facets="field")["facets"]["field"]
    counts = {value["value"]: value["count"] for value in facet}
    assert counts == {"new_materials": 10, "new_energy": 10, "aerospace": 10}
    terms = vocabulary("fields")
    assert all(value["label"] == terms.label(value["value"], language) for value in facet)


@pytest.mark.parametrize(("language", "name"), [("zh", "津门大学"), ("en", "Jinmen University")])
def test_the_facet_of_organisations_carries_their_names(library: Library, language: str, name: str) -> None:
    facet = library.find("outcome", library.visitor.speaking(language), facets="organisation")
    labels = {value["value"]: value["label"] for value in facet["facets"]["organisation"]}
    assert labels[str(library.owner.person.organisation_id)] == name


def test_a_facet_counts_a_code_with_those_above_it(library: Library) -> None:
    facet = library.find("outcome", facets="region")["facets"]["region"]
    counts = {value["value"]: (value["label"], value["count"]) for value in facet}
    assert counts["110108"] == ("Haidian", 10)
    assert counts["110000"] == ("Beijing", 10)


def test_facets_count_only_what_was_found(library: Library) -> None:
    facet = library.find("outcome", trl_from=9, facets="trl")["facets"]["trl"]
    assert [(value["value"], value["count"]) for value in facet] == [("9", 3)]


def test_highlights_mark_the_words_in_the_original_text(library: Library) -> None:
    item = library.find("outcome", q="激光焊接", highlight="true")["items"][0]
    marked = {
        highlight["fragment"][start:end]
        for highlight in item["highlights"]
        for start, end in highlight["marks"]
        if highlight["field"].endswith("_zh")
    }
    assert marked == {"激光焊接"} or marked == {"激光", "焊接"}
    assert {highlight["field"] for highlight in item["highlights"]} >= {"title_zh"}


def test_highlights_are_absent_unless_asked_for(library: Library) -> None:
    assert "highlights" not in library.find("outcome", q="激光焊接")["items"][0]


def test_a_hit_carries_its_score_and_a_summary(library: Library) -> None:
    item = library.find("outcome", q="激光焊接")["items"][0]
    assert item["score"] > 0
    assert "description_zh" not in item
    assert item["organisation"]["name_en"] in ("Jinmen University", "Yanshan Company")


@pytest.mark.parametrize("name", ["field", "region", "state", "organisation", "cooperation_modes", "q", "facets"])
def test_an_empty_parameter_is_as_good_as_none(library: Library, name: str) -> None:
    assert library.ids("outcome", **{name: ""}) == {one["id"] for one in library.outcomes}
