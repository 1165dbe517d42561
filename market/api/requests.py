"""Done for every request: an id of our own, a log line, the counters, and headers that keep browsers careful."""

from __future__ import annotations

import re
import time

import structlog
from flask import Flask, Response, g, request

from market import metrics
from market.models.base import new_id

log = structlog.get_logger()

_GIVEN_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_ENDING_IN_TOKENS = ("/click/", "/feeds/")
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data:; frame-ancestors 'none'"
    ),
}


def register(app: Flask) -> None:
    """Hook in."""
    app.before_request(_begin)
    app.after_request(_end)
    app.teardown_request(_forget)


def _begin() -> None:
    # Always ours: the audit trail keeps it, and nobody writes there what they choose.
    g.request_id = str(new_id())
    # From here on every line this request logs, wherever, carries its id.
    structlog.contextvars.bind_contextvars(request_id=g.request_id)
    given = request.headers.get("X-Request-Id", "")
    g.client_request_id = given if _GIVEN_ID.fullmatch(given) else ""
    g.began = time.perf_counter()


def _end(response: Response) -> Response:
    seconds = time.perf_counter() - g.began
    operation = request.endpoint or "none"
    metrics.requests.labels(operation, str(response.status_code)).inc()
    metrics.request_seconds.labels(operation).observe(seconds)
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers["X-Request-Id"] = g.request_id
    # The path only: a query may hold what a person is looking for.
    log.info(
        "request",
        operation=operation,
        method=request.method,
        path=_logged(request.path),
        status=response.status_code,
        ms=round(seconds * 1000, 2),
        **({"client_request_id": g.client_request_id} if g.client_request_id else {}),
        # What was made: by its id the lines of its jobs are found.
        **({"made": response.location} if response.status_code == 201 else {}),
    )
    return response


def _logged(path: str) -> str:
    """Without the token that some paths end in: whoever holds it may act, or read."""
    return next((begin for begin in _ENDING_IN_TOKENS if path.startswith(begin)), path)


def _forget(_: BaseException | None) -> None:
    """The thread will serve others."""
    structlog.contextvars.unbind_contextvars("request_id")
