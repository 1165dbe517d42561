"""People with endpoints, and what is under way to them. Asserts nothing."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlmodel import col, select

from market.models import Delivery, DeliveryItem, Endpoint, Job, Notification, User
from market.runtime import Runtime
from market.services.rights.access import Principal
from market.services.telling import endpoints, preferences
from market.services.telling.telling import News, tell
from market.worker import runner
from tests.factories import Person, SettableClock, member_of


def principal(person: Person) -> Principal:
    """The person as a caller."""
    return member_of(person.organisation_id, person.id)


def add_endpoint(
    runtime: Runtime, person: Person, channel: str, address: str, **values: Any
) -> tuple[uuid.UUID, str]:
    """An endpoint and its secret."""
    with runtime.db.writing() as session:
        data = {"channel": channel, "address": address, **values}
        endpoint, secret = endpoints.create(session, runtime.post, principal(person), data, now=runtime.clock())
        return endpoint.id, secret


def prefer(runtime: Runtime, person: Person, **values: Any) -> None:
    """Change how somebody wants to be told."""
    with runtime.db.writing() as session:
        preferences.change(session, session.get_one(User, person.id), values, now=runtime.clock())


def news(runtime: Runtime, people: Iterable[Person], titles: Iterable[str], kind: str = "subscription_hit") -> None:
    """Tell each of these people each of these things."""
    with runtime.db.writing() as session:
        users = [session.get_one(User, person.id) for person in people]
        told = [
            News(user, kind, f"{kind}:{title}", details={"name": "我的订阅", "title": title, "what": title})
            for title in titles
            for user in users
        ]
        tell(session, told, now=runtime.clock())


def rows(runtime: Runtime, model: Any) -> list[Any]:
    """All rows of a table."""
    with runtime.db.reading() as session:
        return list(session.exec(select(model)))


def deliveries(runtime: Runtime, state: str = "sent") -> list[Delivery]:
    """Deliveries in a state, oldest first."""
    return sorted((one for one in rows(runtime, Delivery) if one.state == state), key=lambda one: one.id)


def told_by(runtime: Runtime, endpoint_id: uuid.UUID) -> list[list[str]]:
    """The events of each delivery that was sent to an endpoint, in the order of the deliveries."""
    with runtime.db.reading() as session:
        found = session.execute(
            select(Delivery.id, Notification.event)
            .join(DeliveryItem, col(DeliveryItem.delivery_id) == col(Delivery.id))
            .join(Notification, col(Notification.id) == col(DeliveryItem.notification_id))
            .where(Delivery.endpoint_id == endpoint_id, Delivery.state == "sent")
            .order_by(col(Delivery.id), col(Notification.position))
        ).all()
    by_delivery: dict[uuid.UUID, list[str]] = {}
    for delivery_id, event in found:
        by_delivery.setdefault(delivery_id, []).append(event)
    return list(by_delivery.values())


def mail_endpoint(runtime: Runtime, person: Person) -> Endpoint:
    """Where a person's mail goes."""
    [found] = [one for one in rows(runtime, Endpoint) if (one.user_id, one.channel) == (person.id, "mail")]
    return found


def next_job(runtime: Runtime, name: str = "deliver") -> datetime | None:
    """When the next job of this name runs."""
    return min((one.run_at for one in rows(runtime, Job) if one.name == name), default=None)


def run_until(runtime: Runtime, clock: SettableClock, end: datetime) -> None:
    """Let time pass, and run each job of telling when it is due."""
    while True:
        runner.drain(runtime)
        moments = [one.run_at for one in rows(runtime, Job) if one.name in ("deliver", "dispatch")]
        soonest = min(moments, default=end)
        if soonest >= end:
            break
        clock.now = max(clock.now, soonest)
    clock.now = max(clock.now, end)
    runner.drain(runtime)
