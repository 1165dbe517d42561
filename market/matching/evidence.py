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


class Asked:
    """A demand, ready to be shown beside many offers."""

    def __init__(self, demand: Signature, rarity: Rarity) -> None:
        """`rarity` orders the words."""
        read = demand.shown.keys
        keys = np.unique(read[np.isin(read & KIND, (WORD, STEM, CONCEPT))])
        self._wanted = keys[np.argsort(-rarity.of(keys), kind="stable")]
        self._words = words_of(demand)

    def told(self, offer: Signature, nearest: int) -> Told:
        """The evidence of a pair; `nearest` is the place of the offer's most alike text, its own being 0."""
        titles = offer.particulars.titles
        return Told(self._shared(offer), titles[nearest - 1] if 0 < nearest <= len(titles) else "")

    def _shared(self, offer: Signature) -> tuple[str, ...]:
        found: list[str] = []
        # Both may speak of it where only the match may know: then it is no evidence.
        for key in self._wanted[np.isin(self._wanted, offer.shown.keys)].tolist():
            word = self._words.get(key, "")
            # A word inside one that was told already tells nothing more.
            if word and not any(word in told for told in found):
                found = [told for told in found if told not in word] + [word]
            if len(found) == _SHOWN:
                break
        return tuple(found)
