"""Merging 合并: of two listings of one thing one goes on; the other is closed, and can come back."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import TypeVar

from sqlmodel import Session, col, select

from market.errors import Conflict, Invalid, NotFound
from market.models import AuditEntry, Listing
from market.services.listings import listings, reviews
from market.services.listings.reviews import Ruling
from market.services.rights.access import Principal, require, visible_to
from market.services.telling import notifications
from market.services.telling.telling import tell
from market.services.trail import audit
from schemas import messages

AnyListing = TypeVar("AnyListing", bound=Listing)

_MAY_BE_MERGED = frozenset({"submitted", "rejected", "published", "suspended", "expired", "withdrawn"})
_DUPLICATE = "duplicate"  # of the rejection reasons
_FARTHEST = 20  # steps from one that was merged to one that goes on


def merge(
    session: Session,
    actor: Principal,
    model: type[AnyListing],
    identity: uuid.UUID,
    into: uuid.UUID,
    *,
    version: int | None,
    force: bool,
    now: datetime,
) -> AnyListing:
    """Close a listing in favour of another of its kind, which must be nobody's whom the actor may not moderate: or a
    reviewer could have a rival's listing give way to their own. Its matches end by the index job; its key goes on
    naming it. Raises NotFound, Forbidden, Stale, Conflict, and Invalid where the other one cannot go on for it."""
    if identity == into:
        raise Invalid({"/into": [messages.NOT_ITSELF]})
    loser, winner = _both(session, actor, model, identity, into, version)
    require(actor, "listing.moderate", loser)
    require(actor, "listing.moderate", winner)
    if loser.state not in _MAY_BE_MERGED:
        raise Conflict("not-in-this-state", action="merge", state=loser.state)
    if winner.state == "closed" or winner.merged_into is not None:
        raise Invalid({"/into": [messages.NOT_TO_BE_MERGED_INTO]})
    reviews.guard(session, actor, loser, force=force, now=now)
    before = loser.state
    loser.state, loser.merged_into = "closed", winner.id
    # Why it was once turned down stays with it: it counts again when the two are parted.
    news = list(notifications.news_of_listing(session, loser, "listing_suspended", reason=_DUPLICATE))
    audit.record(
        session, actor, "merge", loser, now=now,
        before=before, after=loser.state, version=loser.version + 1, into=str(winner.id),
    )  # fmt: skip
    listings.next_version(session, actor, loser, before=before, now=now, ruling=Ruling("merge", _DUPLICATE))
    tell(session, news, now=now)
    return loser


def _both(
    session: Session,
    actor: Principal,
    model: type[AnyListing],
    identity: uuid.UUID,
    into: uuid.UUID,
    version: int | None,
) -> tuple[AnyListing, AnyListing]:
    """Held in order of id, so that of two who merge them the other way round, the one waits for the other."""
    held: dict[uuid.UUID, AnyListing] = {}
    for one in sorted((identity, into)):
        try:
            wanted = version if one == identity else None
            held[one] = listings.get_to_change(session, actor, model, one, version=wanted)
        except NotFound:
            if one == identity:
                raise
    if into not in held:
        raise Invalid({"/into": [messages.NOT_TO_BE_MERGED_INTO]})
    return held[identity], held[into]


def unmerge(
    session: Session,
    actor: Principal,
    model: type[AnyListing],
    identity: uuid.UUID,
    *,
    version: int | None,
    now: datetime,
) -> AnyListing:
    """Undo a merge: the listing is again what it was before, and waits for a review if it did; what was published and
    has had its last day has expired. Raises NotFound, Forbidden, Stale, and Conflict where it was not merged."""
    listing = listings.get_to_change(session, actor, model, identity, version=version)
    require(actor, "listing.moderate", listing)
    if listing.merged_into is None:
        raise Conflict("not-in-this-state", action="unmerge", state=listing.state)
    before, listing.merged_into = listing.state, None
    listing.state = _state_before(session, listing)
    if listing.state in ("submitted", "published"):
        listings.require_showable(session, listing)
    if listing.published and listing.expires_on is not None and listing.expires_on < now.date():
        listing.state = "expired"
    audit.record(
        session, actor, "unmerge", listing, now=now, before=before, after=listing.state, version=listing.version + 1
    )
    listings.next_version(session, actor, listing, before=before, now=now)
    return listing


def _state_before(session: Session, listing: Listing) -> str:
    """As the trail has it, which nobody can change."""
    merges = select(AuditEntry).where(AuditEntry.subject_id == listing.id, AuditEntry.action == "merge")
    newest = (col(AuditEntry.created_at).desc(), col(AuditEntry.id).desc())
    entry = session.exec(merges.order_by(*newest)).first()
    state = str(entry.details.get("before", "")) if entry is not None else ""
    return state if state in _MAY_BE_MERGED else "withdrawn"


def successor(session: Session, principal: Principal, model: type[Listing], identity: uuid.UUID) -> uuid.UUID | None:
    """Which listing goes on for one that the public could see once, where the caller may see that one; else None."""
    columns = select(model.merged_into).where(model.id == identity, col(model.published_at).is_not(None))
    place = session.exec(columns).first()
    for _ in range(_FARTHEST):
        if place is None:
            return None
        following = session.exec(select(model.merged_into).where(model.id == place)).first()
        if following is None:
            break
        place = following
    visible = select(model.id).where(model.id == place, visible_to(model, principal), model.state == "published")
    return session.exec(visible).first()
