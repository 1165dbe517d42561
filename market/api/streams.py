"""Notifications as they come: a stream of server-sent events, and its long-poll twin. Each holds a thread, so there
are only so many in a process; and no transaction, so that nothing waits for them."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any

import orjson
from flask import Flask, Response, current_app, request
from flask_smorest import Api, Blueprint

from market import metrics
from market.api import authentication, examples
from market.api.calls import runtime
from market.errors import Invalid, Unauthenticated, Unavailable
from market.models import Notification
from market.runtime import Runtime
from market.services import notifications
from schemas import messages
from schemas.answers import NewsPage, NotificationRead
from schemas.base import pointers
from schemas.queries import LivePosition

live = Blueprint(
    "live", __name__, url_prefix="/api/v1/notifications", description="Notifications as they come 实时通知"
)

LONGEST_SECONDS = 300.0
"""Then a stream ends and its client comes again by itself: with a key that is still good, or not at all."""
BEAT_SECONDS = 15.0
"""A line of nothing so often: whoever stands between notices that the line is alive, and we that it is not."""
_LOOK_SECONDS = 0.5
_AT_ONCE = 100

_row = NotificationRead()

_RESUMED = {
    "in": "header",
    "name": "Last-Event-ID",
    "schema": {"type": "string"},
    "description": "The position of what was seen last; nothing after it is missed 最后所见事件的编号",
}
_AFTER = {
    "in": "query",
    "name": "after",
    "schema": {"type": "integer", "minimum": 0},
    "description": "The same as a parameter; without either: what is still to come 同上；均未给出时只告知之后的事件",
}
_SECONDS = {
    "in": "query",
    "name": "seconds",
    "schema": {"type": "integer", "minimum": 0, "maximum": 60, "default": 0},
    "description": "How long to wait where there is nothing 无新事件时等待的秒数",
}
_EVENTS = {
    "text/event-stream": {"schema": {"type": "string"}, "example": "id: 7\nevent: match_found\ndata: {...}\n\n"}
}
_FOR_CALLERS: dict[str, Any] = {"security": [{"key": []}], "x-who": "caller"}


class Places:
    """The live connections a process may keep open at once."""

    def __init__(self, most: int) -> None:
        self._free = threading.BoundedSemaphore(most) if most > 0 else None

    def take(self) -> Callable[[], None]:
        """Have one of them, until what is given back is called; calling it again does nothing. Raises Unavailable."""
        if self._free is None or not self._free.acquire(blocking=False):
            raise Unavailable("too-many-streams")
        metrics.streams.inc()
        given_back = threading.Lock()

        def give_back() -> None:
            if given_back.acquire(blocking=False):
                metrics.streams.dec()
                self._free.release()  # type: ignore[union-attr]  # it was taken

        return give_back


def _open_to_callers(view: Callable[[Runtime, uuid.UUID, int], Response]) -> Callable[[], Response]:
    """The view for whoever holds a good key, with the position after which they want to hear."""

    @wraps(view)
    def serve() -> Response:
        asked = LivePosition().validate(request.args)
        with runtime().db.reading() as session:
            principal = authentication.principal(session)
            if principal.user_id is None:
                raise Unauthenticated
            if asked:
                raise Invalid(pointers(asked))
            after = request.headers.get("Last-Event-ID") or request.args.get("after", "")
            position = _position(after) if after else notifications.newest(session, principal.user_id)
        return view(runtime(), principal.user_id, position)

    serve.who = "caller"  # type: ignore[attr-defined]  # as every route declares it
    return serve


def _position(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Invalid({"/headers/Last-Event-ID": [messages.NO_POSITION]})
    return int(text)


@live.route("/stream", endpoint="stream_notifications")
@live.doc(
    operationId="stream_notifications",
    parameters=[_RESUMED, _AFTER],
    responses={200: {"description": "Events", "content": _EVENTS}},
    **_FOR_CALLERS,
)
@_open_to_callers
def stream(service: Runtime, user_id: uuid.UUID, position: int) -> Response:
    """Each notification as an event, whose id is what to come back with (Last-Event-ID)."""
    give_back = _places().take()
    response = Response(_events(service, user_id, position, give_back), mimetype="text/event-stream")
    response.call_on_close(give_back)
    response.headers.update({"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
    return response


@live.route("/wait", endpoint="wait_for_notifications")
@live.doc(operationId="wait_for_notifications", parameters=[_RESUMED, _AFTER, _SECONDS], **_FOR_CALLERS)
@live.response(200, NewsPage, example=examples.NEWS)
@_open_to_callers
def wait(service: Runtime, user_id: uuid.UUID, position: int) -> Response:
    """What came after a position: at once where there is something, else as soon as there is, within `seconds`."""
    end = time.monotonic() + min(float(request.args.get("seconds", 0)), 60.0)
    with _place():
        while not (rows := _after(service, user_id, position)) and time.monotonic() < end:
            time.sleep(_LOOK_SECONDS)
    body = {"items": _row.dump(rows, many=True), "position": rows[-1].position if rows else position}
    return Response(orjson.dumps(body), mimetype="application/json", headers={"Cache-Control": "no-store"})


def _events(service: Runtime, user_id: uuid.UUID, position: int, give_back: Callable[[], None]) -> Iterator[bytes]:
    end = time.monotonic() + LONGEST_SECONDS
    beat = 0.0
    try:
        yield b"retry: 2000\n\n"
        while time.monotonic() < end:
            rows = _after(service, user_id, position)
            for row in rows:
                position = row.position
                yield _event(row)
            if rows:
                continue
            if time.monotonic() > beat:
                beat = time.monotonic() + BEAT_SECONDS
                yield b": \n\n"
            time.sleep(_LOOK_SECONDS)
    finally:
        give_back()


def _event(row: Notification) -> bytes:
    data: dict[str, Any] = _row.dump(row)
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (row.position, row.kind.encode(), orjson.dumps(data))


def _after(service: Runtime, user_id: uuid.UUID, position: int) -> Sequence[Notification]:
    """Looked at in a transaction of its own each time: an older one would not see what is new."""
    with service.db.reading() as session:
        return notifications.after(session, user_id, position, limit=_AT_ONCE)


@contextmanager
def _place() -> Iterator[None]:
    give_back = _places().take()
    try:
        yield
    finally:
        give_back()


def _places() -> Places:
    places: Places = current_app.extensions["market-places"]
    return places


def register(app: Flask, api: Api) -> None:
    """Serve them, as many at once as the settings allow."""
    app.extensions["market-places"] = Places(app.extensions["market"].settings.streams)
    api.register_blueprint(live)
