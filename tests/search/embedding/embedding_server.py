"""An embeddings server on loopback that can be told to misbehave."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

DIMENSIONS = 8
KEY = "sk-very-secret"


@dataclass
class Said:
    """An answer in the place of vectors; `drops` are sent one by one, with so many seconds between."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    wait: float = 0.0
    drops: float = 0.0
    breaks_off: bool = False


@dataclass
class Asked:
    """A request as it came."""

    path: str
    key: str
    connection: int
    payload: dict[str, Any]


def vector_of(text: str, dimensions: int = DIMENSIONS) -> list[float]:
    """Any vector that no other text has, of any length."""
    octets = hashlib.sha512(text.encode()).digest()
    return [octet / 16 - 7.9 for octet in (octets * (dimensions // 64 + 1))[:dimensions]]


def entries(payload: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What an honest server says of each text."""
    dimensions = payload.get("dimensions", DIMENSIONS)
    return [
        {"object": "embedding", "index": place, "embedding": vector_of(text, dimensions)}
        for place, text in enumerate(payload["input"])
    ]


class Server:
    """Answers honestly, unless `next` holds answers to give first, or `always` makes them of a request."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.asked: list[Asked] = []
        self.next: deque[Said] = deque()
        self.always: Callable[[dict[str, Any]], Said] | None = None

    def answer(self, payload: dict[str, Any]) -> Said:
        if self.next:
            return self.next.popleft()
        return self.always(payload) if self.always else data(entries(payload))


def data(told: object) -> Said:
    """An answer with these entries, as Python writes JSON: with NaN where there is one."""
    return Said(body=json.dumps({"object": "list", "data": told}).encode())


@contextmanager
def embeddings_server() -> Iterator[Server]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # else each answer takes 40 ms

        def do_POST(self) -> None:
            payload = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            key = self.headers.get("Authorization", "")
            server.asked.append(Asked(self.path, key, self.client_address[1], payload))
            self.say(server.answer(payload))

        def say(self, said: Said) -> None:
            time.sleep(said.wait)
            self.close_connection = said.breaks_off
            self.send_response(said.status)
            for name, value in said.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(said.body) + said.breaks_off))
            self.end_headers()
            size = 1 if said.drops else max(len(said.body), 1)
            for start in range(0, len(said.body), size):
                self.wfile.write(said.body[start : start + size])
                time.sleep(said.drops)

        def log_message(self, *given: object) -> None:
            """Say nothing."""

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *given: object) -> None:
            """Clients that go away are what these tests are about."""

    http = Quiet(("127.0.0.1", 0), Handler)
    server = Server(f"http://127.0.0.1:{http.server_port}/v1")
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        thread.join()
        http.server_close()
