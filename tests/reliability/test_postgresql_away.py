"""A PostgreSQL that goes away, is slow or says no for the moment: nobody is blamed, and all goes on by itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from market import outbox
from market.app import create_app
from market.db import AWAY, Database
from market.outbox import JobName
from market.runtime import Runtime
from market.settings import Settings
from market.worker import runner
from tests.factories import Caller, SettableClock, add_organisation, payload, post
from tests.pace import within
from tests.services.stock import jobs, matches, publish

pytestmark = pytest.mark.parametrize("server", ["postgresql"], indirect=True)


def cut_all_connections(url: str) -> None:
    """As a restarting server does."""
    with psycopg.connect(url, autocommit=True) as own:
        own.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@contextmanager
def database(runtime: Runtime, **settings: Any) -> Iterator[Database]:
    """The same database under other settings."""
    db = Database(runtime.db.url, Settings(**settings))
    yield db
    db.close()


def test_connections_that_were_cut_while_idle_are_replaced_unnoticed(runtime: Runtime, owner: Caller) -> None:
    listing = post(owner, "outcome")
    cut_all_connections(runtime.db.url)
    assert owner.get(f"outcomes/{listing['id']}").status_code == 200
    cut_all_connections(runtime.db.url)
    assert owner.post("outcomes", payload("outcome")).status_code == 201


def cut(session: Session, url: str) -> None:
    session.execute(text("SELECT 1"))
    cut_all_connections(url)
    session.execute(text("SELECT 1"))


def sleep(session: Session, _: str) -> None:
    session.execute(text("SELECT pg_sleep(20)"))


def do_nothing_for_long(session: Session, _: str) -> None:
    session.execute(text("SELECT 1"))
    time.sleep(0.3)
    session.execute(text("SELECT 1"))


def wait_for_a_row(session: Session, url: str) -> None:
    with psycopg.connect(url) as other:
        other.execute("LOCK TABLE outcomes")
        session.execute(text("LOCK TABLE outcomes"))


@pytest.mark.parametrize("trouble", [cut, sleep, do_nothing_for_long, wait_for_a_row])
def test_whatever_ends_a_transaction_from_outside_counts_as_being_away(
    runtime: Runtime, trouble: Callable[[Session, str], None]
) -> None:
    limits = {"postgres_statement_seconds": 0.2, "postgres_idle_seconds": 0.1, "postgres_lock_seconds": 0.1}
    with database(runtime, **limits) as db:
        for access in (db.reading, db.writing):
            if trouble is wait_for_a_row and access == db.reading:
                continue  # it takes no locks
            with pytest.raises(AWAY), access() as session:
                trouble(session, runtime.db.url)
            with access() as session:
                assert session.execute(text("SELECT 1")).scalar() == 1


def test_a_deadlock_counts_as_being_away_and_the_other_transaction_goes_on(runtime: Runtime) -> None:
    with runtime.db.writing() as session:
        outbox.enqueue(session, JobName.NOTIFY, ["a", "b"], now=runtime.clock())
    meeting = threading.Barrier(2)

    def touch(first: str, second: str) -> str:
        try:
            with runtime.db.writing() as session:
                session.execute(text("UPDATE jobs SET error = '' WHERE key = :key"), {"key": first})
                meeting.wait(10)
                session.execute(text("UPDATE jobs SET error = '' WHERE key = :key"), {"key": second})
        except AWAY:
            return "away"
        return "done"

    with ThreadPoolExecutor(2) as pool:
        ended = [*pool.map(touch, ("a", "b"), ("b", "a"))]
    assert sorted(ended) == ["away", "done"]


def test_when_all_connections_are_taken_a_request_is_asked_to_come_back(runtime: Runtime, owner: Caller) -> None:
    with database(runtime, postgres_pool_size=1, postgres_pool_seconds=0.1) as db:
        caller = Caller(create_app(replace(runtime, db=db)).test_client(), owner.person)
        assert caller.post("outcomes", payload("outcome")).status_code == 201
        with db.writing() as session:
            session.execute(text("SELECT 1"))
            response = caller.post("outcomes", payload("outcome"))
    assert (response.status_code, response.headers["Retry-After"]) == (503, "2")
    assert response.json["type"] == "/problems/unavailable"


def test_a_server_that_is_away_is_told_as_a_problem_until_it_is_back(runtime: Runtime, owner: Caller) -> None:
    nowhere = Database("postgresql://postgres@/nothing?host=/nowhere", Settings())
    away = Caller(create_app(replace(runtime, db=nowhere)).test_client(), owner.person)
    for response in (away.get("organisations"), away.post("outcomes", payload("outcome"))):
        assert (response.status_code, response.content_type) == (503, "application/problem+json")
    nowhere.close()


class Cutting:
    """The real scorings; each time they are asked for, the database's connections are cut meanwhile."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def __getattr__(self, name: str) -> Any:
        return getattr(self._runtime.scorings, name)

    def current(self, session: Session) -> Any:
        cut(session, self._runtime.db.url)
        return self._runtime.scorings.current(session)


