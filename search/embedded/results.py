"""Turns what tantivy returns into hits, facets and suggestions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import orjson
import tantivy

from search.embedded.schema import STORE
from search.engine import Highlight, Hit, Suggestion
from search.highlighting import WORD_START, Wanted, highlight
from search.indexes import IndexSpec
from search.text import is_han, normalise

MOST_FACETS = 100
SEGMENT_FACETS = 10_000  # counted in each segment before the greatest are kept, so that the counts are exact
MOST_VALUES = 3  # highlighted of a field with several


def to_hit(stored: tantivy.Document, version: int, score: float, wanted: Wanted, fields: Sequence[str]) -> Hit:
    """A hit with the passages of these fields in which something wanted stands."""
    return Hit(str(stored["id"][0]), version, score, tuple(_highlights(stored, wanted, fields)))


def count_facets(searcher: tantivy.Searcher, query: tantivy.Query, names: Sequence[str]) -> dict[str, dict[str, int]]:
    """How many found documents hold each value of a field: the 100 commonest, commonest first."""
    if not names:
        return {}
    asked = {name: {"terms": {"field": name, "size": MOST_FACETS, "segment_size": SEGMENT_FACETS}} for name in names}
    counted: Mapping[str, Any] = searcher.aggregate(query, asked)
    return {
        name: {str(bucket["key"]): int(bucket["doc_count"]) for bucket in counted[name]["buckets"]} for name in names
    }


def to_suggestions(
    spec: IndexSpec, documents: Iterable[tantivy.Document], typed: Sequence[str]
) -> tuple[Suggestion, ...]:
    """The distinct texts that hold every typed run; those that begin so first, then short ones."""
    # A Latin word is typed from its beginning; Han characters stand anywhere.
    patterns = [re.compile(re.escape(run) if is_han(run) else WORD_START + re.escape(run)) for run in typed]
    found: dict[str, tuple[tuple[bool, int], Suggestion]] = {}
    for stored in documents:
        originals = _originals(stored)
        for field in spec.text:
            for text in originals.get(field.name, ()) if field.suggest else ():
                folded = normalise(text)
                if folded not in found and all(pattern.search(folded) for pattern in patterns):
                    rank = (not folded.startswith(typed[0]), len(text))
                    found[folded] = (rank, Suggestion(text, field.name, str(stored["id"][0])))
    return tuple(suggestion for _, suggestion in sorted(found.values(), key=lambda pair: pair[0]))


def _highlights(stored: tantivy.Document, wanted: Wanted, fields: Sequence[str]) -> Iterator[Highlight]:
    if not fields:
        return
    originals = _originals(stored)
    for field in dict.fromkeys(fields):
        found = (highlight(field, text, wanted) for text in originals.get(field, ()))
        marked = [passage for passage in found if passage is not None]
        yield from marked[:MOST_VALUES]


def _originals(stored: tantivy.Document) -> dict[str, list[str]]:
    originals: dict[str, list[str]] = orjson.loads(stored[STORE][0])
    return originals
