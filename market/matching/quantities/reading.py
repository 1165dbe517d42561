"""Finds quantities in running text, Chinese and English: what is measured, how it is bounded, how much, of what.

Reads from figure to figure and looks only a bounded way to either side, so that no text takes more than linear time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from market.matching.quantities import phrases
from market.matching.quantities.folding import fold
from market.matching.quantities.units import Unit, convert, multiplied, read

_LONGEST_TEXT = 100_000
_LEFT = 60  # characters before a figure that may name it
_MOST_DIGITS = 18
_YEARS = range(1900, 2101)


@dataclass(frozen=True, slots=True)
class Quantity:
    """A quantity as a text states it. Bounded: a sign, word, range or tolerance says how the figure is meant."""

    name: str
    direction: str
    value: float
    value_to: float | None
    unit: str
    bounded: bool = False


class _Figure(NamedTuple):
    """A number with its unit; scale is the 万 or million that stands after it."""

    value: float
    scale: float
    spelled: str
    unit: Unit | None
    end: int
    more: bool = False  # as in 100+ and 100余

    @property
    def size(self) -> float:
        return self.value * self.scale


class _Bounds(NamedTuple):
    """What a figure and the signs after it come to; no direction where they leave it open."""

    direction: str
    value: float
    value_to: float | None
    figure: _Figure


_PLAIN = (
    r"(?P<sign>[-+±])? ?(?P<whole>\d{1,3}(?:,\d{3}){1,6}+(?!\d)|\d++)(?P<rest>\.\d++)?+"
    r"(?: ?[×x*] ?10\^(?P<ten>[-+]?\d{1,2})(?!\d)|\^(?P<power>[-+]?\d{1,2})(?!\d)"
    r"|[eE](?P<e>[-+]?\d{1,2})(?![\dA-Za-z]))?(?![,.]?\d)"
)
# No quantities: what is part of a model number, a date, a price or a product of lengths.
_NUMBER = re.compile(r"(?<![A-Za-zμ\d._/^$¥€£#×第+±-])(?<!\d[:,])" + _PLAIN, re.ASCII)
_NEXT = re.compile(_PLAIN, re.ASCII)
_RANGE = re.compile(r" ?(?:(-)|(~|至|到|\bto\b)|(\band\b|与|和)) ?(?=[-+]?\d)")
_TOLERANCE = re.compile(r" ?(?=± ?\d)")
_SCALE = re.compile(r" ?([百千万亿]{1,4})| (thousand|million|billion)\b")
_ENGLISH = {"thousand": 1e3, "million": 1e6, "billion": 1e9}
_MORE = re.compile(r" ?\+(?!\d)|[余多]")
_MONEY = re.compile(r" ?(?:元|美元|欧元|港元|日元|人民币|块钱|RMB|CNY|USD|EUR|yuan|dollar|€|\$)")
_TURNED = re.compile(r" ?([≤<]|[≥>])(?!=?\s?\d)")
_ANY_DIGIT = re.compile(r"\d")
_DIGITS = re.compile("[0-9]+")

# They are units only inside others: alone they are words, dates, times of day.
_NOT_ALONE = frozenset(["a", "in", "B", "日", "时", "分", "月", "r", "times", "节", "U"])
# One character that begins many words: a unit only where no such word can follow.
_BEGINS_WORDS = frozenset("安法开目焦牛升亨赫帕巴卡位托摩欧转圈秒克瓦米伏年天块片根支件条倍人码贝")
_MAY_FOLLOW = frozenset("以之及或的左内每至到和与、时后余多")


def parse(text: str) -> list[Quantity]:
    """All quantities of a text, in order; figures with neither unit nor bound are none. Never raises."""
    return list(found(text))


def found(text: str) -> Iterator[Quantity]:
    """The same, one by one."""
    text = text[:_LONGEST_TEXT]
    if not _ANY_DIGIT.search(text):
        return
    text = fold(text).replace("+/-", "±")
    floor = 0
    digits = _DIGITS.search(text)
    while digits:
        end = digits.end()
        number = _NUMBER.match(text, _signed(text, digits.start()))
        bounds = _bounds(text, number) if number else None
        if number and bounds:
            quantity, end = _quantity(text, number.start(), floor, bounds)
            floor = end
            if quantity:
                yield quantity
        digits = _DIGITS.search(text, end)


def _signed(text: str, start: int) -> int:
    """Where the number whose digits begin here begins with its sign."""
    if start and text[start - 1] in "-+±":
        return start - 1
    return start - 2 if text.startswith("± ", start - 2) and start > 1 else start


def _quantity(text: str, start: int, floor: int, bounds: _Bounds) -> tuple[Quantity | None, int]:
    left = text[max(floor, start - _LEFT) : start]
    before, length = phrases.before(left[::-1])
    direction, end = _direction(text, before, bounds)
    figure = bounds.figure
    sure = bool(direction) or before == "same"
    if _is_none(text, bounds, sure=sure):
        return None, end
    name = phrases.name(left[: len(left) - length] if before else left)
    return Quantity(name, direction or "exactly", bounds.value, bounds.value_to, figure.spelled, bounded=sure), end


def _direction(text: str, before: str, bounds: _Bounds) -> tuple[str, int]:
    """The direction, empty where nothing tells it, and where the words that tell it end."""
    end = bounds.figure.end
    more = _MORE.match(text, end)
    after, after_end = phrases.after(text, more.end() if more else end)
    turned = _TURNED.match(text, end)
    if bounds.direction:
        return bounds.direction, after_end
    if before in {"at_least", "at_most"}:
        return before, after_end
    if turned:
        return ("at_least" if turned[1] in "≤<" else "at_most"), turned.end()
    return after or ("at_least" if more or bounds.figure.more else ""), after_end


def _is_none(text: str, bounds: _Bounds, *, sure: bool) -> bool:
    """Whether a figure is a year, a price, or a mere number."""
    figure = bounds.figure
    if _MONEY.match(text, figure.end):
        return True
    if figure.unit is None:
        return not sure or (bounds.direction == "between" and _is_year(bounds.value))
    return figure.spelled == "年" and _is_year(bounds.value)


def _is_year(value: float) -> bool:
    return value.is_integer() and int(value) in _YEARS


def _bounds(text: str, number: re.Match[str]) -> _Bounds | None:
    """What stands at a number: a figure, a range of two, one with a tolerance, or a tolerance alone."""
    figure = _figure(text, number)
    if figure is None:
        return None
    if number["sign"] == "±":
        return _Bounds("at_most", abs(figure.size), None, figure)
    return _range(text, number.start(), figure) or _tolerance(text, figure) or _Bounds("", figure.size, None, figure)


def _figure(text: str, number: re.Match[str]) -> _Figure | None:
    value = _value(number)
    if value is None:
        return None
    end = number.end()
    # First the unit, for 千克 is one and no thousand of something.
    if found_unit := _unit(text, end):
        return _Figure(value, 1.0, *found_unit)
    scaled = _SCALE.match(text, end)
    scale = (multiplied(scaled[1]) if scaled[1] else _ENGLISH[scaled[2]]) if scaled else 1.0
    end = scaled.end() if scaled else end
    # In 100余次 and 100+ cycles the unit comes after the sign.
    more = _MORE.match(text, end)
    end = more.end() if more else end
    found_unit = _unit(text, end) if scaled or more else None
    spelled, unit, end = found_unit or ("", None, end)
    return _Figure(value, scale, spelled, unit, end, bool(more))


def _value(number: re.Match[str]) -> float | None:
    whole = number["whole"].replace(",", "")
    if len(whole) > _MOST_DIGITS or (number["power"] and whole != "10"):
        return None
    ten = number["ten"] or number["e"] or "0"
    if number["power"]:
        whole, ten = "1", number["power"]
    sign = "-" if number["sign"] == "-" else ""
    return float(f"{sign}{whole}{(number['rest'] or '')[: 2 * _MOST_DIGITS]}e{ten}")


def _unit(text: str, start: int) -> tuple[str, Unit, int] | None:
    """The unit that stands here, perhaps after a space: how it is spelled, what it is, where it ends."""
    start += text.startswith(" ", start)
    reading = read(text, start)
    if reading is None:
        return None
    spelled = text[start : reading.end]
    if not reading.compound and (spelled in _NOT_ALONE or _is_word(text, spelled, reading.end)):
        return None
    return spelled, reading.unit, reading.end


def _is_word(text: str, spelled: str, end: int) -> bool:
    """Whether a single character begins a longer word: 升 does in 升级."""
    following = text[end : end + 1]
    return spelled in _BEGINS_WORDS and following >= "\u3400" and following not in _MAY_FOLLOW


def _range(text: str, start: int, first: _Figure) -> _Bounds | None:
    """Two figures as one range; the unit may stand at the second only, and so may the scale."""
    joint = _RANGE.match(text, first.end)
    number = _NEXT.match(text, joint.end()) if joint else None
    second = _figure(text, number) if number else None
    if joint is None or second is None:
        return None
    if joint[1] and second.unit is None:
        return None  # 10-20 alone may be a date, a page, a number of a house
    if joint[3] and phrases.before(text[max(0, start - _LEFT) : start][::-1])[0] != "between":
        return None
    ends = _ends(first, second)
    return ends and _Bounds("between", min(ends), max(ends), second)


def _ends(first: _Figure, second: _Figure) -> tuple[float, float] | None:
    if first.unit and second.unit:
        low = convert(first.size, first.unit, second.unit)
        return None if low is None else (low, second.size)
    if first.unit:
        return None
    shared = second.scale if first.scale == 1 and first.value <= second.value else first.scale
    return first.value * shared, second.size


def _tolerance(text: str, middle: _Figure) -> _Bounds | None:
    sign = _TOLERANCE.match(text, middle.end)
    number = _NEXT.match(text, sign.end()) if sign else None
    by = _figure(text, number) if number else None
    if by is None:
        return None
    unit = middle.unit or by.unit
    width = abs(by.size)
    if middle.unit and by.unit and by.unit.is_share and not middle.unit.is_share:
        width *= abs(middle.size)
        width *= by.unit.factor
    figure = by._replace(unit=unit, spelled=middle.spelled or by.spelled)
    return _Bounds("between", middle.size - width, middle.size + width, figure)


_WRITTEN = {
    "zh": {"at_least": "{}不低于{}", "at_most": "{}不超过{}", "between": "{}为{}至{}", "exactly": "{}={}"},
    "en": {
        "at_least": "{} of at least {}",
        "at_most": "{} of at most {}",
        "between": "{} between {} and {}",
        "exactly": "{} = {}",
    },
}


def written(quantity: Quantity, language: str) -> str:
    """The quantity in words that parse reads again."""
    ends = [quantity.value] if quantity.value_to is None else [quantity.value, quantity.value_to]
    phrase = _WRITTEN[language][quantity.direction].format(quantity.name, *map(repr, ends))
    return f"{phrase} {quantity.unit}".strip()
