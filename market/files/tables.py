"""Rows of cells as rows that passed their schema: header, cells, faults. Knows no file formats."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

from marshmallow import ValidationError

from market.files import messages
from market.files.cells import NEGOTIABLE, BadCell, Read, is_number, reader
from market.files.columns import KINDS, Column, Matched, columns_of, match_header, score
from market.files.faults import MOST_ROWS, Fault, Refused, Row, Trouble, letter
from market.files.lines import as_message
from schemas.base import pointers
from schemas.messages import Message
from schemas.quick import loader
from schemas.rows import ROWS

# The header is the best of so many first rows: above it there may be a title.
_LOOKED_AT = 10


@dataclass(frozen=True, slots=True)
class Plan:
    """How the rows under one header are read; a reader stands beside whether it takes plain texts as they are."""

    shown: Mapping[int, str]
    readers: tuple[tuple[int, Column, Read | None, bool], ...]
    spare: frozenset[int]
    width: int
    load: Callable[[Any], dict[str, Any]]


def header_score(kind: str, cells: Sequence[Any], mapping: Mapping[str, str] | None = None) -> int:
    """How many of these cells name a column of `kind`."""
    return score(kind, _headers(cells), mapping)


def _headers(cells: Sequence[Any]) -> list[str]:
    return [cell.strip() if isinstance(cell, str) else "" for cell in cells]


def read(
    kind: str,
    records: Iterable[tuple[int, Sequence[Any]] | Fault],
    *,
    mapping: Mapping[str, str] | None = None,
    words: Mapping[str, Mapping[str, str]] | None = None,
    start: int = 0,
    epoch: int = 1900,
    places: dict[str, str] | None = None,
) -> Iterator[Row | Fault]:
    """The rows after line `start` and faults of them, after the faults of the header, which are told anyway.

    Refused where there is no header, no column for the key, one that may not be left out, or more rows than may be.
    """
    found = iter(records)
    first = list(islice((one for one in found if isinstance(one, Fault) or not _is_blank(one[1])), _LOOKED_AT))
    at = _header_at(kind, first, mapping)
    yield from (one for one in first[:at] if isinstance(one, Fault))
    header = first[at]
    if isinstance(header, Fault):  # never: the header is a row
        return
    headers = _headers(header[1])
    matched, faults = match_header(kind, headers, mapping)
    _refuse_two_rows(kind, header[0], headers, matched, first[at + 1 :], mapping)
    for fault in faults:
        yield Fault(header[0], _shown(headers, fault.index), fault.message)
    if any(fault.stops for fault in faults):
        raise Refused(messages.UNREAD_COLUMNS, header[0])
    key = next(column for column in columns_of(kind) if column.name == "key")
    if all(one.column.name != "key" for one in matched):
        told = messages.COLUMN_MISSING.format(name="key", en=key.en, zh=key.zh)
        raise Refused(told, header[0])
    plan = _plan(kind, headers, matched, words or {}, epoch)
    if places is not None:
        places |= _places(plan)
    some = False
    for one in _rows(plan, chain(first[at + 1 :], found), start):
        some = True
        yield one
    if not some and not start:
        yield Fault(header[0], "", messages.NO_ROWS, ends=True)


def _header_at(kind: str, first: Sequence[Any], mapping: Mapping[str, str] | None) -> int:
    scores = [0 if isinstance(one, Fault) else header_score(kind, one[1], mapping) for one in first]
    if not scores:
        raise Refused(messages.EMPTY)
    if not max(scores):
        raise Refused(messages.NO_HEADER.format(kind=kind, kind_zh=KINDS[kind]), 1)
    # One word of a title may be the name of a column by chance; the first row with two is the header.
    return next((at for at, found in enumerate(scores) if found > 1), scores.index(max(scores)))


def _refuse_two_rows(
    kind: str, line: int, headers: list[str], matched: list[Matched], after: Sequence[Any], mapping: Any
) -> None:
    """Where the next row names columns that the header leaves open, and names no record, it is more of the header."""
    below = next((one for one in after if not isinstance(one, Fault)), (0, ()))
    cells = _headers(below[1])
    keys = [cells[one.index] for one in matched if one.column.name == "key" and one.index < len(cells)]
    if any(key and not score(kind, [key], mapping) for key in keys):
        return
    names = [
        cell[:32]
        for index, cell in enumerate(cells)
        if cell and not (index < len(headers) and headers[index]) and score(kind, [cell], mapping)
    ]
    if names:
        named = Message(", ".join(names[:5]), "、".join(names[:5]))
        raise Refused(messages.TWO_HEADERS.format(line=below[0], names=named), line)


def _plan(
    kind: str, headers: list[str], matched: list[Matched], words: Mapping[str, Mapping[str, str]], epoch: int
) -> Plan:
    readers = tuple(
        (
            one.index,
            one.column,
            reader(one.column, words=words.get(one.column.name), scale=one.scale, epoch=epoch),
            one.column.form == "text" and not is_number(one.column),
        )
        for one in sorted(matched, key=lambda one: one.column.form == "budget")
    )
    shown = {index: _shown(headers, index) for index in range(len(headers))}
    spare = frozenset(index for index, header in enumerate(headers) if not header)
    return Plan(shown, readers, spare, len(headers), loader(ROWS[kind]()))


def _shown(headers: Sequence[str], index: int) -> str:
    """A header as it stands in the file, with the letter of its column."""
    name = headers[index][:64] if index < len(headers) else ""
    return f"{name} ({letter(index)})".strip()


def _rows(plan: Plan, records: Iterable[Any], start: int) -> Iterator[Row | Fault]:
    seen = 0
    for one in records:
        if isinstance(one, Fault):
            if one.line > start:
                yield one
            continue
        line, cells = one
        seen += 1
        if seen > MOST_ROWS:
            raise Refused(messages.TOO_MANY_ROWS.format(most=MOST_ROWS), line)
        if line > start:
            yield from _row(plan, line, cells)


def _row(plan: Plan, line: int, cells: Sequence[Any]) -> Iterator[Row | Fault]:
    data: dict[str, Any] = {}
    bad: dict[int, Message] = {}
    count = len(cells)
    for index, column, read_cell, is_plain in plan.readers:
        cell = cells[index] if index < count else ""
        if cell == "" or cell is None:
            continue
        if is_plain and cell.__class__ is str and cell[0] != "'" and not cell[0].isspace():
            data[column.name] = cell  # by far the most cells, and the schema does the rest
            continue
        try:
            _put(data, column, cell, read_cell)
        except BadCell as error:
            bad[index] = error.message
    if count > plan.width or plan.spare:
        bad |= _beyond(plan, cells)
    if not data and not bad and _is_blank(cells):
        return
    faults = [Fault(line, plan.shown.get(index) or f"({letter(index)})", told) for index, told in bad.items()]
    try:
        loaded = plan.load(data)
    except ValidationError as error:
        faults += _told(plan, line, error, {column.name for index, column, *_ in plan.readers if index in bad})
    if faults:
        order = {shown: index for index, shown in plan.shown.items()}
        yield from sorted(faults, key=lambda fault: order.get(fault.column, len(order)))
    else:
        yield Row(line, loaded)


def _put(data: dict[str, Any], column: Column, cell: Any, read_cell: Any) -> None:
    """One cell's value, where it has one."""
    if cell.__class__ is Trouble:
        raise BadCell(cell.message)
    if cell.__class__ is str:
        cell = cell.strip()
        if not cell:
            return
    value = read_cell(cell)
    if value is None:
        return
    if value == NEGOTIABLE and column.form in ("money", "budget"):
        if not column.of:
            raise BadCell(messages.NO_AMOUNT, cell)
        data.setdefault(column.of, True)
    elif column.form == "budget":
        for name, amount in zip(("budget_from", "budget_to"), value, strict=True):
            if amount is not None:
                data.setdefault(name, amount)
    else:
        data[column.name] = value


