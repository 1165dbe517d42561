"""Hypothesis strategies of listings as matching sees them, listings made of given texts, and scores of pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

from market.matching import likeness
from market.matching.evidence import Asked
from market.matching.likeness import Likeness, Ready, Scale, Side
from market.matching.score import Part, Score, Texts, score
from market.matching.signatures import Indicator, Particulars, Signature, Vectors, signature_of
from market.matching.sparse import Bags, Census, Rarity
from market.matching.weights import SHIPPED
from market.vocabulary import vocabulary

few = settings(max_examples=25)
"""For properties of whole pairs, each of which takes a while to draw."""

EVEN = Rarity(Census.empty())
"""Every feature tells as much as any other."""

MODEL = "a model"

WORDS = (
    *("graphene", "coating", "corrosion", "tower", "sensor", "lithium-ion battery", "the", "7", "，"),
    *("防腐", "涂层", "塔筒", "锂离子电池", "隔膜", "焊接", "传感器", "我们"),
)
REGIONS = ("110000", "120000", "120101", "130000", "130200", "140000", "440000")
DEMAND_MODES = ("transfer", "licence", "exclusive_licence", "joint_development", "service", "consulting")
EXPERT_MODES = ("diagnosis", "training", "joint_development", "commissioned_research", "consulting")

texts = st.lists(st.sampled_from(WORDS), max_size=8).map(" ".join)
shares = st.one_of(st.none(), st.floats(0, 1))
likenesses = st.builds(Texts, words=shares, meaning=shares)
levels = st.one_of(st.none(), st.integers(1, 9))
money = st.one_of(st.none(), st.integers(0, 10**12))
indicator = st.builds(
    Indicator,
    name=st.sampled_from(("附着力", "耐盐雾时间", "wear rate", "Wear Rate")),
    direction=st.sampled_from(("at_least", "at_most", "exactly")),
    value=st.floats(-1e6, 1e6),
    value_to=st.none(),
    unit=st.sampled_from(("h", "min", "MPa", "mg")),
)


def ordered(pair: tuple[Any, Any]) -> tuple[Any, Any] | None:
    """A range with its ends in order, or None where both are open."""
    low, high = pair
    if low is None and high is None:
        return None
    return (high, low) if low is not None and high is not None and low > high else (low, high)


def codes(name: str, most: int = 3) -> st.SearchStrategy[tuple[str, ...]]:
    """A few codes of a vocabulary."""
    return st.lists(st.sampled_from(vocabulary(name).codes), max_size=most, unique=True).map(tuple)


common: dict[str, st.SearchStrategy[Any]] = {
    "organisation": st.sampled_from(("", "a", "b")),
    "languages": st.sampled_from(("zh", "en", "both")),
    "field_code": st.sampled_from(("", *vocabulary("fields").codes)),
    "disciplines": codes("disciplines"),
    "regions": st.lists(st.sampled_from(REGIONS), max_size=2, unique=True).map(tuple),
    "published_day": st.one_of(st.none(), st.integers(15_000, 25_000)),
}
demands = st.builds(
    Particulars,
    noun=st.just("demand"),
    industries=codes("industries"),
    trl=st.tuples(levels, levels).map(ordered),
    money=st.tuples(money, money).map(ordered),
    region_rule=st.sampled_from(("none", "preferred", "required")),
    modes=st.lists(st.sampled_from(DEMAND_MODES), max_size=3, unique=True).map(tuple),
    indicators=st.lists(indicator, max_size=3).map(tuple),
    **common,
)
outcomes = st.builds(
    Particulars,
    noun=st.just("outcome"),
    industries=codes("industries"),
    trl=st.one_of(st.none(), st.integers(1, 9).map(lambda level: (level, level))),
    money=st.one_of(st.none(), st.integers(0, 10**12).map(lambda price: (price, price))),
    modes=st.lists(st.sampled_from(DEMAND_MODES), max_size=3, unique=True).map(tuple),
    indicators=st.lists(indicator, max_size=3).map(tuple),
    **common,
)
experts = st.builds(
    Particulars,
    noun=st.just("expert"),
    titles=st.lists(st.sampled_from(("A study", "一项研究", "")), max_size=4).map(tuple),
    modes=st.lists(st.sampled_from(EXPERT_MODES), max_size=3, unique=True).map(tuple),
    available=st.booleans(),
    **common,
)
offers = st.one_of(outcomes, experts)


@st.composite
def listings(draw: st.DrawFn, particulars: st.SearchStrategy[Particulars], *, width: int = 8) -> Signature:
    """Signed listings: an expert has as many works as titles; vectors may be missing, of one text or of all."""
    known = draw(particulars)
    passages = [[(draw(texts), 1.0)] for _ in range(1 + len(known.titles))]
    how, seed = draw(st.sampled_from(("all", "some", "none"))), draw(st.integers(0, 1000))
    vectors = unit_vectors(len(passages), width, seed)
    if how == "some":
        vectors[0] = 0
    return replace(signature_of(known, passages), vectors=None if how == "none" else vectors, model=MODEL)


def bags_of(texts: Sequence[Mapping[int, float]]) -> Bags:
    """Texts with these features' counts."""
    keys = [np.array(sorted(text), np.uint32) for text in texts]
    counts = [np.array([text[key] for key in sorted(text)], np.float32) for text in texts]
    starts = np.cumsum([0, *map(len, keys)])
    return Bags(
        np.concatenate([np.zeros(0, np.uint32), *keys]), np.concatenate([np.zeros(0, np.float32), *counts]), starts
    )


