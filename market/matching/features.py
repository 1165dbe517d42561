"""What texts speak of, as counted features: words, pairs of characters, characters, pairs of words, concepts.

A feature is a 32-bit key: 29 bits of a hash, and its kind in the lowest three. Many texts are read at once: arrays do
most of the work.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import compress
from zlib import crc32

import numpy as np
import rjieba
from numpy.typing import NDArray

from market.matching.sparse import Bags, Keys
from search import thesaurus
from search.stopwords import STOP_WORDS
from search.text import is_han, normalise, runs, stem, stretches

VERSION = 2
"""Raise it when the same text gives other features: signatures are then made anew."""

WORD, BIGRAM, CHARACTER, STEM, PAIR, CONCEPT = range(6)
"""The kinds: of Chinese words, two characters, and one; of others stems and two stems; and concepts of the thesaurus,
whatever the language. A character alone tells little, and yet carries a text where two writers chose other words."""

KIND = 7
"""The bits of a key that are its kind."""

LONGEST_TEXT = 20_000
"""Characters of one passage that are read."""

Passages = Sequence[tuple[str, float]]
"""The passages of one text, each with what its words count: those of a title count more."""

_SKIP, _BREAK = 7, 15  # of a kind that is none: what is no feature, and what no pair of words or characters spans
_END = "\n"  # of a run, where many are joined; no text holds one once it is normalised
_KINDS_OF_WEIGHT = 256  # how many different weights one reading can tell apart

Places = NDArray[np.intp]


def key_of(feature: str, kind: int) -> int:
    """The key of a word, a stem or a concept."""
    return crc32(feature.encode("utf-8", "replace")) & ~KIND | kind


def key_of_two(left: Keys, right: Keys, kind: int) -> Keys:
    """The keys of pairs: of characters by their code points, of words by their stems' keys. Mixed as MurmurHash3 does
    in the end (Appleby 2011), so that every bit of both tells."""
    mixed = left * np.uint32(0x9E3779B1) ^ (right + np.uint32(0x7F4A7C15)) * np.uint32(0x85EBCA77)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        mixed ^= mixed >> np.uint32(shift)
        mixed *= np.uint32(factor)
    mixed ^= mixed >> np.uint32(16)
    keys: Keys = mixed & np.uint32(~KIND & 0xFFFFFFFF) | np.uint32(kind)
    return keys


@lru_cache(maxsize=1 << 17)
def _key_of_han(word: str) -> int:
    if word == _END:
        return _BREAK
    return key_of(word, WORD) if len(word) > 1 and word not in STOP_WORDS else _SKIP


@lru_cache(maxsize=1 << 17)
def _key_of_latin(word: str) -> int:
    if not word:
        return _BREAK
    if len(word) < 2 or word in STOP_WORDS or word.replace(".", "").isdigit():
        return _SKIP
    return key_of(stem(word), STEM)


def named(written: str) -> dict[int, str]:
    """Words as a `Reading` gives them, by their features' keys; each as it was first written."""
    names: dict[int, str] = {}
    for line in written.split(_END) if written else ():
        concept, _, name = line.rpartition("\t")
        key = key_of(concept, CONCEPT) if concept else _key_of_han(line) if is_han(line) else _key_of_latin(line)
        names.setdefault(key, name)
    return names


@dataclass(slots=True)
class _Stretches:
    """The passages of many texts, taken apart. Lists of what stands there, in order, and how much is in a passage."""

    text_of: list[int] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    han: list[str] = field(default_factory=list)
    han_in: list[int] = field(default_factory=list)
    latin: list[str] = field(default_factory=list)  # empty where Chinese, or the passage's end, ends a phrase
    latin_in: list[int] = field(default_factory=list)

    @classmethod
    def of(cls, texts: Iterable[Passages]) -> _Stretches:
        one = cls()
        for place, passages in enumerate(texts):
            for text, weight in passages:
                if text:
                    one.add(place, weight, stretches(normalise(text[:LONGEST_TEXT])))
        return one

    def add(self, place: int, weight: float, found: Sequence[tuple[str, str]]) -> None:
        self.text_of.append(place)
        self.weights.append(weight)
        han = [run for run, _ in found if run]
        self.han += han
        self.han_in.append(len(han))
        self.latin += [word for _, word in found]
        self.latin.append("")
        self.latin_in.append(len(found) + 1)


