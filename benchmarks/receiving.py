"""A receiver of webhooks in a process of its own, that answers at once or never, and keeps when each came."""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

HANG = "/hang"
"""The path at which nothing is answered."""

_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n{}"
_PATIENCE = 120.0
_SPAWN = multiprocessing.get_context("spawn")


class Arrival(NamedTuple):
    """A webhook that came: where, when (seconds since the epoch), and its id."""

    path: str
    at: float
    identity: str


class Receiver:
    """What is asked of the process that receives."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._port = int(pipe.recv())

    def url(self, path: str) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._port}{path}"

    def first(self, count: int, *, but: str = "") -> list[Arrival]:
        """Wait for so many distinct ones at other paths than `but`, and give and forget them."""
        found: dict[str, Arrival] = {}
        end = time.monotonic() + _PATIENCE
        while len(found) < count:
            if time.monotonic() > end:
                raise RuntimeError(f"{len(found)} of {count} webhooks arrived")
            time.sleep(0.05)
            self._pipe.send(None)
            for one in self._pipe.recv():
                if one.path not in (but, HANG):
                    found.setdefault(one.identity, one)
        return list(found.values())


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver that answers at once, but never at /hang."""
    ours, theirs = _SPAWN.Pipe()
    process = _SPAWN.Process(target=_receive, args=(theirs,), daemon=True)
    process.start()
    try:
        yield Receiver(ours)
    finally:
        process.kill()
        process.join()


class _Taking(asyncio.Protocol):
    """One connection; a request comes in one piece or several, and the next only after the answer."""

    def __init__(self, arrivals: list[Arrival]) -> None:
        self._arrivals = arrivals
        self._come = b""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._come += data
        head, found, body = self._come.partition(b"\r\n\r\n")
        if not found:
            return
        first, *lines = head.split(b"\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(b": ") for line in lines)}
        if len(body) < int(headers[b"content-length"]):
            return
        self._come = b""
        path = first.split()[1].decode()
        self._arrivals.append(Arrival(path, time.time(), headers[b"webhook-id"].decode()))
        if path != HANG:
            self._transport.write(_OK)


def _receive(pipe: Connection) -> None:
    arrivals: list[Arrival] = []

    def tell_parent() -> None:
        pipe.recv()
        pipe.send([*arrivals])
        arrivals.clear()

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: _Taking(arrivals), "127.0.0.1", 0, backlog=512)
        pipe.send(server.sockets[0].getsockname()[1])
        loop.add_reader(pipe.fileno(), tell_parent)
        await server.serve_forever()

    asyncio.run(serve())
