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

from sqlmodel import Session, col, func, or_, select, update
from sqlmodel.sql.expression import SelectOfScalar

from market import metrics
from market.db import UtcDateTime, append, take_turn
from market.delivery import timing
from market.delivery.channels import Receipt
from market.delivery.manners import MANNERS, Manner
from market.delivery.retrying import gives_up, next_attempt
from market.delivery.robots import free_at
from market.models import Attempt, Delivery, DeliveryItem, Endpoint, Notification, Preference, User
from market.models.base import new_id
from market.outbox import JobName, enqueue
from market.services import endpoints, preferences

_IN_ONE = 200
"""Notifications in one message; what is beyond goes into the next."""
_LONGEST_ATTEMPT = timedelta(minutes=1)
_PERSONAL = tuple(channel for channel, manner in MANNERS.items() if manner.personal)
# A trial, which somebody waits for, and what warns of misuse.
_URGENT = or_(
    col(Delivery.kind) == "test",
    select(DeliveryItem.notification_id)
    .join(Notification, col(Notification.id) == col(DeliveryItem.notification_id))
    .where(DeliveryItem.delivery_id == Delivery.id, Notification.kind == "security")
    .exists(),
)


@dataclass(frozen=True, slots=True)
class Try:
    """A delivery about to be tried, and the attempt that is on record for it."""

    delivery_id: uuid.UUID
    attempt_id: uuid.UUID
    kind: str


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a try; no receipt: there was nothing left to tell, and nothing was sent."""

    one: Try
    receipt: Receipt | None


def begin(session: Session, endpoint_id: uuid.UUID, *, now: datetime) -> tuple[Try, ...]:
    """Make deliveries of what is due to this endpoint, as far as hours, cap and limits allow, and count an attempt of
    each that is to be tried now. May be repeated: what was under way when a process ended is tried again."""
    endpoint = _held(session, endpoint_id)
    if endpoint is None or not _in_use(session, endpoint):
        return ()
    manner = MANNERS[endpoint.channel]
    if _free(session, endpoint, manner, now) > now:
        return ()
    hours = _hours(session, endpoint, manner, now)
    _bundle(session, endpoint, manner, urgent=hours.news > now, now=now)
    burst = 1 if endpoint.failing_since is not None else manner.burst  # whoever is away holds up nothing else
    waiting = _waiting(endpoint).where(col(Delivery.next_at) <= now)
    if hours.anything > now:
        waiting = waiting.where(_URGENT)
    chosen = session.exec(waiting.order_by(col(Delivery.next_at), col(Delivery.id)).limit(burst)).all()
    tries = tuple(Try(one.id, new_id(), one.kind) for one in chosen)
    for delivery in chosen:
        delivery.attempts += 1
        session.add(delivery)
    append(session, Attempt, [_attempt(one, endpoint.id, now) for one in tries])
    return tries


def _held(session: Session, endpoint_id: uuid.UUID) -> Endpoint | None:
    return session.exec(select(Endpoint).where(Endpoint.id == endpoint_id).with_for_update()).first()


def _in_use(session: Session, endpoint: Endpoint) -> bool:
    """Whether anything is sent to it at all; what waits for it stays, and goes when it is used again."""
    user = session.get(User, endpoint.user_id)
    return user is not None and user.active and endpoint.disabled_at is None


def _attempt(one: Try, endpoint_id: uuid.UUID, now: datetime) -> dict[str, Any]:
    row = Attempt(id=one.attempt_id, delivery_id=one.delivery_id, endpoint_id=endpoint_id, created_at=now)
    return {**row.model_dump()}


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
    items = session.exec(due.where(Notification.kind == "security") if urgent else due).all()
    alone = [[identity] for identity, kind in items if kind == "security" or not manner.personal]
    together = [identity for identity, kind in items if kind != "security" and manner.personal]
    bundles = alone + ([together] if together else [])
    made = [
        Delivery(
            endpoint_id=endpoint.id,
            user_id=endpoint.user_id,
            kind="event" if len(bundle) == 1 else "digest",
            next_at=now,
            created_at=now,
        )
        for bundle in bundles
    ]
    append(session, Delivery, [{**one.model_dump()} for one in made])
    for delivery, bundle in zip(made, bundles, strict=True):
        session.execute(
            update(DeliveryItem)
            .where(
                col(DeliveryItem.endpoint_id) == endpoint.id,
                col(DeliveryItem.notification_id).in_(bundle),
                col(DeliveryItem.delivery_id).is_(None),
            )
            .values(delivery_id=delivery.id)
            .execution_options(synchronize_session=False)
        )


def settle(
    session: Session, endpoint_id: uuid.UUID, settled: Sequence[Settled], *, now: datetime, chance: float
) -> None:
    """Keep what became of the tries, and enqueue what comes next; `chance`, from [0, 1), spreads retries."""
    endpoint = _held(session, endpoint_id)
    if endpoint is None:
        return
    for one in settled:
        delivery = session.get(Delivery, one.one.delivery_id)
        if delivery is not None:
            _settle(session, endpoint, delivery, one, now=now, chance=chance)
    if endpoint.failing_since is not None and gives_up(endpoint.failing_since, now):
        endpoints.disable(session, endpoint, "failing", now=now)
    following = _next(session, endpoint, now)
    if following is not None:
        enqueue(session, JobName.DELIVER, [str(endpoint_id)], now=following)


def _settle(
    session: Session, endpoint: Endpoint, delivery: Delivery, one: Settled, *, now: datetime, chance: float
) -> None:
    attempt, receipt = session.get(Attempt, one.one.attempt_id), one.receipt
    if receipt is None:
        delivery.state, delivery.finished_at = "skipped", now
        if attempt is not None:
            session.delete(attempt)
        return
    if attempt is not None:
        attempt.outcome, attempt.status, attempt.detail = receipt.outcome, receipt.status, receipt.detail[:500]
        attempt.ended_at = now
    metrics.deliveries.labels(endpoint.channel, receipt.outcome).inc()
    if receipt.outcome == "sent":
        delivery.state, delivery.finished_at, endpoint.failing_since = "sent", now, None
        return
    endpoint.failing_since = endpoint.failing_since or now
    pause = None
    if receipt.outcome == "failed":
        pause = next_attempt(delivery.attempts, chance=chance, retry_after=receipt.retry_after)
    if pause is not None:
        delivery.next_at = now + pause
    else:
        delivery.state, delivery.finished_at = "dead", now
    if receipt.outcome == "gone":
        endpoints.disable(session, endpoint, "gone", now=now)


def _next(session: Session, endpoint: Endpoint, now: datetime) -> datetime | None:
    """When the endpoint is to be looked at again; None: when there is something new."""
    session.flush()
    if not _in_use(session, endpoint):
        return None
    manner = MANNERS[endpoint.channel]
    hours = _hours(session, endpoint, manner, now)
    again = _waiting(endpoint).with_only_columns(func.min(Delivery.next_at))
    pending = (
        select(func.min(DeliveryItem.due_at))
        .join(Notification, col(Notification.id) == col(DeliveryItem.notification_id))
        .where(DeliveryItem.endpoint_id == endpoint.id, col(DeliveryItem.delivery_id).is_(None))
    )
    wanted = (
        (again, hours.anything),
        (again.where(_URGENT), now),
        (pending, hours.news),
        (pending.where(Notification.kind == "security"), now),
    )
    moments = [
        max(moment, earliest)
        for statement, earliest in wanted
        if (moment := session.execute(statement).scalar()) is not None
    ]
    return max(min(moments), _free(session, endpoint, manner, now)) if moments else None


def _waiting(endpoint: Endpoint) -> SelectOfScalar[Delivery]:
    return select(Delivery).where(Delivery.endpoint_id == endpoint.id, Delivery.state == "waiting")
