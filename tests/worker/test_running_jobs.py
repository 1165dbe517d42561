"""The runner: what fails together is bisected, what keeps failing is buried, what passes by itself is waited for."""

from __future__ import annotations

import shutil
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlmodel import col, update

from market import outbox
from market.models import Outcome
from market.outbox import JobName, Queue
from market.runtime import Runtime, build
from market.worker import lanes, runner
from market.worker.handlers import HANDLERS
from tests.factories import SettableClock, add_organisation
from tests.services.stock import indexed, jobs, keys_of, matches, publish, signed, stored

Drain = Callable[[], int]


def publish_many(runtime: Runtime, count: int) -> list[uuid.UUID]:
    """Small outcomes, in one transaction; the periodic jobs have run before, and come again after minutes."""
    runner.drain(runtime)
    organisation, now = add_organisation(runtime), runtime.clock()
    made = [
        Outcome(organisation_id=organisation, title_en=f"outcome {number}", state="published", published_at=now)
        for number in range(count)
    ]
    with runtime.db.writing() as session:
        session.add_all(made)
        outbox.enqueue(session, JobName.INDEX, [f"outcome:{one.id}" for one in made], now=now)
    return [one.id for one in made]


def spoil(runtime: Runtime, identity: uuid.UUID, *, ipc: Sequence[str] = ("A" * 2000,)) -> None:
    """A value that no schema lets in, and that the search engine refuses: a keyword far too long."""
    with runtime.db.writing() as session:
        session.execute(update(Outcome).where(col(Outcome.id) == identity).values(ipc=[*ipc]))


def drain_for(runtime: Runtime, clock: SettableClock, *, hours: int) -> None:
    """Run jobs as a worker would over these hours, every six minutes."""
    for _ in range(hours * 10):
        runner.drain(runtime)
        clock.advance(minutes=6)


def test_one_bad_listing_among_a_thousand_leaves_999_done_and_one_dead_job(
    runtime: Runtime, drain: Drain, clock: SettableClock
) -> None:
    made = publish_many(runtime, 1000)
    bad = made[617]
    spoil(runtime, bad)
    drain()
    assert {*indexed(runtime)["outcome"]} == {str(identity) for identity in made if identity != bad}
    assert signed(runtime).keys() == indexed(runtime)["outcome"].keys()
    drain_for(runtime, clock, hours=1)
    [dead] = jobs(runtime, "dead")
    assert (dead.name, dead.key, dead.attempts) == ("index", f"outcome:{bad}", runtime.settings.job_attempts)


def test_a_dead_job_says_what_was_wrong(runtime: Runtime, clock: SettableClock) -> None:
    [bad] = publish_many(runtime, 1)
    spoil(runtime, bad)
    drain_for(runtime, clock, hours=1)
    [dead] = jobs(runtime, "dead")
    assert dead.error.startswith("BadDocument: ")
    assert "ipc" in dead.error


def test_a_mended_listing_is_indexed_once_its_dead_job_is_replayed(
    runtime: Runtime, drain: Drain, clock: SettableClock
) -> None:
    [bad] = publish_many(runtime, 1)
    spoil(runtime, bad)
    drain_for(runtime, clock, hours=1)
    spoil(runtime, bad, ipc=())
    with runtime.db.writing() as session:
        assert outbox.replay(session, now=clock()) == 1
    drain()
    assert indexed(runtime) == stored(runtime)
    assert jobs(runtime, "dead") == []


def test_a_failing_job_is_put_back_with_its_error_and_later(
    runtime: Runtime, drain: Drain, clock: SettableClock
) -> None:
    [bad] = publish_many(runtime, 1)
    spoil(runtime, bad)
    drain()
    [waiting] = [job for job in jobs(runtime, "queued") if job.name == "index"]
    assert clock() < waiting.run_at <= clock() + timedelta(seconds=1)
    assert waiting.attempts == 1
    assert waiting.error.startswith("BadDocument: ")


