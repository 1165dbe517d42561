"""Several values in one cell: where they part, and the backslash that keeps a separator. Knows no columns."""

from __future__ import annotations

import re
from collections.abc import Iterable

# These part a list wherever they stand; commas do so only where none of these is there.
STRONG, COMMAS, LINES, ENDS, SLASHES = "\n;；、|｜", ",，", "\n", "\n;；", "/／"
BARS = "|｜"

_PIECES = {
    separators: re.compile(rf"(?:\\.|[^{re.escape(separators)}])+", re.DOTALL)
    for separators in (STRONG, COMMAS, LINES, ENDS, SLASHES, BARS)
}
_SEPARATORS = {separators: re.compile(f"[{re.escape(separators)}]") for separators in _PIECES}
_KEPT = re.compile(r"\\([\\\n;；、|｜,，:：≥≤⩾⩽=＝><~～–—0-9.+不介至-])")
_ESCAPED = re.compile(r"\\.", re.DOTALL)
_LONGEST_NOTHING = 12
_NOTHING = re.compile(r"\s*(?:无|暂无|没有|未填|不详|none|nil|n/?a|[-–—－/／\\]{1,3})\s*", re.IGNORECASE)


def is_nothing(text: str) -> bool:
    """Whether a person wrote that there is nothing to write: 无, 暂无, -, N/A."""
    return len(text) < _LONGEST_NOTHING and _NOTHING.fullmatch(text) is not None


def pieces(text: str, separators: str) -> list[str]:
    """What stands between separators, trimmed, without empty pieces, with its backslashes."""
    found = _PIECES[separators].findall(text) if "\\" in text else _SEPARATORS[separators].split(text)
    return [piece for piece in map(str.strip, found) if piece]


def plain(piece: str) -> str:
    """A piece without the backslashes before separators."""
    return _KEPT.sub(r"\1", piece) if "\\" in piece else piece


def kept(text: str, separators: str) -> str:
    """A text whose separators do not part it; `plain` gives it back."""
    return re.sub(rf"([\\{re.escape(separators)}])", r"\\\1", text)


def words(text: str) -> list[str]:
    """The words of a cell, parted by semicolons, lines, 、 or bars, or else by commas."""
    found = pieces(text, STRONG)
    if len(found) == 1 and not set(_ESCAPED.sub("", text.strip())) & set(STRONG):
        found = pieces(text, COMMAS)
    return [plain(piece) for piece in found]


def written(values: Iterable[str]) -> str:
    """Words as a cell, which `words` reads as the same."""
    found = [kept(value, STRONG) for value in values]
    if len(found) == 1:
        return f"{found[0]};" if set(found[0]) & set(COMMAS) or is_nothing(found[0]) else found[0]
    return "; ".join(found)
