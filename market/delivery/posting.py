"""One POST to a checked address: one deadline over everything, little of the answer read, connections kept."""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import TypeVar

from market.delivery.addresses import Place, Resolver, Unresolved, checked
from market.delivery.wires import Answer, Idle, Key, TooLong, Wire

_T = TypeVar("_T")

ADDRESSES_TRIED = 4
LONGEST_PAUSE = timedelta(hours=24)


class Unreachable(Exception):
    """No answer, and why, in a few words that hold no part of the URL but perhaps its host."""


class Poster:
    """Posts to anybody public. Safe to share between threads; each takes a connection and leaves it to the next."""

    def __init__(
        self,
        loopback: bool,
        seconds: float = 15.0,
        *,
        resolver: Resolver = socket.getaddrinfo,
        authorities: str | None = None,
    ) -> None:
        """`loopback`: may this machine be posted to, for tests. `seconds`: for all of a post together.

        The look-up of a name is counted too, but cannot be broken off: the system's resolver ends by itself.
        `authorities`: certificates (PEM) to trust in place of the system's; somebody's they must be.
        """
        self.loopback = loopback
        self._seconds = seconds
        self._resolver = resolver
        self._authorities = authorities
        self._idle = Idle()

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        """Made at the first post: reading the system's certificates takes longer than starting all else."""
        context = ssl.create_default_context(cadata=self._authorities)
        context.set_alpn_protocols(["http/1.1"])
        return context

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """The answer, whatever its status; a redirect is one too. Raises Blocked and Unreachable."""
        until = time.monotonic() + self._seconds
        try:
            found = checked(url, loopback=self.loopback, resolver=self._resolver)
        except Unresolved as error:
            raise Unreachable(str(error)) from None
        place, addresses = found.place, found.addresses[:ADDRESSES_TRIED]
        trouble = Unreachable()
        for number, address in enumerate(addresses):
            key = (place.scheme, place.host, place.port, address)
            wire = self._idle.take(key)
            if wire is not None:
                try:
                    return self._exchange(key, wire, place, body, headers, until)
                except _Stale:
                    pass
            now = time.monotonic()
            share = now + (until - now) / (len(addresses) - number)  # one that never answers leaves time for the next
            wire = Wire(key, self._tls)
            try:
                self._guarded(wire, wire.dial, share)
            except Unreachable as error:
                trouble = error
                continue
            return self._exchange(key, wire, place, body, headers, until)
        raise trouble

    def close(self) -> None:
        """Close the idle connections; another post would open new ones."""
        self._idle.clear()

    def _exchange(
        self, key: Key, wire: Wire, place: Place, body: bytes, headers: Mapping[str, str], until: float
    ) -> Answer:
        answer, whole = self._guarded(wire, lambda: wire.exchange(place, body, headers), until)
        if whole:
            self._idle.give(key, wire)
        else:
            wire.close()
        return answer

    def _guarded(self, wire: Wire, act: Callable[[], _T], until: float) -> _T:
        """What `act` returns. Its errors come out in our words, `from None` since theirs may hold the path."""
        wire.until = until
        try:
            return act()
        except BaseException as error:
            wire.close()
            if isinstance(error, ConnectionError | ssl.SSLEOFError) and wire.used and not wire.heard:
                raise _Stale from None
            if isinstance(error, OSError | http.client.HTTPException):
                raise Unreachable(_told(error)) from None
            raise


def asked_pause(answer: Answer, now: datetime) -> timedelta | None:
    """What a Retry-After asks for, in seconds or as a date; a day at most."""
    given = answer.headers.get("retry-after", "").strip()
    if given.isascii() and given.isdigit():
        return min(timedelta(seconds=int(given[:9])), LONGEST_PAUSE)
    try:
        return min(max(parsedate_to_datetime(given) - now, timedelta(0)), LONGEST_PAUSE)
    except (ValueError, TypeError):  # no date, or one without a zone
        return None


class _Stale(Exception):
    """A kept connection proves to be closed. Most likely nobody has read the request, so it is posted once more."""


_WORDS: tuple[tuple[type[Exception], str], ...] = (  # whoever is more special comes first
    (TimeoutError, "no answer in time"),
    (ssl.SSLError, "no secure connection can be made"),
    (ConnectionRefusedError, "the connection is refused"),
    (ConnectionError, "the connection was broken off"),
    (TooLong, "the headers of the answer have no end"),
    (OSError, "the host cannot be reached"),
    (http.client.IncompleteRead, "the connection was broken off"),
    (http.client.HTTPException, "the answer is no HTTP"),
)


def _told(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is not accepted: {error.verify_message}"
    return next(words for kind, words in _WORDS if isinstance(error, kind))
