"""What reviewers do 审核: who looks at which review, and deeds on many listings at once."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from market.errors import Conflict, Invalid, MarketError, NotFound
from market.models import LISTINGS, Listing, Review
from market.services.listings import listings, reviews
from market.services.rights import principals
from market.services.rights.access import Principal, may, require
from market.services.telling.telling import News, tell
from market.services.trail import audit
from schemas import messages

BULK_ACTIONS = ("approve", "reject", "return", "suspend", "restore", "assign")
"""What can be done to many at once."""


def assign(
    session: Session,
    actor: Principal,
    identity: uuid.UUID,
    user_id: uuid.UUID | None,
    *,
    force: bool,
    now: datetime,
) -> Review:
    """Have somebody look at an open review: `user_id`, or the actor. Whoever may not decide it, as it is their own,
    can neither take nor get it. Raises NotFound, Forbidden, Conflict, and Invalid for such a `user_id`."""
    review, listing = _open(session, actor, identity, "assign")
    return _assign(session, actor, review, listing, user_id, force=force, now=now)


def _assign(
    session: Session,
    actor: Principal,
    review: Review,
    listing: Listing,
    user_id: uuid.UUID | None,
    *,
    force: bool,
    now: datetime,
) -> Review:
    reviews.guard(session, actor, listing, force=force, now=now)
    chosen = user_id or actor.user_id
    other = principals.of_user(session, chosen, now=now) if chosen is not None else None
    if other is None or not may(other, "listing.moderate", listing):
        raise Invalid({"/user": [messages.NO_REVIEWER]})
    review.assigned_to, review.assigned_at = chosen, now
    session.add(review)
    audit.record(session, actor, "assign", ("review", review.id), now=now, to=str(chosen), listing=str(listing.id))
    return review


def release(session: Session, actor: Principal, identity: uuid.UUID, *, force: bool, now: datetime) -> Review:
    """Nobody looks at it from now on. May be repeated. Raises as `assign`."""
    review, listing = _open(session, actor, identity, "release")
    reviews.guard(session, actor, listing, force=force, now=now)
    if review.assigned_to is not None:
        review.assigned_to = review.assigned_at = None
        session.add(review)
        audit.record(session, actor, "release", ("review", review.id), now=now, listing=str(listing.id))
    return review


def _open(session: Session, actor: Principal, identity: uuid.UUID, action: str) -> tuple[Review, Listing]:
    """An open review with its listing, whose row is held: whatever decides the review holds it too."""
    review = session.get(Review, identity)
    if review is None:
        raise NotFound(noun="review", id=str(identity))
    listing = _held(session, actor, review.noun, review.listing_id, version=None)
    session.refresh(review)
    if review.decision:
        raise Conflict("not-in-this-state", action=action, state=review.decision)
    return review, listing


def _held(session: Session, actor: Principal, noun: str, identity: uuid.UUID, *, version: int | None) -> Listing:
    model: Any = LISTINGS[noun]
    listing: Listing = listings.get_to_change(session, actor, model, identity, version=version)
    require(actor, "listing.moderate", listing)
    return listing


@dataclass(frozen=True, slots=True)
class Item:
    """One listing of many; `version` is what the reviewer has seen, None: whichever it is."""

    noun: str
    id: uuid.UUID
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """What became of an item: the listing as it is now, or why not."""

    item: Item
    listing: Listing | None = None
    problem: MarketError | None = None


def bulk(
    session: Session,
    actor: Principal,
    action: str,
    items: Sequence[Item],
    *,
    details: Mapping[str, Any],
    now: datetime,
) -> list[Done]:
    """Do one of `BULK_ACTIONS` to each, in the order given; what one of them cannot do leaves the others alone.
    `details` have passed the action's schema. Each is in the audit trail as if it had been done alone."""
    done: dict[Item, Done] = {}
    news: list[News] = []
    # In one order, so that of two reviewers with the same ones, the one waits for the other and not both.
    for item in sorted(dict.fromkeys(items), key=lambda one: (one.noun, one.id)):
        try:
            with session.begin_nested():
                listing, more = _one(session, actor, action, item, details=details, now=now)
        except MarketError as problem:
            done[item] = Done(item, problem=problem)
        else:
            done[item] = Done(item, listing)
            news += more
    tell(session, news, now=now)
    return [done[item] for item in items]


def _one(
    session: Session, actor: Principal, action: str, item: Item, *, details: Mapping[str, Any], now: datetime
) -> tuple[Listing, list[News]]:
    if action == "assign":
        listing = _held(session, actor, item.noun, item.id, version=item.version)
        review = reviews.of_listing(session, listing.id)
        if review is None:
            raise Conflict("not-in-this-state", action=action, state=listing.state)
        _assign(session, actor, review, listing, details.get("user"), force=details.get("force", False), now=now)
        return listing, []
    model: Any = LISTINGS[item.noun]
    return listings.lead(session, actor, model, item.id, action, version=item.version, now=now, details=dict(details))
