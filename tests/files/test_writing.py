"""What is exported can be imported again unchanged, and no spreadsheet runs what somebody wrote."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc
from collections.abc import Iterator
from datetime import date
from typing import Any

import marshmallow
import pytest
import python_calamine
from hypothesis import assume, given, settings
from hypothesis import strategies as some
from marshmallow import fields
from webargs.fields import DelimitedList

from market.files import writing
from market.files.columns import columns_of
from market.files.faults import Row
from market.files.reading import read
from market.vocabulary import protection
from schemas.base import Code, Text, Whole
from schemas.common import Indicator, IpcSymbol
from schemas.disclosure import Tiers
from schemas.experts import Orcid
from schemas.rows import ROWS
from tests.factories import payload

KINDS = ("outcomes", "experts", "demands")
NASTY = ["=", "+", "-", "@", "'", ";", "；", "、", ",", "，", "|", "｜", "\n", "\t", "\\", '"', "漢", "é", "≥", "~",
         ":", "1", "a", " ", "_x0041_", "是", "介于", "万", "#", "&", "<", "😀"]  # fmt: skip
ID = "0192f0c1-7a52-7c3e-9b1d-3f6a8e5d4c21"
_LEFT_OUT = {"owner", "key", "organisation", "external_key", "organisation_id"}


def words(longest: int) -> some.SearchStrategy[str]:
    """Texts as their schema leaves them: trimmed, with everything in them that could be misread."""
    made = some.lists(some.sampled_from(NASTY), min_size=1, max_size=8).map("".join)
    return made.map(str.strip).filter(lambda text: 0 < len(text) <= longest)


def value_of(field: fields.Field[Any]) -> some.SearchStrategy[Any]:
    """What a field may hold."""
    match field:
        case Tiers():
            return tiers(field.noun)
        case IpcSymbol():
            return some.sampled_from(["C08J", "C09D163/00"])
        case Orcid():
            return some.just("0000-0002-1825-0097")
        case Code():
            return some.sampled_from(field.vocabulary.codes)
        case Text():
            return words(field.maximum)
        case Whole():
            return some.integers(*field.bounds)
        case fields.Boolean():
            return some.booleans()
        case fields.Date():
            return some.dates(date(1800, 1, 1), date(2200, 1, 1)).map(date.isoformat)
        case fields.Email():
            return some.just("lin@people.example")
        case fields.List() if not isinstance(field, DelimitedList):
            return some.lists(value_of(field.inner), max_size=3, unique_by=str)
        case fields.Nested() if isinstance(field.schema, Indicator):
            return indicators()
        case fields.Nested():
            return objects(field.schema)
    raise AssertionError(field)


def tiers(noun: str) -> some.SearchStrategy[dict[str, str]]:
    offered = {name: protection.choices(noun, name) for name in protection.FIELDS[noun]}
    known = {name: some.sampled_from(choices) for name, choices in offered.items() if choices}
    return some.fixed_dictionaries({}, optional=known)


def objects(schema: marshmallow.Schema) -> some.SearchStrategy[dict[str, Any]]:
    known = {name: value_of(field) for name, field in schema.fields.items() if name not in _LEFT_OUT}
    needed = {name for name in known if schema.fields[name].required}
    return some.fixed_dictionaries(
        {name: known[name] for name in needed}, optional={name: known[name] for name in known if name not in needed}
    )


def indicators() -> some.SearchStrategy[dict[str, Any]]:
    figure = some.integers(-(10**6), 10**6) | some.floats(-1e6, 1e6)
    unit = some.fixed_dictionaries({}, optional={"unit": words(32)})
    single = some.fixed_dictionaries(
        {"name": words(64), "direction": some.sampled_from(["at_least", "at_most", "exactly"]), "value": figure}
    )
    pair = some.tuples(words(64), figure, figure).map(
        lambda parts: {
            "name": parts[0],
            "direction": "between",
            "value": min(parts[1:]),
            "value_to": max(parts[1:]),
        }
    )
    return some.tuples(single | pair, unit).map(lambda both: {**both[0], **both[1]})


def back(fmt: writing.Format, kind: str, rows: list[dict[str, Any]], **options: Any) -> list[Any]:
    """The rows written, and read again."""
    written = b"".join(writing.write(fmt, kind, rows, **{"language": "zh", **options}))
    return list(read(kind, io.BytesIO(written), name=f"{kind}.{fmt}"))


def known(data: dict[str, Any]) -> dict[str, Any]:
    """What a row says; a cell that is empty says nothing, and a list of nothing neither."""
    found = {name: value for name, value in data.items() if value not in (None, "", [], {})}
    for name in ("works", "ip_rights", "indicators"):
        if name in found:
            found[name] = [{key: it for key, it in one.items() if it not in (None, "")} for one in found[name]]
    return found


def loaded(kind: str, row: dict[str, Any]) -> dict[str, Any]:
    """The row as its schema gives it."""
    return known(ROWS[kind]().load(writing.line(kind, row, "zh")))


FIELDS = {
    kind: {
        column.name: value_of(ROWS[kind]().fields[column.name])
        for column in columns_of(kind)
        if column.written and column.name not in _LEFT_OUT
    }
    for kind in KINDS
}


@pytest.mark.parametrize("fmt", ["csv", "xlsx", "ndjson"])
@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=25)
@given(data=some.data())
def test_whatever_a_listing_holds_is_read_again_as_it_was(
    fmt: writing.Format, kind: str, data: some.DataObject
) -> None:
    check_one(fmt, kind, data)


@pytest.mark.long
@pytest.mark.parametrize("fmt", ["csv", "xlsx", "ndjson"])
@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=500)
@given(data=some.data())
def test_whatever_many_listings_hold_is_read_again(fmt: writing.Format, kind: str, data: some.DataObject) -> None:
    check_one(fmt, kind, data)


def check_one(fmt: writing.Format, kind: str, data: some.DataObject) -> None:
    """One listing with one to three of its fields, written and read."""
    names = data.draw(some.lists(some.sampled_from(sorted(FIELDS[kind])), min_size=1, max_size=3, unique=True))
    row = {"id": ID, **{name: data.draw(FIELDS[kind][name]) for name in names}}
    assume(_fits(kind, row))
    labels, language = data.draw(some.booleans()), data.draw(some.sampled_from(["zh", "en"]))
    [again] = back(fmt, kind, [row], labels=labels, language=language)
    assert isinstance(again, Row), again
    assert known(again.data) == loaded(kind, row)


def _fits(kind: str, row: dict[str, Any]) -> bool:
    """Whether the schema would take it: some rules are about several fields."""
    return not ROWS[kind]().validate(writing.line(kind, {**row, "id": ID}, "zh"))


@pytest.mark.parametrize("fmt", ["csv", "xlsx", "ndjson"])
@pytest.mark.parametrize("noun", ["outcome", "expert", "demand"])
def test_an_own_key_and_the_organisations_name_come_with_a_row(fmt: writing.Format, noun: str) -> None:
    row = {
        **payload(noun),
        "id": ID,
        "external_key": "HB-1",
        "organisation": {"name_zh": "天津港研究院", "name_en": "TPI"},
    }
    for language, name in (("zh", "天津港研究院"), ("en", "TPI")):
        [again] = back(fmt, f"{noun}s", [row], language=language)
        assert (again.data["key"], again.data["organisation"]) == ("HB-1", name)
    [alone] = back(fmt, f"{noun}s", [{**row, "external_key": None, "organisation": None}])
    assert (alone.data["key"], "organisation" in alone.data) == (ID, False)


FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "'=1+1", "''@x", '=HYPERLINK("http://x.example")']


@pytest.mark.parametrize("text", FORMULAS)
def test_what_begins_like_a_formula_gets_a_quote_that_comes_off_again(text: str) -> None:
    row = {**payload("outcome"), "id": ID, "title_zh": text, "summary_zh": f"{text}\n=2"}
    rows = list(csv.reader(io.StringIO(_bytes("csv", [row]).decode("utf-8-sig"), newline="")))
    assert dict(zip(*rows, strict=True))["成果名称"] == f"'{text}"
    sheet = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(_bytes("xlsx", [row]))).get_sheet_by_index(0)
    assert dict(zip(*sheet.to_python(), strict=True))["成果名称"] == f"'{text}"
    for fmt in ("csv", "xlsx"):
        [again] = back(fmt, "outcomes", [row])
        assert (again.data["title_zh"], again.data["summary_zh"]) == (text, f"{text}\n=2")


def test_no_cell_of_a_table_begins_like_a_formula() -> None:
    row = {**payload("expert"), "id": "=x", "keywords": ["=a"], "works": [{"title": "=b", "kind": "paper"}],
           "contact_phone": "+86 22", "organisation": {"name_zh": "@c"}}  # fmt: skip
    rows = list(csv.reader(io.StringIO(_bytes("csv", [row], "experts").decode("utf-8-sig"), newline="")))
    assert not [cell for cells in rows for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


def test_numbers_are_numbers_and_days_are_days_in_a_workbook() -> None:
    row = {**payload("outcome"), "id": ID, "valid_until": "2027-09-30"}
    sheet = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(_bytes("xlsx", [row]))).get_sheet_by_index(0)
    cells = dict(zip(*sheet.to_python(), strict=True))
    assert (cells["价格"], cells["技术成熟度"], cells["有效期至"]) == (1_800_000, 7, date(2027, 9, 30))


def test_a_csv_begins_with_the_mark_that_spreadsheets_look_for() -> None:
    assert _bytes("csv", []).startswith(b"\xef\xbb\xbf")


@pytest.mark.parametrize("fmt", ["csv", "xlsx"])
def test_works_that_no_cell_can_hold_are_written_without_abstracts_and_as_many_as_fit(fmt: writing.Format) -> None:
    works = [{"kind": "paper", "title": f"{n} {'t' * 100}", "abstract": "a" * 4000} for n in range(20)]
    [short] = back(fmt, "experts", [{**payload("expert"), "id": ID, "works": works}])
    assert [known({"works": [work]})["works"][0]["title"] for work in short.data["works"]] == [
        work["title"] for work in works
    ]
    many = [{"kind": "paper", "title": f"{n} {'t' * 500}"} for n in range(200)]
    [cut] = back(fmt, "experts", [{**payload("expert"), "id": ID, "works": many}])
    assert [work["title"] for work in cut.data["works"]] == [work["title"] for work in many][: len(cut.data["works"])]
    assert 50 < len(cut.data["works"]) < 200


def test_linked_data_is_written_for_its_kind() -> None:
    [thing] = json.loads(_bytes("jsonld", [{**payload("expert"), "id": ID}], "experts"))["@graph"]
    assert thing["@type"] == "Person"


@pytest.mark.long
@pytest.mark.parametrize("fmt", writing.FORMATS)
def test_memory_stays_flat_however_many_rows_there_are(fmt: writing.Format) -> None:
    row = {**payload("outcome"), "id": ID, "description_zh": "描述" * 2000}

    def peak(count: int) -> int:
        tracemalloc.start()
        for _ in writing.write(fmt, "outcomes", _many(row, count), language="zh"):
            pass
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return highest

    peak(10)
    assert peak(700) < peak(150) + 2_000_000  # which are more than 6 MB more


def _many(row: dict[str, Any], count: int) -> Iterator[dict[str, Any]]:
    for number in range(count):
        yield {**row, "id": str(number)}


def _bytes(fmt: writing.Format, rows: list[dict[str, Any]], kind: str = "outcomes") -> bytes:
    return b"".join(writing.write(fmt, kind, rows, language="zh"))
