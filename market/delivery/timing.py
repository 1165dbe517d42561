"""When something may be sent: at once, with a digest, after quiet hours or a day's cap. Pure; all results are UTC."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from importlib.resources import files
from typing import Literal, get_args
from zoneinfo import ZoneInfo

Rhythm = Literal["instant", "daily", "weekly", "off"]
"""How often somebody wants to be told, the quickest first."""

_ORDER: tuple[Rhythm, ...] = get_args(Rhythm)
_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)
_LONGEST_SKIP = timedelta(hours=25)  # Samoa once left out a whole day


@dataclass(frozen=True, slots=True)
class Hours:
    """When somebody may be told, by the clock on their wall. Quiet hours may cross midnight; equal ends mean none."""

    zone: str
    quiet_from: time | None = None
    quiet_to: time | None = None
    digest_at: time = time(8)
    digest_day: int = 0  # of weekly digests; 0 is Monday

    def __post_init__(self) -> None:
        """Raise ValueError for what no clock or calendar shows."""
        if not known_zone(self.zone):
            raise ValueError(f"no time zone is called {self.zone!r}")
        if self.digest_day not in range(7):
            raise ValueError("the day of the digest is 0 (Monday) to 6 (Sunday)")
        if any(one is not None and one.tzinfo for one in (self.quiet_from, self.quiet_to, self.digest_at)):
            raise ValueError("times are of the wall clock and carry no zone of their own")


def slower(a: Rhythm, b: Rhythm) -> Rhythm:
    """The one that tells less often."""
    return max(a, b, key=_ORDER.index)


def known_zone(name: str) -> bool:
    """Whether a time zone has this name; the list is that of the tzdata package, the same on every host."""
    return name in _zones()


def due(rhythm: Rhythm, now: datetime, hours: Hours) -> datetime:
    """When what happens now may be sent: never in quiet hours.

    An instant one now, or when the quiet hours end. A digest at the first of its times that is later than now, so
    that each event belongs to one digest; a time in quiet hours moves to their end. Raises ValueError for "off".
    """
    if rhythm == "off":
        raise ValueError("what is off is never due")
    if rhythm == "instant":
        return quiet_end(now, hours)
    now = _utc(now)
    return next(moment for moment in _digests(now, hours, weekly=rhythm == "weekly") if moment > now)


def quiet(now: datetime, hours: Hours) -> bool:
    """Whether now lies in the quiet hours."""
    return quiet_end(now, hours) > now


def quiet_end(now: datetime, hours: Hours) -> datetime:
    """When the quiet hours that now lies in are over; now itself where it lies in none."""
    now = _utc(now)
    # Once is not always enough: where the clocks go back, one night's quiet hours may reach into the next one's.
    while ends := [end for start, end in _quiet_spans(now, hours) if start <= now < end]:
        now = max(ends)
    return now


def local_day(now: datetime, zone: str) -> tuple[datetime, datetime]:
    """The start of the day that now lies in, and of the day after it. Raises ValueError for an unknown zone."""
    now = _utc(now)
    day = _day(now, zone)
    return _moment(day, time(), zone), _moment(day + _DAY, time(), zone)


def after_cap(now: datetime, hours: Hours) -> datetime:
    """When sending goes on after the cap of the day is used up: at the next day's digest time, outside quiet hours.

    Not when that day begins: whoever has had enough for one day should not be woken at midnight by the rest of it.
    """
    tomorrow = _day(_utc(now), hours.zone) + _DAY
    return quiet_end(_moment(tomorrow, hours.digest_at, hours.zone), hours)


def _digests(now: datetime, hours: Hours, *, weekly: bool) -> Iterator[datetime]:
    """The times of digests around now, in order."""
    today = _day(now, hours.zone)
    # From the one before: it may have been moved past midnight. Whole days were skipped in places, hence two more.
    for offset in range(-8, 16) if weekly else range(-2, 4):
        day = today + offset * _DAY
        if not weekly or day.weekday() == hours.digest_day:
            yield quiet_end(_moment(day, hours.digest_at, hours.zone), hours)


def _quiet_spans(now: datetime, hours: Hours) -> Iterator[tuple[datetime, datetime]]:
    """The quiet hours around now. Where the clock shows their end twice they last until the second time, since
    nobody is told anything while the clock shows a quiet hour."""
    start, end = hours.quiet_from, hours.quiet_to
    if start is None or end is None or start == end:
        return
    for offset in (-1, 0, 1):
        day = _local(now, hours.zone).date() + offset * _DAY
        yield (
            _moment(day, start, hours.zone),
            _moment(day if start < end else day + _DAY, end.replace(fold=1), hours.zone),
        )


def _day(now: datetime, zone: str) -> date:
    """The local day. It has begun when the clock first shows midnight, even if the clock then goes back before it."""
    day = _local(now, zone).date()
    return day + _DAY if now >= _moment(day + _DAY, time(), zone) else day


def _moment(day: date, clock: time, zone: str) -> datetime:
    """When the clock shows this: the first time it does, or the last with fold=1; where it skips this, the moment
    at which it skips."""
    shown = datetime.combine(day, clock)
    found = shown.replace(tzinfo=_zone(zone)).astimezone(UTC)
    if _local(found, zone) == shown:
        return found
    found = found.replace(microsecond=0)
    early, late = found - _LONGEST_SKIP, found + _LONGEST_SKIP
    while late - early > _SECOND:
        middle = (early + (late - early) / 2).replace(microsecond=0)
        if _local(middle, zone) < shown:
            early = middle
        else:
            late = middle
    return late


def _local(now: datetime, zone: str) -> datetime:
    return now.astimezone(_zone(zone)).replace(tzinfo=None)


def _utc(now: datetime) -> datetime:
    if now.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    return now.astimezone(UTC)


def _zone(name: str) -> ZoneInfo:
    if not known_zone(name):
        raise ValueError(f"no time zone is called {name!r}")
    return ZoneInfo(name)


@cache
def _zones() -> frozenset[str]:
    return frozenset(files("tzdata").joinpath("zones").read_text(encoding="ascii").split())
