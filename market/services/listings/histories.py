"""The history of a listing 变更历史: what the audit trail has of it, as far as one may know; versions, restoring."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from marshmallow import ValidationError
from sqlalchemy import tuple_
from sqlmodel import Session, col, select

from market.errors import Invalid, NotFound
from market.models import AuditEntry, Listing, Membership, Review, User
from market.services.listings import comparing, listings, versions
from market.services.listings.lives import DEMAND_ACTIONS, LISTING_ACTIONS
from market.services.rights.access import Principal, allowed, require
from schemas.base import pointers

AnyListing = TypeVar("AnyListing", bound=Listing)

# Deeds that changed a listing. All others stay with the auditors: who reported it, say, or who read it.
_CLAIMED = ("approve_claim", "consent", "withdraw_consent")
TOLD = frozenset({"create", "change", "expire", "merge", "unmerge", *_CLAIMED, *LISTING_ACTIONS, *DEMAND_ACTIONS})
_DECIDED = frozenset({"approve", "reject", "return", "merge"})
_MOST_MERGED = 200
# An earlier version does not bring these back: what names the listing elsewhere, and what has been protected since.
NOT_RESTORED = frozenset({"external_key", "tiers", "organisation_masked"})


@dataclass(frozen=True, slots=True)
class Told:
    """One deed, as far as the caller may know of it. `role`: owner, colleague, reviewer, other or system; `name` is
    empty where it is not told. `listing_id` is another's where that was merged into this one."""

    entry: AuditEntry
    role: str
    name: str
    text: str

    @property
    def listing_id(self) -> uuid.UUID:
        return self.entry.subject_id


def get(session: Session, actor: Principal, model: type[AnyListing], identity: uuid.UUID, action: str) -> AnyListing:
    """The listing, if the caller may take this action on it, in whichever state. Raises NotFound and Forbidden."""
    listing = session.exec(select(model).where(model.id == identity)).first()
    if listing is None:
        raise NotFound(noun=model.NOUN, id=str(identity))
    require(actor, action, listing)
    return listing


def of_listing(
    session: Session,
    actor: Principal,
    model: type[Listing],
    identity: uuid.UUID,
    *,
    before: tuple[datetime, uuid.UUID] | None,
    limit: int,
) -> list[Told]:
    """The deeds on a listing and on those merged into it, the newest first, from after the position `before` (moment,
    id). Raises NotFound and Forbidden."""
    listing = get(session, actor, model, identity, "listing.history")
    lives = {listing.id: listing, **{one.id: one for one in _merged(session, model, listing.id)}}
    rows = select(AuditEntry).where(col(AuditEntry.subject_id).in_(lives), col(AuditEntry.action).in_(TOLD))
    if before is not None:
        rows = rows.where(tuple_(col(AuditEntry.created_at), col(AuditEntry.id)) < before)
    newest_first = col(AuditEntry.created_at).desc(), col(AuditEntry.id).desc()
    entries = session.exec(rows.order_by(*newest_first).limit(limit)).all()
    texts = _texts(session, entries)
    who = _Names(session, actor, entries, lives)
    return [
        Told(one, *who.of(one), texts.get((one.subject_id, one.created_at), "") if one.action in _DECIDED else "")
        for one in entries
    ]


def _merged(session: Session, model: type[AnyListing], identity: uuid.UUID) -> list[AnyListing]:
    """The listings merged into one, those merged into these, and so on."""
    found: list[AnyListing] = []
    ids = [identity]
    while ids and len(found) < _MOST_MERGED:
        rows = session.exec(select(model).where(col(model.merged_into).in_(ids)).order_by(col(model.id))).all()
        found += rows
        ids = [one.id for one in rows]
    return found[:_MOST_MERGED]


