"""Cursors: every list can be paged to its end, with nothing twice and nothing left out; forged ones are refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.library import Library
from tests.factories import Caller


def pages(caller: Caller, path: str, **query: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        response = caller.get(path, **query, **cursor)
        assert response.status_code == 200, response.text
        found.append(dict(response.json))
        if response.json["next"] is None:
            return found
        cursor = {"cursor": response.json["next"]}
        assert len(found) < 100


def ids(found: list[dict[str, Any]]) -> list[str]:
    return [item["id"] for page in found for item in page["items"]]


@pytest.mark.parametrize("limit", [1, 7, 29, 30, 100])
@pytest.mark.parametrize("query", [{}, {"q": "焊接"}, {"sort": "price"}, {"sort": "-trl"}], ids=str)
def test_paging_gives_every_item_once(library: Library, limit: int, query: dict[str, str]) -> None:
    found = ids(pages(library.visitor, "outcomes", limit=limit, **query))
    assert len(found) == len(set(found)) == 30
    assert set(found) == {one["id"] for one in library.outcomes}


def test_all_pages_together_are_in_the_order_of_one_long_page(library: Library) -> None:
    short = ids(pages(library.visitor, "outcomes", limit=4, q="焊接"))
    assert short == ids(pages(library.visitor, "outcomes", limit=100, q="焊接"))


def test_the_link_header_leads_to_the_next_page(library: Library) -> None:
    first = library.visitor.get("outcomes", limit=20, q="焊接", industries="C26,A01", facets="field")
    target = first.headers["Link"].removesuffix('>; rel="next"').removeprefix("<")
    second = library.visitor.get(target)
    assert second.json["next"] is None
    assert len(second.json["items"]) == 10


def test_the_last_page_has_no_link(library: Library) -> None:
    assert "Link" not in library.visitor.get("outcomes", limit=100).headers


def test_organisations_can_be_paged(library: Library) -> None:
    found = ids(pages(library.visitor, "organisations", limit=1))
    assert len(found) == len(set(found)) == 2


def test_matches_can_be_paged(library: Library) -> None:
    path = f"demands/{library.demands[2]['id']}/matches"
    everything = ids(pages(library.other, path, limit=100))
    assert len(everything) == len(set(everything)) > 2
    assert ids(pages(library.other, path, limit=2)) == everything


def test_notifications_can_be_paged_newest_first(library: Library) -> None:
    everything = ids(pages(library.owner, "notifications", limit=100))
    assert len(everything) == len(set(everything)) > 3
    assert ids(pages(library.owner, "notifications", limit=3)) == everything == sorted(everything, reverse=True)


def test_a_cursor_of_one_listings_matches_is_no_good_for_another(library: Library) -> None:
    first, second = (f"demands/{library.demands[number]['id']}/matches" for number in (2, 4))
    cursor = library.other.get(first, limit=1).json["next"]
    assert cursor
    assert library.other.get(second, limit=1, cursor=cursor).status_code == 400


def test_a_page_size_and_other_facets_may_change_on_the_way(library: Library) -> None:
    first = library.visitor.get("outcomes", limit=20, q="焊接").json
    second = library.visitor.get("outcomes", limit=5, q="焊接", facets="field", cursor=first["next"])
    assert len(second.json["items"]) == 5


def forged(library: Library) -> dict[str, str]:
    good = library.visitor.get("outcomes", limit=1, q="焊接").json["next"]
    flipped = ("A" if good[-1] != "A" else "B") + good[1:]
    return {
        "empty signature": good.rpartition(".")[0] + ".",
        "no signature": good.rpartition(".")[0],
        "another letter": flipped if flipped != good else good[::-1],
        "backwards": good[::-1],
        "words": "next",
        "dots": "...",
        "not ascii": "游标",
        "another secret": good_elsewhere(),
        "very long": "A" * 4000,
        "NUL": "\x00",
    }


def good_elsewhere() -> str:
    from itsdangerous import URLSafeSerializer

    return str(URLSafeSerializer("another secret", salt="page").dumps(["0" * 16, 1]))


@pytest.mark.parametrize(
    "kind",
    ["empty signature", "no signature", "another letter", "backwards", "words", "dots", "not ascii",
     "another secret", "very long", "NUL"],
)  # fmt: skip
def test_a_forged_cursor_is_400(library: Library, kind: str) -> None:
    response = library.visitor.get("outcomes", limit=1, q="焊接", cursor=forged(library)[kind])
    assert (response.status_code, response.json["type"]) == (400, "/problems/bad-cursor")


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("outcomes", {"q": "激光"}),
        ("outcomes", {"q": "焊接", "sort": "price"}),
        ("outcomes", {"q": "焊接", "trl_from": 3}),
        ("outcomes", {}),
        ("experts", {"q": "焊接"}),
        ("organisations", {"q": "焊接"}),
    ],
)
def test_a_cursor_of_another_list_is_400(library: Library, path: str, query: dict[str, Any]) -> None:
    cursor = library.visitor.get("outcomes", limit=1, q="焊接").json["next"]
    response = library.visitor.get(path, cursor=cursor, **query)
    assert (response.status_code, response.json["type"]) == (400, "/problems/bad-cursor")


@pytest.mark.parametrize("path", ["outcomes", "experts", "demands", "organisations"])
@pytest.mark.parametrize("limit", ["0", "101", "-1", "1.5", "x", "", "1e2", "٣"])
def test_a_page_size_outside_one_to_a_hundred_is_422(library: Library, path: str, limit: str) -> None:
    response = library.visitor.get(path, limit=limit)
    assert response.status_code == 422
    assert response.json["errors"][0]["pointer"] == "/query/limit"