class Reading:
    """Texts that were read together. Shapes: an array has a place for each occurrence of a feature."""

    def __init__(self, texts: Sequence[Passages], *, within: Sequence[int] | None = None) -> None:
        """`within`: for each text the one that it is also part of, itself where it is of none."""
        found = _Stretches.of(texts)
        self._texts = len(texts)
        self._within = np.arange(self._texts) if within is None else np.asarray(within, np.intp)
        self._text_of = np.asarray(found.text_of, np.intp)
        self._weights = np.asarray(found.weights, np.float32)
        self._occurrences: list[tuple[Keys, Places]] = []
        self._concepts: list[tuple[int, str]] = []  # of a text, as a line of `written`
        self._read_han(found.han, np.repeat(np.arange(len(found.han_in)), found.han_in))
        self._read_latin(found.latin, np.repeat(np.arange(len(found.latin_in)), found.latin_in))

    @cached_property
    def bags(self) -> Bags:
        """How much each feature weighs in each text: its occurrences, those in a title counted several times."""
        keys = np.concatenate([keys for keys, _ in self._occurrences])
        passages = np.concatenate([passages for _, passages in self._occurrences])
        weights, weight_of = np.unique(self._weights, return_inverse=True)
        if len(weights) > _KINDS_OF_WEIGHT:
            raise ValueError(f"passages have {len(weights)} different weights, {_KINDS_OF_WEIGHT} are the most")
        # Text, key and kind of weight in one number: sorting plain numbers is the fastest way to count.
        packed = (self._text_of[passages] << 40) | (keys.astype(np.int64) << 8) | weight_of[passages]
        whole = self._within[packed >> 40]
        also = whole != packed >> 40
        packed = np.sort(np.concatenate([packed, (whole[also] << 40) | (packed[also] & ((1 << 40) - 1))]))
        first = _firsts(packed)
        amounts = weights[packed[first] & (_KINDS_OF_WEIGHT - 1)] * np.diff(first, append=len(packed))
        features = packed[first] >> 8
        first = _firsts(features)
        counts = np.add.reduceat(amounts, first) if len(first) else amounts
        features = features[first]
        starts = np.searchsorted(features >> 32, np.arange(self._texts + 1))
        return Bags((features & 0xFFFFFFFF).astype(np.uint32), counts.astype(np.float32), starts)

    def written(self) -> list[str]:
        """For each text that is part of no other its words, a line each, as they were written; a concept's line is
        its feature, a tab, and the name that was used."""
        lines: dict[int, dict[str, None]] = {
            place: {} for place, whole in enumerate(self._within.tolist()) if place == whole
        }
        for words, keys, text_of in (self._han_words, self._latin_words):
            told = ((keys != _SKIP) & (keys != _BREAK)).tobytes()
            for place, found in lines.items():
                start, end = np.searchsorted(text_of, (place, place + 1)).tolist()
                found.update(dict.fromkeys(compress(words[start:end], told[start:end])))
        for place, line in self._concepts:
            if place in lines:
                lines[place][line] = None
        return [_END.join(found) for found in lines.values()]

    def _read_han(self, han: Sequence[str], passage_of: Places) -> None:
        joined = _END.join(han)
        words = rjieba.cut_for_search(joined, False)
        keys = np.fromiter(map(_key_of_han, words), np.uint32, len(words))
        passages = passage_of[np.cumsum(keys == _BREAK)]
        self._han_words = words, keys, self._text_of[passages]
        self._add(keys, passages, (keys != _SKIP) & (keys != _BREAK))

        codes = np.frombuffer(joined.encode("utf-32-le"), "<u4").astype(np.uint32, copy=False)
        inside = codes != ord(_END)
        passages = passage_of[np.cumsum(~inside)]
        self._add(key_of_two(np.zeros_like(codes), codes, CHARACTER), passages, inside)
        bigrams, two = key_of_two(codes[:-1], codes[1:], BIGRAM), inside[:-1] & inside[1:]
        self._add(bigrams, passages[:-1], two)
        firsts, lengths, names = _han_names()
        concepts = [
            (start, line)
            for start in np.flatnonzero(np.isin(bigrams, firsts) & two).tolist()
            for length in lengths.get(joined[start : start + 2], ())
            if (line := names.get(joined[start : start + length]))
        ]
        self._add_concepts(concepts, passages)

    def _read_latin(self, latin: Sequence[str], passage_of: Places) -> None:
        keys = np.fromiter(map(_key_of_latin, latin), np.uint32, len(latin))
        self._latin_words = latin, keys, self._text_of[passage_of]
        told = np.flatnonzero(keys != _SKIP)
        keys, passages = keys[told], passage_of[told]
        inside = keys != _BREAK
        self._add(keys, passages, inside)
        self._add(key_of_two(keys[:-1], keys[1:], PAIR), passages[:-1], inside[:-1] & inside[1:])
        firsts, names = _latin_names()
        concepts: list[tuple[int, str]] = []
        for start in np.flatnonzero(np.isin(keys, firsts)).tolist():
            for name, concept in names[int(keys[start])]:
                end = start + len(name)
                if tuple(keys[start:end].tolist()) == name:
                    concepts.append((start, f"{concept}\t{' '.join(latin[place] for place in told[start:end])}"))
        self._add_concepts(concepts, passages)

    def _add_concepts(self, found: Sequence[tuple[int, str]], passage_of: Places) -> None:
        """What was found where, as lines of `written`."""
        places = np.array([place for place, _ in found], np.intp)
        keys = [key_of(line.partition("\t")[0], CONCEPT) for _, line in found]
        passages = passage_of[places]
        self._occurrences.append((np.array(keys, np.uint32), passages))
        self._concepts += [(int(text), line) for text, (_, line) in zip(self._text_of[passages], found, strict=True)]

    def _add(self, keys: Keys, passages: Places, which: NDArray[np.bool_]) -> None:
        self._occurrences.append((keys[which], passages[which]))


