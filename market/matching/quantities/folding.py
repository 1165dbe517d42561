"""One spelling for the many of signs and symbols in figures and units; unlike in search, case stays."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from functools import lru_cache

from search.text import normalise

HAN = "\u3400-\u4dbf\u4e00-\u9fff"

_SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻"
_LOWER = str.maketrans(_SUPERSCRIPTS, "0123456789+-")
_SPACES = re.compile(r"[ \t]{2,}|\t")
# Each line: the plain sign, then those that mean the same.
_SIGNS = """
-−‐‑–—‒―﹣－
~〜∼∽˜～
·•⋅∙・‧●
×✕╳
*∗
≥≧⩾≮
≤≦⩽≯
>﹥＞
<﹤＜
°º˚
/∕⁄
"""
_SCRIPTS = (range(0xA0, 0x3400), range(0x4E00, 0xA000), range(0xF900, 0xFB00), range(0xFE30, 0xFFF0))
"""Where characters stand that have a plainer form: the others are left as they are, for a quick start."""


@lru_cache(maxsize=1)
def _table() -> Mapping[str, str]:
    every = "".join(chr(code) for codes in _SCRIPTS for code in codes)
    # NFKC alone keeps traditional characters, search's form alone lowers case: Han takes the one, the rest the other.
    plain = {
        one: other if "\u4e00" <= one <= "\u9fff" else unicodedata.normalize("NFKC", one)
        for one, other in zip(every, normalise(every), strict=True)
    }
    plain |= {sign: line[0] for line in _SIGNS.split() for sign in line[1:]}
    # ½ would put its 1 behind the digits before it.
    return {one: other for one, other in plain.items() if one != other and "⁄" not in other}


@lru_cache(maxsize=1)
def _folding() -> Callable[[str], str]:
    table = _table()
    odd = "".join(map(re.escape, table.keys() - set(_SUPERSCRIPTS)))
    pattern = re.compile(f"[{_SUPERSCRIPTS}]+|[{odd}]")

    def plain(match: re.Match[str]) -> str:
        found = match[0]
        return f"^{found.translate(_LOWER)}" if found[0] in _SUPERSCRIPTS else table[found]

    return lambda text: pattern.sub(plain, text)


def fold(text: str) -> str:
    """The text in compatible forms, simplified, powers written ^2, signs of one meaning alike."""
    if not text.isascii():
        text = _folding()(text)
    return _SPACES.sub(" ", text) if "  " in text or "\t" in text else text
