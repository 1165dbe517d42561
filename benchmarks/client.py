"""A keep-alive HTTP/1.1 connection that costs next to nothing itself, so that the server is what is measured."""

from __future__ import annotations

import socket
from typing import NamedTuple


class Reply(NamedTuple):
    """Status and body."""

    status: int
    body: bytes


class Connection:
    """One connection to a port of this machine. Not for several threads."""

    def __init__(self, port: int, *, key: str = "") -> None:
        """`key` is sent as the bearer."""
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        lines = [f"Host: 127.0.0.1:{port}", "Accept: application/json", "Accept-Language: zh"]
        if key:
            lines.append(f"Authorization: Bearer {key}")
        self._headers = "\r\n".join(lines).encode()
        self._rest = b""

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def get(self, path: str) -> Reply:
        """The answer to GET."""
        return self._ask(b"GET %s HTTP/1.1\r\n%s\r\n\r\n" % (path.encode(), self._headers))

    def post(self, path: str, body: bytes) -> Reply:
        """The answer to POST of a JSON body."""
        return self._ask(
            b"POST %s HTTP/1.1\r\n%s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
            % (path.encode(), self._headers, len(body), body)
        )

    def _ask(self, request: bytes) -> Reply:
        self._socket.sendall(request)
        data = self._rest
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += self._more()
        head, data = data[:end].lower(), data[end + 4 :]
        start = head.find(b"\r\ncontent-length:")
        if start < 0:
            raise ValueError("an answer without Content-Length")
        length = int(head[start + 17 :].split(b"\r\n", 1)[0])
        while len(data) < length:
            data += self._more()
        self._rest = data[length:]
        return Reply(int(head[9:12]), data[:length])

    def _more(self) -> bytes:
        data = self._socket.recv(1 << 16)
        if not data:
            raise ConnectionError("the server closed the connection")
        return data


def succeed(reply: Reply, status: int = 200) -> Reply:
    """The reply, if it is as wanted: a fast error is no speed."""
    if reply.status != status:
        raise RuntimeError(f"{reply.status} instead of {status}: {reply.body[:500].decode(errors='replace')}")
    return reply
