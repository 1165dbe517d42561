"""Security mails to an address that was an account's until now: its owner hears of it, whoever has the account."""

from __future__ import annotations

import uuid
from collections.abc import Collection

from sqlmodel import Session, col, select

from market.models import DeliveryItem, Notification
from market.models.base import new_id

_MOVED = "address_changed"


def event(address: str) -> str:
    """What names the notification that an account has another address than this one now."""
    return f"{_MOVED}:{new_id()}:{address}"


def address(row: Notification) -> str:
    """Where the mail of a notification goes, other than to its person's address; mostly nowhere. Neither reading it
    nor putting it off stops it: whoever has the account may be who must not."""
    kind, _, rest = row.event.partition(":")
    return rest.partition(":")[2] if kind == _MOVED else ""


def addresses(session: Session, deliveries: Collection[uuid.UUID]) -> dict[uuid.UUID, str]:
    """The same by delivery. Such a notification is in a delivery of its own."""
    rows = (
        select(DeliveryItem.delivery_id, Notification)
        .join(Notification, col(Notification.id) == col(DeliveryItem.notification_id))
        .where(col(DeliveryItem.delivery_id).in_(list(deliveries)), col(Notification.event).startswith(f"{_MOVED}:"))
    )
    return {delivery: address(row) for delivery, row in session.exec(rows) if delivery is not None}
