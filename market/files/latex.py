"""LaTeX, as titles and abstracts in bibliographies have it, as plain text. Reads no file and runs nothing."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from functools import lru_cache

from pylatexenc.latex2text import LatexNodes2Text

# It would write pieces of what people sent into the log.
logging.getLogger("pylatexenc").setLevel(logging.CRITICAL + 1)

LONGEST_PIECE = 2000  # characters; a formula of more is not decoded, only freed of braces
_LONGEST_COMMAND = 40
_LATEX = LatexNodes2Text(math_mode="text")
_MARKS = re.compile(r"[\\$~]|--|``|''")
# Where pieces may be parted, and what keeps them together.
_STEP = re.compile(r"\\.|[{}$]|\s+", re.DOTALL)
# A command without braces takes what follows: S\o rensen, \v c.
_TAKES_MORE = re.compile(r"\\(?:[A-Za-z]+|[^A-Za-z\\{}$%&#_ ])$")
_BARE = re.compile(r"(?<!\\)[%&#]")  # exports forget to escape them


def plain(latex: str) -> str:
    """The text that `latex` shows: accents as characters, commands and braces gone. Never raises."""
    if not _MARKS.search(latex):
        return _unbraced(latex)
    return "".join(_decoded(piece) if _MARKS.search(piece) else _unbraced(piece) for piece in _pieces(latex) if piece)


def _pieces(text: str) -> Iterator[str]:
    """Parts of the text at spaces outside braces and formulas, so that only what needs it is decoded."""
    begin, depth, formula = 0, 0, False
    for step in _STEP.finditer(text):
        found = step.group()
        if found == "{":
            depth += 1
        elif found == "}":
            depth -= depth > 0
        elif found == "$":
            formula = not formula
        elif found.isspace() and not depth and not formula and not _takes_more(text, begin, step.start()):
            yield text[begin : step.start()]
            yield " "
            begin = step.end()
    yield text[begin:]


def _takes_more(text: str, begin: int, end: int) -> bool:
    return _TAKES_MORE.search(text, max(begin, end - _LONGEST_COMMAND), end) is not None


@lru_cache(maxsize=4096)
def _decoded(piece: str) -> str:
    if len(piece) > LONGEST_PIECE:
        return _unbraced(piece)
    try:
        return str(_LATEX.latex_to_text(_BARE.sub(r"\\\g<0>", piece)))
    except Exception:  # whatever it makes of what is no LaTeX, too deep for instance
        return _unbraced(piece)


def _unbraced(text: str) -> str:
    return text.replace("{", "").replace("}", "")
