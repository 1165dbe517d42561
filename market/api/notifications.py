"""The caller's inbox."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from market.api import examples, paging
from market.api.calls import Call
from market.api.doors import Answer, Door
from market.services import notifications
from schemas.answers import Nothing, NotificationPage, NotificationRead, ReadAll, Snooze
from schemas.queries import PageQuery

door = Door("notifications", __name__, url_prefix="/api/v1/notifications", description="The inbox 通知")

_row = NotificationRead()


@door.route_to("GET", "", who="caller", query=PageQuery, answer=NotificationPage, example=examples.INBOX)
def list_notifications(call: Call, query: dict[str, Any]) -> Answer:
    """Your notifications, newest first."""
    secret, limit = call.runtime.secret, query["limit"]
    position = paging.decode(secret, query.get("cursor"))
    now = call.runtime.clock()
    rows = notifications.inbox(call.session, call.principal, before=position, limit=limit + 1, now=now)
    cursor = paging.encode(secret, rows[limit - 1].position) if len(rows) > limit else None
    body = {
        "items": _row.dump(rows[:limit], many=True),
        "unread": notifications.unread(call.session, call.principal, now=now),
        "next": cursor,
    }
    return Answer(body, next_cursor=cursor)


@door.route_to(
    "POST", "/<uuid:identity>/read", who="caller", body=Nothing, body_example={},
    answer=NotificationRead, example=examples.NOTIFICATION,
)  # fmt: skip
def read_notification(call: Call, identity: uuid.UUID, body: dict[str, Any]) -> Answer:  # noqa: ARG001
    """Mark one as read."""
    row = notifications.read(call.session, call.principal, identity, now=call.runtime.clock())
    return Answer(_row.dump(row))


@door.route_to(
    "POST", "/<uuid:identity>/snooze", who="caller", body=Snooze, body_example={"days": 7},
    answer=NotificationRead, example=examples.NOTIFICATION,
)  # fmt: skip
def snooze_notification(call: Call, identity: uuid.UUID, body: dict[str, Any]) -> Answer:
    """Put one off: it leaves the inbox, and is told once more when the days are over."""
    now = call.runtime.clock()
    until = now + timedelta(days=body["days"])
    return Answer(_row.dump(notifications.snooze(call.session, call.principal, identity, until=until, now=now)))


@door.route_to("POST", "/read-all", who="caller", body=Nothing, body_example={}, answer=ReadAll, example={"read": 3})
def read_all_notifications(call: Call, body: dict[str, Any]) -> Answer:  # noqa: ARG001
    """Mark all as read."""
    return Answer({"read": notifications.read_all(call.session, call.principal, now=call.runtime.clock())})
