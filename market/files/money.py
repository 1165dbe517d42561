"""Amounts in CNY as people write them: 180万, 1.8 million, ¥1,800,000, 50-80万, 面议. Knows no columns."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from typing import Final

NEGOTIABLE: Final = "negotiable"

_UNITS = {
    "": 1, "元": 1, "千": 1000, "k": 1000, "thousand": 1000, "万": 10**4, "w": 10**4, "百万": 10**6, "m": 10**6,
    "million": 10**6, "mn": 10**6, "千万": 10**7, "亿": 10**8, "billion": 10**9, "bn": 10**9,
}  # fmt: skip
_NEGOTIABLE = {
    "面议", "价格面议", "可面议", "待议", "面谈", "协商", "双方协商", "可议", "议价", "电议", "待定", "negotiable",
    "to be negotiated", "on request",
}  # fmt: skip
_LEAST_DOUBTFUL = 100_000
"""A bare figure from here on is in yuan, whatever its header says: as 万元 it would be a billion."""
_CURRENCY = re.compile("人民币|rmb|cny|yuan|[¥￥]|元整|元")
_AMOUNT = re.compile(r"([0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,15})(\.[0-9]{1,8})? ?([a-z]+|[千万百亿]+)?")


def amount(text: str, *, scale: int = 1) -> int | str | None:
    """Whole yuan, or NEGOTIABLE, or None for anything else. An amount without a unit of its own counts in `scale`, if
    it can: of 5000000 below a header in 万元 one of the two is wrong, and whoever guesses is wrong by 10,000."""
    bare = _bare(text)
    if bare in _NEGOTIABLE:
        return NEGOTIABLE
    found = _AMOUNT.fullmatch(bare)
    if not found or (found[3] or "") not in _UNITS:
        return None
    # 元 says that the figure is in yuan, whatever the header says.
    in_yuan = "元" in text
    factor = _UNITS[found[3]] if found[3] else 1 if in_yuan else scale
    figure = Decimal(found[1].replace(",", "") + (found[2] or ""))
    if not found[3] and factor != 1 and figure >= _LEAST_DOUBTFUL:
        return None
    value = figure * factor
    return int(value) if value == int(value) else None


def budget(text: str, *, scale: int = 1) -> tuple[int | None, int | None] | str | None:
    """From and to: of a range (50-80万, ≤100万, 50万以上), or of one amount, twice the same; NEGOTIABLE; None."""
    bare = _bare(text)
    if bare in _NEGOTIABLE:
        return NEGOTIABLE
    if upper := re.fullmatch("(?:≤|<=?|不超过|至多|小于|低于|少于|up to )(.+)|(.+)(?:以内|以下)", bare):
        highest = _one(upper[1] or upper[2], text, scale)
        return None if highest is None else (None, highest)
    if lower := re.fullmatch("(?:≥|>=?|不低于|至少|大于|高于|超过|at least )(.+)|(.+)(?:以上|起)", bare):
        lowest = _one(lower[1] or lower[2], text, scale)
        return None if lowest is None else (lowest, None)
    ends = re.split(r" ?(?:[~–—至-]| to ) ?", bare)
    if len(ends) == 1:
        one = _one(bare, text, scale)
        return None if one is None else (one, one)
    if len(ends) != 2:
        return None
    # In 50-80万 the unit stands at the end and counts for both.
    unit = re.search("[a-z千万百亿]+$", ends[1])
    first = f"{ends[0]}{unit[0]}" if unit and re.search("[0-9]$", ends[0]) else ends[0]
    lowest, highest = _one(first, text, scale), _one(ends[1], text, scale)
    return None if lowest is None or highest is None else (lowest, highest)


def _one(bare: str, text: str, scale: int) -> int | None:
    found = amount(f"{bare}元" if "元" in text else bare, scale=scale)
    return found if isinstance(found, int) else None


def _bare(text: str) -> str:
    spaced = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(_CURRENCY.sub("", spaced).split())