def _firsts(ascending: NDArray[np.int64]) -> Places:
    """Where each different number begins."""
    return np.flatnonzero(np.concatenate([[len(ascending) > 0], ascending[1:] != ascending[:-1]])[: len(ascending)])


@lru_cache(maxsize=1)
def _han_names() -> tuple[Keys, Mapping[str, Sequence[int]], Mapping[str, str]]:
    """Of concepts' Chinese names: the keys of their first two characters, the lengths that begin so, their lines."""
    names = {name: f"={concept.zh[0]}\t{name}" for concept in thesaurus.concepts() for name in concept.zh}
    lengths: dict[str, set[int]] = {}
    for name in names:
        lengths.setdefault(name[:2], set()).add(len(name))
    left, right = (np.array([ord(two[place]) for two in lengths], np.uint32) for place in (0, 1))
    return np.sort(key_of_two(left, right, BIGRAM)), {two: sorted(ones) for two, ones in lengths.items()}, names


@lru_cache(maxsize=1)
def _latin_names() -> tuple[Keys, Mapping[int, Sequence[tuple[tuple[int, ...], str]]]]:
    """English names and abbreviations, as keys of stems, by the first of them; and those first keys."""
    names: dict[int, dict[tuple[int, ...], str]] = {}
    for concept in thesaurus.concepts():
        for name in (*concept.en, *concept.abbr):
            keys = tuple(_keys_of_name(name))
            if keys:
                names.setdefault(keys[0], {}).setdefault(keys, f"={concept.zh[0]}")
    found = {first: list(ones.items()) for first, ones in names.items()}
    return np.sort(np.array([*found], np.uint32)), found


def _keys_of_name(name: str) -> Iterator[int]:
    for run, _, han in runs(normalise(name)):
        if not han and len(run) > 1 and run not in STOP_WORDS:
            yield key_of(stem(run), STEM)
