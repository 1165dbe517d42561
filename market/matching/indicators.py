"""Technical indicators that can be compared: the same thing, wanted and offered, in units of one kind."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import islice
from pathlib import Path

from market.matching.quantities import Quantity, convert, found, is_measure, unit
from market.matching.signatures import Indicator
from search import thesaurus
from search.text import normalise, query_tokens

_NAMES = Path(__file__).with_name("quantities") / "names.tsv"
_SAME_NAME = 0.5  # Jaccard overlap of the names' words from which two names mean one thing
_STEEPNESS = 3.2
_BEYOND = 1e300  # no figure is larger: sums of two stay finite
_NOTHING = 1e-9  # a shortfall below it is a rounding of the conversion
_NEARLY_ALL = 0.9
# The zero of a temperature scale is no nothing: 1 °C where 0 °C was wanted is a little, not infinitely much.
_TEMPERATURE = (("K", 1),)
_LEAST_KELVIN = 20.0
_DIFFERENCES = (
    *("差", "精度", "波动", "均匀", "稳定", "升温", "温升", "difference", "accuracy", "precision", "stability"),
    *("uniformity", "fluctuation", "deviation", "error", "rise", "resolution"),
)
_STATED_MOST = 20
_LONGEST_NAME, _LONGEST_UNIT = 64, 32  # characters; what the interface takes


def comparable(wanted: Indicator, offered: Indicator) -> bool:
    """Whether both speak of one quantity in units of one kind; what cannot be read never does."""
    return (
        _same_kind(wanted.unit, offered.unit)
        and _same_name(wanted.name, offered.name)
        and not (_unreadable(wanted) or _unreadable(offered))
    )


def fit(wanted: Indicator, offered: Indicator) -> float:
    """1 where the offer meets the wish, falling with the relative shortfall: half of it missed leaves 0.2."""
    low, high = _interval(wanted)
    least, most = (_in_unit_of(wanted, offered, end) for end in _interval(offered))
    # What the offer can reach upwards and downwards; of an open end only the stated figure is known.
    upwards = most if most < math.inf else least
    downwards = least if least > -math.inf else most
    shortfall = 0.0
    if low > upwards:
        shortfall = max(_relative(low - upwards, low, wanted.unit), _impurity(low, upwards, wanted.unit))
    if high < downwards:
        shortfall = max(shortfall, _relative(downwards - high, high, wanted.unit))
    return 1.0 if shortfall < _NOTHING else math.exp(-shortfall * _STEEPNESS)


def stated(texts: Iterable[str]) -> tuple[Indicator, ...]:
    """The indicators that running texts state, at most twenty: those with a name, a bound and a known unit."""
    indicators = (_indicator(quantity) for text in texts for quantity in found(text) if _is_clear(quantity))
    return tuple(islice(dict.fromkeys(islice(indicators, 5 * _STATED_MOST)), _STATED_MOST))


def _is_clear(quantity: Quantity) -> bool:
    return (
        quantity.bounded
        and 2 <= len(quantity.name) <= _LONGEST_NAME
        and 0 < len(quantity.unit) <= _LONGEST_UNIT
        and unit(quantity.unit) is not None
        and (is_measure(quantity.name) or normalise(quantity.name) in _indicator_names())
    )


def _indicator(quantity: Quantity) -> Indicator:
    return Indicator(quantity.name, quantity.direction, quantity.value, quantity.value_to, quantity.unit)


def _relative(missing: float, wanted: float, spelled: str) -> float:
    known = unit(spelled)
    floor = _LEAST_KELVIN / known.factor if known and known.dimension == _TEMPERATURE and known.offset else 1e-9
    return missing / max(abs(wanted), floor)


def _impurity(wanted: float, reached: float, spelled: str) -> float:
    """The shortfall of a share near the whole, by what is left to it.

    From 99 % to 99.9 % purity nine tenths of all impurity must go: that is the work, not the tenth of a hundredth
    that the shares differ by. An offer below 90 % misses at least as much as one of 90 % does.
    """
    known = unit(spelled)
    if known is None or not known.is_share:
        return 0.0
    share, other = wanted * known.factor, max(reached * known.factor, _NEARLY_ALL)
    if not _NEARLY_ALL < share <= 1 or other >= share:
        return 0.0
    return 1 - (1 - share) / (1 - other)


def _in_unit_of(wanted: Indicator, offered: Indicator, value: float) -> float:
    """An end of the offer in the wanted unit; as it stands where nothing can be converted."""
    if wanted.unit == offered.unit or math.isinf(value):
        return value
    given, target = unit(offered.unit), unit(wanted.unit)
    if given is None or target is None:
        return value
    converted = convert(value, given, target, difference=_is_difference(wanted.name))
    return value if converted is None else _finite(converted)


def _interval(indicator: Indicator) -> tuple[float, float]:
    value = _finite(indicator.value)
    match indicator.direction:
        case "at_least":
            return value, math.inf
        case "at_most":
            return -math.inf, value
        case "between":
            other = value if indicator.value_to is None else _finite(indicator.value_to)
            return min(value, other), max(value, other)
        case _:
            return value, value


def _finite(value: float) -> float:
    return float(max(-_BEYOND, min(_BEYOND, value)))


def _unreadable(indicator: Indicator) -> bool:
    # Nothing but what is no number differs from itself.
    return indicator.value != indicator.value or indicator.value_to != indicator.value_to


@lru_cache(maxsize=1 << 12)
def _same_kind(one: str, other: str) -> bool:
    left, right = unit(one), unit(other)
    if left and right:
        return left.dimension == right.dimension
    return _plain(one) == _plain(other)


@lru_cache(maxsize=1 << 14)
def _same_name(one: str, other: str) -> bool:
    if _plain(one) == _plain(other):
        return True
    concept = _concept(one)
    if concept and concept == _concept(other):
        return True
    # Every word counts, short ones too: what is left of a name without them may only say "time".
    left, right = _words(one), _words(other)
    return bool(left | right) and len(left & right) / len(left | right) >= _SAME_NAME


@lru_cache(maxsize=1 << 12)
def _words(name: str) -> frozenset[str]:
    return frozenset(token.text for token in query_tokens(name))


@lru_cache(maxsize=1)
def _indicator_names() -> Mapping[str, str]:
    """Each name that indicators usually have, and the first of those that mean the same."""
    with _NAMES.open(encoding="utf-8") as lines:
        concepts = thesaurus.parse(lines)
    return {normalise(term): concept.zh[0] for concept in concepts for term in concept.terms}


def _concept(name: str) -> str:
    """One name for all that mean the same: of indicators first, then of science at large; empty for others."""
    plain = normalise(name)
    if known := _indicator_names().get(plain):
        return known
    others = thesaurus.synonyms().get(plain)
    return min((plain, *others)) if others else ""


@lru_cache(maxsize=1 << 12)
def _is_difference(name: str) -> bool:
    """Whether degrees under this name part two temperatures instead of naming one."""
    plain = normalise(name)
    return any(word in plain for word in _DIFFERENCES)


def _plain(text: str) -> str:
    return normalise(text).replace(" ", "")
