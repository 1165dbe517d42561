"""What a text names, by the thesaurus: concepts found in documents and in questions. Looked up, never searched for.

A concept is told by its first Chinese name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from operator import add

import rjieba

from search import thesaurus
from search.reading import read, whole_words
from search.stopwords import STOP_WORDS
from search.text import normalise, runs, stem

LONGEST_NAME = 8
"""Words of a question that are looked up together at most."""

_NONE: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Names:
    """`chinese`: by the first two characters, names with their concepts and whether each is one word. `latin`: by the
    first stem, names as stems between spaces. `meant`: what words of a question name. The rest is of concepts."""

    chinese: Mapping[str, tuple[tuple[str, str, bool], ...]]
    latin: Mapping[str, tuple[tuple[str, str], ...]]
    meant: Mapping[tuple[str, ...], frozenset[str]]
    keys: Mapping[str, frozenset[str]]
    names: Mapping[str, tuple[str, ...]]


def in_chinese(line: str, words: frozenset[str]) -> Iterator[str]:
    """The concepts that normalised Chinese names. A name that is a word must have been cut out as one: 光纤 does not
    stand in 激光纤维."""
    for name, concept, alone in _standing(line):
        if not alone or name in words:
            yield concept


def whole_words_in(line: str) -> Iterator[str]:
    """The names that a question keeps whole, and a segmenter does not."""
    whole = whole_words()
    return (name for name, _, _ in _standing(line) if name in whole)


def in_latin(stems: str, words: frozenset[str]) -> Iterator[str]:
    """The concepts that stems parted by spaces name."""
    latin = _names().latin
    for first in words & latin.keys():
        for name, concept in latin[first]:
            if name in stems:
                yield concept


def meant_by(words: tuple[str, ...]) -> frozenset[str]:
    """What the Chinese words, or the stems, of a question name as a whole."""
    return _names().meant.get(words, _NONE)


def counted_as(word: str) -> tuple[str, ...]:
    """The words by which an engine counts one of a question: what is kept whole stands in pieces in documents."""
    return tuple(rjieba.cut(word, False)) if word in whole_words() else (word,)


def keys_of(concept: str) -> frozenset[str]:
    """The keys of every word of all names of a concept, and of the characters of the Chinese ones."""
    return _names().keys[concept]


def names(concept: str) -> tuple[str, ...]:
    """All names of a concept, as one would search for them: Chinese ones as they stand."""
    return _names().names[concept]


def _standing(line: str) -> Iterator[tuple[str, str, bool]]:
    chinese = _names().chinese
    for two in chinese.keys() & set(map(add, line, line[1:])):
        for found in chinese[two]:
            if found[0] in line:
                yield found


@lru_cache(maxsize=1)
def _names() -> _Names:
    chinese: dict[str, list[tuple[str, str, bool]]] = {}
    latin: dict[str, list[tuple[str, str]]] = {}
    meant: dict[tuple[str, ...], set[str]] = {}
    keys: dict[str, frozenset[str]] = {}
    names: dict[str, tuple[str, ...]] = {}
    for concept in thesaurus.concepts():
        key = concept.zh[0]
        told: set[str] = set()
        for name in concept.zh:
            pieces = read(name).words
            alone = len(pieces) == 1 and name not in whole_words()
            chinese.setdefault(name[:2], []).append((name, key, alone))
            meant.setdefault(pieces, set()).add(key)
            told.update((*pieces, *name))
        for name in (*concept.en, *concept.abbr):
            stems = tuple(stem(run) for run, _, _ in runs(normalise(name)) if run not in STOP_WORDS)
            if stems:
                latin.setdefault(stems[0], []).append((f" {' '.join(stems)} ", key))
                meant.setdefault(stems, set()).add(key)
                told.update(stems)
        keys[key] = frozenset(f"w:{word}" for word in told)
        names[key] = (*(f'"{name}"' for name in concept.zh), *concept.en, *concept.abbr)
    return _Names(
        {first: tuple(found) for first, found in chinese.items()},
        {first: tuple(found) for first, found in latin.items()},
        {words: frozenset(found) for words, found in meant.items()},
        keys,
        names,
    )
