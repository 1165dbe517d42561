"""A worker's two lanes: what it does itself, batch after batch; and what waits for others' servers, many at once."""

from __future__ import annotations

import threading
import time

import structlog

from market import outbox
from market.db import AWAY, why
from market.outbox import SENDING, Claimed, JobName
from market.runtime import Runtime
from market.worker import presence, runner

log = structlog.get_logger()

_AT_ONCE = 16
"""Jobs claimed together by the sending lane."""
_GRACE_SECONDS = 5.0
"""How long a stopping worker waits for others' servers; what has no answer by then is sent again by the next one."""


def work(runtime: Runtime, stop: threading.Event) -> None:
    """Run jobs until `stop` is set; what is in hand is finished first."""
    sender = _Sender(runtime, stop)
    with presence.shown(runtime) as name:
        log.info("worker ready", worker=name)
        sender.start()
        _work(runtime, stop, sender)
        sender.finish()
    runtime.db.stop_waiting()
    log.info("worker stopped", worker=name)


def _work(runtime: Runtime, stop: threading.Event, sender: _Sender) -> None:
    reconciled = False
    while not stop.is_set():
        try:
            if not reconciled:
                # Whatever happened to index or database while nobody worked is found and mended first.
                with runtime.db.writing() as session:
                    outbox.enqueue(session, JobName.RECONCILE, ["start"], now=runtime.clock())
                reconciled = True
            if runner.run_once(runtime, without=SENDING) == 0:
                runtime.db.wait(stop, runtime.settings.job_poll_seconds)
            else:
                sender.look()
        except AWAY as error:
            log.warning("database away", error=why(error))
            stop.wait(1.0)


class _Sender:
    """Runs the jobs that send, each on a thread of its own, as many at once as the settings allow: whoever answers
    slowly keeps nobody else waiting."""

    def __init__(self, runtime: Runtime, stop: threading.Event) -> None:
        self._runtime = runtime
        self._stop = stop
        self._busy = 0
        self._changed = threading.Condition()
        self._looking = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sender", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def look(self) -> None:
        """There may be something new to send."""
        self._looking.set()

    def finish(self) -> None:
        """Wait for what is under way, for a while."""
        self._looking.set()
        end = time.monotonic() + _GRACE_SECONDS
        self._thread.join(_GRACE_SECONDS)
        with self._changed:
            self._changed.wait_for(lambda: self._busy == 0, max(0.0, end - time.monotonic()))

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                jobs = self._claim()
            except AWAY as error:
                log.warning("database away", error=why(error))
                self._stop.wait(1.0)
                continue
            for job in jobs:
                with self._changed:
                    self._busy += 1
                threading.Thread(target=self._one, args=(job,), name="sending", daemon=True).start()
            if not jobs:
                self._looking.wait(self._runtime.settings.job_poll_seconds)
                self._looking.clear()

    def _claim(self) -> list[Claimed]:
        most = self._runtime.settings.send_threads
        with self._changed:
            self._changed.wait_for(lambda: self._busy < most or self._stop.is_set(), 1.0)
            free = most - self._busy
        if free <= 0 or self._stop.is_set():
            return []
        return runner.claim(self._runtime, JobName.DELIVER, limit=min(free, _AT_ONCE))

    def _one(self, job: Claimed) -> None:
        try:
            runner.run(self._runtime, [job])
        except AWAY as error:  # its lease will run out, and another takes it up
            log.warning("database away", error=why(error))
        finally:
            with self._changed:
                self._busy -= 1
                self._changed.notify_all()
