"""What takes long to make, kept in memory for a short time: whoever asks the same meanwhile is told the same, and
when it was made. Only for what is the same for every caller; knows no request and no database."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

LASTS = timedelta(minutes=1)

Thing = TypeVar("Thing")


@dataclass(slots=True)
class _Entry:
    made_at: datetime
    there: bool = False
    value: Any = None
    lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass(slots=True)
class Kept(Generic[Thing]):
    """Things by what was asked for, each for as long as `lasts`; of more than `most`, those asked for last.
    Thread-safe."""

    lasts: timedelta
    most: int
    _entries: dict[Hashable, _Entry] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, key: Hashable, make: Callable[[], Thing], *, now: datetime) -> tuple[Thing, datetime]:
        """What `make` gives, or gave for this key, and when that was. Of those who ask for the same at once, one
        makes it and the others wait. What `make` raises is raised, and nothing is kept."""
        entry = self._entry(key, now)
        with entry.lock:
            if not entry.there:
                entry.value, entry.made_at = make(), now
                entry.there = True
            return entry.value, entry.made_at

    def _entry(self, key: Hashable, now: datetime) -> _Entry:
        with self._lock:
            entry = self._entries.pop(key, None)
            if entry is None or not timedelta() <= now - entry.made_at < self.lasts:  # a clock may be set back
                entry = _Entry(now)
            self._entries[key] = entry  # behind all others, of which the first goes first
            while len(self._entries) > self.most:
                del self._entries[next(iter(self._entries))]
            return entry


@dataclass(frozen=True, slots=True)
class Figures:
    """What one process keeps: figures by question, and what was made of them by question, format and language."""

    counted: Kept[Any] = field(default_factory=lambda: Kept(LASTS, most=64))
    files: Kept[Any] = field(default_factory=lambda: Kept(LASTS, most=128))
