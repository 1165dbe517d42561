"""A Meilisearch server that is away, slow, killed, wiped, full or not one at all: what its users see."""

from __future__ import annotations

import resource
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from asking import indexes
from samples import THREE, ids, titled

from search.engine import AnyOf, BadDocument, Document, EngineUnavailable, Query, WeightedTerm
from search.indexes import OUTCOMES
from search.meili import MeiliEngine
from tests.servers import MeiliServer, free_port, meilisearch

pytestmark = pytest.mark.long

SPECS = {"outcomes": OUTCOMES}
SECONDS, MARGIN = 0.5, 3.0  # the machine may be busy
MANY: list[Document] = [{"id": f"n{number:03d}", "version": 3, "title_zh": "电池"} for number in range(300)]

READS: dict[str, Callable[[MeiliEngine], object]] = {
    "search": lambda engine: engine.search("outcomes", Query("电池")),
    "key terms": lambda engine: engine.search("outcomes", Query(terms=(WeightedTerm("电池", 1.0),))),
    "suggest": lambda engine: engine.suggest("outcomes", "电"),
    "count": lambda engine: engine.count("outcomes"),
    "versions": lambda engine: list(engine.versions("outcomes")),
    "frequencies": lambda engine: engine.frequencies("outcomes", ["电池"]),
    "ready": lambda engine: engine.ready(),
    "sync": lambda engine: engine.sync(apply=False),
}
WRITES: dict[str, Callable[[MeiliEngine], object]] = {
    "put": lambda engine: engine.put("outcomes", THREE),
    "delete": lambda engine: engine.delete("outcomes", ["sensor"]),
    "rebuild": lambda engine: engine.rebuild("outcomes", THREE),
    "sync": lambda engine: engine.sync(apply=True),
}
ANYTHING = [*READS.values(), *WRITES.values()]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MeiliServer]:
    """A server of one's own, to be treated badly."""
    with meilisearch(tmp_path_factory.mktemp("weather")) as server:
        yield server


@pytest.fixture
def opened(server: MeiliServer) -> Iterator[Callable[..., MeiliEngine]]:
    """Makes engines on the server, which is there at the beginning, whatever the last test has left."""
    if not server.answers():
        server.start()
    made: list[MeiliEngine] = []

    def new(url: str = server.url, key: str = server.key, **options: object) -> MeiliEngine:
        default = {"seconds": SECONDS, "specs": SPECS, "writable": True}
        made.append(MeiliEngine(url, key, **{**default, **options}))  # type: ignore[arg-type]
        return made[-1]

    yield new
    for engine in made:
        engine.close()


Opened = Callable[..., MeiliEngine]


def seconds_of(act: Callable[[], object]) -> float:
    """How long it takes to be told that the engine cannot."""
    began = time.perf_counter()
    with pytest.raises(EngineUnavailable):
        act()
    return time.perf_counter() - began


def recovered(act: Callable[[], object], within: float) -> float:
    """How long it takes until the engine can again."""
    began = time.perf_counter()
    while True:
        try:
            act()
        except EngineUnavailable:
            assert time.perf_counter() - began < within
            time.sleep(0.05)
        else:
            return time.perf_counter() - began


@contextmanager
def stopped(server: MeiliServer) -> Iterator[None]:
    server.signal(signal.SIGSTOP)
    try:
        yield
    finally:
        server.signal(signal.SIGCONT)


# Away


@pytest.mark.parametrize("what", READS)
def test_a_server_that_is_away_is_told_in_time(opened: Opened, what: str) -> None:
    engine = opened(url=f"http://127.0.0.1:{free_port()}")
    assert seconds_of(lambda: READS[what](engine)) < SECONDS + MARGIN


