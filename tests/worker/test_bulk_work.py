"""Whoever writes one listing does not wait for a whole file of them; and the file's turn comes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from market import outbox
from market.outbox import IN_BULK, JobName, Queue
from market.runtime import Runtime
from market.worker import runner
from search.engine import Query
from tests.factories import Person, SettableClock, add_member, add_organisation
from tests.services.files import imported, row
from tests.services.stock import change, jobs, keys_of, publish


@pytest.fixture
def house(runtime: Runtime) -> Person:
    return add_member(runtime)


def waiting(runtime: Runtime, name: str) -> set[bool]:
    """The kinds of jobs of this name that wait."""
    return {job.bulk for job in jobs(runtime) if (job.name, job.state) == (name, "queued")}


def enqueue(runtime: Runtime, *keys: str, bulk: bool) -> None:
    with runtime.db.writing() as session:
        outbox.enqueue(session, JobName.INDEX, keys, now=runtime.clock(), bulk=bulk)


def due(runtime: Runtime) -> Queue | None:
    with runtime.db.reading() as session:
        return outbox.due(session, now=runtime.clock())


def index_once(runtime: Runtime) -> int:
    """Run jobs until some are indexed; says how many that were."""
    before = len(keys_of(runtime, "index"))
    while len(keys_of(runtime, "index")) == before:
        assert runner.run_once(runtime)
    return before - len(keys_of(runtime, "index"))


def test_one_listing_is_indexed_and_matched_before_a_file_that_came_first(
    runtime: Runtime, clock: SettableClock, house: Person
) -> None:
    imported(runtime, house, [row("outcome", f"k{number}") for number in range(30)])
    clock.advance(seconds=60)
    alone = f"outcome:{publish(runtime, 'outcome', add_organisation(runtime))}"
    assert len(keys_of(runtime, "index")) == 31
    assert index_once(runtime) == 1
    assert keys_of(runtime, "match") == [alone]
    assert waiting(runtime, "match") == {False}
    while alone in keys_of(runtime, "match"):
        runner.run_once(runtime)
    assert len(keys_of(runtime, "index")) == 30
    runner.drain(runtime)
    assert jobs(runtime) == []
    assert runtime.engine.search("outcomes", Query()).total == 31


def test_what_was_just_protected_is_counted_for_nobody_while_a_file_waits(
    runtime: Runtime, clock: SettableClock, house: Person
) -> None:
    shown = publish(runtime, "outcome", add_organisation(runtime), keywords=["独角兽"])
    runner.drain(runtime)
    imported(runtime, house, [row("outcome", f"k{number}") for number in range(30)])
    clock.advance(seconds=1)
    query = Query(text="独角兽")
    assert runtime.engine.search("outcomes", query).total == 1
    change(runtime, "outcome", shown, tiers={"keywords": "verified"})
    assert index_once(runtime) == 1
    assert runtime.engine.search("outcomes", query).total == 0


def test_the_file_has_its_turn_however_much_is_written(runtime: Runtime, clock: SettableClock) -> None:
    enqueue(runtime, "outcome:old", bulk=True)
    clock.advance(seconds=599)
    enqueue(runtime, "outcome:new", bulk=False)
    assert due(runtime) == Queue(JobName.INDEX)
    clock.advance(seconds=2)
    enqueue(runtime, "outcome:newer", bulk=False)
    with runtime.db.writing() as session:
        outbox.claim(session, Queue(JobName.INDEX), now=clock(), lease_seconds=60, limit=1)
    assert due(runtime) == Queue(JobName.INDEX, bulk=True)


def test_a_job_that_waits_with_the_file_is_brought_forward_by_whoever_writes(runtime: Runtime) -> None:
    enqueue(runtime, "outcome:one", bulk=True)
    enqueue(runtime, "outcome:one", bulk=False)
    assert waiting(runtime, "index") == {False}
    enqueue(runtime, "outcome:one", bulk=True)
    assert waiting(runtime, "index") == {False}


def test_all_that_follows_from_the_file_waits_with_it(runtime: Runtime, house: Person) -> None:
    imported(runtime, house, [row("outcome", f"k{number}") for number in range(3)])
    assert index_once(runtime) == 3
    assert waiting(runtime, "match") == {True}


def test_what_a_worker_left_is_done_in_the_same_queue(runtime: Runtime, clock: SettableClock) -> None:
    enqueue(runtime, "outcome:one", bulk=True)
    with runtime.db.writing() as session:
        outbox.claim(session, Queue(JobName.INDEX, bulk=True), now=clock(), lease_seconds=60, limit=9)
    clock.advance(seconds=61)
    assert due(runtime) == Queue(JobName.INDEX, bulk=True)
    assert runner.run_once(runtime) == 1


@pytest.mark.parametrize("name", [name for name in JobName if name not in IN_BULK])
def test_only_what_a_file_causes_can_be_in_bulk(runtime: Runtime, name: JobName) -> None:
    with runtime.db.writing() as session, pytest.raises(ValueError, match="never in bulk"):
        outbox.enqueue(session, name, ["a"], now=runtime.clock() - timedelta(days=1), bulk=True)
