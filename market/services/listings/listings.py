"""Outcomes, experts and demands: create, read, change, delete, and lead through their lives."""

from __future__ import annotations

import uuid
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import inspect
from sqlmodel import Session, and_, col, select, update

from market.errors import Conflict, Invalid, NotFound, Stale
from market.models import LISTINGS, Demand, Expert, Listing, Organisation, Work
from market.outbox import JobName, enqueue
from market.rights import rules_of
from market.services.disclosure import disclosing
from market.services.listings import custody, external_keys, merged, reviews, rules, versions
from market.services.listings.lives import DEMAND_ACTIONS, LISTING_ACTIONS, Transition
from market.services.listings.reviews import Ruling
from market.services.rights import turns
from market.services.rights.access import Principal, may, require, require_in, visible_to
from market.services.telling import notifications
from market.services.telling.telling import News, tell
from market.services.trail import audit
from schemas import messages

AnyListing = TypeVar("AnyListing", bound=Listing)


def create(
    session: Session,
    actor: Principal,
    model: type[AnyListing],
    data: dict[str, Any],
    *,
    now: datetime,
) -> AnyListing:
    """Add a listing, as a draft, or submitted at once where `data["submit"]` is true.

    `data` has passed its schema; it may name the organisation that it is posted for, else that is the actor's own.
    Not to be repeated without an idempotency or external key.
    """
    organisation_id = data.get("organisation_id") or actor.home
    if organisation_id is None:
        raise Conflict("organisation-missing")
    require_in(actor, "listing.create", organisation_id)
    # What somebody posts for others belongs to these.
    owner_id = actor.user_id if organisation_id == actor.home else None
    external_keys.refuse_taken(session, organisation_id, model, data.get("external_key"))
    return add(session, actor, model, data, now=now, organisation_id=organisation_id, owner_id=owner_id)


def add(
    session: Session,
    actor: Principal,
    model: type[AnyListing],
    data: dict[str, Any],
    *,
    now: datetime,
    organisation_id: uuid.UUID,
    owner_id: uuid.UUID | None,
) -> AnyListing:
    """Create without asking who may, or whether the external key is free: for whoever has asked for many at once.
    Raises Forbidden for an actor who has lost meanwhile what they came as."""
    submitted = data.get("submit", False)
    values = {name: value for name, value in data.items() if name not in ("submit", "works", "organisation_id")}
    values = disclosing.settled(model.NOUN, values)
    organisation = turns.posting_for(session, actor, organisation_id, now=now)
    listing = model(
        organisation_id=organisation_id,
        organisation=organisation,  # type: ignore[call-arg]  # each table's relationship
        owner_id=owner_id,
        created_at=now,
        updated_at=now,
        **values,
    )
    _settle(listing, data.get("works"))
    audit.record(session, actor, "create", listing, now=now, version=1)
    if submitted:
        _move(session, actor, listing, "submit", now=now)
    _stored(session, actor, listing, before="draft", now=now)
    return listing


def get(session: Session, actor: Principal, model: type[AnyListing], identity: uuid.UUID) -> AnyListing:
    """The listing, if this caller may see it. Raises NotFound else."""
    listing = session.exec(select(model).where(model.id == identity, visible_to(model, actor))).first()
    if listing is None:
        raise NotFound(noun=model.NOUN, id=str(identity))
    return listing


def get_to_change(
    session: Session,
    actor: Principal,
    model: type[AnyListing],
    identity: uuid.UUID,
    *,
    version: int | None,
) -> AnyListing:
    """The listing with its row held until the transaction ends. Raises NotFound, or Stale where it is newer."""
    listing = session.exec(
        select(model)
        .where(model.id == identity, visible_to(model, actor))
        .with_for_update(of=model, key_share=True)
        .execution_options(populate_existing=True)  # what was read before the row was held may be old
    ).first()
    if listing is None:
        raise NotFound(noun=model.NOUN, id=str(identity))
    if version is not None and listing.version != version:
        raise Stale(present=listing.version, given=version)
    return listing


def change(
    session: Session,
    actor: Principal,
    model: type[AnyListing],
    identity: uuid.UUID,
    data: dict[str, Any],
    *,
    version: int | None,
    now: datetime,
    restored: int | None = None,
) -> AnyListing:
    """Change some fields. What an organisation that is not trusted changes while published is reviewed again.

    `restored` names the earlier version that the data are of, where they are of one.
    """
    key = data.get("external_key")
    if key:
        seen = get(session, actor, model, identity)
        external_keys.take_turn_of(session, seen.organisation_id, model, key if key != seen.external_key else None)
    listing = get_to_change(session, actor, model, identity, version=version)
    require(actor, "listing.update", listing)
    if listing.state == "closed":
        raise Conflict("closed")
    if key != listing.external_key:
        external_keys.refuse_taken(session, listing.organisation_id, model, key)
    before, content, last_day = listing.state, versions.content_of(listing), listing.expires_on
    for name, value in disclosing.settled(model.NOUN, data, listing).items():
        if name != "works":
            setattr(listing, name, value)
    if listing.expires_on != last_day:  # its owner is warned of the new one too
        listing.warned = False
    _settle(listing, data.get("works"))
    if listing.published and not _unreviewed(actor, listing):
        listing.state = "submitted"
    details: dict[str, Any] = {
        "fields": versions.keep(session, listing, content, now=now),
        "version": listing.version + 1,
    }
    if listing.state != before:
        details |= {"before": before, "after": listing.state}
    if restored is not None:
        details["restored"] = restored
    audit.record(session, actor, "change", listing, now=now, **details)
    next_version(session, actor, listing, before=before, now=now)
    return listing


