"""What matching needs of a listing, small enough to keep beside it. Holds shapes, and how they are packed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import orjson

from search.text import is_han, terms_as_written

Range = tuple[float | None, float | None]
"""From and to; None leaves an end open."""


@dataclass(frozen=True, slots=True)
class Words:
    """A bag of analysed terms: how much each weighs in its text (title words weigh more), and their sum."""

    counts: Mapping[str, float] = field(default_factory=dict)
    length: float = 0.0


@dataclass(frozen=True, slots=True)
class Indicator:
    """A technical indicator: direction is at_least, at_most, between or exactly."""

    name: str
    direction: str
    value: float
    value_to: float | None
    unit: str


@dataclass(frozen=True, slots=True)
class Signature:
    """One listing, as a pair score sees it. Empty and None mean unknown, and never count against it."""

    noun: str
    organisation: str = ""
    languages: str = "both"
    words: Words = field(default_factory=Words)
    works: tuple[tuple[str, Words], ...] = ()  # an expert's: title and words of each
    surfaces: Mapping[str, str] = field(default_factory=dict)  # stem -> the word as it was written
    field_code: str = ""
    disciplines: tuple[str, ...] = ()
    industries: tuple[str, ...] = ()
    trl: Range | None = None
    money: Range | None = None  # CNY: a demand's budget, an outcome's price
    regions: tuple[str, ...] = ()
    region_rule: str = "none"
    modes: tuple[str, ...] = ()
    indicators: tuple[Indicator, ...] = ()
    available: bool = True
    published_day: int | None = None  # days since 1970-01-01


def bag(texts: Iterable[tuple[str, float]]) -> Words:
    """The words of several (text, weight) pairs together."""
    counts: dict[str, float] = {}
    for text, weight in texts:
        for term, _ in _analysed(text):
            counts[term] = counts.get(term, 0.0) + weight
    return Words(counts, sum(counts.values()))


def surface_forms(texts: Iterable[str]) -> dict[str, str]:
    """For each stem that is no word itself, the first word it was cut from, for people to read."""
    forms: dict[str, str] = {}
    for text in texts:
        for term, written in _analysed(text):
            if term != written:
                forms.setdefault(term, written)
    return forms


def scripts(texts: Iterable[str]) -> str:
    """Which languages the texts are in: zh, en or both."""
    seen = {is_han(term) for text in texts for term in {term for term, _ in _analysed(text)}}
    return "both" if len(seen) != 1 else "zh" if True in seen else "en"


# The three readings of a listing follow each other; analysing its texts is nearly all their work.
_analysed = lru_cache(maxsize=64)(terms_as_written)


def pack(signature: Signature) -> bytes:
    """As JSON."""
    return orjson.dumps(signature)


def unpack(body: bytes) -> Signature:
    """The inverse of pack."""
    data: dict[str, Any] = orjson.loads(body)
    data["words"] = Words(**data["words"])
    data["works"] = tuple((title, Words(**words)) for title, words in data["works"])
    data["indicators"] = tuple(Indicator(**indicator) for indicator in data["indicators"])
    for name in ("trl", "money"):
        data[name] = tuple(data[name]) if data[name] else None
    for name in ("disciplines", "industries", "regions", "modes"):
        data[name] = tuple(data[name])
    return Signature(**data)
