"""Two web and three worker processes on one PostgreSQL and one Meilisearch, killed in turn under load."""

from __future__ import annotations

import http.client
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from market.clock import utc_now
from market.runtime import Runtime
from tests import databases
from tests.factories import Person, add_member, opened, payload
from tests.reliability.conftest import PROJECT, assert_sound, wait_until
from tests.servers import MeiliServer, free_port, meilisearch
from tests.services.stock import indexed, jobs, matches, stored

SECONDS = 30
NOUNS = ("outcome", "outcome", "expert", "demand")
ON_TOPIC = 12  # listings of each kind that fit each other; more would make their words common
WORKERS, PORTS = 3, 2
LEASE = 2.0


@pytest.fixture
def search_server(tmp_path: Path) -> Iterator[MeiliServer]:
    with meilisearch(tmp_path / "meilisearch") as server:
        yield server


@pytest.fixture
def exchange(search_server: MeiliServer, tmp_path: Path, template: Path) -> Iterator[Runtime]:
    """This process's own way in, to prepare and to judge."""
    with opened(
        tmp_path / "data", template, utc_now,  # type: ignore[arg-type]  # any clock will do
        search_url=search_server.url, search_key=search_server.key, search_timeout_seconds=10.0,
    ) as runtime:  # fmt: skip
        runtime.engine.sync(apply=True)
        yield runtime
    databases.drop(tmp_path / "data")


@dataclass
class Hosts:
    """The processes, by name, each of which can be killed and started again."""

    environment: dict[str, str]
    log: Path
    commands: dict[str, list[str]]
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str) -> None:
        """As a host's init system would."""
        with self.log.open("ab") as log:
            self.running[name] = subprocess.Popen(
                [sys.executable, "-m", "market", *self.commands[name]], cwd=PROJECT, env=self.environment,
                stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def kill(self, name: str) -> None:
        """kill -9 of the process and its children, as when the machine loses power."""
        process = self.running.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)

    def end(self) -> None:
        """All of them."""
        for name in [*self.running]:
            self.kill(name)


@contextmanager
def hosts(runtime: Runtime, folder: Path, ports: list[int]) -> Iterator[Hosts]:
    settings = runtime.settings
    given = {
        "MARKET_DATA": settings.data,
        "MARKET_DATABASE_URL": settings.database,
        "MARKET_SEARCH_URL": settings.search_url,
        "MARKET_SEARCH_KEY": settings.search_key,
        "MARKET_SEARCH_TIMEOUT_SECONDS": "10",
        "MARKET_POSTGRES_POOL_SIZE": "6",
        "MARKET_JOB_LEASE_SECONDS": str(LEASE),
        "MARKET_JOB_POLL_SECONDS": "0.05",
        "MARKET_JOB_BATCH": "20",
        "MARKET_JOB_ATTEMPTS": "100",  # a job is not to be blamed for the kills
    }
    commands = {f"web {port}": ["serve", "--without-worker", "--port", str(port)] for port in ports}
    commands |= {f"worker {number}": ["worker"] for number in range(WORKERS)}
    environment = {
        name: value
        for name, value in os.environ.items()
        if name in ("MARKET_EMBEDDER", "MARKET_LIMITS") or not name.startswith("MARKET_")
    }
    made = Hosts({**environment, **given}, folder / "log", commands)
    try:
        for name in commands:
            made.start(name)
        yield made
    finally:
        made.end()


def call(ports: list[int], method: str, path: str, person: Person, body: Any, **headers: str) -> tuple[int, Any]:
    """Ask one host after the other until one answers, as a client behind a balancer does."""
    until = time.monotonic() + 60
    for turn in range(10_000):
        address = f"http://127.0.0.1:{ports[turn % len(ports)]}/api/v1/{path}"
        request = urllib.request.Request(address, json.dumps(body).encode(), method=method)
        request.add_header("Authorization", f"Bearer {person.key}")
        request.add_header("Content-Type", "application/json")
        for name, value in headers.items():
            request.add_header(name.replace("_", "-"), value)
        try:
            with urllib.request.urlopen(request, timeout=15) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            if error.code < 500:
                return error.code, None
        except (OSError, http.client.HTTPException):
            pass  # killed before or in its answer
        assert time.monotonic() < until, f"nobody answers {method} {path}"
        time.sleep(0.05)
    raise AssertionError("unreachable")


