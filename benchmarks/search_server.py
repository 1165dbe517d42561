"""A Meilisearch server beside the embedded engine: filled, searched, and searched while it is filled anew."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
from meilisearch import Client

from benchmarks import servers
from benchmarks.client import Connection, succeed
from benchmarks.measure import Figure, Times, clock, latency, side_by_side
from benchmarks.questions import Question, questions
from benchmarks.world import console, opened
from market.models import LISTINGS
from market.runtime import Runtime
from market.services.search import indexing
from search.indexes import INDEXES, OUTCOMES
from search.meili import settings as declared
from search.meili.documents import payloads, to_meili
from search.meili.queries import narrowing, paged, strict
from search.meili.rebuilding import BATCH, LARGEST_PAYLOAD
from search.reading import read

_ROUNDS = 8
_SECONDS = 15.0
_GOAL_SEARCH, _GOAL_REBUILD = "≤ 1.5 x", "≤ 2 x"


def measure(data: Path, rows: Path) -> list[Figure]:
    """All of it, on a server of our own."""
    with servers.meilisearch(data) as (port, key):
        settings = {"search_url": f"http://127.0.0.1:{port}", "search_key": key, "search_timeout_seconds": 30.0}
        variables = {f"MARKET_{name.upper()}": str(value) for name, value in settings.items()}
        with opened(data, writes_index=True, **settings) as runtime:
            figures = [_filled(runtime, port, key)]
            asked = questions(rows)
            with (
                opened(data) as embedded,
                servers.market(data, worker=False, **variables) as web,
                Connection(web) as product,
            ):
                figures += _engines(embedded, runtime, asked)
                with Connection(port, key=key) as bare:  # the server hangs up where nothing is asked for long
                    figures += _searched(product, bare, asked)
            with servers.market(data, worker=False, **variables) as web, Connection(web) as product:
                figures.append(_while_rebuilding(product, asked, data, settings))
    return figures


def _filled(runtime: Runtime, port: int, key: str) -> Figure:
    """All indexes from the database, as `market reindex` does; then the same documents by the bare client."""
    console.print("search server: index from the database")
    runtime.engine.sync(apply=True)
    began = time.perf_counter()
    count = sum(
        runtime.engine.rebuild(indexing.index_of(noun), indexing.all_documents(runtime.db, noun, now=runtime.clock))
        for noun in LISTINGS
    )
    seconds = time.perf_counter() - began
    console.print("search server: the same by the bare client")
    floor = _bare_client(runtime, port, key)
    return Figure(
        name="search server: index from the database", unit="docs/s", value=count / seconds,
        floor_name="the client sends them ready-made", floor=count / floor, goal="≤ 1.25 x", note=f"{seconds:.1f} s",
    )  # fmt: skip


def _bare_client(runtime: Runtime, port: int, key: str) -> float:
    """Seconds in which the official client puts ready-made documents in, in payloads as large as the product's."""
    client = Client(f"http://127.0.0.1:{port}", key)
    seconds = 0.0
    for noun in LISTINGS:
        spec = INDEXES[indexing.index_of(noun)]
        name = f"floor_{spec.name}"
        documents = indexing.all_documents(runtime.db, noun, now=runtime.clock)
        made: list[bytes] = []
        while batch := [to_meili(spec, one) for one in islice(documents, BATCH)]:
            made += payloads(batch, largest=LARGEST_PAYLOAD)
        _wait(client, client.create_index(name, {"primaryKey": "id"}).task_uid)
        _wait(client, client.index(name).update_settings(declared.declared(spec)).task_uid)

        def send(name: str = name, made: Sequence[bytes] = made) -> None:
            for task in [client.index(name).add_documents_ndjson(one) for one in made]:
                _wait(client, task.task_uid)

        seconds += clock(send)
        _wait(client, client.delete_index(name).task_uid)
    return seconds


