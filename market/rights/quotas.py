"""Reads quotas.tsv: how much each kind of caller may use in a minute and in a day; `-` is without limit."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

KINDS = ("requests", "writes", "searches", "experts", "exports")
"""What is counted by the day: requests, those that change something, those that search, profiles of experts shown,
rows exported."""
_NUMBERS = ("requests_per_minute", *KINDS)


@dataclass(frozen=True, slots=True)
class Quota:
    """What one kind of caller may use; None is without limit."""

    per_minute: int | None
    per_day: Mapping[str, int | None]


def quotas(changes: str = "") -> Mapping[str, Quota]:
    """The table by kind of caller. `changes` overrides cells, as "visitor.experts=100, registered.exports=-".

    Raises ValueError for a change of what is not in the table, or to what is no number.
    """
    table = _read()
    for change in filter(None, (part.strip() for part in changes.split(","))):
        cell, _, value = change.partition("=")
        who, _, column = cell.strip().partition(".")
        if who not in table or column not in _NUMBERS:
            raise ValueError(
                f"{cell.strip()} is not in the table: {', '.join(table)}, each with {', '.join(_NUMBERS)}"
            )
        table[who][column] = _number(value.strip())
    return {who: Quota(row["requests_per_minute"], {kind: row[kind] for kind in KINDS}) for who, row in table.items()}


def _read() -> dict[str, dict[str, int | None]]:
    with (files("market.rights") / "quotas.tsv").open(encoding="utf-8") as lines:
        rows = csv.DictReader(lines, dialect="excel-tab", quoting=csv.QUOTE_NONE, strict=True)
        return {row["who"]: {name: _number(row[name]) for name in _NUMBERS} for row in rows}


def _number(text: str) -> int | None:
    if text == "-":
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise ValueError(f"{text!r} is no whole number, and not - for none")
    return int(text)
