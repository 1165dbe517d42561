"""The caller's inbox."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from market.api import paging
from market.api.calls import Call
from market.api.doors import Answer, Door
from market.api.examples import telling as examples
from market.models import Notification
from market.services.telling import matched, notifications
from schemas.answers import Nothing, NotificationPage, NotificationRead, ReadAll, Snooze
from schemas.queries import PageQuery

door = Door("notifications", __name__, url_prefix="/api/v1/notifications", description="The inbox 通知")

_row = NotificationRead()


def shown(session: Session, rows: Sequence[Notification], *, now: datetime) -> list[dict[str, Any]]:
    """One person's notifications, each saying of its match what may be said now."""
    bodies = matched.bodies(session, rows[0].recipient_id, rows, now=now) if rows else {}
    return [{**_row.dump(row), "body": bodies.get(row.id, row.body)} for row in rows]


@door.route_to(
    "GET", "", action="notification.read", query=PageQuery, answer=NotificationPage, example=examples.INBOX
)
def list_notifications(call: Call, query: dict[str, Any]) -> Answer:
    """Your notifications, newest first."""
    now = call.runtime.clock()
    page = paging.page(
        query,
        lambda before, limit: notifications.inbox(call.session, call.principal, before=before, limit=limit, now=now),
        place=lambda row: row.position,
    )
    unread = notifications.unread(call.session, call.principal, now=now)
    return page.answer(shown(call.session, page.rows, now=now), unread=unread)


@door.route_to(
    "POST", "/<uuid:identity>/read", action="notification.read", body=Nothing, body_example={},
    answer=NotificationRead, example=examples.NOTIFICATION,
)  # fmt: skip
def read_notification(call: Call, identity: uuid.UUID, body: dict[str, Any]) -> Answer:  # noqa: ARG001
    """Mark one as read."""
    now = call.runtime.clock()
    row = notifications.read(call.session, call.principal, identity, now=now)
    return Answer(shown(call.session, [row], now=now)[0])


@door.route_to(
    "POST", "/<uuid:identity>/snooze", action="notification.read", body=Snooze, body_example={"days": 7},
    answer=NotificationRead, example=examples.NOTIFICATION,
)  # fmt: skip
def snooze_notification(call: Call, identity: uuid.UUID, body: dict[str, Any]) -> Answer:
    """Put one off: it leaves the inbox, and is told once more when the days are over."""
    now = call.runtime.clock()
    until = now + timedelta(days=body["days"])
    row = notifications.snooze(call.session, call.principal, identity, until=until, now=now)
    return Answer(shown(call.session, [row], now=now)[0])


@door.route_to(
    "POST",
    "/read-all",
    action="notification.read",
    body=Nothing,
    body_example={},
    answer=ReadAll,
    example={"read": 3},
)
def read_all_notifications(call: Call, body: dict[str, Any]) -> Answer:  # noqa: ARG001
    """Mark all as read."""
    return Answer({"read": notifications.read_all(call.session, call.principal, now=call.runtime.clock())})
