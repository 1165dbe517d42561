"""Servers on loopback in processes of their own, each ended by its own process id."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from granian.constants import Interfaces
from granian.server import Server

from benchmarks.client import Connection
from benchmarks.floors import DATABASE
from market.settings import Settings

_START_SECONDS, _STOP_SECONDS = 60.0, 20.0


@contextmanager
def market(data: Path, *, worker: bool, **variables: str) -> Iterator[int]:
    """`market serve`, as people start it, with these environment variables. Gives its port."""
    extra = [] if worker else ["--without-worker"]
    port = _free_port()
    command = ["-m", "market", "serve", "--port", str(port), *extra]
    with _running(command, {"MARKET_DATA": str(data), **variables}, port, "/api/v1/outcomes?limit=1", data):
        yield port


@contextmanager
def market_with_thread(data: Path) -> Iterator[int]:
    """The product with the worker as a thread of the web process. Gives its port."""
    with _served(
        "benchmarks.threaded_application", {"MARKET_DATA": str(data)}, "/api/v1/outcomes?limit=1", data
    ) as port:
        yield port


@contextmanager
def floor(database: str, logs: Path) -> Iterator[int]:
    """The bare views under the same server, on a SQLite file or at a PostgreSQL URL. Gives its port."""
    with _served("benchmarks.floor_application", {DATABASE: database}, "/items/none", logs) as port:
        yield port


@contextmanager
def meilisearch(folder: Path) -> Iterator[tuple[int, str]]:
    """The program `meilisearch` on PATH, with its data in a folder. Gives its port and master key."""
    port, key = _free_port(), "a-master-key-for-benchmarks-only"
    command = [
        "--http-addr",
        f"127.0.0.1:{port}",
        "--master-key",
        key,
        "--no-analytics",
        "--db-path",
        str(folder / "meili"),
    ]
    with _running(command, {}, port, "/health", folder, program="meilisearch"):
        yield port, key


@contextmanager
def _served(module: str, environment: dict[str, str], ready: str, logs: Path) -> Iterator[int]:
    port = _free_port()
    with _running(["-m", "benchmarks.servers", f"{module}:application", str(port)], environment, port, ready, logs):
        yield port


@contextmanager
def _running(
    arguments: Sequence[str],
    environment: dict[str, str],
    port: int,
    ready: str,
    logs: Path,
    *,
    program: str = sys.executable,
) -> Iterator[None]:
    log = logs / f"server-{port}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [program, *arguments],
            cwd=logs if program != sys.executable else None,
            env={**os.environ, "MARKET_EMBEDDER": "none", "MARKET_LIMITS": "off", **environment},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        _await(process, port, ready, log)
        yield
    finally:
        _end(process)


def _await(process: subprocess.Popen[bytes], port: int, ready: str, log: Path) -> None:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        with suppress(OSError), Connection(port) as connection:
            if connection.get(ready).status in (200, 404):
                return
        time.sleep(0.1)
    raise RuntimeError(f"The server did not start:\n{log.read_text()[-3000:]}")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        # Its session is its own: nothing but this server and its children is in it.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(_STOP_SECONDS)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _serve(target: str, port: int) -> None:
    """The server with the settings of `market serve`."""
    Server(
        target,
        address="127.0.0.1",
        port=port,
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=Settings().threads,
        log_level="warning",  # type: ignore[arg-type]  # the name is taken as well
    ).serve()


if __name__ == "__main__":
    _serve(sys.argv[1], int(sys.argv[2]))
