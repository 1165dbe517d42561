"""The search server down, slow, wiped, or refusing one document: writes go on, and in the end the index is right."""

from __future__ import annotations

import signal
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from market.app import create_app
from market.clock import utc_now
from market.models import Outcome
from market.outbox import JobName, enqueue
from market.runtime import Runtime
from market.worker import lanes, runner
from search.meili import MeiliEngine
from tests import databases
from tests.factories import Caller, add_member, add_organisation, opened, payload
from tests.reliability.conftest import assert_sound, stock, wait_until
from tests.servers import MeiliServer, meilisearch
from tests.services.stock import indexed, jobs, matches, publish, signed, stored

SECONDS = 1.0  # a search may take


@pytest.fixture(scope="module")
def search_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MeiliServer]:
    """One of our own, which tests stop, kill and wipe."""
    with meilisearch(tmp_path_factory.mktemp("meilisearch")) as server:
        yield server


@pytest.fixture
def exchange(search_server: MeiliServer, tmp_path: Path, template: Path) -> Iterator[Runtime]:
    """A service on that server, with the present time as its clock."""
    folder = tmp_path / "data"
    with opened(
        folder,
        template,
        utc_now,  # type: ignore[arg-type]  # any clock will do
        search_url=search_server.url,
        search_key=search_server.key,
        search_prefix=f"{tmp_path.name.replace('-', '_').lower()}_",
        search_timeout_seconds=SECONDS,
        job_poll_seconds=0.02,
        job_attempts=2,
    ) as runtime:
        runtime.engine.sync(apply=True)
        yield runtime
    databases.drop(folder)


