"""Sending to one endpoint: what is due becomes deliveries, each is tried, and what became of it is kept.

Three steps, so that nothing is sent within a transaction: `begin` puts on record what is about to be tried, `compose`
looks once more at what may still be told, `settle` keeps the receipts and says when to go on.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, bindparam
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, delete, func, or_, select, update

from market import metrics
from market.db import UtcDateTime, append, take_turn
from market.delivery import timing
from market.delivery.channels import Receipt
from market.delivery.manners import MANNERS, Manner
from market.delivery.retrying import gives_up, next_attempt
from market.delivery.robots import free_at
from market.models import Attempt, Delivery, DeliveryItem, Endpoint, Notification, Preference, User
from market.models.base import Row, new_id
from market.outbox import JobName, enqueue
from market.services.telling import endpoints, preferences

_IN_ONE = 200
"""Notifications in one message; what is beyond goes into the next."""
_LONGEST_ATTEMPT = timedelta(minutes=1)
_PERSONAL = tuple(channel for channel, manner in MANNERS.items() if manner.personal)
_TAKE = (
    update(DeliveryItem)
    .where(
        col(DeliveryItem.endpoint_id) == bindparam("endpoint"),
        col(DeliveryItem.notification_id) == bindparam("notification"),
        col(DeliveryItem.delivery_id).is_(None),
    )
    .values(delivery_id=bindparam("delivery"))
)
_ALWAYS = col(Notification.kind).in_(sorted(preferences.ALWAYS))
# A trial, which somebody waits for, what warns of misuse, and what an account hangs on.
_URGENT = or_(
    col(Delivery.kind) == "test",
    select(DeliveryItem.notification_id)
    .join(Notification, col(Notification.id) == col(DeliveryItem.notification_id))
    .where(DeliveryItem.delivery_id == Delivery.id, _ALWAYS)
    .exists(),
)


@dataclass(frozen=True, slots=True)
class Try:
    """A delivery about to be tried for the `attempts`-th time, and the attempt that is on record for it."""

    delivery_id: uuid.UUID
    attempt_id: uuid.UUID
    kind: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a try; without a receipt nothing was sent: there was nothing left to tell, or, where it was not
    `tried`, the other side did not take what came before."""

    one: Try
    receipt: Receipt | None
    tried: bool = True


def begin(session: Session, endpoint_id: uuid.UUID, *, now: datetime) -> tuple[Try, ...]:
    """Make deliveries of what is due to this endpoint, as far as hours, cap and limits allow, and count an attempt of
    each that is to be tried now. May be repeated: what was under way when a process ended is tried again."""
    endpoint = _held(session, endpoint_id)
    if endpoint is None or not _in_use(session, endpoint):
        return ()
    manner = MANNERS[endpoint.channel]
    if max(_free(session, endpoint, manner, now), endpoint.rests_until or now) > now:
        return ()
    hours = _hours(session, endpoint, manner, now)
    _bundle(session, endpoint, manner, urgent=hours.news > now, now=now)
    burst = 1 if endpoint.failing_since is not None else manner.burst  # whoever is away holds up nothing else
    waiting = _waiting(endpoint, col(Delivery.id), col(Delivery.kind), col(Delivery.attempts))
    waiting = waiting.where(col(Delivery.next_at) <= now)
    if hours.anything > now:
        waiting = waiting.where(_URGENT)
    chosen = session.execute(waiting.order_by(col(Delivery.next_at), col(Delivery.id)).limit(burst)).all()
    tries = tuple(Try(row.id, new_id(), row.kind, row.attempts + 1) for row in chosen)
    _keep(session, Delivery, [{"key": one.delivery_id, "attempts": one.attempts} for one in tries])
    append(session, Attempt, [_attempt(one, endpoint.id, now) for one in tries])
    return tries


def _keep(session: Session, model: type[Row], changes: Sequence[dict[str, Any]]) -> None:
    """Change rows by their `key`s, all in the same columns; as objects they would take several times as long."""
    if changes:
        values: dict[str, Any] = {name: bindparam(name) for name in changes[0] if name != "key"}
        statement = update(model).where(col(model.id) == bindparam("key")).values(values)
        session.connection().execute(statement, changes)


def _held(session: Session, endpoint_id: uuid.UUID) -> Endpoint | None:
    return session.exec(select(Endpoint).where(Endpoint.id == endpoint_id).with_for_update()).first()