def _wait(client: Client, task: int) -> None:
    answer = client.wait_for_task(task, timeout_in_ms=3_600_000, interval_in_ms=20)
    if answer.status != "succeeded":
        raise RuntimeError(str(answer.error))


def _engines(embedded: Runtime, server: Runtime, asked: dict[str, list[Question]]) -> list[Figure]:
    """The same question to both engines, without HTTP of ours around."""
    figures = []
    for kind, some in asked.items():
        queries = [question.query() for question in some]
        pairs = [
            (partial(server.engine.search, "outcomes", query), partial(embedded.engine.search, "outcomes", query))
            for query in queries
        ]
        times = side_by_side(pairs, rounds=_ROUNDS)
        figures.append(latency(f"engine call, search server: {kind}", times[0], "embedded engine", times[1]))
    return figures


def _searched(product: Connection, bare: Connection, asked: dict[str, list[Question]]) -> list[Figure]:
    """Each kind of question through our API, beside the server's own answer to the same request."""
    figures = []
    everything: list[tuple[Times, Times]] = []
    path = f"/indexes/{declared.uid('qiao_', OUTCOMES)}/search"
    for kind, some in asked.items():
        console.print(f"search server: {kind}")
        pairs: list[tuple[Callable[[], Any], Callable[[], Any]]] = []
        for question in some:
            query = question.query()
            body = paged(query, filters=narrowing(query.filters)) | strict(OUTCOMES, read(query.text)).body
            pairs.append((partial(_get, product, question.path), partial(_post, bare, path, orjson.dumps(body))))
        everything.append(side_by_side(pairs, rounds=_ROUNDS))
        figures.append(latency(f"GET /outcomes, search server: {kind}", *_named(everything[-1])))
    both = [Times.of(ms / 1000 for pair in everything for ms in pair[which].ms) for which in (0, 1)]
    figures.append(
        latency(
            "GET /outcomes, search server: all kinds", both[0], "the server's own answer", both[1], goal=_GOAL_SEARCH
        )
    )
    return figures


def _named(times: tuple[Times, Times]) -> tuple[Times, str, Times]:
    return times[0], "the server's own answer", times[1]


def _while_rebuilding(
    product: Connection, asked: dict[str, list[Question]], data: Path, settings: dict[str, Any]
) -> Figure:
    """The same searches before and during a rebuild of everything."""
    console.print("search server: searched while it is filled anew")
    paths = [question.path for some in asked.values() for question in some]
    for path in paths:
        _get(product, path)
    quiet = _timed(product, paths)
    with _rebuilding(data, settings):
        busy = _timed(product, paths)
    return latency(
        "GET /outcomes, search server: while it is filled anew", busy, "while nothing is written", quiet,
        goal=_GOAL_REBUILD,
    )  # fmt: skip


@contextmanager
def _rebuilding(data: Path, settings: dict[str, Any]) -> Iterator[None]:
    process = multiprocessing.get_context("spawn").Process(target=_rebuild, args=(data, settings), daemon=True)
    process.start()
    time.sleep(3.0)  # until it has imported itself and sent something
    try:
        yield
    finally:
        process.kill()
        process.join()


def _rebuild(data: Path, settings: dict[str, Any]) -> None:
    with opened(data, writes_index=True, **settings) as runtime:
        while True:
            documents = indexing.all_documents(runtime.db, "outcome", now=runtime.clock)
            runtime.engine.rebuild("outcomes", documents)


def _timed(product: Connection, paths: Sequence[str]) -> Times:
    taken: list[float] = []
    end = time.perf_counter() + _SECONDS
    while time.perf_counter() < end:
        taken.append(clock(partial(_get, product, paths[len(taken) % len(paths)])))
    return Times.of(taken)


def _get(connection: Connection, path: str) -> None:
    succeed(connection.get(path))


def _post(connection: Connection, path: str, body: bytes) -> None:
    succeed(connection.post(path, body))