def remove(
    session: Session,
    actor: Principal,
    model: type[AnyListing],
    identity: uuid.UUID,
    *,
    version: int | None,
    now: datetime,
) -> None:
    """Delete the listing with its works, matches and their notifications, reviews, versions and reports; the audit
    trail stays. What else hangs on it (index, signature, claims, messages, cases) ends by the index job. Raises
    Conflict where others were merged into it."""
    listing = get_to_change(session, actor, model, identity, version=version)
    require(actor, "listing.delete", listing)
    merged.require_none(session, listing)
    audit.record(session, actor, "delete", listing, now=now)
    reviews.forget(session, listing.id)
    versions.forget(session, listing.id)
    _touched(session, listing, now=now)
    session.delete(listing)


def act(
    session: Session,
    actor: Principal,
    model: type[AnyListing],
    identity: uuid.UUID,
    action: str,
    *,
    version: int | None,
    now: datetime,
    details: dict[str, Any],
) -> AnyListing:
    """Take an action of its life, and tell whom it concerns. `details` have passed the action's schema; with `force`,
    what another reviewer looks at is decided all the same. Raises Conflict where the present state does not allow it.
    """
    listing, news = lead(session, actor, model, identity, action, version=version, now=now, details=details)
    tell(session, news, now=now)
    return listing


def lead(
    session: Session,
    actor: Principal,
    model: type[AnyListing],
    identity: uuid.UUID,
    action: str,
    *,
    version: int | None,
    now: datetime,
    details: dict[str, Any],
) -> tuple[AnyListing, list[News]]:
    """As `act`, but gives what is to be told, for whoever acts on several: it is told once in a transaction."""
    listing = get_to_change(session, actor, model, identity, version=version)
    before = listing.state
    news = _move(session, actor, listing, action, now=now, **details)
    said = (listing.rejection_reason, listing.rejection_text) if action in _TURNS_DOWN else ()
    ruling = Ruling(action, *said)
    next_version(session, actor, listing, before=before, now=now, ruling=ruling)
    return listing, news


# What a reviewer's word tells the owner, beside the reason that is kept with the listing.
_TOLD = {
    "approve": "listing_approved",
    "reject": "listing_rejected",
    "return": "listing_returned",
    "suspend": "listing_suspended",
}
_TURNS_DOWN = frozenset({"reject", "return", "suspend"})


def _move(
    session: Session, actor: Principal, listing: Listing, action: str, *, now: datetime, **details: Any
) -> list[News]:
    transition, attribute = _transition(listing, action)
    require(actor, transition.right, listing)
    # Progress runs beside the state, while that is published: else it is the state that forbids it.
    present = getattr(listing, attribute if listing.published else "state")
    if present not in transition.sources:
        raise Conflict("not-in-this-state", action=action, state=present)
    if transition.right == "listing.moderate" and present == "submitted":
        reviews.guard(session, actor, listing, force=details.get("force", False), now=now)
    if transition.to in ("submitted", "published"):
        require_showable(session, listing)
    setattr(listing, attribute, transition.to)
    if action == "submit" and _unreviewed(actor, listing) and not _turned_down(actor, listing):
        listing.state = "published"
    elif action == "extend":
        content = versions.content_of(listing)
        _extend(listing, until=details["until"], today=now.date())
        versions.keep(session, listing, content, now=now)
        if present == "expired" and not _unreviewed(actor, listing):
            listing.state = "submitted"  # it may have been changed since it was reviewed
    if listing.published and listing.published_at is None:
        listing.published_at = now
    if action in _TURNS_DOWN:
        listing.rejection_reason, listing.rejection_text = details.get("reason", ""), details.get("text", "")
    elif action in ("approve", "restore") or (action == "submit" and listing.published):
        # Not by submitting alone: what was turned down would be published by the next turn of withdraw and submit.
        listing.rejection_reason = listing.rejection_text = ""
    _record(session, actor, listing, action, before=present, after=getattr(listing, attribute), now=now)
    if action not in _TOLD:
        return []
    return list(notifications.news_of_listing(session, listing, _TOLD[action]))


def _transition(listing: Listing, action: str) -> tuple[Transition, str]:
    """What an action does, and to which attribute."""
    if not isinstance(listing, Demand) or action not in DEMAND_ACTIONS:
        return LISTING_ACTIONS[action], "state"
    return DEMAND_ACTIONS[action], "progress"


