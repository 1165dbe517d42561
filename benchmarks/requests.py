"""POST and GET of single outcomes, beside bare views under the same server."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import orjson

from benchmarks import floors, servers
from benchmarks.client import Connection, succeed
from benchmarks.corpus import Corpus, sizes_of
from benchmarks.measure import Figure, latency, per_second, side_by_side
from benchmarks.world import await_idle, console, forget_jobs, member_key, opened, some_ids

CLIENTS = 4
POSTS, _IDS, _SECONDS = 200, 200, 4.0
_VIEW = "bare view, one "


def bodies(count: int, *, seed: str) -> list[bytes]:
    """Outcomes as they are posted."""
    return [orjson.dumps(body) for body in Corpus(sizes_of(1_000), seed=seed).bodies(count)]


def measure_posts(data: Path, url: str = "") -> list[Figure]:
    """With the worker idle beside, as in `market serve`, indexing what is posted; and without any worker.

    `url` is that of a PostgreSQL database with the same data; SQLite where it is empty.
    """
    figures: list[Figure] = []
    for worker in (False, True):
        told = "with worker" if worker else "without worker"
        console.print(f"POST /outcomes {told}")
        with opened(data, database_url=url) as runtime:
            forget_jobs(runtime)
            key = member_key(runtime)
            with (
                servers.market(data, worker=worker, MARKET_DATABASE_URL=url) as port,
                servers.floor(url or str(data / f"floor-{worker}.db"), data) as floor_port,
            ):
                if worker:
                    await_idle(runtime)
                figures += _posts(told, port, floor_port, key)
                if worker:
                    forget_jobs(runtime)
            forget_jobs(runtime)
    return figures


def _posts(told: str, port: int, floor_port: int, key: str) -> list[Figure]:
    some = bodies(POSTS, seed=told)
    with Connection(port, key=key) as product, Connection(floor_port) as floor:
        pairs = [
            (partial(post, product, "/api/v1/outcomes", body), partial(post, floor, "/items", body)) for body in some
        ]
        http, bare = side_by_side(pairs, rounds=1)

    def clients(at: int, path: str, key: str = "") -> list[Callable[[int], None]]:
        connections = [Connection(at, key=key) for _ in range(CLIENTS)]
        return [lambda turn, one=one: post(one, path, some[turn % len(some)]) for one in connections]

    per = per_second(clients(port, "/api/v1/outcomes", key), seconds=_SECONDS)
    bare_per = per_second(clients(floor_port, "/items"), seconds=_SECONDS)
    return [
        latency(f"POST /outcomes {told}", http, _VIEW + "INSERT", bare),
        Figure(
            name=f"POST /outcomes {told}, {CLIENTS} clients", unit="requests/s", value=per,
            floor_name=_VIEW + "INSERT", floor=bare_per,
        ),
    ]  # fmt: skip


def post(connection: Connection, path: str, body: bytes) -> None:
    """Post and have it accepted."""
    succeed(connection.post(path, body), 201)


def measure_gets(data: Path, url: str = "") -> list[Figure]:
    """One outcome by its id; `url` as above."""
    console.print("GET /outcomes/{id}")
    with opened(data, database_url=url) as runtime, runtime.db.reading() as session:
        ids = some_ids(session, "outcome", _IDS)
    with servers.market(data, worker=False, MARKET_DATABASE_URL=url) as port, Connection(port) as product:
        kept = {one: succeed(product.get(f"/api/v1/outcomes/{one}")).body.decode() for one in ids}
        if url:
            floors.fill_server(url, kept.items())
        else:
            floors.fill(data / "floor-get.db", kept.items())
        with servers.floor(url or str(data / "floor-get.db"), data) as floor_port, Connection(floor_port) as floor:
            pairs = [
                (partial(_get, product, f"/api/v1/outcomes/{one}"), partial(_get, floor, f"/items/{one}"))
                for one in ids
            ]
            http, bare = side_by_side(pairs, rounds=3)
            figures = [latency("GET /outcomes/{id}", http, _VIEW + "SELECT", bare)]
            speeds = [
                per_second([_reader(Connection(at), prefix, ids) for _ in range(CLIENTS)], seconds=_SECONDS)
                for at, prefix in ((port, "/api/v1/outcomes"), (floor_port, "/items"))
            ]
    return [
        *figures,
        Figure(
            name=f"GET /outcomes/{{id}}, {CLIENTS} clients", unit="requests/s", value=speeds[0],
            floor_name=_VIEW + "SELECT", floor=speeds[1],
        ),
    ]  # fmt: skip


def _get(connection: Connection, path: str) -> None:
    succeed(connection.get(path))


def _reader(connection: Connection, prefix: str, ids: list[str]) -> Callable[[int], None]:
    return lambda turn: _get(connection, f"{prefix}/{ids[turn % len(ids)]}")
