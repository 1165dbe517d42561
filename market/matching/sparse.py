"""Counted features, and how much each tells. Arrays in, arrays out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.uint32]
"""Features' keys, ascending within a text."""

Weights = NDArray[np.float32]

_BUCKET_BITS = 20
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

    def slice(self, first: int, end: int) -> Bags:
        """Some texts that stand beside each other."""
        starts = self.starts[first : end + 1]
        return Bags(self.keys[starts[0] : starts[-1]], self.counts[starts[0] : starts[-1]], starts - starts[0])

    def one(self, index: int) -> Bags:
        """One of the texts."""
        return self.slice(index, index + 1)
