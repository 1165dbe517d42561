"""Weighed features compared by scalar products, many texts at once. Arrays in, arrays out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from market.matching.sparse import Keys, Weights

_SLOT_BITS = 18


@dataclass(frozen=True, slots=True, eq=False)
class Weighed:
    """Texts with their features weighed: those of text i are keys[starts[i]:starts[i + 1]]. `norms` are of texts."""

    keys: Keys
    weights: Weights
    starts: NDArray[np.int64]
    norms: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.norms)

    @classmethod
    def joined(cls, ones: Sequence[Weighed]) -> Weighed:
        """The texts of all, one after the other."""
        if not ones:
            return _NOTHING
        lengths = np.diff(np.concatenate([one.starts for one in ones]))
        # Where one ends and the next begins is no text.
        between = np.cumsum([len(one.starts) for one in ones])[:-1] - 1
        return cls(
            np.concatenate([one.keys for one in ones]),
            np.concatenate([one.weights for one in ones]),
            np.concatenate([[0], np.cumsum(np.delete(lengths, between))]),
            np.concatenate([one.norms for one in ones]),
        )

    def one(self, index: int) -> Weighed:
        """One of the texts."""
        start, end = self.starts[index : index + 2]
        return Weighed(
            self.keys[start:end], self.weights[start:end], np.array([0, end - start]), self.norms[index : index + 1]
        )

    def products(self, other: Weighed) -> NDArray[np.float64]:
        """The scalar product of each text with the one text of `other`."""
        found = np.zeros(len(self))
        slots = self.keys >> np.uint32(32 - _SLOT_BITS)
        keys, weights = other.keys, other.weights
        while len(keys):
            # A table from a key's slot to its place answers at once which features both have. Most have not, which a
            # smaller table tells faster.
            table, taken = np.empty(1 << _SLOT_BITS, np.int32), np.zeros(1 << _SLOT_BITS, np.bool_)
            own = keys >> np.uint32(32 - _SLOT_BITS)
            table[own] = np.arange(len(keys), dtype=np.int32)
            taken[own] = True
            hits = np.flatnonzero(taken[slots])
            places = table[slots[hits]]
            same = keys[places] == self.keys[hits]
            hits, places = hits[same], places[same]
            texts = np.repeat(np.arange(len(self)), np.diff(np.searchsorted(hits, self.starts)))
            found += np.bincount(texts, weights[places] * self.weights[hits], len(self))
            left = table[own] != np.arange(len(keys))  # two features in one slot: the other one's turn
            keys, weights = keys[left], weights[left]
        return found


def norms_of(weights: Weights, sizes: NDArray[np.int64]) -> NDArray[np.float64]:
    """The length of each text, `sizes` being how many features each has."""
    text_of = np.repeat(np.arange(len(sizes)), sizes)
    norms: NDArray[np.float64] = np.sqrt(np.bincount(text_of, weights.astype(np.float64) ** 2, len(sizes)))
    return norms


_NOTHING = Weighed(np.zeros(0, np.uint32), np.zeros(0, np.float32), np.zeros(1, np.int64), np.zeros(0))
