"""A table of statistics as it is published: as data for JSON, as CSV, as a chart."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from market.charts import svg
from market.charts.figures import MOST_LABELS, Chart, Kind, Series
from market.files.cells import guarded
from market.services.figures import statistics
from market.services.figures.counting import CHINA, STAGES, Period, Tally
from market.services.figures.statistics import Row, Table

COLUMNS = (
    "code", "zh", "en", "outcomes", "experts", "demands", "matches", "rate", "budget_demands", "budget_band", *STAGES,
)  # fmt: skip

_KINDS: Mapping[str, Kind] = {"month": "columns", "conversion": "funnel"}
# Chinese, English.
_TITLES = {
    "region": ("按地区统计", "by region"),
    "field": ("按技术领域统计", "by field"),
    "organisation": ("按机构统计", "by organisation"),
    "month": ("按月统计", "by month"),
    "conversion": ("匹配转化", "Matches, from found to in contact"),
}
_AXES = {
    "region": ("地区", "Region"),
    "field": ("技术领域", "Field"),
    "organisation": ("机构", "Organisation"),
    "month": ("月份（北京时间）", "Month, China time"),
    "conversion": ("", ""),
}
_NAMES = {
    "outcomes": ("成果", "Outcomes"),
    "experts": ("专家", "Experts"),
    "demands": ("需求", "Demands"),
    "matches": ("匹配", "Matches"),
}
_UNITS = {
    "outcomes": ("数量（项）", "number of outcomes"),
    "experts": ("人数（位）", "number of experts"),
    "demands": ("数量（项）", "number of demands"),
    "matches": ("数量（对）", "number of pairs"),
}
# By whether there is a first day, and a last one.
_PERIODS = {
    (False, False): ("全部时间", "All time"),
    (True, False): ("{since} 起", "Since {since}"),
    (False, True): ("截至 {until}", "Until {until}"),
    (True, True): ("{since} 至 {until}", "{since} to {until}"),
}
NO_CHINESE = "no font with Chinese is installed, so the chart's labels are in English"


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart as a file. `language` is that of its labels; `note` says why it is not the one asked for."""

    body: bytes
    language: str
    note: str = ""


def totals(counted: dict[str, Any], language: str) -> dict[str, Any]:
    """What `statistics.count` gave, with labels in this language."""
    return {**counted, "budget": _budget(counted["budget"], language)}


def told(table: Table, language: str) -> dict[str, Any]:
    """The table as schemas/statistics.py has it."""
    items = [
        {
            "code": row.code,
            "label": row.label(language),
            "zh": row.zh,
            "en": row.en,
            **_counts(table, row.tally, row.code in table.fares, language),
        }
        for row in table.rows
    ]
    return {
        "dimension": table.dimension,
        "what": list(table.whats),
        "since": table.period.since,
        "until": table.period.until,
        "counted_at": table.counted_at,
        "groups": table.groups,
        "items": items,
        "total": _counts(table, table.total, table.total_fares, language),
    }


def _counts(table: Table, tally: Tally, fares: bool, language: str) -> dict[str, Any]:
    shown: dict[str, Any] = {what: tally.counts.get(what, 0) for what in table.whats}
    if table.dimension == "conversion":
        found = table.total.stages.get("found", 0)
        shown["rate"] = round(shown["matches"] / found, 4) if found and not tally.stages else None
        return shown
    if "demands" in table.whats:
        shown["budget"] = _budget(statistics.budget(tally), language)
    if "matches" in table.whats:
        shown["conversion"] = statistics.conversion(tally) if fares else None
    return shown


def _budget(budget: dict[str, Any] | None, language: str) -> dict[str, Any] | None:
    return budget and {"demands": budget["demands"], "band": budget["band"], "label": budget[language]}


