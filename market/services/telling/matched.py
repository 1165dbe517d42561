"""What notifications say of a match: made anew whenever somebody looks, of what their side is told at that moment.
What is stored was said once, and the other side may keep more to itself since."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from market.matching import reasons
from market.models import Job, Listing, Match, Notification, Signature
from market.outbox import JobName
from market.services.rights import principals
from market.services.rights.access import may
from market.services.search import indexing
from market.services.search.indexing import Reference
from market.services.telling import wording

REASONED = frozenset({"match_found", "match_improved"})
"""Kinds whose body names reasons: words and figures of both listings."""


def bodies(
    session: Session, user_id: uuid.UUID, rows: Sequence[Notification], *, now: datetime
) -> dict[uuid.UUID, str]:
    """What those of a person's notifications say that give reasons, by their ids; all others say what is stored.

    The reasons are left out while the other listing is not matched as it is now. Empty where their side has no such
    match any more, or the listing is not theirs to match.
    """
    about = [row for row in rows if row.kind in REASONED and row.match_id is not None]
    principal = principals.of_user(session, user_id, now=now) if about else None
    if principal is None:
        return {row.id: "" for row in about}
    ids = [row.match_id for row in about]
    ends = {
        identity: (("demand", demand), ("outcome", outcome) if outcome else ("expert", expert))
        for identity, demand, outcome, expert in session.execute(
            select(Match.id, Match.demand_id, Match.outcome_id, Match.expert_id).where(col(Match.id).in_(ids))
        )
    }
    listings = indexing.load(session, {reference for pair in ends.values() for reference in pair})
    as_now = as_they_are(session, listings.values())
    # Read last: what was matched as it is now by then has its reasons of now, or of later.
    found = select(Match).where(col(Match.id).in_(ids)).execution_options(populate_existing=True)
    matches = {match.id: match for match in session.exec(found)}
    said: dict[uuid.UUID, str] = {}
    for row in about:
        match = matches.get(row.match_id) if row.match_id is not None else None
        mine, other = _sides(row, ends[match.id], listings) if match is not None else (None, None)
        said[row.id] = ""
        if match is not None and mine is not None and may(principal, "match.list", mine):
            said[row.id] = _said(row, match, mine, told=other is not None and other.id in as_now)
    return said


def _sides(
    row: Notification, pair: tuple[Reference, Reference], listings: Mapping[Reference, Listing]
) -> tuple[Listing | None, Listing | None]:
    """The listing that it is about, and the other."""
    demand, offer = (listings.get(reference) for reference in pair)
    return (demand, offer) if row.listing_noun == "demand" else (offer, demand)


def _said(row: Notification, match: Match, mine: Listing, *, told: bool) -> str:
    side = "demand" if row.listing_noun == "demand" else "offer"
    if not match.active or not match.shown_to(side):
        return ""
    details = {"title": mine.heading(row.language), "score": match.score_of(side)}
    if told and (parts := match.parts_of(side)):
        return wording.body("match_found", row.language, {**details, "reason": reasons.sentence(parts, row.language)})
    return wording.WITHOUT_REASONS[row.language != "zh"].format(**details)


def as_they_are(session: Session, listings: Iterable[Listing]) -> Collection[uuid.UUID]:
    """Those that are public and were matched since they last changed: they are signed as they are, and whoever signs
    one has it matched by a job, which has gone once that is done. Ask in the same snapshot in which their matches
    are read, or before, or while these are held: then the reasons read are of now, or of later."""
    listings = [*listings]
    ids = [one.id for one in listings]
    signed = select(Signature.listing_id, Signature.version).where(col(Signature.listing_id).in_(ids))
    versions = dict(session.execute(signed).all())
    waiting = select(Job.key).where(
        col(Job.state).in_(("queued", "running", "dead")),  # the index begins with it
        Job.name == JobName.MATCH.value,
        col(Job.key).in_([f"{one.NOUN}:{one.id}" for one in listings]),
    )
    unmatched = {*session.exec(waiting)}
    return {
        one.id
        for one in listings
        if one.published and versions.get(one.id) == one.version and f"{one.NOUN}:{one.id}" not in unmatched
    }
