"""How much of a listing a caller sees, by the tiers of its fields; and that it was seen, in the audit trail."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlmodel import Session, col, or_, select

from market.models import AccessRequest, Listing
from market.rights import rules_of
from market.services.rights.access import Principal, may
from market.services.trail import audit
from market.vocabulary import protection
from market.vocabulary.protection import AGREEMENT, EVERYTHING, FIELDS, PUBLIC, REGISTERED, TIERS, VERIFIED

_ACTION = "listing.disclose"
_INSIDE = frozenset().union(*(rule.organisation.roles for rule in rules_of(_ACTION)))
# As the index of standing requests has it, so that either database looks there.
_STANDING = text("state IN ('open', 'granted')")


@dataclass(frozen=True, slots=True)
class Sight:
    """How far somebody sees into a listing, and by what: `own`, `staff`, `assigned`, or the tier they reached."""

    level: int
    by: str


@dataclass(frozen=True, slots=True)
class Disclosed:
    """What not everybody may see and somebody, whose it is not, is about to be shown."""

    noun: str
    listing_id: uuid.UUID
    fields: tuple[str, ...]
    level: str


NO_MORE = Sight(PUBLIC, TIERS[PUBLIC])
"""Only what everybody sees."""
_OWN = Sight(EVERYTHING, "own")


def sight(session: Session, principal: Principal, listing: Listing, *, now: datetime) -> Sight:
    """How far the caller sees into a listing at this moment. Asks for an agreement only where one would show more."""
    if may(principal, _ACTION, listing):
        if _inside(principal, listing):
            return _OWN
        return Sight(EVERYTHING, "assigned" if listing.id in principal.cases else "staff")
    if principal.user_id is None or not principal.confirmed:  # a name that anybody may have given reaches no tier
        return NO_MORE
    if _has_at(listing, AGREEMENT) and agreed(session, principal, listing.id, now=now):
        return Sight(AGREEMENT, TIERS[AGREEMENT])
    level = VERIFIED if principal.verified else REGISTERED
    return Sight(level, TIERS[level])


def sight_in_lists(principal: Principal, listing: Listing) -> Sight:
    """The same where many are shown: all of one's own and one's organisation's, of others what is public. Nothing is
    asked for, and nothing needs to be noted."""
    return _OWN if _inside(principal, listing) and may(principal, _ACTION, listing) else NO_MORE


def _inside(principal: Principal, listing: Listing) -> bool:
    own = principal.user_id is not None and listing.owner_id == principal.user_id
    return own or not _INSIDE.isdisjoint(principal.roles_in(listing.organisation_id))


def agreed(session: Session, principal: Principal, listing_id: uuid.UUID, *, now: datetime) -> bool:
    """Whether a request of theirs to see this listing was granted, and the grant has not ended: by time, or since
    they have left the organisation for which they asked."""
    theirs = sorted({organisation for organisation, _ in principal.memberships})
    granted = select(AccessRequest.id).where(
        AccessRequest.listing_id == listing_id,
        AccessRequest.requester_id == principal.user_id,
        or_(col(AccessRequest.organisation_id).is_(None), col(AccessRequest.organisation_id).in_(theirs)),
        _STANDING,
        AccessRequest.state == "granted",
        col(AccessRequest.until) > now,
    )
    return session.exec(granted).first() is not None


def hidden(listing: Listing, level: int) -> frozenset[str]:
    """The fields that a reader of this level does not see."""
    return protection.hidden_at(listing.NOUN, listing.protected, level)


def askable(listing: Listing, fields: Collection[str]) -> dict[str, str]:
    """Of hidden fields those that could be seen, with the tier it takes. What is protected unless its owner says
    otherwise counts only where it is filled in."""
    protected = listing.protected
    return {
        name: protected[name]
        for name in sorted(fields)
        if protected[name] in TIERS and (name in listing.tiers or _filled(listing, name))
    }


def disclosed(listing: Listing, seen: Sight) -> Disclosed | None:
    """What is to be noted before it is shown; None where it is one's own, public, or empty."""
    if seen.by == "own":
        return None
    protected = hidden(listing, PUBLIC)
    shown = protected if seen.level == EVERYTHING else protected - hidden(listing, seen.level)
    fields = tuple(sorted(name for name in shown if _filled(listing, name)))
    return Disclosed(listing.NOUN, listing.id, fields, seen.by) if fields else None


def note(session: Session, principal: Principal, one: Disclosed, *, now: datetime) -> None:
    """Write into the audit trail who is shown what."""
    audit.record(
        session,
        principal,
        "disclose",
        (one.noun, one.listing_id),
        now=now,
        fields=list(one.fields),
        level=one.level,
    )


def settled(noun: str, data: Mapping[str, Any], listing: Listing | None = None) -> dict[str, Any]:
    """Input of a new listing, or of a change to one, with its tiers as they are stored: `protection.settled`."""
    if listing is None:
        return protection.settled(noun, data)
    masked = bool(getattr(listing, "organisation_masked", False))
    return protection.settled(noun, data, tiers=listing.tiers, masked=masked)


def _has_at(listing: Listing, level: int) -> bool:
    """Whether something is shown from this level on."""
    tier = TIERS[level]
    return any(found == tier and _filled(listing, name) for name, found in listing.protected.items())


def _filled(listing: Listing, field: str) -> bool:
    return field == "organisation" or any(getattr(listing, name) for name in FIELDS[listing.NOUN].get(field, ()))
