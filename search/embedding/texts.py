"""Makes any string a text that every embedder can read."""

from __future__ import annotations

import re

NOTHING = "."  # stands for a text without anything to read: servers refuse empty ones, or give no vector

_UNREADABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""Control characters, of which a NUL ends a text for C, and surrogates, which UTF-8 cannot hold."""


def readable(text: str, longest: int) -> str:
    """The first `longest` characters, with single spaces for white space and what cannot be read; never empty."""
    return " ".join(_UNREADABLE.sub(" ", text[:longest]).split()) or NOTHING