def test_after_three_failures_the_answer_is_at_once_and_after_a_pause_all_is_well(
    server: MeiliServer, opened: Opened
) -> None:
    engine = opened(seconds=20)
    engine.put("outcomes", THREE)
    server.kill()
    for _ in range(3):
        seconds_of(lambda: READS["search"](engine))
    waited = sorted(seconds_of(lambda: READS["search"](engine)) for _ in range(200))
    assert waited[100] < 0.005  # the slowest wait for the machine, not for the server
    server.start()
    took = recovered(lambda: READS["search"](engine), within=2.0 + 2 * MARGIN)
    assert ids(engine, "电池") >= {"graphene"}
    print(f"breaker: median {waited[100] * 1000:.3f} ms, p99 {waited[198] * 1000:.3f} ms; recovered in {took:.2f} s")


def test_a_server_that_is_as_slow_as_can_be_costs_no_more_than_the_timeout(
    server: MeiliServer, opened: Opened
) -> None:
    engine = opened()
    engine.put("outcomes", THREE)
    waited: list[float] = []

    def user() -> None:
        waited.extend(seconds_of(lambda: READS["search"](engine)) for _ in range(25))

    with stopped(server):
        users = [threading.Thread(target=user) for _ in range(8)]
        for thread in users:
            thread.start()
        for thread in users:
            thread.join()
        for read in ("suggest", "count", "ready"):
            assert seconds_of(lambda read=read: READS[read](engine)) < SECONDS + MARGIN  # type: ignore[misc]
    waited.sort()
    p99 = waited[int(len(waited) * 0.99)]
    assert p99 < SECONDS + MARGIN
    took = recovered(lambda: READS["count"](engine), within=2.0 + 2 * MARGIN)
    print(
        f"stopped: median {waited[len(waited) // 2]:.4f} s, p99 {p99:.3f} s of {SECONDS}; recovered in {took:.2f} s"
    )


# Killed and wiped


@pytest.mark.parametrize("delay", [0.0, 0.02, 0.08])
def test_documents_put_while_the_server_dies_are_in_once_they_are_put_again(
    server: MeiliServer, opened: Opened, delay: float
) -> None:
    engine = opened(seconds=20, prefix=f"killed{int(delay * 100)}_")
    engine.put("outcomes", THREE)
    killer = threading.Timer(delay, server.kill)
    killer.start()
    with suppress(EngineUnavailable):
        engine.put("outcomes", MANY)
    killer.join()
    server.start()
    recovered(lambda: engine.put("outcomes", MANY), within=20)
    expected = {str(one["id"]): one["version"] for one in (*THREE, *MANY)}
    assert dict(engine.versions("outcomes")) == expected
    assert engine.count("outcomes") == len(expected)
    assert engine.sync(apply=False) == {}


def test_wiped_data_are_told_by_ready_and_made_anew_by_who_writes(server: MeiliServer, opened: Opened) -> None:
    engine, reader = opened(seconds=20), opened(seconds=20, writable=False)
    engine.put("outcomes", THREE)
    reader.ready()
    server.wipe()
    with pytest.raises(EngineUnavailable, match=r"^outcomes_\w+ not there"):
        reader.ready()
    with pytest.raises(EngineUnavailable, match="market search sync"):
        reader.search("outcomes", Query())
    with pytest.raises(EngineUnavailable):
        list(reader.versions("outcomes"))
    engine.put("outcomes", THREE)  # which remembers an index that is no longer there
    assert engine.sync(apply=False) == {}
    assert ids(reader, "电池", filters=(AnyOf("readers", ("public",)),)) == {"graphene"}
    server.wipe()
    engine.delete("outcomes", ["sensor"])
    assert engine.sync(apply=False) == {}
    server.wipe()
    assert engine.rebuild("outcomes", THREE) == 3
    assert engine.sync(apply=False) == {}
    server.wipe()
    assert dict(engine.versions("outcomes")) == {}
    assert engine.sync(apply=False) == {}
    reader.ready()


# Not ours


