"""The parts of a pair score. Each looks at one respect and finds a figure, or None where too little is known."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from market.matching import indicators
from market.matching.signatures import Indicator, Particulars
from market.vocabulary import mode_nearness, region_nearness, vocabulary

_SHOWN = 5  # indicators


class Found(NamedTuple):
    """One respect: a figure from 0 to 1, and what tells the words or values that made it. Few are ever told."""

    name: str
    score: float
    tell: Callable[[], tuple[str, ...]]

    @property
    def evidence(self) -> tuple[str, ...]:
        """The words or values that made the figure."""
        return self.tell()


def within_reach(mine: Particulars) -> Iterator[str]:
    """The parts beside the texts that a listing may have with another: what is not known of it gives none."""
    known = {
        "field": mine.field_code,
        "disciplines": mine.disciplines,
        "industries": mine.industries,
        "trl": mine.trl,
        "budget": mine.money,
        "region": mine.regions,
        "modes": mine.modes,
        "indicators": mine.indicators,
        "freshness": mine.published_day,
    }
    return (name for name, value in known.items() if value not in (None, "", ()))


def field(demand: Particulars, offer: Particulars) -> Found | None:
    """Whether both belong to the same high-tech field."""
    if not (demand.field_code and offer.field_code):
        return None
    same = demand.field_code == offer.field_code
    return Found("field", float(same), lambda: (demand.field_code, offer.field_code))


def disciplines(demand: Particulars, offer: Particulars) -> Found | None:
    """The nearest pair of disciplines."""
    return _nearest("disciplines", demand.disciplines, offer.disciplines)


def industries(demand: Particulars, offer: Particulars) -> Found | None:
    """The nearest pair of industries."""
    return _nearest("industries", demand.industries, offer.industries)


def _nearest(name: str, wanted: tuple[str, ...], offered: tuple[str, ...]) -> Found | None:
    if not (wanted and offered):
        return None
    best, left, right = max([_nearest_to(name, wanted, one) for one in offered])
    return Found(name, best, lambda: (left, right))


# By all that is wanted: one demand meets the same few codes in a thousand offers.
@lru_cache(maxsize=1 << 15)
def _nearest_to(name: str, wanted: tuple[str, ...], offered: str) -> tuple[float, str, str]:
    nearness = _NEARNESS.get(name) or vocabulary(name).nearness
    return max((nearness(one, offered), one, offered) for one in wanted)


_NEARNESS: Mapping[str, Callable[[str, str], float]] = {"region": region_nearness, "modes": mode_nearness}


def trl(demand: Particulars, offer: Particulars) -> Found | None:
    """How far the offer's readiness lies from the wanted range: each level too low costs, too high hardly."""
    if demand.trl is None or offer.trl is None or offer.trl[0] is None:
        return None
    low, high = demand.trl
    level = offer.trl[0]
    if low is not None and level < low:
        score = math.exp(-(low - level) / 2)
    elif high is not None and level > high:
        score = max(0.7, 1 - 0.1 * (level - high))
    else:
        score = 1.0
    return Found("trl", score, lambda: (f"{level:g}", f"{_end(low)}–{_end(high)}"))


def budget(demand: Particulars, offer: Particulars) -> Found | None:
    """Whether the price lies within the budget; above it, the share the budget covers, squared."""
    if demand.money is None or offer.money is None or demand.money[1] is None or offer.money[0] is None:
        return None
    price, least, most = offer.money[0], demand.money[0], demand.money[1]
    score = 1.0 if price <= most else (most / price) ** 2
    return Found("budget", score, lambda: (f"{price:.0f}", f"{_end(least)}–{most:.0f}"))


def region(demand: Particulars, offer: Particulars) -> Found | None:
    """How near the offer lies, where the demand cares."""
    if demand.region_rule == "none":
        return None
    return _nearest("region", demand.regions, offer.regions)


def modes(demand: Particulars, offer: Particulars) -> Found | None:
    """The best pair of ways to work together."""
    return _nearest("modes", demand.modes, offer.modes)


def technical(demand: Particulars, offer: Particulars) -> Found | None:
    """The mean fit of the wanted indicators that the offer states too."""
    if not (demand.indicators and offer.indicators):
        return None
    fits: list[float] = []
    nearest: list[tuple[Indicator, Indicator]] = []
    for wanted in demand.indicators:
        offered = [
            (indicators.fit(wanted, one), one) for one in offer.indicators if indicators.comparable(wanted, one)
        ]
        if offered:
            best, one = max(offered, key=lambda pair: pair[0])
            fits.append(best)
            nearest.append((one, wanted))
    if not fits:
        return None
    return Found(
        "indicators",
        sum(fits) / len(fits),
        lambda: tuple(f"{_shown(one)} / {_shown(wanted)}" for one, wanted in nearest[:_SHOWN]),
    )


def freshness(demand: Particulars, offer: Particulars) -> Found | None:
    """How close in time both were published: halved for each two years between them."""
    if offer.published_day is None or demand.published_day is None:
        return None
    years = abs(demand.published_day - offer.published_day) / 365.25
    return Found("freshness", 0.5 ** (years / 2), lambda: (f"{years:.1f}",))


RESPECTS: Mapping[str, Callable[[Particulars, Particulars], Found | None]] = {
    "field": field,
    "disciplines": disciplines,
    "industries": industries,
    "trl": trl,
    "budget": budget,
    "region": region,
    "modes": modes,
    "indicators": technical,
    "freshness": freshness,
}
"""What looks at a demand and an offer, by the name of the part that it finds."""


def _shown(indicator: Indicator) -> str:
    sign = {"at_least": "≥", "at_most": "≤", "exactly": "="}.get(indicator.direction, "")
    upper = "" if indicator.value_to is None else f"–{indicator.value_to:g}"
    return f"{indicator.name} {sign}{indicator.value:g}{upper} {indicator.unit}".strip()


def _end(value: float | None) -> str:
    return "" if value is None else f"{value:g}" if abs(value) < 1e5 else f"{value:.0f}"
