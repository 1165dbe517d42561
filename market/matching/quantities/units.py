"""Units of measurement as people spell them, Chinese and English, and how to convert between those of one kind.

The units themselves are in units.tsv. Turns, cycles, pieces, decibels and shares by volume, all plain numbers to
physics, are dimensions of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from market.matching.quantities.folding import HAN, fold

Dimension = tuple[tuple[str, int], ...]
"""Base quantities with their powers, sorted; a share has none."""

_FILE = Path(__file__).with_name("units.tsv")
_LONGEST = 48  # characters of a unit
_MOST_FACTORS = 6
_LONGEST_HAN = 6
MULTIPLIERS: Mapping[str, float] = {"百": 1e2, "千": 1e3, "万": 1e4, "亿": 1e8}
# Symbol, Chinese and English prefix of each power of ten.
_PREFIXES: Mapping[str, tuple[float, tuple[str, ...], str, str]] = {
    "f": (1e-15, ("f",), "飞", "femto"),
    "p": (1e-12, ("p",), "皮", "pico"),
    "n": (1e-9, ("n",), "纳", "nano"),
    "μ": (1e-6, ("μ", "u"), "微", "micro"),
    "m": (1e-3, ("m",), "毫", "milli"),
    "c": (1e-2, ("c",), "厘", "centi"),
    "d": (1e-1, ("d",), "分", "deci"),
    "h": (1e2, ("h",), "百", "hecto"),
    "k": (1e3, ("k", "K"), "千", "kilo"),
    "M": (1e6, ("M",), "兆", "mega"),
    "G": (1e9, ("G",), "吉", "giga"),
    "T": (1e12, ("T",), "太", "tera"),
    "P": (1e15, ("P",), "拍", "peta"),
    "E": (1e18, ("E",), "艾", "exa"),
}

_ATOM = re.compile(rf"[A-Za-zμΩÅ]++%?|°[CF]?|%(?:RH)?|‰|[{HAN}]{{1,{_LONGEST_HAN}}}")
_WITH_DIGIT = re.compile(r"Nm3|mmH2O|dB\(A\)|N-m|kW-h")
_EXPONENT = re.compile(r"\^([-+]?[1-9])|([2-4])(?![\d.])|(-[1-4])(?![\d.])")
# A space joins only what has a negative power: in "mAh g-1" it does, in "5 h at 20 K" it does not.
_JOINT = re.compile(r" ?(/|\bper\b|每) ?|[·*.×]| (?=[A-Za-zμ]{1,3}\^?-[1-4](?!\d))")
_SCALE = re.compile(r"[百千万亿]{1,4}|×?10\^?([-+]?\d{1,2}) ?(?!\d)|(?:1(?=/))")


class Unit(NamedTuple):
    """A unit: its dimension, and value * factor + offset is the value in base units."""

    dimension: Dimension
    factor: float
    offset: float = 0.0

    @property
    def is_share(self) -> bool:
        """Whether it measures a part of a whole, as percent does."""
        return not self.dimension

    def times(self, other: Unit, power: int = 1) -> Unit:
        """The product with a power of another; on the way a temperature becomes a difference."""
        exponents = dict(self.dimension)
        for base, exponent in other.dimension:
            exponents[base] = exponents.get(base, 0) + exponent * power
        kept = tuple(sorted((base, exponent) for base, exponent in exponents.items() if exponent))
        return Unit(kept, self.factor * other.factor**power)


ONE = Unit((), 1.0)


@lru_cache(maxsize=1)
def names() -> Mapping[str, Unit]:
    """Every name of a unit that is written as one, prefixed ones included."""
    with _FILE.open(encoding="utf-8") as lines:
        rows = [line.rstrip("\n").split("\t") for line in lines if line.strip() and not line.startswith("#")]
    found: dict[str, Unit] = {}
    for row in rows:
        found.update((name, _unit_of(row)) for name in _with_plurals(row[0].split("|")))
    for row in rows:
        for name, unit in _prefixed(row):
            found.setdefault(name, unit)  # what has a row of its own is meant by it
    return found


def _unit_of(row: list[str]) -> Unit:
    bases = (re.fullmatch(r"([A-Za-z_]+)(-?\d*)", word) for word in row[1].split())
    dimension = tuple(sorted((base[1], int(base[2] or 1)) for base in bases if base))
    return Unit(dimension, float(row[2]), float(row[4]) if len(row) > 4 else 0.0)


def _with_plurals(given: Iterable[str]) -> Iterator[str]:
    for name in given:
        yield name
        if len(name) > 2 and name.isascii() and name.isalpha() and name.islower():
            yield f"{name}s"


def _prefixed(row: list[str]) -> Iterator[tuple[str, Unit]]:
    unit = _unit_of(row)
    for letter in row[3] if len(row) > 3 else "":
        size, symbols, han, long = _PREFIXES[letter]
        bigger = unit._replace(factor=unit.factor * size)
        for name in _with_plurals(row[0].split("|")):
            if name[0] >= "\u3400":
                yield han + name, bigger
            elif len(name) > 3 and name.islower():
                yield long + name, bigger
            else:
                yield from ((symbol + name, bigger) for symbol in symbols)


@lru_cache(maxsize=1)
def _carelessly() -> Mapping[str, dict[str, Unit]]:
    """The names by their lower case: people write KW, Mpa and HZ."""
    found: dict[str, dict[str, Unit]] = {}
    for name, unit in names().items():
        found.setdefault(name.lower(), {})[name] = unit
    return found


@lru_cache(maxsize=4096)
def _named(atom: str) -> Unit | None:
    if unit := names().get(atom):
        return unit
    if len(atom) < 2:
        return None  # one letter in the other case is another unit
    meant = _carelessly().get(atom.lower(), {})
    # MPA may be a mega- or a millipascal; its first letter then tells.
    alike = {unit for name, unit in meant.items() if name[0] == atom[0]} or set(meant.values())
    return alike.pop() if len(alike) == 1 else None


class Reading(NamedTuple):
    """A unit found in a text, where it ends, and whether it is more than one bare name."""

    unit: Unit
    end: int
    compound: bool


def read(text: str, start: int, *, depth: int = 2) -> Reading | None:
    """The longest unit that begins here in folded text."""
    first = (ONE, start) if text.startswith("/", start) else _factor(text, start)
    if first is None:
        return None
    unit, end = first
    below = False
    factors = 1
    while factors < _MOST_FACTORS and (joint := _JOINT.match(text, end)):
        # W/m·K means W/(m·K) to all who write it: what follows a stroke stays below it.
        below = below or bool(joint[1])
        following = _group(text, joint.end(), depth) or _factor(text, joint.end())
        if following is None:
            break
        unit, end = unit.times(following[0], -1 if below else 1), following[1]
        factors += 1
    return Reading(unit, end, compound=factors > 1) if end > start else None


def _group(text: str, start: int, depth: int) -> tuple[Unit, int] | None:
    """A unit in brackets."""
    if depth and text.startswith("(", start):
        inner = read(text, start + 1, depth=depth - 1)
        if inner and text.startswith(")", inner.end):
            return inner.unit, inner.end + 1
    return None


def _factor(text: str, start: int) -> tuple[Unit, int] | None:
    """One name with its power."""
    match = _WITH_DIGIT.match(text, start) or _ATOM.match(text, start)
    if match is None:
        return None
    if match[0][0] >= "\u3400":
        return _chinese(match[0], start)
    unit = _named(match[0])
    if unit is None:
        return None
    exponent = _EXPONENT.match(text, match.end())
    if exponent is None or (exponent[3] and _is_range(text, exponent.end(), unit)):
        return unit, match.end()
    power = int(exponent[1] or exponent[2] or exponent[3])
    return ONE.times(unit, power), exponent.end()


def _is_range(text: str, start: int, unit: Unit) -> bool:
    """Whether a unit of the same kind follows: "500 nm-1 μm" holds no power."""
    match = _ATOM.match(text, start + text.startswith(" ", start))
    following = _named(match[0]) if match else None
    return following is not None and following.dimension == unit.dimension


def _chinese(run: str, start: int) -> tuple[Unit, int] | None:
    """The longest name that a run of Han begins with."""
    known = names()
    for length in range(len(run), 0, -1):
        if unit := known.get(run[:length]):
            return unit, start + length
    return None


@lru_cache(maxsize=4096)
def unit(text: str) -> Unit | None:
    """The unit spelled so; None where it is unknown."""
    plain = re.sub(r" ?([/·*()]) ?", r"\1", fold(text[: 2 * _LONGEST]).strip())
    if not plain or len(plain) > _LONGEST:
        return None
    scale, start = _scale(plain) if _whole(plain, 0) is None else (1.0, 0)
    found = _whole(plain, start)
    return found and found._replace(factor=found.factor * scale)


def _whole(text: str, start: int) -> Unit | None:
    found = read(text, start)
    return found.unit if found and found.end == len(text) else None


def _scale(text: str) -> tuple[float, int]:
    """How many of it are meant, as in 万吨 and 10^6/mL, and where the unit begins."""
    match = _SCALE.match(text)
    if match is None:
        return 1.0, 0
    return (10.0 ** int(match[1]) if match[1] else multiplied(match[0])), match.end()


def multiplied(han: str) -> float:
    """What 万, 百万 and the like multiply by."""
    product = 1.0
    for character in han:
        product *= MULTIPLIERS.get(character, 1.0)
    return product


def convert(value: float, given: Unit, wanted: Unit, *, difference: bool = False) -> float | None:
    """The value in the wanted unit; None between different kinds. A difference of temperatures has no zero point."""
    if given.dimension != wanted.dimension:
        return None
    if given.factor == wanted.factor and (difference or given.offset == wanted.offset):
        return value  # as it is, without a rounding
    shift = 0.0 if difference else given.offset - wanted.offset
    return (value * given.factor + shift) / wanted.factor
