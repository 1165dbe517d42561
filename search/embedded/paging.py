"""Cuts exact, repeatable pages out of what a tantivy query finds: equals are ordered by id, greatest first.

tantivy orders by one key and breaks ties by where a document happens to lie, which changes with every merge.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import groupby

import tantivy
from tantivy import Order

from search.embedded.queries import all_of, number_range, without
from search.embedded.schema import ORDER
from search.engine import Sort

Place = tantivy.DocAddress
Slice = tuple[list[tuple[float, Place]], int]
"""Scores and places of a page, and the exact total."""

WIDEST_TIE = 3_000  # equal scores read to order them; more stay where tantivy put them


def total_of(searcher: tantivy.Searcher, query: tantivy.Query) -> int:
    """How many documents match."""
    return _count(searcher.search(query, 1))


def best_of(searcher: tantivy.Searcher, query: tantivy.Query, limit: int) -> Slice:
    """The best with their scores, equal ones in any order, and the exact total."""
    found = searcher.search(query, limit)
    return found.hits, _count(found)


def by_id(searcher: tantivy.Searcher, schema: tantivy.Schema, query: tantivy.Query, offset: int, limit: int) -> Slice:
    """A page of everything found, greatest id first; every score is 1."""
    newest_first = Sort(field=ORDER, descending=True)
    page, total = by_number(searcher, schema, query, newest_first, offset=offset, limit=limit)
    return [(1.0, place) for _, place in page], total


def by_score(searcher: tantivy.Searcher, query: tantivy.Query, offset: int, limit: int) -> Slice:
    """A page of the best, equal scores by id unless more than WIDEST_TIE share one.

    One more is read on either side of the page: only where a score runs over an edge must all from the first on
    be seen.
    """
    before = min(offset, 1)
    found = searcher.search(query, limit + before + 1, offset=offset - before)
    window = found.hits[before : before + limit]
    edges = (found.hits[:before], found.hits[before + limit :])
    if window and any(
        edge and edge[0][0] == hit[0] for edge, hit in zip(edges, (window[0], window[-1]), strict=True)
    ):
        return _by_score_from_the_first(searcher, query, offset, limit)
    page: list[tuple[float, Place]] = []
    for _, group in groupby(window, key=lambda hit: hit[0]):
        tied = list(group)
        page += _by_id(searcher, tied, 0, len(tied))
    return page, _count(found)


def in_order(
    searcher: tantivy.Searcher, ranked: list[tuple[float, Place]], offset: int, limit: int
) -> list[tuple[float, Place]]:
    """A page of what is ordered by score already, equal scores by id."""
    page: list[tuple[float, Place]] = []
    position = 0
    for _, group in groupby(ranked, key=lambda hit: hit[0]):
        tied = list(group)
        first, last = max(position, offset), min(position + len(tied), offset + limit)
        if first < last:
            page += _by_id(searcher, tied, first - position, last - position)
        position += len(tied)
        if position >= offset + limit:
            break
    return page


def _by_score_from_the_first(searcher: tantivy.Searcher, query: tantivy.Query, offset: int, limit: int) -> Slice:
    end = offset + limit
    found = searcher.search(query, end + 1)
    total = _count(found)
    # The last score of the page may go on behind it: then all that share it must be seen to order them.
    if len(found.hits) > end and found.hits[end - 1][0] == found.hits[end][0]:
        # Counting again keeps the scores the same to the last bit: without it they are added in another order.
        found = searcher.search(query, min(total, end + WIDEST_TIE + 1))
    hits = found.hits
    # Whether a tie is too wide must not depend on the page, or pages would not join.
    cut = hits[-1][0] if hits and len(hits) < total else None
    page: list[tuple[float, Place]] = []
    position = bisect_left(hits, -hits[offset][0], key=_descending) if offset < len(hits) else end
    while position < min(end, len(hits)):
        score = hits[position][0]
        stop = bisect_right(hits, -score, lo=position, key=_descending)
        first, last = max(offset, position), min(end, stop)
        too_wide = stop - position > WIDEST_TIE or (score == cut and stop > end)
        if too_wide or stop - position == 1:
            page += hits[first:last]
        else:
            page += _by_id(searcher, hits[position:stop], first - position, last - position)
        position = stop
    return page, total


def _descending(hit: tuple[float, Place]) -> float:
    return -hit[0]


def by_number(
    searcher: tantivy.Searcher,
    schema: tantivy.Schema,
    query: tantivy.Query,
    sort: Sort,
    *,
    offset: int,
    limit: int,
) -> Slice:
    """A page ordered by a number, documents without it last, equal numbers by id; every score is 0.

    One more is read on either side of the page. Only a number that runs over an edge is asked for again,
    with its documents alone, ordered by id.
    """
    order = Order.Desc if sort.descending else Order.Asc
    before = min(offset, 1)
    found = searcher.search(query, limit + before + 1, offset=offset - before, order_by_field=sort.field, order=order)
    page: list[tuple[float, Place]] = []
    position = offset - before
    for number, group in groupby(found.hits, key=lambda hit: hit[0]):
        tied = [(0.0, place) for _, place in group]
        first, last = max(position, offset), min(position + len(tied), offset + limit)
        is_edge = position < offset or position + len(tied) > offset + limit
        if first < last:
            if not is_edge:
                page += _by_id(searcher, tied, 0, len(tied))
            else:
                start = _rank(searcher, schema, query, sort, number) if position < offset else position
                same = all_of([query, _holding(schema, sort.field, number)])
                page += _same(searcher, schema, same, sort, offset=first - start, limit=last - first)
        position += len(tied)
    return page, _count(found)


def _same(
    searcher: tantivy.Searcher,
    schema: tantivy.Schema,
    query: tantivy.Query,
    sort: Sort,
    *,
    offset: int,
    limit: int,
) -> list[tuple[float, Place]]:
    """A page of documents with equal numbers, greatest id first."""
    if sort.field != ORDER:
        page, _ = by_id(searcher, schema, query, offset, limit)
    else:
        # Ids with the same beginning. Comparing whole ids is slow, so it is left for these.
        page = searcher.search(query, limit, offset=offset, count=False, order_by_field="id").hits
    return [(0.0, place) for _, place in page]


def _rank(
    searcher: tantivy.Searcher, schema: tantivy.Schema, query: tantivy.Query, sort: Sort, number: int | None
) -> int:
    """How many documents come before the first one with this number."""
    if number is None:
        return total_of(searcher, all_of([query, number_range(schema, sort.field, None, None)]))
    better = (number + 1, None) if sort.descending else (None, number - 1)
    return total_of(searcher, all_of([query, number_range(schema, sort.field, *better)]))


def _holding(schema: tantivy.Schema, name: str, number: int | None) -> tantivy.Query:
    if number is None:
        return without(tantivy.Query.all_query(), number_range(schema, name, None, None))
    return tantivy.Query.term_query(schema, name, number)


def _by_id(
    searcher: tantivy.Searcher, tied: list[tuple[float, Place]], start: int, stop: int
) -> list[tuple[float, Place]]:
    """tied[start:stop] of the same places ordered by id. Reads only the ids it cannot do without."""
    if len(tied) == 1:
        return tied[start:stop]
    orders = searcher.fast_field_values(ORDER, [place for _, place in tied])
    ranked = sorted(zip(orders, tied, strict=True), key=lambda pair: -int(pair[0] or 0))
    page: list[tuple[float, Place]] = []
    position = 0
    for _, group in groupby(ranked, key=lambda pair: pair[0]):
        same = [hit for _, hit in group]
        if position < stop and position + len(same) > start:
            if len(same) > 1:
                same.sort(key=lambda hit: str(searcher.doc(hit[1])["id"][0]), reverse=True)
            page += same[max(start - position, 0) : stop - position]
        position += len(same)
    return page


def _count(found: tantivy.SearchResult) -> int:
    return int(found.count)  # type: ignore[attr-defined]  # its published types leave it out
