"""How a document lies in a Meilisearch index: which fields exist, and what is put into each.

The only place that names internal fields. They begin with an underscore; declared fields never do.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import orjson
import rjieba

from search.engine import Document
from search.indexes import IndexSpec
from search.text import LONGEST_WORD, is_han, normalise, parts, runs, stem

LAYOUT = 1
"""Raise it when documents are laid out otherwise: a new index is then filled beside the old one."""

ID = "_id"  # the id as a keyword: filters and orders that tell capitals apart
# Of two fields whose names end in "id" the server cannot guess which one names a document: so an index that it made
# by itself, without our settings, takes none of ours.
GRAMS = "_grams"  # every Han character and unstemmed Latin word: phrases, Han words cut otherwise, beginnings
LATIN = "_latin"  # each unstemmed Latin word once, in no order: the only field in which words may be misspelt
TERMS = "_terms"  # each analysed word once, as a keyword: key terms and their frequencies
STORE = "_store"  # the original texts, for highlights and suggestions
EMBEDDER = "listing"

SHORTEST_MISSPELT = 4
LONGEST_VALUE = 400
"""Bytes of an encoded keyword. The server cuts what is longer than 468, and two would become one."""

_SAFE = re.compile(r"[a-z0-9_.:/-]*\Z")
_UNSAFE = re.compile(r"[^a-z0-9_.:/-]")
_ESCAPED = re.compile(r"\^([a-z])|~([0-9a-f]+);")
_CUT = re.compile(r"(\^|~[0-9a-f]*)?~[0-9a-f]{64}\Z")


def encode(keyword: str) -> str:
    """A keyword in a form that the server's folding of case, accents and width cannot change.

    Lower-case letters, digits and _ . : / - are themselves; a capital is ^ and the letter, anything else its code
    point. So different keywords stay different, and none can end the quotes of a filter.
    """
    encoded = keyword if _SAFE.match(keyword) else _UNSAFE.sub(_escape, keyword)
    if len(encoded) <= LONGEST_VALUE:
        return encoded
    return f"{encoded[:100]}~{hashlib.sha256(keyword.encode()).hexdigest()}"


def decode(encoded: str) -> str:
    """The inverse of `encode`, for all but the longest keywords, of which it gives the beginning."""
    whole = _CUT.sub("", encoded)
    return _ESCAPED.sub(lambda m: m[1].upper() if m[1] else chr(int(m[2], 16)), whole)


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    return f"^{character.lower()}" if "A" <= character <= "Z" else f"~{ord(character):x};"


def values_of(document: Document, field: str) -> list[str]:
    """The texts of a field that may hold none, one or several, as UTF-8 can hold them."""
    value = document.get(field)
    if value is None or isinstance(value, int | float):
        return []
    texts = [value] if isinstance(value, str) else [text for text in value if isinstance(text, str)]
    # Half a surrogate pair has no UTF-8 form. One for one, so that offsets stay.
    return [text.encode("utf-8", "replace").decode() for text in texts if text]


def to_meili(spec: IndexSpec, document: Document) -> dict[str, Any]:
    """A checked document as the server holds it."""
    identity = str(document["id"])
    held: dict[str, Any] = {"id": identity, ID: encode(identity), "version": document["version"]}
    originals: dict[str, list[str]] = {}
    grams: list[str] = []
    latin: dict[str, None] = {}
    terms: dict[str, None] = {}
    for field in spec.text:
        values = values_of(document, field.name)
        if not values:
            continue
        originals[field.name] = values
        forms = [_forms(value) for value in values]
        held[field.name] = [form.searched for form in forms]
        for form in forms:
            grams.append(form.spelled)
            terms.update(dict.fromkeys(form.terms))
            latin.update(dict.fromkeys(form.latin))
    held |= {STORE: originals, GRAMS: grams, LATIN: [*latin], TERMS: [*filter(_tells, terms)]}
    for name in spec.keywords:
        keywords = values_of(document, name)
        if keywords:
            held[name] = [encode(keyword) for keyword in dict.fromkeys(keywords)]
    held |= {name: document[name] for name in spec.numbers if document.get(name) is not None}
    if spec.dimensions:
        # None opts out: a document without the key would be refused.
        vector: Any = document.get("vector")
        held["_vectors"] = {EMBEDDER: None if vector is None else unit(vector)}
    return held


def unit(vector: Sequence[float]) -> list[float]:
    """A vector of the same direction and length 1, or none at all: the server's numbers are too small for some, and
    it compares directions only."""
    largest = max(map(abs, vector), default=0.0)
    if not largest:
        return [0.0 for _ in vector]
    scaled = [number / largest for number in vector]  # first, so that no square is too large
    length = math.hypot(*scaled)
    return [number / length for number in scaled]


def payloads(documents: Iterable[dict[str, Any]], *, largest: int) -> Iterator[bytes]:
    """Newline-delimited JSON, in UTF-8, in pieces of at most so many bytes, or of one document."""
    lines: list[bytes] = []
    size = 0
    for document in documents:
        line = orjson.dumps(document)
        if lines and size + len(line) > largest:
            yield b"\n".join(lines)
            lines, size = [], 0
        lines.append(line)
        size += len(line) + 1
    if lines:
        yield b"\n".join(lines)


class _Forms(NamedTuple):
    """A text in each form the index holds: `searched` is folded and stemmed, with Han left for the server to cut;
    `spelled` has each Han character and each unstemmed word; `latin` and `terms` are words, with repeats."""

    searched: str
    spelled: str
    latin: list[str]
    terms: list[str]


def _forms(text: str) -> _Forms:
    """All in one pass, because filling an index from here is mostly this."""
    written: list[str] = []
    letters: list[str] = []
    latin: list[str] = []
    terms: list[str] = []
    for run, _, han in runs(normalise(text)):
        if han:
            written.append(run)
            letters += run
            terms += rjieba.cut_for_search(run, False)
            continue
        root = stem(run)
        written.append(named(root))
        letters.append(named(run[:LONGEST_WORD]))
        terms.append(root)
        inner = [run] if run.isalnum() else parts(run)
        latin += [part for part in inner if SHORTEST_MISSPELT <= len(part) <= LONGEST_WORD]
        if not run.isalnum():
            terms += map(stem, inner)
    return _Forms(" ".join(written), " ".join(letters), latin, terms)


def searched(text: str) -> str:
    """A text as it is searched: folded, Latin words stemmed, Han left for the server to cut."""
    return _forms(text).searched


def spelled(text: str) -> str:
    """A text character by character where it is Han, and word by word, unstemmed, where it is not."""
    return _forms(text).spelled


def word(run: str) -> str:
    """A Latin word as texts and questions hold it."""
    return named(stem(run))


def named(run: str) -> str:
    """A Latin word whose signs are part of its name, in letters: to the server a sign is a gap between words."""
    return run.replace("++", "plusplus").replace("#", "sharp")


def _tells(term: str) -> bool:
    """Whether anybody asks for the term: single characters and bare numbers are never key terms."""
    return len(term) > 1 and (is_han(term) or not term.replace(".", "").isdigit())
