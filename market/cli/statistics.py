"""stats: what the exchange holds, as a table, JSON, CSV or a chart."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from market.cli.output import fail, json_option, opened, say, show
from market.services.figures import publishing, statistics
from market.services.figures.counting import STAGES, Period
from market.services.figures.statistics import Table
from market.settings import Settings
from schemas.statistics import WHATS, GroupsRead, Statistics

_day = click.DateTime(["%Y-%m-%d"])


@click.command()
@click.option("--by", "dimension", type=click.Choice([*statistics.DIMENSIONS]), help="Without it: totals.")
@click.option("--what", type=click.Choice([*WHATS, "all"]), default="all", show_default=True)
@click.option("--level", type=click.Choice(["province", "city"]), default="province", help="Of regions.")
@click.option("--since", type=_day, help="The first day, China time.")
@click.option("--until", type=_day, help="The last day, counted too.")
@click.option("--top", type=click.IntRange(1, 240), help="The largest groups, or the latest months.")
@click.option(
    "--chart", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    help="Draw it into FILE.svg or FILE.png; without --by, how far matches have come.",
)  # fmt: skip
@click.option("--csv", "sheet", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write it.")
@click.option("--language", type=click.Choice(["zh", "en"]), default="en", show_default=True, help="Of labels.")
@json_option
@click.pass_obj
def stats(
    settings: Settings,
    dimension: str | None,
    what: str,
    level: str,
    since: datetime | None,
    until: datetime | None,
    top: int | None,
    chart: Path | None,
    sheet: Path | None,
    language: str,
    as_json: bool,
) -> None:
    """Count what the exchange holds, of what the public may see."""
    form = chart.suffix.lower().removeprefix(".") if chart else "svg"
    if form not in ("svg", "png"):
        fail(f"{chart} is neither .svg nor .png.")
    period = Period(since.date() if since else None, until.date() if until else None)
    if period.since and period.until and period.since > period.until:
        fail("--until is before --since.")
    whats = statistics.WHATS if what == "all" else (what,)
    more = {"level": level} if dimension == "region" else {}
    with opened(settings) as runtime, runtime.db.reading() as session:
        now = runtime.clock()
        if dimension is None:
            counted = statistics.count(session, period=period, now=now)
            table = statistics.by_stage(session, period=period, now=now)
            _show_totals(publishing.totals(counted, language), as_json=as_json)
        else:
            by = statistics.DIMENSIONS[dimension]
            table = by(session, period=period, whats=whats, top=top or _usual(dimension), now=now, **more)
            _show_groups(table, language, as_json=as_json)
    if sheet is not None:
        sheet.write_bytes(publishing.as_csv(table))
    if chart is not None:
        drawn = publishing.picture(table, "png" if form == "png" else "svg", language)
        chart.write_bytes(drawn.body)
        if drawn.note:
            say(f"{chart.name}: {drawn.note}.")


def _usual(dimension: str) -> int:
    return 24 if dimension == "month" else 20


def _show_totals(counted: dict[str, Any], *, as_json: bool) -> None:
    fared = counted["conversion"]
    rows: list[tuple[str, Any]] = [(name, value) for name, value in counted.items() if isinstance(value, int)]
    rows += [(f"demands {name}", value) for name, value in counted["demands_by_progress"].items()]
    if fared:
        rows += [(f"matches {stage}", _with_rate(fared[stage], fared["rates"][stage])) for stage in STAGES]
    if counted["budget"]:
        rows.append(("budgets", f"{counted['budget']['label']}, of {counted['budget']['demands']} demands"))
    show(Statistics().dump(counted), as_json=as_json, columns=("what", "count"), rows=rows)


def _with_rate(number: int, rate: float | None) -> str:
    return f"{number}" if rate is None else f"{number} ({rate:.1%})"


def _show_groups(table: Table, language: str, *, as_json: bool) -> None:
    told = publishing.told(table, language)
    budgets, conversions = "demands" in table.whats, "matches" in table.whats and table.dimension != "organisation"
    columns = [table.dimension, *table.whats, *(["budgets"] if budgets else []), *(STAGES if conversions else ())]
    rows = []
    for item in [*told["items"], {"label": "all", **told["total"]}]:
        row: list[Any] = [item["label"], *(item[what] for what in table.whats)]
        if budgets:
            row.append((item["budget"] or {}).get("label", ""))
        if conversions:
            row.extend((item["conversion"] or {}).get(stage, "") for stage in STAGES)
        rows.append(row)
    title = f"{len(table.rows)} of {table.groups}" if len(table.rows) < table.groups else ""
    show(GroupsRead().dump(told), as_json=as_json, columns=columns, rows=rows, title=title)
