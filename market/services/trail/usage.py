"""How much callers use: within a minute, counted in this process; within a day, counted by all processes together.

No request writes: a process keeps what it has counted and adds it to the table `usage` every few seconds, all at
once, and reads the totals back. So what other hosts have counted is known here a little later, and never exactly.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Table
from sqlmodel import Session, col, delete, select

from market.db import dialect_of, insert_into
from market.models import Usage
from market.rights.quotas import Quota

Key = tuple[date, str, str]
"""A day, a subject and a kind."""

OTHERS = "others"
_MOST_SUBJECTS = 100_000
_MOST_SEEN = 4000
_AT_ONCE = 1000
_KEPT = timedelta(days=35)
_APART = 1.0  # seconds


class Windows:
    """Counts within windows of so many seconds, which begin with a subject's first count. In memory, thread-safe.

    Of more subjects than it has room for, the further ones share one window.
    """

    def __init__(self, seconds: float, most: int = _MOST_SUBJECTS) -> None:
        self.seconds = seconds
        self._most = most
        self._windows: dict[str, list[float]] = {}  # subject: when it ends, how many
        self._swept = 0.0
        self._lock = threading.Lock()

    def hit(self, subject: str, now: float) -> tuple[int, float]:
        """Count one more. Gives how many there are in the window, and in how many seconds it ends."""
        with self._lock:
            window = self._windows.get(subject)
            if window is None:
                window = self._new(subject, now)
            elif not self._lasts(window, now):
                window[0], window[1] = now + self.seconds, 0
            window[1] += 1
            return int(window[1]), window[0] - now

    def seen(self, subject: str, now: float) -> tuple[int, float]:
        """The same without counting."""
        with self._lock:
            window = self._windows.get(subject if subject in self._windows else OTHERS)
            lasts = window is not None and self._lasts(window, now)
            return (int(window[1]), window[0] - now) if window is not None and lasts else (0, 0.0)

    def _lasts(self, window: list[float], now: float) -> bool:
        """Whether it holds now. One that begins later was made before the clock was set back, and would last as long
        as that; of two threads one may read the clock a little earlier."""
        return now < window[0] <= now + self.seconds + _APART

    def _new(self, subject: str, now: float) -> list[float]:
        if now - self._swept > self.seconds or now < self._swept:
            self._windows = {one: window for one, window in self._windows.items() if self._lasts(window, now)}
            self._swept = now
        if len(self._windows) >= self._most:
            subject = OTHERS
        window = self._windows.setdefault(subject, [now + self.seconds, 0])
        if not self._lasts(window, now):
            window[0], window[1] = now + self.seconds, 0
        return window


@dataclass
class Tally:
    """What was used by the day: what the table had when last asked, and what this process has counted since."""

    _known: dict[Key, int] = field(default_factory=dict)
    _counted: dict[Key, int] = field(default_factory=dict)
    _under_way: dict[Key, int] = field(default_factory=dict)
    _seen: dict[tuple[date, str], set[int]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def used(self, day: date, subject: str, kind: str) -> int:
        """As far as this process knows."""
        key = (day, subject, kind)
        return self._known.get(key, 0) + self._counted.get(key, 0) + self._under_way.get(key, 0)

    def knows(self, day: date, subject: str) -> bool:
        """Whether the table was asked about this subject today."""
        return (day, subject, "requests") in self._known

    def learn(self, day: date, subject: str, counts: Mapping[str, int]) -> None:
        """What the table has of a subject that is new here."""
        with self._lock:
            for kind, count in {"requests": 0, **counts}.items():
                self._known.setdefault((day, subject, kind), count)

    def add(self, day: date, subject: str, kind: str, count: int = 1) -> int:
        """Count more, and give what is used then. What there is no room for, with the database away, is let pass."""
        key = (day, subject, kind)
        with self._lock:
            if key in self._counted or len(self._counted) < _MOST_SUBJECTS:
                self._counted[key] = self._counted.get(key, 0) + count
            return self.used(day, subject, kind)

    def unseen(self, day: date, subject: str, things: list[int]) -> list[int]:
        """Those of the things that this subject has not been shown today, as far as this process remembers."""
        seen: set[int] = self._seen.get((day, subject), set())
        return [one for one in dict.fromkeys(things) if one not in seen]

    def see(self, day: date, subject: str, things: list[int]) -> None:
        """Remember that it has been shown them; of some thousands a subject, and then no more."""
        with self._lock:
            if (day, subject) in self._seen or len(self._seen) < _MOST_SUBJECTS // 10:
                seen = self._seen.setdefault((day, subject), set())
                seen.update(things[: max(0, _MOST_SEEN - len(seen))])

    def take(self) -> Mapping[Key, int]:
        """What is to be added to the table; until `settle` or `put_back` it is under way. One taker at a time."""
        with self._lock:
            self._under_way, self._counted = self._counted, {}
            return dict(self._under_way)

    def settle(self, totals: Mapping[Key, int], *, today: date) -> None:
        """It was added: these are the totals now. Days that are over are forgotten."""
        with self._lock:
            self._under_way = {}
            known = {key: count for key, count in self._known.items() if key[0] >= today}
            self._known = {**(known if len(known) < _MOST_SUBJECTS else {}), **totals}
            self._seen = {key: things for key, things in self._seen.items() if key[0] >= today}

    def put_back(self) -> None:
        """It was not added: it will be next time."""
        with self._lock:
            for key, count in self._under_way.items():
                self._counted[key] = self._counted.get(key, 0) + count
            self._under_way = {}


@dataclass(frozen=True, slots=True)
class Meters:
    """All that a process counts."""

    quotas: Mapping[str, Quota]
    minute: Windows = field(default_factory=lambda: Windows(60))
    failures: Windows = field(default_factory=lambda: Windows(60))
    tally: Tally = field(default_factory=Tally)
    flushing: threading.Lock = field(default_factory=threading.Lock)


def of_subject(session: Session, day: date, subject: str) -> dict[str, int]:
    """What a subject has used on a day, by kind."""
    query = select(Usage.kind, Usage.count).where(Usage.day == day, Usage.subject == subject)
    return dict(session.exec(query).all())


def add(session: Session, counts: Mapping[Key, int]) -> dict[Key, int]:
    """Add to the table, and give the totals. Not to be repeated: it would count twice."""
    table: Table = Usage.__table__  # type: ignore[attr-defined]  # SQLModel does not declare it
    totals: dict[Key, int] = {}
    # In one order, so that of two hosts with the same subjects one waits for the other and not both.
    rows: list[dict[str, Any]] = [
        {"day": day, "subject": subject, "kind": kind, "count": count}
        for (day, subject, kind), count in sorted(counts.items())
    ]
    for begin in range(0, len(rows), _AT_ONCE):
        insert = insert_into(dialect_of(session), Usage).values(rows[begin : begin + _AT_ONCE])
        upsert = insert.on_conflict_do_update(
            index_elements=["day", "subject", "kind"], set_={"count": table.c["count"] + insert.excluded["count"]}
        ).returning(table.c.day, table.c.subject, table.c.kind, table.c["count"])
        totals.update({(row[0], row[1], row[2]): row[3] for row in session.connection().execute(upsert)})
    return totals


def forget(session: Session, *, now: datetime) -> None:
    """Remove days that are long over."""
    session.execute(delete(Usage).where(col(Usage.day) < day_of(now) - _KEPT))


def day_of(now: datetime) -> date:
    """The day that quotas go by, in UTC."""
    return now.astimezone(UTC).date()


def seconds_left(now: datetime) -> float:
    """Until the next day begins."""
    utc = now.astimezone(UTC)
    midnight = datetime(utc.year, utc.month, utc.day, tzinfo=UTC) + timedelta(days=1)
    return (midnight - utc).total_seconds()
