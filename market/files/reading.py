"""Files of outcomes, experts and demands: bytes in, rows and faults out. The door of this package."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, BinaryIO

from market.files import lines, merged, messages, tables, texts, workbooks, worksheets
from market.files.columns import KINDS, normalised
from market.files.faults import Fault, Refused, Row
from market.files.workbooks import Sheet, Workbook

_MOST_SHEETS = 20
_HEAD = 4096


def read(
    kind: str,
    source: BinaryIO,
    *,
    name: str,
    mapping: Mapping[str, str] | None = None,
    words: Mapping[str, Mapping[str, str]] | None = None,
    start: int = 0,
    places: dict[str, str] | None = None,
) -> Iterator[Row | Fault]:
    """The rows of a file that pass their schema, and a fault for each thing that does not; in the file's order.

    `kind` is outcomes, experts or demands; `source` can be sought and is left open; `name` is the file's name, asked
    only where the content leaves it open what the file is. `mapping` leads from a header of the file to the name of a
    column, "" to leave it out; `words` from a column's name to what foreign words of it mean. Rows up to line
    `start` are passed by. Whatever the bytes are, nothing is raised: a file that cannot be read is a fault of line 0,
    one that cannot be read on is a fault of its line and ends there. `places` is filled with the header of each field
    that a table has.
    """
    try:
        match _format(source, name):
            case "xlsx":
                yield from _workbook(kind, source, mapping, words, start, places)
            case "ndjson":
                yield from _lines(kind, source, mapping, words, start)
            case _:
                yield from _csv(kind, source, mapping, words, start, places)
    except Refused as error:
        yield error.fault


def count(source: BinaryIO, *, name: str) -> int:
    """About how many rows a file has, for showing progress; blank ones may be among them. 0 if it is unreadable."""
    try:
        match _format(source, name):
            case "xlsx":
                return _rows_of_workbook(source)
            case "ndjson":
                return sum(1 for _ in lines.objects(source))
            case _:
                encoding = texts.encoding_of(source)
                found = texts.records(source, encoding, texts.delimiter_of(source, encoding, len))
                return max(0, sum(1 for one in found if isinstance(one, Fault) or any(one[1])) - 1)
    except Refused:
        return 0


def refusal(source: BinaryIO, *, name: str) -> Fault | None:
    """What is wrong with a file as a whole, as far as its first bytes and a workbook's directory tell; nothing is
    unpacked for it."""
    try:
        if _format(source, name) == "xlsx":
            workbooks.open_package(source).close()
    except Refused as error:
        return error.fault
    return None


def _format(source: BinaryIO, name: str) -> str:
    """xlsx, ndjson or csv, by the content, and by the name where the content could be two of them."""
    source.seek(0)
    head = source.read(_HEAD)
    if not head.strip():
        raise Refused(messages.EMPTY)
    if head.startswith(b"PK\3\4") or head.startswith(b"PK\5\6"):
        return "xlsx"
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        workbooks.refuse_old(source)
    bare = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if bare.startswith(b"<"):
        raise Refused(messages.NOT_A_TABLE)
    if not head.startswith((b"\xff\xfe", b"\xfe\xff")) and head.count(0) > len(head) // 8:
        raise Refused(messages.BINARY)
    if bare.startswith(b"{"):
        return "ndjson"
    ending = name.casefold().rpartition(".")[2]
    if ending in ("ndjson", "jsonl", "json"):
        if bare.startswith(b"["):
            raise Refused(messages.ARRAY)
        return "ndjson"
    return "csv"


def _lines(kind: str, source: BinaryIO, mapping: Any, words: Any, start: int) -> Iterator[Row | Fault]:
    some = False
    for one in lines.read(kind, source, mapping=mapping, words=words, start=start):
        some = True
        yield one
    if not some and not start:
        raise Refused(messages.EMPTY)


def _csv(kind: str, source: BinaryIO, mapping: Any, words: Any, start: int, places: Any) -> Iterator[Row | Fault]:
    encoding = texts.encoding_of(source)

    def score(cells: Sequence[str]) -> int:
        return tables.header_score(kind, cells, mapping)

    found = texts.records(source, encoding, texts.delimiter_of(source, encoding, score))
    yield from tables.read(kind, found, mapping=mapping, words=words, start=start, places=places)


def _workbook(
    kind: str, source: BinaryIO, mapping: Any, words: Any, start: int, places: Any
) -> Iterator[Row | Fault]:
    workbook = workbooks.open_workbook(source)
    with workbook.package, workbooks.reading():
        sheet = _sheet(kind, workbook, mapping)
        with workbook.package.open(sheet.part) as stream:
            _, ranges = workbooks.surveyed(stream)
        with workbook.package.open(sheet.part) as stream:
            found: Any = worksheets.rows(stream, workbook.book)
            if ranges:
                found = merged.told(kind, found, ranges, mapping)
            epoch = workbook.book.epoch
            yield from tables.read(kind, found, mapping=mapping, words=words, start=start, epoch=epoch, places=places)


def _rows_of_workbook(source: BinaryIO) -> int:
    package = workbooks.open_package(source)
    with package, workbooks.reading():
        sheets = [part for part in package.namelist() if part.startswith("xl/worksheets/") and part.endswith(".xml")]
        counts = [0]
        for part in sheets[:_MOST_SHEETS]:
            with package.open(part) as stream:
                counts.append(workbooks.surveyed(stream)[0] - 1)
    return max(counts)


def _sheet(kind: str, workbook: Workbook, mapping: Any) -> Sheet:
    """The visible sheet that is named like the kind and has its header, or else the first that has it."""
    named = {normalised(name) for name in (kind, kind[:-1], KINDS[kind], f"科技{KINDS[kind]}", f"{KINDS[kind]}表")}
    seen = [sheet for sheet in workbook.sheets if sheet.visible][:_MOST_SHEETS]
    for sheet in sorted(seen, key=lambda sheet: normalised(sheet.name) not in named):
        with workbook.package.open(sheet.part) as stream:
            first = (cells for (_, cells), _ in zip(worksheets.rows(stream, workbook.book), range(10), strict=False))
            if any(tables.header_score(kind, cells, mapping) > 1 for cells in first):
                return sheet
    raise Refused(messages.NO_HEADER.format(kind=kind, kind_zh=KINDS[kind]), 1 if seen else 0)
