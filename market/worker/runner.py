"""Claim, run, finish; bisect what fails together; stop gracefully. Knows no job's meaning."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import structlog
from sqlalchemy.exc import OperationalError

from market import metrics, outbox
from market.outbox import Claimed, JobName
from market.runtime import Runtime
from market.worker.handlers import HANDLERS, PERIODIC
from market.worker.retry import Retry
from search.engine import EngineUnavailable

log = structlog.get_logger()

# What passes by itself: such a job is tried for as long as it takes, and no document is blamed.
_WEATHER = (EngineUnavailable, OperationalError)


class ProcessEnded(Exception):
    """The job was claimed as often as it may be, and no run came to an end: it kills its worker."""


class LeaseLost(Exception):
    """Another worker has taken the jobs over; nothing of this run may be kept."""


def work(runtime: Runtime, stop: threading.Event) -> None:
    """Run jobs until `stop` is set; the batch in hand is finished first."""
    with runtime.db.writing() as session:
        # Whatever happened to index or database while nobody worked is found and mended first.
        outbox.enqueue(session, JobName.RECONCILE, ["start"], now=runtime.clock())
    log.info("worker ready")
    while not stop.is_set():
        try:
            if run_once(runtime) == 0:
                stop.wait(runtime.settings.job_poll_seconds)
        except OperationalError as error:
            log.warning("database away", error=str(error.orig))
            stop.wait(1.0)
    log.info("worker stopped")


def drain(runtime: Runtime) -> int:
    """Run jobs until none is due, and return how many ran."""
    total = 0
    while ran := run_once(runtime):
        total += ran
    return total


def run_once(runtime: Runtime) -> int:
    """Claim one batch and run it. Returns how many jobs were claimed; 0 when none was due."""
    now = runtime.clock()
    with runtime.db.reading() as session:
        due = outbox.due_name(session, now=now)
        periodic = outbox.periodic_due(session, now=now, every=PERIODIC)
    if periodic:
        with runtime.db.writing() as session:
            outbox.enqueue_due(session, now=now, every=PERIODIC)
    if due is None:
        return 1 if periodic else 0
    with runtime.db.writing() as session:
        jobs = outbox.claim(
            session,
            due,
            now=now,
            lease_seconds=runtime.settings.job_lease_seconds,
            limit=min(HANDLERS[due].batch, runtime.settings.job_batch),
        )
    with _lease_kept(runtime, jobs):
        # A job that was tried before may be what failed its batch, or killed its process: it goes alone.
        fresh = [job for job in jobs if job.attempts == 1]
        if fresh:
            _run(runtime, fresh)
        for job in jobs:
            if job.attempts > 1:
                _run(runtime, [job])
    return len(jobs)


def _run(runtime: Runtime, jobs: Sequence[Claimed]) -> None:
    name = jobs[0].name
    try:
        if any(_policy(runtime).exhausted(job.attempts - 1) for job in jobs):
            raise ProcessEnded("its process ended, without a word, each time it was tried")
        finish = HANDLERS[name].run(runtime, jobs)
        with runtime.db.writing() as session:
            if outbox.finish(session, jobs) != len(jobs):
                raise LeaseLost
            finish(session)
    except LeaseLost:
        metrics.jobs.labels(name, "lease_lost").inc(len(jobs))
        log.warning("lease lost", job=name, count=len(jobs))
    except _WEATHER as error:
        _put_back(runtime, jobs, error, counts=False)
    except Exception as error:  # whatever a job does must not end the worker
        if len(jobs) == 1:
            _put_back(runtime, jobs, error, counts=True)
        else:
            middle = len(jobs) // 2
            _run(runtime, jobs[:middle])
            _run(runtime, jobs[middle:])
    else:
        metrics.jobs.labels(name, "done").inc(len(jobs))


def _put_back(runtime: Runtime, jobs: Sequence[Claimed], error: Exception, *, counts: bool) -> None:
    """`counts`: the attempt was the job's own failure, and there are only so many."""
    policy = _policy(runtime)
    now = runtime.clock()
    told = f"{type(error).__name__}: {error}"
    with runtime.db.writing() as session:
        for job in jobs:
            if counts and policy.exhausted(job.attempts):
                outbox.bury(session, job, error=told)
                metrics.jobs.labels(job.name, "dead").inc()
                log.error("job dead", job=job.name, key=job.key, error=told)
            else:
                delay = policy.delay(job.attempts, chance=random.random())  # noqa: S311  # jitter, no secret
                attempts = job.attempts if counts else job.attempts - 1
                outbox.retry(session, job, at=now + delay, error=told, attempts=attempts)
                metrics.jobs.labels(job.name, "retried").inc()
    log.warning("jobs put back", job=jobs[0].name, count=len(jobs), error=told)


def _policy(runtime: Runtime) -> Retry:
    return Retry(attempts=runtime.settings.job_attempts)


@contextmanager
def _lease_kept(runtime: Runtime, jobs: Sequence[Claimed]) -> Iterator[None]:
    """Renew the lease while a long batch runs, so that only a dead or sleeping worker loses it."""
    seconds = runtime.settings.job_lease_seconds
    done = threading.Event()

    def renew() -> None:
        while not done.wait(seconds / 3):
            with suppress(OperationalError), runtime.db.writing() as session:  # next time, then
                outbox.renew(session, jobs, now=runtime.clock(), lease_seconds=seconds)

    thread = threading.Thread(target=renew, name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
