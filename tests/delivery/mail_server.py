"""A real mail server on loopback, that can be told to refuse, to be busy, to hang, to hang up and to want a login."""

from __future__ import annotations

import asyncio
import datetime
import email
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Received:
    """One mail as it came in."""

    sender: str
    recipients: tuple[str, ...]
    raw: bytes
    greeted_as: str
    encrypted: bool

    @property
    def mail(self) -> EmailMessage:
        """Read as any reader of mail would."""
        found = email.message_from_bytes(self.raw, policy=policy.default)
        assert isinstance(found, EmailMessage)
        return found

    def part(self, kind: str) -> str:
        """The plain or the HTML part."""
        body = self.mail.get_body((kind,))
        assert body is not None
        return str(body.get_content())


@dataclass
class MailServer:
    """Answers as told by `answers` and hangs at the commands in `hanging` (MAIL, RCPT, DATA)."""

    context: ssl.SSLContext | None = None
    encrypted: bool = False  # from the first byte
    login: tuple[str, str] | None = None
    received: list[Received] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    hanging: set[str] = field(default_factory=set)
    connections: int = 0
    most: int = 10**9  # mails over one connection
    port: int = 0

    @property
    def url(self) -> str:
        """Without a login."""
        return f"{'smtps' if self.encrypted else 'smtp'}://127.0.0.1:{self.port}"

    def url_for(self, user: str, password: str) -> str:
        """With one."""
        return self.url.replace("://", f"://{user}:{password}@")

    def hang_up(self) -> None:
        """Close every connection, without a word."""
        asyncio.run_coroutine_threadsafe(self._hang_up(), self._loop).result(5)

    async def _hang_up(self) -> None:
        for one in self._open:
            if one.transport is not None:
                one.transport.abort()
        self._open.clear()

    @contextmanager
    def running(self) -> Iterator[MailServer]:
        """Listen on a free port of loopback, in a thread."""
        self._loop = asyncio.new_event_loop()
        self._open: list[SMTP] = []
        serving = self._loop.run_until_complete(
            self._loop.create_server(self._met, "127.0.0.1", 0, ssl=self.context if self.encrypted else None)
        )
        self.port = serving.sockets[0].getsockname()[1]
        thread = threading.Thread(target=self._loop.run_forever)
        thread.start()
        try:
            yield self
        finally:
            asyncio.run_coroutine_threadsafe(self._end(serving), self._loop).result(5)
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join(5)
            self._loop.close()

    async def _end(self, serving: asyncio.Server) -> None:
        serving.close()
        await self._hang_up()
        mine = asyncio.current_task()
        rest = [task for task in asyncio.all_tasks() if task is not mine]
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)
        await asyncio.sleep(0.01)  # transports close in the next turns of the loop

    def _met(self) -> SMTP:
        self.connections += 1
        offered = None if self.encrypted else self.context
        met = SMTP(
            self,
            hostname="mail.test",
            loop=self._loop,
            tls_context=offered,
            auth_required=self.login is not None,
            auth_require_tls=offered is not None,
            authenticator=self._authenticated,
        )
        self._open.append(met)
        return met

    def _authenticated(self, server: Any, session: Any, envelope: Any, mechanism: str, given: Any) -> AuthResult:
        expected = self.login and tuple(part.encode() for part in self.login)
        return AuthResult(success=(given.login, given.password) == expected, handled=False)

    async def _answer(self, command: str) -> str:
        if command in self.hanging:
            await asyncio.sleep(60)
        return self.answers.get(command, "")

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:  # noqa: N802
        if told := await self._answer("MAIL"):
            return told
        session.mails = getattr(session, "mails", 0) + 1
        if session.mails > self.most:
            return "421 4.7.0 enough"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:  # noqa: N802
        if told := await self._answer("RCPT"):
            return told
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if told := await self._answer("DATA"):
            return told
        self.received.append(
            Received(
                envelope.mail_from,
                tuple(envelope.rcpt_tos),
                envelope.content,
                session.host_name,
                self.encrypted or session.ssl is not None,
            )
        )
        return "250 OK"


def certified(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's context with a certificate of its own for 127.0.0.1, and the file with that certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail.test")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    chain, secret = folder / "certificate.pem", folder / "key.pem"
    chain.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, secret)
    return context, chain


@contextmanager
def speaking(words: bytes, *, pause: float) -> Iterator[str]:
    """The URL of a server that says the same words over and over, or nothing where there are none, then hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        ended = threading.Event()

        def speak() -> None:
            try:
                met, _ = listening.accept()
            except OSError:
                return
            with met:
                while not ended.is_set():
                    try:
                        met.sendall(words)
                    except OSError:
                        return
                    time.sleep(pause)

        thread = threading.Thread(target=speak)
        thread.start()
        try:
            yield f"smtp://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            ended.set()
            listening.shutdown(socket.SHUT_RDWR)
            thread.join(5)
