"""Receivers that hang, fail, ask for patience or are gone: nobody else waits for them, and what is news comes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from sqlmodel import select

from market.delivery.retrying import DELAYS, DISABLED_AFTER, JITTER
from market.models import Attempt, Delivery, Endpoint, Notification
from market.runtime import Runtime
from market.services.telling import endpoints
from market.worker import lanes, runner
from tests import databases
from tests.delivery.receivers import Receiver, Request, answering, hanging, receiving
from tests.factories import Person, SettableClock, add_member, opened
from tests.reliability.conftest import PROJECT, Installation, wait_until
from tests.services.mailbox import add_endpoint, deliveries, news, principal, rows, run_until
from tests.services.stock import jobs

KIND = "subscription_hit"
MONDAY = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
PATIENCE = 30.0  # of the sender; no test is to wait so long


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving(answering()) as listening:
        yield listening


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock(MONDAY)


@pytest.fixture
def runtime(tmp_path: Path, template: Path, clock: SettableClock) -> Iterator[Runtime]:
    with opened(tmp_path / "data", template, clock, send_to_loopback=True, send_timeout_seconds=5.0) as built:
        yield built


@pytest.fixture
def person(runtime: Runtime) -> Person:
    return add_member(runtime)


@contextmanager
def at_work(installation: Installation, **settings: object) -> Iterator[Runtime]:
    """The installation with a worker in a thread, by the real clock."""
    with installation.opened(send_to_loopback=True, send_timeout_seconds=PATIENCE, **settings) as runtime:
        stop = threading.Event()
        thread = threading.Thread(target=lanes.work, args=(runtime, stop))
        thread.start()
        try:
            yield runtime
        finally:
            stop.set()
            thread.join(20)


def add_webhook(runtime: Runtime, url: str, person: Person | None = None) -> tuple[Person, uuid.UUID]:
    """Somebody with a webhook that hears of what their subscription finds."""
    person = person or add_member(runtime)
    return person, add_endpoint(runtime, person, "webhook", url, events=[KIND])[0]


def ids(receiver: Receiver) -> list[str]:
    return [request.headers["webhook-id"] for request in receiver.requests]


def titles(requests: list[Request]) -> list[str]:
    return [json.loads(request.body)["data"]["title"].rpartition("：")[2] for request in requests]


def attempts(runtime: Runtime, endpoint: uuid.UUID) -> list[Attempt]:
    found = [row for row in rows(runtime, Attempt) if row.endpoint_id == endpoint]
    return sorted(found, key=lambda row: row.created_at)


def state(runtime: Runtime, endpoint: uuid.UUID) -> Endpoint:
    with runtime.db.reading() as session:
        return session.exec(select(Endpoint).where(Endpoint.id == endpoint)).one()


def test_all_others_are_told_before_one_that_hangs_has_come_to_an_end(
    installation: Installation, receiver: Receiver
) -> None:
    with receiving(hanging) as stuck, at_work(installation) as runtime:
        slow, slow_endpoint = add_webhook(runtime, stuck.url())
        news(runtime, [slow], [f"{number}" for number in range(20)])
        wait_until(lambda: bool(stuck.requests), seconds=20, what="the one that hangs is being told")
        quick = [add_webhook(runtime, receiver.url(f"/{number}"))[0] for number in range(30)]
        news(runtime, quick, "甲乙丙")
        wait_until(lambda: len(receiver.requests) == 90, seconds=PATIENCE / 2, what="all others are told")
        # It is still at its first attempts, which were all that was sent to it.
        assert {row.outcome for row in attempts(runtime, slow_endpoint)} == {""}
        assert len(stuck.requests) <= 8
        assert len(set(ids(receiver))) == 90
        stuck.answer = answering()
        stuck.hang_up()
        wait_until(lambda: len(set(ids(stuck))) == 20, seconds=30, what="it hears of everything in the end")


def test_the_others_need_no_longer_beside_one_that_hangs(installation: Installation, receiver: Receiver) -> None:
    with receiving(hanging) as stuck, at_work(installation) as runtime:
        quick = [add_webhook(runtime, receiver.url(f"/{number}"))[0] for number in range(30)]
        alone = until_told(runtime, receiver, quick, "甲乙")
        slow, _ = add_webhook(runtime, stuck.url())
        news(runtime, [slow], [f"{number}" for number in range(20)])
        wait_until(lambda: bool(stuck.requests), seconds=20, what="the one that hangs is being told")
        beside = until_told(runtime, receiver, quick, "丙丁")
        stuck.answer = answering()
        stuck.hang_up()
    assert beside < 3 * alone + 1


def until_told(runtime: Runtime, receiver: Receiver, people: list[Person], events: str) -> float:
    """In how many seconds all of them hear of these."""
    expected = len(receiver.requests) + len(people) * len(events)
    began = time.monotonic()
    news(runtime, people, events)
    wait_until(lambda: len(receiver.requests) == expected, seconds=PATIENCE / 2, what="all are told")
    return time.monotonic() - began


def test_while_it_fails_an_endpoint_is_tried_with_one_message_at_a_time(
    runtime: Runtime, clock: SettableClock, receiver: Receiver
) -> None:
    receiver.answer = answering(500)
    person, endpoint = add_webhook(runtime, receiver.url())
    news(runtime, [person], ["甲"])
    runner.drain(runtime)
    news(runtime, [person], [f"{number}" for number in range(50)])
    tried = [len(attempts(runtime, endpoint))]
    while runner.run_once(runtime):
        tried.append(len(attempts(runtime, endpoint)))
    assert tried[-1] == 51
    assert {after - before for before, after in pairwise(tried)} == {0, 1}


def test_what_is_answered_with_500_is_sent_again_at_the_times_of_the_table_under_the_same_id(
    runtime: Runtime, clock: SettableClock, receiver: Receiver, person: Person
) -> None:
    receiver.answer = answering(500)
    _, endpoint = add_webhook(runtime, receiver.url(), person)
    news(runtime, [person], ["甲"])
    run_until(runtime, clock, MONDAY + timedelta(hours=3))
    failed = attempts(runtime, endpoint)
    assert [(row.outcome, row.status) for row in failed] == [("failed", 500)] * 5
    for (tried, following), delay in zip(pairwise(failed), DELAYS[1:], strict=False):
        assert delay <= following.created_at - tried.created_at <= delay * (1 + JITTER) + timedelta(seconds=1)
    receiver.answer = answering(200)
    run_until(runtime, clock, MONDAY + timedelta(hours=10))
    assert len(ids(receiver)) == 6
    assert len(set(ids(receiver))) == 1
    assert [row.attempts for row in deliveries(runtime, "sent")] == [6]
    assert state(runtime, endpoint).failing_since is None


def test_what_never_arrives_is_given_up_after_the_last_time_of_the_table(
    runtime: Runtime, clock: SettableClock, receiver: Receiver, person: Person
) -> None:
    receiver.answer = answering(500)
    _, endpoint = add_webhook(runtime, receiver.url(), person)
    news(runtime, [person], ["甲"])
    run_until(runtime, clock, MONDAY + timedelta(days=4))
    assert len(attempts(runtime, endpoint)) == len(DELAYS)
    assert [row.attempts for row in deliveries(runtime, "dead")] == [len(DELAYS)]
    assert not [job for job in jobs(runtime) if job.name == "deliver"]


@pytest.mark.parametrize("status", [429, 503])
def test_a_receiver_that_asks_for_an_hour_is_left_alone_for_an_hour(
    runtime: Runtime, clock: SettableClock, receiver: Receiver, person: Person, status: int
) -> None:
    receiver.answer = answering(status, Retry_After="3600")
    _, endpoint = add_webhook(runtime, receiver.url(), person)
    news(runtime, [person], ["甲"])
    run_until(runtime, clock, MONDAY + timedelta(minutes=59))
    assert len(receiver.requests) == 1
    receiver.answer = answering(200)
    run_until(runtime, clock, MONDAY + timedelta(minutes=67))
    assert len(set(ids(receiver))) == 1
    assert [row.outcome for row in attempts(runtime, endpoint)] == ["failed", "sent"]


def test_a_receiver_that_asks_for_an_hour_is_not_sent_other_things_meanwhile(
    runtime: Runtime, clock: SettableClock, receiver: Receiver, person: Person
) -> None:
    receiver.answer = answering(429, Retry_After="3600")
    add_webhook(runtime, receiver.url(), person)
    news(runtime, [person], ["甲"])
    runner.drain(runtime)
    clock.advance(minutes=1)
    news(runtime, [person], ["乙"])
    run_until(runtime, clock, MONDAY + timedelta(minutes=59))
    assert len(receiver.requests) == 1
    receiver.answer = answering(200)
    run_until(runtime, clock, MONDAY + timedelta(minutes=67))
    assert sorted(titles(receiver.requests[1:])) == sorted("甲乙")


def told_of_the_end(runtime: Runtime, person: Person) -> int:
    """How often the inbox says that an endpoint is used no more."""
    found = rows(runtime, Notification)
    return sum(row.kind == "endpoint_disabled" and row.recipient_id == person.id for row in found)


def test_a_receiver_that_is_gone_is_used_no_more_and_its_owner_reads_so_in_the_inbox(
    runtime: Runtime, clock: SettableClock, receiver: Receiver, person: Person
) -> None:
    receiver.answer = answering(410)
    _, endpoint = add_webhook(runtime, receiver.url(), person)
    news(runtime, [person], ["甲"])
    runner.drain(runtime)
    news(runtime, [person], ["乙"])
    run_until(runtime, clock, MONDAY + timedelta(days=3))
    assert len(receiver.requests) == 1
    assert state(runtime, endpoint).disabled_for == "gone"
    assert told_of_the_end(runtime, person) == 1


def test_a_receiver_that_fails_for_five_days_is_used_no_more_and_its_owner_reads_so_in_the_inbox(
    runtime: Runtime, clock: SettableClock, receiver: Receiver, person: Person
) -> None:
    receiver.answer = answering(500)
    _, endpoint = add_webhook(runtime, receiver.url(), person)
    news(runtime, [person], ["甲"])
    run_until(runtime, clock, MONDAY + timedelta(days=4, hours=20))
    news(runtime, [person], ["乙"])
    run_until(runtime, clock, MONDAY + DISABLED_AFTER - timedelta(minutes=1))
    assert state(runtime, endpoint).disabled_at is None
    run_until(runtime, clock, MONDAY + timedelta(days=6))
    ended = state(runtime, endpoint)
    assert ended.disabled_for == "failing"
    assert timedelta(0) <= ended.disabled_at - MONDAY - DISABLED_AFTER <= timedelta(hours=10)
    assert told_of_the_end(runtime, person) == 1
    assert not [job for job in jobs(runtime) if job.name == "deliver"]


def test_once_it_is_used_again_it_hears_of_what_waited_and_is_still_news(
    runtime: Runtime, clock: SettableClock, receiver: Receiver, person: Person
) -> None:
    receiver.answer = answering(500)
    _, endpoint = add_webhook(runtime, receiver.url(), person)
    news(runtime, [person], ["甲"])
    runner.drain(runtime)
    news(runtime, [person], ["乙", "丙"])
    runner.drain(runtime)
    disable(runtime, endpoint)
    with runtime.db.writing() as session:
        read = session.exec(select(Notification).where(Notification.event == f"{KIND}:丙")).one()
        read.read_at = clock()
    run_until(runtime, clock, MONDAY + timedelta(days=1))
    receiver.answer, before = answering(200), len(receiver.requests)
    with runtime.db.writing() as session:
        endpoints.enable(session, principal(person), endpoint, now=clock())
    run_until(runtime, clock, MONDAY + timedelta(days=2))
    assert sorted(titles(receiver.requests[before:])) == sorted("甲乙")


def test_once_it_is_used_again_it_hears_of_what_came_while_it_was_not(
    runtime: Runtime, clock: SettableClock, receiver: Receiver, person: Person
) -> None:
    _, endpoint = add_webhook(runtime, receiver.url(), person)
    disable(runtime, endpoint)
    news(runtime, [person], ["甲"])
    runner.drain(runtime)
    with runtime.db.writing() as session:
        endpoints.enable(session, principal(person), endpoint, now=clock())
    run_until(runtime, clock, MONDAY + timedelta(days=1))
    assert titles(receiver.requests) == ["甲"]


def disable(runtime: Runtime, endpoint: uuid.UUID) -> None:
    """As five days of failing would."""
    with runtime.db.writing() as session:
        endpoints.disable(session, session.get_one(Endpoint, endpoint), "failing", now=runtime.clock())


def test_closing_a_runtime_closes_the_connections_to_receivers(
    installation: Installation, receiver: Receiver
) -> None:
    with at_work(installation) as runtime:
        person, _ = add_webhook(runtime, receiver.url())
        news(runtime, [person], ["甲"])
        wait_until(lambda: bool(receiver.requests), seconds=20, what="it is told")
    wait_until(lambda: not receiver._open, seconds=2, what="no connection is left open")


@contextmanager
def worker_process(installation: Installation) -> Iterator[subprocess.Popen[bytes]]:
    """`market worker`, ended by its process id in the end."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MARKET_")}
    environment |= {
        "MARKET_DATA": str(installation.folder), "MARKET_DATABASE_URL": databases.url_of(installation.folder),
        "MARKET_EMBEDDER": "none", "MARKET_SEND_TO_LOOPBACK": "true", "MARKET_SEND_TIMEOUT_SECONDS": str(PATIENCE),
    }  # fmt: skip
    with installation.log.open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "market", "worker"], cwd=PROJECT, env=environment, stdout=log, stderr=log
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(10)


@pytest.mark.parametrize("count", [20, 1])
def test_a_worker_told_to_stop_while_a_receiver_hangs_is_out_within_ten_seconds_and_loses_nothing(
    installation: Installation, receiver: Receiver, count: int
) -> None:
    with installation.opened(writes_index=False, send_to_loopback=True) as runtime:
        person, _ = add_webhook(runtime, receiver.url())
        news(runtime, [person], [f"{number}" for number in range(count)])
    receiver.answer = hanging
    with worker_process(installation) as worker:
        wait_until(lambda: bool(receiver.requests), seconds=30, what="the receiver hangs")
        began = time.monotonic()
        worker.send_signal(signal.SIGTERM)
        worker.wait(20)
        assert time.monotonic() - began < 10
        assert worker.returncode == 0
    receiver.hang_up()
    receiver.answer, before = answering(), len(receiver.requests)
    with installation.recovered(send_to_loopback=True) as runtime:
        states = {row.state for row in rows(runtime, Delivery)}
    assert sorted(titles(receiver.requests[before:]), key=int) == [f"{number}" for number in range(count)]
    assert states == {"sent"}
