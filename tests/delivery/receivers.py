"""Real receivers on loopback that answer as they are told: at once, never, drop by drop, too much."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Request:
    """What arrived. Names of headers are in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    name: str | None  # asked for while the connection was made secure


Answer = Callable[[socket.socket, Request], bool]
"""Answers, and says whether the connection stays open."""


def answering(status: int = 200, body: bytes = b"{}", *, keep: bool = True, **headers: str) -> Answer:
    """Answers at once."""
    return raw(_head(status, {"Content-Length": str(len(body)), **headers}) + body, keep=keep)


def raw(told: bytes, *, keep: bool = False) -> Answer:
    """Answers with these bytes."""

    def answer(connection: socket.socket, _: Request) -> bool:
        connection.sendall(told)
        return keep

    return answer


def endless(told: bytes, piece: bytes, pause: float = 0.0) -> Answer:
    """Answers, and then sends one piece after the other until the other side goes."""
    waiting = threading.Event()

    def answer(connection: socket.socket, _: Request) -> bool:
        with suppress(OSError):
            connection.sendall(told)
            while not waiting.wait(pause):
                connection.sendall(piece)
        return False

    return answer


def hanging(connection: socket.socket, _: Request) -> bool:
    """Says nothing until the other side goes."""
    with suppress(OSError):
        connection.recv(1)
    return False


@dataclass
class Receiver:
    """Listens. `accepted` counts connections, `requests` holds what arrived whole."""

    listener: socket.socket
    answer: Answer
    tls: ssl.SSLContext | None = None
    accepted: int = 0
    requests: list[Request] = field(default_factory=list)
    _open: set[socket.socket] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _threads: list[threading.Thread] = field(default_factory=list)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.listener.getsockname()[1])

    def url(self, path: str = "/hook") -> str:
        """A URL that leads to it by its address."""
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}{path}"

    def serve(self) -> None:
        """Accept until the listener is closed."""
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with self._lock:
                self.accepted += 1
                self._open.add(connection)
            thread = threading.Thread(target=self._talk, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """Close everything and wait for the threads."""
        with suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.hang_up()
        for thread in self._threads:
            thread.join(5)

    def hang_up(self) -> None:
        """Close the connections, as a server does that has waited long enough."""
        with self._lock:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def _talk(self, connection: socket.socket) -> None:
        talking, names = connection, []
        try:
            if self.tls is not None:
                talking = self.tls.wrap_socket(connection, server_side=True)
                names.append(_NAMES.pop(id(talking), None))
            talking.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with talking.makefile("rb") as incoming:
                while (request := _read(incoming, names[0] if names else None)) is not None:
                    with self._lock:
                        self.requests.append(request)
                    if not self.answer(talking, request):
                        break
        except OSError:
            pass
        finally:
            with self._lock:
                self._open.discard(connection)
            with suppress(OSError):
                talking.shutdown(socket.SHUT_RDWR)
            talking.close()
            connection.close()


_NAMES: dict[int, str | None] = {}


def _remember(connection: ssl.SSLSocket | ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
    _NAMES[id(connection)] = name


def _read(incoming: Any, name: str | None) -> Request | None:
    line = incoming.readline().decode("latin-1").split()
    if len(line) != 3:
        return None
    headers = {}
    while pair := incoming.readline().strip():
        key, _, value = pair.decode("latin-1").partition(":")
        headers[key.lower()] = value.strip()
    body = incoming.read(int(headers.get("content-length", "0")))
    return Request(line[0], line[1], headers, body, name)


def _head(status: int, headers: dict[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} Told", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


@contextmanager
def receiving(answer: Answer, tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """A receiver that listens on 127.0.0.1 for as long as the block runs."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)
    receiver = Receiver(listener, answer, tls)
    thread = threading.Thread(target=receiver.serve, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.stop()
        thread.join(5)


@dataclass(frozen=True)
class Certificate:
    """A self-signed certificate, and a server's context that shows it."""

    pem: str
    context: ssl.SSLContext


def certificate(folder: Path, *names: str) -> Certificate:
    """For these names and addresses, made just now."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    now = datetime.now(UTC)
    shown = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([_named(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = shown.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "certificate.pem"
    path.write_bytes(pem + private)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    context.sni_callback = _remember
    return Certificate(pem.decode(), context)


def _named(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def leading(*addresses: str) -> Any:
    """A resolver to which every name leads to these. `asked` holds what it was asked for."""
    asked: list[str] = []

    def resolver(host: str, port: int, **_: Any) -> list[tuple[Any, ...]]:
        asked.append(host)
        return [
            (socket.AF_INET6 if ":" in one else socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port))
            for one in addresses
        ]

    resolver.asked = asked  # type: ignore[attr-defined]
    return resolver