def _beyond(plan: Plan, cells: Sequence[Any]) -> dict[int, Message]:
    """Cells that stand under no header."""
    places = chain(plan.spare, range(plan.width, len(cells)))
    held = (index for index in places if index < len(cells) and not _is_blank(cells[index : index + 1]))
    return dict.fromkeys(islice(held, 3), messages.BEYOND_HEADER)


def _is_blank(cells: Sequence[Any]) -> bool:
    return all(cell is None or (cell.__class__ is str and not cell.strip()) for cell in cells)


def _told(plan: Plan, line: int, error: ValidationError, known: set[str]) -> Iterator[Fault]:
    """What the schema refused, by the headers that the fields came from; not again what is told of a cell."""
    places = _places(plan)
    for pointer, texts in pointers(error.messages).items():
        field, _, rest = pointer.removeprefix("/").partition("/")
        if field in known:
            continue
        entry = rest.partition("/")[0]
        for text in texts:
            told = as_message(text)
            told = messages.entry(int(entry) + 1, told) if entry.isdigit() else told
            yield Fault(line, places.get(field, field), told)


def _places(plan: Plan) -> dict[str, str]:
    """The header that each field comes from."""
    places = {column.name: plan.shown[index] for index, column, *_ in plan.readers}
    for name in ("budget_from", "budget_to"):
        places.setdefault(name, places.get("budget", name))
    return places
