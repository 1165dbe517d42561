"""serve, worker, bench: what runs for long."""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any

import click
from granian.constants import Interfaces
from granian.server import Server

from market.cli.output import fail, json_option, opened, say, show
from market.settings import Settings, hand_down
from market.worker import lanes, status

_STOP_SECONDS = 10.0
# granian's lines go to the root logger, which gives them our form.
_LOGGING: dict[str, Any] = {"formatters": {}, "handlers": {}, "loggers": {"_granian": {}, "granian.access": {}}}


@click.command()
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=int, help="Port to listen on.")
@click.option("--with-worker/--without-worker", default=True, help="Start the worker beside it.")
@json_option
@click.pass_obj
def serve(settings: Settings, host: str | None, port: int | None, with_worker: bool, as_json: bool) -> None:
    """Serve HTTP, with the worker in a process of its own beside it, until Ctrl-C."""
    host, port = host or settings.host, port or settings.port
    _require_free(host, port)
    hand_down(host=host, port=port)  # links begin with them
    logging.getLogger("_granian").addFilter(_as_intended)
    address = f"http://{host}:{port}"
    show(
        {"address": address, "docs": f"{address}/docs"},
        as_json=as_json,
        columns=("Qiao 桥", ""),
        rows=(("address", f"{address}/api/v1"), ("docs", f"{address}/docs"), ("stop", "Ctrl-C")),
    )
    sys.stdout.flush()
    keeper = _WorkerKeeper() if with_worker else None
    server = Server(
        "market.wsgi:application",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=settings.threads + settings.streams,
        log_dictconfig=_LOGGING,
        log_level="warning",  # type: ignore[arg-type]  # granian takes the name as well
        workers_kill_timeout=int(_STOP_SECONDS),
    )
    try:
        server.serve()
    finally:
        if keeper is not None:
            keeper.stop()
    say("Stopped.")


def _as_intended(record: logging.LogRecord) -> bool:
    """Most of the threads only wait for what streams are to tell: the server's warning of too many misses that."""
    return "Python threads" not in record.getMessage()


class _WorkerKeeper:
    """Keeps one worker process running: a worker that dies is started again."""

    def __init__(self) -> None:
        self._stopping = threading.Event()
        self._process = self._start()
        threading.Thread(target=self._watch, daemon=True).start()

    @staticmethod
    def _start() -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-m", "market", "worker", "--parent", str(os.getpid())])  # noqa: S603

    def _watch(self) -> None:
        while not self._stopping.wait(1.0):
            if self._process.poll() is not None:
                self._process = self._start()

    def stop(self) -> None:
        """Ask it to finish its batch; end it if that takes too long."""
        self._stopping.set()
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()


def _require_free(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            fail(
                f"Port {port} is taken. Choose another: make run PORT={port + 1}, or market serve --port {port + 1}."
            )


@click.command()
@click.option("--parent", type=int, hidden=True, help="Stop when this process has ended.")
@json_option
@click.pass_obj
def worker(settings: Settings, parent: int | None, as_json: bool) -> None:
    """Do the outbox's jobs until Ctrl-C; the batch in hand is finished first."""
    stop = threading.Event()

    def end(_: int, __: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent, stop), daemon=True).start()
    with opened(settings, writes_index=True) as runtime, status.served(runtime):
        lanes.work(runtime, stop)
    if as_json:
        show({"stopped": True}, as_json=True)


def _end_with(parent: int, stop: threading.Event) -> None:
    """A worker whose service was killed must not stay behind and hold the index."""
    while not stop.wait(0.5):
        if os.getppid() != parent:
            stop.set()


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1)
@json_option
def bench(arguments: tuple[str, ...], as_json: bool) -> None:
    """Run the benchmarks of a source checkout (see docs/performance.md)."""
    if not Path("benchmarks/__main__.py").is_file():
        fail("The benchmarks are in the source checkout; run this from its top folder.")
    extra = ["--json"] if as_json else []
    sys.exit(subprocess.call([sys.executable, "-m", "benchmarks", *arguments, *extra]))  # noqa: S603
