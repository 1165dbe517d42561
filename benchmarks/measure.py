"""Clocks and figures: how long calls take, how much memory a process has used, and what a row of the report is."""

from __future__ import annotations

import multiprocessing
import resource
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

Result = TypeVar("Result")
Call = Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Times:
    """How long each of many calls took, in milliseconds, shortest first."""

    ms: tuple[float, ...]

    @classmethod
    def of(cls, seconds: Iterable[float]) -> Times:
        """From seconds in any order."""
        return cls(tuple(sorted(second * 1000 for second in seconds)))

    def at(self, share: float) -> float:
        """The time that this share of the calls did not exceed (nearest rank)."""
        return self.ms[min(len(self.ms) - 1, int(share * len(self.ms)))]

    @property
    def p50(self) -> float:
        """The median."""
        return self.at(0.5)

    @property
    def p95(self) -> float:
        """What one call in twenty exceeds."""
        return self.at(0.95)

    @property
    def mean(self) -> float:
        """The average."""
        return sum(self.ms) / len(self.ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One row of the report. `ratio` is how many times the floor's time (or the inverse of its speed) is needed."""

    name: str
    unit: str
    value: float
    p95: float | None = None
    floor_name: str = ""
    floor: float | None = None
    floor_p95: float | None = None
    goal: str = ""
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Above 1: slower than the floor."""
        if not self.floor or not self.value:
            return None
        return self.floor / self.value if self.unit.endswith("/s") else self.value / self.floor


def latency(name: str, times: Times, floor_name: str = "", floor: Times | None = None, **more: str) -> Figure:
    """A figure in milliseconds: the median, with the 95th percentile beside it."""
    return Figure(
        name=name,
        unit="ms",
        value=times.p50,
        p95=times.p95,
        floor_name=floor_name,
        floor=floor.p50 if floor else None,
        floor_p95=floor.p95 if floor else None,
        **more,
    )


def clock(call: Call) -> float:
    """Seconds of one call."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def side_by_side(pairs: Sequence[tuple[Call, Call]], *, rounds: int, warm: bool = True) -> tuple[Times, Times]:
    """Time both calls of each pair in turn, so that whatever disturbs the machine disturbs both alike.

    `warm`: a round before those that count fills the caches.
    """
    first: list[float] = []
    second: list[float] = []
    for turn in range(rounds + warm):
        for one, other in pairs:
            times = clock(one), clock(other)
            if turn >= warm:
                first.append(times[0])
                second.append(times[1])
    return Times.of(first), Times.of(second)


def per_second(clients: Sequence[Callable[[int], Any]], *, seconds: float) -> float:
    """Calls a second of several threads together; each client is called with 0, 1, 2 ... for that long."""
    counts = [0] * len(clients)
    failures: list[BaseException] = []
    start = threading.Barrier(len(clients) + 1)

    def run(index: int) -> None:
        start.wait()
        end = time.perf_counter() + seconds
        try:
            while time.perf_counter() < end:
                clients[index](counts[index])
                counts[index] += 1
        except Exception as error:  # told to the caller below
            failures.append(error)

    threads = [threading.Thread(target=run, args=(index,), daemon=True) for index in range(len(clients))]
    for thread in threads:
        thread.start()
    start.wait()
    began = time.perf_counter()
    for thread in threads:
        thread.join(seconds + 60)
    if failures:
        raise failures[0]
    return sum(counts) / (time.perf_counter() - began)


def in_child(work: Callable[..., Result], *arguments: Any) -> Result:
    """The result of a function run in a fresh process, so that memory and caches are its own."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


def peak_memory() -> int:
    """Bytes this process has held at most."""
    status = Path("/proc/self/status")
    if status.exists():  # getrusage would also count the parent before exec
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def bytes_under(folder: Path) -> int:
    """The size of all files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
