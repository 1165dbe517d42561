"""Outcomes, experts and demands: create, read, change, delete, and lead through their lives."""

from __future__ import annotations

import uuid
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

from sqlmodel import Session, col, select, update

from market.db import take_turn
from market.errors import Conflict, Invalid, NotFound, Stale
from market.models import LISTINGS, Demand, Expert, Listing, Organisation, Signature, Work
from market.outbox import JobName, enqueue
from market.services import audit, notifications
from market.services.access import Principal, require_owner, require_role, visible_to
from market.services.lives import DEMAND_ACTIONS, LISTING_ACTIONS, Transition
from market.services.telling import tell
from schemas import messages

AnyListing = TypeVar("AnyListing", bound=Listing)

OWNERS = frozenset({"member", "expert"})
REVIEWERS = frozenset({"reviewer"})


def create(
    session: Session,
    actor: Principal,
    model: type[AnyListing],
    data: dict[str, Any],
    *,
    now: datetime,
    organisation_id: uuid.UUID | None = None,
    owner_id: uuid.UUID | None = None,
) -> AnyListing:
    """Add a listing, as a draft, or submitted at once where `data["submit"]` is true.

    `data` has passed its schema. An administrator may name the organisation and the owner; anybody else
    posts for themselves. Not to be repeated without an idempotency or external key.
    """
    require_role(actor, OWNERS)
    if "administrator" not in actor.roles or organisation_id is None:
        organisation_id, owner_id = actor.organisation_id, actor.user_id
    if organisation_id is None:
        raise Conflict("organisation-missing")
    _refuse_taken_key(session, organisation_id, model, data.get("external_key"))
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
    """Create without asking who may, or whether the external key is free: for whoever has asked for many at once."""
    submitted = data.get("submit", False)
    values = {name: value for name, value in data.items() if name not in ("submit", "works")}
    organisation = session.get_one(Organisation, organisation_id)
    listing = model(
        organisation_id=organisation_id,
        organisation=organisation,  # type: ignore[call-arg]  # each table's relationship
        owner_id=owner_id,
        created_at=now,
        updated_at=now,
        **values,
    )
    _settle(listing, data.get("works"))
    audit.record(session, actor, "create", listing, now=now)
    if submitted:
        _move(session, actor, listing, "submit", now=now)
    session.add(listing)
    _touched(session, listing, now=now)
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
) -> AnyListing:
    """Change some fields. What an organisation that is not trusted changes while published is reviewed again."""
    listing = get_to_change(session, actor, model, identity, version=version)
    require_owner(actor, listing)
    if listing.state == "closed":
        raise Conflict("closed")
    if data.get("external_key") != listing.external_key:
        _refuse_taken_key(session, listing.organisation_id, model, data.get("external_key"))
    last_day = listing.expires_on
    for name, value in data.items():
        if name != "works":
            setattr(listing, name, value)
    if listing.expires_on != last_day:  # its owner is warned of the new one too
        listing.warned = False
    _settle(listing, data.get("works"))
    if listing.published and not (actor.staff or _trusted(listing)):
        listing.state = "submitted"
    audit.record(session, actor, "change", listing, now=now, fields=sorted(data))
    _next_version(session, listing, now=now)
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
    """Delete the listing with its works, matches and their notifications; the audit trail stays."""
    listing = get_to_change(session, actor, model, identity, version=version)
    require_owner(actor, listing)
    audit.record(session, actor, "delete", listing, now=now)
    signature = session.get(Signature, listing.id)
    if signature is not None:
        session.delete(signature)
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
    """Take an action of its life. Raises Conflict where the present state does not allow it."""
    listing = get_to_change(session, actor, model, identity, version=version)
    _move(session, actor, listing, action, now=now, **details)
    _next_version(session, listing, now=now)
    return listing


def _move(
    session: Session, actor: Principal, listing: Listing, action: str, *, now: datetime, **details: Any
) -> None:
    if isinstance(listing, Demand) and action in DEMAND_ACTIONS:
        transition, attribute = DEMAND_ACTIONS[action], "progress"
        if not listing.published:
            raise Conflict("not-in-this-state", action=action, state=listing.state)
    else:
        transition, attribute = LISTING_ACTIONS[action], "state"
    _require(actor, listing, transition)
    present = getattr(listing, attribute)
    if present not in transition.sources:
        raise Conflict("not-in-this-state", action=action, state=present)
    setattr(listing, attribute, transition.to)
    audit.record(session, actor, action, listing, now=now, before=present, after=transition.to)
    if action == "submit":
        listing.rejection_reason = listing.rejection_text = ""
        if "administrator" in actor.roles or _trusted(listing):
            listing.state = "published"
    elif action == "extend":
        _extend(listing, until=details["until"], today=now.date())
        if present == "expired" and not (_trusted(listing) or "administrator" in actor.roles):
            listing.state = "submitted"  # it may have been changed since it was reviewed
    if listing.published and listing.published_at is None:
        listing.published_at = now
    if action == "reject":
        listing.rejection_reason, listing.rejection_text = details["reason"], details["text"]
        tell(session, list(notifications.news_of_listing(session, listing, "listing_rejected")), now=now)
    elif action == "approve":
        tell(session, list(notifications.news_of_listing(session, listing, "listing_approved")), now=now)


