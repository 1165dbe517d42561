"""The worker's own /healthz, /readyz and /metrics, on a port of its own; nothing else is answered there."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import orjson
from prometheus_client import CONTENT_TYPE_LATEST

from market import monitoring
from market.runtime import Runtime


@contextmanager
def served(runtime: Runtime) -> Iterator[int]:
    """Answer while the block runs, where the settings say; gives the port, 0 where there is none.

    Raises OSError where the port is taken.
    """
    if not runtime.settings.worker_port:
        yield 0
        return
    address = (runtime.settings.worker_host, runtime.settings.worker_port)
    with ThreadingHTTPServer(address, _handler(runtime)) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, name="status", daemon=True).start()
        try:
            yield server.server_port
        finally:
            server.shutdown()


def _handler(runtime: Runtime) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = 10  # a connection that says nothing must not hold a thread

        def do_GET(self) -> None:  # the name is the base class's
            status, kind, body = _answer(runtime, self.path)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Who watches asks every few seconds: that is no event."""

    return Handler


def _answer(runtime: Runtime, path: str) -> tuple[int, str, bytes]:
    if path == "/healthz":
        return 200, "application/json", b'{"status":"ok"}'
    if path == "/readyz":
        body, status = monitoring.report(monitoring.readiness(runtime))
        return status, "application/json", orjson.dumps(body)
    if path == "/metrics":
        return 200, CONTENT_TYPE_LATEST, monitoring.exposition(runtime)
    return 404, "text/plain", b"/healthz, /readyz or /metrics\n"
