"""The pair score: one pure function, whichever side arrived last. Log-odds that a broker would introduce the two."""

from __future__ import annotations

import math
from dataclasses import dataclass

from market.matching import parts
from market.matching.parts import KeyTerms, Part
from market.matching.signatures import Signature
from market.vocabulary import region_nearness

_BIAS = -2.2  # the log-odds of a pair of which nothing is known: most pairs are no fit


@dataclass(frozen=True, slots=True)
class Score:
    """`value` is in [0, 1]; `parts` are the reasons, the strongest first. `excluded` names a hard condition."""

    value: float
    parts: tuple[Part, ...] = ()
    excluded: str = ""


def score(demand: Signature, offer: Signature, wanted: KeyTerms) -> Score:
    """Score a demand with an outcome or expert.

    value = 1 / (1 + exp(-(bias + sum of weight x (part - centre)))). What is unknown gives no part and so
    changes nothing. `wanted` are the demand's key terms, whichever side arrived. Pure; raises on nothing.
    """
    reason = excluded(demand, offer)
    if reason:
        return Score(0.0, excluded=reason)
    found = (
        parts.text(demand, offer, wanted),
        parts.field(demand, offer),
        parts.disciplines(demand, offer),
        parts.industries(demand, offer),
        parts.trl(demand, offer),
        parts.budget(demand, offer),
        parts.region(demand, offer),
        parts.modes(demand, offer),
        parts.technical(demand, offer),
        parts.freshness(demand, offer),
    )
    known = sorted((part for part in found if part is not None), key=lambda part: -part.contribution)
    odds = _BIAS + sum(part.contribution for part in known)
    return Score(round(1 / (1 + math.exp(-odds)), 4), tuple(known))


def excluded(demand: Signature, offer: Signature) -> str:
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