def as_csv(table: Table) -> bytes:
    """The groups, one a line under COLUMNS; what was not counted or is not shown is empty. With the mark by which
    spreadsheets know UTF-8, and no cell that they would take for a formula."""
    written = io.StringIO(newline="")
    lines = csv.writer(written)
    lines.writerow(COLUMNS)
    for item in told(table, "en")["items"]:
        budget, conversion = item.get("budget") or {}, item.get("conversion") or {}
        cells = {
            **item,
            "budget_demands": budget.get("demands"),
            "budget_band": budget.get("band"),
            **{stage: conversion.get(stage) for stage in STAGES},
        }
        lines.writerow(_cell(cells.get(column)) for column in COLUMNS)
    return written.getvalue().encode("utf-8-sig")


def _cell(value: Any) -> Any:
    return guarded(value) if isinstance(value, str) else value


def picture(table: Table, form: Literal["svg", "png"], language: str) -> Picture:
    """The table as a chart: bars, columns by month, a funnel. PNG needs a font: where none has Chinese, the labels
    are English, and the picture's note says so."""
    if form == "svg":
        return Picture(svg.write(chart(table, language)), language)
    from market.charts import fonts, png  # noqa: PLC0415  # Pillow is imported when it is needed

    if fonts.chinese():
        return Picture(png.write(chart(table, language)), language)
    body = png.write(chart(table, "en", latin_only=True))
    return Picture(body, "en", NO_CHINESE if language == "zh" else "")


def chart(table: Table, language: str, *, latin_only: bool = False) -> Chart:
    """What the chart shows. `latin_only`: a name that is only in Chinese is replaced by its rank."""
    kind = _KINDS.get(table.dimension, "bars")
    most = MOST_LABELS[kind]
    rows = table.rows[-most:] if kind == "columns" else table.rows[:most]
    chinese = language == "zh"
    series = tuple(_series(what, rows, language) for what in table.whats)
    return Chart(
        kind=kind,
        title=_title(table, language),
        subtitle=_subtitle(table, len(rows), language),
        axis=_AXES[table.dimension][not chinese],
        labels=tuple(_label(row, place, language, latin_only) for place, row in enumerate(rows, start=1)),
        series=series,
        source=_source(table, language),
        language=language,
        nothing="没有数据" if chinese else "Nothing to count",
        notes=tuple(_note(row, table) for row in rows) if kind == "funnel" else (),
    )


def _series(what: str, rows: tuple[Row, ...], language: str) -> Series:
    place = language != "zh"
    return Series(_NAMES[what][place], _UNITS[what][place], tuple(row.tally.counts.get(what, 0) for row in rows))


def _title(table: Table, language: str) -> str:
    zh, en = _TITLES[table.dimension]
    if table.dimension == "conversion":
        return zh if language == "zh" else en
    if len(table.whats) == 1:
        name = _NAMES[table.whats[0]]
        return f"{name[0]}{zh}" if language == "zh" else f"{name[1]} {en}"
    return zh if language == "zh" else f"The exchange {en}"


def _subtitle(table: Table, shown: int, language: str) -> str:
    parts = [_period(table.period, language)]
    if shown < table.groups:
        if table.dimension == "month":
            part = f"最近 {shown} 个月" if language == "zh" else f"the latest {shown} of {table.groups} months"
        else:
            part = (
                f"共 {table.groups} 组，显示前 {shown} 组"
                if language == "zh"
                else f"the first {shown} of {table.groups}"
            )
        parts.append(part)
    return ("；" if language == "zh" else ", ").join(parts)


def _period(period: Period, language: str) -> str:
    since, until = period.since, period.until
    template = _PERIODS[since is not None, until is not None][language != "zh"]
    return template.format(since=since, until=until)


def _source(table: Table, language: str) -> str:
    moment = f"{table.counted_at.astimezone(CHINA):%Y-%m-%d %H:%M}"
    if language == "zh":
        return f"统计于 {moment}（UTC+8），数据来自数据库"
    return f"Counted {moment} (UTC+8) from the database"


def _label(row: Row, place: int, language: str, latin_only: bool) -> str:
    if latin_only and not row.en:
        return f"No. {place} (named in Chinese only)"
    return row.label(language)


def _note(row: Row, table: Table) -> str:
    found, number = table.total.stages.get("found", 0), row.tally.counts["matches"]
    return f"{number:,} · {number / found:.1%}" if found else f"{number:,}"
