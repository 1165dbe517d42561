"""What shows that two texts are alike: the words that both use, and which of an expert's works is nearest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from market.matching.features import CONCEPT, KIND, STEM, WORD
from market.matching.signatures import Signature, words_of
from market.matching.sparse import Rarity

_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Told:
    """Shared words as the demand writes them, those that tell most first; and a work's title, or nothing."""

    shared: tuple[str, ...]
    nearest: str


def of(demand: Signature, offer: Signature, nearest: int, rarity: Rarity) -> Told:
    """The evidence of a pair; `nearest` is the place of the offer's text that is most alike, its own being 0."""
    titles = offer.particulars.titles
    return Told(_shared(demand, offer, rarity), titles[nearest - 1] if 0 < nearest <= len(titles) else "")


def _shared(demand: Signature, offer: Signature, rarity: Rarity) -> tuple[str, ...]:
    wanted = demand.bags.keys[np.isin(demand.bags.keys & KIND, (WORD, STEM, CONCEPT))]
    both = np.intersect1d(wanted, offer.bags.keys)
    both = both[np.argsort(-rarity.of(both), kind="stable")]
    words = words_of(demand)
    found: list[str] = []
    for key in both.tolist():
        word = words.get(key, "")
        # A word inside one that was told already tells nothing more.
        if word and not any(word in told for told in found):
            found = [told for told in found if told not in word] + [word]
        if len(found) == _SHOWN:
            break
    return tuple(found)
