"""The pair score: one pure function, whichever side arrived last. Log-odds that a broker would introduce the two."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from market.matching import parts
from market.matching.parts import Found
from market.matching.signatures import Particulars
from market.matching.weights import Weights
from market.vocabulary import region_nearness

Figures = NDArray[np.float64]

_ROUNDING = 1e-9  # far more than the same sum in another order differs by

HALF_ALIKE = 0.2
"""The likeness of texts that makes half a part: who fits rarely uses half of the words."""

ALONE = 1.3
"""What the words count where the meaning is not known: they stand for both."""


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


@dataclass(frozen=True, slots=True)
class Score:
    """`value` is in [0, 1]; `parts` are the reasons, the strongest first. `excluded` names a hard condition."""

    value: float
    parts: tuple[Part, ...] = ()
    excluded: str = ""
    odds: float = -math.inf

    def with_evidence(self, shared: Sequence[str], nearest: str) -> Score:
        """The same with what shows that the texts are alike: shared words, and the title of the nearest work."""
        title = (f"《{nearest}》",) if nearest else ()
        shown = {"words": (*shared, *title), "meaning": title}
        known = (replace(one, evidence=shown[one.name]) if one.name in shown else one for one in self.parts)
        return replace(self, parts=tuple(known))


class _Weighed(NamedTuple):
    """A part before it is shown, with what it adds to the log-odds."""

    contribution: float
    found: Found
    weight: float
    centre: float


_CONTRIBUTION = itemgetter(0)


class Weighing(NamedTuple):
    """The log-odds of a pair, and what they are the sum of."""

    odds: float
    known: Sequence[_Weighed]

    def score(self) -> Score:
        """With the reasons."""
        told = tuple(
            Part(found.name, found.score, weight, centre, found.evidence) for _, found, weight, centre in self.known
        )
        return Score(round(1 / (1 + math.exp(-self.odds)), 4), told, odds=self.odds)


@dataclass(frozen=True, slots=True)
class Texts:
    """How alike the texts of a pair are, as `likeness.compare` found it. None: not known."""

    words: float | None
    meaning: float | None


def score(demand: Particulars, offer: Particulars, texts: Texts, weights: Weights) -> Score:
    """Score a demand with an outcome or expert.

    value = 1 / (1 + exp(-(bias + sum of weight x (part - centre)))). What is unknown gives no part and so
    changes nothing. Pure; raises on nothing.
    """
    reason = excluded(demand, offer)
    weighed = None if reason else Scales(demand, weights).weigh(demand, offer, texts)
    return Score(0.0, excluded=reason) if weighed is None else weighed.score()


class Scales:
    """Weighs one listing's pairs: what of it and of the weights is the same in all is looked up once."""

    def __init__(self, mine: Particulars, weights: Weights) -> None:
        """`mine` is the demand of all the pairs, or the offer of all."""
        names = [*parts.within_reach(mine)]
        self.most = weights.most(names)  # that all beside the texts can add to the log-odds
        self._weights = weights
        self._looks = [(parts.RESPECTS[name], *weights.parts[name], weights.most([name])) for name in names]

    def weigh(
        self, demand: Particulars, offer: Particulars, texts: Texts, *, least: float = -math.inf
    ) -> Weighing | None:
        """What `score` gives, before it is told; None where a hard condition forbids the pair, or as soon as its
        log-odds cannot reach `least` any more."""
        if excluded(demand, offer):
            return None
        known = [*_of_texts(texts, self._weights)]
        reach = self._weights.bias + self.most + sum(map(_CONTRIBUTION, known)) + _ROUNDING
        for look, weight, centre, most in self._looks:
            found = look(demand, offer)
            if found is not None:
                contribution = weight * (found.score - centre)
                known.append(_Weighed(contribution, found, weight, centre))
                reach += contribution
            reach -= most
            if reach < least:
                return None
        known.sort(key=_CONTRIBUTION, reverse=True)
        return Weighing(self._weights.bias + sum(map(_CONTRIBUTION, known)), known)


def text_odds(words: Figures, meaning: Figures, weights: Weights) -> Figures:
    """What the texts alone add to the log-odds, of many pairs; NaN in either stands for None."""
    weight, centre = weights.parts["texts"]
    alike = np.where(np.isnan(meaning), words * ALONE, np.nan_to_num(words) + meaning)
    return np.where(np.isnan(alike), 0.0, weight * (saturated(alike) - centre))


def saturated(alike: Any) -> Any:
    """The likeness of texts, words and meaning together, as a part from 0 to 1."""
    return alike / (alike + HALF_ALIKE)


def _of_texts(texts: Texts, weights: Weights) -> Iterator[_Weighed]:
    """One part, shown as two reasons: what of it the words made, and what the meaning."""
    weight, centre = weights.parts["texts"]
    if texts.meaning is None:
        if texts.words is not None:
            yield _text("words", saturated(texts.words * ALONE), weight, centre)
        return
    words = texts.words or 0.0
    alike = words + texts.meaning
    share = words / alike if alike > 0 else 1.0
    whole = saturated(alike)
    if texts.words is not None:
        yield _text("words", whole * share, weight, centre * share)
    else:
        share = 0.0
    yield _text("meaning", whole * (1 - share), weight, centre * (1 - share))


def _text(name: str, score: float, weight: float, centre: float) -> _Weighed:
    return _Weighed(weight * (score - centre), Found(name, score, tuple), weight, centre)


def excluded(demand: Particulars, offer: Particulars) -> str:
    """The hard condition that forbids the pair, or an empty text."""
    if demand.organisation and demand.organisation == offer.organisation:
        return "own_organisation"
    if not offer.available:
        return "unavailable"
    if demand.region_rule == "required" and demand.regions and offer.regions:
        nearest = max(region_nearness(left, right) for left in demand.regions for right in offer.regions)
        if nearest < 1:
            return "region"
    return ""