@contextmanager
def working(runtime: Runtime) -> Iterator[None]:
    """A worker in a thread."""
    stop = threading.Event()
    thread = threading.Thread(target=lanes.work, args=(runtime, stop), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(30)


def drained(runtime: Runtime) -> Callable[[], bool]:
    """Whether the index is what the database says, and nothing waits or runs: both seen at one moment, for what runs
    enqueues more as it ends."""
    return lambda: {job.state for job in jobs(runtime)} <= {"dead"} and indexed(runtime) == stored(runtime)


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    began = time.perf_counter()
    answer = call()
    return time.perf_counter() - began, answer


def writer(runtime: Runtime) -> Caller:
    client: FlaskClient = create_app(runtime).test_client()
    return Caller(client, add_member(runtime))


def nth(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def test_down_for_a_whole_load_it_refuses_searches_at_once_loses_no_write_and_catches_up(
    exchange: Runtime, search_server: MeiliServer, capsys: pytest.CaptureFixture[str]
) -> None:
    caller, other = writer(exchange), writer(exchange)
    search_server.kill()
    began = time.monotonic()
    searches: list[float] = []
    with working(exchange):
        for number in range(30):
            noun = ("outcome", "expert", "demand")[number % 3]
            poster = other if noun == "demand" else caller  # nobody is matched with themselves
            assert poster.post(f"{noun}s", payload(noun, submit=True)).status_code == 201
            took, refused = timed(lambda: caller.get("outcomes", q="防腐"))
            searches.append(took)
            assert (refused.status_code, refused.json["type"]) == (503, "/problems/search-unavailable")
            assert refused.content_type == "application/problem+json"
            assert refused.headers["Retry-After"]
            time.sleep(0.1)
        assert caller.get("/readyz").json["parts"]["search"] != "ok"
        outage = time.monotonic() - began
        search_server.start()
        recovery = wait_until(drained(exchange), seconds=60, what="the backlog drains by itself")
    assert max(searches) < SECONDS + 1
    assert jobs(exchange, "dead") == []
    assert_sound(exchange)
    assert len(matches(exchange)) > 0
    assert caller.get("outcomes", q="防腐").json["total"] == 10
    with capsys.disabled():
        print(
            f"\ndown for {outage:.1f} s: 30 writes accepted, searches refused within "
            f"{max(searches) * 1000:.0f} ms, drained in {recovery:.1f} s"
        )
    assert recovery < 2 * outage + 5


def test_slow_it_is_given_up_within_the_timeout_and_writes_do_not_wait_for_it(
    exchange: Runtime, search_server: MeiliServer, capsys: pytest.CaptureFixture[str]
) -> None:
    caller = writer(exchange)

    def write() -> float:
        took, answer = timed(lambda: caller.post("outcomes", payload("outcome", submit=True)))
        assert answer.status_code == 201
        return took

    with working(exchange):
        normal = [write() for _ in range(40)]
        wait_until(drained(exchange), seconds=60, what="all is indexed")
        search_server.signal(signal.SIGSTOP)
        try:
            searches, slow = [], []
            for _ in range(40):
                slow.append(write())
                took, answer = timed(lambda: caller.get("outcomes", q="防腐"))
                searches.append(took)
                assert answer.status_code == 503
        finally:
            search_server.signal(signal.SIGCONT)
        wait_until(drained(exchange), seconds=60, what="it catches up")
    assert_sound(exchange)
    with capsys.disabled():
        print(
            f"\nslow: searches p99 {nth(searches, 0.99) * 1000:.0f} ms of {SECONDS * 1000:.0f}, writes p99 "
            f"{nth(slow, 0.99) * 1000:.0f} ms, {nth(normal, 0.99) * 1000:.0f} before"
        )
    assert nth(searches, 0.99) < SECONDS + 0.5


def test_of_a_thousand_documents_the_one_that_it_refuses_is_buried_and_the_others_are_in(
    exchange: Runtime, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    organisation = add_organisation(exchange)
    with exchange.db.writing() as session:
        rows = [
            Outcome(
                organisation_id=organisation, title_en=f"Outcome {number}", state="published", published_at=utc_now()
            )
            for number in range(1000)
        ]
        session.add_all(rows)
        enqueue(session, JobName.INDEX, [f"outcome:{row.id}" for row in rows], now=utc_now())
    bad = str(rows[700].id)
    engine: MeiliEngine = exchange.engine.inner  # type: ignore[attr-defined]
    copies = engine._copies

    def poisoned(spec: Any) -> Any:
        """What the server itself refuses: it fails the whole payload, without naming the document."""
        return {
            name: copy._replace(
                form=lambda spec, document, form=copy.form: (
                    form(spec, document) | ({"id": f"{bad} is no id"} if document["id"] == bad else {})
                )
            )
            for name, copy in copies(spec).items()
        }

    monkeypatch.setattr(engine, "_copies", poisoned)
    with working(exchange):
        wait_until(
            lambda: len(jobs(exchange, "dead")) == 1 and len(indexed(exchange)["outcome"]) == 999,
            seconds=120,
            what="all but one are indexed, and that one is given up",
        )
    (dead,) = jobs(exchange, "dead")
    assert (dead.name, dead.key) == ("index", f"outcome:{bad}")
    assert "is no id" in dead.error
    assert indexed(exchange)["outcome"].keys() == stored(exchange)["outcome"].keys() - {bad}
    with capsys.disabled():
        print("\n1,000 documents, 1 refused by the server: 999 in, 1 dead job")


def test_wiped_it_is_filled_again_to_the_same_ids_and_versions(
    exchange: Runtime, search_server: MeiliServer, capsys: pytest.CaptureFixture[str]
) -> None:
    stock(exchange, demands=2, outcomes=20, experts=5)
    runner.drain(exchange)
    before, told = indexed(exchange), len(matches(exchange))
    assert before == stored(exchange)
    search_server.wipe()
    with working(exchange):  # a worker that starts looks first whether the index is right
        took = wait_until(drained(exchange), seconds=60, what="it is filled again")
    assert indexed(exchange) == before
    assert len(matches(exchange)) == told
    assert_sound(exchange)
    with capsys.disabled():
        print(f"\nwiped with {sum(map(len, before.values()))} documents: equal again in {took:.1f} s")


def test_killed_while_it_is_written_to_and_wiped_it_ends_up_equal(
    exchange: Runtime, search_server: MeiliServer
) -> None:
    organisation = add_organisation(exchange)
    with working(exchange):
        for number in range(30):
            publish(exchange, "outcome", organisation, title_en=f"Coating {number}")
            if number == 10:
                search_server.kill()
            if number == 20:
                search_server.start()
        wait_until(lambda: len(signed(exchange)) > 5, seconds=60, what="it is in the middle of the work")
        search_server.wipe()
        # Nobody tells the worker that what it wrote is gone: that is found out by comparing, every ten minutes.
        with exchange.db.writing() as session:
            enqueue(session, JobName.RECONCILE, ["now"], now=utc_now())
        wait_until(drained(exchange), seconds=60, what="index and database are equal")
    assert_sound(exchange)


def test_an_index_check_says_what_differs_and_mends_it(exchange: Runtime) -> None:
    stock(exchange)
    runner.drain(exchange)
    (some, *_) = stored(exchange)["outcome"]
    exchange.engine.delete("outcomes", [some])
    exchange.engine.put("outcomes", [{"id": str(uuid.uuid4()), "version": 7, "state": "published"}])
    assert indexed(exchange) != stored(exchange)
    with exchange.db.writing() as session:
        enqueue(session, JobName.RECONCILE, ["now"], now=utc_now())
    runner.drain(exchange)
    assert indexed(exchange) == stored(exchange)
