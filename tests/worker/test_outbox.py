"""The outbox by itself: enqueue, claim, renew, finish, retry, bury, replay, under a lease."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from market import outbox
from market.db import Database
from market.outbox import Claimed, JobName, Queue
from market.runtime import Runtime
from tests.factories import SettableClock
from tests.services.stock import jobs, keys_of

LEASE = 60.0


def enqueue(runtime: Runtime, *keys: str, name: JobName = JobName.NOTIFY) -> None:
    with runtime.db.writing() as session:
        outbox.enqueue(session, name, keys, now=runtime.clock())


def claim(runtime: Runtime, *, name: JobName = JobName.NOTIFY, limit: int = 100) -> list[Claimed]:
    with runtime.db.writing() as session:
        return outbox.claim(session, Queue(name), now=runtime.clock(), lease_seconds=LEASE, limit=limit)


def finish(runtime: Runtime, claimed: Sequence[Claimed]) -> int:
    with runtime.db.writing() as session:
        return outbox.finish(session, claimed)


def keys(claimed: Sequence[Claimed]) -> list[str]:
    return [job.key for job in claimed]


def test_a_waiting_job_of_the_same_name_and_key_is_not_doubled(runtime: Runtime) -> None:
    enqueue(runtime, "a", "b", "a")
    enqueue(runtime, "b", "c")
    assert keys_of(runtime, "notify") == ["a", "b", "c"]


def test_the_same_key_under_another_name_is_another_job(runtime: Runtime) -> None:
    enqueue(runtime, "a")
    enqueue(runtime, "a", name=JobName.MATCH)
    assert keys_of(runtime, "notify") == keys_of(runtime, "match") == ["a"]


def test_a_running_job_does_not_swallow_a_new_one_of_its_key(runtime: Runtime) -> None:
    enqueue(runtime, "a")
    claim(runtime)
    enqueue(runtime, "a")
    assert keys_of(runtime, "notify", "running") == keys_of(runtime, "notify", "queued") == ["a"]


def test_a_job_whose_like_is_in_hand_waits_until_that_has_ended(runtime: Runtime) -> None:
    enqueue(runtime, "a")
    first = claim(runtime)
    enqueue(runtime, "a", "b")
    assert keys(claim(runtime)) == ["b"]
    with runtime.db.reading() as session:
        assert outbox.due(session, now=runtime.clock()) is None
    finish(runtime, first)
    assert keys(claim(runtime)) == ["a"]


def test_a_job_put_off_is_brought_forward_when_it_is_enqueued_again(runtime: Runtime) -> None:
    enqueue(runtime, "a")
    [job] = claim(runtime)
    with runtime.db.writing() as session:
        outbox.retry(session, job, at=runtime.clock() + timedelta(hours=1), error="later")
    assert claim(runtime) == []
    enqueue(runtime, "a")
    assert keys(claim(runtime)) == ["a"]


def test_what_is_enqueued_in_a_transaction_that_fails_was_never_there(runtime: Runtime) -> None:
    def fail() -> None:
        with runtime.db.writing() as session:
            outbox.enqueue(session, JobName.NOTIFY, ["a"], now=runtime.clock())
            raise InterruptedError

    with pytest.raises(InterruptedError):
        fail()
    assert jobs(runtime) == []


def test_a_claim_takes_one_name_only(runtime: Runtime) -> None:
    enqueue(runtime, "a")
    enqueue(runtime, "b", name=JobName.MATCH)
    assert keys(claim(runtime)) == ["a"]
    assert keys_of(runtime, "match") == ["b"]


def test_a_claim_takes_the_oldest_first(runtime: Runtime, clock: SettableClock) -> None:
    for key in ("c", "a", "b"):
        enqueue(runtime, key)
        clock.advance(seconds=1)
    assert keys(claim(runtime, limit=2)) == ["c", "a"]


def test_the_name_whose_job_has_waited_longest_is_due_first(runtime: Runtime, clock: SettableClock) -> None:
    enqueue(runtime, "a", name=JobName.MATCH)
    clock.advance(seconds=1)
    enqueue(runtime, "b", name=JobName.INDEX)
    with runtime.db.reading() as session:
        assert outbox.due(session, now=clock()) == Queue(JobName.MATCH)


def test_nothing_is_due_before_its_time(runtime: Runtime, clock: SettableClock) -> None:
    enqueue(runtime, "a")
    with runtime.db.reading() as session:
        assert outbox.due(session, now=clock() - timedelta(seconds=1)) is None


def test_each_claim_counts_an_attempt(runtime: Runtime, clock: SettableClock) -> None:
    enqueue(runtime, "a")
    counted = []
    for _ in range(3):
        [job] = claim(runtime)
        counted.append(job.attempts)
        with runtime.db.writing() as session:
            outbox.retry(session, job, at=clock(), error="again")
    assert counted == [1, 2, 3]


def test_a_claimed_job_cannot_be_claimed_while_its_lease_lasts(runtime: Runtime, clock: SettableClock) -> None:
    enqueue(runtime, "a")
    claim(runtime)
    clock.advance(seconds=LEASE)
    assert claim(runtime) == []


def test_a_job_whose_worker_died_can_be_claimed_after_its_lease(runtime: Runtime, clock: SettableClock) -> None:
    enqueue(runtime, "a")
    claim(runtime)
    clock.advance(seconds=LEASE + 1)
    [job] = claim(runtime)
    assert (job.key, job.attempts) == ("a", 2)


def test_renewing_holds_the_job_for_longer(runtime: Runtime, clock: SettableClock) -> None:
    enqueue(runtime, "a")
    held = claim(runtime)
    clock.advance(seconds=LEASE - 1)
    with runtime.db.writing() as session:
        assert outbox.renew(session, held, now=clock(), lease_seconds=LEASE) == 1
    clock.advance(seconds=LEASE - 1)
    assert claim(runtime) == []


def test_a_lost_lease_cannot_finish(runtime: Runtime, clock: SettableClock) -> None:
    enqueue(runtime, "a")
    first = claim(runtime)
    clock.advance(seconds=LEASE + 1)
    claim(runtime)
    assert finish(runtime, first) == 0
    assert keys_of(runtime, "notify", "running") == ["a"]


def test_a_lost_lease_cannot_renew_put_back_or_bury(runtime: Runtime, clock: SettableClock) -> None:
    enqueue(runtime, "a")
    [lost] = claim(runtime)
    clock.advance(seconds=LEASE + 1)
    claim(runtime)
    before = jobs(runtime)
    with runtime.db.writing() as session:
        touched = [
            outbox.renew(session, [lost], now=clock(), lease_seconds=LEASE),
            outbox.retry(session, lost, at=clock(), error="lost"),
            outbox.bury(session, lost, error="lost"),
        ]
    assert touched == [0, 0, 0]
    assert jobs(runtime) == before


def test_whoever_took_the_lease_over_can_finish(runtime: Runtime, clock: SettableClock) -> None:
    enqueue(runtime, "a")
    claim(runtime)
    clock.advance(seconds=LEASE + 1)
    second = claim(runtime)
    assert finish(runtime, second) == 1
    assert jobs(runtime) == []


def test_putting_back_yields_to_a_newer_job_that_waits_already(runtime: Runtime, clock: SettableClock) -> None:
    enqueue(runtime, "a")
    [job] = claim(runtime)
    enqueue(runtime, "a")
    with runtime.db.writing() as session:
        outbox.retry(session, job, at=clock(), error="failed")
    assert [(left.state, left.attempts) for left in jobs(runtime)] == [("queued", 0)]


def test_a_buried_job_is_not_claimed_and_keeps_its_error(runtime: Runtime, clock: SettableClock) -> None:
    enqueue(runtime, "a")
    [job] = claim(runtime)
    with runtime.db.writing() as session:
        outbox.bury(session, job, error="no such thing")
    clock.advance(days=30)
    assert claim(runtime) == []
    assert [left.error for left in jobs(runtime, "dead")] == ["no such thing"]


def test_an_error_of_any_length_can_be_kept(runtime: Runtime) -> None:
    enqueue(runtime, "a")
    [job] = claim(runtime)
    with runtime.db.writing() as session:
        outbox.bury(session, job, error="长" * 100_000)
    assert len(jobs(runtime, "dead")[0].error) == 4000


def bury(runtime: Runtime, *names: str) -> None:
    enqueue(runtime, *names)
    with runtime.db.writing() as session:
        for job in outbox.claim(session, Queue(JobName.NOTIFY), now=runtime.clock(), lease_seconds=LEASE, limit=100):
            outbox.bury(session, job, error="broken")


def test_replay_queues_dead_jobs_with_their_attempts_counted_anew(runtime: Runtime) -> None:
    bury(runtime, "a", "b")
    with runtime.db.writing() as session:
        assert outbox.replay(session, now=runtime.clock()) == 2
    assert [(job.key, job.attempts) for job in claim(runtime)] == [("a", 1), ("b", 1)]


def test_replay_takes_only_the_jobs_that_are_named(runtime: Runtime) -> None:
    bury(runtime, "a", "b")
    wanted = next(job.id for job in jobs(runtime) if job.key == "b")
    with runtime.db.writing() as session:
        assert outbox.replay(session, now=runtime.clock(), ids=[wanted]) == 1
    assert keys_of(runtime, "notify", "dead") == ["a"]


def test_replay_joins_a_job_of_the_key_that_waits_already(runtime: Runtime) -> None:
    bury(runtime, "a")
    enqueue(runtime, "a")
    with runtime.db.writing() as session:
        outbox.replay(session, now=runtime.clock())
    assert [(job.key, job.state) for job in jobs(runtime)] == [("a", "queued")]


def test_a_job_that_dies_again_stands_in_the_list_of_the_dead_once(runtime: Runtime) -> None:
    bury(runtime, "a", "b")
    bury(runtime, "a")
    assert keys_of(runtime, "notify", "dead") == ["a", "b"]


def test_two_workers_never_hold_one_job(runtime: Runtime) -> None:
    enqueue(runtime, *(str(number) for number in range(400)))
    start = threading.Barrier(8)

    def take_all(_: int) -> list[str]:
        # A database of its own, as another process would have.
        db = Database(runtime.db.url)
        taken: list[str] = []
        start.wait()
        while True:
            with db.writing() as session:
                got = outbox.claim(session, Queue(JobName.NOTIFY), now=runtime.clock(), lease_seconds=LEASE, limit=7)
            if not got:
                db.close()
                return taken
            taken += keys(got)

    with ThreadPoolExecutor(8) as pool:
        held = [key for taken in pool.map(take_all, range(8)) for key in taken]
    assert len(held) == len(set(held)) == 400


def test_the_oldest_waiting_job_tells_how_far_behind_the_worker_is(runtime: Runtime, clock: SettableClock) -> None:
    enqueue(runtime, "a")
    clock.advance(seconds=90)
    with runtime.db.reading() as session:
        assert outbox.oldest_due(session, now=clock()) == pytest.approx(90, abs=0.01)


def test_dead_jobs_do_not_count_as_waiting(runtime: Runtime, clock: SettableClock) -> None:
    bury(runtime, "a")
    clock.advance(seconds=90)
    with runtime.db.reading() as session:
        assert outbox.oldest_due(session, now=clock()) == 0
