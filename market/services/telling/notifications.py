"""Inboxes: what is told to whom of listings and matches; listing, reading, snoozing."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from typing import TypeVar

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, func, or_, select, update

from market.db import rows_touched
from market.errors import NotFound, Unauthenticated
from market.matching import reasons
from market.models import Case, Demand, Endpoint, Listing, Match, Notification, Subscription, User
from market.models.base import Row, new_id
from market.outbox import JobName, enqueue
from market.services.rights import people
from market.services.rights.access import Principal
from market.services.search import indexing
from market.services.subscriptions.alerts import Hit
from market.services.telling import wording
from market.services.telling.telling import News, tell
from market.vocabulary import vocabulary

Kept = TypeVar("Kept", bound=Row)


def recipients(session: Session, listing: Listing) -> Sequence[User]:
    """Whom to tell about a listing: its owner, or every member of its organisation where it has none."""
    if listing.owner_id is not None:
        return session.exec(select(User).where(col(User.active), User.id == listing.owner_id)).all()
    return people.members(session, listing.organisation_id, frozenset({"member", "organisation_admin"}))


def brokers(session: Session, listing: Listing) -> Sequence[User]:
    """The brokers 技术经理人 of a listing's organisation, and those of the exchange who look after it; where it does
    not say whose it is, only those who look after it."""
    theirs = people.members(session, listing.organisation_id, frozenset({"broker"}))
    assigned = select(User).join(Case, col(Case.broker_id) == col(User.id))
    assigned = assigned.where(Case.listing_id == listing.id, col(Case.closed_at).is_(None), col(User.active))
    looking = session.exec(assigned).all()
    if listing.public_organisation is None:
        theirs = [user for user in theirs if user in looking]
    return [*theirs, *(user for user in looking if "broker" in user.roles and user not in theirs)]


def news_of_match(
    session: Session, match: Match, side: str, mine: Listing, other: Listing, kind: str
) -> Iterator[News]:
    """A match, found or improved, for one side: as that side sees it."""
    score = match.score_of(side)
    again = f":{score:.2f}" if kind == "match_improved" else ""  # it may improve once more
    event = f"{kind}:{match.id}{again}"
    for user in recipients(session, mine):
        details = {
            "other": other.heading(user.language),
            "score": score,
            "before": match.told_of(side),
            "reason": reasons.sentence(match.parts_of(side), user.language),
        }
        yield News(user, kind, event, mine, match.id, details=details)


def tell_interest(session: Session, match: Match, mine: Listing, theirs: Listing, *, now: datetime) -> None:
    """Tell the other side that this one is interested; or, where both are, everybody, with the brokers."""
    if match.demand_state != "in_contact":
        event = f"counterpart_interested:{match.id}:{mine.NOUN}"
        news = list(_about(recipients(session, theirs), "counterpart_interested", event, theirs, mine, match))
    else:
        event = f"mutual_interest:{match.id}"
        news = [
            one
            for listing, other in ((mine, theirs), (theirs, mine))
            for people in (recipients(session, listing), brokers(session, listing))
            for one in _about(people, "mutual_interest", event, listing, other, match)
        ]
    tell(session, news, now=now)


def _about(
    people: Iterable[User], kind: str, event: str, listing: Listing, other: Listing, match: Match
) -> Iterator[News]:
    for user in people:
        yield News(user, kind, event, listing, match.id, details={"other": other.heading(user.language)})


def news_of_listing(session: Session, listing: Listing, kind: str, *, reason: str = "") -> Iterator[News]:
    """What became of a listing, for its owners; once for each version of it. `reason`: a code of the rejection
    reasons, where it is another than the listing's own."""
    why = (reason, "") if reason else (listing.rejection_reason, listing.rejection_text)
    for user in recipients(session, listing):
        details = {"reason": _reason(*why, user.language), "day": listing.expires_on}
        yield News(user, kind, f"{kind}:{listing.id}:{listing.version}", listing, details=details)


def news_of_deadline(session: Session, demand: Demand, offer: Listing, match: Match) -> Iterator[News]:
    """A demand that soon closes, for those whose offer matches it."""
    event = f"deadline_near:{match.id}:{demand.expires_on}"
    for user in recipients(session, offer):
        details = {"other": demand.heading(user.language), "day": demand.expires_on}
        yield News(user, "deadline_near", event, offer, match.id, details=details)


def news_of_hits(session: Session, hits: Sequence[Hit]) -> Iterator[News]:
    """Listings that answer subscriptions, as far as they are still public; of a listing each person hears once."""
    listings = indexing.load(session, {(hit.noun, hit.listing_id) for hit in hits})
    users = {user.id: user for user in _by_id(session, User, {hit.user_id for hit in hits})}
    kept = {row.id: row for row in _by_id(session, Subscription, {hit.subscription_id for hit in hits})}
    for hit in hits:
        listing, user = listings.get((hit.noun, hit.listing_id)), users.get(hit.user_id)
        if listing is None or not listing.published or user is None or hit.subscription_id not in kept:
            continue
        event = f"subscription_hit:{hit.noun}:{hit.listing_id}"
        details = {"name": kept[hit.subscription_id].name}
        yield News(user, "subscription_hit", event, listing, None, hit.subscription_id, details)


