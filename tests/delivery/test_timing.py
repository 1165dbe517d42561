"""When something may be sent, for arbitrary moments in zones whose clocks are moved in all sorts of ways."""

from __future__ import annotations

from bisect import bisect_right
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from market.delivery.timing import Hours, Rhythm, after_cap, due, known_zone, local_day, quiet, quiet_end, slower

DAY = timedelta(days=1)
MICROSECOND = timedelta(microseconds=1)
# Without changes; an hour; half an hour; across the date line; around Ramadan; at midnight in either direction.
ZONES = (
    "Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca",
    "Asia/Beirut", "America/Havana", "America/Nuuk", "UTC",
)  # fmt: skip
FIRST, LAST = datetime.fromisoformat("2020-01-01"), datetime.fromisoformat("2035-12-31")

zones = st.sampled_from(ZONES)
moments = st.datetimes(FIRST, LAST, timezones=st.just(UTC))
clocks = st.builds(time, st.integers(0, 23), st.sampled_from([0, 1, 15, 30, 59]))


def changes(zone: str) -> list[datetime]:
    """The moments between FIRST and LAST at which a zone's clock is moved."""
    found = []
    at = FIRST.replace(tzinfo=UTC)
    while at < LAST.replace(tzinfo=UTC):
        if shown(at, zone) - shown(at + DAY, zone) != -DAY:
            early, late = at, at + DAY
            while late - early > timedelta(seconds=1):
                middle = (early + (late - early) / 2).replace(microsecond=0)
                early, late = (
                    (middle, late) if shown(middle, zone) - shown(at, zone) == middle - at else (early, middle)
                )
            found.append(late)
        at += DAY
    return found


def shown(moment: datetime, zone: str) -> datetime:
    """What the clock on the wall shows."""
    return moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


CHANGES = {zone: changes(zone) for zone in ZONES}


@st.composite
def places(draw: st.DrawFn) -> tuple[str, datetime]:
    """A zone and a moment there; every other one within two days of a change of the clock."""
    zone = draw(zones)
    if CHANGES[zone] and draw(st.booleans()):
        return zone, draw(st.sampled_from(CHANGES[zone])) + draw(st.timedeltas(-2 * DAY, 2 * DAY))
    return zone, draw(moments)


@st.composite
def hours_in(draw: st.DrawFn, zone: str) -> Hours:
    quiet_from, quiet_to = draw(
        st.sampled_from([(None, None), (time(22), time(7)), (time(1), time(2, 30))]) | st.tuples(clocks, clocks)
    )
    return Hours(zone, quiet_from, quiet_to, draw(clocks), draw(st.integers(0, 6)))


@st.composite
def situations(draw: st.DrawFn) -> tuple[datetime, Hours]:
    zone, now = draw(places())
    return now, draw(hours_in(zone))


def on_the_wall(moment: datetime, hours: Hours) -> bool:
    """Whether the clock shows a quiet hour."""
    start, end = hours.quiet_from, hours.quiet_to
    if start is None or end is None:
        return False
    clock = shown(moment, hours.zone).time()
    return start <= clock < end if start <= end else clock >= start or clock < end


@given(situations(), st.sampled_from(["instant", "daily", "weekly"]))
@settings(max_examples=500, deadline=None)
def test_nothing_is_sent_in_quiet_hours_or_in_the_past(situation: tuple[datetime, Hours], rhythm: Rhythm) -> None:
    now, hours = situation
    for found in (due(rhythm, now, hours), after_cap(now, hours)):
        assert found.tzinfo is UTC
        assert not on_the_wall(found, hours)
        assert not quiet(found, hours)
    assert due(rhythm, now, hours) >= now if rhythm == "instant" else due(rhythm, now, hours) > now


@given(situations())
@settings(max_examples=300, deadline=None)
def test_quiet_hours_are_at_least_those_on_the_wall(situation: tuple[datetime, Hours]) -> None:
    now, hours = situation
    assert quiet(now, hours) or not on_the_wall(now, hours)
    end = quiet_end(now, hours)
    assert quiet(now, hours) == (end > now)
    if end > now:
        assert quiet(end - MICROSECOND, hours)
        # Longer than on the wall only in a night in which the clock is moved.
        near = any(abs(change - now) < 2 * DAY for change in CHANGES[hours.zone])
        assert near or (on_the_wall(now, hours) and end - now <= DAY)


