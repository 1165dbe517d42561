"""Messages that the exchange passes on, about a listing whose contact is not shown: neither side learns the other's
address. Nothing of what is written goes into notifications, logs or the audit trail."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, func, or_, select, update

from market.db import take_turn
from market.errors import Conflict, Forbidden, NotFound, TooMany, Unauthenticated
from market.models import LISTINGS, Listing, Organisation, RelayMessage, User
from market.models.base import new_id
from market.services.claims import ending
from market.services.listings import listings
from market.services.people import accounts
from market.services.rights import people
from market.services.rights.access import Principal, require, require_confirmed, visible_to
from market.services.telling import notifications
from market.services.telling.telling import News, tell
from market.services.trail import audit

A_DAY = 20
"""Messages to listings that one person may write in 24 hours; answers are not counted."""
_MOST_STAFF = 20
_STAFF = "reviewer"


@dataclass(frozen=True, slots=True)
class Opener:
    """Who began a thread: this, and no address, is what the other side learns of them."""

    user_id: uuid.UUID
    name: str
    email_verified: bool
    organisation: Organisation | None


@dataclass(frozen=True, slots=True)
class Thread:
    """A conversation as one of its sides sees it; no listing where they may not see it any more. `opener` is None
    for themselves. `because`: why it was closed, where neither side closed it."""

    id: uuid.UUID
    noun: str
    listing_id: uuid.UUID
    listing: Listing | None
    opener: Opener | None
    last_at: datetime
    unread: int
    closed_at: datetime | None
    because: str


@dataclass(frozen=True, slots=True)
class Said:
    """One message of a thread."""

    at: datetime
    mine: bool
    text: str
    read_at: datetime | None


def send(
    session: Session, actor: Principal, model: type[Listing], identity: uuid.UUID, text: str, *, now: datetime
) -> uuid.UUID:
    """Write to whoever a listing belongs to; gives the thread, which is the same for all that one writes about it.

    Raises NotFound, Forbidden (also for whoever has not shown who they are), TooMany, and Conflict where it is one's
    own, the thread is closed, or nobody is there to read it.
    """
    me = _caller(actor)
    listing = listings.get_to_change(session, actor, model, identity, version=None)
    require(actor, "relay.send", listing)
    require_confirmed(actor)
    take_turn(session, "relay", str(me))
    _require_room(session, me, now=now)
    told = side_of(session, listing)
    if me in {user.id for user in told}:
        raise Conflict("own-listing")
    begun = col(RelayMessage.listing_id) == identity, col(RelayMessage.sender_id) == me, col(RelayMessage.opening)
    earlier = session.exec(select(RelayMessage).where(*begun).limit(1)).first()
    if earlier is not None and earlier.closed_at is not None:
        raise Conflict("thread-closed")
    thread = earlier.thread_id if earlier is not None else new_id()
    first = RelayMessage(
        noun=model.NOUN, listing_id=identity, thread_id=thread, message_id=new_id(), sender_id=me, recipient_id=me,
        organisation_id=actor.home, opening=True, text=text, created_at=now,
    )  # fmt: skip
    _pass_on(session, actor, first, told, listing, to_owners=True, now=now)
    return thread


def _require_room(session: Session, me: uuid.UUID, *, now: datetime) -> None:
    mine = select(RelayMessage.message_id, RelayMessage.created_at).where(
        RelayMessage.sender_id == me,
        col(RelayMessage.opening),
        col(RelayMessage.created_at) > now - timedelta(days=1),
    )
    once = mine.distinct().subquery()
    written, first = session.execute(select(func.count(), func.min(once.c.created_at)).select_from(once)).one()
    if written >= A_DAY:
        raise TooMany("too-many-messages", again_in=first + timedelta(days=1) - now, most=A_DAY)


def side_of(session: Session, listing: Listing) -> Sequence[User]:
    """Who answers for a listing: its owners; where they have no account that is open the organisation's
    administrators; else staff."""
    return (
        notifications.recipients(session, listing)
        or people.members(session, listing.organisation_id, frozenset({"organisation_admin"}))
        or accounts.listed(session, role=_STAFF, active=True, limit=_MOST_STAFF)
    )


def _pass_on(
    session: Session,
    actor: Principal,
    message: RelayMessage,
    recipients: Iterable[User],
    listing: Listing | None,
    *,
    to_owners: bool,
    now: datetime,
) -> None:
    """A row for each recipient, who is told that there is a message, and what of. What the listing is called now is
    for its own side, and for others while it is public."""
    rows = [(user, message.model_copy(update={"id": new_id(), "recipient_id": user.id})) for user in recipients]
    if not rows:
        raise Conflict("nobody-to-tell")
    session.add_all(RelayMessage(**row.model_dump()) for _, row in rows)
    subject = ("thread", message.thread_id)
    audit.record(session, actor, "write", subject, now=now, noun=message.noun, listing=str(message.listing_id))
    shown = listing if listing is not None and (to_owners or listing.published) else None
    news = [
        News(user, "relay_message", f"relay_message:{row.id}", shown, details={"title": "—"}) for user, row in rows
    ]
    tell(session, news, now=now)


def listed(
    session: Session, actor: Principal, *, before: tuple[datetime, uuid.UUID] | None, limit: int
) -> list[Thread]:
    """The caller's threads, the one with the newest message first, from after the position `before` (moment, id)."""
    me = _caller(actor)
    last = func.max(RelayMessage.created_at)
    rows = _threads(me).order_by(last.desc(), col(RelayMessage.thread_id).desc()).limit(limit)
    if before is not None:
        moment, identity = before
        rows = rows.having(or_(last < moment, and_(last == moment, col(RelayMessage.thread_id) < identity)))
    return _seen(session, actor, session.execute(rows).all())


