"""The service as a person starts it: real processes, HTTP on the loopback address, Ctrl-C, and a second start."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests import databases
from tests.factories import payload

PROJECT = Path(__file__).parents[2]
EXPERTISE = "涂层"
PATIENCE = 60.0  # seconds, on a busy machine

pytestmark = pytest.mark.long


class Service:
    """One running service and how to speak with it."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process = process
        self.port = port

    def call(self, method: str, path: str, body: Any = None, key: str = "") -> tuple[int, Any]:
        status, text = self.text(method, path, body, key)
        return status, json.loads(text)

    def text(self, method: str, path: str, body: Any = None, key: str = "") -> tuple[int, str]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None, headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def ready(self) -> bool:
        """Whether it answers, with all its parts."""
        try:
            return self.call("GET", "/readyz")[0] == 200
        except OSError:
            return False

    def workers(self) -> list[int]:
        """The ids of the worker processes that belong to it."""
        own = f"--parent\0{self.process.pid}\0".encode()
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                if own in path.read_bytes():
                    found.append(int(path.parent.name))
            except OSError:
                continue  # ended meanwhile
        return found


def until(holds: Callable[[], Any]) -> Any:
    """What `holds` gives, once it gives something."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        found = holds()
        if found:
            return found
        time.sleep(0.05)  # another process is waited for: there is no event to wait on
    raise AssertionError("waited in vain")


@pytest.fixture
def environment(tmp_path: Path, server: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MARKET_")}
    data = databases.empty(tmp_path / "data", server)
    settings = {"MARKET_DATA": str(data), "MARKET_DATABASE_URL": databases.url_of(data), "MARKET_EMBEDDER": "none"}
    return {**kept, **settings, "MARKET_LIMITS": "off"}


def run(environment: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "market", *arguments],
        cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@contextmanager
def serving(environment: dict[str, str], log: Path) -> Iterator[Service]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "market", "serve", "--port", str(port)],
            cwd=PROJECT, env=environment, stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip
    service = Service(process, port)
    try:
        until(lambda: service.ready() and service.workers())
        yield service
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)


def stop(service: Service) -> int:
    """Ctrl-C, as a terminal sends it: to the service and its worker alike. Gives the exit code."""
    os.killpg(service.process.pid, signal.SIGINT)
    return service.process.wait(PATIENCE)


def test_a_service_is_set_up_used_stopped_and_started_again(tmp_path: Path, environment: dict[str, str]) -> None:
    run(environment, "init", "--demo", "fixtures")
    keys = json.loads((tmp_path / "data" / "demo-keys.json").read_text())
    key, log = keys["member"], tmp_path / "log"

    with serving(environment, log) as service:
        before = service.call("GET", "/api/v1/stats")[1]
        assert before["outcomes"] > 0
        assert before["matches"] > 0

        demand = payload("demand", title_zh="潮差区石墨烯防腐涂层难题", submit=True)
        status, posted = service.call("POST", "/api/v1/demands", demand, key)
        assert (status, posted["state"]) in ((201, "published"), (201, "submitted"))
        if posted["state"] == "submitted":
            seen = {"type": "demand", "id": posted["id"], "version": posted["version"]}
            approval = {"action": "approve", "items": [seen]}
            assert service.call("POST", "/api/v1/moderation/bulk", approval, keys["reviewer"])[1]["done"] == 1
        until(lambda: found(service, "demands", "潮差区石墨烯防腐涂层难题", posted["id"]))

        outcome = payload("outcome", submit=True)
        status, offered = service.call("POST", "/api/v1/outcomes", outcome, keys["administrator"])
        assert status == 409  # administrators belong to no organisation
        other = json.loads(run(environment, "keys", "create", "member@org-a01.example", "--json"))["key"]
        status, offered = service.call("POST", "/api/v1/outcomes", outcome, other)
        assert (status, offered["state"]) == (201, "published")
        until(lambda: found(service, "outcomes", "海上风电塔筒长效防腐涂层", offered["id"]))
        path = f"/api/v1/demands/{posted['id']}/matches"
        until(lambda: offered["id"] in [m["listing"]["id"] for m in service.call("GET", path, None, key)[1]["items"]])
        until(lambda: told(service, key, posted["id"], "match_found"))

        experts = service.call("GET", f"/api/v1/search?q={quote(EXPERTISE)}&kinds=expert")[1]
        assert experts["items"]
        need = {"text": demand["problem_zh"], "kind": "expert"}
        assert service.call("POST", "/api/v1/match", need, key)[1]["items"]

        workers = service.workers()
        assert len(workers) == 1
        assert stop(service) == 0
        until(lambda: not any(Path(f"/proc/{worker}").exists() for worker in workers))

    with serving(environment, log) as service:
        assert service.call("GET", f"/api/v1/outcomes/{offered['id']}")[0] == 200
        assert found(service, "outcomes", "海上风电塔筒长效防腐涂层", offered["id"])
        assert service.call("GET", "/api/v1/stats")[1]["outcomes"] == before["outcomes"] + 1
        assert json.loads(run(environment, "init", "--demo", "fixtures", "--json"))["keys"] == keys
        assert stop(service) == 0
    assert "Traceback" not in log.read_text()
    assert not re.search(key, log.read_text())


def found(service: Service, plural: str, words: str, identity: str) -> bool:
    items = service.call("GET", f"/api/v1/{plural}?q={quote(words)}&limit=100")[1]["items"]
    return identity in [item["id"] for item in items]


def test_a_worker_does_not_outlive_a_service_that_was_killed(tmp_path: Path, environment: dict[str, str]) -> None:
    run(environment, "init")
    with serving(environment, tmp_path / "log") as service:
        [worker] = service.workers()
        service.process.kill()
        service.process.wait(10)
        until(lambda: not Path(f"/proc/{worker}").exists())


def test_a_worker_that_dies_is_started_again(tmp_path: Path, environment: dict[str, str]) -> None:
    run(environment, "init")
    with serving(environment, tmp_path / "log") as service:
        [worker] = service.workers()
        os.kill(worker, signal.SIGKILL)
        until(lambda: [other for other in service.workers() if other != worker])
        assert stop(service) == 0


def test_a_port_that_is_taken_is_told_in_one_line(environment: dict[str, str]) -> None:
    run(environment, "init")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = subprocess.run(
            [sys.executable, "-m", "market", "serve", "--port", str(taken.getsockname()[1])],
            cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert done.returncode != 0
    assert "is taken" in done.stderr
    assert "Traceback" not in done.stderr


def told(service: Service, key: str, identity: str, kind: str) -> bool:
    """Whether the inbox of the holder of the key has one of that kind about that listing, among what else came."""
    inbox = service.call("GET", "/api/v1/notifications", None, key)[1]["items"]
    return any(row["listing_id"] == identity and row["kind"] == kind for row in inbox)