def test_a_job_whose_database_went_away_is_tried_again_and_not_blamed(runtime: Runtime, clock: SettableClock) -> None:
    runner.drain(runtime)
    for noun in ("outcome", "demand"):
        publish(runtime, noun, add_organisation(runtime))
    cutting = replace(runtime, scorings=Cutting(runtime))  # type: ignore[arg-type]
    for _ in range(12):  # more often than a job that is to blame is tried
        runner.run_once(cutting)
        clock.advance(minutes=6)
    waiting = [(job.state, job.attempts) for job in jobs(runtime) if job.name == "match"]
    assert waiting == [("queued", 0)] * 2
    clock.advance(minutes=6)
    runner.drain(runtime)
    assert len(matches(runtime)) == 1
    assert jobs(runtime, "dead") == []


def test_a_reader_sees_one_moment_however_often_it_looks(runtime: Runtime) -> None:
    count = text("SELECT count(*) FROM outcomes")
    organisation = add_organisation(runtime)
    with runtime.db.reading() as session:
        before = session.execute(count).scalar_one()
        publish(runtime, "outcome", organisation)
        assert session.execute(count).scalar_one() == before
    with runtime.db.reading() as session:
        assert session.execute(count).scalar_one() == before + 1


def test_a_reader_cannot_write(runtime: Runtime) -> None:
    with pytest.raises(DBAPIError, match="read-only"), runtime.db.reading() as session:
        session.execute(text("DELETE FROM jobs"))


def test_without_prepared_statements_the_server_keeps_none(runtime: Runtime) -> None:
    with database(runtime, postgres_prepare=False) as db:
        for _ in range(10):
            with db.writing() as session:
                outbox.enqueue(session, JobName.NOTIFY, ["a"], now=runtime.clock())
        with db.writing() as session:
            assert session.execute(text("SELECT count(*) FROM pg_prepared_statements")).scalar() == 0


def enqueue(runtime: Runtime) -> None:
    with runtime.db.writing() as session:
        outbox.enqueue(session, JobName.NOTIFY, ["a"], now=runtime.clock())


def waited(db: Database, seconds: float) -> float:
    began = time.monotonic()
    db.wait(threading.Event(), seconds)
    return time.monotonic() - began


def test_an_idle_worker_is_woken_by_what_is_enqueued(runtime: Runtime) -> None:
    with database(runtime) as db, ThreadPoolExecutor(1) as pool:
        waited(db, 0)  # from now on it listens
        waiting = pool.submit(waited, db, 2.0)
        time.sleep(0.2)
        enqueue(runtime)
        assert waiting.result(25) < 1.5


def test_what_is_enqueued_while_a_worker_is_busy_is_not_waited_for(runtime: Runtime) -> None:
    with database(runtime) as db:
        waited(db, 0)
        for _ in range(20):
            enqueue(runtime)
        looks = 0
        while waited(db, 0.05) < 0.5:
            looks += 1
        assert 1 <= looks < 20  # once for all of them, or nearly


def test_what_is_undone_wakes_nobody(runtime: Runtime) -> None:
    with database(runtime) as db:
        waited(db, 0)
        with runtime.db.writing() as session:
            outbox.enqueue(session, JobName.NOTIFY, ["a"], now=runtime.clock())
            session.rollback()
        assert waited(db, 0.05) >= 0.5


def test_a_worker_that_is_told_to_stop_does_not_wait(runtime: Runtime) -> None:
    stop = threading.Event()
    stop.set()
    with database(runtime) as db:
        waited(db, 0)
        with within(1):
            db.wait(stop, 10)


def test_a_worker_whose_line_was_cut_polls_and_then_listens_again(runtime: Runtime) -> None:
    with database(runtime) as db:
        waited(db, 0)
        cut_all_connections(runtime.db.url)
        assert 0.05 <= waited(db, 0.05) < 0.4  # it hears nothing, and polls
        waited(db, 0)
        enqueue(runtime)
        assert waited(db, 2.0) < 1.0


def test_a_worker_that_may_not_listen_polls(runtime: Runtime, tmp_path: Path) -> None:
    with database(runtime, job_listen=False) as db:
        waited(db, 0)
        assert 0.05 <= waited(db, 0.05) < 0.4