def get(session: Session, actor: Principal, identity: uuid.UUID) -> tuple[Thread, list[Said]]:
    """A thread of the caller's with its messages, the oldest first. Raises NotFound for another's."""
    me = _caller(actor)
    found = _seen(session, actor, session.execute(_threads(me).where(RelayMessage.thread_id == identity)).all())
    if not found:
        raise NotFound(noun="thread", id=str(identity))
    return found[0], list(_said(_mine(session, me, identity), me))


def _said(rows: Iterable[RelayMessage], me: uuid.UUID) -> Iterable[Said]:
    """What was sent to several is one message."""
    once = {row.message_id: row for row in rows}
    for row in once.values():
        mine = row.sender_id == me
        yield Said(row.created_at, mine, row.text, None if mine else row.read_at)


def answer(session: Session, actor: Principal, identity: uuid.UUID, text: str, *, now: datetime) -> None:
    """Write to the other side of a thread. Raises NotFound for another's, Forbidden for whoever answers for the
    listing no more, Conflict where it is closed or nobody is there to read it."""
    me = _caller(actor)
    require_confirmed(actor)
    take_turn(session, "thread", str(identity))
    rows = _mine(session, me, identity)
    if not rows:
        raise NotFound(noun="thread", id=str(identity))
    if any(row.closed_at is not None for row in rows):
        raise Conflict("thread-closed")
    begun = next(row for row in rows if row.opening)
    listing: Listing | None = session.get(LISTINGS[begun.noun], begun.listing_id)
    theirs = side_of(session, listing) if listing is not None else ()
    if begun.sender_id == me:
        told = [user for user in theirs if user.id != me]
    elif listing is None or me in {user.id for user in theirs}:
        told = list(session.exec(select(User).where(User.id == begun.sender_id, col(User.active))))
    else:
        raise Forbidden
    message = RelayMessage(
        noun=begun.noun, listing_id=begun.listing_id, thread_id=identity, message_id=new_id(),
        sender_id=me, recipient_id=me,
        text=text, created_at=now,
    )  # fmt: skip
    _pass_on(session, actor, message, told, listing, to_owners=begun.sender_id == me, now=now)


