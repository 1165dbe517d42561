"""Orders what a query finds by how near it is to a vector, alone or beside words.

Exact: a first look at all vectors tells who may be among the best, a second in twice the precision who is. Rows lie
otherwise in each process, and so do the last bits of a product; what is rounded is the same everywhere.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import tantivy

from search.embedded.paging import Place, Slice, best_of, by_id, in_order, total_of
from search.embedded.queries import Plan, all_of, without
from search.embedded.schema import VECTOR
from search.embedded.vectors import GENERATION, NOTHING, Doubles, Floats, Rows, VectorReader, unit
from search.engine import Query

LEAST_SCORE = 1e-9  # of what has no vector, or the very opposite
MARGIN = 1e-5  # well above the error of a product in single precision, and of the roundings below
DIGITS, BLENDED_DIGITS = 9, 7
SPARE = 50  # rows looked at beyond those asked for
FEW = 2_000  # vectors left by the filters that are compared one by one, and a share of all at which that is quicker
FEW_SHARE = 1 / 8
MOST_TESTED = 30_000  # rows of which the index is asked whether the filters leave them
POOLS = (256, 1_024, 4_096, 16_384, 65_536, 262_144)  # of the best by words and by vector that are blended
DEEPEST_POOL = 16_384  # that is tried to prove the order, where the page itself needs no more


class Near(NamedTuple):
    """A document with its cosine, -2 if its vector is lost."""

    cosine: float
    place: Place
    number: int


def nearest(
    searcher: tantivy.Searcher, schema: tantivy.Schema, reader: VectorReader, planned: Plan, query: Query
) -> Slice:
    """A page of the best for a query with a vector and no sort, and the exact total of the documents counted."""
    total = total_of(searcher, planned.strict)
    if not query.limit or not (total or planned.around):
        return [], total
    near = Neighbours(searcher, schema, reader, planned.around or planned.strict, query.vector)
    if planned.around is None:
        return _alone(searcher, schema, near, query), total
    words = planned.strict if total or planned.loose is None else planned.loose
    return _blended(searcher, near, words, query), total


class Neighbours:
    """The documents of a query that have a vector, by how near it is to another."""

    def __init__(
        self,
        searcher: tantivy.Searcher,
        schema: tantivy.Schema,
        reader: VectorReader,
        left: tantivy.Query,
        vector: Sequence[float],
    ) -> None:
        self._searcher, self._schema = searcher, schema
        self.left = left
        self.having = all_of([left, tantivy.Query.exists_query(VECTOR)])
        self.total, self._rows = self._current(reader)
        self._vector = unit(vector)
        self._single = self._vector.astype(np.float32)
        self._scanned: Floats | None = None

    def best(self, least: int) -> list[Near]:
        """All that are as near as the last of the list, and at least so many, or all there are: nearest first."""
        size = len(self._rows.held)
        if self.total > max(FEW, size * FEW_SHARE):
            tested = math.ceil((least + SPARE) * max(1.0, size / self.total))
            while tested <= min(MOST_TESTED, size - 1):
                sure = self._sure(tested)
                if len(sure) >= least:
                    return sure
                tested *= 4
        return self._of_all(least)

    def cosines(self, numbers: Sequence[int]) -> Doubles:
        """How near the vectors of these numbers are; -2 where one is lost."""
        rows = self._rows.of(numbers)
        known = rows >= 0
        cosines = np.full(len(rows), -2.0)
        cosines[known] = np.round(self._rows.products(rows[known], self._vector), DIGITS)
        return cosines

    def with_numbers(self, query: tantivy.Query, numbers: Sequence[int]) -> tantivy.Query:
        """What of the query has one of these vectors, with the scores it has there."""
        named = tantivy.Query.term_set_query(self._schema, VECTOR, list(numbers))
        return all_of([query, tantivy.Query.const_score_query(named, 0.0)])

    def _current(self, reader: VectorReader) -> tuple[int, Rows]:
        found, total = best_of(self._searcher, self.having, 1)
        if not found:
            return 0, NOTHING
        (number,) = self._searcher.fast_field_values(VECTOR, [found[0][1]])
        return total, reader.at(int(number or 0) // GENERATION)

    def _sure(self, tested: int) -> list[Near]:
        """Those of the best rows that the query leaves, as far down as no other row can come between."""
        scores = self._scan()
        bound = float(np.partition(scores, -tested)[-tested])
        chosen = np.flatnonzero(scores >= bound)
        if len(chosen) > MOST_TESTED:
            return []
        narrowed = self.with_numbers(self.having, (chosen + self._rows.first).tolist())
        numbers, places = self._found(narrowed, len(chosen))
        return self._ordered(numbers, places, bound + MARGIN)

    def _of_all(self, least: int) -> list[Near]:
        numbers, places = self._found(self.having, max(self.total, 1))
        if len(numbers) <= least + SPARE:
            return self._ordered(numbers, places, -math.inf)
        rows = self._rows.of(numbers)
        known = rows >= 0
        scores = np.full(len(rows), -2.0, np.float32)
        if self._scanned is None:
            scores[known] = self._rows.products(rows[known], self._single)
        else:
            scores[known] = self._scanned[rows[known]]
        bound = float(np.partition(scores, -least - SPARE)[-least - SPARE])
        chosen = np.flatnonzero(scores >= bound).tolist()
        sure = self._ordered([numbers[i] for i in chosen], [places[i] for i in chosen], bound + MARGIN)
        return sure if len(sure) >= least else self._ordered(numbers, places, -math.inf)

    def _found(self, query: tantivy.Query, most: int) -> tuple[list[int], list[Place]]:
        hits = self._searcher.search(query, most, count=False, order_by_field=VECTOR).hits
        return [int(number) for number, _ in hits], [place for _, place in hits]

    def _ordered(self, numbers: Sequence[int], places: Sequence[Place], above: float) -> list[Near]:
        cosines = self.cosines(numbers).tolist()
        near = [Near(*one) for one in zip(cosines, places, numbers, strict=True) if one[0] > above]
        return sorted(near, key=lambda one: -one.cosine)

    def _scan(self) -> Floats:
        if self._scanned is None:
            self._scanned = self._rows.scan(self._single)
        return self._scanned


def _alone(
    searcher: tantivy.Searcher, schema: tantivy.Schema, near: Neighbours, query: Query
) -> list[tuple[float, Place]]:
    """By vector, then what has none, greatest id first."""
    end = query.offset + query.limit
    best = near.best(min(end, near.total)) if near.total else []
    ranked = [(_share(one.cosine), one.place) for one in best]
    page = in_order(searcher, ranked, query.offset, query.limit)
    if end > near.total:
        others = without(near.left, tantivy.Query.exists_query(VECTOR))
        missing = query.limit - len(page)
        rest, _ = by_id(searcher, schema, others, max(query.offset - near.total, 0), missing)
        page += [(LEAST_SCORE, place) for _, place in rest]
    return [(max(score, LEAST_SCORE), place) for score, place in page]


def _blended(
    searcher: tantivy.Searcher, near: Neighbours, words: tantivy.Query, query: Query
) -> list[tuple[float, Place]]:
    """By words and vector. The pool of the best by either is widened until nothing outside can come before the end
    of the page, so that the order is the same whichever page is asked for."""
    end = query.offset + query.limit
    ranked: list[tuple[float, Place]] = []
    for depth in _depths(end):
        ranked, sure = _pool(searcher, near, words, query.semantic, depth)
        if sure >= end:
            break
    page = in_order(searcher, ranked, query.offset, query.limit)
    return [(max(score, LEAST_SCORE), place) for score, place in page]


def _depths(end: int) -> Iterator[int]:
    for depth in POOLS:
        if depth >= end:
            yield depth
            if depth >= DEEPEST_POOL:
                return


def _pool(
    searcher: tantivy.Searcher, near: Neighbours, words: tantivy.Query, semantic: float, depth: int
) -> tuple[list[tuple[float, Place]], float]:
    """What is among the `depth` best by words or by vector, ordered, and how much of it nothing outside can beat."""
    found = searcher.search(words, depth)
    nearby = near.best(min(depth, near.total)) if near.total else []
    best = [one for one in nearby if one.cosine >= -1.5]
    places = {_key(place): place for place in (*(place for _, place in found.hits), *(one.place for one in best))}
    top = (found.hits[0][0] if found.hits else 0.0) or 1.0
    scores = {_key(place): score / top for score, place in found.hits}
    all_worded, all_near = len(found.hits) < depth, len(nearby) == near.total
    if not all_worded and best:
        more = searcher.search(near.with_numbers(words, [one.number for one in best]), len(best))
        scores = {_key(place): score / top for score, place in more.hits} | scores
    shares = _shares(searcher, near, list(places.values()))
    ranked = [
        (round((1 - semantic) * scores.get(key, 0.0) + semantic * share, BLENDED_DIGITS), place)
        for (key, place), share in zip(places.items(), shares, strict=True)
    ]
    ranked.sort(key=lambda hit: -hit[0])
    if all_worded and all_near:
        return ranked, math.inf
    outside = 0.0 if all_worded else (1 - semantic) * found.hits[-1][0] / top
    outside += 0.0 if all_near else semantic * _share(nearby[-1].cosine)
    return ranked, sum(score > outside + MARGIN for score, _ in ranked)


def _shares(searcher: tantivy.Searcher, near: Neighbours, places: list[Place]) -> list[float]:
    numbers = searcher.fast_field_values(VECTOR, places)
    cosines = near.cosines([-1 if number is None else int(number) for number in numbers])
    return [_share(cosine) for cosine in cosines.tolist()]


def _share(cosine: float) -> float:
    """From 0 for the very opposite, or for none at all, to 1 for the same direction."""
    return max((1 + cosine) / 2, 0.0)


def _key(place: Place) -> tuple[int, int]:
    return place.segment_ord, place.doc
