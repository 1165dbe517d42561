"""Hypothesis strategies of signatures, and the score of a pair of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from market.matching import parts
from market.matching.score import Score, score
from market.matching.signatures import Indicator, Signature, Words, bag
from market.vocabulary import vocabulary

few = settings(max_examples=25)
"""For properties of whole pairs, each of which takes a while to draw."""

WORDS = ("graphene", "coat", "corros", "tower", "防腐", "涂层", "塔筒", "电池", "隔膜", "焊接", "传感器", "sensor")
REGIONS = ("110000", "120000", "120101", "130000", "130200", "140000", "440000")
DEMAND_MODES = ("transfer", "licence", "exclusive_licence", "joint_development", "service", "consulting")
EXPERT_MODES = ("diagnosis", "training", "joint_development", "commissioned_research", "consulting")

words = st.dictionaries(st.sampled_from(WORDS), st.integers(1, 9).map(float), max_size=8).map(
    lambda counts: Words(counts, float(sum(counts.values())))
)
levels = st.one_of(st.none(), st.integers(1, 9))
money = st.one_of(st.none(), st.integers(0, 10**12))
indicator = st.builds(
    Indicator,
    name=st.sampled_from(("附着力", "耐盐雾时间", "wear rate", "Wear Rate")),
    direction=st.sampled_from(("at_least", "at_most", "exactly")),
    value=st.floats(-1e6, 1e6),
    value_to=st.none(),
    unit=st.sampled_from(("h", "MPa", "mg")),
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
    "words": words,
    "field_code": st.sampled_from(("", *vocabulary("fields").codes)),
    "disciplines": codes("disciplines"),
    "regions": st.lists(st.sampled_from(REGIONS), max_size=2, unique=True).map(tuple),
    "published_day": st.one_of(st.none(), st.integers(15_000, 25_000)),
}

demands = st.builds(
    Signature,
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
    Signature,
    noun=st.just("outcome"),
    industries=codes("industries"),
    trl=st.one_of(st.none(), st.integers(1, 9).map(lambda level: (level, level))),
    money=st.one_of(st.none(), st.integers(0, 10**12).map(lambda price: (price, price))),
    modes=st.lists(st.sampled_from(DEMAND_MODES), max_size=3, unique=True).map(tuple),
    indicators=st.lists(indicator, max_size=3).map(tuple),
    **common,
)
experts = st.builds(
    Signature,
    noun=st.just("expert"),
    works=st.lists(st.tuples(st.sampled_from(("A study", "一项研究")), words), max_size=4).map(tuple),
    modes=st.lists(st.sampled_from(EXPERT_MODES), max_size=3, unique=True).map(tuple),
    available=st.booleans(),
    **common,
)
offers = st.one_of(outcomes, experts)


def even(_: str) -> float:
    """Every term tells as much as any other."""
    return 1.0


def pair_score(demand: Signature, offer: Signature) -> Score:
    """The score where no term is rarer than another."""
    return score(demand, offer, parts.key_terms(demand.words, even))


def part(scored: Score, name: str) -> parts.Part | None:
    """The part of that name, if there is one."""
    return next((one for one in scored.parts if one.name == name), None)


def names(scored: Score) -> set[str]:
    """Which parts there are."""
    return {one.name for one in scored.parts}


def speaking_of(*texts: str, noun: str = "demand", **values: Any) -> Signature:
    """A signature of these texts."""
    return Signature(noun=noun, words=bag((text, 1.0) for text in texts), **values)


def work(title: str, *texts: str) -> tuple[str, Words]:
    """One of an expert's works."""
    return title, bag((text, 1.0) for text in _all(title, texts))


def _all(title: str, texts: Iterable[str]) -> list[str]:
    return [title, *texts]