def _in_use(session: Session, endpoint: Endpoint) -> bool:
    """Whether anything is sent to it at all; what waits for it stays, and goes when it is used again."""
    user = session.get(User, endpoint.user_id)
    return user is not None and user.active and endpoint.disabled_at is None


def _attempt(one: Try, endpoint_id: uuid.UUID, now: datetime) -> dict[str, Any]:
    return {
        "id": one.attempt_id,
        "created_at": now,
        "delivery_id": one.delivery_id,
        "endpoint_id": endpoint_id,
        "outcome": "",
        "status": None,
        "detail": "",
        "ended_at": None,
    }


def _free(session: Session, endpoint: Endpoint, manner: Manner, now: datetime) -> datetime:
    """When the channel takes another message; every attempt counts, whatever became of it, and from when it ended:
    it cannot have arrived later."""
    if not manner.windows:
        return now
    longest = timedelta(seconds=max(window.seconds for window in manner.windows))
    lately = select(func.coalesce(Attempt.ended_at, Attempt.created_at, type_=UtcDateTime)).where(
        Attempt.endpoint_id == endpoint.id, col(Attempt.created_at) > now - longest - _LONGEST_ATTEMPT
    )
    return free_at(manner.windows, session.exec(lately).all(), now)


@dataclass(frozen=True, slots=True)
class _Hours:
    """From when an endpoint may be told anything, and from when anything new; security and trials do not wait."""

    anything: datetime
    news: datetime


def _hours(session: Session, endpoint: Endpoint, manner: Manner, now: datetime) -> _Hours:
    """Not in quiet hours, and nothing new beyond the cap of the day, where a person is behind it."""
    if not manner.personal:
        return _Hours(now, now)
    wish = preferences.of(session, [endpoint.user_id])[endpoint.user_id]
    hours = preferences.hours(wish)
    awake = timing.quiet_end(now, hours)
    if wish.daily_cap is None:
        return _Hours(awake, awake)
    take_turn(session, "cap", str(endpoint.user_id))  # another endpoint of theirs counts at this moment too
    used_up = _sent_today(session, endpoint, wish, now) >= wish.daily_cap
    return _Hours(awake, timing.after_cap(now, hours) if used_up else awake)


def _sent_today(session: Session, endpoint: Endpoint, wish: Preference, now: datetime) -> int:
    """How many messages have reached the person since their day began, or are about to; trials do not count."""
    since, _ = timing.local_day(now, wish.time_zone)
    return session.exec(
        select(func.count())
        .select_from(Delivery)
        .join(Endpoint, col(Endpoint.id) == col(Delivery.endpoint_id))
        .where(
            Delivery.user_id == endpoint.user_id,
            or_(Delivery.state == "waiting", (col(Delivery.state) == "sent") & (col(Delivery.finished_at) >= since)),
            Delivery.kind != "test",
            col(Endpoint.channel).in_(_PERSONAL),
        )
    ).one()


def _bundle(session: Session, endpoint: Endpoint, manner: Manner, *, urgent: bool, now: datetime) -> None:
    """What is due becomes deliveries: one message for a person, one each for a program; `urgent`: security only,
    which waits for nothing and goes by itself. Each item is in one delivery, since this transaction marks it."""
    due = (
        select(DeliveryItem.notification_id, Notification.kind)
        .join(Notification, col(Notification.id) == col(DeliveryItem.notification_id))
        .where(
            DeliveryItem.endpoint_id == endpoint.id,
            col(DeliveryItem.delivery_id).is_(None),
            col(DeliveryItem.due_at) <= now,
        )
        .order_by(col(DeliveryItem.due_at), col(Notification.position))
        .limit(_IN_ONE if manner.personal else manner.burst)
    )
    items = session.exec(due.where(_ALWAYS) if urgent else due).all()
    alone = [[identity] for identity, kind in items if kind in preferences.ALWAYS or not manner.personal]
    together = [identity for identity, kind in items if kind not in preferences.ALWAYS and manner.personal]
    bundles = alone + ([together] if together else [])
    made = [
        {
            "id": new_id(),
            "created_at": now,
            "endpoint_id": endpoint.id,
            "user_id": endpoint.user_id,
            "kind": "event" if len(bundle) == 1 else "digest",
            "state": "waiting",
            "attempts": 0,
            "next_at": now,
            "finished_at": None,
        }
        for bundle in bundles
    ]
    append(session, Delivery, made)
    taken = [
        {"delivery": one["id"], "endpoint": endpoint.id, "notification": identity}
        for one, bundle in zip(made, bundles, strict=True)
        for identity in bundle
    ]
    if taken:
        session.connection().execute(_TAKE, taken)


