"""Exports of searches, and works taken from bibliographies: what is in them, for whom, and what they are called."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.test import TestResponse

from market.runtime import Runtime
from market.services.files import exporting
from market.services.rights.access import SYSTEM
from schemas.exports import OutcomeExport
from tests.factories import NOUNS, Caller, post

Drain = Callable[[], int]


def lines(response: TestResponse) -> list[dict[str, Any]]:
    """The rows of an NDJSON answer."""
    assert response.status_code == 200, response.text
    return [json.loads(line) for line in response.data.splitlines()]


def table(response: TestResponse) -> list[dict[str, str]]:
    """The rows of a CSV answer, by header."""
    assert response.status_code == 200, response.text
    return list(csv.DictReader(io.StringIO(response.data.decode("utf-8-sig"), newline="")))


def export(caller: Caller, noun: str, **query: Any) -> TestResponse:
    return caller.get(f"{noun}s/export", **{"format": "ndjson", **query})


@pytest.fixture
def exchange(owner: Caller, drain: Drain) -> dict[str, list[dict[str, Any]]]:
    """Three of each kind, published, found by searches."""
    names = {"expert": "name_zh"}
    made = {
        noun: [
            post(
                owner, noun, external_key=f"{noun}-{number}", contact_phone="022-1234",
                **{names.get(noun, "title_zh"): f"第{number}号涂层"},
            )
            for number in range(3)
        ]
        for noun in NOUNS
    }  # fmt: skip
    drain()
    return made


@pytest.mark.parametrize("noun", NOUNS)
def test_an_export_has_every_listing_that_the_search_finds_in_its_order(
    exchange: dict[str, list[dict[str, Any]]], stranger: Caller, noun: str
) -> None:
    found = stranger.get(f"{noun}s", q="涂层", sort="newest").json
    rows = lines(export(stranger, noun, q="涂层", sort="newest"))
    assert [row["key"] for row in rows] == [item["id"] for item in found["items"]]
    assert len(rows) == 3
    assert lines(export(stranger, noun, field="aerospace")) == []


def test_rows_have_all_fields_for_the_owner_and_nothing_confidential_for_others(
    exchange: dict[str, list[dict[str, Any]]], owner: Caller, stranger: Caller
) -> None:
    for noun in NOUNS:
        mine, theirs = (lines(export(caller, noun)) for caller in (owner, stranger))
        assert {row["contact_phone"] for row in mine} == {"022-1234"}
        assert {row["key"] for row in mine} == {f"{noun}-{number}" for number in range(3)}
        for fmt in ("csv", "ndjson", "jsonld"):
            answer = export(stranger, noun, format=fmt).text
            assert "022-1234" not in answer
            assert f"{noun}-0" not in answer
        assert {row["key"] for row in theirs} == {one["id"] for one in exchange[noun]}


def test_a_listing_that_is_not_public_is_exported_to_its_owner_alone(
    owner: Caller, stranger: Caller, drain: Drain
) -> None:
    draft = post(owner, "outcome", submit=False)
    drain()
    assert [row["key"] for row in lines(export(owner, "outcome", state="draft"))] == [draft["id"]]
    assert lines(export(stranger, "outcome", state="draft")) == []


def test_a_listing_withdrawn_since_it_was_indexed_is_not_exported(
    exchange: dict[str, list[dict[str, Any]]], owner: Caller, stranger: Caller
) -> None:
    gone = exchange["demand"][0]
    owner.post(f"demands/{gone['id']}/actions/withdraw", {})
    assert gone["id"] not in export(stranger, "demand").text


def test_the_organisation_of_a_masked_demand_is_not_in_an_export(
    owner: Caller, stranger: Caller, drain: Drain
) -> None:
    named = post(owner, "demand", organisation_masked=False)["organisation"]["name_zh"]
    masked = post(owner, "demand", organisation_masked=True)
    drain()
    rows = {row["key"]: row for row in lines(export(stranger.speaking("zh"), "demand"))}
    assert sorted(str(row.get("organisation")) for row in rows.values()) == sorted([named, "None"])
    assert "organisation" not in rows[masked["id"]]


def test_tables_speak_the_callers_language_or_in_codes(
    exchange: dict[str, list[dict[str, Any]]], stranger: Caller
) -> None:
    zh = table(export(stranger.speaking("zh"), "outcome", format="csv"))[0]
    en = table(export(stranger, "outcome", format="csv"))[0]
    codes = table(export(stranger, "outcome", format="csv", labels="false"))[0]
    assert (zh["技术领域"], zh["所在地区"]) == ("新材料", "天津市")
    assert (en["Field"], en["Region"]) == ("New materials", "Tianjin")
    assert (codes["field"], codes["region"]) == ("new_materials", "120000")


def test_a_workbook_and_linked_data_come_with_their_type_and_name(
    exchange: dict[str, list[dict[str, Any]]], stranger: Caller
) -> None:
    book = export(stranger, "outcome", format="xlsx")
    assert book.headers["Content-Type"].endswith("spreadsheetml.sheet")
    assert book.headers["Content-Disposition"].endswith('.xlsx"')
    with zipfile.ZipFile(io.BytesIO(book.data)) as parts:
        assert "xl/worksheets/sheet1.xml" in parts.namelist()
    linked = export(stranger, "outcome", format="jsonld")
    assert linked.headers["Content-Type"].startswith("application/ld+json")
    assert {one["@id"] for one in json.loads(linked.data)["@graph"]} == {
        f"urn:uuid:{one['id']}" for one in exchange["outcome"]
    }


def test_an_export_is_not_for_visitors_and_refuses_what_no_search_knows(visitor: Caller, owner: Caller) -> None:
    for noun in NOUNS:
        assert visitor.get(f"{noun}s/export").status_code == 401
        assert owner.get(f"{noun}s/export", nonsense="1").status_code == 422
        assert owner.get(f"{noun}s/export", format="pdf").status_code == 422


def test_an_answer_says_where_more_was_found_than_it_holds(
    exchange: dict[str, list[dict[str, Any]]], stranger: Caller
) -> None:
    part = export(stranger, "expert", limit=2)
    assert (part.headers["X-Truncated"], len(lines(part))) == ("true", 2)
    assert "X-Truncated" not in export(stranger, "expert").headers


def test_rows_are_counted_batch_by_batch_before_they_are_given(
    exchange: dict[str, list[dict[str, Any]]], runtime: Runtime
) -> None:
    with runtime.db.reading() as session:
        selection = exporting.select(session, runtime.engine, SYSTEM, "outcome", OutcomeExport().load({}))
    heard: list[int] = []
    rows = exporting.rows(
        runtime.db, SYSTEM, selection, lambda _, batch: [{"id": row.id} for row in batch],
        on_rows=heard.append, batch=2,
    )  # fmt: skip
    next(iter(rows))
    assert heard == [2]
    assert len(list(rows)) == 2
    assert heard == [2, 1]


def give(caller: Caller, expert: dict[str, Any], version: int | None, **body: Any) -> TestResponse:
    """Give an expert a bibliography."""
    headers = {} if version is None else {"If-Match": f'"{version}"'}
    return caller.post(f"experts/{expert['id']}/works", body, headers=headers)


BIBTEX = "@article{a, title = {A {Nobel} work}, year = 2020, doi = {10.1000/a}}\n@article{b, year = 2021}"


def test_works_of_a_bibliography_are_added_once_and_what_was_left_out_is_told(owner: Caller, drain: Drain) -> None:
    expert = post(owner, "expert")
    first = give(owner, expert, expert["version"], format="bibtex", text=BIBTEX)
    assert first.status_code == 200, first.text
    assert [work["title"] for work in first.json["works"]] == [expert["works"][0]["title"], "A Nobel work"]
    assert first.json["skipped"] == [{"key": "b", "line": 2, "message": "The entry has no title."}]
    again = give(owner, expert, first.json["version"], format="auto", text=BIBTEX)
    assert again.json["works"] == first.json["works"]
    drain()
    assert owner.get("experts", q="Nobel").json["total"] == 1


def test_works_are_replaced_where_that_is_asked_for(owner: Caller) -> None:
    expert = post(owner, "expert")
    text = json.dumps([{"title": "Only this", "type": "patent", "number": "ZL1"}])
    answer = give(owner, expert, expert["version"], text=text, mode="replace")
    assert [(one["title"], one["kind"], one["identifier"]) for one in answer.json["works"]] == [
        ("Only this", "patent", "ZL1")
    ]


def test_a_bibliography_without_works_changes_nothing_and_says_why_in_ones_language(owner: Caller) -> None:
    expert = post(owner, "expert")
    for mode in ("add", "replace"):
        refused = give(owner.speaking("zh"), expert, expert["version"], text="hello", mode=mode)
        assert refused.status_code == 422
        assert refused.json["errors"][0]["pointer"] == "/text"
        assert "BibTeX" in refused.json["errors"][0]["message"]
    assert owner.get(f"experts/{expert['id']}").json == expert


def test_works_are_taken_by_whoever_may_change_the_profile_as_it_is_now(owner: Caller, stranger: Caller) -> None:
    expert = post(owner, "expert")
    assert give(stranger, expert, expert["version"], text=BIBTEX).status_code == 403
    assert give(owner, expert, 99, text=BIBTEX).status_code == 412
    assert give(owner, expert, None, text=BIBTEX).status_code == 428
