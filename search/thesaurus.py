"""Words of science and technology that mean the same, Chinese and English; the words themselves are in thesaurus.tsv.

A concept a line, three columns: Chinese terms, English terms, abbreviations (may be none), `|` between terms.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

from search import text

_FILE = Path(__file__).with_name("thesaurus.tsv")


@dataclass(frozen=True, slots=True)
class Concept:
    """One thing and all its names, the preferred one first in each language."""

    zh: tuple[str, ...]
    en: tuple[str, ...]
    abbr: tuple[str, ...]

    @property
    def terms(self) -> tuple[str, ...]:
        """All its names."""
        return self.zh + self.en + self.abbr


def parse(lines: Iterable[str]) -> tuple[Concept, ...]:
    """The concepts of a thesaurus; blank lines and those beginning with # hold none.

    Raises ValueError, naming the line, for one that is malformed or repeats a term.
    """
    found: list[Concept] = []
    first_line: dict[str, int] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith("#"):
            continue
        try:
            concept = _concept(line.rstrip("\r\n"))
            for term in concept.terms:
                earlier = first_line.setdefault(text.normalise(term), number)
                if earlier != number:
                    raise ValueError(f"{term!r} is on line {earlier} already")
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from None
        found.append(concept)
    return tuple(found)


def _concept(line: str) -> Concept:
    columns = line.split("\t")
    if len(columns) != 3:
        raise ValueError(f"three columns expected, not {len(columns)}")
    zh, en, abbr = (tuple(column.split("|")) if column else () for column in columns)
    if not zh or not en:
        raise ValueError("a concept needs a Chinese and an English term")
    for term in zh:
        if not _is_chinese(term):
            raise ValueError(f"{term!r} is not two or more simplified Chinese characters")
    for term in en + abbr:
        if len(term) < 2 or term != " ".join(term.split()) or not term.isascii():
            raise ValueError(f"{term!r} is not an English term")
    for term in en:
        if term != term.lower():
            raise ValueError(f"{term!r} is not in lower case")
    concept = Concept(zh, en, abbr)
    if len({text.normalise(term) for term in concept.terms}) != len(concept.terms):
        raise ValueError("a term stands there twice")
    return concept


def _is_chinese(term: str) -> bool:
    """Whether a term is a word as the analyser sees them: one stretch of Han, already normalised."""
    return len(term) > 1 and term == text.normalise(term) and list(text.runs(term)) == [(term, 0, True)]


@lru_cache(maxsize=1)
def concepts() -> tuple[Concept, ...]:
    """All concepts, in the order of the file."""
    with _FILE.open(encoding="utf-8") as lines:
        return parse(lines)


def domain_words() -> tuple[str, ...]:
    """All Chinese terms, sorted: words that a segmenter should know."""
    return tuple(sorted(term for concept in concepts() for term in concept.zh))


@lru_cache(maxsize=1)
def synonyms() -> Mapping[str, tuple[str, ...]]:
    """Each term, normalised but not stemmed, and the other terms of its concept in the order of the file."""
    found: dict[str, tuple[str, ...]] = {}
    for concept in concepts():
        terms = tuple(text.normalise(term) for term in concept.terms)
        found.update((term, tuple(other for other in terms if other != term)) for term in terms)
    return MappingProxyType(found)
