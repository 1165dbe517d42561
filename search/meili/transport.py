"""How requests reach the server: pooled connections, timeouts, one retry, and a breaker.

Stands in for the official client's own transport, which opens a connection for each request, has no timeout by
default, and shares its headers between threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import orjson
import urllib3
from meilisearch import Client
from meilisearch._httprequests import HttpRequests
from meilisearch.config import Config

from search.breaker import Breaker
from search.engine import BadQuery, EngineUnavailable

CONNECTIONS = 32  # kept open to the server; more are opened where more threads ask at once
SLEEPING_CONNECTION = 2  # attempts: one that the server closed meanwhile is only found out by using it

_TRANSIENT = (408, 429, 500, 502, 503, 504)
_ASKED_WRONG = "invalid_request"  # the server's word for what is not its own fault
_LOST = ("index_not_found", "task_not_found")
_SETTINGS = "invalid_search_"  # begins what it says of a field that is not set as declared


class Refused(Exception):
    """The server understood the request and will not do it; `code` is its own name for the reason."""

    def __init__(self, status: int, code: str, kind: str, message: str) -> None:
        self.status = status
        self.code = code
        self.kind = kind
        super().__init__(f"{code}: {message}")


class Wire(HttpRequests):
    """The client's transport, over urllib3's pool. Safe to share between threads.

    Raises EngineUnavailable where the server cannot be reached, does not answer in time or is overloaded, and
    Refused where it says no.
    """

    def __init__(self, config: Config, *, seconds: float, breaker: Breaker) -> None:
        """`seconds`: how long a request may take."""
        super().__init__(config)
        self._pool = urllib3.PoolManager(maxsize=CONNECTIONS, retries=False)
        self._timeout = urllib3.Timeout(total=seconds)
        self._breaker = breaker

    def send_request(
        self,
        http_method: Callable[..., Any],
        path: str,
        body: Any = None,
        content_type: str | None = None,
        *,
        serializer: Any = None,  # noqa: ARG002  # part of the client's signature; its encoder escapes Han to ASCII
    ) -> Any:
        """Send, and give the answer's JSON."""
        headers = dict(self.headers)
        payload = body
        if body is not None and not isinstance(body, bytes):
            headers["Content-Type"] = "application/json"
            payload = orjson.dumps(body)
        elif content_type:
            headers["Content-Type"] = content_type
        with self._breaker.guard():
            answer = self._send(http_method.__name__.upper(), f"{self.config.url}/{path}", payload, headers)
            told = _told(answer)
        if isinstance(told, Refused):
            raise told
        return told

    def _send(
        self, method: str, url: str, payload: bytes | None, headers: dict[str, str]
    ) -> urllib3.BaseHTTPResponse:
        for attempt in range(1, SLEEPING_CONNECTION + 1):
            try:
                answer = self._pool.request(method, url, body=payload, headers=headers, timeout=self._timeout)
            except urllib3.exceptions.ProtocolError as error:
                if attempt == SLEEPING_CONNECTION:
                    raise EngineUnavailable(f"the search server broke off: {error}") from error
            except urllib3.exceptions.HTTPError as error:
                raise EngineUnavailable(f"the search server does not answer: {error}") from error
            else:
                if answer.status in _TRANSIENT:
                    raise EngineUnavailable(f"the search server answers {answer.status}: {answer.data[:200]!r}")
                return answer
        raise AssertionError("the last attempt returns or raises")

    def close(self) -> None:
        """Close the connections; another request would open new ones."""
        self._pool.clear()


def connect(url: str, key: str, *, seconds: float) -> Client:
    """The official client on our transport, with a breaker of its own."""
    client = Client(url.rstrip("/"), key or None)
    breaker = Breaker(EngineUnavailable, "the search server is away; asked again in a moment")
    client.http = Wire(client.config, seconds=seconds, breaker=breaker)
    client.task_handler.http = client.http
    return client


def disconnect(client: Client) -> None:
    """Give a client's connections back."""
    wire = client.http
    if isinstance(wire, Wire):
        wire.close()


def part(answer: Any, name: str) -> Any:
    """A part that every answer of its kind has. Raises EngineUnavailable where something else has answered."""
    if isinstance(answer, dict) and name in answer:
        return answer[name]
    raise _somebody_else(repr(answer)[:200])


@contextmanager
def refusals_explained(*, otherwise: type[Exception] = BadQuery) -> Iterator[None]:
    """What the server will not do, as an error of the contract; `otherwise` where the request itself is at fault."""
    try:
        yield
    except Refused as refusal:
        if refusal.status in (401, 403):
            told = "the search server does not accept our key; set MARKET_SEARCH_KEY to one that may do everything"
            raise EngineUnavailable(f"{told} ({refusal})") from refusal
        if refusal.kind != _ASKED_WRONG:  # a full disk is one
            raise EngineUnavailable(f"the search server cannot: {refusal}") from refusal
        if refusal.code in _LOST:
            raise EngineUnavailable(f"{refusal}; `market search sync` makes it") from refusal
        if refusal.code.startswith(_SETTINGS):  # values were checked and are quoted: so the index is another
            raise EngineUnavailable(f"not set as declared; `market search sync` mends it ({refusal})") from refusal
        raise otherwise(str(refusal)) from refusal


def _told(answer: urllib3.BaseHTTPResponse) -> Any:
    """The answer's JSON, or the Refused that it is. Raises EngineUnavailable where no such server says that."""
    if answer.status < 300 and not answer.data:
        return None
    try:
        told = orjson.loads(answer.data)
    except orjson.JSONDecodeError as error:
        raise _somebody_else(answer.data[:200].decode(errors="replace")) from error
    if answer.status < 300:
        return told
    return Refused(answer.status, *(str(part(told, name)) for name in ("code", "type", "message")))


def _somebody_else(told: str) -> EngineUnavailable:
    return EngineUnavailable(f"no search server answers at MARKET_SEARCH_URL, but something else: {told}")