def _texts(session: Session, entries: Iterable[AuditEntry]) -> dict[tuple[uuid.UUID, datetime], str]:
    """What reviewers wrote, which the trail does not keep, by listing and moment."""
    ids = {one.subject_id for one in entries if one.action in _DECIDED}
    if not ids:
        return {}
    rows = select(Review.listing_id, Review.decided_at, Review.text).where(col(Review.listing_id).in_(ids))
    return {(one, at): text for one, at, text in session.execute(rows.where(Review.text != "")) if at is not None}


class _Names:
    """Who did what, as far as a caller may know: staff all names, others those of their own colleagues."""

    def __init__(
        self,
        session: Session,
        caller: Principal,
        entries: Sequence[AuditEntry],
        lives: Mapping[uuid.UUID, Listing],
    ) -> None:
        ids = {one.actor_id for one in entries if one.actor_id is not None}
        self._people = {one.id: one for one in session.exec(select(User).where(col(User.id).in_(ids)))} if ids else {}
        houses = {one.organisation_id for one in lives.values()}
        there = select(Membership.user_id, Membership.organisation_id).where(
            col(Membership.user_id).in_(ids), col(Membership.organisation_id).in_(houses)
        )
        self._there: set[tuple[uuid.UUID, uuid.UUID]] = {(u, o) for u, o in session.execute(there)} if ids else set()
        self._caller, self._lives = caller, lives
        self._staff = allowed(caller, "moderation.queue") or allowed(caller, "audit.read")

    def of(self, entry: AuditEntry) -> tuple[str, str]:
        """Role and name."""
        if entry.actor_id is None:
            return "system", ""
        listing, person = self._lives[entry.subject_id], self._people.get(entry.actor_id)
        house = listing.organisation_id
        colleague = (entry.actor_id, house) in self._there
        if entry.actor_id == listing.owner_id:
            role = "owner"
        elif colleague:
            role = "colleague"
        else:
            role = "reviewer" if person is not None and person.roles else "other"
        near = (colleague or role == "owner") and bool(self._caller.roles_in(house))
        told = self._staff or near or entry.actor_id == self._caller.user_id
        return role, person.name if told and person is not None else ""


def version(
    session: Session, actor: Principal, model: type[Listing], identity: uuid.UUID, number: int
) -> tuple[Listing, dict[str, Any]]:
    """The listing, and what it said in a version. Raises NotFound and Forbidden."""
    listing = get(session, actor, model, identity, "listing.versions")
    return listing, versions.at(session, listing, number)


def difference(
    session: Session, actor: Principal, model: type[Listing], identity: uuid.UUID, *, older: int, newer: int | None
) -> tuple[Listing, int, list[dict[str, Any]]]:
    """The listing, the later version (the present one where None is asked for), and the fields that differ."""
    listing = get(session, actor, model, identity, "listing.versions")
    last = listing.version if newer is None else newer
    contents = versions.at(session, listing, older), versions.at(session, listing, last)
    return listing, last, comparing.differences(*contents)


def restore(
    session: Session,
    actor: Principal,
    model: type[AnyListing],
    identity: uuid.UUID,
    number: int,
    *,
    version: int | None,
    now: datetime,
) -> AnyListing:
    """Have the listing say what it said in an earlier version, as a change like any other: a new version, reviewed
    where changes are. Its key and its protection stay as they are now. Raises as `listings.change`, and Invalid where
    the old content would not be taken any more."""
    listing = listings.get_to_change(session, actor, model, identity, version=version)
    require(actor, "listing.update", listing)
    content = versions.at(session, listing, number)
    schema = versions.SCHEMAS[model.NOUN]()
    # A field that there was then may be none of today's.
    kept = {name: value for name, value in content.items() if name in schema.fields and name not in NOT_RESTORED}
    # What is empty needs no judging, and a field of input may not be given empty.
    empty = {name: value for name, value in kept.items() if value in ("", None)}
    try:
        data = schema.load({name: value for name, value in kept.items() if name not in empty})
    except ValidationError as error:
        raise Invalid(pointers(error.messages)) from error
    return listings.change(
        session, actor, model, identity, {**empty, **data}, version=version, now=now, restored=number
    )
