"""Files of imports that this process has open: read a batch at a time, without beginning anew for each."""

from __future__ import annotations

import os
import threading
import uuid
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import BinaryIO

from market.files import ahead, reading
from market.files.faults import Fault, Row
from market.services.files.keys import Seen, up_to

BATCH = 2000
"""Rows that are stored in one transaction."""
_AHEAD = 5_000
"""Rows from which on a file is read by a process of its own, while here the last batch is stored."""
_OPEN = 4
"""Files that a process keeps open at once; of others it finds its place again."""


@dataclass(frozen=True, slots=True)
class Source:
    """What a file is, and how it is read. `kind` is outcomes, experts or demands."""

    kind: str
    name: str
    mapping: Mapping[str, str]
    words: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows and faults of the lines after `start`, up to and with `end`. `last`: there is nothing more."""

    start: int
    end: int
    rows: tuple[Row, ...]
    faults: tuple[Fault, ...]
    last: bool
    places: Mapping[str, str] = field(default_factory=dict)

    def shown(self, faults: Sequence[Fault]) -> list[Fault]:
        """What is told of fields, told of the headers that they stand under; other files have none."""
        if not self.places:
            return [*faults]
        names = [one.column.removeprefix("/") for one in faults]
        return [replace(one, column=self.places.get(name, name)) for one, name in zip(faults, names, strict=True)]


@dataclass(slots=True)
class Reading:
    """A file, read up to the end of `batch`. `seen`: the keys that were taken from it, but for the lines after the
    first of `missed` up to the second: these were read elsewhere, and recalling.py finds what was taken."""

    file: BinaryIO
    found: Iterator[Row | Fault]
    count: int
    batch: Batch
    waiting: Row | Fault | None = None  # it has been read, and belongs to the next batch
    seen: Seen = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    missed: tuple[int, int] = (0, 0)

    def next(self, start: int) -> Batch:
        """What follows line `start`: the batch handed out last, if it was not stored, or the one after it."""
        if self.batch.start != start or self.batch.end == start:
            self.batch = _batch(self, start)
        return self.batch


class Readings:
    """The open files by import. Safe for threads that read different ones."""

    def __init__(self) -> None:
        self._open: OrderedDict[uuid.UUID, Reading] = OrderedDict()
        self._lock = threading.Lock()
        weakref.finalize(self, _close_all, self._open)

    def at(self, identity: uuid.UUID, source: Source, start: int, load: Callable[[], BinaryIO]) -> Reading:
        """The file of an import, to be read on after line `start`; `load` gives its bytes where it is not open, or is
        open at another place: somebody else has read on meanwhile."""
        with self._lock:
            reading_ = self._open.pop(identity, None)
        before = None
        if reading_ is not None and start not in (reading_.batch.start, reading_.batch.end):
            reading_.file.close()
            before, reading_ = reading_, None
        if reading_ is None:
            reading_ = _open(source, start, load())
            _remember(reading_, before, start)
        with self._lock:
            self._open[identity] = reading_
            while len(self._open) > _OPEN:
                self._open.popitem(last=False)[1].file.close()
        return reading_

    def close(self, identity: uuid.UUID) -> None:
        """Forget the file of an import that has ended."""
        with self._lock:
            reading_ = self._open.pop(identity, None)
        if reading_ is not None:
            reading_.file.close()


def _close_all(opened: dict[uuid.UUID, Reading]) -> None:
    for reading_ in opened.values():
        reading_.file.close()


def _open(source: Source, start: int, file: BinaryIO) -> Reading:
    counted = reading.count(file, name=source.name)
    read = ahead.read if counted - start >= _AHEAD and (os.cpu_count() or 1) > 1 else reading.read
    places: dict[str, str] = {}
    found = read(
        source.kind, file, name=source.name, mapping=source.mapping, words=source.words, start=start, places=places
    )
    # The header's faults are told at the first opening only.
    fresh = (one for one in found if one.line > start or not start)
    return Reading(file, fresh, counted, Batch(start, start, (), (), last=False), places=places)


def _remember(opened: Reading, before: Reading | None, start: int) -> None:
    """Keep what this process knows; whether its last batch was stored, before somebody else read on, it does not."""
    known = 0
    if before is not None:
        first, last = before.missed
        known = min(start, first if first < last else before.batch.start)
        opened.seen = up_to(before.seen, known)
    opened.missed = (known, start)


def _batch(read: Reading, start: int) -> Batch:
    """Up to BATCH rows; what is told of one line is never parted."""
    rows: list[Row] = []
    faults: list[Fault] = []
    end = start
    waiting, read.waiting = ((read.waiting,) if read.waiting else ()), None
    for one in chain(waiting, read.found):
        if one.line > end and len(rows) + len(faults) >= BATCH:
            read.waiting = one
            return Batch(start, end, tuple(rows), tuple(faults), last=False, places=read.places)
        end = max(end, one.line, 1)  # what is said of the file as a whole is said at its first line
        if isinstance(one, Row):
            rows.append(one)
        else:
            faults.append(one)
    return Batch(start, end, tuple(rows), tuple(faults), last=True, places=read.places)