def settle(
    session: Session, endpoint_id: uuid.UUID, settled: Sequence[Settled], *, now: datetime, chance: float
) -> None:
    """Keep what became of the tries, and enqueue what comes next; `chance`, from [0, 1), spreads retries."""
    endpoint = _held(session, endpoint_id)
    if endpoint is None:
        return
    _keep_attempts(session, settled, now)
    changes: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for one in settled:
        change = {"key": one.one.delivery_id, **_change(endpoint, one, now=now, chance=chance)}
        changes.setdefault(tuple(change), []).append(change)
    for alike in changes.values():
        _keep(session, Delivery, alike)
    if any(one.receipt is not None and one.receipt.outcome == "gone" for one in settled):
        endpoints.disable(session, endpoint, "gone", now=now)
    if endpoint.failing_since is not None and gives_up(endpoint.failing_since, now):
        endpoints.disable(session, endpoint, "failing", now=now)
    session.add(endpoint)
    following = _next(session, endpoint, now)
    if following is not None:
        enqueue(session, JobName.DELIVER, [str(endpoint_id)], now=following)


def _keep_attempts(session: Session, settled: Sequence[Settled], now: datetime) -> None:
    ended = [
        {
            "key": one.one.attempt_id,
            "outcome": one.receipt.outcome,
            "status": one.receipt.status,
            "detail": one.receipt.detail[:500],
            "ended_at": now,
        }
        for one in settled
        if one.receipt is not None
    ]
    _keep(session, Attempt, ended)
    unused = [one.one.attempt_id for one in settled if one.receipt is None]
    if unused:
        session.execute(delete(Attempt).where(col(Attempt.id).in_(unused)))


def _change(endpoint: Endpoint, settled: Settled, *, now: datetime, chance: float) -> dict[str, Any]:
    """What changes of a delivery, and on the way of its endpoint."""
    one, receipt = settled.one, settled.receipt
    if receipt is None:
        return {"state": "skipped", "finished_at": now} if settled.tried else {"attempts": one.attempts - 1}
    metrics.deliveries.labels(endpoint.channel, receipt.outcome).inc()
    if receipt.outcome == "sent":
        endpoint.failing_since = None
        return {"state": "sent", "finished_at": now}
    endpoint.failing_since = endpoint.failing_since or now
    if receipt.retry_after is not None:
        endpoint.rests_until = max(now + receipt.retry_after, endpoint.rests_until or now)
    pause = None
    if receipt.outcome == "failed":
        pause = next_attempt(one.attempts, chance=chance, retry_after=receipt.retry_after)
    return {"next_at": now + pause} if pause is not None else {"state": "dead", "finished_at": now}


def _next(session: Session, endpoint: Endpoint, now: datetime) -> datetime | None:
    """When the endpoint is to be looked at again; None: when there is something new."""
    session.flush()
    if not _in_use(session, endpoint):
        return None
    manner = MANNERS[endpoint.channel]
    hours = _hours(session, endpoint, manner, now)
    again = _waiting(endpoint, func.min(Delivery.next_at))
    pending = select(func.min(DeliveryItem.due_at)).where(
        DeliveryItem.endpoint_id == endpoint.id, col(DeliveryItem.delivery_id).is_(None)
    )
    wanted = [(again, hours.anything), (pending, hours.news)]
    if max(hours.anything, hours.news) > now:  # what is urgent waits for neither
        kind = pending.join(Notification, col(Notification.id) == col(DeliveryItem.notification_id))
        wanted += [(again.where(_URGENT), now), (kind.where(_ALWAYS), now)]
    moments = [
        max(moment, earliest)
        for statement, earliest in wanted
        if (moment := session.execute(statement).scalar()) is not None
    ]
    at_all = max(_free(session, endpoint, manner, now), endpoint.rests_until or now)
    return max(min(moments), at_all) if moments else None


def _waiting(endpoint: Endpoint, *columns: Any) -> Select[Any]:
    return select_columns(*columns).where(col(Delivery.endpoint_id) == endpoint.id, col(Delivery.state) == "waiting")
