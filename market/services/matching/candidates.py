"""Who is worth a closer look: found by several roads and joined by rank, or everyone where those are few."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence

import numpy as np
from sqlmodel import Session, col, func, select

from market.matching.features import KIND, STEM, WORD
from market.matching.signatures import Signature, words_of
from market.matching.sparse import Rarity
from market.models import LISTINGS, Demand
from market.models import Signature as Row
from market.services.matching.signing import vector_of
from market.services.search.indexing import index_of
from schemas.documents import with_ancestors
from search.engine import AnyOf, Engine, Filter, Query, WeightedTerm
from search.text import stem

ALL = 2_000
"""So many of a kind are all looked at: that takes no longer than to choose."""

_TERMS = 48  # that a listing is searched with
_RANKS = 60  # reciprocal rank fusion's k (Cormack 2009): how little the first places outweigh the next
_TAXONOMY_SHARE = 4  # one in so many candidates may come by field and disciplines alone


def all_of(session: Session, kind: str) -> list[uuid.UUID] | None:
    """Every listing of this kind that can be matched, or None where they are more than `ALL`."""
    held = session.exec(select(func.count()).select_from(Row).where(Row.noun == kind)).one()
    if held > 2 * ALL:  # of so many more than enough can be matched: not worth looking at each
        return None
    model = LISTINGS[kind]
    rows = select(Row.listing_id).join(model, col(model.id) == Row.listing_id).where(model.state == "published")
    if model is Demand:
        rows = rows.where(Demand.progress == "open")
    if held > ALL and session.exec(select(func.count()).select_from(rows.subquery())).one() > ALL:
        return None
    return [*session.exec(rows.order_by(col(Row.listing_id)))]


def by_roads(engine: Engine, mine: Signature, kind: str, rarity: Rarity, *, most: int) -> list[uuid.UUID]:
    """Listings of a kind by key terms, by nearness of vectors, and by field and disciplines; the best first.

    Each road gives its own order; they are joined by the sum of 1 / (60 + rank). Raises EngineUnavailable.
    """
    ranks: dict[str, float] = {}
    for query in _roads(mine, kind, rarity, most):
        for rank, hit in enumerate(engine.search(index_of(kind), query).hits):
            ranks[hit.id] = ranks.get(hit.id, 0.0) + 1 / (_RANKS + rank)
    return [uuid.UUID(identity) for identity in sorted(ranks, key=lambda one: (-ranks[one], one))[:most]]


def _roads(mine: Signature, kind: str, rarity: Rarity, most: int) -> Iterator[Query]:
    filters: tuple[Filter, ...] = (AnyOf("state", ("published",)),)
    if kind == "demand":
        filters += (AnyOf("progress", ("open",)),)
    terms = key_terms(mine, rarity)
    if terms:
        yield Query(terms=terms, filters=filters, limit=most)
    vector = tuple(vector_of(mine) or ())
    if vector:
        yield Query(vector=vector, filters=filters, limit=most)
    near = _taxonomy(mine)
    if near and (terms or vector):
        some = most // _TAXONOMY_SHARE
        yield Query(vector=vector, terms=() if vector else terms, filters=(*filters, *near), limit=some)


def key_terms(mine: Signature, rarity: Rarity) -> tuple[WeightedTerm, ...]:
    """The words of a listing's own text that tell most, by (1 + ln count) x rarity (TF-IDF, Salton 1988)."""
    words = words_of(mine)
    own = mine.bags.one(0)
    weights = (1 + np.log(np.maximum(own.counts, 1))) * rarity.of(own.keys)
    order = np.argsort(-weights, kind="stable")
    found: list[WeightedTerm] = []
    for key, weight in zip(own.keys[order].tolist(), weights[order].tolist(), strict=True):
        if key in words and key & KIND in (WORD, STEM):
            word = words[key]
            found.append(WeightedTerm(stem(word) if key & KIND == STEM else word, weight))
            if len(found) == _TERMS:
                break
    return tuple(found)


def _taxonomy(mine: Signature) -> Sequence[Filter]:
    """Listings of the same discipline or one beside it; of the same field where no discipline is known."""
    known = mine.particulars
    if known.disciplines:
        families = {with_ancestors("disciplines", [code])[-1] for code in known.disciplines}
        return (AnyOf("disciplines", tuple(sorted(families))),)
    return (AnyOf("field", (known.field_code,)),) if known.field_code else ()
