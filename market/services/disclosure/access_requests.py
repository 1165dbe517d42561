"""Requests to see what is protected 查阅申请: asked with consent, granted for a time, refused, revoked, withdrawn."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, false, or_, true
from sqlmodel import Session, col, func, select, update

from market.db import rows_touched, take_turn
from market.errors import Conflict, Forbidden, Invalid, NotFound, Stale
from market.models import LISTINGS, AccessRequest, Listing, Membership, Organisation, User
from market.rights import REGISTERED, confidentiality, rules_of
from market.services.disclosure.disclosing import hidden
from market.services.rights.access import Principal, may, require, require_confirmed, visible_to
from market.services.telling import notifications
from market.services.telling.telling import News, tell
from market.services.trail import audit
from market.vocabulary import vocabulary
from market.vocabulary.protection import TIERS, VERIFIED
from schemas import messages

USUAL, LONGEST = timedelta(days=90), timedelta(days=366)
"""For how long a request is granted where nothing is said, and at most."""
MOST_OPEN = 50
"""Requests of one person that wait for an answer."""

_STANDING = ("open", "granted")
_DEEDS: Mapping[str, tuple[frozenset[str], str]] = {
    "grant": (frozenset({"open", "granted"}), "granted"),
    "refuse": (frozenset({"open"}), "refused"),
    "revoke": (frozenset({"granted"}), "revoked"),
    "withdraw": (frozenset(_STANDING), "withdrawn"),
}


@dataclass(frozen=True, slots=True)
class Shown:
    """A request with what is shown beside it; no listing where the caller may not see it any more."""

    row: AccessRequest
    listing: Listing | None
    requester: User | None
    organisation: Organisation | None


def ask(
    session: Session,
    actor: Principal,
    model: type[Listing],
    identity: uuid.UUID,
    data: Mapping[str, Any],
    *,
    now: datetime,
) -> AccessRequest:
    """Ask to see what of a listing takes an agreement; its owners are told, without the request's words.

    `data` has passed its schema. Raises NotFound, Forbidden (also for whoever has not shown who they are), and
    Conflict where the consent is to another text, where there is nothing to see, or where one asks already.
    """
    listing = session.exec(select(model).where(model.id == identity, visible_to(model, actor))).first()
    if listing is None:
        raise NotFound(noun=model.NOUN, id=str(identity))
    require(actor, "access.request", listing)
    require_confirmed(actor)
    consent = data["consent"]
    if (consent["version"], consent["sha256"]) != (confidentiality.VERSION, confidentiality.SHA256):
        raise Conflict("consent-outdated", version=confidentiality.VERSION)
    if not any(listing.protected[name] in TIERS for name in hidden(listing, VERIFIED)):
        raise Conflict("nothing-protected")
    assert actor.user_id is not None  # visitors may not ask
    _make_room(session, actor.user_id, listing, now=now)
    row = AccessRequest(
        noun=model.NOUN,
        listing_id=listing.id,
        requester_id=actor.user_id,
        organisation_id=actor.home,
        text=data["text"],
        consent_version=consent["version"],
        consent_hash=consent["sha256"],
        consented_at=now,
        created_at=now,
    )
    session.add(row)
    session.flush()
    audit.record(session, actor, "request_access", listing, now=now, request=str(row.id), consent=row.consent_version)
    event = f"access_requested:{row.id}"
    told = notifications.recipients(session, listing)
    tell(session, [News(user, "access_requested", event, listing) for user in told], now=now)
    return row


def _make_room(session: Session, user_id: uuid.UUID, listing: Listing, *, now: datetime) -> None:
    """At most one request of a person and a listing stands; one whose grant has run out has ended."""
    take_turn(session, "access_request", str(user_id))
    mine = select(AccessRequest).where(AccessRequest.requester_id == user_id)
    standing = mine.where(AccessRequest.listing_id == listing.id, col(AccessRequest.state).in_(_STANDING))
    row = session.exec(standing).first()
    if row is not None:
        if state_of(row, now=now) != "expired":
            raise Conflict("access-requested-already", state=row.state)
        row.state = "expired"
        row.version += 1
        session.add(row)
        session.flush()
    waiting = select(func.count()).where(AccessRequest.requester_id == user_id, AccessRequest.state == "open")
    if session.exec(waiting).one() >= MOST_OPEN:
        raise Conflict("too-many-access-requests", most=MOST_OPEN)


def state_of(row: AccessRequest, *, now: datetime) -> str:
    """Its state at this moment: a grant ends by itself, whenever that is noted."""
    over = row.state == "granted" and row.until is not None and row.until <= now
    return "expired" if over else row.state


def get(session: Session, actor: Principal, identity: uuid.UUID) -> Shown:
    """One that the caller has made, or may read as owner or staff. Raises NotFound else."""
    row = session.get(AccessRequest, identity)
    if row is None or not _may_read(session, actor, row):
        raise NotFound(noun="access-request", id=str(identity))
    return _beside(session, actor, [row])[0]


def _may_read(session: Session, actor: Principal, row: AccessRequest) -> bool:
    if row.requester_id == actor.user_id:
        return True
    listing: Listing | None = session.get(LISTINGS[row.noun], row.listing_id)
    return listing is not None and may(actor, "access.read", listing)


def listed(
    session: Session, actor: Principal, *, side: str, state: str, before: uuid.UUID | None, limit: int, now: datetime
) -> list[Shown]:
    """Those that the caller has made (`mine`) or decides on (`to_decide`), newest first, from before the id `before`;
    `state` empty: all."""
    rows = select(AccessRequest)
    rows = rows.where(AccessRequest.requester_id == actor.user_id) if side == "mine" else rows.where(_deciding(actor))
    if state:
        over = and_(col(AccessRequest.state) == "granted", col(AccessRequest.until) <= now)
        plain = col(AccessRequest.state) == state
        found = {"granted": and_(plain, ~over), "expired": or_(plain, over)}
        rows = rows.where(found.get(state, plain))
    if before is not None:
        rows = rows.where(col(AccessRequest.id) < before)
    return _beside(session, actor, session.exec(rows.order_by(col(AccessRequest.id).desc()).limit(limit)).all())


def _deciding(actor: Principal) -> ColumnElement[bool]:
    """The requests about listings of which the table lets this caller decide."""
    rules = rules_of("access.decide")
    if any(rule.other.roles & actor.roles for rule in rules):
        return true()
    clauses: list[ColumnElement[bool]] = [false()]
    organisations = actor.organisations_as(frozenset().union(*(rule.organisation.roles for rule in rules)))
    for noun, model in LISTINGS.items():
        theirs: list[ColumnElement[bool]] = [col(model.organisation_id).in_(sorted(organisations))]
        if any(REGISTERED in rule.own.roles for rule in rules):
            theirs.append(col(model.owner_id) == actor.user_id)
        ids = select(model.id).where(or_(*theirs))
        clauses.append(and_(col(AccessRequest.noun) == noun, col(AccessRequest.listing_id).in_(ids)))
    return or_(*clauses)


def decide(
    session: Session,
    actor: Principal,
    identity: uuid.UUID,
    deed: str,
    data: Mapping[str, Any],
    *,
    version: int | None,
    now: datetime,
) -> Shown:
    """Grant, refuse, revoke; or withdraw one's own. Whoever asked is told what was decided.

    Raises NotFound, Forbidden (nobody decides on what they have asked for), Stale, Conflict, Invalid.
    """
    row = session.exec(select(AccessRequest).where(AccessRequest.id == identity).with_for_update()).first()
    if row is None or not _may_read(session, actor, row):
        raise NotFound(noun="access-request", id=str(identity))
    listing: Listing | None = session.get(LISTINGS[row.noun], row.listing_id)
    mine = row.requester_id == actor.user_id
    if mine != (deed == "withdraw"):
        raise Forbidden
    if not mine:
        if listing is None:
            raise NotFound(noun=row.noun, id=str(row.listing_id))
        require(actor, "access.decide", listing)
    if version is not None and row.version != version:
        raise Stale(present=row.version, given=version)
    sources, target = _DEEDS[deed]
    present = state_of(row, now=now)
    if present not in sources:
        raise Conflict("not-in-this-state", action=deed, state=present)
    if deed == "grant":
        row.until = _end(data.get("until"), now=now)
    row.state, row.version = target, row.version + 1
    if not mine:
        row.answer, row.decided_by, row.decided_at = data.get("text", ""), actor.user_id, now
    session.add(row)
    until = {"until": row.until.isoformat()} if deed == "grant" and row.until else {}
    subject = listing or (row.noun, row.listing_id)
    audit.record(session, actor, f"{deed}_access", subject, now=now, request=str(row.id), **until)
    if not mine and listing is not None:
        _tell_decision(session, row, listing, now=now)
    return _beside(session, actor, [row])[0]


def _end(until: datetime | None, *, now: datetime) -> datetime:
    end = now + USUAL if until is None else until
    if not now < end <= now + LONGEST:
        raise Invalid({"/until": [messages.OUTSIDE_ACCESS]})
    return end


def _tell_decision(session: Session, row: AccessRequest, listing: Listing, *, now: datetime) -> None:
    user = session.get_one(User, row.requester_id)
    details = {"state": vocabulary("access_states").label(row.state, user.language)}
    tell(
        session,
        [News(user, "access_decided", f"access_decided:{row.id}:{row.version}", listing, details=details)],
        now=now,
    )


def expire(session: Session, *, now: datetime) -> int:
    """End the grants whose time is over, and what was asked of listings that are gone, or for an organisation that
    the requester has left. May be repeated."""
    gone = [
        and_(col(AccessRequest.noun) == noun, col(AccessRequest.listing_id).not_in(select(model.id)))
        for noun, model in LISTINGS.items()
    ]
    over = and_(col(AccessRequest.state) == "granted", col(AccessRequest.until) <= now)
    there = select(Membership.id).where(
        Membership.user_id == AccessRequest.requester_id,
        Membership.organisation_id == AccessRequest.organisation_id,
        or_(col(Membership.until).is_(None), col(Membership.until) > now),
    )
    left = and_(col(AccessRequest.organisation_id).is_not(None), ~there.exists())
    ended = (
        update(AccessRequest)
        .where(col(AccessRequest.state).in_(_STANDING), or_(over, left, *gone))
        .values(state="expired", version=col(AccessRequest.version) + 1)
        .execution_options(synchronize_session=False)
    )
    return rows_touched(session.execute(ended))


def _beside(session: Session, actor: Principal, rows: Sequence[AccessRequest]) -> list[Shown]:
    """With listings, people and organisations, one query a kind."""
    listings: dict[uuid.UUID, Listing] = {}
    for noun in {row.noun for row in rows}:
        model = LISTINGS[noun]
        ids = [row.listing_id for row in rows if row.noun == noun]
        found = session.exec(select(model).where(col(model.id).in_(ids), visible_to(model, actor)))
        listings.update({one.id: one for one in found})
    people = _by_id(session, User, {row.requester_id for row in rows})
    organisations = _by_id(session, Organisation, {row.organisation_id for row in rows if row.organisation_id})
    return [
        Shown(
            row,
            listings.get(row.listing_id),
            people.get(row.requester_id),
            organisations.get(row.organisation_id) if row.organisation_id else None,
        )
        for row in rows
    ]


def _by_id(session: Session, model: Any, ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Any]:
    return {one.id: one for one in session.exec(select(model).where(col(model.id).in_(list(ids))))}