def unit_vectors(rows: int, width: int, seed: int) -> Vectors:
    """Vectors that lie in about one direction, as those of texts do, as exact as they are kept."""
    random = np.random.default_rng(seed)
    vectors = random.normal(size=(rows, width)) + 2 * np.ones(width)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors.astype(np.float16), np.float32)


def at(*degrees: float | None) -> Vectors:
    """Vectors of length 1 that lie so far from the first axis; None where there is none."""
    rows = [(0, 0) if one is None else (np.cos(np.radians(one)), np.sin(np.radians(one))) for one in degrees]
    return np.array(rows, np.float32)


def speaking_of(
    *texts: str, noun: str = "demand", vectors: Vectors | None = None, model: str = MODEL, **values: Any
) -> Signature:
    """A listing with these texts: its own, then those of works."""
    signed = signature_of(Particulars(noun=noun, **values), [[(text, 1.0)] for text in texts])
    return replace(signed, vectors=vectors, model=model)


def compared(demands: Sequence[Signature], offers: Sequence[Signature], rarity: Rarity = EVEN) -> Likeness:
    """Every demand compared with every offer."""
    return likeness.compare(*(side(ones, rarity) for ones in (demands, offers)))


def side(listings: Sequence[Signature], rarity: Rarity = EVEN) -> Side:
    """Listings of one side, weighed."""
    scale = Scale(rarity, MODEL)
    return Side(Ready.by(scale, listings), scale)


def likeness_of(demand: Signature, offer: Signature, rarity: Rarity = EVEN) -> Texts:
    """How alike one demand and one offer are."""
    found = compared([demand], [offer], rarity)
    words, meaning = float(found.words[0, 0]), float(found.meaning[0, 0])
    return Texts(None if np.isnan(words) else words, None if np.isnan(meaning) else meaning)


def scored(demand: Signature, offer: Signature, rarity: Rarity = EVEN) -> Score:
    """The score of a pair as a run finds it, with what shows that the texts are alike."""
    found = compared([demand], [offer], rarity)
    told = Asked(demand, rarity).told(offer, int(found.best[0, 0]))
    alike = likeness_of(demand, offer, rarity)
    return score(demand.particulars, offer.particulars, alike, SHIPPED).with_evidence(told.shared, told.nearest)


def part(found: Score, name: str) -> Part | None:
    """The part of that name, if there is one."""
    return next((one for one in found.parts if one.name == name), None)


def names(found: Score) -> set[str]:
    """Which parts there are."""
    return {one.name for one in found.parts}
