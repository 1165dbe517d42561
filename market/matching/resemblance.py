"""How nearly two listings of one kind say the same, by the features of all their texts. Arrays in, arrays out.

Unlike likeness.py, which asks whether an offer answers a demand, this is alike both ways, and long texts are held to
all that they say. The thresholds were measured on the fixtures and on near-copies of them; docs/moderation.md has the
figures.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from market.matching.likeness import Scale
from market.matching.signatures import Signature
from market.matching.weighed import Weighed, norms_of

LIKELY = 0.5
"""The cosine from which two listings are likely to be of one thing."""

LIKELY_OF_NAMESAKES = 0.35
"""The same where both have one title or name as well."""


def cosines(one: Weighed, many: Weighed) -> NDArray[np.float64]:
    """The cosine of one listing's features with each other one's, from 0 to 1; 0 where either has none."""
    products = many.products(one)
    norms = many.norms * one.norms[0]
    found: NDArray[np.float64] = np.divide(products, norms, out=np.zeros_like(products), where=norms > 0)
    return np.minimum(found, 1.0)


def weighed(signatures: Sequence[Signature], scale: Scale) -> Weighed:
    """All features of each listing, of an expert's works too.

    A repeated feature counts by the root of its number, and each by how much it tells: what is common in all listings
    makes none of them alike.
    """
    if not signatures:
        return Weighed.joined([])
    bags = [one.bags.one(0) for one in signatures]
    sizes = np.array([len(one.keys) for one in bags])
    keys = np.concatenate([one.keys for one in bags])
    weights = np.sqrt(np.concatenate([one.counts for one in bags])) * scale.of(keys)
    return Weighed(
        keys, weights.astype(np.float32), np.concatenate([[0], np.cumsum(sizes)]), norms_of(weights, sizes)
    )
