"""Technical indicators that can be compared: the same thing, in the same unit, wanted and offered."""

from __future__ import annotations

import math

from market.matching.signatures import Indicator
from search.text import normalise, query_tokens

_SAME_NAME = 0.5  # Jaccard overlap of the names' words from which two names mean one thing


def comparable(wanted: Indicator, offered: Indicator) -> bool:
    """Whether both speak of one quantity in one unit."""
    if _plain(wanted.unit) != _plain(offered.unit):
        return False
    if _plain(wanted.name) == _plain(offered.name):
        return True
    # Every word counts, short ones too: what is left of a name without them may only say "time".
    left, right = ({token.text for token in query_tokens(name)} for name in (wanted.name, offered.name))
    return bool(left | right) and len(left & right) / len(left | right) >= _SAME_NAME


def fit(wanted: Indicator, offered: Indicator) -> float:
    """1 where the offer meets the wish, falling with the relative shortfall: half of it missed leaves 0.2."""
    low, high = _interval(wanted)
    least, most = _interval(offered)
    # What the offer can reach upwards and downwards; of an open end only the stated figure is known.
    upwards = most if most < math.inf else least
    downwards = least if least > -math.inf else most
    shortfall = 0.0
    if low > -math.inf:
        shortfall = max(shortfall, _relative(low - upwards, low))
    if high < math.inf:
        shortfall = max(shortfall, _relative(downwards - high, high))
    return math.exp(-shortfall * 3.2)


def _relative(missing: float, wanted: float) -> float:
    return max(0.0, missing) / max(abs(wanted), 1e-9)


def _interval(indicator: Indicator) -> tuple[float, float]:
    match indicator.direction:
        case "at_least":
            return indicator.value, math.inf
        case "at_most":
            return -math.inf, indicator.value
        case "between":
            return indicator.value, indicator.value if indicator.value_to is None else indicator.value_to
        case _:
            return indicator.value, indicator.value


def _plain(text: str) -> str:
    return normalise(text).replace(" ", "")
