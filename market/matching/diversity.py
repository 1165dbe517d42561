"""Several organisations among the first that are shown, whoever has most that fits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence

FIRST = 10
"""So many of a list stand under the rule."""

MOST = 3
"""So many of them may be one organisation's, while others are there."""


def spread(owners: Sequence[Hashable | None]) -> list[int]:
    """The places of a list, given by whose each item is, best first, in the order in which they are shown.

    Best first; of one owner the fourth and what follows wait until ten are shown. Where too few others are there,
    those that wait fill the ten. None belongs to nobody who may be told, and never waits: what waited for an owner
    whose name is kept would tell whose it is.
    """
    shown: list[int] = []
    taken: Counter[Hashable] = Counter()
    for place, owner in enumerate(owners):
        if len(shown) == FIRST:
            break
        if owner is None or taken[owner] < MOST:
            taken[owner] += 1
            shown.append(place)
    first = frozenset(shown)
    return shown + [place for place in range(len(owners)) if place not in first]
