"""What the exchange holds, in all and by region, field, organisation or month: of what the public may see.

Masked demands count, but never towards an organisation; neither sums of few demands are shown nor how they fare.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, func

from market.models import LISTINGS, Demand, Expert, Listing, Match, Organisation, Outcome
from market.services.figures import counting
from market.services.figures.counting import ALWAYS, FEWEST, STAGES, Groups, Period, Tally
from market.vocabulary import vocabulary
from market.vocabulary.regions import province_of

WHATS = ("outcomes", "experts", "demands", "matches")
MOST_ROWS = 100
_MOST_MONTHS = 240

# Below how many CNY a sum of budgets is in this band.
_BANDS = (
    (10**6, "below_1m", "100 万元以下", "below CNY 1 million"),
    (10**7, "1m_10m", "100 万至 1000 万元", "CNY 1 to 10 million"),
    (10**8, "10m_100m", "1000 万至 1 亿元", "CNY 10 to 100 million"),
    (10**9, "100m_1bn", "1 亿至 10 亿元", "CNY 100 million to 1 billion"),
    (None, "from_1bn", "10 亿元及以上", "CNY 1 billion or more"),
)
STAGE_LABELS: Mapping[str, tuple[str, str]] = {
    "found": ("已匹配", "Found"),
    "seen": ("已查看", "Seen by either side"),
    "interested": ("有意向", "One side interested"),
    "in_contact": ("已联系", "In contact"),
}
_UNKNOWN = {"region": ("未注明地区", "No region given"), "field": ("未分类", "No field given")}


@dataclass(frozen=True, slots=True)
class Row:
    """One group with its labels, Chinese and English; either may be empty for an organisation's name."""

    code: str
    zh: str
    en: str
    tally: Tally

    def label(self, language: str) -> str:
        """In this language, else in the other."""
        return (self.zh or self.en) if language == "zh" else (self.en or self.zh)


@dataclass(frozen=True, slots=True)
class Table:
    """Groups as they are shown: `rows` are the first of `groups`; `total` holds what no row shows, too. How the
    matches fare is shown of the groups with these codes, and of all together if `total_fares`."""

    dimension: str
    whats: tuple[str, ...]
    rows: tuple[Row, ...]
    groups: int
    total: Tally
    period: Period
    counted_at: datetime
    fares: frozenset[str] = frozenset()
    total_fares: bool = False


def count(session: Session, *, period: Period = ALWAYS, now: datetime) -> dict[str, Any]:
    """Totals: organisations, published listings by kind, field and region, demands by progress, matches that hold,
    how far those ever found have come (None where fewer than three demands are matched). Dates and `counted_at` as
    Python has them."""
    outcomes = counting.listings(session, "outcome", (col(Outcome.field), col(Outcome.region)), period)
    experts = counting.listings(session, "expert", (col(Expert.field),), period)
    demands = counting.listings(session, "demand", (col(Demand.field), col(Demand.progress)), period)
    total = _sum([*outcomes.values(), *experts.values(), *demands.values()])
    matched = _sum(counting.matches(session, None, period).values())
    by_field: dict[str, Tally] = {}
    by_region: dict[str, int] = {}
    progress = dict.fromkeys(vocabulary("demand_progress").codes, 0)
    for (field, region), tally in outcomes.items():
        by_field.setdefault(field, Tally()).add(tally)
        by_region[region] = by_region.get(region, 0) + tally.counts["outcomes"]
    for field, tally in experts.items():
        by_field.setdefault(field, Tally()).add(tally)
    for (field, state), tally in demands.items():
        by_field.setdefault(field, Tally()).add(tally)
        progress[state] = progress.get(state, 0) + tally.counts["demands"]
    everyone, publishing = counting.organisations(session, period)
    return {
        "organisations": everyone,
        "organisations_publishing": publishing,
        **{f"{noun}s": total.counts.get(f"{noun}s", 0) for noun in LISTINGS},
        "open_demands": progress["open"],
        "demands_by_progress": progress,
        "matches": matched.counts.get("matches", 0),
        "conversion": conversion(matched) if _fares(matched) else None,
        "budget": budget(total),
        "by_field": {code: tally.counts for code, tally in by_field.items()},
        "by_region": by_region,
        "since": period.since,
        "until": period.until,
        "counted_at": now,
    }


def conversion(tally: Tally) -> dict[str, Any]:
    """How many have come to each stage, and `rates`: which share of those found that is, None where none was."""
    found = tally.stages.get("found", 0)
    reached = {stage: tally.stages.get(stage, 0) for stage in STAGES}
    rates = {stage: round(number / found, 4) if found else None for stage, number in reached.items()}
    return {**reached, "rates": rates}


