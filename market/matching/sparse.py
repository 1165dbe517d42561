"""Weighted features compared by cosine, many texts at once. Arrays in, arrays out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.uint32]
"""Features' keys, ascending within a text."""

Weights = NDArray[np.float32]

_BUCKET_BITS = 20
_SLOT_BITS = 18
_FEW = 20.0  # texts that say nothing yet of how common a feature is


@dataclass(frozen=True, slots=True)
class Census:
    """In how many texts each feature stands, by bucket of its key: those offered, and those of demands.

    Features that share a bucket share a count; of a million buckets few hold two common ones.
    """

    offers: int
    demands: int
    of_offers: NDArray[np.uint32]
    of_demands: NDArray[np.uint32]

    @classmethod
    def empty(cls) -> Census:
        """Nothing counted yet: every feature tells the same."""
        return cls(0, 0, *(np.zeros(1 << _BUCKET_BITS, np.uint32) for _ in range(2)))


def buckets_of(keys: Keys) -> NDArray[np.int64]:
    """Where a census counts these features."""
    return ((keys * np.uint32(2654435761)) >> np.uint32(32 - _BUCKET_BITS)).astype(np.int64)


class Rarity:
    """How much a feature tells: ln(1 + 1 / p), p being its share of texts on that side where it is more common.

    Words that every demand has, and few offers, are no more telling than words that every offer has.
    """

    def __init__(self, census: Census) -> None:
        """A share among few texts is held down as if there were twenty more without the feature."""
        offers, demands = census.offers + _FEW, census.demands + _FEW
        share = np.maximum(census.of_offers / offers, census.of_demands / demands)
        self._of_bucket = np.log1p(1 / (share + 0.5 / max(offers, demands))).astype(np.float32)

    def of(self, keys: Keys) -> Weights:
        """The rarity of each feature, above 0."""
        return self._of_bucket[buckets_of(keys)]


@dataclass(frozen=True)
class Bags:
    """Several texts' features: those of text i are keys[starts[i]:starts[i + 1]], with how often they stand there."""

    keys: Keys
    counts: Weights
    starts: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.starts) - 1

    @classmethod
    def of(cls, texts: Sequence[Mapping[int, float]]) -> Bags:
        """From what `features.count` gives."""
        arrays = [np.fromiter(text, np.uint32, len(text)) for text in texts]
        orders = [np.argsort(keys) for keys in arrays]
        counts = [np.fromiter(text.values(), np.float32, len(text)) for text in texts]
        return cls(
            np.concatenate([keys[order] for keys, order in zip(arrays, orders, strict=True)] or [_NO_KEYS]),
            np.concatenate([ones[order] for ones, order in zip(counts, orders, strict=True)] or [_NO_WEIGHTS]),
            np.cumsum([0, *map(len, arrays)]),
        )

    @classmethod
    def joined(cls, bags: Sequence[Bags]) -> Bags:
        """The texts of all, one after the other."""
        ends = np.cumsum([0, *(len(one.keys) for one in bags)])
        starts = [one.starts[:-1] + end for one, end in zip(bags, ends[:-1], strict=True)]
        return cls(
            np.concatenate([_NO_KEYS, *(one.keys for one in bags)]),
            np.concatenate([_NO_WEIGHTS, *(one.counts for one in bags)]),
            np.concatenate([*starts, ends[-1:]]).astype(np.int64),
        )

    def one(self, index: int) -> Bags:
        """One of the texts."""
        start, end = self.starts[index : index + 2]
        return Bags(self.keys[start:end], self.counts[start:end], np.array([0, end - start]))

    @cached_property
    def text_of(self) -> NDArray[np.intp]:
        """For each feature the text it belongs to."""
        return np.repeat(np.arange(len(self)), np.diff(self.starts))


_NO_KEYS = np.zeros(0, np.uint32)
_NO_WEIGHTS = np.zeros(0, np.float32)


class Weighed:
    """Texts with their features weighed, ready to be compared with one after another."""

    def __init__(self, bags: Bags, weights: Weights) -> None:
        """`weights`: of each feature, in the order of `bags.keys`."""
        self.bags = bags
        self.weights = weights
        self.norms = np.sqrt(np.bincount(bags.text_of, weights.astype(np.float64) ** 2, len(bags)))
        self._slots = bags.keys >> np.uint32(32 - _SLOT_BITS)

    def one(self, index: int) -> Weighed:
        """One of the texts."""
        start, end = self.bags.starts[index : index + 2]
        return Weighed(self.bags.one(index), self.weights[start:end])

    def products(self, other: Weighed) -> NDArray[np.float64]:
        """The scalar product of each text with the one text of `other`."""
        found = np.zeros(len(self.bags))
        keys, weights = other.bags.keys, other.weights
        while len(keys):
            # A table from a key's slot to its place answers at once which features both have.
            slots = keys >> np.uint32(32 - _SLOT_BITS)
            table = np.full(1 << _SLOT_BITS, -1, np.int32)
            table[slots] = np.arange(len(keys), dtype=np.int32)
            places = table[self._slots]
            hits = np.flatnonzero(places >= 0)
            hits = hits[keys[places[hits]] == self.bags.keys[hits]]
            found += np.bincount(self.bags.text_of[hits], weights[places[hits]] * self.weights[hits], len(self.bags))
            left = table[slots] != np.arange(len(keys))  # two features in one slot: the other one's turn
            keys, weights = keys[left], weights[left]
        return found
