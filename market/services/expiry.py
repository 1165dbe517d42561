"""The end of listings by date: a warning before, the end itself, and what follows."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from market.models import LISTINGS
from market.outbox import JobName, enqueue
from market.services import audit, notifications
from market.services.access import SYSTEM

_AT_ONCE = 500


def expire(session: Session, *, now: datetime) -> int:
    """Expire what was valid until yesterday; its matches are withdrawn by the index job. May be repeated.

    At most 500 of a kind in one transaction; where there may be more, the job is enqueued again.
    """
    ended = 0
    for noun, model in LISTINGS.items():
        last_day = col(getattr(model, model.EXPIRES))
        due = session.exec(
            select(model)
            .where(col(model.state) == "published", last_day < now.date())
            .order_by(col(model.id))
            .limit(_AT_ONCE)
            .with_for_update(of=model)
        ).all()
        for listing in due:
            listing.state = "expired"
            listing.version += 1
            listing.updated_at = now
            audit.record(session, SYSTEM, "expire", listing, now=now)
            notifications.tell_owners(session, listing, "listing_expired", now=now)
        enqueue(session, JobName.INDEX, [f"{noun}:{listing.id}" for listing in due], now=now)
        if len(due) == _AT_ONCE:
            enqueue(session, JobName.EXPIRE, ["more"], now=now)
        ended += len(due)
    return ended


def warn(session: Session, *, now: datetime, days: int) -> int:
    """Tell the owners of what ends within `days`, once for each end date. May be repeated."""
    warned = 0
    for model in LISTINGS.values():
        last_day = col(getattr(model, model.EXPIRES))
        soon = session.exec(
            select(model)
            .where(
                col(model.state) == "published",
                last_day <= now.date() + timedelta(days=days),
                last_day >= now.date(),
                col(model.warned).is_(False),
            )
            .order_by(col(model.id))
            .with_for_update(of=model)
        ).all()
        for listing in soon:
            listing.warned = True
            notifications.tell_owners(session, listing, "listing_expiring", now=now)
        warned += len(soon)
    return warned