def budget(tally: Tally) -> dict[str, Any] | None:
    """Between which amounts the sum of the public budgets lies; None where fewer than three demands state one."""
    if tally.budgets < FEWEST:
        return None
    _, band, zh, en = next(one for one in _BANDS if one[0] is None or tally.budget < one[0])
    return {"demands": tally.budgets, "band": band, "zh": zh, "en": en}


def _fares(tally: Tally) -> bool:
    """Whether its demands are so many that how they fare tells of none of them."""
    return tally.demands_matched >= FEWEST


def _fare(groups: Mapping[str, Tally], *, overlap: bool = False) -> frozenset[str]:
    """The groups of which it is shown how their matches fare. What is not shown must not be told by subtraction
    either: so there are at least two of those, and of at least three demands together; else the smallest others join
    them. `overlap`: a demand may be in more than one group."""
    few = sorted((one.demands_matched, code) for code, one in groups.items() if 0 < one.demands_matched < FEWEST)
    enough = sorted((one.demands_matched, code) for code, one in groups.items() if _fares(one))
    together = max if overlap else sum
    while few and enough and (len(few) < 2 or together(number for number, _ in few) < FEWEST):
        few.append(enough.pop(0))
    return frozenset(code for _, code in enough)


def _cities_that_fare(cities: Mapping[str, Tally], provinces: Mapping[str, Tally]) -> frozenset[str]:
    """The same for cities, of whose province the figures are shown elsewhere: or else those of the cities are not."""
    shown: frozenset[str] = frozenset()
    for province in _fare(provinces):
        shown |= _fare({code: one for code, one in cities.items() if _province(code) == province})
    return shown


def by_field(session: Session, *, period: Period, whats: tuple[str, ...], top: int | None, now: datetime) -> Table:
    """By high-tech field, the largest first; matches by their demand's."""
    keys: dict[str, Any] = {noun: col(model.field) for noun, model in LISTINGS.items()}
    groups = _grouped(session, keys, col(Demand.field), period, whats, joined=(Demand,))
    rows = _ranked(_coded("field", groups, "fields"), whats)
    return _table("field", rows, groups.values(), _fare(groups), period=period, whats=whats, top=top, now=now)


def by_region(
    session: Session,
    *,
    period: Period,
    whats: tuple[str, ...],
    top: int | None,
    now: datetime,
    level: str = "province",
) -> Table:
    """By region, the largest first; `level` province or city, where a listing that names only a province stays with
    it. Outcomes and demands by the region they name, experts by their organisation's, matches by their demand's."""
    keys = {"outcome": col(Outcome.region), "expert": col(Organisation.region), "demand": col(Demand.region)}
    groups = _grouped(session, keys, col(Demand.region), period, whats, joined=(Demand,))
    provinces = _merged(groups, _province)
    fares = _fare(provinces) if level == "province" else _cities_that_fare(groups, provinces)
    rows = _ranked(_coded("region", provinces if level == "province" else groups, "regions"), whats)
    return _table("region", rows, groups.values(), fares, period=period, whats=whats, top=top, now=now)


def by_organisation(
    session: Session, *, period: Period, whats: tuple[str, ...], top: int | None, now: datetime
) -> Table:
    """By organisation, the largest first, with the matches of what it offers and of the demands that bear its name.
    Only the total counts masked demands and their matches, and it counts a match once."""
    groups: Groups = {}
    totals: list[Tally] = []
    for noun, model in LISTINGS.items():
        if f"{noun}s" not in whats:
            continue
        masked = (col(Demand.organisation_masked),) if model is Demand else ()
        counted = counting.listings(session, noun, (col(model.organisation_id), *masked), period)
        totals.extend(counted.values())
        _merge(groups, {key[0]: one for key, one in counted.items() if not key[1]} if masked else counted)
    if "matches" in whats:
        offering = func.coalesce(col(Outcome.organisation_id), col(Expert.organisation_id))
        whose, nameless, sides = (
            col(Demand.organisation_id),
            col(Demand.organisation_masked),
            (Demand, Outcome, Expert),
        )
        # Whom a masked demand is matched with tells whose it is: an organisation's own offers are never among them.
        offered = counting.matches(session, offering, period, ~nameless, joined=sides, fares=False)
        _merge(groups, offered)
        of_masked = counting.matches(session, nameless, period, nameless.is_(True), joined=(Demand,), fares=False)
        totals += [*offered.values(), *of_masked.values()]  # each match has one offer
        _merge(groups, counting.matches(session, whose, period, ~nameless, joined=(Demand,), fares=False))
    ranked = _ranked([Row(str(code), "", "", tally) for code, tally in groups.items()], whats)
    ids = {str(code): code for code in groups}
    shown = ranked[: min(top or MOST_ROWS, MOST_ROWS)]
    names = counting.names(session, [ids[row.code] for row in shown])
    rows = [Row(row.code, *names[ids[row.code]], row.tally) for row in shown]
    return Table("organisation", whats, tuple(rows), len(groups), _sum(totals), period, now)


