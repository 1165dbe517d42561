"""PostgreSQL restarted under load, gently and as if it had crashed: nothing that was answered is lost."""

from __future__ import annotations

import json
import os
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import pytest

from tests import clusters, databases
from tests.clusters import Cluster
from tests.factories import add_organisation, add_person, payload
from tests.reliability.conftest import Installation, wait_until
from tests.reliability.test_signals import Start, answers, free_port, start
from tests.services.stock import stored

__all__ = ["start"]  # a fixture

CLIENTS = 4


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """One of this test alone; its commits wait for the disk."""
    if clusters.binaries() is None:
        pytest.skip(databases.missing() or "a server elsewhere cannot be restarted")
    made = clusters.new_cluster(os.getpid(), fsync="on", full_page_writes="on")
    yield made
    made.stop()


@pytest.fixture
def installation(tmp_path: Path, cluster: Cluster) -> Iterator[Installation]:
    folder = databases.migrated(tmp_path / "data", cluster.url())
    yield Installation(folder)
    databases.drop(folder)


@dataclass
class Clients:
    """Post as fast as it goes, and note what was answered and when."""

    port: int
    key: str
    stop: threading.Event = field(default_factory=threading.Event)
    accepted: list[tuple[float, str]] = field(default_factory=list)
    refused: Counter[tuple[int, str]] = field(default_factory=Counter)

    def run(self) -> None:
        body = json.dumps(payload("outcome", submit=True))
        while not self.stop.is_set():
            connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
            headers = {
                "Authorization": f"Bearer {self.key}", "Content-Type": "application/json",
                "Idempotency-Key": str(uuid.uuid4()),
            }  # fmt: skip
            try:
                connection.request("POST", "/api/v1/outcomes", body, headers)
                answer = connection.getresponse()
                text = answer.read()
            except (OSError, HTTPException) as error:
                self.refused[0, type(error).__name__] += 1
            else:
                if answer.status == 201:
                    self.accepted.append((time.monotonic(), json.loads(text)["id"]))
                else:
                    self.refused[answer.status, answer.headers["Content-Type"]] += 1
            connection.close()


@pytest.mark.long
def test_a_server_restarted_under_load_loses_nothing_that_was_answered_and_is_used_again_at_once(
    installation: Installation, cluster: Cluster, start: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    with installation.opened() as runtime:
        person = add_person(runtime, add_organisation(runtime))
    port = free_port()
    start("serve", "--port", str(port))
    wait_until(lambda: answers(port), seconds=60, what="it answers")
    clients = Clients(port, person.key)
    threads = [threading.Thread(target=clients.run) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    waits = {}
    for mode in ("fast", "immediate", "fast"):
        wait_until(lambda: len(clients.accepted) > 10, seconds=30, what="posts are accepted")
        time.sleep(2)
        cluster.restart(mode)
        back = time.monotonic()
        wait_until(lambda back=back: clients.accepted[-1][0] > back, seconds=20, what="posts are accepted again")
        waits[mode] = max(waits.get(mode, 0), time.monotonic() - back)
    clients.stop.set()
    for thread in threads:
        thread.join(40)
    assert {*clients.refused} <= {(503, "application/problem+json")}
    with installation.opened(writes_index=False) as runtime:
        there = {str(identity) for identity in stored(runtime)["outcome"]}
        assert {identity for _, identity in clients.accepted} <= there
    assert max(waits.values()) < 5
    with capsys.disabled():
        told = ", ".join(f"{mode} {seconds:.2f} s" for mode, seconds in waits.items())
        print(
            f"\n3 restarts: {len(clients.accepted)} posts accepted, 0 lost; {clients.refused.total()} answered 503; "
            f"accepted again after the server was back: {told}"
        )
