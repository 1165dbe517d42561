"""Connections to checked addresses: every wait ends at a deadline, and they are kept for the next use.

On http.client and not on urllib3's pools: these write every path into their log, and a robot's path is its key;
and they time each read, so that a server that drips bytes is waited for as long as it likes.
"""

from __future__ import annotations

import http.client
import io
import select
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from market.delivery.addresses import Address, Place

LARGEST_ANSWER = 65536
"""Bytes that are read of a body; it is cut there."""

KEPT_TO_ONE = 64  # idle connections, so that as many threads can post to one receiver without a handshake each
KEPT = 256  # to all receivers together
KEPT_SECONDS = 20.0  # unused for longer, somebody on the way may have forgotten it without a word

Key = tuple[str, str, int, Address]
"""Scheme, host, port and address. A connection made for one name is not used for another of the same address."""

_HEADS = 32768


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. The names of headers are in lower case; the body is cut, and as compressed as it came."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class TooLong(OSError):
    """More was sent than any answer takes."""


class Wire(http.client.HTTPConnection):
    """One connection to one address, in which every wait ends at `until`."""

    def __init__(self, key: Key, tls: ssl.SSLContext) -> None:
        scheme, self._name, port, self._address = key
        super().__init__(str(self._address), port)
        self._tls = tls if scheme == "https" else None
        self.until = 0.0
        self.used = False  # has carried an exchange before
        self.heard = False  # something of the present answer has come
        self.freed = 0.0

    def left(self) -> float:
        """Seconds. Raises TimeoutError where there are none."""
        left = self.until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def dial(self) -> None:
        """Connect to the very address, and be shown a certificate for the name."""
        plain = socket.socket(socket.AF_INET6 if self._address.version == 6 else socket.AF_INET, socket.SOCK_STREAM)
        try:
            plain.settimeout(self.left())
            plain.connect((str(self._address), self.port))
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            plain.settimeout(self.left())
            secure = self._tls.wrap_socket(plain, server_hostname=self._name) if self._tls else plain
        except BaseException:
            plain.close()
            raise
        self._timed = _Timed(secure, self)
        self.sock = self._timed

    def exchange(self, place: Place, body: bytes, headers: Mapping[str, str]) -> tuple[Answer, bool]:
        """The answer, and whether the connection can carry another."""
        self.heard = False
        self.putrequest("POST", place.target, skip_host=True, skip_accept_encoding=True)
        for name, value in {"Host": _authority(place), "Content-Length": str(len(body)), **headers}.items():
            self.putheader(name, value)
        self.endheaders(body)
        response = self.getresponse()
        try:
            told = _body(response)
            whole = response.isclosed() and not response.will_close and response.status >= 200
        finally:
            response.close()
        kept = {name.lower(): value for name, value in response.getheaders()}
        self.used = True
        return Answer(response.status, kept, told), whole

    def silent(self) -> bool:
        """Whether nothing waits to be read: a farewell, or an answer to nothing."""
        poll = select.poll()
        poll.register(self.sock.fileno(), select.POLLIN)
        return not self._timed.unread() and not poll.poll(0)


class _Timed:
    """What http.client asks of a socket, with the time that is left set anew before each call."""

    def __init__(self, inner: socket.socket, wire: Wire) -> None:
        self._inner = inner
        self._wire = wire
        self.fileno = inner.fileno
        self.close = inner.close

    def unread(self) -> int:
        return self._inner.pending() if isinstance(self._inner, ssl.SSLSocket) else 0

    def sendall(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            self._inner.settimeout(self._wire.left())
            rest = rest[self._inner.send(rest) :]

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self._inner, self._wire))


class _Reader(io.RawIOBase):
    """The bytes of one answer."""

    def __init__(self, inner: socket.socket, wire: Wire) -> None:
        self._inner = inner
        self._wire = wire
        self._file = inner.makefile("rb", buffering=0)  # keeps the socket open until it is closed itself
        self._room = LARGEST_ANSWER + _HEADS

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self._room <= 0:
            raise TooLong
        self._inner.settimeout(self._wire.left())
        count = self._file.readinto(buffer)
        self._wire.heard = self._wire.heard or bool(count)
        self._room -= count or 0
        return count

    def close(self) -> None:
        self._file.close()
        super().close()


class Idle:
    """Connections that wait for their next use, the last used first; where there are too many, the oldest go."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[Key, deque[Wire]] = {}  # the key used longest ago first
        self._count = 0

    def take(self, key: Key) -> Wire | None:
        while True:
            with self._lock:
                waiting = self._kept.get(key)
                if not waiting:
                    return None
                wire = waiting.pop()
                self._dropped(key, waiting)
            if time.monotonic() - wire.freed < KEPT_SECONDS and wire.silent():
                return wire
            wire.close()

    def give(self, key: Key, wire: Wire) -> None:
        wire.freed = time.monotonic()
        surplus = []
        with self._lock:
            waiting = self._kept.pop(key, deque())
            self._kept[key] = waiting
            waiting.append(wire)
            self._count += 1
            if len(waiting) > KEPT_TO_ONE:
                surplus.append(waiting.popleft())
                self._dropped(key, waiting)
            if self._count > KEPT:
                oldest, others = next(iter(self._kept.items()))
                surplus.append(others.popleft())
                self._dropped(oldest, others)
        for one in surplus:
            one.close()

    def clear(self) -> None:
        with self._lock:
            surplus = [wire for waiting in self._kept.values() for wire in waiting]
            self._kept.clear()
            self._count = 0
        for one in surplus:
            one.close()

    def _dropped(self, key: Key, waiting: deque[Wire]) -> None:
        self._count -= 1
        if not waiting:
            del self._kept[key]


def _authority(place: Place) -> str:
    name = f"[{place.host}]" if ":" in place.host else place.host
    return name if place.port == {"https": 443, "http": 80}[place.scheme] else f"{name}:{place.port}"


def _body(response: http.client.HTTPResponse) -> bytes:
    try:
        told = response.read(LARGEST_ANSWER + 1)
    except TooLong:
        return b""  # in crumbs so small that their sizes take up more than they do
    if response.length and len(told) <= LARGEST_ANSWER:
        raise http.client.IncompleteRead(told, response.length)
    return told[:LARGEST_ANSWER]