def _by_id(session: Session, model: type[Kept], ids: Collection[uuid.UUID]) -> Iterator[Kept]:
    """However many they are."""
    wanted = sorted(ids)
    for start in range(0, len(wanted), 500):
        yield from session.exec(select(model).where(col(model.id).in_(wanted[start : start + 500])))


def news_of_endpoint(user: User, endpoint: Endpoint) -> News:
    """That an endpoint is not told any more, and why."""
    details = {
        "name": endpoint.name or endpoint.shown or user.email,
        "reason": vocabulary("endpoint_reasons").label(endpoint.disabled_for, user.language),
    }
    return News(user, "endpoint_disabled", f"endpoint_disabled:{new_id()}", details=details)


def news_of_security(user: User, deed: str, name: str, *, event: str = "") -> News:
    """That something was done which whoever holds the account should know of; a deed of `wording.DEEDS`."""
    what = wording.DEEDS[deed][user.language != "zh"].format(name=name)
    return News(user, "security", event or f"security:{new_id()}", details={"what": what})


def news_of_account(user: User, notice: str, event: str, **details: str) -> News:
    """Something about an account, in the words of `wording.NOTICES`; once for each event."""
    title, text = (words[user.language != "zh"].format(**details) for words in wording.NOTICES[notice])
    return News(user, "account", event, details={"what": title, "text": text})


def _reason(code: str, text: str, language: str) -> str:
    named = vocabulary("rejection_reasons").label(code, language) if code else ""
    return f"{named} {text}".strip()


def inbox(
    session: Session, principal: Principal, *, before: int | None = None, limit: int, now: datetime
) -> Sequence[Notification]:
    """The caller's notifications, newest first, from below the position `before`; without those that are snoozed."""
    rows = select(Notification).where(*_shown(principal, now))
    if before is not None:
        rows = rows.where(col(Notification.position) < before)
    return session.exec(rows.order_by(col(Notification.position).desc()).limit(limit)).all()


def after(session: Session, user_id: uuid.UUID, position: int, *, limit: int) -> Sequence[Notification]:
    """What came after a position, oldest first. Whoever has seen up to one has missed nothing before it."""
    rows = select(Notification).where(Notification.recipient_id == user_id, col(Notification.position) > position)
    return session.exec(rows.order_by(col(Notification.position)).limit(limit)).all()


def newest(session: Session, user_id: uuid.UUID) -> int:
    """The position of the newest; 0 where there is none."""
    last = select(func.max(Notification.position)).where(Notification.recipient_id == user_id)
    return session.exec(last).one() or 0


def unread(session: Session, principal: Principal, *, now: datetime) -> int:
    """How many the caller has not read."""
    return session.exec(
        select(func.count())
        .select_from(Notification)
        .where(*_shown(principal, now), col(Notification.read_at).is_(None))
    ).one()


def _shown(principal: Principal, now: datetime) -> tuple[ColumnElement[bool], ...]:
    awake = or_(col(Notification.snoozed_until).is_(None), col(Notification.snoozed_until) <= now)
    return col(Notification.recipient_id) == _caller(principal), awake


def get(session: Session, principal: Principal, identity: uuid.UUID) -> Notification:
    """One of the caller's. Raises NotFound for another's."""
    row = session.get(Notification, identity)
    if row is None or row.recipient_id != _caller(principal):
        raise NotFound(noun="notification", id=str(identity))
    return row


def read(session: Session, principal: Principal, identity: uuid.UUID, *, now: datetime) -> Notification:
    """Mark one as read; reading it again changes nothing. Raises NotFound for another's."""
    row = get(session, principal, identity)
    if row.read_at is None:
        row.read_at = now
        session.add(row)
    return row


def read_all(session: Session, principal: Principal, *, now: datetime) -> int:
    """Mark all as read and say how many were not."""
    result = session.execute(
        update(Notification)
        .where(*_shown(principal, now), col(Notification.read_at).is_(None))
        .values(read_at=now)
        .execution_options(synchronize_session=False)
    )
    return rows_touched(result)


def snooze(
    session: Session, principal: Principal, identity: uuid.UUID, *, until: datetime, now: datetime
) -> Notification:
    """Put one off: it leaves the inbox, and is told once more when that is over. Raises NotFound for another's."""
    row = get(session, principal, identity)
    row.read_at, row.snoozed_until, row.planned = None, until, False
    session.add(row)
    enqueue(session, JobName.DISPATCH, [str(row.recipient_id)], now=now)
    return row


def _caller(principal: Principal) -> uuid.UUID:
    if principal.user_id is None:
        raise Unauthenticated
    return principal.user_id
