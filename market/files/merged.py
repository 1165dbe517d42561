"""Merged cells of a worksheet: told below the header, and refused where they make a header of two rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from market.files import messages, tables
from market.files.faults import MOST_COLUMNS, Refused, Trouble
from market.files.workbooks import Merged
from market.files.worksheets import SheetRow
from schemas.messages import Message

_NAMED = 5  # ranges that are named in a message


def told(
    kind: str, rows: Iterator[SheetRow], ranges: Sequence[Merged], mapping: Mapping[str, str] | None
) -> Iterator[SheetRow]:
    """The rows, with trouble in every cell of a range that lies below the header and holds something.

    Refused at the header's line where ranges join it with the row above or below, or name several columns at once.
    """
    waiting = sorted(ranges, key=lambda one: one.rows[0], reverse=True)
    active: list[tuple[Merged, Message]] = []
    above: list[tuple[Merged, str]] = []
    header = 0
    for line, cells in rows:
        if header and above:
            _refuse_two_rows(kind, header, above, (line, cells), mapping)
            above = []
        while waiting and waiting[-1].rows[0] <= line:
            one = waiting.pop()
            held = cells[one.columns[0]] if line == one.rows[0] and one.columns[0] < len(cells) else ""
            if header and held != "":
                active.append((one, messages.MERGED.format(range=one.name)))
            elif held and isinstance(held, str):
                above.append((one, held))
        active = [one for one in active if one[0].rows[1] >= line]
        for one, said in active:
            for index in range(one.columns[0], min(one.columns[1] + 1, MOST_COLUMNS)):
                cells.extend([""] * (index + 1 - len(cells)))
                cells[index] = Trouble(said)
        if not header and tables.header_score(kind, cells, mapping) > 1:
            header = line
        yield line, cells


def _refuse_two_rows(
    kind: str, header: int, ranges: Sequence[tuple[Merged, str]], below: SheetRow, mapping: Mapping[str, str] | None
) -> None:
    """Whether a range that touches the header has a part of it in another row that holds something."""
    line, cells = below
    wrong = []
    for one, text in ranges:
        if one.rows[1] < header:
            continue
        joined = one.rows[0] < header or one.rows[1] >= line
        beneath = cells[one.columns[0] : one.columns[1] + 1] if one.columns[0] < one.columns[1] else []
        if (joined and tables.header_score(kind, [text], mapping)) or tables.header_score(kind, beneath, mapping):
            wrong.append(one)
    if wrong:
        names = [one.name for one in sorted(wrong, key=lambda one: one.columns)]
        raise Refused(messages.TWO_HEADERS_MERGED.format(ranges=_listed(names)), header)


def _listed(names: Sequence[str]) -> Message:
    shown = [*names[:_NAMED], *(["…"] if len(names) > _NAMED else [])]
    return Message(", ".join(shown), "、".join(shown))
