"""Mails handed over to their server: connections kept for the next one, and what the server's answers mean."""

from __future__ import annotations

import re
import smtplib
import ssl
import threading
import time
from functools import cached_property

from market.delivery.channels import Receipt
from market.delivery.rendering import one_line
from market.delivery.smtp import Connection, Server

IDLE = 8
"""Connections kept for the next mail; more are opened where more threads send at once."""

LONGEST_DETAIL = 160

_ENHANCED = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
# Answers to a recipient or a text that are about us: commands not understood, a login wanted.
_OURS = frozenset({500, 502, 503, 504, 530, 534, 535, 538})


class Post:
    """Hands mails over. Safe to call from many threads; keeps up to IDLE connections for the next ones."""

    def __init__(self, server: Server, seconds: float) -> None:
        """`seconds`: for one mail, with everything that takes."""
        self._server = server
        self._seconds = seconds
        self._lock = threading.Lock()
        self._idle: list[Connection] = []

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        """Made where a connection is encrypted: reading the system's certificates takes long."""
        return ssl.create_default_context()

    def deliver(self, sender: str, recipient: str, letter: bytes) -> Receipt:
        """Try once. Raises nothing that the network or the server can cause."""
        deadline = time.monotonic() + self._seconds
        try:
            self._hand_over(sender, recipient, letter, deadline)
        except (OSError, ValueError) as error:
            late = time.monotonic() >= deadline
            return _understood(error, f"the mail server took longer than {self._seconds:g} s" if late else "")
        return Receipt("sent", 250)

    def close(self) -> None:
        """Close the connections; another mail would open a new one."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.leave()

    def _hand_over(self, sender: str, recipient: str, letter: bytes, deadline: float) -> None:
        while True:
            connection = self._connected(deadline)
            used, usable = connection.mails > 0, False
            try:
                connection.sendmail(sender, [recipient], letter)
                usable = True
                return
            except (smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError):
                usable = True
                raise
            except smtplib.SMTPSenderRefused as refused:
                if refused.smtp_code != 421 or not used:
                    raise  # else the server has had enough of this connection, not of us
            finally:
                self._put_back(connection, usable=usable)

    def _connected(self, deadline: float) -> Connection:
        while True:
            with self._lock:
                connection = self._idle.pop() if self._idle else None
            if connection is None:
                return Connection(self._server, lambda: self._tls, deadline)
            if connection.fit(deadline):
                return connection
            connection.close()

    def _put_back(self, connection: Connection, *, usable: bool) -> None:
        connection.mails += 1
        connection.used = time.monotonic()
        with self._lock:
            if usable and connection.sock is not None and len(self._idle) < IDLE:
                self._idle.append(connection)
                return
        connection.leave()


def _understood(error: Exception, otherwise: str) -> Receipt:
    """What an attempt came to that did not go well; `otherwise` is said of what is no answer of the server's."""
    match error:
        case smtplib.SMTPRecipientsRefused():
            [(code, said)] = error.recipients.values()
            return _judged("the recipient", code, _text(said))
        case smtplib.SMTPDataError():
            # Filters quote what they object to, so the server's words may be those of the message.
            found = _ENHANCED.match(_text(error.smtp_error))
            return _judged("the message", error.smtp_code, found.group() if found else "")
        case smtplib.SMTPAuthenticationError():
            detail = "the mail server refused the login"
        case smtplib.SMTPResponseException():
            detail = f"the mail server: {error.smtp_code} {_text(error.smtp_error)}"
        case _:
            return _failed(None, otherwise or str(error) or type(error).__name__)
    return _failed(error.smtp_code, detail)


def _judged(about: str, code: int, said: str) -> Receipt:
    """A refusal for good is the other side's word on this message, unless it is about us: our commands, our login,
    or (5.7) whether we may send at all, which somebody can mend."""
    detail = f"{about} was refused: {code} {said}"
    if not 500 <= code < 600 or code in _OURS or said.startswith("5.7."):
        return _failed(code, detail)
    return Receipt("refused", code, one_line(detail, LONGEST_DETAIL))


def _failed(code: int | None, detail: str) -> Receipt:
    return Receipt("failed", code if code and code > 0 else None, one_line(detail, LONGEST_DETAIL))


def _text(said: bytes | str) -> str:
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else said