@given(situations(), st.sampled_from(["instant", "daily", "weekly"]), st.timedeltas(timedelta(0), 3 * DAY))
@settings(max_examples=300, deadline=None)
def test_what_comes_later_is_never_due_earlier(
    situation: tuple[datetime, Hours], rhythm: Rhythm, later: timedelta
) -> None:
    now, hours = situation
    assert due(rhythm, now, hours) <= due(rhythm, now + later, hours)
    assert after_cap(now, hours) <= after_cap(now + later, hours)


@given(situations(), st.sampled_from(["daily", "weekly"]), st.lists(st.floats(0, 1, exclude_max=True), max_size=8))
@settings(max_examples=200, deadline=None)
def test_each_event_is_in_exactly_one_digest(
    situation: tuple[datetime, Hours], rhythm: Rhythm, parts: list[float]
) -> None:
    now, hours = situation
    digests = [due(rhythm, now, hours)]
    for _ in range(4):
        digests.append(due(rhythm, digests[-1], hours))
    assert digests == sorted(set(digests))
    assert due(rhythm, digests[0] - MICROSECOND, hours) == digests[0]
    for part in parts:
        at = digests[0] + part * (digests[-1] - digests[0])
        assume(at < digests[-1])
        assert due(rhythm, at, hours) == digests[bisect_right(digests, at)]


@given(places(), clocks)
@settings(max_examples=200, deadline=None)
def test_each_local_day_has_one_digest(place: tuple[str, datetime], clock: time) -> None:
    zone, now = place
    hours = Hours(zone, digest_at=clock)
    start, end = local_day(now, zone)
    assume(not {start, end} & {*CHANGES[zone]})  # a last hour that is skipped has its digest at midnight
    digest = due("daily", start - MICROSECOND, hours)
    assert start <= digest < end
    assert due("daily", digest, hours) >= end
    there = shown(digest, zone)
    assert there.time() == clock or digest in CHANGES[zone]


@given(places(), clocks, st.integers(0, 6))
@settings(max_examples=200, deadline=None)
def test_a_weekly_digest_comes_on_its_day(place: tuple[str, datetime], clock: time, day: int) -> None:
    zone, now = place
    hours = Hours(zone, digest_at=clock, digest_day=day)
    found = due("weekly", now, hours)
    assert day in {shown(found, zone).weekday(), shown(found - MICROSECOND, zone).weekday()}
    assert shown(found, zone).weekday() == day or found in CHANGES[zone]
    assert shown(found, zone).time() == clock or found in CHANGES[zone]
    assert found - now <= 7 * DAY + timedelta(hours=3)
    between = due("daily", now, hours)
    while between < found:  # no other daily moment before it was of that weekday
        assert shown(between, zone).weekday() != day or between in CHANGES[zone]
        between = due("daily", between, hours)
    assert between == found


@given(situations())
@settings(max_examples=300, deadline=None)
def test_local_days_follow_each_other_without_a_gap(situation: tuple[datetime, Hours]) -> None:
    now, hours = situation
    start, end = local_day(now, hours.zone)
    assert start <= now < end
    assert timedelta(hours=22) <= end - start <= timedelta(hours=26)
    assert local_day(end, hours.zone)[0] == end
    assert local_day(start, hours.zone) == local_day(end - MICROSECOND, hours.zone) == (start, end)
    going_on = after_cap(now, hours)
    assert going_on >= end
    assert going_on == after_cap(start, hours)