def test_a_job_that_was_tried_before_runs_alone(runtime: Runtime, clock: SettableClock) -> None:
    made = publish_many(runtime, 20)
    spoil(runtime, made[3])
    with runtime.db.writing() as session:
        session.execute(text("UPDATE jobs SET attempts = 1"))
    journal = Journal(runtime.engine)
    while runner.run_once(replace(runtime, engine=journal)):  # type: ignore[arg-type]
        pass
    assert journal.sizes == [1] * 20
    assert len(indexed(runtime)["outcome"]) == 19


def test_a_job_whose_every_run_killed_its_process_is_given_up(runtime: Runtime, clock: SettableClock) -> None:
    publish_many(runtime, 1)
    runner.drain(runtime)
    with runtime.db.writing() as session:
        outbox.enqueue(session, JobName.SWEEP, ["deadly"], now=clock())
    for _ in range(runtime.settings.job_attempts):
        with runtime.db.writing() as session:
            assert outbox.claim(session, Queue(JobName.SWEEP), now=clock(), lease_seconds=60, limit=1)
        clock.advance(seconds=61)  # the worker that had it never came back
    runner.run_once(runtime)
    [dead] = jobs(runtime, "dead")
    assert dead.key == "deadly"
    assert "process ended" in dead.error


def test_fresh_jobs_run_together(runtime: Runtime) -> None:
    publish_many(runtime, 20)
    journal = Journal(runtime.engine)
    while runner.run_once(replace(runtime, engine=journal)):  # type: ignore[arg-type]
        pass
    assert journal.sizes == [20]


class Journal:
    """The real engine; notes how many documents came at once, and can hold them back at the door."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine
        self.sizes: list[int] = []
        self.reached, self.open = threading.Event(), threading.Event()
        self.open.set()

    def put(self, index: str, documents: Any) -> None:
        documents = [*documents]
        self.sizes.append(len(documents))
        self.reached.set()
        assert self.open.wait(20)
        self._engine.put(index, documents)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)


def test_a_worker_that_lost_its_lease_changes_nothing(runtime: Runtime, clock: SettableClock) -> None:
    [identity] = publish_many(runtime, 1)
    slow = Journal(runtime.engine)
    slow.open.clear()
    sleeper = threading.Thread(target=runner.run_once, args=(replace(runtime, engine=slow),))  # type: ignore[arg-type]
    sleeper.start()
    try:
        assert slow.reached.wait(20)
        clock.advance(seconds=runtime.settings.job_lease_seconds + 1)
        runner.drain(runtime)  # the other worker
        with runtime.db.writing() as session:
            session.execute(text("DELETE FROM jobs"))
            session.execute(text("DELETE FROM signatures"))
    finally:
        slow.open.set()
        sleeper.join(20)
    # What the sleeper would have written in its finish is not there: no signature, no match job. But it has
    # written to the index, perhaps after the other: so that is done once more.
    assert signed(runtime) == {}
    assert [(job.name, job.key) for job in jobs(runtime)] == [("index", f"outcome:{identity}")]
    assert str(identity) in indexed(runtime)["outcome"]


@dataclass
class Away:
    """Makes a runtime whose index is not there, or is another's to write."""

    folder: Path
    clock: SettableClock

    def read_only(self, runtime: Runtime) -> Runtime:
        """As a web process has it."""
        return build(runtime.settings, writes_index=False, clock=self.clock)

    def missing(self, runtime: Runtime) -> Runtime:
        """A folder without an index."""
        settings = replace(runtime.settings, search_url=f"embedded:{self.folder / 'nothing'}")
        return build(settings, writes_index=False, clock=self.clock)


@pytest.fixture
def away(tmp_path: Path, clock: SettableClock) -> Away:
    """See Away."""
    return Away(tmp_path, clock)


