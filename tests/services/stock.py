"""Puts listings into an exchange and reads what became of them, straight through the services. Asserts nothing."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, col, func, select

from market.models import LISTINGS, Job, Listing, Match, Notification, Signature
from market.runtime import Runtime
from market.services.listings import listings
from market.services.rights.access import SYSTEM
from search.engine import Query
from tests.factories import payload


@dataclass(frozen=True, slots=True)
class Scored:
    """A match without the ids that differ from run to run."""

    score: float
    active: bool
    parts: tuple[str, ...]


def publish(runtime: Runtime, noun: str, organisation_id: uuid.UUID, **changes: Any) -> uuid.UUID:
    """A published listing; `changes` are fields as the schemas give them, and `owner_id`."""
    owner_id = changes.pop("owner_id", None)
    with runtime.db.writing() as session:
        listing = listings.add(
            session,
            SYSTEM,
            LISTINGS[noun],
            payload(noun, **{"submit": True, **changes}),
            now=runtime.clock(),
            organisation_id=organisation_id,
            owner_id=owner_id,
        )
        return listing.id


def change(runtime: Runtime, noun: str, identity: uuid.UUID, **fields: Any) -> None:
    """Change some fields."""
    with runtime.db.writing() as session:
        listings.change(session, SYSTEM, LISTINGS[noun], identity, fields, version=None, now=runtime.clock())


def act(runtime: Runtime, noun: str, identity: uuid.UUID, action: str, **details: Any) -> None:
    """Take an action of its life."""
    with runtime.db.writing() as session:
        listings.act(
            session, SYSTEM, LISTINGS[noun], identity, action, version=None, now=runtime.clock(), details=details
        )


def remove(runtime: Runtime, noun: str, identity: uuid.UUID) -> None:
    """Delete it."""
    with runtime.db.writing() as session:
        listings.remove(session, SYSTEM, LISTINGS[noun], identity, version=None, now=runtime.clock())


def read(runtime: Runtime, noun: str, identity: uuid.UUID) -> Listing:
    """The listing as it stands in the database."""
    with runtime.db.reading() as session:
        return session.get_one(LISTINGS[noun], identity)


def matches(runtime: Runtime, *, active: bool | None = True) -> dict[tuple[uuid.UUID, uuid.UUID], Match]:
    """Matches by (demand, offer): those that hold, those that do not, or all (None)."""
    with runtime.db.reading() as session:
        rows = session.exec(select(Match)).all()
    return {(row.demand_id, row.offer_id): row for row in rows if active in (None, row.active)}


def inbox(runtime: Runtime, kind: str = "match_found") -> list[Notification]:
    """All notifications of a kind, of everybody, oldest first."""
    with runtime.db.reading() as session:
        return [*session.exec(select(Notification).where(Notification.kind == kind).order_by(col(Notification.id)))]


def jobs(runtime: Runtime, state: str | None = None) -> list[Job]:
    """The outbox, or those in one state."""
    with runtime.db.reading() as session:
        rows = select(Job).order_by(col(Job.id))
        return [*session.exec(rows.where(Job.state == state) if state else rows)]


def keys_of(runtime: Runtime, name: str, state: str = "queued") -> list[str]:
    """The keys of jobs of one name in one state."""
    return sorted(job.key for job in jobs(runtime, state) if job.name == name)


def stored(runtime: Runtime) -> dict[str, dict[str, int]]:
    """Versions by id and noun, of the database."""
    with runtime.db.reading() as session:
        return {
            noun: {str(i): v for i, v in session.execute(select(model.id, model.version))}
            for noun, model in LISTINGS.items()
        }


def indexed(runtime: Runtime) -> dict[str, dict[str, int]]:
    """Versions by id and noun, of the search index."""
    return {noun: dict(runtime.engine.versions(f"{noun}s")) for noun in LISTINGS}


def signed(runtime: Runtime) -> dict[str, int]:
    """Versions by id, of the signatures."""
    with runtime.db.reading() as session:
        return {str(i): v for i, v in session.execute(select(Signature.listing_id, Signature.version))}


def found(runtime: Runtime, noun: str, text: str) -> set[str]:
    """The ids of what the engine finds."""
    return {hit.id for hit in runtime.engine.search(f"{noun}s", Query(text=text, limit=1000)).hits}


def how_many(session: Session, model: Any) -> int:
    """The rows of a table."""
    return session.exec(select(func.count()).select_from(model)).one()
