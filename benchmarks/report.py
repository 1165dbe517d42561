"""The report: a table for people, JSON for programs."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table

from benchmarks.measure import Figure


def as_data(title: str, about: dict[str, Any], figures: Sequence[Figure]) -> dict[str, Any]:
    """Everything, with what it was measured on."""
    return {
        "title": title,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "processors": os.cpu_count(),
            "architecture": platform.machine(),
            "system": platform.system(),
            "python": platform.python_version(),
            "load_average": [round(one, 2) for one in os.getloadavg()],
        },
        **about,
        "figures": [{**asdict(figure), "ratio": figure.ratio} for figure in figures],
    }


def write(path: Path, data: dict[str, Any]) -> None:
    """Keep the report."""
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(_json(data))


def earlier(path: Path) -> dict[str, Any] | None:
    """A report kept before."""
    return dict(orjson.loads(path.read_bytes())) if path.exists() else None


def print_json(data: dict[str, Any]) -> None:
    """To standard output."""
    sys.stdout.buffer.write(_json(data))


def print_table(title: str, figures: Sequence[Figure]) -> None:
    """To standard output."""
    console = Console(width=None if sys.stdout.isatty() else 150)
    table = Table(title=title, title_justify="left", header_style="bold")
    for name in ("what", "figure", "p95", "floor", "floor's p95", "times the floor", "measured against", "note"):
        table.add_column(name, justify="left" if name in ("what", "measured against", "note") else "right")
    for figure in figures:
        ratio = "" if figure.ratio is None else f"{figure.ratio:.1f} x"
        table.add_row(
            figure.name,
            f"{_number(figure.value)} {figure.unit}",
            _number(figure.p95),
            _number(figure.floor),
            _number(figure.floor_p95),
            f"{ratio} (goal {figure.goal})" if figure.goal else ratio,
            figure.floor_name,
            figure.note,
        )
    console.print(table)


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _json(data: dict[str, Any]) -> bytes:
    return orjson.dumps(data, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
