"""How requests reach an embeddings server: pooled connections, one deadline, retries, and a breaker."""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import orjson
import urllib3

from search.breaker import Breaker
from search.embedding.protocol import EmbedderUnavailable

CONNECTIONS = 16  # kept open to the server; more are opened where more threads ask at once
ATTEMPTS = 3
FIRST_PAUSE = 0.2  # seconds before the second attempt; twice as long before each further one
LONGEST_PAUSE = 10.0  # seconds, whatever the server asks for
CONNECT_SECONDS = 5.0
LARGEST_ANSWER = 32 * 1024 * 1024
"""Bytes: 64 vectors of 4,096 numbers, written out, are some 6 million."""

_PIECE = 65536
_OVERLOADED = (408, 425, 429)
_KEY = re.compile(r"[!-~]*\Z")  # anything else would end up in the words of an error about headers


class _Again(EmbedderUnavailable):
    """What may go well at another attempt, after `pause` seconds where the server says so."""

    def __init__(self, told: str, pause: float | None = None) -> None:
        super().__init__(told)
        self.pause = pause


class Wire:
    """Posts JSON to one address. Safe to share between threads. The key is in none of its errors."""

    def __init__(self, url: str, key: str, *, seconds: float, breaker: Breaker) -> None:
        """`seconds`: how long a request may take, retries and pauses included."""
        self._url = url
        self._key = key
        self._seconds = seconds
        self._breaker = breaker
        self._pool = urllib3.PoolManager(maxsize=CONNECTIONS, retries=False)
        self._headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if key:
            self._headers["Authorization"] = f"Bearer {key}"

    def post(self, asked: object) -> object:
        """The answer's JSON. Raises EmbedderUnavailable."""
        body = orjson.dumps(asked)
        with self._breaker.guard():
            status, answer = self._patiently(body, time.monotonic() + self._seconds)
        return self._told(status, answer)  # a refusal is the answer of a server that is there

    def close(self) -> None:
        """Close the connections; another request would open new ones."""
        self._pool.clear()

    def _patiently(self, body: bytes, deadline: float) -> tuple[int, bytes]:
        for attempt in range(ATTEMPTS):
            try:
                return self._once(body, deadline)
            except _Again as again:
                pause = FIRST_PAUSE * 2**attempt if again.pause is None else min(again.pause, LONGEST_PAUSE)
                if attempt == ATTEMPTS - 1 or time.monotonic() + pause >= deadline:
                    raise
                time.sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    def _once(self, body: bytes, deadline: float) -> tuple[int, bytes]:
        try:
            answer = self._sent(body, deadline)
            try:
                told = _read(answer, deadline)
            except BaseException:
                answer.close()  # with what is left unread, nobody can ask over it again
                raise
            answer.release_conn()
        except urllib3.exceptions.NewConnectionError as error:  # which the library counts among the timeouts
            raise _Again(f"the embeddings server cannot be reached: {error}") from error
        except urllib3.exceptions.TimeoutError as error:  # not again: who is slow would have twice the work
            raise _late() from error
        except urllib3.exceptions.HTTPError as error:
            raise _Again(f"the embeddings server breaks off: {error}") from error
        if answer.status in _OVERLOADED or answer.status >= 500:
            raise _Again(f"the embeddings server answers {answer.status}: {self._shown(told)}", _asked_pause(answer))
        return answer.status, told

    def _sent(self, body: bytes, deadline: float) -> urllib3.BaseHTTPResponse:
        left = max(deadline - time.monotonic(), 0.001)
        return self._pool.request(
            "POST",
            self._url,
            body=body,
            headers=self._headers,
            timeout=urllib3.Timeout(connect=min(left, CONNECT_SECONDS), read=left),
            redirect=False,  # it would take the key elsewhere
            preload_content=False,
        )

    def _told(self, status: int, answer: bytes) -> object:
        if status in (401, 403):
            raise EmbedderUnavailable(f"the embeddings server does not accept the key: {self._shown(answer)}")
        if 300 <= status < 400:
            raise EmbedderUnavailable(f"the embeddings server answers {status} and sends elsewhere; nobody followed")
        if status >= 400:
            raise EmbedderUnavailable(f"the embeddings server refuses with {status}: {self._shown(answer)}")
        try:
            return _json(answer)
        except (ValueError, RecursionError) as error:
            shown = self._shown(answer)
            raise EmbedderUnavailable(f"no embeddings server answers there, but something else: {shown}") from error

    def _shown(self, answer: bytes) -> str:
        """The beginning of an answer, without the key, which some servers repeat."""
        text = answer[:_PIECE].decode(errors="replace")
        return (text.replace(self._key, "…") if self._key else text)[:200]


def connect(base: str, key: str, *, seconds: float) -> Wire:
    """A wire to {base}/embeddings with a breaker of its own. Raises ValueError, which shows neither."""
    try:
        parsed = urllib3.util.parse_url(base)
    except urllib3.exceptions.LocationParseError:
        raise ValueError("the embedder's address is none") from None
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise ValueError("the embedder's address does not begin with http:// or https:// and a host")
    if parsed.auth or parsed.query or parsed.fragment:
        raise ValueError("the embedder's address holds more than a host and a path; give the key apart")
    if not _KEY.match(key):
        raise ValueError("the embedder's key holds spaces or other characters that no key has")
    breaker = Breaker(EmbedderUnavailable, "the embeddings server is away; asked again in a moment")
    return Wire(f"{base.rstrip('/')}/embeddings", key, seconds=seconds, breaker=breaker)


def _late() -> EmbedderUnavailable:
    return EmbedderUnavailable("the embeddings server does not answer in time")


def _read(answer: urllib3.BaseHTTPResponse, deadline: float) -> bytes:
    """The whole body, as it arrives: a server that sends it drop by drop is not waited for."""
    told = bytearray()
    while piece := answer.read1(_PIECE):
        told += piece
        if len(told) > LARGEST_ANSWER:
            raise EmbedderUnavailable(f"the embeddings server answers with more than {LARGEST_ANSWER} bytes")
        if time.monotonic() > deadline:
            raise _late()
    return bytes(told)


def _json(answer: bytes) -> Any:
    try:
        return orjson.loads(answer)
    except orjson.JSONDecodeError:
        return json.loads(answer)  # takes NaN, which is no JSON, so that it can be told as what it is


def _asked_pause(answer: urllib3.BaseHTTPResponse) -> float | None:
    """Seconds of a Retry-After, which gives them or a date."""
    given = answer.headers.get("Retry-After", "").strip()
    if given.isascii() and given.isdigit():
        return float(given[:9])
    try:
        return max((parsedate_to_datetime(given) - datetime.now(UTC)).total_seconds(), 0.0)
    except (ValueError, TypeError):  # no date, or one without a zone
        return None
