"""Last days in rows that are past when the file comes in: nothing to refuse, and worth a word."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

from market.files import messages
from market.files.faults import Fault, Row


def past(rows: Iterable[Row], name: str, today: date) -> Iterator[Fault]:
    """A note for each row whose day in the field `name` is before `today`: its listing will be ended as expired."""
    for row in rows:
        day = row.data.get(name)
        if isinstance(day, date) and day < today:
            yield Fault(row.line, f"/{name}", messages.DAY_PAST.format(day=day.isoformat()))
