"""Reads what a person typed into phrases and words. Knows no engine and looks nothing up."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import rjieba

from search import thesaurus
from search.stopwords import STOP_WORDS
from search.text import LONGEST_WORD, normalise, runs

LONGEST_TEXT = 1_000
"""Characters that are read; a question is shorter, and a pasted document says enough in its beginning."""
MOST_WORDS = 64

_QUOTED = re.compile(r'"([^"]*)"')
_QUOTES = str.maketrans("“”„‟「」『』", '""""""""')


@dataclass(frozen=True, slots=True)
class Stretch:
    """Han characters that stand together, with their words; or one Latin word. Normalised, not stemmed."""

    text: str
    words: tuple[str, ...]
    han: bool


@dataclass(frozen=True, slots=True)
class Reading:
    """Phrases that must stand as they are, and stretches of words, the last of which may be unfinished."""

    phrases: tuple[str, ...]
    stretches: tuple[Stretch, ...]

    @property
    def words(self) -> tuple[str, ...]:
        return tuple(word for stretch in self.stretches for word in stretch.words)


def read(text: str) -> Reading:
    """Read a typed text. A quote without its partner is none; stop words count only when alone."""
    normalised = normalise(text[:LONGEST_TEXT].translate(_QUOTES))
    phrases = tuple(dict.fromkeys(p for p in _QUOTED.findall(normalised) if any(True for _ in runs(p))))
    loose = _QUOTED.sub(" ", normalised)
    stretches = [_stretch(run, han) for run, _, han in runs(loose)]
    meaningful = [s for s in map(_without_stop_words, stretches) if s.words]
    kept = meaningful or ([] if phrases else stretches)
    return Reading(phrases, tuple(_distinct(kept)))


def typed_runs(text: str) -> list[str]:
    """The normalised Han stretches and Latin words of what is being typed."""
    return [run for run, _, _ in runs(normalise(text[:LONGEST_TEXT]))]


@lru_cache(maxsize=1)
def whole_words() -> frozenset[str]:
    """Domain words that the segmenter would cut into pieces of one character, which mean something else or nothing.

    Words that are made of words are not here: who searches for a part of them wants to find them.
    """
    return frozenset(
        word for word in thesaurus.domain_words() if any(len(piece) == 1 for piece in rjieba.cut(word, False))
    )


@lru_cache(maxsize=1)
def _whole_words() -> re.Pattern[str]:
    longest_first = sorted(whole_words(), key=lambda word: (-len(word), word))
    return re.compile(f"({'|'.join(map(re.escape, longest_first))})")


def _stretch(run: str, han: bool) -> Stretch:
    return Stretch(run, tuple(_cut(run)) if han else (run[:LONGEST_WORD],), han)


def _cut(run: str) -> Iterator[str]:
    for piece in _whole_words().split(run):
        yield from (piece,) if piece in whole_words() else rjieba.cut(piece, False)


def _without_stop_words(stretch: Stretch) -> Stretch:
    return Stretch(stretch.text, tuple(w for w in stretch.words if w not in STOP_WORDS), stretch.han)


def _distinct(stretches: list[Stretch]) -> list[Stretch]:
    seen: dict[str, Stretch] = {}
    words = 0
    # Backwards, so that a repeated last word stays last: it may be unfinished.
    for stretch in reversed(stretches):
        if stretch.text not in seen and words < MOST_WORDS:
            seen[stretch.text] = stretch
            words += len(stretch.words)
    return list(seen.values())[::-1]
