"""Searches: parameters -> a typed query, visibility filter last; ids from the engine -> rows as they are now."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import Executable, Text, bindparam, cast
from sqlalchemy.orm import lazyload
from sqlmodel import Session, col, select

from market.errors import Conflict, NotOffered, Unavailable
from market.models import LISTINGS, Expert, Listing
from market.services.rights.access import VISITOR, Principal, Relation, allowed, reader_tags, visible_to
from market.services.search.indexing import index_of
from market.vocabulary.protection import protected
from schemas.documents import epoch_day, left_out
from search.embedding import BadVectors, Embedder, EmbedderUnavailable
from search.engine import (
    AnyOf,
    Between,
    BrowserKey,
    Engine,
    EngineUnavailable,
    Filter,
    Hit,
    Query,
    Sort,
    Suggestion,
    Unsupported,
)
from search.indexes import INDEXES

DEEPEST = 10_000  # hits that can be paged through; beyond it a search should be narrowed

# Ranges: parameter -> the fields that hold the two ends of what a document offers.
_RANGES: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "outcome": {
        "trl": ("trl", "trl"),
        "price": ("price", "price"),
        "published": ("published_at", "published_at"),
    },
    "expert": {"published": ("published_at", "published_at")},
    "demand": {
        "trl": ("trl_from", "trl_to"),
        "budget": ("budget_from", "budget_to"),
        "deadline": ("deadline", "deadline"),
        "published": ("published_at", "published_at"),
    },
}
NEWEST = Sort(field="published_at", descending=True)
_PUBLISHED = AnyOf("state", ("published",))
_FOR_EVERYBODY = allowed(VISITOR, "listing.read", Relation(state="published"))


@dataclass(frozen=True, slots=True)
class Found:
    """A page: hits in order with the version each listing has now, the total, and the facet counts."""

    hits: list[tuple[Hit, int]]
    total: int
    facets: Mapping[str, Mapping[str, int]]
    next_offset: int | None


def run(
    session: Session,
    engine: Engine,
    principal: Principal,
    noun: str,
    asked: Mapping[str, Any],
    *,
    embedder: Embedder | None = None,
    offset: int = 0,
    limit: int,
) -> Found:
    """Search one kind of listing. `asked` has passed its query schema.

    The engine only proposes: rows are read from the database, and what the caller may not see any more is dropped.
    So is what protects anything and is not indexed as it is now: it may have been found by what is protected, and be
    marked there. A stale index shortens a page; until it has followed, totals and facets still count what was public
    a moment ago. Asked for meaning too, what is best comes first by both; where a sort decides, there is nothing to
    weigh. Raises Unavailable when the engine is away, or the embedder that is needed, and Conflict where there is
    none.
    """
    query = query_of(principal, noun, asked, embedder=embedder, offset=offset, limit=limit)
    try:
        page = engine.search(index_of(noun), query)
    except EngineUnavailable as error:
        raise Unavailable("search-unavailable") from error
    versions = _visible(session, _reader(principal, asked), noun, page.hits)
    hits = [(hit, versions[hit.id]) for hit in page.hits if hit.id in versions]
    end = offset + len(page.hits)
    more = bool(page.hits) and end < min(page.total, DEEPEST)
    return Found(hits, page.total, page.facets, end if more else None)


def query_of(
    principal: Principal,
    noun: str,
    asked: Mapping[str, Any],
    *,
    embedder: Embedder | None = None,
    offset: int = 0,
    limit: int,
) -> Query:
    """What the engine is asked for this caller. Raises as `run` does where a meaning is to be compared."""
    text, sort = asked.get("q", ""), _sort(asked)
    by_meaning = asked.get("semantic") and text and sort is None
    return Query(
        text=text,
        vector=meaning_of(embedder, text) if by_meaning else (),
        filters=_seen_by(_reader(principal, asked), filters_of(noun, asked)),
        facets=tuple(asked.get("facets", ())),
        sort=sort,
        offset=offset,
        limit=limit,
        highlight=tuple(field.name for field in INDEXES[index_of(noun)].text) if asked.get("highlight") else (),
    )


def meaning_of(embedder: Embedder | None, text: str) -> tuple[float, ...]:
    """The vector of what a person typed. Raises Conflict where there is no embedder, Unavailable where it is away."""
    if embedder is None:
        raise Conflict("meaning-not-compared")
    try:
        return tuple(float(number) for number in embedder.embed([text], role="query")[0])
    except (EmbedderUnavailable, BadVectors) as error:
        raise Unavailable("embedder-unavailable") from error


def _visible(session: Session, reader: Principal, noun: str, hits: Iterable[Hit]) -> dict[str, int]:
    """The present versions of those listings that the reader may see now, by id; without those that protect anything
    and are indexed as they were before."""
    indexed = {hit.id: hit.version for hit in hits}
    rows = session.connection().execute(_versions(noun, reader), {"ids": [*map(uuid.UUID, indexed)]})
    return {str(row[0]): row[1] for row in rows if not row[2] or indexed[str(row[0])] == row[1]}


@lru_cache(maxsize=4096)
def _versions(noun: str, reader: Principal) -> Executable:
    """Kept for each reader: making the statement takes longer than running it."""
    model = LISTINGS[noun]
    found = col(model.id).in_(bindparam("ids", expanding=True))
    protects = cast(col(model.tiers), Text) != "{}"
    return select(model.id, model.version, protects).where(found, visible_to(model, reader))


def load(session: Session, noun: str, ids: Iterable[str]) -> Sequence[Listing]:
    """Listings that a search has found visible in this session, without the works of experts."""
    model = LISTINGS[noun]
    rows = select(model).where(col(model.id).in_([uuid.UUID(identity) for identity in ids]))
    if model is Expert:
        rows = rows.options(lazyload(Expert.works))  # type: ignore[arg-type]  # SQLModel types it as the list
    return session.exec(rows).all()


def suggest(
    session: Session, engine: Engine, principal: Principal, text: str, *, kinds: Sequence[str], limit: int
) -> list[tuple[str, Suggestion]]:
    """Completions of what is being typed, from the kinds in turn, each text once; of what the caller may see at this
    moment."""
    filters = _seen_by(_reader(principal, {}), (_PUBLISHED,))
    try:
        answers = {kind: engine.suggest(index_of(kind), text, filters=filters, limit=limit) for kind in kinds}
    except EngineUnavailable as error:
        raise Unavailable("search-unavailable") from error
    found: dict[str, tuple[str, Suggestion]] = {}
    reader = _reader(principal, {})
    public = {kind: _still_public(session, reader, kind, offered) for kind, offered in answers.items()}
    for rank in range(limit):
        for kind, suggestions in public.items():
            if rank < len(suggestions):
                found.setdefault(suggestions[rank].text, (kind, suggestions[rank]))
    return list(found.values())[:limit]


def _still_public(
    session: Session, reader: Principal, noun: str, offered: Sequence[Suggestion]
) -> Sequence[Suggestion]:
    """Those that stand in fields that are for everybody, of listings that the reader may see now."""
    if not offered:
        return offered
    model = LISTINGS[noun]
    ids = [uuid.UUID(one.id) for one in offered]
    rows = session.execute(select(model.id, model.tiers).where(col(model.id).in_(ids), visible_to(model, reader)))
    hidden = {str(identity): left_out(noun, protected(noun, tiers)) for identity, tiers in rows}
    return [one for one in offered if one.id in hidden and one.field not in hidden[one.id]]


def browser_key(engine: Engine, principal: Principal, *, expires_at: datetime) -> BrowserKey:
    """A key with which the caller's browser may ask the search server itself, for what the caller may see.

    Raises NotOffered where the engine cannot be asked so, and Unavailable.
    """
    try:
        return engine.browser_key((AnyOf("readers", reader_tags(principal)),), expires_at=expires_at)
    except Unsupported as error:
        raise NotOffered from error
    except EngineUnavailable as error:
        raise Unavailable("search-unavailable") from error


def filters_of(noun: str, asked: Mapping[str, Any]) -> tuple[Filter, ...]:
    """What parameters narrow a search to; without a state, to what is published."""
    keywords = INDEXES[index_of(noun)].keyword_names - {"readers"}
    filters: list[Filter] = [
        AnyOf(name, tuple(str(value) for value in values))
        for name, values in asked.items()
        if name in keywords and name != "state" and values  # an empty parameter asks for nothing
    ]
    filters.append(AnyOf("state", tuple(asked.get("state") or ("published",))))
    for name, (low, high) in _RANGES[noun].items():
        if f"{name}_from" in asked:
            filters.append(Between(high, _number(asked[f"{name}_from"], low), None))
        if f"{name}_to" in asked:
            filters.append(Between(low, None, _number(asked[f"{name}_to"], low, last=True)))
    return tuple(filters)


def _reader(principal: Principal, asked: Mapping[str, Any]) -> Principal:
    """Through whose eyes is looked. Where only what is published is asked for, a visitor sees as much as anybody: one
    tag says it to the engine and one state to the database, in a statement that is the same for every caller."""
    published = tuple(asked.get("state") or ("published",)) == ("published",)
    return VISITOR if published and _FOR_EVERYBODY else principal


def _seen_by(reader: Principal, filters: tuple[Filter, ...]) -> tuple[Filter, ...]:
    """These filters, and last, only what the reader may see. What visitors have a tag for is what is published: the
    state need not be compared as well."""
    needed = (one for one in filters if reader is not VISITOR or one != _PUBLISHED)
    return (*needed, AnyOf("readers", reader_tags(reader)))


def _number(value: int | date, field: str, *, last: bool = False) -> int | None:
    """A parameter as the index holds it: a day as epoch day, or as its first or last second."""
    if not isinstance(value, date):
        return value
    if field != "published_at":
        return epoch_day(value)
    midnight = datetime.combine(value, time(), UTC)
    return int((midnight + timedelta(days=1)).timestamp()) - 1 if last else int(midnight.timestamp())


def _sort(asked: Mapping[str, Any]) -> Sort | None:
    name = asked.get("sort", "relevance")
    if name == "relevance":
        return None if asked.get("q") else NEWEST
    if name == "newest":
        return NEWEST
    return Sort(field=name.removeprefix("-"), descending=name.startswith("-"))
