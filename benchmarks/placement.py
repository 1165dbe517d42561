"""Where the worker should live: what requests take while a backlog is indexed, in a child process or in a thread."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from pathlib import Path

from sqlmodel import select

from benchmarks import servers
from benchmarks.client import Connection, succeed
from benchmarks.measure import Figure, Times, clock, latency
from benchmarks.questions import questions
from benchmarks.requests import bodies, post
from benchmarks.world import await_idle, console, forget_jobs, member_key, opened, waiting
from market.models import Outcome
from market.outbox import JobName, enqueue
from market.runtime import Runtime

_BACKLOG = 7_000
_SECONDS = 12.0  # of requests, while the backlog lasts
_SEARCHES_A_POST = 4
_ALONE = "none"


def measure(data: Path, rows: Path) -> list[Figure]:
    """Searches and posts without a worker; with one beside that has only these posts to do; and while a backlog is
    indexed, by a child process and by a thread of the web process."""
    beside = partial(servers.market, data, worker=True)
    places: dict[str, tuple[Callable[[], AbstractContextManager[int]], bool]] = {
        _ALONE: (partial(servers.market, data, worker=False), False),
        "child process, no backlog": (beside, False),
        "child process, backlog": (beside, True),
        "thread, backlog": (partial(servers.market_with_thread, data), True),
    }
    figures: list[Figure] = []
    floors: tuple[Times, Times] | None = None
    with opened(data) as runtime:
        key = member_key(runtime)
        for place, (serve, busy) in places.items():
            console.print(f"placement: {place}")
            forget_jobs(runtime)
            with serve() as port:
                if place != _ALONE:
                    await_idle(runtime)
                _warm(port, rows)
                backlog = _fill(runtime) if busy else 0
                searches, posts, seconds = _ask(runtime, port, key, rows, busy=busy)
                indexed = backlog + len(posts.ms) - waiting(runtime, [JobName.INDEX])
                forget_jobs(runtime)
            floors = floors or (searches, posts)
            note = f"{indexed / seconds:.0f} docs/s indexed meanwhile" if place != _ALONE else ""
            for name, times, floor in (("GET /outcomes", searches, floors[0]), ("POST /outcomes", posts, floors[1])):
                figure = latency(f"{name}, worker: {place}", times, "no worker", floor)
                figures.append(replace(figure, note=f"{note}; longest {times.ms[-1]:.0f} ms".removeprefix("; ")))
    return figures


def _warm(port: int, rows: Path) -> None:
    """Fill the caches of the service, which each place starts without."""
    with Connection(port) as connection:
        for some in questions(rows).values():
            for question in some:
                succeed(connection.get(question.path))


def _fill(runtime: Runtime) -> int:
    """Have many outcomes indexed anew."""
    with runtime.db.writing() as session:
        ids = session.exec(select(Outcome.id).limit(_BACKLOG)).all()
        enqueue(session, JobName.INDEX, [f"outcome:{identity}" for identity in ids], now=runtime.clock())
    return len(ids)


def _ask(runtime: Runtime, port: int, key: str, rows: Path, *, busy: bool) -> tuple[Times, Times, float]:
    """Searches with a post now and then, as long as the worker has something to do. Also says for how long."""
    asked = [question for kind, some in questions(rows).items() for question in some if kind.endswith("word")]
    offered = bodies(300, seed=f"placement {time.monotonic()}")
    searches: list[float] = []
    posts: list[float] = []
    began = time.perf_counter()
    with Connection(port) as reader, Connection(port, key=key) as writer:
        while time.perf_counter() - began < _SECONDS and len(posts) < len(offered):
            for turn in range(_SEARCHES_A_POST):
                path = asked[(len(searches) + turn) % len(asked)].path
                searches.append(clock(lambda path=path: succeed(reader.get(path))))
            posts.append(clock(partial(post, writer, "/api/v1/outcomes", offered[len(posts)])))
            if busy and len(posts) % 5 == 0 and not waiting(runtime, [JobName.INDEX]):
                break
    return Times.of(searches), Times.of(posts), time.perf_counter() - began