class User(threading.Thread):
    """Posts and changes listings as fast as they are accepted, and keeps what it was promised."""

    def __init__(self, runtime: Runtime, ports: list[int], stop: threading.Event, seed: int) -> None:
        super().__init__(daemon=True)
        # Whoever demands is another than who offers: nobody is matched with themselves.
        self.people = {noun: add_member(runtime) for noun in {*NOUNS}}
        self.ports, self.stop, self.chance = ports, stop, random.Random(seed)
        self.promised: dict[str, int] = {}  # the version that was answered, by id
        self.posted: list[tuple[str, str]] = []
        self.wrong: list[str] = []

    def run(self) -> None:
        while not self.stop.is_set():
            try:
                (self._post if not self.posted or self.chance.random() < 0.6 else self._change)()
            except Exception as error:  # told to the test
                self.wrong.append(repr(error))
                return
            self.stop.wait(0.05)

    def _post(self) -> None:
        noun = self.chance.choice(NOUNS)
        fits = sum(one == noun for one, _ in self.posted) < ON_TOPIC // 3
        about = {} if fits else {"title_zh": f"与此无关的条目{uuid.uuid4().hex}", "title_en": "", "keywords": []}
        if noun == "expert" and not fits:
            about = {"directions_zh": f"无关方向{uuid.uuid4().hex}", "directions_en": "", "keywords": []}
        body = payload(noun, submit=True, **about)
        status, answer = call(
            self.ports, "POST", f"{noun}s", self.people[noun], body, Idempotency_Key=uuid.uuid4().hex
        )
        assert status == 201, (status, noun)
        self.posted.append((noun, answer["id"]))
        self.promised[answer["id"]] = answer["version"]

    def _change(self) -> None:
        noun, identity = self.chance.choice(self.posted)
        based_on = self.promised[identity]
        body = {"keywords": ["防腐涂层", uuid.uuid4().hex]}
        status, answer = call(
            self.ports, "PATCH", f"{noun}s/{identity}", self.people[noun], body, If_Match=f'"{based_on}"'
        )
        # 412: an earlier try was committed, and its answer lost with its host.
        assert status in (200, 412), (status, noun)
        self.promised[identity] = answer["version"] if answer else based_on + 1


@pytest.mark.long
@pytest.mark.parametrize("server", ["postgresql"], indirect=True)
def test_hosts_killed_in_turn_under_load_lose_nothing_and_tell_nobody_twice(
    exchange: Runtime, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ports, stop, chance = [free_port() for _ in range(PORTS)], threading.Event(), random.Random(77)
    kills = 0
    with hosts(exchange, tmp_path, ports) as running:
        users = [User(exchange, ports, stop, seed) for seed in range(3)]
        wait_until(lambda: answers(ports), seconds=60, what="the web hosts come up")
        for user in users:
            user.start()
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            time.sleep(chance.uniform(1, 3))
            name = chance.choice([*running.running])
            running.kill(name)
            running.start(name)
            kills += 1
        stop.set()
        for user in users:
            user.join(90)
        assert [wrong for user in users for wrong in user.wrong] == []
        took = wait_until(idle(exchange), seconds=90, what="the workers are done")
    assert jobs(exchange, "dead") == []
    held = {identity: version for part in stored(exchange).values() for identity, version in part.items()}
    promised = {identity: version for user in users for identity, version in user.promised.items()}
    assert promised.keys() == held.keys()
    assert all(held[identity] >= version for identity, version in promised.items())
    assert_sound(exchange)
    made = len(matches(exchange))
    assert made > 0
    with capsys.disabled():
        print(
            f"\n{PORTS} web and {WORKERS} worker processes, {kills} kills: {len(held)} listings, "
            f"{sum(held.values())} versions, {made} matches, done {took:.1f} s after: nothing lost or doubled"
        )


def answers(ports: list[int]) -> bool:
    """Whether every web host is there."""
    for port in ports:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2):
                pass
        except OSError:
            return False
    return True


def idle(runtime: Runtime) -> Callable[[], bool]:
    """Whether nothing waits or runs, and the index is right."""

    def look() -> bool:
        time.sleep(0.2)
        left = [job for state in ("queued", "running") for job in jobs(runtime, state)]
        return not [job for job in left if job.run_at <= utc_now()] and indexed(runtime) == stored(runtime)

    return look