def mark_read(session: Session, actor: Principal, identity: uuid.UUID, *, now: datetime) -> None:
    """Note that the caller has read what was written to them. May be repeated. Raises NotFound for another's."""
    me = _caller(actor)
    if not _mine(session, me, identity):
        raise NotFound(noun="thread", id=str(identity))
    unread = update(RelayMessage).where(
        col(RelayMessage.thread_id) == identity,
        col(RelayMessage.recipient_id) == me,
        col(RelayMessage.read_at).is_(None),
    )
    session.execute(unread.values(read_at=now))


def close(session: Session, actor: Principal, identity: uuid.UUID, *, now: datetime) -> None:
    """End a thread for both sides, for good. May be repeated. Raises NotFound for another's."""
    me = _caller(actor)
    take_turn(session, "thread", str(identity))
    rows = _mine(session, me, identity)
    if not rows:
        raise NotFound(noun="thread", id=str(identity))
    if any(row.closed_at is not None for row in rows):
        return
    all_of_it = update(RelayMessage).where(col(RelayMessage.thread_id) == identity)
    session.execute(all_of_it.values(closed_at=now))
    audit.record(session, actor, "close", ("thread", identity), now=now)


def _mine(session: Session, me: uuid.UUID, identity: uuid.UUID) -> Sequence[RelayMessage]:
    """The rows of a thread that somebody has written or got, the oldest first."""
    rows = select(RelayMessage).where(RelayMessage.thread_id == identity, _of(me))
    fresh = rows.execution_options(populate_existing=True)
    return session.exec(fresh.order_by(col(RelayMessage.created_at), col(RelayMessage.message_id))).all()


def _of(me: uuid.UUID) -> ColumnElement[bool]:
    return or_(col(RelayMessage.sender_id) == me, col(RelayMessage.recipient_id) == me)


def _threads(me: uuid.UUID) -> Any:
    columns: tuple[Any, ...] = (RelayMessage.thread_id, RelayMessage.noun, RelayMessage.listing_id)
    new = and_(col(RelayMessage.recipient_id) == me, col(RelayMessage.read_at).is_(None))
    return (
        select_columns(
            *columns,
            func.max(RelayMessage.created_at).label("last_at"),
            func.sum(case((new, 1), else_=0)).label("unread"),
            func.max(RelayMessage.closed_at).label("closed_at"),
        )
        .where(_of(me))
        .group_by(*columns)
    )


def _seen(session: Session, actor: Principal, rows: Sequence[Any]) -> list[Thread]:
    """With listings and whoever began each, one query a kind."""
    known: dict[uuid.UUID, Listing] = {}
    for noun, model in LISTINGS.items():
        ids = {row.listing_id for row in rows if row.noun == noun}
        if ids:
            visible = select(model).where(col(model.id).in_(ids), visible_to(model, actor))
            known.update({one.id: one for one in session.exec(visible)})
    openers = _openers(session, [row.thread_id for row in rows])
    because = ending.reasons(session, "thread", [row.thread_id for row in rows if row.closed_at is not None])
    return [
        Thread(
            row.thread_id,
            row.noun,
            row.listing_id,
            known.get(row.listing_id),
            None if openers[row.thread_id].user_id == actor.user_id else openers[row.thread_id],
            row.last_at,
            int(row.unread),
            row.closed_at,
            because.get(row.thread_id, ""),
        )
        for row in rows
    ]


def _openers(session: Session, threads: Sequence[uuid.UUID]) -> Mapping[uuid.UUID, Opener]:
    """By thread; of an organisation as it was when they last wrote."""
    rows = (
        select(RelayMessage.thread_id, User, Organisation)
        .join(User, col(User.id) == col(RelayMessage.sender_id))
        .outerjoin(Organisation, col(Organisation.id) == col(RelayMessage.organisation_id))
        .where(col(RelayMessage.thread_id).in_(threads), col(RelayMessage.opening))
        .order_by(col(RelayMessage.created_at), col(RelayMessage.id))
    )
    return {
        thread: Opener(user.id, user.name, user.email_verified_at is not None, house)
        for thread, user, house in session.execute(rows)
    }


def _caller(actor: Principal) -> uuid.UUID:
    if actor.user_id is None:
        raise Unauthenticated
    return actor.user_id
