"""Notifications as they come: a stream of server-sent events, and its long-poll twin. Each holds a thread, so there
are only so many in a process; and no transaction, so that nothing waits for them. Neither outlives its key."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import Any

import orjson
from flask import Flask, Response, current_app, request
from flask_smorest import Api, Blueprint

from market import metrics
from market.api import authentication
from market.api.calls import runtime
from market.api.doors import security_of
from market.api.examples import telling as examples
from market.api.telling.notifications import shown
from market.errors import Forbidden, Invalid, Unauthenticated, Unavailable
from market.runtime import Runtime
from market.services.people import keys
from market.services.rights.access import admit
from market.services.telling import notifications
from schemas import messages
from schemas.answers import NewsPage
from schemas.base import pointers
from schemas.queries import LivePosition

live = Blueprint(
    "live", __name__, url_prefix="/api/v1/notifications", description="Notifications as they come 实时通知"
)

LONGEST_SECONDS = 300.0
"""Then a stream ends and its client comes again by itself: with a key that is still good, or not at all."""
BEAT_SECONDS = 15.0
"""A line of nothing so often: whoever stands between notices that the line is alive, and we that it is not. As often
it is asked whether the key is still good."""
_LOOK_SECONDS = 0.5
_AT_ONCE = 100

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
_FOR_CALLERS: dict[str, Any] = {"security": security_of("notification.read"), "x-action": "notification.read"}


@dataclass(frozen=True, slots=True)
class Listener:
    """Who hears, and by which key."""

    service: Runtime
    user_id: uuid.UUID
    key: str

    def require(self) -> None:
        """That the key is still good, and good for this. Raises Unauthenticated, Forbidden."""
        with self.service.db.reading() as session:
            caller, _ = keys.authenticate(session, self.key, now=self.service.clock())
            admit(caller, "notification.read")

    def may_go_on(self) -> bool:
        """Whether it is."""
        try:
            self.require()
        except (Unauthenticated, Forbidden):
            return False
        return True


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


def _open_to_callers(view: Callable[[Listener, int], Response]) -> Callable[[], Response]:
    """The view for whoever holds a good key, with the position after which they want to hear."""

    @wraps(view)
    def serve() -> Response:
        asked = LivePosition().validate(request.args)
        with runtime().db.reading() as session:
            principal = authentication.principal(session)
            admit(principal, "notification.read")
            assert principal.user_id is not None  # the table has it so
            if asked:
                raise Invalid(pointers(asked))
            after = request.headers.get("Last-Event-ID") or request.args.get("after", "")
            position = _position(after) if after else notifications.newest(session, principal.user_id)
        return view(Listener(runtime(), principal.user_id, authentication.plain_key()), position)

    serve.action = "notification.read"  # type: ignore[attr-defined]  # as every route declares it
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
def stream(listener: Listener, position: int) -> Response:
    """Each notification as an event, whose id is what to come back with (Last-Event-ID)."""
    give_back = _places().take()
    response = Response(_events(listener, position, give_back), mimetype="text/event-stream")
    response.call_on_close(give_back)
    response.headers.update({"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
    return response


@live.route("/wait", endpoint="wait_for_notifications")
@live.doc(operationId="wait_for_notifications", parameters=[_RESUMED, _AFTER, _SECONDS], **_FOR_CALLERS)
@live.response(200, NewsPage, example=examples.NEWS)
@_open_to_callers
def wait(listener: Listener, position: int) -> Response:
    """What came after a position: at once where there is something, else as soon as there is, within `seconds`."""
    began = time.monotonic()
    end, beat = began + min(float(request.args.get("seconds", 0)), 60.0), began + BEAT_SECONDS
    with _place():
        while not (rows := _after(listener, position)) and (now := time.monotonic()) < end:
            if now >= beat:
                beat = now + BEAT_SECONDS
                listener.require()
            time.sleep(_LOOK_SECONDS)
        listener.require()
    body = {"items": rows, "position": rows[-1]["position"] if rows else position}
    return Response(orjson.dumps(body), mimetype="application/json", headers={"Cache-Control": "no-store"})


def _events(listener: Listener, position: int, give_back: Callable[[], None]) -> Iterator[bytes]:
    end = time.monotonic() + LONGEST_SECONDS
    beat = 0.0
    try:
        yield b"retry: 2000\n\n"
        while time.monotonic() < end:
            rows, due = _after(listener, position), time.monotonic() >= beat
            if (rows or due) and not listener.may_go_on():
                return
            for row in rows:
                position = row["position"]
                yield _event(row)
            if due:
                beat = time.monotonic() + BEAT_SECONDS
                yield b": \n\n"
            if not rows:
                time.sleep(_LOOK_SECONDS)
    finally:
        give_back()


def _event(row: dict[str, Any]) -> bytes:
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (row["position"], row["kind"].encode(), orjson.dumps(row))


def _after(listener: Listener, position: int) -> list[dict[str, Any]]:
    """Looked at in a transaction of its own each time: an older one would not see what is new."""
    with listener.service.db.reading() as session:
        rows = notifications.after(session, listener.user_id, position, limit=_AT_ONCE)
        return shown(session, rows, now=listener.service.clock())


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