def by_month(session: Session, *, period: Period, whats: tuple[str, ...], top: int | None, now: datetime) -> Table:
    """By month in which listings were published and matches made, oldest first, with those in between that have
    nothing; `top` are the latest."""
    keys = {noun: counting.month_of(session, col(model.published_at)) for noun, model in LISTINGS.items()}
    groups = _grouped(session, keys, counting.month_of(session, col(Match.created_at)), period, whats)
    months = _months(min(groups), max(groups)) if groups else []
    shown = months[-min(top or _MOST_MONTHS, _MOST_MONTHS) :]
    rows = [Row(month, month, month, groups.get(month, Tally())) for month in shown]
    total, fares = _sum(groups.values()), _fare(groups, overlap=True)
    # A demand that is matched in several months is one.
    of_all = _sum(counting.matches(session, None, period).values()) if "matches" in whats else total
    return Table("month", whats, tuple(rows), len(months), total, period, now, fares, _fares(of_all))


def by_stage(session: Session, *, period: Period, now: datetime) -> Table:
    """The matches ever found, by how far they have come: each stage counts those beyond it too. No stages where fewer
    than three demands are matched."""
    total = _sum(counting.matches(session, None, period).values())
    stages = STAGES if _fares(total) else ()
    rows = [Row(stage, *STAGE_LABELS[stage], Tally({"matches": total.stages.get(stage, 0)})) for stage in stages]
    return Table("conversion", ("matches",), tuple(rows), len(rows), total, period, now)


DIMENSIONS: Mapping[str, Callable[..., Table]] = {
    "region": by_region,
    "field": by_field,
    "organisation": by_organisation,
    "month": by_month,
}


def _grouped(
    session: Session,
    keys: Mapping[str, Any],
    match_key: Any,
    period: Period,
    whats: tuple[str, ...],
    *,
    joined: Sequence[type[Listing]] = (),
) -> Groups:
    groups: Groups = {}
    for noun, key in keys.items():
        if f"{noun}s" in whats:
            _merge(groups, counting.listings(session, noun, (key,), period))
    if "matches" in whats:
        _merge(groups, counting.matches(session, match_key, period, joined=joined))
    return groups


def _merge(groups: Groups, more: Groups) -> None:
    for key, tally in more.items():
        groups.setdefault(key, Tally()).add(tally)


def _merged(groups: Groups, key: Callable[[str], str]) -> Groups:
    merged: Groups = {}
    for code, tally in groups.items():
        merged.setdefault(key(code), Tally()).add(tally)
    return merged


def _province(code: str) -> str:
    return province_of(code) if code in vocabulary("regions") else code


def _sum(tallies: Iterable[Tally]) -> Tally:
    total = Tally()
    for tally in tallies:
        total.add(tally)
    return total


def _coded(dimension: str, groups: Groups, name: str) -> list[Row]:
    """With the vocabulary's labels; a code that it no longer has is its own."""
    terms = vocabulary(name).terms
    rows = []
    for code, tally in groups.items():
        zh, en = (terms[code].zh, terms[code].en) if code in terms else (code, code)
        rows.append(Row(code, zh, en, tally) if code else Row("", *_UNKNOWN[dimension], tally))
    return rows


def _ranked(rows: Iterable[Row], whats: tuple[str, ...]) -> list[Row]:
    """The largest first, what is not known last. Listings count before matches, of which there are many more."""
    listed = [what for what in whats if what != "matches"]

    def rank(row: Row) -> tuple[Any, ...]:
        counts = row.tally.counts
        return not row.code, -sum(counts.get(what, 0) for what in listed), -counts.get("matches", 0), row.code

    return sorted(rows, key=rank)


def _table(
    dimension: str,
    rows: list[Row],
    counted: Iterable[Tally],
    fares: frozenset[str],
    *,
    period: Period,
    whats: tuple[str, ...],
    top: int | None,
    now: datetime,
) -> Table:
    shown = tuple(rows[: min(top or MOST_ROWS, MOST_ROWS)])
    total = _sum(counted)
    return Table(dimension, whats, shown, len(rows), total, period, now, fares, _fares(total))


def _months(first: str, last: str) -> list[str]:
    """From one to the other, both in it. The months of a thousand years are enough for any clock."""
    began, ended = (int(month[:4]) * 12 + int(month[5:]) - 1 for month in (first, last))
    began = max(began, ended - 12_000)
    return [f"{number // 12:04d}-{number % 12 + 1:02d}" for number in range(began, ended + 1)]
