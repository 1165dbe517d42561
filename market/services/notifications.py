"""Inboxes: one row for each recipient and event, in the recipient's language; listing, reading."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, func, select, update

from market import metrics
from market.db import dialect_of, insert_into, rows_touched
from market.errors import NotFound, Unauthenticated
from market.matching import reasons
from market.models import Demand, Listing, Match, Notification, User
from market.models.base import new_id
from market.services.access import Principal
from market.vocabulary import vocabulary

_TITLES = {
    "match_found": ("新的匹配：{other}", "A new match: {other}"),
    "listing_approved": ("已发布：{title}", "Published: {title}"),
    "listing_rejected": ("未通过审核：{title}", "Not published: {title}"),
    "listing_expiring": ("即将到期：{title}", "About to expire: {title}"),
    "listing_expired": ("已到期：{title}", "Expired: {title}"),
}
_BODIES = {
    "match_found": (
        "与您的“{title}”匹配度 {score:.0%}：{reason}",
        "Fits your “{title}” at {score:.0%}. {reason}",
    ),
    "listing_approved": ("审核通过，现已公开。", "A reviewer approved it; it is public now."),
    "listing_rejected": (
        "原因：{reason} 修改后可再次提交。",
        "Reason: {reason} Mend it and submit it again.",
    ),
    "listing_expiring": ("{day} 到期，可延期一次。", "It expires on {day}; it can be extended once."),
    "listing_expired": (
        "已于 {day} 到期，不再公开，也不再匹配。",
        "It expired on {day} and is no longer public or matched.",
    ),
}


def recipients(session: Session, listing: Listing) -> Sequence[User]:
    """Whom to tell about a listing: its owner, or every member of its organisation where it has none."""
    people = select(User).where(col(User.active))
    if listing.owner_id is not None:
        return session.exec(people.where(User.id == listing.owner_id)).all()
    members = session.exec(people.where(User.organisation_id == listing.organisation_id)).all()
    return [user for user in members if "member" in user.roles]


def tell_match(session: Session, match: Match, demand: Demand, offer: Listing, *, now: datetime) -> int:
    """Tell both sides of a match. Repeating it tells nobody twice. Returns how many were told."""
    told = 0
    for mine, other in ((demand, offer), (offer, demand)):
        for user in recipients(session, mine):
            told += _tell(
                session,
                user,
                mine,
                "match_found",
                event=f"match_found:{match.id}",
                now=now,
                match_id=match.id,
                other=other.heading(user.language),
                score=match.score,
                reason=reasons.sentence(match.parts, user.language),
            )
    return told


def tell_owners(session: Session, listing: Listing, kind: str, *, now: datetime) -> None:
    """Tell a listing's owners what became of it; once for each version of the listing."""
    for user in recipients(session, listing):
        _tell(
            session,
            user,
            listing,
            kind,
            event=f"{kind}:{listing.id}:{listing.version}",
            now=now,
            reason=_reason(listing, user.language),
            day=listing.expires_on,
        )


def _reason(listing: Listing, language: str) -> str:
    code = listing.rejection_reason
    named = vocabulary("rejection_reasons").label(code, language) if code else ""
    return f"{named} {listing.rejection_text}".strip()


def _tell(
    session: Session,
    user: User,
    listing: Listing,
    kind: str,
    *,
    event: str,
    now: datetime,
    match_id: uuid.UUID | None = None,
    **details: Any,
) -> int:
    which = 0 if user.language == "zh" else 1
    details["title"] = listing.heading(user.language)
    row = {
        "id": new_id(),
        "created_at": now,
        "recipient_id": user.id,
        "kind": kind,
        "event": event,
        "listing_noun": listing.NOUN,
        "listing_id": listing.id,
        "match_id": match_id,
        "language": user.language,
        "title": _TITLES[kind][which].format(**details),
        "body": _BODIES[kind][which].format(**details),
    }
    insert = insert_into(dialect_of(session), Notification).values(row)
    told = rows_touched(session.execute(insert.on_conflict_do_nothing(index_elements=["recipient_id", "event"])))
    metrics.notifications.labels(kind).inc(told)
    return told


def inbox(session: Session, principal: Principal, *, before: uuid.UUID | None, limit: int) -> Sequence[Notification]:
    """The caller's notifications, newest first, from below the id `before`."""
    rows = select(Notification).where(Notification.recipient_id == _caller(principal))
    if before is not None:
        rows = rows.where(col(Notification.id) < before)
    return session.exec(rows.order_by(col(Notification.id).desc()).limit(limit)).all()


def unread(session: Session, principal: Principal) -> int:
    """How many the caller has not read."""
    return session.exec(
        select(func.count())
        .select_from(Notification)
        .where(Notification.recipient_id == _caller(principal), col(Notification.read_at).is_(None))
    ).one()


def read(session: Session, principal: Principal, identity: uuid.UUID, *, now: datetime) -> Notification:
    """Mark one as read; reading it again changes nothing. Raises NotFound for another's."""
    row = session.get(Notification, identity)
    if row is None or row.recipient_id != _caller(principal):
        raise NotFound(noun="notification", id=str(identity))
    if row.read_at is None:
        row.read_at = now
        session.add(row)
    return row


def read_all(session: Session, principal: Principal, *, now: datetime) -> int:
    """Mark all as read and say how many were not."""
    result = session.execute(
        update(Notification)
        .where(col(Notification.recipient_id) == _caller(principal), col(Notification.read_at).is_(None))
        .values(read_at=now)
        .execution_options(synchronize_session=False)
    )
    return rows_touched(result)


def _caller(principal: Principal) -> uuid.UUID:
    if principal.user_id is None:
        raise Unauthenticated
    return principal.user_id
