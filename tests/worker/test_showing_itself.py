"""What a worker shows of itself: that it lives, its own pages, and which jobs its log lines are about."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import structlog
from structlog.testing import LogCapture

from market import logs
from market.runtime import Runtime
from market.services.trail import workers
from market.worker import presence, runner, status
from tests.factories import Caller, SettableClock, post
from tests.servers import free_port
from tests.worker.test_running_jobs import publish_many, spoil


def alive(runtime: Runtime) -> int:
    with runtime.db.reading() as session:
        return workers.count(session, now=runtime.clock())


@pytest.fixture
def lines() -> Iterator[list[dict[str, Any]]]:
    """What is logged meanwhile, with what was bound around it."""
    before, capture = structlog.get_config(), LogCapture()
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, capture],
        wrapper_class=structlog.make_filtering_bound_logger(0),
    )
    yield capture.entries
    structlog.configure(**before)


@contextmanager
def pages(runtime: Runtime) -> Iterator[Callable[[str], tuple[int, str]]]:
    port = free_port()
    listening = replace(runtime, settings=replace(runtime.settings, worker_port=port))

    def get(path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    with status.served(listening):
        yield get


def test_a_worker_shows_itself_while_it_works_and_takes_leave_when_it_ends(runtime: Runtime) -> None:
    with presence.shown(runtime) as name:
        assert name.rpartition(":")[2].isdigit()
        assert alive(runtime) == 1
    assert alive(runtime) == 0


def test_of_several_workers_each_is_counted_and_the_silent_one_no_more(
    runtime: Runtime, clock: SettableClock
) -> None:
    with runtime.db.writing() as session:
        workers.alive(session, "a:1", now=clock())
        workers.alive(session, "b:1", now=clock())
    assert alive(runtime) == 2
    clock.advance(seconds=20)
    with runtime.db.writing() as session:
        workers.alive(session, "b:1", now=clock())
    clock.advance(seconds=20)
    assert alive(runtime) == 1


def test_workers_that_ended_long_ago_are_forgotten(runtime: Runtime, clock: SettableClock) -> None:
    with runtime.db.writing() as session:
        workers.alive(session, "a:1", now=clock() - timedelta(days=2))
        workers.alive(session, "b:1", now=clock())
    with runtime.db.writing() as session:
        assert workers.count(session, now=clock() - timedelta(days=2)) == 1


def test_a_sign_of_life_does_not_keep_periodic_jobs_from_coming(runtime: Runtime) -> None:
    with runtime.db.writing() as session:
        workers.alive(session, "a:1", now=runtime.clock())
    assert runner.drain(runtime) > 0


def test_a_worker_has_pages_of_its_own(runtime: Runtime) -> None:
    with pages(runtime) as get, presence.shown(runtime):
        assert get("/healthz") == (200, '{"status":"ok"}')
        parts = dict.fromkeys(("database", "schema", "search", "worker"), "ok")
        assert json.loads(get("/readyz")[1])["parts"] == {**parts, "embedder": "none"}
        assert "qiao_workers 1.0" in get("/metrics")[1]
        assert get("/metrics?anything")[0] == get("/api/v1/stats")[0] == 404


def test_a_worker_that_is_not_ready_says_so(runtime: Runtime) -> None:
    with pages(runtime) as get:
        code, body = get("/readyz")
    assert (code, json.loads(body)["status"]) == (503, "failing")


def test_a_worker_without_a_port_does_not_listen(runtime: Runtime) -> None:
    before = threading.active_count()
    with status.served(runtime) as port:
        assert (port, threading.active_count()) == (0, before)


def test_a_line_about_jobs_says_which(runtime: Runtime, lines: list[dict[str, Any]]) -> None:
    [identity] = publish_many(runtime, 1)
    lines.clear()
    runner.run_once(runtime)
    [line] = [line for line in lines if line["event"] == "jobs done"]
    assert line.keys() >= {"job", "lease", "count", "key", "job_id", "attempt", "ms"}
    assert (line["job"], line["key"], line["attempt"]) == ("index", f"outcome:{identity}", 1)


def test_a_job_that_fails_is_logged_with_its_traceback(runtime: Runtime, lines: list[dict[str, Any]]) -> None:
    [identity] = publish_many(runtime, 1)
    spoil(runtime, identity)
    lines.clear()
    runner.run_once(runtime)
    [line] = [line for line in lines if line["event"] == "job failed"]
    assert line["key"] == f"outcome:{identity}"
    assert line["exc_info"].__traceback__ is not None
    assert not structlog.contextvars.get_contextvars()


def test_a_line_about_a_request_carries_its_id_and_what_was_made(
    owner: Caller, visitor: Caller, lines: list[dict[str, Any]]
) -> None:
    made = post(owner, "outcome")
    answered = visitor.get("outcomes", headers={"X-Request-Id": "mine.1"}, q="secret words")
    visitor.get("stats", headers={"X-Request-Id": "no id\tat all"})
    posting, searching, counting = [line for line in lines if line["event"] == "request"][-3:]
    assert posting["made"].endswith(made["id"])
    assert posting["request_id"] != searching["request_id"] == answered.headers["X-Request-Id"]
    # Their own name for it stands beside, if it can be one.
    assert [line.get("client_request_id") for line in (posting, searching, counting)] == [None, "mine.1", None]
    assert searching["operation"].endswith("search_outcomes")
    assert "secret" not in repr(lines)


def test_what_a_database_quotes_is_not_told() -> None:
    error = RuntimeError(
        "new row violates check constraint\nDETAIL:  Failing row contains (secret,\nmore secret).\n[SQL: INSERT]"
    )
    assert logs.told(error) == "RuntimeError: new row violates check constraint\n[SQL: INSERT]"
    assert "secret" not in logs.told(RuntimeError("duplicate key\nDETAIL:  Key (email)=(secret) already exists."))
