"""What all pairs are scored by: the census of features, the weights in use, and the embedder's model."""

from __future__ import annotations

import threading
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlmodel import Session, col, func, select

from market.db import dialect_of, insert_into
from market.matching.likeness import Scale
from market.matching.signatures import FORMAT, split, unpack_bags, unpack_vectors
from market.matching.sparse import Census, Keys, Rarity, buckets_of
from market.matching.weights import SHIPPED, Weights
from market.models import CensusTaken, Signature, Weighting

_GROWN = 1.2  # the exchange has changed by so much, or its inverse, before it is counted anew
SMALL = 200
"""Listings up to which each one more changes what words tell: everything is counted and matched anew."""
_AT_ONCE = 500
_ENOUGH_TO_TELL = 20  # vectors of either side


@dataclass(frozen=True, slots=True)
class Scoring:
    """Two pairs scored by the same of these can be compared. `listings` and, of those, `demands` had been counted."""

    scale: Scale
    weights: Weights
    listings: int = 0
    demands: int = 0
    measured: str = ""  # the model whose unlike texts were measured


class Scorings:
    """The scoring in use, remembered until census or weights change. Safe for many threads."""

    def __init__(self, model: str) -> None:
        """`model` is the embedder's, or an empty text."""
        self.model = model
        self._lock = threading.Lock()
        self._versions: tuple[int, int] = (-1, -1)
        self._known = Scoring(Scale(_uncounted(), model), SHIPPED)

    def current(self, session: Session) -> Scoring:
        """The scoring as the database has it."""
        census = session.exec(select(CensusTaken.version)).first() or 0
        weighting = session.exec(select(Weighting.version).where(col(Weighting.in_use))).first() or 0
        with self._lock:
            if self._versions != (census, weighting):
                self._known = _read(session, self.model)
                self._versions = (census, weighting)
            return self._known

    def with_census(self, scoring: Scoring, taken: dict[str, Any]) -> Scoring:
        """The scoring as it will be once this census is kept."""
        return replace(_by_census(CensusTaken(**taken, version=0), self.model), weights=scoring.weights)


@cache
def _uncounted() -> Rarity:
    """Before anything was counted. It is a million figures, which nobody changes."""
    return Rarity(Census.empty())


def _read(session: Session, model: str) -> Scoring:
    row = session.get(CensusTaken, 1)
    scoring = Scoring(Scale(_uncounted(), model), SHIPPED) if row is None else _by_census(row, model)
    learnt = session.exec(select(Weighting).where(col(Weighting.in_use))).first()
    return scoring if learnt is None else replace(scoring, weights=weights_of(learnt))


def _by_census(row: CensusTaken, model: str) -> Scoring:
    scale = Scale(Rarity(_unpack(row)), model)
    if model and row.model == model:
        scale = replace(scale, unlike=row.unlike)
    return Scoring(scale, SHIPPED, row.listings, row.demands, row.model)


def weights_of(row: Weighting) -> Weights:
    """Learnt weights as they are kept."""
    learnt = {name: (weight, centre) for name, (weight, centre) in row.weights["parts"].items()}
    # A part that is newer than these weights keeps its shipped one.
    return Weights(row.weights["bias"], {**SHIPPED.parts, **learnt}, row.version)


def outgrown(session: Session, scoring: Scoring) -> bool:
    """Whether either side has changed so much in size that features must be counted anew."""
    rows = session.exec(select(Signature.noun, func.count()).group_by(Signature.noun))
    now = {noun: int(number) for noun, number in rows}
    demands = now.get("demand", 0)
    if sum(now.values()) <= SMALL:
        return (scoring.listings, scoring.demands) != (sum(now.values()), demands)
    sides = ((scoring.listings - scoring.demands, sum(now.values()) - demands), (scoring.demands, demands))
    return not all(before / _GROWN - 1 <= present <= before * _GROWN + 1 for before, present in sides)


def take_census(session: Session, model: str, *, now: datetime) -> dict[str, Any]:
    """Count every signature's features, to be kept with `keep_census`. Reads in pages: memory stays the same."""
    counts = {side: np.zeros_like(Census.empty().of_offers) for side in ("offers", "demands")}
    texts = {"offers": 0, "demands": 0}
    listings = 0
    for noun, bodies in _bodies(session):
        side = "demands" if noun == "demand" else "offers"
        bags = [unpack_bags(body) for body in bodies]
        texts[side] += sum(len(one) for one in bags)
        listings += len(bags)
        counts[side] += _counted([one.keys for one in bags])
    packed = zlib.compress(np.concatenate([counts["offers"], counts["demands"]]).astype("<u4").tobytes(), 1)
    unlike = _unlike(session, model) if model else None
    return {
        "id": 1,
        "listings": listings,
        **texts,
        "model": model if unlike is not None else "",
        "unlike": unlike or 0.0,
        "body": packed,
        "taken_at": now,
    }


def _unlike(session: Session, model: str) -> float | None:
    """The mean cosine of demands with offers, of which nearly all are unlike; None where too few have vectors.

    The mean of all pairs' products is the product of the means.
    """
    means = []
    for asks in (True, False):
        rows = (
            select(Signature.vectors, Signature.digests)
            .where(Signature.model == model, col(Signature.vectors).is_not(None))
            .where(col(Signature.noun) == "demand" if asks else col(Signature.noun) != "demand")
            .order_by(col(Signature.listing_id))
            .limit(_AT_ONCE)
        )
        found = [unpack_vectors(packed, len(split(digests))) for packed, digests in session.execute(rows)]
        vectors = [vector for one in found for vector in one if vector.any()]
        if len(vectors) < _ENOUGH_TO_TELL:
            return None
        means.append(np.mean(vectors, axis=0))
    return round(float(np.clip(means[0] @ means[1], 0, 0.95)), 4)


def _counted(keys: list[Keys]) -> NDArray[np.uint32]:
    buckets = buckets_of(np.concatenate(keys))
    return np.bincount(buckets, minlength=len(Census.empty().of_offers)).astype(np.uint32)


def _bodies(session: Session) -> Iterator[tuple[str, list[bytes]]]:
    for noun in ("outcome", "expert", "demand"):
        rows = select(Signature.listing_id, Signature.body).order_by(col(Signature.listing_id)).limit(_AT_ONCE)
        rows = rows.where(Signature.noun == noun, Signature.format == FORMAT)
        page = session.execute(rows).all()
        while page:
            yield noun, [body for _, body in page]
            page = session.execute(rows.where(col(Signature.listing_id) > page[-1][0])).all()


def keep_census(session: Session, taken: dict[str, Any]) -> None:
    """Use this census from now on."""
    insert = insert_into(dialect_of(session), CensusTaken)
    changed = {name: insert.excluded[name] for name in taken if name != "id"}
    session.execute(
        insert.on_conflict_do_update(
            index_elements=["id"], set_={**changed, "version": col(CensusTaken.version) + 1}
        ),
        [{**taken, "version": 1}],
    )


def _unpack(row: CensusTaken) -> Census:
    counts = np.frombuffer(zlib.decompress(row.body), "<u4").astype(np.uint32)
    middle = len(counts) // 2
    return Census(row.offers, row.demands, counts[:middle], counts[middle:])
