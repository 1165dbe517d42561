"""Listings -> CSV, XLSX, NDJSON or JSON-LD, in pieces. What is written can be read again by reading.py.

Rows are listings as the one caller who asks may see them; nothing is looked up, and no more than a row is kept.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from tempfile import SpooledTemporaryFile
from typing import Any, Literal, get_args

import orjson
import xlsxwriter

from market.files import linked
from market.files.cells import guarded, written
from market.files.columns import Column, columns_of

Format = Literal["csv", "xlsx", "ndjson", "jsonld"]
FORMATS: tuple[Format, ...] = get_args(Format)
MEDIA: Mapping[Format, str] = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "ndjson": "application/x-ndjson",
    "jsonld": "application/ld+json",
}

Row = Mapping[str, Any]

LONGEST_CELL = 32_767  # characters that a cell of a spreadsheet holds
_PIECE = 64 * 1024  # about so many bytes at a time
_IN_MEMORY = 4 * 1024 * 1024
_FIRST_DAY = "1900-03-01"  # spreadsheets count a day too many before it
_WIDTH = 18
_LEFT_OUT = ("owner",)


def write(
    fmt: Format, kind: str, rows: Iterable[Row], *, language: str, labels: bool = True, base: str = ""
) -> Iterator[bytes]:
    """The rows of a kind (outcomes, experts, demands) as a file in this format.

    Tables have headers and codes in `language`, or without `labels` names of fields and codes; NDJSON and JSON-LD
    always have codes. `base` is the service's address, which JSON-LD names. Rows are taken as pieces are asked for,
    in XLSX all of them before the first piece.
    """
    if fmt == "jsonld":
        yield from _pieces(linked.document(kind.removesuffix("s"), rows, base=base))
    elif fmt == "ndjson":
        yield from _pieces(orjson.dumps(line(kind, row, language), option=orjson.OPT_APPEND_NEWLINE) for row in rows)
    else:
        columns = [column for column in columns_of(kind) if column.written and column.name not in _LEFT_OUT]
        headers = [column.header(language) if labels else column.name for column in columns]
        cells = ([_cell(column, row, language, labels=labels) for column in columns] for row in rows)
        yield from _pieces(_csv(headers, cells)) if fmt == "csv" else _xlsx(columns, headers, cells)


def line(kind: str, row: Row, language: str) -> dict[str, Any]:
    """A row as NDJSON has it, and as schemas.rows takes it: what is known of it, by field."""
    found: dict[str, Any] = {}
    for column in columns_of(kind):
        value = _value(column.name, row, language)
        if column.written and column.name not in _LEFT_OUT and value not in (None, "", [], {}):
            found[column.name] = value
    return found


def _value(name: str, row: Row, language: str) -> Any:
    if name == "key":
        return row.get("external_key") or str(row.get("id") or "")
    if name == "organisation":
        return _name(row.get("organisation"), language)
    return row.get(name)


def _name(organisation: Any, language: str) -> str:
    if not isinstance(organisation, Mapping):
        return ""
    names = [str(organisation.get(f"name_{code}") or "") for code in (language, "zh", "en")]
    return next((name for name in names if name), "")[:128]


def _cell(column: Column, row: Row, language: str, *, labels: bool) -> str | int:
    value = _value(column.name, row, language)
    text = written(column, value, language=language, labels=labels)
    if column.form == "works" and len(str(text)) > LONGEST_CELL:
        return _works(column, value, language, labels=labels)
    return text


def _works(column: Column, works: list[Row], language: str, *, labels: bool) -> str:
    """Without abstracts, and then as many as a cell holds."""
    text = str(written(column, [{**work, "abstract": ""} for work in works], language=language, labels=labels))
    return text if len(text) <= LONGEST_CELL else text[: LONGEST_CELL + 1].rpartition("\n")[0]


def _csv(headers: Sequence[str], rows: Iterable[list[str | int]]) -> Iterator[bytes]:
    """With a byte order mark, or spreadsheets would not take it for UTF-8."""
    text = io.StringIO()
    table = csv.writer(text)
    yield codecs.BOM_UTF8
    table.writerow(headers)
    for cells in rows:
        table.writerow([guarded(cell) if isinstance(cell, str) else cell for cell in cells])
        yield text.getvalue().encode()
        text.seek(0)
        text.truncate()
    yield text.getvalue().encode()


def _xlsx(columns: Sequence[Column], headers: Sequence[str], rows: Iterable[list[str | int]]) -> Iterator[bytes]:
    """A workbook is finished before its first byte can be sent: it waits in a file, which is gone afterwards."""
    days = {index for index, column in enumerate(columns) if column.form == "date"}
    with SpooledTemporaryFile(_IN_MEMORY) as file:
        with xlsxwriter.Workbook(file, {"constant_memory": True}) as book:
            day, bold = book.add_format({"num_format": "yyyy-mm-dd"}), book.add_format({"bold": True})
            sheet = book.add_worksheet()
            sheet.freeze_panes(1, 0)
            sheet.set_column(0, len(headers) - 1, _WIDTH)
            for index, header in enumerate(headers):
                sheet.write_string(0, index, header, bold)
            for number, cells in enumerate(rows, start=1):
                for index, cell in enumerate(cells):
                    if isinstance(cell, int):
                        sheet.write_number(number, index, cell)
                    elif index in days and cell >= _FIRST_DAY:
                        sheet.write_datetime(number, index, date.fromisoformat(cell), day)
                    elif cell:
                        sheet.write_string(number, index, guarded(cell)[:LONGEST_CELL])
        file.seek(0)
        while piece := file.read(_PIECE):
            yield piece


def _pieces(parts: Iterable[bytes]) -> Iterator[bytes]:
    """The parts, put together to pieces that are worth sending."""
    held, size = list[bytes](), 0
    for part in parts:
        held.append(part)
        size += len(part)
        if size >= _PIECE:
            yield b"".join(held)
            held, size = [], 0
    yield b"".join(held)
