"""What is told of an import's rows: kept, read in the order of the file, counted where it is often the same."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, col, func, select

from market.db import append
from market.files.faults import Fault
from market.models import ImportFault
from schemas.messages import Message

MOST = 20_000
"""Faults that are kept of one import; the rows are counted all the same."""

_PER_LINE = 1000  # faults of one line that are kept apart

MORE = Message(
    "More faults were found than are kept ({most}); mend these and import again.",
    "错误超过可保留的数量（{most}），请先更正以上各处再重新导入。",
)


@dataclass(frozen=True, slots=True)
class Told:
    """The same said `times` times of a column, on `line` first."""

    line: int
    column: str
    zh: str
    en: str
    times: int


def read(
    session: Session, identity: uuid.UUID, *, after: int | None = None, limit: int | None = None
) -> Iterator[ImportFault]:
    """What is told of an import's rows, in the order of the file, from after a place."""
    rows = select(ImportFault).where(ImportFault.import_id == identity)
    if after is not None:
        rows = rows.where(col(ImportFault.place) > after)
    yield from session.exec(rows.order_by(col(ImportFault.place)).limit(limit))


def tally(session: Session, identity: uuid.UUID, *, limit: int) -> list[Told]:
    """What is told most often, once; of what comes equally often, what comes first in the file."""
    said = (col(ImportFault.column), col(ImportFault.zh), col(ImportFault.en))
    first, times = func.min(ImportFault.line), func.count()
    rows = select(first, *said, times).where(ImportFault.import_id == identity).group_by(*said)  # type: ignore[call-overload]
    return [Told(*row) for row in session.exec(rows.order_by(times.desc(), first, *said).limit(limit))]


def keep(session: Session, identity: uuid.UUID, told: Sequence[Fault], notes: Sequence[Fault]) -> None:
    """Store faults and notes of a batch, as long as there is room for more of this import."""
    if not told and not notes:
        return
    there = select(func.count()).select_from(ImportFault).where(ImportFault.import_id == identity)
    room = MOST - session.exec(there).one()
    kept = [_row(identity, one, {}) for one in told] + [_row(identity, one, {"note": True}) for one in notes]
    kept.sort(key=lambda one: one["line"])
    if room > 0 and len(kept) >= room:
        more = Fault(kept[room - 1]["line"], "", MORE.format(most=MOST))
        kept[room - 1 :] = [_row(identity, more, {"note": True})]
    append(session, ImportFault, _placed(kept[: max(0, room)]))


def _row(identity: uuid.UUID, one: Fault, details: Mapping[str, Any]) -> dict[str, Any]:
    zh, en = one.message.zh, str(one.message)
    return {
        "import_id": identity, "line": one.line, "column": one.column[:128], "zh": zh[:1000], "en": en[:1000],
        "details": details,
    }  # fmt: skip


def _placed(kept: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """With the place of each: its line, and which of that line's it is."""
    placed: list[dict[str, Any]] = []
    line, nth = -1, 0
    for one in kept:
        line, nth = one["line"], nth + 1 if one["line"] == line else 0
        if nth < _PER_LINE - 1:
            placed.append({**one, "place": line * _PER_LINE + nth})
    return placed
