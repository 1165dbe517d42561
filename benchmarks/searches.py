"""Searches: over HTTP, and the bare call of the engine that each of them comes down to."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from urllib.parse import quote

import orjson

from benchmarks import servers
from benchmarks.client import Connection, succeed
from benchmarks.measure import Call, Figure, Times, latency, per_second, side_by_side
from benchmarks.questions import DEEP, Question, questions
from benchmarks.world import await_idle, console, opened
from search.engine import Engine, Query

CLIENTS = 4
_ROUNDS, _SECONDS = 8, 4.0
_DEEP, _PAGE = 5_000, 100
_GOAL = "≤ 3 x"


def measure(data: Path, rows: Path) -> list[Figure]:
    """Latency of each kind of question, side by side; then how many a second four clients get."""
    figures: list[Figure] = []
    asked = questions(rows)
    with opened(data) as runtime, servers.market(data, worker=True) as port, Connection(port) as connection:
        await_idle(runtime)
        figures.append(_unseen(connection, runtime.engine, rows))
        everything: list[tuple[Times, Times]] = []
        for kind, some in asked.items():
            console.print(f"search: {kind}")
            pairs = [
                (partial(_ask, connection, question.path), _bare(runtime.engine, question.query()))
                for question in some
            ]
            everything.append(side_by_side(pairs, rounds=_ROUNDS))
            figures.append(_figure(kind, *everything[-1]))
        offset, path = _deep_page(connection)
        console.print(f"search: page at {offset}")
        pair = partial(_ask, connection, path), _bare(runtime.engine, Question({"q": DEEP}).query(offset=offset))
        everything.append(side_by_side([pair] * 25, rounds=_ROUNDS))
        figures.append(_figure(f"page at offset {offset}", *everything[-1]))
        both = [Times.of(ms / 1000 for pair in everything for ms in pair[which].ms) for which in (0, 1)]
        figures.append(_figure("all kinds", *both, goal=_GOAL))
        figures.append(_throughput(port, runtime.engine, [question for some in asked.values() for question in some]))
    return figures


def _unseen(connection: Connection, engine: Engine, rows: Path) -> Figure:
    """Questions asked once each: neither they nor most of what they find is in any cache of the service."""
    console.print("search: questions never asked before")
    others = questions(rows, seed="unseen")
    for question in others["by price"]:  # only the interpreter is warmed
        _ask(connection, question.path)
    some = [question for kind in ("one word", "two words", "three words") for question in others[kind]]
    pairs = [(partial(_ask, connection, one.path), _bare(engine, one.query())) for one in some]
    return _figure("words never asked before", *side_by_side(pairs, rounds=1, warm=False))


def _ask(connection: Connection, path: str) -> None:
    succeed(connection.get(path))


def _bare(engine: Engine, query: Query) -> Call:
    return partial(engine.search, "outcomes", query)


def _figure(kind: str, http: Times, bare: Times, *, goal: str = "") -> Figure:
    return latency(f"GET /outcomes: {kind}", http, "engine call", bare, goal=goal)


def _deep_page(connection: Connection) -> tuple[int, str]:
    """The offset and address of a page as deep as the results go, reached as a reader reaches it."""
    path = f"/api/v1/outcomes?q={quote(DEEP)}"
    page = orjson.loads(succeed(connection.get(f"{path}&limit={_PAGE}")).body)
    offset, cursor = 0, ""
    while page["next"] and offset < _DEEP:
        offset, cursor = offset + _PAGE, page["next"]
        page = orjson.loads(succeed(connection.get(f"{path}&limit={_PAGE}&cursor={cursor}")).body)
    return offset, f"{path}&limit=20&cursor={cursor}"


def _throughput(port: int, engine: Engine, asked: list[Question]) -> Figure:
    console.print(f"search: {CLIENTS} clients at once")
    connections = [Connection(port) for _ in range(CLIENTS)]
    paths, queries = [one.path for one in asked], [one.query() for one in asked]

    def client(connection: Connection, start: int) -> Callable[[int], None]:
        return lambda turn: _ask(connection, paths[(start + turn) % len(paths)])

    def bare(start: int) -> Callable[[int], object]:
        return lambda turn: engine.search("outcomes", queries[(start + turn) % len(queries)])

    http = per_second([client(one, 50 * at) for at, one in enumerate(connections)], seconds=_SECONDS)
    floor = per_second([bare(50 * at) for at in range(CLIENTS)], seconds=_SECONDS)
    return Figure(
        name=f"GET /outcomes: {CLIENTS} clients", unit="requests/s", value=http,
        floor_name=f"engine call in {CLIENTS} threads", floor=floor, note="first pages, all kinds",
    )  # fmt: skip