@pytest.mark.parametrize("act", ANYTHING, ids=[*READS, *(f"{name} as a write" for name in WRITES)])
def test_a_key_that_is_not_accepted_is_named(opened: Opened, act: Callable[[MeiliEngine], object]) -> None:
    for key in ("wrong", ""):
        with pytest.raises(EngineUnavailable, match="MARKET_SEARCH_KEY"):
            act(opened(key=key, seconds=20))


GARBAGE = {
    "a page": (200, b"<html><h1>It works!</h1></html>"),
    "a page that is not found": (404, b"<html><h1>Not Found</h1></html>"),
    "a login": (302, b""),
    "nothing": (200, b""),
    "nothing created": (204, b""),
    "somebody else's JSON": (200, b'{"ok": true}'),
    "somebody else's list": (200, b"[1, 2]"),
    "somebody else's refusal": (404, b'{"error": "not found"}'),
    "half an answer": (200, b'{"hits": ['),
    "a gateway": (502, b"Bad Gateway"),
    "octets": (200, b"\xff\xfe\0\0"),
}


@contextmanager
def pretender(status: int, body: bytes) -> Iterator[str]:
    """Something on loopback that answers everything alike."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(status)
            self.send_header("Location", "/login")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815  # as the library calls them

        def log_message(self, *given: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("what", GARBAGE)
def test_whatever_else_answers_at_the_address_is_an_engine_that_is_unavailable(opened: Opened, what: str) -> None:
    with pretender(*GARBAGE[what]) as url:
        for act in ANYTHING:
            with pytest.raises(EngineUnavailable):
                act(opened(url=url, seconds=20))


def test_an_address_may_end_with_a_slash(server: MeiliServer, opened: Opened) -> None:
    engine = opened(url=f"{server.url}/", seconds=20)
    engine.put("outcomes", THREE)
    assert engine.count("outcomes") == 3


# What fails there


def test_a_document_that_the_server_refuses_is_named_and_nothing_of_its_payload_is_in(
    server: MeiliServer, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    from test_meili_rebuilding import spoiled

    engine = opened(seconds=20, prefix="refused_", browsed=True)
    engine.put("outcomes", THREE)
    monkeypatch.setattr("search.meili.engine.to_meili", spoiled("n004"))
    with pytest.raises(BadDocument, match="n004 is no id"):
        engine.put("outcomes", MANY)
    assert ids(engine) == {"graphene", "sensor", "secret"}
    for name in indexes(server, "refused_"):
        assert engine._size(engine._reading, name) == 3
    engine.put("outcomes", [one for one in MANY if one["id"] != "n004"])
    assert engine.count("outcomes") == 302


def test_a_task_that_an_operator_cancels_is_not_the_fault_of_its_documents(
    server: MeiliServer, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = opened(seconds=20, prefix="cancelled_")
    engine.put("outcomes", THREE)
    send = engine._writing.http.get

    def cancelled(path: str) -> object:
        told = send(path)
        return told | {"status": "canceled", "error": None} if path.startswith("tasks/") else told

    monkeypatch.setattr(engine._writing.http, "get", cancelled)
    with pytest.raises(EngineUnavailable, match="canceled"):
        engine.put("outcomes", THREE)


def test_a_full_disk_is_no_fault_of_the_documents_and_passes(tmp_path: Path) -> None:
    with meilisearch(tmp_path) as server:
        engine = MeiliEngine(server.url, server.key, seconds=20, writable=True, specs=SPECS)
        engine.put("outcomes", THREE)
        assert server.process is not None
        unlimited = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
        large = titled(*(f"电池{number} " + "说明文字" * 300 for number in range(300)))
        with pytest.raises(EngineUnavailable):
            engine.put("outcomes", large)
        assert ids(engine, "石墨烯") == {"graphene"} or not server.answers()
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, unlimited)
        if not server.answers():
            server.start()
        recovered(lambda: engine.put("outcomes", large), within=20)
        assert engine.count("outcomes") == 303
        engine.close()
