"""The exception -> HTTP table: every error as RFC 9457 problem details, in Chinese or English."""

from __future__ import annotations

from typing import Any

import orjson
import structlog
from flask import Flask, Response, g, request
from sqlalchemy.exc import IntegrityError
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from market.api.calls import language
from market.api.problems.catalogue import KINDS
from market.db import AWAY, gone_meanwhile, why
from market.errors import Invalid, MarketError
from schemas.messages import Message

log = structlog.get_logger()

_AGAIN = frozenset({429, 503})  # it works later
_SOON = 2  # seconds
_BY_STATUS = {404: "no-such-page", 405: "method-not-allowed", 413: "too-large", 415: "unsupported-media-type"}


def register(app: Flask) -> None:
    """Have every error answered from the table."""
    app.register_error_handler(MarketError, _market)
    for away in AWAY:
        app.register_error_handler(away, _database)
    app.register_error_handler(IntegrityError, _integrity)
    app.register_error_handler(HTTPException, http)
    app.register_error_handler(Exception, _unforeseen)


def problem(code: str, *, errors: dict[str, list[str]] | None = None, **details: Any) -> Response:
    """A problem details response in the caller's language."""
    kind, asked = KINDS[code], language()
    body: dict[str, Any] = {
        "type": f"/problems/{code}",
        "title": kind.title.text(asked),
        "status": kind.status,
        "detail": kind.advice.format(**details).text(asked),
        "request_id": g.get("request_id", ""),
    }
    if errors is not None:
        body["errors"] = [
            {"pointer": pointer, "message": text.text(asked) if isinstance(text, Message) else str(text)}
            for pointer, texts in errors.items()
            for text in texts
        ]
    response = Response(orjson.dumps(body), kind.status, mimetype="application/problem+json")
    if kind.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    if kind.status in _AGAIN:
        response.headers["Retry-After"] = str(details.get("seconds", _SOON))
    return response


def _market(error: MarketError) -> Response:
    if isinstance(error, Invalid):
        return problem("invalid", errors=error.fields)
    if error.code == "internal":
        log.error("internal", error=str(error))
    return problem(error.code, **error.details)


def http(error: HTTPException) -> Response:
    """werkzeug's errors."""
    status = error.code or 500
    if status >= 500:
        return problem("internal")
    code = _BY_STATUS.get(status, "bad-request")
    limit = request.max_content_length
    response = problem(code, reason=error.description or error.name, limit=limit, noun="page")
    if isinstance(error, MethodNotAllowed):
        response.headers["Allow"] = ", ".join(error.valid_methods or ())
    return response


def _database(error: Exception) -> Response:
    log.warning("database away", error=why(error))
    return problem("unavailable")


def _integrity(error: IntegrityError) -> Response:
    if not gone_meanwhile(error):
        return _unforeseen(error)
    log.warning("gone meanwhile", error=why(error))
    return problem("unavailable")


def _unforeseen(error: Exception) -> Response:
    log.exception("unforeseen", error=type(error).__name__, exc_info=error)
    return problem("internal")
