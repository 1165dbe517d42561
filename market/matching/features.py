"""What a text speaks of, as counted features: words, pairs of characters, characters, pairs of words, concepts.

A feature is a 32-bit key: 29 bits of a hash, and its kind in the lowest three.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from zlib import crc32

import rjieba

from search import thesaurus
from search.stopwords import STOP_WORDS
from search.text import normalise, runs, stem

VERSION = 1
"""Raise it when the same text gives other features: signatures are then made anew."""

WORD, BIGRAM, CHARACTER, STEM, PAIR, CONCEPT = range(6)
"""The kinds: of Chinese words, two characters, and one; of others stems and two stems; and concepts of the thesaurus,
whatever the language. A character alone tells little, and yet carries a text where two writers chose other words."""

KIND = 7
"""The bits of a key that are its kind."""

LONGEST_TEXT = 20_000
"""Characters of one text that are read."""

Counts = dict[int, float]
"""How much each feature weighs in a text: its occurrences, those in a title counted several times."""


@dataclass(slots=True)
class _Found:
    """What stands in a text, by kind; each occurrence is there. Words are stems, with the form they were cut from."""

    words: list[str] = field(default_factory=list)
    bigrams: list[str] = field(default_factory=list)
    characters: list[str] = field(default_factory=list)
    stems: list[str] = field(default_factory=list)
    pairs: list[str] = field(default_factory=list)
    concepts: list[str] = field(default_factory=list)
    written: dict[str, str] = field(default_factory=dict)

    def by_kind(self) -> tuple[list[str], ...]:
        """In the order of the kinds."""
        return self.words, self.bigrams, self.characters, self.stems, self.pairs, self.concepts


def key_of(feature: str, kind: int) -> int:
    """The feature's key."""
    return crc32(feature.encode("utf-8", "replace")) & ~KIND | kind


def count(texts: Iterable[tuple[str, float]]) -> Counts:
    """The features of several (text, weight) pairs together."""
    counts: Counts = {}
    for text, weight in texts:
        for kind, features in enumerate(_found(text).by_kind()):
            for feature, times in Counter(features).items():
                key = crc32(feature.encode("utf-8", "replace")) & ~KIND | kind  # key_of, without the call
                counts[key] = counts.get(key, 0.0) + weight * times
    return counts


def words_of(texts: Iterable[str]) -> dict[int, str]:
    """The words of texts by their key, each as it was first written: what reasons are told with."""
    names: dict[int, str] = {}
    for text in texts:
        found = _found(text)
        for kind, words in ((WORD, found.words), (STEM, found.stems), (CONCEPT, found.concepts)):
            for word in words:
                names.setdefault(key_of(word, kind), found.written.get(word, word))
    return names


def languages_of(texts: Iterable[str]) -> str:
    """Which languages the texts are in: zh, en or both; both where there is no word at all."""
    found = [_found(text) for text in texts]
    han, latin = any(one.characters for one in found), any(one.stems for one in found)
    return "both" if han == latin else "zh" if han else "en"


# A listing's features and words are asked for one after the other; reading its texts is nearly all the work.
@lru_cache(maxsize=64)
def _found(text: str) -> _Found:
    found = _Found()
    phrase: list[str] = []
    for run, _, is_han in runs(normalise(text[:LONGEST_TEXT])):
        if is_han:
            _end_phrase(found, phrase)
            phrase = []
            _read_han(found, run)
        elif len(run) > 1 and run not in STOP_WORDS and not run.replace(".", "").isdigit():
            root = stem(run)
            phrase.append(root)
            found.stems.append(root)
            if root != run:
                found.written.setdefault(root, run)
    _end_phrase(found, phrase)
    return found


def _read_han(found: _Found, run: str) -> None:
    found.words += [w for w in rjieba.cut_for_search(run, False) if len(w) > 1 and w not in STOP_WORDS]
    found.characters += run
    bigrams = [run[i : i + 2] for i in range(len(run) - 1)]
    found.bigrams += bigrams
    names = _han_names()
    for start, bigram in enumerate(bigrams):
        for name, concept in names.get(bigram, ()):
            if run.startswith(name, start):
                found.concepts.append(concept)
                found.written.setdefault(concept, name)


def _end_phrase(found: _Found, stems: Sequence[str]) -> None:
    found.pairs += [f"{left} {right}" for left, right in pairwise(stems)]
    names = _latin_names()
    for start, first in enumerate(stems):
        for name, concept in names.get(first, ()):
            if tuple(stems[start : start + len(name)]) == name:
                found.concepts.append(concept)
                found.written.setdefault(concept, " ".join(found.written.get(one, one) for one in name))


@lru_cache(maxsize=1)
def _han_names() -> Mapping[str, Sequence[tuple[str, str]]]:
    """Chinese names of concepts by their first two characters, each with its concept's feature."""
    names: dict[str, list[tuple[str, str]]] = {}
    for concept in thesaurus.concepts():
        for name in concept.zh:
            names.setdefault(name[:2], []).append((name, f"={concept.zh[0]}"))
    return names


@lru_cache(maxsize=1)
def _latin_names() -> Mapping[str, Sequence[tuple[tuple[str, ...], str]]]:
    """English names and abbreviations by their first stem, each with its concept's feature."""
    names: dict[str, dict[tuple[str, ...], str]] = {}
    for concept in thesaurus.concepts():
        for name in (*concept.en, *concept.abbr):
            stems = tuple(_stems(name))
            if stems:
                names.setdefault(stems[0], {}).setdefault(stems, f"={concept.zh[0]}")
    return {first: list(found.items()) for first, found in names.items()}


def _stems(name: str) -> Iterator[str]:
    for run, _, is_han in runs(normalise(name)):
        if not is_han and len(run) > 1 and run not in STOP_WORDS:
            yield stem(run)
