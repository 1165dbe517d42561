"""Decides which endpoints hear of what stands in an inbox, and when: by preferences, hours and subscriptions."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, literal_column, not_
from sqlmodel import Session, col, delete, select, update

from market.db import dialect_of, insert_into
from market.delivery import timing
from market.delivery.manners import MANNERS
from market.models import DeliveryItem, Endpoint, Notification, Preference, Subscription
from market.outbox import JobName, enqueue
from market.services.telling import endpoints, former, preferences

_AT_ONCE = 2000
_UNPLANNED: ColumnElement[bool] = not_(literal_column("notifications.planned"))  # as the index of these says it
_KEPT_FOR = timedelta(days=30)


def plan(session: Session, user_ids: Sequence[uuid.UUID], offered: Collection[str], *, now: datetime) -> None:
    """Plan what these people have not been told outside their inboxes; `offered`: the channels there are. May be
    repeated: what is planned is marked in the same transaction."""
    new = _unplanned(session, user_ids)
    if not new:
        return
    people = {row.recipient_id for row in new}
    wishes = preferences.of(session, people)
    reached: dict[uuid.UUID, list[Endpoint]] = {}
    for endpoint in endpoints.of_users(session, people, mail="mail" in offered, now=now):
        if endpoint.channel in offered:
            reached.setdefault(endpoint.user_id, []).append(endpoint)
    rhythms = _rhythms(session, new)
    items: list[dict[str, Any]] = [
        {"notification_id": row.id, "endpoint_id": endpoint.id, "due_at": due, "delivery_id": None}
        for row in new
        if row.read_at is None or former.address(row)
        for endpoint in reached.get(row.recipient_id, ())
        if (due := _due(row, endpoint, wishes[row.recipient_id], rhythms, now)) is not None
    ]
    _keep(session, items)
    mark = update(Notification).where(col(Notification.id).in_([row.id for row in new])).values(planned=True)
    session.execute(mark.execution_options(synchronize_session=False))
    soonest: dict[uuid.UUID, datetime] = {}
    for item in items:  # those of endpoints that are disabled wait for when they are used again
        soonest[item["endpoint_id"]] = min(item["due_at"], soonest.get(item["endpoint_id"], item["due_at"]))
    for due in sorted(set(soonest.values())):
        enqueue(session, JobName.DELIVER, [str(one) for one, when in soonest.items() if when == due], now=due)
    if len(new) == _AT_ONCE:
        enqueue(session, JobName.DISPATCH, map(str, user_ids), now=now)


def _unplanned(session: Session, user_ids: Sequence[uuid.UUID]) -> Sequence[Notification]:
    rows = select(Notification).where(col(Notification.recipient_id).in_(user_ids), _UNPLANNED)
    in_order = rows.order_by(col(Notification.recipient_id), col(Notification.position))
    return session.exec(in_order.limit(_AT_ONCE)).all()


def _rhythms(session: Session, new: Sequence[Notification]) -> dict[uuid.UUID, str]:
    ids = {row.subscription_id for row in new if row.subscription_id is not None}
    rows = select(Subscription.id, Subscription.rhythm).where(col(Subscription.id).in_(ids))
    return {row.id: row.rhythm for row in session.execute(rows)} if ids else {}


def _due(
    row: Notification, endpoint: Endpoint, wish: Preference, rhythms: dict[uuid.UUID, str], now: datetime
) -> datetime | None:
    """When the endpoint is to hear of it; None: never."""
    always = endpoint.channel == "mail" and row.kind in preferences.ALWAYS
    if endpoint.events and row.kind not in endpoint.events and not always:
        return None
    subscribed = rhythms.get(row.subscription_id, "instant") if row.subscription_id else "instant"
    rhythm = preferences.rhythm(wish, row.kind, endpoint.channel, subscribed)
    if rhythm == "off":
        return None
    if row.snoozed_until is not None and not former.address(row):
        return max(row.snoozed_until, now)
    if row.kind in preferences.ALWAYS or (rhythm == "instant" and not MANNERS[endpoint.channel].personal):
        return now
    return timing.due(rhythm, now, preferences.hours(wish))


def _keep(session: Session, items: Sequence[dict[str, Any]]) -> None:
    """A second item of a notification and an endpoint there is only of what was put off: it is told once more."""
    if not items:
        return
    insert = insert_into(dialect_of(session), DeliveryItem)
    again = insert.on_conflict_do_update(
        index_elements=["notification_id", "endpoint_id"],
        set_={"due_at": insert.excluded.due_at, "delivery_id": None},
    )
    session.connection().execute(again, items)


def forget(session: Session, *, now: datetime) -> None:
    """Drop what has waited for a month for endpoints that are disabled. May be repeated."""
    disabled = select(Endpoint.id).where(col(Endpoint.disabled_at).is_not(None))
    session.execute(
        delete(DeliveryItem).where(
            col(DeliveryItem.endpoint_id).in_(disabled),
            col(DeliveryItem.delivery_id).is_(None),
            col(DeliveryItem.due_at) < now - _KEPT_FOR,
        )
    )
