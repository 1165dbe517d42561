"""Statistics equal a count made in Python over all rows, and never count or name what the public may not see."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Session

from market.models import Demand, Expert, Listing, Match, Organisation, Outcome
from market.models.base import new_id
from market.runtime import Runtime
from market.services.figures import publishing, statistics
from market.services.figures.counting import ALWAYS, CHINA, STAGES, Period
from market.services.figures.statistics import WHATS
from market.vocabulary import vocabulary
from market.vocabulary.regions import province_of

NOW = datetime(2026, 11, 23, 6, 20, tzinfo=UTC)
CANARY = "莺燕"  # stands in whatever the public may not see
STATES = ("published", "published", "draft", "expired", "suspended", "closed")
FIELDS = ("", "new_materials", "aerospace")
REGIONS = ("", "120000", "120104", "110000", "130200")
# The first is the last of November in China; the last is in December there, and in November by UTC.
MOMENTS = (
    datetime(2025, 11, 30, 15, 59, 59, 999_999, tzinfo=UTC),
    datetime(2026, 2, 10, tzinfo=UTC),
    datetime(2026, 11, 30, 17, 30, tzinfo=UTC),
)
PERIODS = (
    ALWAYS,
    Period(date(2026, 1, 1)),
    Period(None, date(2026, 11, 30)),
    Period(date(2026, 12, 1), date(2026, 12, 1)),
)
SIDES = ("new", "seen", "interested", "dismissed", "in_contact")

common = {
    "organisation": st.integers(0, 2),
    "state": st.sampled_from(STATES),
    "field": st.sampled_from(FIELDS),
    "published_at": st.sampled_from(MOMENTS),
}
outcome_rows = st.fixed_dictionaries({**common, "region": st.sampled_from(REGIONS)})
demand_rows = st.fixed_dictionaries(
    {
        **common,
        "region": st.sampled_from(REGIONS),
        "organisation_masked": st.booleans(),
        "progress": st.sampled_from(vocabulary("demand_progress").codes),
        "budget_to": st.sampled_from((None, 400_000, 30_000_000)),
    }
)
match_rows = st.fixed_dictionaries(
    {
        "demand": st.integers(0, 9),
        "offer": st.integers(0, 19),
        "active": st.booleans(),
        "states": st.tuples(st.sampled_from(SIDES), st.sampled_from(SIDES)),
        "differs": st.sampled_from((False, False, True)),  # what the two sides see
        "created_at": st.sampled_from(MOMENTS),
    }
)
exchanges = st.fixed_dictionaries(
    {
        "outcomes": st.lists(outcome_rows, max_size=8),
        "experts": st.lists(st.fixed_dictionaries(common), max_size=5),
        "demands": st.lists(demand_rows, max_size=10),
        "matches": st.lists(match_rows, max_size=20),
    }
)


class Small:
    """An exchange of a few rows, in a session that is never committed."""

    def __init__(self, session: Session, drawn: dict[str, Any]) -> None:
        self.session = session
        self.organisations = [
            Organisation(name_zh=f"第{number}研究院", name_en=f"=Institute {number}", region=REGIONS[number + 1])
            for number in range(3)
        ]
        self.put(self.organisations)
        self.outcomes = [self._listing(Outcome, {"title_zh": "涂层"}, row) for row in drawn["outcomes"]]
        self.experts = [self._listing(Expert, {"name_zh": "林知远"}, row) for row in drawn["experts"]]
        self.demands = [self._listing(Demand, {"title_zh": "起泡"}, row) for row in drawn["demands"]]
        self.put([*self.outcomes, *self.experts, *self.demands])
        self.listings = {row.id: row for row in (*self.outcomes, *self.experts, *self.demands)}
        self.matches = list(self._matches(drawn["matches"]))
        self.put(self.matches)

    def put(self, rows: list[Any]) -> None:
        self.session.add_all(rows)
        self.session.flush()

    def _listing(self, model: type[Listing], texts: dict[str, str], row: dict[str, Any]) -> Any:
        values = {name: value for name, value in row.items() if name != "organisation"}
        confidential = {"contact_name": CANARY, "external_key": f"{CANARY}-{new_id()}"}
        organisation = self.organisations[row["organisation"]]
        return model(**texts, **values, **confidential, organisation_id=organisation.id)

    def _matches(self, rows: list[dict[str, Any]]) -> Iterator[Match]:
        offers = [*self.outcomes, *self.experts]
        taken = set()
        for row in rows:
            if not offers or not self.demands:
                return
            demand, offer = self.demands[row["demand"] % len(self.demands)], offers[row["offer"] % len(offers)]
            if (demand.id, offer.id) not in taken:
                taken.add((demand.id, offer.id))
                yield Match(
                    demand_id=demand.id, demand_score=0.5, offer_score=0.5,
                    active=row["active"], created_at=row["created_at"],
                    demand_state=row["states"][0], offer_state=row["states"][1],
                    offer_parts=[] if row.get("differs") else None,
                    **{f"{offer.NOUN}_id": offer.id},
                )  # fmt: skip

    def public(self, what: str, period: Period) -> list[Any]:
        """What the public may see of a kind, as a loop finds it."""
        if what == "matches":
            pairs = [one for one in self.matches if within(one.created_at, period)]
            return [
                one
                for one in pairs
                if all(self.listings[side].published for side in (one.demand_id, one.offer_id))
                and one.offer_parts is None
            ]
        rows: list[Listing] = getattr(self, what)
        return [row for row in rows if row.published and within(row.published_at, period)]

    def organisation(self, row: Listing) -> Organisation:
        return next(one for one in self.organisations if one.id == row.organisation_id)


def within(moment: datetime, period: Period) -> bool:
    day = moment.astimezone(CHINA).date()
    return (period.since is None or day >= period.since) and (period.until is None or day <= period.until)


@contextmanager
def small(runtime: Runtime, drawn: dict[str, Any]) -> Iterator[Small]:
    with runtime.db.writing() as session:
        yield Small(session, drawn)
        session.rollback()  # so that each example begins with nothing


examples = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])


def counted(table: statistics.Table) -> dict[str, dict[str, int]]:
    """The counts that are not zero, by code."""
    return {row.code: {what: number for what, number in row.tally.counts.items() if number} for row in table.rows}


def by_hand(
    exchange: Small, period: Period, keys: dict[str, Callable[[Any], list[str]]]
) -> dict[str, dict[str, int]]:
    found: dict[str, Counter[str]] = {}
    for what in WHATS:
        for row in exchange.public(what, period):
            for code in keys[what](row):
                found.setdefault(code, Counter())
                if what != "matches" or row.active:
                    found[code][what] += 1
    return {code: dict(counts) for code, counts in found.items()}


def all_of(exchange: Small, dimension: str, period: Period, **more: Any) -> statistics.Table:
    by = statistics.DIMENSIONS[dimension]
    return by(exchange.session, period=period, whats=WHATS, top=None, now=NOW, **more)


@pytest.mark.long
@examples
@given(drawn=exchanges, period=st.sampled_from(PERIODS))
def test_every_dimension_counts_what_a_loop_over_all_rows_counts(
    runtime: Runtime, drawn: dict[str, Any], period: Period
) -> None:
    with small(runtime, drawn) as exchange:
        demand_of = exchange.listings

        def named(row: Any) -> list[str]:
            return [] if getattr(row, "organisation_masked", False) else [str(row.organisation_id)]

        def month(moment: datetime) -> list[str]:
            return [f"{moment.astimezone(CHINA):%Y-%m}"]

        everyone = dict.fromkeys(WHATS[:3])
        keys: dict[str, dict[str, Callable[[Any], list[str]]]] = {
            "field": {
                **{what: lambda row: [row.field] for what in everyone},
                "matches": lambda row: [demand_of[row.demand_id].field],
            },
            "organisation": {
                **dict.fromkeys(everyone, named),
                # Of a masked demand neither side's organisation counts: its own offers would be missing.
                "matches": lambda row: [
                    code
                    for side in (row.demand_id, row.offer_id)
                    for code in named(demand_of[side])
                    if named(demand_of[row.demand_id])
                ],
            },
            "region": {
                "outcomes": lambda row: [row.region],
                "demands": lambda row: [row.region],
                "experts": lambda row: [exchange.organisation(row).region],
                "matches": lambda row: [demand_of[row.demand_id].region],
            },
        }
        for dimension, by in keys.items():
            more = {"level": "city"} if dimension == "region" else {}
            assert counted(all_of(exchange, dimension, period, **more)) == by_hand(exchange, period, by), dimension
        cities = by_hand(exchange, period, keys["region"])
        provinces: dict[str, Counter[str]] = {}
        for code, counts in cities.items():
            provinces.setdefault(province_of(code) if code else "", Counter()).update(counts)
        assert counted(all_of(exchange, "region", period)) == {code: dict(one) for code, one in provinces.items()}
        months = by_hand(
            exchange,
            period,
            {
                **{what: lambda row: month(row.published_at) for what in everyone},
                "matches": lambda row: month(row.created_at),
            },
        )
        shown = counted(all_of(exchange, "month", period))
        assert {code: counts for code, counts in shown.items() if counts or code in months} == months
        for dimension in ("field", "region", "month", "organisation"):
            total = all_of(exchange, dimension, period).total.counts
            assert {what: total.get(what, 0) for what in WHATS[:3]} == {
                what: len(exchange.public(what, period)) for what in WHATS[:3]
            }, dimension
            assert total.get("matches", 0) == sum(one.active for one in exchange.public("matches", period)), dimension


@pytest.mark.long
@examples
@given(drawn=exchanges, period=st.sampled_from(PERIODS))
def test_totals_equal_what_a_loop_over_all_rows_counts(
    runtime: Runtime, drawn: dict[str, Any], period: Period
) -> None:
    with small(runtime, drawn) as exchange:
        shown = statistics.count(exchange.session, period=period, now=NOW)
        public = {what: exchange.public(what, period) for what in WHATS}
        assert {what: shown[what] for what in WHATS[:3]} == {what: len(public[what]) for what in WHATS[:3]}
        assert shown["matches"] == sum(one.active for one in public["matches"])
        progress = Counter(one.progress for one in public["demands"])
        assert {code: number for code, number in shown["demands_by_progress"].items() if number} == progress
        assert shown["by_region"] == Counter(one.region for one in public["outcomes"])
        states = [{one.demand_state, one.offer_state} for one in public["matches"]]
        reached = [
            len(states),
            sum(bool(one - {"new"}) for one in states),
            sum(bool(one & {"interested", "in_contact"}) for one in states),
            sum("in_contact" in one for one in states),
        ]
        stages = statistics.by_stage(exchange.session, period=period, now=NOW)
        if len({one.demand_id for one in public["matches"]}) < 3:
            assert (shown["conversion"], stages.rows) == (None, ())
        else:
            assert [shown["conversion"][stage] for stage in STAGES] == reached
            assert [row.tally.counts["matches"] for row in stages.rows] == reached
        bearing_a_name = [
            row.organisation_id
            for what in WHATS[:3]
            for row in public[what]
            if not getattr(row, "organisation_masked", False)
        ]
        assert shown["organisations_publishing"] == len(set(bearing_a_name))
        budgets = [one.budget_to for one in public["demands"] if one.budget_to is not None]
        assert (shown["budget"] is None) == (len(budgets) < 3)
        if len(budgets) >= 3:
            bands = (("below_1m", 10**6), ("1m_10m", 10**7), ("10m_100m", 10**8), ("100m_1bn", 10**9))
            assert shown["budget"]["band"] == next(name for name, end in bands if sum(budgets) < end)


@examples
@given(drawn=exchanges, dimension=st.sampled_from([*statistics.DIMENSIONS]))
def test_csv_parses_back_to_the_same_figures_and_holds_no_formula(
    runtime: Runtime, drawn: dict[str, Any], dimension: str
) -> None:
    with small(runtime, drawn) as exchange:
        table = all_of(exchange, dimension, ALWAYS)
        written = publishing.as_csv(table)
    lines = [*csv.DictReader(io.StringIO(written.decode("utf-8-sig"), newline=""))]
    told = publishing.told(table, "en")["items"]
    assert [{what: int(line[what]) for what in WHATS} for line in lines] == [
        {what: item[what] for what in WHATS} for item in told
    ]
    assert [line["budget_band"] for line in lines] == [(item["budget"] or {}).get("band", "") for item in told]
    assert [line["found"] for line in lines] == [str((item["conversion"] or {}).get("found", "")) for item in told]
    assert [line["en"].removeprefix("'") for line in lines] == [item["en"] for item in told]
    assert not [cell for line in lines for cell in line.values() if cell.startswith(("=", "+", "-", "@"))]
    assert CANARY.encode() not in written


def listing(**values: Any) -> dict[str, Any]:
    return {
        "organisation": 0, "state": "published", "field": "aerospace", "region": "120000",
        "published_at": MOMENTS[0], **values,
    }  # fmt: skip


def demand(**values: Any) -> dict[str, Any]:
    return listing(**{"organisation_masked": False, "progress": "open", "budget_to": 400_000, **values})


def drawn(**rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {"outcomes": [], "experts": [], "demands": [], "matches": [], **rows}


@examples
@given(drawn=exchanges, level=st.sampled_from(("field", "month", "province", "city")))
def test_how_few_demands_fare_is_not_told_by_subtraction_either(
    runtime: Runtime, drawn: dict[str, Any], level: str
) -> None:
    with small(runtime, drawn) as exchange:
        by = level if level in ("field", "month") else "region"
        more = {"level": level} if by == "region" else {}
        table = all_of(exchange, by, ALWAYS, **more)
        told = publishing.told(table, "en")
        provinces = publishing.told(all_of(exchange, "region", ALWAYS), "en")["items"] if level == "city" else []
        public = exchange.public("matches", ALWAYS)
        whose: dict[str, list[Match]] = {}
        for one in public:
            region = exchange.listings[one.demand_id].region
            code = {
                "field": exchange.listings[one.demand_id].field,
                "month": f"{one.created_at.astimezone(CHINA):%Y-%m}",
                "city": region,
                "province": province_of(region) if region else "",
            }[level]
            whose.setdefault(code, []).append(one)
    shown = {one["code"] for one in told["items"] if one["conversion"]}
    totals = [(told["total"]["conversion"], {*whose})]
    totals += [(one["conversion"], {c for c in whose if c and province_of(c) == one["code"]}) for one in provinces]
    for total, parts in totals:
        rest = {one.demand_id for code in parts - shown for one in whose[code]}
        assert not total or not rest or len(rest) >= 3
    for code in shown:
        assert len({one.demand_id for one in whose[code]}) >= 3