def _record(
    session: Session, actor: Principal, listing: Listing, action: str, *, before: str, after: str, now: datetime
) -> None:
    known = {"reason": listing.rejection_reason} if action in _TOLD and listing.rejection_reason else {}
    version = 1 if inspect(listing).transient else listing.version + 1  # of a new one it is the first
    audit.record(session, actor, action, listing, now=now, before=before, after=after, version=version, **known)


def _extend(listing: Listing, *, until: date, today: date) -> None:
    present = listing.expires_on
    if present is None or listing.extended:
        raise Conflict("extended-already" if listing.extended else "no-end-date")
    if not max(present, today) < until <= max(present, today) + timedelta(days=366):
        raise Invalid({"/until": [messages.OUTSIDE_EXTENSION.format(after=max(present, today))]})
    setattr(listing, listing.EXPIRES, until)
    listing.extended, listing.warned = True, False


def require_showable(session: Session, listing: Listing) -> None:
    """That it may be made public, or be asked to be: its organisation is open, and nobody has taken back their
    consent. The row of the listing is held, of a new one its organisation's, so that who closes that waits. Raises
    Conflict."""
    if not session.exec(select(Organisation.active).where(Organisation.id == listing.organisation_id)).one():
        raise Conflict("organisation-closed")
    custody.require_consent(session, listing)


# Who speaks for an organisation: not whoever is only its expert, or its broker.
_SPEAKING = frozenset().union(*(rule.organisation.roles for rule in rules_of("listing.submit")))


def _unreviewed(actor: Principal, listing: Listing) -> bool:
    """Whether this actor's word is enough: they speak for an organisation that is trusted, or they might approve it
    themselves."""
    organisation: Organisation = listing.organisation  # type: ignore[attr-defined]  # each table's relationship
    theirs = not _SPEAKING.isdisjoint(actor.roles_in(organisation.id))
    return (organisation.active and organisation.trusted and theirs) or may(actor, "listing.moderate", listing)


def _turned_down(actor: Principal, listing: Listing) -> bool:
    """Whether a reviewer has said no to it, which only a reviewer takes back: or whoever withdraws and submits what
    was suspended would publish it again."""
    refused = bool(listing.rejection_reason or listing.rejection_text)
    return refused and not may(actor, "listing.moderate", listing)


def _settle(listing: Listing, works: list[dict[str, Any]] | None) -> None:
    """Replace an expert's works where they are given, and check what spans several fields."""
    if works is not None and isinstance(listing, Expert):
        listing.works = [Work(position=position, **work) for position, work in enumerate(works)]
    get = partial(_value, listing)
    faults = rules.together(type(listing), get)
    if faults:
        raise Invalid({pointer: [*told] for pointer, told in faults.items()})
    listing.language = rules.language_of(type(listing), get)


def _value(listing: Listing, name: str) -> Any:
    return getattr(listing, name, None)


def next_version(
    session: Session,
    actor: Principal,
    listing: Listing,
    *,
    before: str,
    now: datetime,
    ruling: Ruling = Ruling(),  # noqa: B008  # it is frozen
) -> None:
    """Store a change of a listing that was in the state `before`: as a new version, with all that follows it."""
    listing.version += 1
    listing.updated_at = now
    _stored(session, actor, listing, before=before, now=now, ruling=ruling)


def _stored(
    session: Session,
    actor: Principal,
    listing: Listing,
    *,
    before: str,
    now: datetime,
    ruling: Ruling = Ruling(),  # noqa: B008  # it is frozen
) -> None:
    session.add(listing)
    reviews.follow(session, actor, listing, before=before, ruling=ruling, now=now)
    _touched(session, listing, now=now)


def _touched(session: Session, listing: Listing, *, now: datetime) -> None:
    """Whatever changed, the index and the matches follow by a job that re-reads the present state."""
    enqueue(session, JobName.INDEX, [f"{listing.NOUN}:{listing.id}"], now=now)


def touch_all_of(session: Session, organisation: Organisation, *, now: datetime) -> None:
    """Make a new version of every listing of an organisation that shows its name. A masked demand shows none: changed
    in the same moment as all others, it would tell whose it is."""
    for noun, model in LISTINGS.items():
        mine = col(model.organisation_id) == organisation.id
        if model is Demand:
            mine = and_(mine, ~col(Demand.organisation_masked))
        session.execute(update(model).where(mine).values(version=col(model.version) + 1, updated_at=now))
        keys = [f"{noun}:{identity}" for identity in session.exec(select(model.id).where(mine))]
        enqueue(session, JobName.INDEX, keys, now=now)


def of_ids(
    session: Session, actor: Principal, model: type[AnyListing], ids: list[uuid.UUID]
) -> dict[uuid.UUID, AnyListing]:
    """The listings among `ids` that the caller may see, by id, in one query."""
    rows = session.exec(select(model).where(col(model.id).in_(ids), visible_to(model, actor))).all()
    return {row.id: row for row in rows}