def _extend(listing: Listing, *, until: date, today: date) -> None:
    present = listing.expires_on
    if present is None or listing.extended:
        raise Conflict("extended-already" if listing.extended else "no-end-date")
    if not max(present, today) < until <= max(present, today) + timedelta(days=366):
        raise Invalid({"/until": [messages.OUTSIDE_EXTENSION.format(after=max(present, today))]})
    setattr(listing, listing.EXPIRES, until)
    listing.extended, listing.warned = True, False


def _require(actor: Principal, listing: Listing, transition: Transition) -> None:
    if transition.who == "owner":
        require_owner(actor, listing)
    else:
        require_role(actor, REVIEWERS)


def _trusted(listing: Listing) -> bool:
    organisation: Organisation = listing.organisation  # type: ignore[attr-defined]  # each table's relationship
    return organisation.trusted


def _refuse_taken_key(session: Session, organisation_id: uuid.UUID, model: type[Listing], key: str | None) -> None:
    """An organisation's own key names one listing of a kind. Whoever uses it at the same moment is waited for."""
    if key:
        take_turn(session, "external_key", model.NOUN, str(organisation_id), key)
        of_it = select(model.id).where(model.organisation_id == organisation_id, model.external_key == key)
        if session.exec(of_it).first() is not None:
            raise Invalid({"/external_key": [messages.KEY_TAKEN]})


def _settle(listing: Listing, works: list[dict[str, Any]] | None) -> None:
    """Replace an expert's works where they are given, and check what spans several fields."""
    if works is not None and isinstance(listing, Expert):
        listing.works = [Work(position=position, **work) for position, work in enumerate(works)]
    headings = (f"{listing.HEADING}_zh", f"{listing.HEADING}_en")
    if not any(getattr(listing, heading) for heading in headings):
        raise Invalid({f"/{headings[0]}": [messages.HEADING_MISSING]})
    for low, high in (("trl_from", "trl_to"), ("budget_from", "budget_to")):
        ends = getattr(listing, low, None), getattr(listing, high, None)
        if ends[0] is not None and ends[1] is not None and ends[0] > ends[1]:
            raise Invalid({f"/{high}": [messages.RANGE_REVERSED]})
    if isinstance(listing, Demand) and listing.region_rule in {"preferred", "required"} and not listing.region:
        raise Invalid({"/region": [messages.REGION_NEEDED]})
    listing.language = _language(listing)


def _language(listing: Listing) -> str:
    zh, en = (bool(getattr(listing, f"{listing.HEADING}_{code}")) for code in ("zh", "en"))
    return "both" if zh and en else "zh" if zh else "en"


def _next_version(session: Session, listing: Listing, *, now: datetime) -> None:
    listing.version += 1
    listing.updated_at = now
    session.add(listing)
    _touched(session, listing, now=now)


def _touched(session: Session, listing: Listing, *, now: datetime) -> None:
    """Whatever changed, the index and the matches follow by a job that re-reads the present state."""
    enqueue(session, JobName.INDEX, [f"{listing.NOUN}:{listing.id}"], now=now)


def touch_all_of(session: Session, organisation: Organisation, *, now: datetime) -> None:
    """Make a new version of every listing of an organisation: its name is a part of what they show."""
    for noun, model in LISTINGS.items():
        mine = col(model.organisation_id) == organisation.id
        session.execute(update(model).where(mine).values(version=col(model.version) + 1, updated_at=now))
        keys = [f"{noun}:{identity}" for identity in session.exec(select(model.id).where(mine))]
        enqueue(session, JobName.INDEX, keys, now=now)


def of_ids(
    session: Session, actor: Principal, model: type[AnyListing], ids: list[uuid.UUID]
) -> dict[uuid.UUID, AnyListing]:
    """The listings among `ids` that the caller may see, by id, in one query."""
    rows = session.exec(select(model).where(col(model.id).in_(ids), visible_to(model, actor))).all()
    return {row.id: row for row in rows}
