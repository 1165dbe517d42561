"""Processes that may be killed, and the exchange whose state is judged afterwards."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

import search
from market.clock import utc_now
from market.models import LISTINGS, Notification
from market.runtime import Runtime, build
from market.services.telling import notifications
from market.settings import Settings
from market.worker import runner
from tests import databases
from tests.factories import add_organisation, add_person
from tests.services.stock import indexed, matches, publish, signed, stored

PROJECT = Path(search.__file__).parents[1]


def wait_until(condition: Callable[[], bool], *, seconds: float, what: str) -> float:
    """Look again and again until it holds; returns how long that took."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, f"not within {seconds} s: {what}"
        time.sleep(0.01)
    return time.monotonic() - began


def runs(pid: int) -> bool:
    """Whether the process is there: of a zombie some thread may still live, and hold its files."""
    return state_of(pid) != ""


def state_of(pid: int) -> str:
    """One letter as /proc tells it: R, S, D, T (stopped) ...; empty when there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


@dataclass
class Nursery:
    """Starts children (see nursery.py) and knows those it started."""

    process: subprocess.Popen[str]
    children: list[int] = field(default_factory=list)

    def start(
        self,
        installation: Installation,
        task: str = "work",
        *,
        point: str = "",
        settings: Mapping[str, Any] | None = None,
        **order: Any,
    ) -> int:
        """Start one on the installation, and give its process id; `settings` are those that only this one has."""
        assert self.process.stdin
        assert self.process.stdout
        order |= {"task": task, "point": point, "log": str(installation.log)}
        order["settings"] = installation.settings(**(settings or {}))
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        pid = int(json.loads(self.process.stdout.readline())["pid"])
        self.children.append(pid)
        return pid

    def end(self, pid: int) -> None:
        """Kill it, if it still runs."""
        if runs(pid):
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not runs(pid), seconds=10, what=f"process {pid} ends")


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    """One for a module; whatever it started is gone in the end."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if name in ("MARKET_EMBEDDER", "MARKET_LIMITS") or not name.startswith("MARKET_")
    }
    with subprocess.Popen(
        [sys.executable, "-m", "tests.reliability.nursery"],
        cwd=PROJECT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        made = Nursery(process)
        yield made
        for pid in made.children:
            made.end(pid)
        process.stdin.close()  # type: ignore[union-attr]


@dataclass
class Installation:
    """A data folder, opened only between the processes that work on it."""

    folder: Path

    @property
    def log(self) -> Path:
        """What its processes say."""
        return self.folder / "log"

    def settings(self, **special: Any) -> dict[str, Any]:
        """Those of each of its processes, but for what is `special` to one.

        A job is not given up for the sake of those it was with when they were killed: on a busy machine it may be
        in hand at each of the kills, and whoever runs it in the end must not count them either.
        """
        return {
            "data": str(self.folder),
            "database_url": databases.url_of(self.folder),
            "embedder": "none",
            "limits": False,
            "job_poll_seconds": 0.01,
            "job_attempts": 100,
            **special,
        }

    @contextmanager
    def opened(self, *, later: float = 0, writes_index: bool = True, **special: Any) -> Iterator[Runtime]:
        """Open it as the next process would, `later` seconds from now."""
        runtime = build(
            Settings(**self.settings(**special)),
            writes_index=writes_index,
            clock=lambda: utc_now() + timedelta(seconds=later),
        )
        try:
            yield runtime
        finally:
            runtime.close()

    @contextmanager
    def recovered(self, **special: Any) -> Iterator[Runtime]:
        """Open it once every lease has run out, and run the jobs that are left."""
        with self.opened(later=120, **special) as runtime:
            runner.drain(runtime)
            yield runtime


@pytest.fixture
def installation(tmp_path: Path, template: Path) -> Iterator[Installation]:
    """A migrated database and an empty index."""
    folder = tmp_path / "data"
    databases.copy(folder, template)
    yield Installation(folder)
    databases.drop(folder)


def stock(runtime: Runtime, *, demands: int = 1, outcomes: int = 2, experts: int = 1) -> None:
    """Listings that all fit each other, each of an organisation with one member."""
    for noun, count in (("demand", demands), ("outcome", outcomes), ("expert", experts)):
        for _ in range(count):
            organisation = add_organisation(runtime)
            add_person(runtime, organisation)
            publish(runtime, noun, organisation)


def told_wrongly(runtime: Runtime) -> list[str]:
    """What is wrong with the inboxes: every match that reaches the threshold is told to each recipient once.

    A match that holds no longer may have been told while it did.
    """
    least = runtime.settings.notify_threshold
    due: set[tuple[uuid.UUID, uuid.UUID | None]] = set()
    allowed = set(due)
    with runtime.db.reading() as session:
        for (demand, offer), match in matches(runtime, active=None).items():
            for model, identity in ((LISTINGS["demand"], demand), (LISTINGS[match.offer_kind], offer)):
                users = notifications.recipients(session, session.get_one(model, identity))
                allowed |= {(user.id, match.id) for user in users}
                if match.active and match.demand_score >= least:
                    due |= {(user.id, match.id) for user in users}
        rows = session.exec(select(Notification).where(Notification.kind == "match_found")).all()
    told = [(row.recipient_id, row.match_id) for row in rows]
    wrong = [f"not told: {pair}" for pair in due.difference(told)]
    wrong += [f"told twice: {pair}" for pair, times in Counter(told).items() if times > 1]
    return wrong + [f"told for nothing: {pair}" for pair in set(told) - allowed]


def assert_sound(runtime: Runtime) -> None:
    """Every committed listing is indexed and signed with its version, every match told once; no orphans."""
    committed = stored(runtime)
    assert indexed(runtime) == committed
    assert signed(runtime) == {key: version for part in committed.values() for key, version in part.items()}
    assert told_wrongly(runtime) == []


def all_pairs(runtime: Runtime) -> set[tuple[str, str]]:
    """Each demand with each offer."""
    committed = stored(runtime)
    offers = [*committed["outcome"], *committed["expert"]]
    return {(demand, offer) for demand in committed["demand"] for offer in offers}


def matched(runtime: Runtime) -> set[tuple[str, str]]:
    """The pairs of matches that hold."""
    return {(str(demand), str(offer)) for demand, offer in matches(runtime)}
