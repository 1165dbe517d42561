"""Advice to whoever writes a demand: which missing field would sharpen its matches most."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlmodel import Session

from market.errors import Unavailable
from market.matching import parts
from market.matching.signatures import Signature
from market.matching.weights import Weights
from market.models import Demand
from market.services.listings import listings
from market.services.matching import signing
from market.services.matching.pairing import OFFERS, Finder
from market.services.rights.access import Principal, require
from search.engine import EngineUnavailable

_LOOKED_AT = 100  # the nearest offers, that a field has to tell apart
_MEAN_EFFECT = 0.5  # of a part, between 0 and 1: how far an offer meets a wish that is not known yet, nobody can say
_SHORT = 40  # features of a text from which it says enough to be compared well

# The parts of the score, by the field that gives them.
_PARTS = {
    "indicators": "indicators",
    "field": "field",
    "disciplines": "disciplines",
    "trl_from": "trl",
    "budget_to": "budget",
    "industries": "industries",
    "region": "region",
    "cooperation_modes": "modes",
}
# What no part of the score uses for itself. Nothing of it is measured, so it stands behind what is: in log-odds, less
# than what the lightest part gives where one offer in ten states it.
_CONSTANTS = {"background": 0.02, "keywords": 0.02, "deadline": 0.01}

_LABELS = {
    "indicators": ("技术指标", "Technical indicators"),
    "field": ("技术领域", "Field of technology"),
    "disciplines": ("学科", "Disciplines"),
    "trl_from": ("所需技术就绪度", "Readiness level wanted"),
    "budget_to": ("预算上限", "Budget, upper end"),
    "industries": ("行业", "Industries"),
    "region": ("地区", "Region"),
    "cooperation_modes": ("合作方式", "Ways of cooperation"),
    "background": ("背景与现状", "Background: what is done today"),
    "keywords": ("关键词", "Keywords"),
    "deadline": ("截止日期", "Deadline"),
}
_WHY = {
    "measured": (
        "最接近的 {candidates} 项中有 {known} 项写明了此项，填写后可据以区分。",
        "{known} of the {candidates} nearest offers state it and could be told apart by it.",
    ),
    "unknown": (
        "最接近的 {candidates} 项均未写明此项，目前无从据以区分。",
        "None of the {candidates} nearest offers states it, so it would tell nothing apart yet.",
    ),
    "alone": ("目前没有可比较的成果或专家。", "There is nothing on offer yet to be compared with."),
    "background": (
        "正文过短，请补充背景、现状与已尝试的办法，供比对的词语会更多。",
        "The text is short. What is done today and what was tried give more words to compare.",
    ),
    "keywords": (
        "关键词在比对中加倍计算，也便于检索。",
        "Keywords count twice when texts are compared, and are searched.",
    ),
    "deadline": (
        "不影响匹配分值，但供方据此判断能否按期完成。",
        "It does not change the score, but tells whoever offers whether there is time enough.",
    ),
}

_REGION_RULE = ("须同时设定地区要求（优先或必须）。", " It takes a region_rule: preferred or required.")


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A field to fill in. `gain`: how far that would move a candidate's log-odds; a constant unless `measured`."""

    field: str
    gain: float
    measured: bool
    known: int
    candidates: int

    def label(self, language: str) -> str:
        """What the field is called."""
        return _LABELS[self.field][0 if language == "zh" else 1]

    def why(self, language: str) -> str:
        """Why it should be filled in."""
        kind = self.field
        if self.measured:
            kind = "measured" if self.known else "unknown" if self.candidates else "alone"
        which = 0 if language == "zh" else 1
        told = _WHY[kind][which].format(known=self.known, candidates=self.candidates)
        return told + _REGION_RULE[which] if self.field == "region" else told


@dataclass(frozen=True, slots=True)
class Advice:
    """What to fill in, best first; the share of what could be filled in that is; how many offers were looked at."""

    suggestions: tuple[Suggestion, ...]
    completeness: float
    candidates: int


def of_demand(session: Session, principal: Principal, identity: uuid.UUID, finder: Finder) -> Advice:
    """Advice on a demand, a draft as well, to its owner and to staff; from what is on offer at this moment.

    Raises NotFound, Forbidden and Unavailable.
    """
    demand = listings.get(session, principal, Demand, identity)
    require(principal, "match.list", demand)
    signature = signing.sign_all(session, [demand], finder.scoring.scale.model)[identity].signature
    try:
        offers = _nearest(finder, signature)
    except EngineUnavailable as error:
        raise Unavailable("search-unavailable") from error
    stated = Counter(name for offer in offers for name in parts.within_reach(offer.particulars))
    missing = [*_missing(demand, signature)]
    suggestions = [_suggestion(field, finder.scoring.weights, stated, len(offers)) for field in missing]
    suggestions.sort(key=lambda one: (-one.gain, [*_LABELS].index(one.field)))
    return Advice(tuple(suggestions), round(1 - len(missing) / len(_LABELS), 2), len(offers))


def _nearest(finder: Finder, signature: Signature) -> list[Signature]:
    """The offers of either kind that fit best as the demand stands."""
    pairs = [pair for kind in OFFERS for pair in finder.pairs_of_text(signature, kind, most=_LOOKED_AT)]
    best = sorted(pairs, key=lambda pair: (-pair.score.odds, str(pair.offer_id)))[:_LOOKED_AT]
    return [found for pair in best if (found := finder.signature(pair.offer_id)) is not None]


def _missing(demand: Demand, signature: Signature) -> Iterator[str]:
    """Fields that no part can use yet. Indicators and the like that the texts state are not missing."""
    known = frozenset(parts.within_reach(signature.particulars))
    yield from (field for field, part in _PARTS.items() if part not in known)
    short = len(signature.bags.one(0).keys) < _SHORT
    if short and not (demand.background_zh or demand.background_en):
        yield "background"
    if not demand.keywords:
        yield "keywords"
    if demand.deadline is None:
        yield "deadline"


def _suggestion(field: str, weights: Weights, stated: Mapping[str, int], candidates: int) -> Suggestion:
    """With the gain: the part's weight x the share of the nearest offers that state it too x 0.5.

    The half stands for how far apart they would lie: that depends on what will be filled in.
    """
    part = _PARTS.get(field)
    if part is None:
        return Suggestion(field, _CONSTANTS[field], measured=False, known=0, candidates=candidates)
    known = stated.get(part, 0)
    share = known / candidates if candidates else 0.0
    gain = round(abs(weights.parts[part][0]) * share * _MEAN_EFFECT, 3)
    return Suggestion(field, gain, measured=True, known=known, candidates=candidates)
