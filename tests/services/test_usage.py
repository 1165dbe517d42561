"""What is counted: within a minute in one process, within a day by all of them together."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import select

from market.models import Usage
from market.rights.quotas import KINDS, quotas
from market.runtime import Runtime
from market.services.trail import usage
from market.services.trail.usage import OTHERS, Tally, Windows
from tests.factories import SettableClock

TODAY = date(2027, 3, 1)


def test_a_window_begins_with_the_first_count_and_ends_after_its_seconds() -> None:
    windows = Windows(60)
    assert [windows.hit("key:1", 1000.0), windows.hit("key:1", 1059.9)] == [(1, 60.0), (2, pytest.approx(0.1))]
    assert windows.hit("key:1", 1060.0) == (1, 60.0)
    assert windows.hit("key:2", 1060.0) == (1, 60.0)


@pytest.mark.parametrize("back", [3600.0, 30.0])
def test_a_clock_that_is_set_back_locks_nobody_out(back: float) -> None:
    windows, now = Windows(60, most=2), 10_000.0
    for subject in ("a", "b", "c"):  # the last one shares the window of others
        assert [windows.hit(subject, now) for _ in range(5)][-1] == (5, 60.0)
    for subject in ("a", "b", "c"):
        assert windows.seen(subject, now - back) == (0, 0.0)
        assert windows.hit(subject, now - back) == (1, 60.0)
        assert windows.hit(subject, now - back + 61) == (1, 60.0)


def test_threads_that_read_the_clock_in_another_order_share_a_window() -> None:
    windows = Windows(60)
    windows.hit("a", 1000.0)
    assert windows.hit("a", 999.99) == (2, pytest.approx(60.01))


def test_looking_does_not_count() -> None:
    windows = Windows(60)
    windows.hit("a", 0.0)
    assert [windows.seen("a", 30.0), windows.seen("a", 30.0), windows.seen("b", 30.0)] == [(1, 30), (1, 30), (0, 0)]
    assert windows.seen("a", 60.0) == (0, 0.0)


def test_however_many_subjects_there_are_memory_is_bounded_and_the_further_ones_share_a_window() -> None:
    windows = Windows(60, most=3)
    for number in range(10):
        windows.hit(str(number), 0.0)
    assert windows.seen("anybody", 1.0)[0] == windows.seen(OTHERS, 1.0)[0] == 7
    assert windows.seen("0", 1.0)[0] == 1
    assert windows.hit("new", 61.0) == (1, 60.0)
    assert windows.seen("new", 61.0)[0] == 1


@given(st.lists(st.sampled_from(["add", "take", "settle", "put_back"]), max_size=30))
def test_whatever_happens_between_nothing_is_lost_or_counted_twice(steps: list[str]) -> None:
    tally, table, added, taken = Tally(), 0, 0, 0
    for step in steps:
        if step == "add":
            tally.add(TODAY, "key:1", "requests")
            added += 1
        elif step == "take" and not taken:
            taken = tally.take().get((TODAY, "key:1", "requests"), 0)
        elif step == "settle" and taken:
            table += taken
            tally.settle({(TODAY, "key:1", "requests"): table}, today=TODAY)
            taken = 0
        elif step == "put_back" and taken:
            tally.put_back()
            taken = 0
        assert tally.used(TODAY, "key:1", "requests") == added


def test_what_was_shown_already_is_known_again() -> None:
    tally = Tally()
    assert tally.unseen(TODAY, "user:1", [1, 2, 2, 3]) == [1, 2, 3]
    tally.see(TODAY, "user:1", [1, 2])
    assert tally.unseen(TODAY, "user:1", [1, 2, 3]) == [3]
    assert tally.unseen(TODAY, "user:2", [1]) == [1]
    assert tally.unseen(TODAY + timedelta(days=1), "user:1", [1]) == [1]


def test_the_table_adds_what_several_hosts_have_counted(runtime: Runtime) -> None:
    requests, writes = (TODAY, "key:1", "requests"), (TODAY, "key:1", "writes")
    with runtime.db.writing() as session:
        assert usage.add(session, {requests: 5, writes: 1}) == {requests: 5, writes: 1}
    with runtime.db.writing() as session:
        assert usage.add(session, {requests: 7}) == {requests: 12}
    with runtime.db.reading() as session:
        assert usage.of_subject(session, TODAY, "key:1") == {"requests": 12, "writes": 1}


def test_very_many_counts_are_added_at_once(runtime: Runtime) -> None:
    counts = {(TODAY, f"user:{uuid.UUID(int=number)}", "requests"): number for number in range(2500)}
    with runtime.db.writing() as session:
        assert usage.add(session, counts) == counts


def test_days_that_are_long_over_are_removed(runtime: Runtime, clock: SettableClock) -> None:
    clock.now = datetime(2027, 3, 1, 12, tzinfo=UTC)
    with runtime.db.writing() as session:
        usage.add(session, {(TODAY - timedelta(days=age), "key:1", "requests"): 1 for age in (0, 35, 36, 400)})
        usage.forget(session, now=clock())
    with runtime.db.reading() as session:
        assert sorted(session.exec(select(Usage.day))) == [TODAY - timedelta(days=35), TODAY]


@pytest.mark.parametrize(
    ("moment", "day", "left"),
    [
        ("2027-03-01T00:00:00+00:00", TODAY, 86_400),
        ("2027-03-01T23:59:59+00:00", TODAY, 1),
        ("2027-03-02T07:30:00+08:00", TODAY, 1800),
    ],
)
def test_a_day_is_one_of_utc(moment: str, day: date, left: int) -> None:
    now = datetime.fromisoformat(moment)
    assert (usage.day_of(now), usage.seconds_left(now)) == (day, left)


def test_the_table_of_quotas_grows_with_trust() -> None:
    table = quotas()
    assert [*table] == ["visitor", "registered", "verified", "staff", "administrator"]
    for kind in KINDS:
        numbers = [row.per_day[kind] for row in table.values()]
        known = [number for number in numbers if number is not None]
        assert known == sorted(known)
        assert numbers == [*known, *[None] * (len(numbers) - len(known))]
    assert [table[who].per_day["experts"] for who in table] == [200, 500, 2000, None, None]


def test_settings_change_cells_of_it() -> None:
    table = quotas(" visitor.experts=7 ,registered.requests_per_minute=-,")
    assert table["visitor"].per_day["experts"] == 7
    assert table["registered"].per_minute is None
    assert table["verified"] == quotas()["verified"]


@pytest.mark.parametrize("change", ["visitor=3", "nobody.experts=3", "visitor.cats=3", "visitor.experts=x", "x"])
def test_a_change_of_what_is_not_there_is_refused(change: str) -> None:
    with pytest.raises(ValueError, match=r"table|number"):
        quotas(change)


def test_every_line_of_the_table_is_described() -> None:
    import market.rights

    lines = (Path(market.rights.__file__).parent / "quotas.tsv").read_text(encoding="utf-8").splitlines()
    assert all(line.split("\t")[-1] for line in lines)
