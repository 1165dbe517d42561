"""What was sent, and what became of it: listed, and sent once more."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from market.errors import Conflict, NotFound
from market.models import Attempt, Delivery, Endpoint
from market.outbox import JobName, enqueue
from market.services.rights.access import Principal


def listed(
    session: Session,
    *,
    user_id: uuid.UUID | None = None,
    endpoint_id: uuid.UUID | None = None,
    state: str = "",
    before: uuid.UUID | None = None,
    limit: int,
) -> Sequence[tuple[Delivery, Endpoint]]:
    """Deliveries with their endpoints, newest first, from below the id `before`; all people's where none is named."""
    rows = select(Delivery, Endpoint).where(Delivery.endpoint_id == Endpoint.id)
    if user_id is not None:
        rows = rows.where(Delivery.user_id == user_id)
    if endpoint_id is not None:
        rows = rows.where(Delivery.endpoint_id == endpoint_id)
    if state:
        rows = rows.where(Delivery.state == state)
    if before is not None:
        rows = rows.where(col(Delivery.id) < before)
    return session.exec(rows.order_by(col(Delivery.id).desc()).limit(limit)).all()


def attempts(session: Session, ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, list[Attempt]]:
    """The attempts of each delivery, oldest first."""
    found: dict[uuid.UUID, list[Attempt]] = {one: [] for one in ids}
    for attempt in session.exec(
        select(Attempt).where(col(Attempt.delivery_id).in_(list(found))).order_by(col(Attempt.id))
    ):
        found[attempt.delivery_id].append(attempt)
    return found


def get(session: Session, principal: Principal, identity: uuid.UUID) -> tuple[Delivery, Endpoint]:
    """One of the caller's. Raises NotFound for another's."""
    delivery = session.get(Delivery, identity)
    if delivery is None or delivery.user_id != principal.user_id:
        raise NotFound(noun="delivery", id=str(identity))
    return delivery, session.get_one(Endpoint, delivery.endpoint_id)


def replay(session: Session, principal: Principal, identity: uuid.UUID, *, now: datetime) -> Delivery:
    """Send one of the caller's again, under the same id, whatever became of it; attempts are counted anew."""
    delivery, endpoint = get(session, principal, identity)
    if endpoint.disabled_at is not None:
        raise Conflict("endpoint-disabled")
    _again(session, [delivery], now=now)
    return delivery


def replay_dead(session: Session, *, now: datetime, ids: Sequence[uuid.UUID] | None = None) -> int:
    """Send again what was given up, all of it or those named, at endpoints that are in use; says how many."""
    rows = (
        select(Delivery)
        .join(Endpoint, col(Endpoint.id) == col(Delivery.endpoint_id))
        .where(Delivery.state == "dead", col(Endpoint.disabled_at).is_(None))
    )
    if ids is not None:
        rows = rows.where(col(Delivery.id).in_(ids))
    found = session.exec(rows.order_by(col(Delivery.id))).all()
    _again(session, found, now=now)
    return len(found)


def _again(session: Session, found: Sequence[Delivery], *, now: datetime) -> None:
    for delivery in found:
        delivery.state, delivery.attempts, delivery.next_at, delivery.finished_at = "waiting", 0, now, None
        session.add(delivery)
    enqueue(session, JobName.DELIVER, {str(one.endpoint_id) for one in found}, now=now)
