"""Turns what tantivy returns into hits, facets and texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import tantivy

from search.embedded.schema import STORE
from search.engine import Hit
from search.highlighting import Wanted
from search.showing import Originals, highlights

MOST_FACETS = 100
SEGMENT_FACETS = 10_000  # counted in each segment before the greatest are kept, so that the counts are exact


def to_hit(stored: tantivy.Document, version: int, score: float, wanted: Wanted, fields: Sequence[str]) -> Hit:
    """A hit with the passages of these fields in which something wanted stands."""
    marked = tuple(highlights(originals(stored), wanted, fields)) if fields else ()
    return Hit(str(stored["id"][0]), version, score, marked)


def count_facets(searcher: tantivy.Searcher, query: tantivy.Query, names: Sequence[str]) -> dict[str, dict[str, int]]:
    """How many found documents hold each value of a field: the 100 commonest, commonest first."""
    if not names:
        return {}
    asked = {name: {"terms": {"field": name, "size": MOST_FACETS, "segment_size": SEGMENT_FACETS}} for name in names}
    counted: Mapping[str, Any] = searcher.aggregate(query, asked)
    return {
        name: {str(bucket["key"]): int(bucket["doc_count"]) for bucket in counted[name]["buckets"]} for name in names
    }


def originals(stored: tantivy.Document) -> Originals:
    """The texts of a document as they were written."""
    texts: dict[str, list[str]] = orjson.loads(stored[STORE][0])
    return texts
