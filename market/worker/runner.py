"""Claim, run, finish; bisect what fails together; stop gracefully. Knows no job's meaning."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress

import structlog

from market import logs, metrics, outbox
from market.db import AWAY
from market.outbox import Claimed, JobName, Queue
from market.runtime import Runtime
from market.worker.handlers import HANDLERS, PERIODIC
from market.worker.retry import Retry
from search.embedding import EmbedderUnavailable
from search.engine import EngineUnavailable

log = structlog.get_logger()

# What passes by itself: such a job is tried for as long as it takes, and no document is blamed.
_WEATHER = (EngineUnavailable, EmbedderUnavailable, *AWAY)


class ProcessEnded(Exception):
    """The job was claimed as often as it may be, and no run came to an end: it kills its worker."""


class LeaseLost(Exception):
    """Another worker has taken the jobs over; nothing of this run may be kept."""


def drain(runtime: Runtime, *, background: bool = True) -> int:
    """Run jobs until none is due, and return how many ran; `background`: vectors and rematches too."""
    total = 0
    while ran := run_once(runtime, background=background):
        total += ran
    return total


def run_once(runtime: Runtime, *, background: bool = True, without: Collection[JobName] = ()) -> int:
    """Claim one batch and run it. Returns how many jobs were claimed; 0 when none was due."""
    now = runtime.clock()
    with runtime.db.reading() as session:
        due = outbox.due(session, now=now, background=background, without=without)
        periodic = outbox.periodic_due(session, now=now, every=PERIODIC)
    if periodic:
        with runtime.db.writing() as session:
            outbox.enqueue_due(session, now=now, every=PERIODIC)
    if due is None:
        return 1 if periodic else 0
    jobs = _claim(runtime, due, limit=min(HANDLERS[due.name].batch, runtime.settings.job_batch))
    if jobs:
        with _lease_kept(runtime, jobs):
            run(runtime, jobs)
    return len(jobs)


def claim(runtime: Runtime, name: JobName, *, limit: int) -> list[Claimed]:
    """Take up to `limit` due jobs of this name; whoever finds none has written nothing."""
    with runtime.db.reading() as session:
        due = outbox.due(session, now=runtime.clock(), without=[other for other in JobName if other != name])
    return _claim(runtime, due, limit=limit) if due else []


def _claim(runtime: Runtime, queue: Queue, *, limit: int) -> list[Claimed]:
    lease = runtime.settings.job_lease_seconds
    with runtime.db.writing() as session:
        return outbox.claim(session, queue, now=runtime.clock(), lease_seconds=lease, limit=limit)


def run_key(runtime: Runtime, name: JobName, key: str) -> bool:
    """Claim the job of this name and key and run it, if it is due; says whether it was. One that is interrupted by
    its user is given back at once."""
    with runtime.db.writing() as session:
        lease = runtime.settings.job_lease_seconds
        jobs = outbox.claim(session, Queue(name), now=runtime.clock(), lease_seconds=lease, limit=1, key=key)
    if not jobs:
        return False
    try:
        with _lease_kept(runtime, jobs):
            run(runtime, jobs)
    except KeyboardInterrupt:
        with runtime.db.writing() as session:
            outbox.retry(session, jobs[0], at=runtime.clock(), error="", attempts=jobs[0].attempts - 1)
        raise
    return True


def run(runtime: Runtime, jobs: Sequence[Claimed]) -> None:
    """Run claimed jobs together; every line logged meanwhile, wherever, says which jobs it is about."""
    first = jobs[0]
    one = {"job_id": str(first.id), "key": first.key, "attempt": first.attempts} if len(jobs) == 1 else {}
    with structlog.contextvars.bound_contextvars(job=first.name, lease=first.lease, count=len(jobs), **one):
        _run_together(runtime, jobs)


def _run_together(runtime: Runtime, jobs: Sequence[Claimed]) -> None:
    name, began = jobs[0].name, time.perf_counter()
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
        log.warning("lease lost")
        # Whoever took over may have written to the index before us: what we wrote last must not stay.
        with runtime.db.writing() as session:
            outbox.enqueue(session, name, [job.key for job in jobs], now=runtime.clock(), bulk=jobs[0].bulk)
    except _WEATHER as error:
        _put_back(runtime, jobs, error, counts=False)
    except Exception as error:  # whatever a job does must not end the worker
        if len(jobs) == 1:
            log.error("job failed", exc_info=error)
            _put_back(runtime, jobs, error, counts=True)
        else:
            middle = len(jobs) // 2
            run(runtime, jobs[:middle])
            run(runtime, jobs[middle:])
    else:
        seconds = time.perf_counter() - began
        metrics.jobs.labels(name, "done").inc(len(jobs))
        metrics.job_seconds.labels(name).observe(seconds)
        log.info("jobs done", ms=round(seconds * 1000, 2))


def _put_back(runtime: Runtime, jobs: Sequence[Claimed], error: Exception, *, counts: bool) -> None:
    """`counts`: the attempt was the job's own failure, and there are only so many."""
    policy = _policy(runtime)
    now = runtime.clock()
    told = logs.told(error)
    with runtime.db.writing() as session:
        for job in jobs:
            if counts and policy.exhausted(job.attempts):
                outbox.bury(session, job, error=told)
                metrics.jobs.labels(job.name, "dead").inc()
                log.error("job dead", error=told)
            else:
                delay = policy.delay(job.attempts, chance=random.random())  # noqa: S311  # jitter, no secret
                attempts = job.attempts if counts else job.attempts - 1
                outbox.retry(session, job, at=now + delay, error=told, attempts=attempts)
                metrics.jobs.labels(job.name, "retried").inc()
    log.warning("jobs put back", error=told)


def _policy(runtime: Runtime) -> Retry:
    return Retry(attempts=runtime.settings.job_attempts)


@contextmanager
def _lease_kept(runtime: Runtime, jobs: Sequence[Claimed]) -> Iterator[None]:
    """Renew the lease while a long batch runs, so that only a dead or sleeping worker loses it."""
    seconds = runtime.settings.job_lease_seconds
    done = threading.Event()

    def renew() -> None:
        while not done.wait(seconds / 3):
            with suppress(*AWAY), runtime.db.writing() as session:  # next time, then
                outbox.renew(session, jobs, now=runtime.clock(), lease_seconds=seconds)

    thread = threading.Thread(target=renew, name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