@pytest.mark.parametrize("kind", ["read_only", "missing"])
def test_an_engine_that_is_away_never_buries_a_job(
    runtime: Runtime, drain: Drain, clock: SettableClock, away: Away, kind: str
) -> None:
    made = publish_many(runtime, 3)
    without = getattr(away, kind)(runtime)
    drain_for(without, clock, hours=1)
    without.close()
    assert jobs(runtime, "dead") == []
    assert len(keys_of(runtime, "index")) == len(made)
    assert {job.attempts for job in jobs(runtime)} == {0}  # no fault of theirs: such attempts do not count
    drain_for(runtime, clock, hours=1)
    assert indexed(runtime) == stored(runtime)
    assert keys_of(runtime, "index") == []


def test_an_engine_that_comes_back_is_tried_within_five_minutes(
    runtime: Runtime, clock: SettableClock, away: Away
) -> None:
    publish_many(runtime, 1)
    without = away.read_only(runtime)
    drain_for(without, clock, hours=1)
    without.close()
    [job] = [job for job in jobs(runtime, "queued") if job.name == "index"]
    assert job.run_at <= clock() + timedelta(minutes=5)


def test_an_index_that_was_deleted_under_the_worker_is_filled_again(runtime: Runtime, clock: SettableClock) -> None:
    publish_many(runtime, 5)
    runner.drain(runtime)
    for folder in Path(runtime.settings.data).glob("search/*-*"):
        shutil.rmtree(folder)
    drain_for(runtime, clock, hours=1)
    assert indexed(runtime) == stored(runtime)
    assert jobs(runtime, "dead") == []


@pytest.fixture
def working(runtime: Runtime) -> Iterator[Callable[[Runtime], threading.Event]]:
    """Starts workers in threads, and stops them in the end."""
    started: list[tuple[threading.Thread, threading.Event]] = []

    def start(one: Runtime) -> threading.Event:
        stop = threading.Event()
        thread = threading.Thread(target=lanes.work, args=(one, stop))
        thread.start()
        started.append((thread, stop))
        return stop

    yield start
    for thread, stop in started:
        stop.set()
        thread.join(20)
        assert not thread.is_alive()


def wait_for(condition: Callable[[], bool], *, seconds: float = 20) -> None:
    """Look again and again until it holds."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it never came to hold"
        time.sleep(0.01)


def test_a_worker_told_to_stop_finishes_the_batch_in_hand(
    runtime: Runtime, working: Callable[[Runtime], threading.Event]
) -> None:
    publish_many(runtime, 250)
    held = Journal(runtime.engine)
    held.open.clear()
    stop = working(replace(runtime, engine=held))  # type: ignore[arg-type]
    assert held.reached.wait(20)
    stop.set()
    held.open.set()
    wait_for(lambda: not jobs(runtime, "running"))
    assert held.sizes == [200]
    assert len(indexed(runtime)["outcome"]) == len(signed(runtime)) == 200
    assert len(keys_of(runtime, "index")) == 50


def test_a_worker_indexes_matches_and_then_waits(
    runtime: Runtime, working: Callable[[Runtime], threading.Event]
) -> None:
    working(replace(runtime, settings=replace(runtime.settings, job_poll_seconds=0.01)))
    demand = publish(runtime, "demand", add_organisation(runtime))
    outcome = publish(runtime, "outcome", add_organisation(runtime))
    wait_for(lambda: (demand, outcome) in matches(runtime))
    wait_for(lambda: not jobs(runtime))


def test_a_worker_mends_the_index_when_it_starts(
    runtime: Runtime, drain: Drain, working: Callable[[Runtime], threading.Event]
) -> None:
    made = publish_many(runtime, 3)
    drain()
    runtime.engine.delete("outcomes", [str(made[1])])
    working(runtime)
    wait_for(lambda: indexed(runtime) == stored(runtime))


def test_every_job_has_its_handler() -> None:
    assert {*HANDLERS} == {*JobName}