BERLIN = Hours("Europe/Berlin", time(22), time(7))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("rhythm", "now", "hours", "expected"),
    [
        ("instant", "2026-01-05T12:00", BERLIN, "2026-01-05T12:00"),
        ("instant", "2026-01-05T21:00", BERLIN, "2026-01-06T06:00"),  # as the quiet hours begin
        ("instant", "2026-01-06T06:00", BERLIN, "2026-01-06T06:00"),  # as they end
        ("instant", "2026-03-28T23:00", BERLIN, "2026-03-29T05:00"),  # a night shorter by an hour
        ("instant", "2026-10-24T22:00", BERLIN, "2026-10-25T06:00"),  # a night longer by an hour
        ("daily", "2026-01-05T06:59", Hours("Europe/Berlin"), "2026-01-05T07:00"),
        ("daily", "2026-01-05T07:00", Hours("Europe/Berlin"), "2026-01-06T07:00"),  # strictly later
        ("daily", "2026-01-05T12:00", Hours("Europe/Berlin", time(22), time(7), time(23)), "2026-01-06T06:00"),
        ("daily", "2026-03-28T12:00", Hours("Europe/Berlin", digest_at=time(2, 30)), "2026-03-29T01:00"),  # skipped
        ("daily", "2026-10-24T12:00", Hours("Europe/Berlin", digest_at=time(2, 30)), "2026-10-25T00:30"),  # the first
        ("daily", "2026-10-25T00:30", Hours("Europe/Berlin", digest_at=time(2, 30)), "2026-10-26T01:30"),  # not again
        ("daily", "2026-10-03T12:00", Hours("Australia/Lord_Howe", digest_at=time(2, 15)), "2026-10-03T15:30"),
        ("daily", "2026-03-28T12:00", Hours("Asia/Beirut", digest_at=time(0)), "2026-03-28T22:00"),  # no midnight
        ("daily", "2024-03-30T03:00", Hours("America/Nuuk", digest_at=time(23)), "2024-03-31T01:00"),  # at midnight
        ("weekly", "2026-01-05T00:00", Hours("Asia/Shanghai"), "2026-01-12T00:00"),  # a Monday, 08:00
        ("weekly", "2026-01-06T12:00", Hours("Asia/Shanghai", digest_day=2), "2026-01-07T00:00"),
        ("weekly", "2026-01-04T15:59", Hours("Pacific/Apia", digest_at=time(5)), "2026-01-04T16:00"),  # Monday there
        ("daily", "2011-12-29T20:00", Hours("Pacific/Apia"), "2011-12-30T10:00"),  # a day that never was
        ("instant", "2026-10-25T00:15", Hours("Europe/Berlin", time(1), time(2, 30)), "2026-10-25T01:30"),
    ],
)
def test_known_moments(rhythm: Rhythm, now: str, hours: Hours, expected: str) -> None:
    assert due(rhythm, at(now), hours) == at(expected)


def test_quiet_hours_with_equal_ends_or_one_end_are_none() -> None:
    now = at("2026-01-05T02:00")
    for ends in ((time(3), time(3)), (time(0), None), (None, time(23, 59)), (None, None)):
        assert not quiet(now, Hours("Europe/Berlin", *ends))


def test_after_the_cap_it_goes_on_with_the_next_days_digest() -> None:
    assert after_cap(at("2026-01-05T10:00"), Hours("Asia/Shanghai")) == at("2026-01-06T00:00")
    late = Hours("Asia/Shanghai", time(22), time(9, 30))
    assert after_cap(at("2026-01-05T10:00"), late) == at("2026-01-06T01:30")
    assert local_day(at("2026-01-05T10:00"), "Asia/Shanghai") == (at("2026-01-04T16:00"), at("2026-01-05T16:00"))


def test_nearly_always_quiet_leaves_a_minute_a_day() -> None:
    hours = Hours("Europe/Berlin", time(8, 1), time(8))
    assert due("instant", at("2026-01-05T12:00"), hours) == at("2026-01-06T07:00")


def test_what_is_off_is_never_due() -> None:
    with pytest.raises(ValueError, match="off"):
        due("off", at("2026-01-05T12:00"), BERLIN)


def test_the_slower_of_two() -> None:
    assert slower("instant", "daily") == slower("daily", "instant") == "daily"
    assert slower("off", "weekly") == "off"
    assert slower("weekly", "daily") == "weekly"


def test_zones_have_names() -> None:
    assert all(map(known_zone, ZONES))
    for name in ("", "Mars/Olympus", "../../etc/passwd", "Asia", "asia/shanghai", "localtime", "UTC\x00", "/UTC"):
        assert not known_zone(name)
        with pytest.raises(ValueError, match="zone"):
            Hours(name)
        with pytest.raises(ValueError, match="zone"):
            local_day(at("2026-01-05T12:00"), name)


def test_what_no_clock_shows_is_refused() -> None:
    with pytest.raises(ValueError, match="day"):
        Hours("UTC", digest_day=7)
    with pytest.raises(ValueError, match="wall"):
        Hours("UTC", digest_at=time(8, tzinfo=UTC))
    with pytest.raises(ValueError, match="time zone"):
        due("instant", datetime.fromisoformat("2026-01-01"), Hours("UTC"))


def test_all_zones_have_changes_to_be_tested_with() -> None:
    assert {zone for zone, found in CHANGES.items() if not found} == {"Asia/Shanghai", "UTC"}
    assert date(2021, 4, 4) in {shown(found, "Pacific/Apia").date() for found in CHANGES["Pacific/Apia"]}
