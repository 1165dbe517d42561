"""Telling people: one inbox row for each recipient and event, in their language; what leaves the house follows it."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from market import metrics
from market.db import dialect_of, insert_into, listed
from market.models import Inbox, Listing, Notification, User
from market.models.base import new_id
from market.outbox import JobName, enqueue
from market.services.telling import wording

_AT_ONCE = 1000
"""Rows in one statement; a statement has only so many parameters."""


@dataclass(frozen=True, slots=True)
class News:
    """One event for one person. `event` names it: whoever was told of it is not told again."""

    user: User
    kind: str
    event: str
    listing: Listing | None = None
    match_id: uuid.UUID | None = None
    subscription_id: uuid.UUID | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


def tell(session: Session, news: Sequence[News], *, now: datetime) -> int:
    """Put each into its inbox, unless it is there; what is to leave the house is decided by a job. Returns how many
    are new. Call it once in a transaction: inboxes are held until its end, in one order."""
    once = list({(one.user.id, one.event): one for one in news}.values())
    told = 0
    for start in range(0, len(once), _AT_ONCE):
        told += _tell(session, once[start : start + _AT_ONCE], now)
    return told


def _tell(session: Session, news: Sequence[News], now: datetime) -> int:
    last = _positions(session, Counter(one.user.id for one in news))
    rows = []
    for one in news:
        last[one.user.id] += 1
        rows.append(_row(one, last[one.user.id], now))
    insert = insert_into(dialect_of(session), Notification)
    unless_told = insert.on_conflict_do_nothing(index_elements=["recipient_id", "event"])
    session.connection().execute(unless_told, rows)
    new = _of_ids(session, [row["id"] for row in rows])
    for kind, count in Counter(row.kind for row in new).items():
        metrics.notifications.labels(kind).inc(count)
    enqueue(session, JobName.DISPATCH, {str(row.recipient_id) for row in new}, now=now)
    return len(new)


def _of_ids(session: Session, ids: Sequence[uuid.UUID]) -> Sequence[Any]:
    """Person and kind of those that are there now. Asked afterwards: an INSERT that gives back rows is bound one by
    one, and takes twice as long."""
    wanted = listed(session, ids)
    rows = select(Notification.recipient_id, Notification.kind).join(wanted, col(Notification.id) == wanted.c.id)
    return session.execute(rows).all()


def _positions(session: Session, wanted: Mapping[uuid.UUID, int]) -> dict[uuid.UUID, int]:
    """The last position of each inbox before so many more, which are now given out. The inboxes are held until the
    transaction ends: so positions become visible in their order."""
    insert = insert_into(dialect_of(session), Inbox)
    more = insert.on_conflict_do_update(
        index_elements=["user_id"], set_={"last": Inbox.last + insert.excluded.last}
    ).returning(Inbox.user_id, Inbox.last)
    rows = [{"user_id": one, "last": count} for one, count in sorted(wanted.items())]
    return {one: last - wanted[one] for one, last in session.connection().execute(more, rows)}


def _row(one: News, position: int, now: datetime) -> dict[str, Any]:
    language = one.user.language
    details = dict(one.details)
    if one.listing is not None:
        details["title"] = one.listing.heading(language)
    return {
        "id": new_id(),
        "created_at": now,
        "recipient_id": one.user.id,
        "position": position,
        "kind": one.kind,
        "event": one.event,
        "listing_noun": one.listing.NOUN if one.listing is not None else "",
        "listing_id": one.listing.id if one.listing is not None else None,
        "match_id": one.match_id,
        "subscription_id": one.subscription_id,
        "language": language,
        "title": wording.title(one.kind, language, details),
        "body": wording.body(one.kind, language, details),
        "planned": False,
    }
