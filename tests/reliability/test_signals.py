"""Told to stop, stopped and woken, or orphaned: a worker loses nothing and does not stay behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from market import outbox
from market.outbox import Claimed, JobName, Queue
from market.runtime import Runtime
from tests import databases
from tests.reliability.conftest import (
    PROJECT,
    Installation,
    Nursery,
    all_pairs,
    assert_sound,
    matched,
    runs,
    state_of,
    stock,
    wait_until,
)
from tests.services.stock import jobs, keys_of, matches, signed, stored

Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def start(installation: Installation) -> Iterator[Start]:
    """Starts `market ...` as a process of its own; ended by its process id in the end."""
    started: list[subprocess.Popen[bytes]] = []

    def command(*arguments: str, **settings: str) -> subprocess.Popen[bytes]:
        environment = {
            name: value
            for name, value in os.environ.items()
            if name in ("MARKET_EMBEDDER", "MARKET_LIMITS") or not name.startswith("MARKET_")
        }
        environment |= {"MARKET_DATA": str(installation.folder), **settings}
        environment["MARKET_DATABASE_URL"] = databases.url_of(installation.folder)
        with installation.log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "market", *arguments], cwd=PROJECT, env=environment, stdout=log, stderr=log
            )
        started.append(process)
        return process

    yield command
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait(10)


def says(installation: Installation, text: str) -> bool:
    """Whether its processes have said so."""
    return text in installation.log.read_text()


def test_a_worker_told_to_stop_under_load_is_out_within_ten_seconds_and_loses_nothing(
    installation: Installation, start: Start
) -> None:
    with installation.opened() as runtime:
        stock(runtime, demands=3, outcomes=30, experts=12)
    worker = start("worker", MARKET_JOB_BATCH="4")
    with installation.opened(writes_index=False) as runtime:
        wait_until(lambda: len(signed(runtime)) >= 12, seconds=30, what="it is in the middle of the work")
        worker.terminate()
        began = time.monotonic()
        assert worker.wait(10) == 0
        assert time.monotonic() - began < 10
        assert jobs(runtime, "running") == []
        assert jobs(runtime, "queued") != []
    assert says(installation, "worker stopped")
    with installation.recovered() as runtime:
        assert matched(runtime) == all_pairs(runtime)
        assert_sound(runtime)


def claim(runtime: Runtime) -> list[Claimed]:
    """The index jobs, as another worker would take them."""
    with runtime.db.writing() as session:
        return outbox.claim(session, Queue(JobName.INDEX), now=runtime.clock(), lease_seconds=4, limit=100)


def test_a_worker_stopped_beyond_its_lease_and_woken_is_refused(nursery: Nursery, installation: Installation) -> None:
    with installation.opened() as runtime:
        stock(runtime)
    sleeper = nursery.start(installation, point="pause", settings={"job_lease_seconds": 1.0})
    wait_until(lambda: state_of(sleeper) == "T", seconds=30, what="it stands still")
    with installation.opened(writes_index=False) as runtime:
        taken: list[Claimed] = []

        def all_taken() -> bool:  # jobs that were tried before come one by one
            taken.extend(claim(runtime))
            return len(taken) == sum(map(len, stored(runtime).values()))

        wait_until(all_taken, seconds=10, what="its lease runs out")
        awake = _keep_awake(sleeper)
        wait_until(lambda: next(awake) and says(installation, "lease lost"), seconds=10, what="it is refused")
        # Nothing of what it did is kept, and the job is still the other's.
        assert signed(runtime) == {}
        assert matches(runtime) == {}
        assert len(keys_of(runtime, "index", "running")) == len(taken)
        # The other one dies; the sleeper, awake now, takes the jobs over again.
        wait_until(lambda: next(awake) and len(signed(runtime)) == len(taken), seconds=20, what="it goes on")
    nursery.end(sleeper)
    with installation.recovered() as runtime:
        assert matched(runtime) == all_pairs(runtime)
        assert_sound(runtime)


def _keep_awake(pid: int) -> Iterator[bool]:
    """Wake it each time it stands still: its point comes at every write of the index."""
    while True:
        if state_of(pid) == "T":
            os.kill(pid, signal.SIGCONT)
        yield True


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def descendants(pid: int) -> set[int]:
    """Its children and theirs."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    found, grown = {pid}, True
    while grown:
        more = {child for child, parent in parents.items() if parent in found} - found
        found |= more
        grown = bool(more)
    return found - {pid}


@pytest.fixture
def served(installation: Installation, start: Start) -> Iterator[dict[str, Any]]:
    """The whole service, up and indexing; whatever it started is ended."""
    port = free_port()
    process = start("serve", "--port", str(port))
    wait_until(lambda: answers(port), seconds=40, what="it answers")
    wait_until(lambda: says(installation, "worker ready"), seconds=40, what="its worker is ready")
    family = descendants(process.pid)
    yield {"process": process, "port": port, "family": family}
    for pid in {*family, *descendants(process.pid)}:
        if state_of(pid) not in ("", "Z"):
            os.kill(pid, signal.SIGKILL)


def gone(pids: set[int]) -> bool:
    return all(state_of(pid) in ("", "Z") for pid in pids)


def test_when_the_service_is_killed_its_worker_ends_by_itself_and_gives_the_index_back(
    installation: Installation, served: dict[str, Any]
) -> None:
    served["process"].kill()
    served["process"].wait(10)
    took = wait_until(lambda: gone(served["family"]), seconds=10, what="nothing of the service is left")
    assert took < 8
    assert not answers(served["port"])
    with installation.opened():  # the lock on the index is free
        pass


def test_when_the_service_is_told_to_stop_everything_ends(installation: Installation, served: dict[str, Any]) -> None:
    served["process"].terminate()
    served["process"].wait(15)
    wait_until(lambda: gone(served["family"]), seconds=5, what="nothing of the service is left")
    assert says(installation, "worker stopped")


def test_a_worker_that_is_killed_is_started_again_by_the_service(
    installation: Installation, served: dict[str, Any]
) -> None:
    with installation.opened(writes_index=False) as runtime:
        holder = int((installation.folder / "search" / "writer.lock").read_text())
        assert holder in served["family"]
        os.kill(holder, signal.SIGKILL)
        stock(runtime)
        wait_until(lambda: matched(runtime) == all_pairs(runtime), seconds=30, what="the next worker does the jobs")
    assert not runs(holder) or state_of(holder) == "Z"
