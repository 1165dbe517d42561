"""How a document lies in a tantivy index: which fields exist, and the words put into each.

The only place that names internal fields. They begin with an underscore; declared fields never do.
"""

from __future__ import annotations

import string
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version

import orjson
import rjieba
import tantivy

from search.engine import Document
from search.indexes import IndexSpec, fingerprint
from search.text import LONGEST_WORD, normalise, parts, runs, stem

LAYOUT = 1
"""Raise it when documents are laid out otherwise: indexes on disk are then filled afresh."""

WORDS = "_words"  # every analysed word of every text: what is matched, counted and weighed
GRAMS = "_grams"  # Han pairs and Latin words with positions: phrases, and Han words cut otherwise
LATIN = "_latin"  # unstemmed Latin words: beginnings of words, typos
TYPING = "_typing"  # as GRAMS, of the fields that suggest
STORE = "_store"  # the original texts as JSON, for highlights and suggestions
ORDER = "_order"  # an integer that grows with the id, for reading all ids piece by piece
VECTOR = "_vector"  # the number of the document's vector, where the index has vectors and the document one

BARRIER = "|"
"""Stands between two texts, so that no phrase runs from one into the next. Never a word."""

_DIGITS = {character: rank for rank, character in enumerate(sorted(f"{string.ascii_letters}{string.digits}-_"), 1)}
_ORDER_LENGTH = 10  # characters of an id in base 65 that fit below 2^63


@dataclass(slots=True)
class Analysis:
    """The words of one text, in each form the index holds."""

    words: list[str]
    grams: list[str]
    latin: list[str]


def directory_name(spec: IndexSpec) -> str:
    """`<index>-<fingerprint>`; the fingerprint also covers this layout and the engine's file format."""
    return f"{spec.name}-{fingerprint(spec, salt=f'embedded {LAYOUT} tantivy {_file_format()}')}"


@cache
def _file_format() -> str:
    return ".".join(version("tantivy").split(".")[:2])


def weight_field(weight: float) -> str:
    """The field that repeats the words of texts of this weight, to score them above running text."""
    return f"_weight_{weight:g}".replace(".", "_")


def weights(spec: IndexSpec) -> list[float]:
    """The distinct weights above that of running text, greatest first."""
    return sorted({text.weight for text in spec.text if text.weight > 1}, reverse=True)


def build_schema(spec: IndexSpec) -> tantivy.Schema:
    """The tantivy schema of an index. Words are found here and joined by spaces; its tokeniser splits."""
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("id", stored=True, fast=True, tokenizer_name="raw", index_option="basic")
    builder.add_integer_field("version", fast=True)
    builder.add_integer_field(ORDER, indexed=True, fast=True)
    builder.add_bytes_field(STORE, stored=True)
    for name in (WORDS, *map(weight_field, weights(spec))):
        builder.add_text_field(name, tokenizer_name="whitespace", index_option="freq")
    builder.add_text_field(LATIN, tokenizer_name="whitespace", index_option="basic")
    for name in (GRAMS, TYPING):
        builder.add_text_field(name, tokenizer_name="whitespace", index_option="position")
    for name in spec.keywords:
        builder.add_text_field(name, fast=True, tokenizer_name="raw", index_option="basic")
    for name in spec.numbers:
        builder.add_integer_field(name, indexed=True, fast=True)
    if spec.dimensions:
        builder.add_integer_field(VECTOR, indexed=True, fast=True)
    return builder.build()


def to_tantivy(spec: IndexSpec, document: Document) -> tantivy.Document:
    """A checked document as tantivy holds it."""
    target = tantivy.Document()
    name = str(document["id"])
    target.add_text("id", name)
    target.add_integer(ORDER, order_of(name))
    for field in spec.keywords:
        for keyword in dict.fromkeys(values_of(document, field)):
            target.add_text(field, keyword)
    for field in ("version", *spec.numbers):
        number = document.get(field)
        if isinstance(number, int):
            target.add_integer(field, number)
    _add_texts(target, spec, document)
    return target


def values_of(document: Document, field: str) -> list[str]:
    """The texts of a field that may hold none, one or several."""
    value = document.get(field)
    if value is None or isinstance(value, int):
        return []
    return [value] if isinstance(value, str) else [text for text in value if isinstance(text, str)]


def order_of(name: str) -> int:
    """The first characters of an id as a number: a < b implies order_of(a) <= order_of(b)."""
    number = 0
    for character in name[:_ORDER_LENGTH].ljust(_ORDER_LENGTH, "\0"):
        number = number * 65 + _DIGITS.get(character, 0)
    return number


def analyse(text: str) -> Analysis:
    """The words of a text as the index holds them; one pass, because filling an index is mostly this."""
    words: list[str] = []
    grams: list[str] = []
    latin: list[str] = []
    for run, _, han in runs(normalise(text)):
        if han:
            words += rjieba.cut_for_search(run, False)
            grams += [run[i : i + 2] for i in range(len(run))]
            continue
        words.append(stem(run))
        latin.append(run[:LONGEST_WORD])
        grams.append(run[:LONGEST_WORD])
        if not run.isalnum():
            inner = [part[:LONGEST_WORD] for part in parts(run)]
            words += map(stem, inner)
            latin += inner
    return Analysis(words, grams, latin)


def _add_texts(target: tantivy.Document, spec: IndexSpec, document: Document) -> None:
    originals: dict[str, list[str]] = {}
    collected: dict[str, list[str]] = {}
    for text in spec.text:
        # Half a surrogate pair has no UTF-8 form. One for one, so that offsets stay.
        values = [v.encode("utf-8", "replace").decode() for v in values_of(document, text.name) if v]
        if not values:
            continue
        originals[text.name] = values
        for value in values:
            analysis = analyse(value)
            collected.setdefault(WORDS, []).extend(analysis.words)
            collected.setdefault(LATIN, []).extend(analysis.latin)
            collected.setdefault(GRAMS, []).extend((*analysis.grams, BARRIER))
            if text.weight > 1:
                collected.setdefault(weight_field(text.weight), []).extend(analysis.words)
            if text.suggest:
                collected.setdefault(TYPING, []).extend((*analysis.grams, BARRIER))
    for field, tokens in collected.items():
        target.add_text(field, " ".join(tokens))
    target.add_bytes(STORE, orjson.dumps(originals))
