"""The end of listings by date: a warning before, the end itself, and what follows."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from market.models import LISTINGS, Demand, Match
from market.outbox import JobName, enqueue
from market.services.rights.access import SYSTEM
from market.services.telling import notifications
from market.services.telling.telling import News, tell
from market.services.trail import audit

_AT_ONCE = 500
# Whoever has said what they want is in no need of being reminded.
_STILL_THINKING = frozenset({"new", "seen"})


def expire(session: Session, *, now: datetime) -> int:
    """Expire what was valid until yesterday; its matches are withdrawn by the index job. May be repeated.

    At most 500 of a kind in one transaction; where there may be more, the job is enqueued again.
    """
    ended = 0
    news: list[News] = []
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
            news.extend(notifications.news_of_listing(session, listing, "listing_expired"))
        enqueue(session, JobName.INDEX, [f"{noun}:{listing.id}" for listing in due], now=now)
        if len(due) == _AT_ONCE:
            enqueue(session, JobName.EXPIRE, ["more"], now=now)
        ended += len(due)
    tell(session, news, now=now)
    return ended


def warn(session: Session, *, now: datetime, days: int) -> int:
    """Tell the owners of what ends within `days`, once for each end date. May be repeated."""
    warned = 0
    news: list[News] = []
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
            news.extend(notifications.news_of_listing(session, listing, "listing_expiring"))
        warned += len(soon)
    tell(session, news, now=now)
    return warned


def remind(session: Session, *, now: datetime, days: int) -> int:
    """Tell those whose offers match a demand that it closes within `days`, once for each day it may close on. May be
    repeated; gives how many are newly told."""
    closing = (
        select(Demand, Match)
        .where(Match.demand_id == Demand.id, col(Match.active), col(Match.offer_told).is_not(None))
        .where(
            Demand.state == "published",
            Demand.progress == "open",
            col(Demand.deadline) >= now.date(),
            col(Demand.deadline) <= now.date() + timedelta(days=days),
        )
        .order_by(col(Match.id))
    )
    news: list[News] = []
    for demand, match in session.exec(closing):
        offer = session.get(LISTINGS[match.offer_kind], match.offer_id)
        if offer is not None and offer.matchable and match.offer_state in _STILL_THINKING and not match.dismissed:
            news.extend(notifications.news_of_deadline(session, demand, offer, match))
    return tell(session, news, now=now)
