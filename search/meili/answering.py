"""Answers a query by as few requests as it takes: the strict way first, others only where that finds nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from search.engine import Hit, Page, Query
from search.highlighting import Wanted
from search.indexes import IndexSpec
from search.meili.documents import STORE, decode
from search.meili.queries import (
    FEWEST_LOOSE,
    Attempt,
    Body,
    distinct_words,
    holding,
    hybrid,
    loose,
    named_by,
    narrowing,
    otherwise,
    paged,
    strict,
)
from search.reading import read
from search.showing import Originals, highlights
from search.text import normalise

Asking = Callable[[Sequence[Body]], list[dict[str, Any]]]
"""Sends search requests to one index in one round trip, and gives their answers."""

Counting = Callable[[Sequence[str]], Mapping[str, int]]
"""In how many documents each analysed word stands."""

HEAVIEST = 64  # key terms that order what any of them finds; more would only move the last places
LEAST_SCORE = 1e-9  # of what is found without anything that ranks it
POOL = 500  # documents of one key term that are looked at to order them


def answer(ask: Asking, spec: IndexSpec, query: Query, known: Counting) -> Page:
    """The page of a checked query."""
    filters = narrowing(query.filters)
    weights = {normalise(term.text): term.weight for term in query.terms}
    if weights:
        filters.append(holding(weights))
    asked = paged(query, filters=filters)
    if query.vector:
        return _neighbours(ask, spec, query, asked)
    if query.text.strip():
        return _worded(ask, spec, query, asked, known)
    marked = Wanted(frozenset(weights))
    if weights and query.sort is None:
        return _weighed(ask, query, asked, weights, marked)
    return _page(ask([asked])[0], query, marked)


def originals(hit: Mapping[str, Any]) -> Originals:
    """The texts of a document as they were written."""
    texts: dict[str, list[str]] = hit.get(STORE) or {}
    return texts


def _worded(ask: Asking, spec: IndexSpec, query: Query, asked: Body, known: Counting) -> Page:
    reading = read(query.text)
    if not (reading.phrases or reading.stretches):
        return _nothing(query)
    first = strict(spec, reading)
    found = ask([asked | first.body])[0]
    if found["estimatedTotalHits"]:
        return _page(found, query, first.wanted)
    attempts = otherwise(spec, reading)
    page = _first_found(ask, query, asked, attempts)
    words = distinct_words(reading)
    if page is None and len(words) >= FEWEST_LOOSE:
        counts = known(words)
        rarest = sorted((word for word in words if counts[word]), key=lambda word: counts[word])
        if len(rarest) > 1:
            page = _first_found(ask, query, asked, loose(spec, reading, rarest))
    return page or _page(found, query, first.wanted)


def _first_found(ask: Asking, query: Query, asked: Body, attempts: Sequence[Attempt]) -> Page | None:
    answers = ask([asked | attempt.body for attempt in attempts]) if attempts else []
    for found, attempt in zip(answers, attempts, strict=True):
        if found["estimatedTotalHits"]:
            return _page(found, query, attempt.wanted)
    return None


def _weighed(ask: Asking, query: Query, asked: Body, weights: Mapping[str, float], marked: Wanted) -> Page:
    """Documents that hold any key term, those with the greatest sum of weights first, then the greatest id.

    The server finds them but cannot weigh them, so for each of the heaviest terms it is asked who holds it.
    """
    total = ask([asked | {"offset": 0, "limit": 0, "showRankingScore": False}])[0]
    end = query.offset + query.limit
    if not query.limit or not total["estimatedTotalHits"]:
        return _page(total, query, marked)
    heaviest = sorted(weights, key=lambda term: -weights[term])[:HEAVIEST]
    pooled = {"filter": asked.get("filter", []), "attributesToRetrieve": ["id"], "limit": max(POOL, end)}
    answers = ask([pooled | {"filter": [*pooled["filter"], holding([term])]} for term in heaviest])
    scores: Counter[str] = Counter()
    for term, found in zip(heaviest, answers, strict=True):
        for hit in found["hits"]:
            scores[hit["id"]] += weights[term]  # type: ignore[assignment]  # a Counter of floats
    ranked = sorted(scores, key=lambda name: (scores[name], name), reverse=True)
    chosen = ranked[query.offset : end]
    if len(ranked) < end and len(ranked) < total["estimatedTotalHits"]:
        rest = ask([pooled | {"limit": end + len(ranked)}])[0]["hits"]
        chosen = [*ranked, *(hit["id"] for hit in rest if hit["id"] not in scores)][query.offset : end]
    rows = ask([{**asked, "filter": [named_by(chosen)], "facets": [], "offset": 0, "limit": len(chosen)}])[0]["hits"]
    by_id = {row["id"]: row | {"_rankingScore": scores[row["id"]]} for row in rows}
    return _page({**total, "hits": [by_id[name] for name in chosen if name in by_id]}, query, marked)


def _neighbours(ask: Asking, spec: IndexSpec, query: Query, asked: Body) -> Page:
    """Words and vector together. Their totals and facets would be those of the whole index, so words alone count."""
    reading = read(query.text)
    worded = bool(reading.phrases or reading.stretches)
    if query.text.strip() and not worded:
        return _nothing(query)
    first = strict(spec, reading) if worded else Attempt({}, Wanted())
    body = asked | first.body | hybrid(query.vector, query.semantic if worded else 1.0)
    body.pop("facets", None)
    counted = asked | first.body | {"offset": 0, "limit": 0}
    found, total = ask([body, counted])
    return _page({**total, "hits": found["hits"]}, query, first.wanted)


def _nothing(query: Query) -> Page:
    return Page((), 0, {name: {} for name in query.facets})


def _page(found: Mapping[str, Any], query: Query, wanted: Wanted) -> Page:
    hits = tuple(
        Hit(
            row["id"],
            row["version"],
            # What is furthest from a vector scores 0 there, and here only what a sort has ordered.
            float(row.get("_rankingScore") or LEAST_SCORE) if query.sort is None else 0.0,
            tuple(highlights(originals(row), wanted, query.highlight)) if query.highlight else (),
        )
        for row in found["hits"]
    )
    counts = found.get("facetDistribution") or {}
    facets = {
        name: {decode(value): number for value, number in counts.get(name, {}).items()} for name in query.facets
    }
    return Page(hits, int(found["estimatedTotalHits"]), facets)
