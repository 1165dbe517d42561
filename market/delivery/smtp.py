"""One connection to the server that carries our mail: where it is, encryption, login, one deadline for all of it."""

from __future__ import annotations

import io
import ipaddress
import re
import smtplib
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, get_args
from urllib.parse import parse_qs, unquote, urlsplit

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

StartTls = Literal["offered", "required", "never"]

IDLE_SECONDS = 30.0
"""For as long one is used again: servers wait minutes, but what lies between may forget it sooner, without a word."""

MAILS_EACH = 100
"""Mails over one connection; servers hang up on whoever sends many more."""

_LOOK_SECONDS = 3.0  # for a kept connection to show that it still answers
_PORTS = {"smtps": 465, "login": 587, "open": 25}
_HOST = re.compile(r"[A-Za-z0-9._:-]{1,253}")
_ASCII = re.compile(r"[ -~]*")


@dataclass(frozen=True, slots=True)
class Server:
    """Where mail is handed over, and as whom. The password is not shown."""

    host: str
    port: int
    tls: bool  # from the first byte
    starttls: StartTls
    user: str = ""
    password: str = field(default="", repr=False)


def server_at(url: str) -> Server:
    """What `smtp://user:password@host:port?starttls=required` or `smtps://…` says.

    Without a port it is 465 for smtps, 587 with a login, else 25. `starttls` is offered (used where the server has
    it), required, or never. Raises ValueError, which never shows the password.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
        options = parse_qs(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        raise ValueError("the URL of the mail server cannot be read") from None
    if parts.scheme not in {"smtp", "smtps"} or not _HOST.fullmatch(host) or parts.path not in {"", "/"} or port == 0:
        raise ValueError("the URL of the mail server is smtp://host:port or smtps://host:port")
    [starttls] = options.pop("starttls", ["offered"])[-1:]
    if options or parts.fragment or starttls not in get_args(StartTls):
        raise ValueError("after the host, the URL of the mail server says only starttls=offered, required or never")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if not _ASCII.fullmatch(user + password) or bool(user) != bool(password):
        raise ValueError("a login at the mail server is a user and a password, both of them plain ASCII")
    tls = parts.scheme == "smtps"
    usual = _PORTS["smtps" if tls else "login" if user else "open"]
    return Server(host, port or usual, tls, starttls, user, password)  # type: ignore[arg-type]


class _Line(io.RawIOBase):
    """What the server says. Each reading waits only as long as is left of the whole."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        return self._connection.ready().recv_into(buffer)


class Connection(smtplib.SMTP):
    """One connection. Everything over it is over by `deadline`, however slowly the server speaks.

    Only the resolver of names keeps a time of its own.
    """

    def __init__(self, server: Server, tls: Callable[[], ssl.SSLContext], deadline: float) -> None:
        """Connect, encrypt by `tls` and log in. Raises OSError (which SMTPException is) and ValueError."""
        self.deadline = deadline
        self.mails = 0
        self.used = time.monotonic()
        self._server = server
        self._tls = tls
        try:
            super().__init__(server.host, server.port, local_hostname="")
            self._introduce()
        except BaseException:
            self.close()
            raise

    def fit(self, deadline: float) -> bool:
        """Whether it can carry one more: neither idle for long nor much used, and the server still answers."""
        now = time.monotonic()
        if now - self.used > IDLE_SECONDS or self.mails >= MAILS_EACH:
            return False
        self.deadline = min(deadline, now + _LOOK_SECONDS)
        try:
            answers = self.rset()[0] == 250
        except OSError:
            answers = False
        self.deadline = deadline
        return answers

    def leave(self) -> None:
        """Say goodbye without waiting for an answer."""
        self.deadline = time.monotonic() + _LOOK_SECONDS
        try:
            self.putcmd("QUIT")
        except OSError:
            pass
        finally:
            self.close()

    def ready(self) -> socket.socket:
        """The socket, which will wait for what is left of the time. Raises TimeoutError where nothing is."""
        if self.sock is None:
            raise smtplib.SMTPServerDisconnected("the connection is closed")
        self.sock.settimeout(self._left())
        return self.sock

    def send(self, s: ReadableBuffer | str) -> None:
        """As smtplib's, within the deadline."""
        self.ready()
        super().send(s)

    def getreply(self) -> tuple[int, bytes]:
        """As smtplib's, within the deadline."""
        if self.file is None:
            self.file = io.BufferedReader(_Line(self))
        reply = super().getreply()
        self.ready()  # a handshake may be next
        return reply

    def _left(self) -> float:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def _get_socket(self, host: str, port: int, _timeout: object) -> socket.socket:
        plain = self._reached(host, port)
        if not self._server.tls:
            return plain
        try:
            plain.settimeout(self._left())
            return self._tls().wrap_socket(plain, server_hostname=host)
        except BaseException:
            plain.close()
            raise

    def _reached(self, host: str, port: int) -> socket.socket:
        """A connection to one of the host's addresses; each gets its share of the time."""
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = [(str(address[0]), port) for *_, address in found]
        for untried in range(len(addresses), 1, -1):
            try:
                return socket.create_connection(addresses[-untried], self._left() / untried)
            except OSError:
                continue
        return socket.create_connection(addresses[-1], self._left())

    def _introduce(self) -> None:
        self.local_hostname = _own_name(self.ready())
        self.ehlo_or_helo_if_needed()
        if not self._server.tls and self._server.starttls != "never":
            if self.has_extn("starttls"):
                self.starttls(context=self._tls())
                self.ehlo_or_helo_if_needed()
            elif self._server.starttls == "required":
                raise smtplib.SMTPNotSupportedError("the server offers no STARTTLS, which is required")
        if self._server.user:
            if not isinstance(self.sock, ssl.SSLSocket) and not _nearby(self.ready()):
                raise smtplib.SMTPNotSupportedError("no STARTTLS is used, and a password is not sent in clear")
            self.login(self._server.user, self._server.password)


def _own_name(connected: socket.socket) -> str:
    """How we introduce ourselves: by the host's full name if it has one at hand, else by its address."""
    name = socket.gethostname()
    if "." in name and re.fullmatch(r"[A-Za-z0-9.-]{1,253}", name):
        return name
    address = ipaddress.ip_address(connected.getsockname()[0].partition("%")[0])
    return f"[{address}]" if address.version == 4 else f"[IPv6:{address}]"


def _nearby(connected: socket.socket) -> bool:
    return ipaddress.ip_address(connected.getpeername()[0].partition("%")[0]).is_loopback
