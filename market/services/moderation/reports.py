"""Reports of abuse 举报: that somebody finds a listing abusive, and what a reviewer found. Who reported is told to
nobody but the auditors."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, func, or_, select, true

from market.db import take_turn
from market.errors import Conflict, NotFound, TooMany, Unauthenticated
from market.models import LISTINGS, Listing, Report
from market.services.listings import listings
from market.services.rights.access import Principal, Relation, admit, allowed, require
from market.services.trail import audit

A_DAY = 20
"""Reports that one person may make in 24 hours."""

# Why a listing is taken down, by what it was reported for.
_REASONS = {"false_claims": "implausible", "infringing": "not_permitted", "confidential": "not_permitted"}


def make(
    session: Session,
    actor: Principal,
    model: type[Listing],
    identity: uuid.UUID,
    kind: str,
    text: str,
    *,
    now: datetime,
) -> Report:
    """Report a listing that the actor can see. Raises NotFound, Conflict where they have reported it for this before,
    and TooMany."""
    if actor.user_id is None:
        raise Unauthenticated
    listing = listings.get(session, actor, model, identity)
    require(actor, "listing.report", listing)
    take_turn(session, "report", str(actor.user_id))
    mine = col(Report.reporter_id) == actor.user_id
    same = select(Report.id).where(mine, Report.listing_id == listing.id, Report.kind == kind)
    if session.exec(same).first() is not None:
        raise Conflict("reported-already")
    lately = select(func.count(), func.min(Report.created_at)).where(
        mine, col(Report.created_at) > now - timedelta(days=1)
    )
    made, first = session.execute(lately).one()
    if made >= A_DAY:
        raise TooMany("too-many-reports", again_in=first + timedelta(days=1) - now, most=A_DAY)
    report = Report(
        created_at=now, noun=listing.NOUN, listing_id=listing.id, reporter_id=actor.user_id, kind=kind, text=text
    )
    session.add(report)
    audit.record(
        session,
        actor,
        "report",
        ("report", report.id),
        now=now,
        kind=kind,
        noun=listing.NOUN,
        listing=str(listing.id),
    )
    return report


def listed(
    session: Session, actor: Principal, *, resolved: bool, after: uuid.UUID | None, limit: int
) -> list[tuple[Report, Listing]]:
    """Reports with their listings, the oldest first, from after the id `after`; none about what the actor may not
    moderate, being their own."""
    admit(actor, "moderation.queue")
    theirs = or_(*(_moderated(actor, model) for model in LISTINGS.values()))
    rows = select(Report).where(theirs, Report.verdict != "" if resolved else Report.verdict == "")
    if after is not None:
        rows = rows.where(col(Report.id) > after)
    found = session.exec(rows.order_by(col(Report.id)).limit(limit)).all()
    known: dict[uuid.UUID, Listing] = {}
    for noun, model in LISTINGS.items():
        ids = {one.listing_id for one in found if one.noun == noun}
        if ids:
            known.update({row.id: row for row in session.exec(select(model).where(col(model.id).in_(ids)))})
    return [(one, known[one.listing_id]) for one in found]


def _moderated(actor: Principal, model: type[Listing]) -> ColumnElement[bool]:
    """Reports about listings of a kind that the table of rights lets the actor moderate."""
    ids = select(model.id).where(_not_own(actor, model))
    return col(Report.listing_id).in_(ids)


def _not_own(actor: Principal, model: type[Listing]) -> ColumnElement[bool]:
    clause: ColumnElement[bool] = true()
    if actor.user_id is not None and not allowed(actor, "listing.moderate", Relation(own=True)):
        clause = clause & or_(col(model.owner_id).is_(None), col(model.owner_id) != actor.user_id)
    houses = {one for one, _ in actor.memberships}
    closed = [one for one in sorted(houses) if not allowed(actor, "listing.moderate", Relation(organisation_id=one))]
    return clause & col(model.organisation_id).not_in(closed) if closed else clause


def resolve(
    session: Session, actor: Principal, identity: uuid.UUID, verdict: str, text: str, *, now: datetime
) -> tuple[Report, Listing]:
    """Say what came of a report. `suspended` takes the listing down in the same transaction; its owner is told the
    `text`, and not that somebody reported it. Raises NotFound, Forbidden, and Conflict where it has a verdict, or the
    listing is neither published nor taken down."""
    report = session.get(Report, identity)
    if report is None:
        raise NotFound(noun="report", id=str(identity))
    model: Any = LISTINGS[report.noun]
    listing: Listing = listings.get_to_change(session, actor, model, report.listing_id, version=None)
    if not allowed(actor, "moderation.queue"):
        raise NotFound(noun="report", id=str(identity))
    require(actor, "listing.moderate", listing)
    session.refresh(report)
    if report.verdict:
        raise Conflict("not-in-this-state", action="resolve", state=report.verdict)
    if verdict == "suspended" and listing.state != "suspended":
        details = {"reason": _REASONS.get(report.kind, "other"), "text": text}
        listing = listings.act(session, actor, model, listing.id, "suspend", version=None, now=now, details=details)
    report.verdict, report.answer, report.resolved_by, report.resolved_at = verdict, text, actor.user_id, now
    session.add(report)
    audit.record(
        session, actor, "resolve_report", ("report", report.id), now=now, verdict=verdict, listing=str(listing.id)
    )
    return report, listing
