"""The other way round than alerts.py: of one subscription, the listings that answer it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from sqlalchemy import select
from sqlmodel import Session, col

from market.errors import Unavailable
from market.matching import signatures
from market.models import Listing, Signature, Subscription
from market.services.rights.access import Principal
from market.services.search import indexing
from market.services.search.searching import NEWEST
from market.services.subscriptions.alerts import INSIDE, judged, nearness
from market.services.subscriptions.subscriptions import Floats, standing_of, unpack
from schemas.documents import epoch_second
from schemas.subscriptions import Search, search_of
from search.engine import AnyOf, Between, Engine, EngineUnavailable, Filter, Query
from search.indexes import INDEXES
from search.standing import Contents, Standing, texts

PREVIEWED, FED = 1000, 200
"""Candidates that a preview and a feed look at, the newest first."""
EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Preview:
    """What a subscription would have sent: how many, and the newest; not `complete` where there were more to look at
    than are looked at."""

    count: int
    examples: list[Listing]
    complete: bool


@dataclass(frozen=True, slots=True, eq=False)
class Sought:
    """A search as listings are judged by it; the vector is None where words alone count."""

    standing: Standing
    vector: Floats | None = None


def preview(
    session: Session,
    engine: Engine,
    principal: Principal,
    noun: str,
    sought: Sought,
    *,
    model: str,
    unlike: float,
    now: datetime,
    days: int = 30,
) -> Preview:
    """What a subscription of the caller's to this search would have sent in the last days, as `hits` would judge each
    listing. Raises Unavailable when the engine is away."""
    listings, complete = _newest(session, engine, noun, sought, most=PREVIEWED, since=now - timedelta(days=days))
    others = [one for one in listings if not _own(principal, one)]
    answered = [*_answering(session, noun, sought, others, model=model, unlike=unlike)]
    return Preview(len(answered), answered[:EXAMPLES], complete)


def newest(
    session: Session, engine: Engine, row: Subscription, *, model: str, unlike: float, limit: int
) -> list[Listing]:
    """The newest listings that answer a subscription and that anybody may see, newest first. Raises Unavailable."""
    sought = sought_by(search_of(row.noun, row.query), row.vector if row.model == model else None)
    listings, _ = _newest(session, engine, row.noun, sought, most=FED)
    return [*_answering(session, row.noun, sought, listings, model=model, unlike=unlike)][:limit]


def sought_by(search: Search, packed: bytes | None) -> Sought:
    """A search with the vector of its question, as it is kept."""
    return Sought(standing_of(search), unpack(packed) if packed is not None else None)


def _own(principal: Principal, listing: Listing) -> bool:
    """The same of one person: their own listings, and their organisation's, as alerts have it."""
    return principal.user_id is not None and (
        listing.owner_id == principal.user_id or not INSIDE.isdisjoint(principal.roles_in(listing.organisation_id))
    )


def _newest(
    session: Session, engine: Engine, noun: str, sought: Sought, *, most: int, since: datetime | None = None
) -> tuple[list[Listing], bool]:
    """Published listings among which all are that answer, newest first, and whether these are all."""
    index = indexing.index_of(noun)
    filters: list[Filter] = [*sought.standing.filters, AnyOf("readers", ("public",))]
    if since is not None:
        filters.append(Between("published_at", epoch_second(since), None))
    asked = ("",) if sought.vector is not None else texts(sought.standing)
    if sought.standing.impossible:
        return [], True
    try:
        queries = [Query(text=text, filters=tuple(filters), sort=NEWEST, limit=most) for text in asked]
        pages = [engine.search(index, query) for query in queries]
    except EngineUnavailable as error:
        raise Unavailable("search-unavailable") from error
    ids = dict.fromkeys(uuid.UUID(hit.id) for page in pages for hit in page.hits)
    # The index may lag behind: what is there now, is as it is now.
    loaded = indexing.load(session, [(noun, identity) for identity in ids]).values()
    rows = [one for one in loaded if one.published and one.published_at is not None]
    if since is not None:
        rows = [one for one in rows if one.published_at is not None and one.published_at >= since]
    rows.sort(key=lambda one: (one.published_at, one.id), reverse=True)
    return rows[:most], len(rows) <= most and all(page.total <= most for page in pages)


def _answering(
    session: Session, noun: str, sought: Sought, listings: Sequence[Listing], *, model: str, unlike: float
) -> Iterator[Listing]:
    """Those that answer, in their order."""
    vectors: Mapping[uuid.UUID, Floats] = {}
    if sought.vector is not None:
        vectors = _vectors(session, [one.id for one in listings], model)
    for one in listings:
        contents = Contents(INDEXES[indexing.index_of(noun)], indexing.document(one))
        near = False
        if sought.vector is not None and one.id in vectors:
            near = bool(nearness(sought.vector[None, :], [*map(float, vectors[one.id])], unlike)[0])
        if judged(contents, sought.standing, near=near):
            yield one


def _vectors(session: Session, ids: Sequence[uuid.UUID], model: str) -> dict[uuid.UUID, Floats]:
    """The vectors that stand for listings, as signing.vector_of makes them for the search index."""
    rows = select(col(Signature.listing_id), col(Signature.digests), col(Signature.vectors)).where(
        col(Signature.listing_id).in_(ids), col(Signature.model) == model, col(Signature.vectors).is_not(None)
    )
    found: dict[uuid.UUID, Floats] = {}
    for identity, digests, packed in session.connection().execute(rows):
        mean = signatures.unpack_vectors(packed or b"", len(signatures.split(digests))).sum(axis=0)
        length = float(np.linalg.norm(mean))
        if length > 0:
            found[identity] = np.asarray(mean / length, np.float32)
    return found
