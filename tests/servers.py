"""Real servers for tests, on loopback: a Meilisearch that can be killed, stopped and started again."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

MASTER_KEY = "a-master-key-for-tests-only"


def free_port() -> int:
    """A port on loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class MeiliServer:
    """A server process of ours, with its data in a folder."""

    program: str
    folder: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    key = MASTER_KEY

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, on the data it left, and return once it answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        log = (self.folder / "log").open("ab")
        self.process = subprocess.Popen(
            [
                self.program, "--http-addr", f"127.0.0.1:{self.port}", "--master-key", self.key, "--no-analytics",
                "--db-path", str(self.folder / "data"), "--dump-dir", str(self.folder / "dumps"),
                "--max-indexing-threads", "1", "--max-indexing-memory", "512MiB",
            ],
            cwd=self.folder, stdout=log, stderr=log, start_new_session=True,
            restore_signals=False,  # so that a write beyond the limit of a file's size is an error to it, not its end
        )  # fmt: skip
        log.close()
        until = time.monotonic() + 30
        while not self.answers():
            assert self.process.poll() is None, (self.folder / "log").read_text()[-2000:]
            assert time.monotonic() < until, "the search server does not come up"
            time.sleep(0.02)

    def answers(self) -> bool:
        """Whether it is there."""
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=1) as response:
                return bool(response.status == 200)
        except OSError:
            return False

    def kill(self) -> None:
        """As kill -9 does."""
        self.signal(signal.SIGKILL)
        if self.process is not None:
            self.process.wait(10)

    def signal(self, number: int) -> None:
        """Send it a signal: SIGSTOP makes it as slow as can be, SIGCONT wakes it."""
        if self.process is not None and self.process.poll() is None:
            os.kill(self.process.pid, number)

    def wipe(self) -> None:
        """Lose all its data, as a disk does."""
        self.kill()
        shutil.rmtree(self.folder / "data")
        self.start()


@dataclass(frozen=True)
class GivenServer:
    """A server that somebody else runs, named by MEILI_URL and MEILI_MASTER_KEY."""

    url: str
    key: str


def meilisearch_program() -> str:
    """The program on PATH; skips the test, saying so, where there is none."""
    program = shutil.which("meilisearch")
    if program is None:
        pytest.skip("no Meilisearch: put the program `meilisearch` on PATH, or set MEILI_URL and MEILI_MASTER_KEY")
    return program


@contextmanager
def meilisearch(folder: Path) -> Iterator[MeiliServer]:
    """A server of one's own, which may be killed; ended in the end."""
    server = MeiliServer(meilisearch_program(), folder)
    server.start()
    try:
        yield server
    finally:
        server.signal(signal.SIGCONT)
        server.kill()


@contextmanager
def any_meilisearch(folder: Path) -> Iterator[MeiliServer | GivenServer]:
    """The server at MEILI_URL, else one of one's own, to be left as it is."""
    url = os.environ.get("MEILI_URL")
    if url:
        yield GivenServer(url, os.environ.get("MEILI_MASTER_KEY", ""))
        return
    with meilisearch(folder) as server:
        yield server
