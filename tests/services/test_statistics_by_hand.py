"""Statistics of small exchanges, written out by hand: what is withheld, what is cut, what is not counted."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from market.runtime import Runtime
from market.services.figures import publishing, statistics
from market.services.figures.counting import ALWAYS
from market.services.figures.statistics import WHATS
from tests.services.test_statistics import MOMENTS, NOW, all_of, demand, drawn, listing, small


def test_months_in_between_count_nothing_and_are_there(runtime: Runtime) -> None:
    rows = [listing(), listing(published_at=MOMENTS[1])]
    with small(runtime, drawn(outcomes=rows)) as exchange:
        table = all_of(exchange, "month", ALWAYS)
        latest = statistics.by_month(exchange.session, period=ALWAYS, whats=WHATS, top=2, now=NOW)
    assert [(row.code, row.tally.counts.get("outcomes", 0)) for row in table.rows] == [
        ("2025-11", 1), ("2025-12", 0), ("2026-01", 0), ("2026-02", 1),
    ]  # fmt: skip
    assert ([row.code for row in latest.rows], latest.groups) == (["2026-01", "2026-02"], 4)


@pytest.mark.parametrize(("number", "band"), [(2, None), (3, "1m_10m")])
def test_few_demands_show_no_sum(runtime: Runtime, number: int, band: str | None) -> None:
    with small(runtime, drawn(demands=[demand()] * number)) as exchange:
        for dimension in statistics.DIMENSIONS:
            [item] = publishing.told(all_of(exchange, dimension, ALWAYS), "en")["items"]
            assert (item["budget"] or {}).get("band") == band, dimension
            assert item["demands"] == number


def test_a_budget_that_is_not_for_everybody_is_in_no_sum(runtime: Runtime) -> None:
    kept = [demand(tiers={"budget_to": "agreement"}) for _ in range(3)]
    with small(runtime, drawn(demands=[*kept, demand(), demand()])) as exchange:
        assert statistics.count(exchange.session, now=NOW)["budget"] is None


def test_a_group_with_few_demands_does_not_tell_how_they_fare(runtime: Runtime) -> None:
    pairs = [
        {"demand": number, "offer": 0, "active": True, "states": ("interested", "seen"), "created_at": MOMENTS[0]}
        for number in range(3)
    ]
    rows = {"outcomes": [listing(organisation=1)], "matches": pairs}
    for number, told in ((2, None), (3, 3)):
        with small(runtime, drawn(demands=[demand()] * number, **rows)) as exchange:
            [item] = publishing.told(all_of(exchange, "field", ALWAYS), "en")["items"]
            assert (item["conversion"] or {}).get("interested") == told
            whose = publishing.told(all_of(exchange, "organisation", ALWAYS), "en")
            assert {one["conversion"] for one in (*whose["items"], whose["total"])} == {None}


def test_one_demand_that_is_matched_in_three_months_is_one(runtime: Runtime) -> None:
    pairs = [
        {"demand": 0, "offer": number, "active": True, "states": ("interested", "seen"), "created_at": moment}
        for number, moment in enumerate(MOMENTS)
    ]
    with small(runtime, drawn(demands=[demand()], outcomes=[listing()] * 3, matches=pairs)) as exchange:
        told = publishing.told(all_of(exchange, "month", ALWAYS), "en")
    assert {one["conversion"] for one in (*told["items"], told["total"])} == {None}


def test_an_organisation_that_has_only_masked_demands_is_not_there(runtime: Runtime) -> None:
    rows = [demand(organisation=1, organisation_masked=True)] * 4
    with small(runtime, drawn(demands=rows, outcomes=[listing()])) as exchange:
        table = all_of(exchange, "organisation", ALWAYS)
        [shown] = table.rows
        assert shown.code == str(exchange.organisations[0].id)
        assert table.total.counts == {"outcomes": 1, "demands": 4}
        assert statistics.count(exchange.session, now=NOW)["organisations_publishing"] == 1


def test_only_so_many_groups_are_shown_and_it_is_told_of_how_many(runtime: Runtime) -> None:
    rows = [listing(organisation=0), listing(organisation=1), listing(organisation=1), listing(organisation=2)]
    with small(runtime, drawn(outcomes=rows)) as exchange:
        table = statistics.by_organisation(exchange.session, period=ALWAYS, whats=WHATS, top=1, now=NOW)
        assert [row.en for row in table.rows] == ["=Institute 1"]
    assert (table.groups, table.total.counts) == (3, {"outcomes": 4})


def test_what_is_not_asked_for_is_not_counted(runtime: Runtime) -> None:
    with small(runtime, drawn(outcomes=[listing()], demands=[demand(field="")])) as exchange:
        table = statistics.by_field(exchange.session, period=ALWAYS, whats=("outcomes",), top=None, now=NOW)
    [item] = publishing.told(table, "zh")["items"]
    assert item == {"code": "aerospace", "label": "航空航天", "zh": "航空航天", "en": "Aerospace", "outcomes": 1}


def test_a_century_of_months_is_cut_to_the_latest(runtime: Runtime) -> None:
    rows = [listing(), listing(published_at=MOMENTS[0] - timedelta(days=36_525))]
    with small(runtime, drawn(outcomes=rows)) as exchange:
        table = all_of(exchange, "month", ALWAYS)
    assert (len(table.rows), table.rows[-1].code, table.groups) == (240, "2025-11", 1201)


def test_ids_are_those_of_organisations(runtime: Runtime) -> None:
    with small(runtime, drawn(outcomes=[listing(organisation=2)])) as exchange:
        [row] = all_of(exchange, "organisation", ALWAYS).rows
        assert uuid.UUID(row.code) == exchange.organisations[2].id
