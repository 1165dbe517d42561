"""The parts of a pair score. Each looks at one respect and gives a part, or None where too little is known."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from heapq import nlargest
from itertools import islice
from typing import Any

from market.matching import indicators
from market.matching.signatures import Indicator, Signature, Words
from market.vocabulary import mode_nearness, region_nearness, vocabulary

Rarity = Callable[[str], float]
"""How much a term tells: its inverse document frequency, above 0."""

KeyTerms = list[tuple[str, float]]
"""Terms with their weights, heaviest first."""

KEY_TERMS = 40
_WORK_SHARE = 0.6  # how much of an expert's text score the best works make; the profile makes the rest
_BEST_WORKS = 2
_SATURATION = 0.5  # BM25's k1: how soon a repeated word adds nothing
_LENGTH_SHARE = 0.5  # BM25's b: how far long texts are held to a higher count
_USUAL_LENGTH = 150.0
_HALF_COVERED = 0.12  # the coverage that makes half a text score; a fit rarely covers half of a need's words


# Each part's weight and centre.
WEIGHTS: Mapping[str, tuple[float, float]] = {
    "text": (8.0, 0.25),
    "field": (1.4, 0.6),
    "disciplines": (1.2, 0.4),
    "industries": (0.8, 0.4),
    "trl": (1.0, 0.6),
    "budget": (0.8, 0.6),
    "region": (0.6, 0.5),
    "modes": (0.5, 0.5),
    "indicators": (1.6, 0.5),
    "freshness": (0.3, 1.0),
}


@dataclass(frozen=True, slots=True)
class Part:
    """One reason. It moves the score by weight x (score - centre): at the centre it says nothing."""

    name: str
    score: float
    weight: float
    centre: float
    evidence: tuple[str, ...] = ()

    @property
    def contribution(self) -> float:
        """What it adds to the log-odds."""
        return self.weight * (self.score - self.centre)

    def as_row(self) -> dict[str, Any]:
        """As a match keeps it, in JSON."""
        return {
            "name": self.name,
            "score": round(self.score, 4),
            "weight": self.weight,
            "contribution": round(self.contribution, 4),
            "evidence": list(self.evidence),
        }


def _part(name: str, score: float, evidence: tuple[str, ...]) -> Part:
    weight, centre = WEIGHTS[name]
    return Part(name, score, weight, centre, evidence)


def key_terms(words: Words, rarity: Rarity, most: int = KEY_TERMS) -> KeyTerms:
    """The terms that tell most of a text, heaviest first: (1 + ln count) x rarity (TF-IDF, Salton 1988)."""
    weighted = ((term, (1 + math.log(max(count, 1.0))) * rarity(term)) for term, count in words.counts.items())
    return nlargest(most, weighted, key=lambda pair: (pair[1], pair[0]))


def text(demand: Signature, offer: Signature, wanted: KeyTerms) -> Part | None:
    """How much of what the demand speaks of, the offer speaks of too."""
    if "both" not in (demand.languages, offer.languages) and demand.languages != offer.languages:
        return None  # no word could be shared: that tells nothing
    total = sum([weight for _, weight in wanted])
    if not total or not offer.words.counts:
        return None
    covered = _coverage(wanted, offer.words) / total
    best: list[tuple[float, str]] = []
    if offer.works:
        best = nlargest(_BEST_WORKS, [(_coverage(wanted, words) / total, title) for title, words in offer.works])
        of_works = sum(share for share, _ in best) / len(best)
        covered = max(covered, (1 - _WORK_SHARE) * covered + _WORK_SHARE * of_works)
    titles = [f"《{title}》" for share, title in best[:1] if share > 0]
    evidence = (*islice(_shared(demand, offer, wanted), 8), *titles)
    return _part("text", covered / (covered + _HALF_COVERED), evidence)


def _coverage(wanted: KeyTerms, words: Words) -> float:
    """The weight of `wanted` found in `words`, repeated words saturating as in BM25 (Robertson 1994)."""
    counts = words.counts
    ceiling = _SATURATION * (1 - _LENGTH_SHARE + _LENGTH_SHARE * words.length / _USUAL_LENGTH)
    found = [(weight, counts[term]) for term, weight in wanted if term in counts]
    return sum([weight * count / (count + ceiling) for weight, count in found])


def _shared(demand: Signature, offer: Signature, wanted: KeyTerms) -> Iterator[str]:
    """The wanted terms that the offer or one of its works holds, as the demand writes them, heaviest first."""
    bags = [offer.words.counts, *(words.counts for _, words in offer.works)]
    for term, _ in wanted:
        for counts in bags:
            if term in counts:
                yield demand.surfaces.get(term, term)
                break


def field(demand: Signature, offer: Signature) -> Part | None:
    """Whether both belong to the same high-tech field."""
    if not (demand.field_code and offer.field_code):
        return None
    same = demand.field_code == offer.field_code
    return _part("field", float(same), (demand.field_code, offer.field_code))


def disciplines(demand: Signature, offer: Signature) -> Part | None:
    """The nearest pair of disciplines."""
    return _nearest("disciplines", demand.disciplines, offer.disciplines)


def industries(demand: Signature, offer: Signature) -> Part | None:
    """The nearest pair of industries."""
    return _nearest("industries", demand.industries, offer.industries)


def _nearest(name: str, wanted: Iterable[str], offered: Iterable[str]) -> Part | None:
    pairs = [(_nearness(name, left, right), left, right) for left in wanted for right in offered]
    if not pairs:
        return None
    best, left, right = max(pairs)
    return _part(name, best, (left, right))


@lru_cache(maxsize=1 << 16)
def _nearness(name: str, left: str, right: str) -> float:
    return vocabulary(name).nearness(left, right)


def trl(demand: Signature, offer: Signature) -> Part | None:
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
    return _part("trl", score, (f"{level:g}", f"{_end(low)}–{_end(high)}"))


def budget(demand: Signature, offer: Signature) -> Part | None:
    """Whether the price lies within the budget; above it, the share the budget covers, squared."""
    if demand.money is None or offer.money is None or demand.money[1] is None or offer.money[0] is None:
        return None
    price, most = offer.money[0], demand.money[1]
    score = 1.0 if price <= most else (most / price) ** 2
    return _part("budget", score, (f"{price:.0f}", f"{_end(demand.money[0])}–{most:.0f}"))


def region(demand: Signature, offer: Signature) -> Part | None:
    """How near the offer lies, where the demand cares."""
    if demand.region_rule == "none" or not demand.regions or not offer.regions:
        return None
    best, left, right = max(
        (region_nearness(left, right), left, right) for left in demand.regions for right in offer.regions
    )
    return _part("region", best, (left, right))


def modes(demand: Signature, offer: Signature) -> Part | None:
    """The best pair of ways to work together."""
    pairs = [(mode_nearness(left, right), left, right) for left in demand.modes for right in offer.modes]
    if not pairs:
        return None
    best, left, right = max(pairs)
    return _part("modes", best, (left, right))


def technical(demand: Signature, offer: Signature) -> Part | None:
    """The mean fit of the wanted indicators that the offer states too."""
    fits: list[float] = []
    evidence: list[str] = []
    for wanted in demand.indicators:
        offered = [
            (indicators.fit(wanted, one), one) for one in offer.indicators if indicators.comparable(wanted, one)
        ]
        if offered:
            best, one = max(offered, key=lambda pair: pair[0])
            fits.append(best)
            evidence.append(f"{_shown(one)} / {_shown(wanted)}")
    if not fits:
        return None
    return _part("indicators", sum(fits) / len(fits), tuple(evidence[:5]))


def freshness(offer: Signature, demand: Signature) -> Part | None:
    """How close in time both were published: halved for each two years between them."""
    if offer.published_day is None or demand.published_day is None:
        return None
    years = abs(demand.published_day - offer.published_day) / 365.25
    return _part("freshness", 0.5 ** (years / 2), (f"{years:.1f}",))


def _shown(indicator: Indicator) -> str:
    sign = {"at_least": "≥", "at_most": "≤", "exactly": "="}.get(indicator.direction, "")
    upper = "" if indicator.value_to is None else f"–{indicator.value_to:g}"
    return f"{indicator.name} {sign}{indicator.value:g}{upper} {indicator.unit}".strip()


def _end(value: float | None) -> str:
    return "" if value is None else f"{value:g}" if abs(value) < 1e5 else f"{value:.0f}"
