"""What a drawing consists of before it is SVG or PNG: rectangles, polygons and lines of text, in pixels."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from typing import Literal

Anchor = Literal["start", "middle", "end"]

INK, QUIET, GRID, PAPER = "#1f2933", "#5b6673", "#dde2e8", "#ffffff"
# Okabe and Ito's colours, which people with every kind of colour vision tell apart; darkest first.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")

_WIDE, _NARROW, _SLIM = 1.0, 0.64, 0.36  # of wide fonts: room that is left over does no harm
_THIN = frozenset("iljtfrI.,;:'|!()[] ")


@dataclass(frozen=True, slots=True)
class Rectangle:
    """`told` is what a pointer resting on it reads."""

    x: float
    y: float
    width: float
    height: float
    colour: str
    told: str = ""


@dataclass(frozen=True, slots=True)
class Polygon:
    """Filled; its corners in turn."""

    corners: tuple[tuple[float, float], ...]
    colour: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text; `y` is its baseline. `told` is its whole text where it had to be cut."""

    x: float
    y: float
    text: str
    size: int = 13
    colour: str = INK
    anchor: Anchor = "start"
    told: str = ""


Shape = Rectangle | Polygon | Line


@dataclass(slots=True)
class Drawing:
    """Shapes, the first at the bottom, on paper of this many pixels."""

    width: int
    height: int
    language: str
    title: str
    description: str
    shapes: list[Shape] = field(default_factory=list)


def width_of(text: str, size: int) -> float:
    """About how wide a text is: it is drawn in a font that nobody knows yet."""
    wide = sum(unicodedata.east_asian_width(one) in "WF" for one in text)
    thin = sum(one in _THIN for one in text)
    return size * (wide * _WIDE + thin * _SLIM + (len(text) - wide - thin) * _NARROW)


def cut(text: str, size: int, room: float) -> str:
    """The text, or as much of it as there is room for, with an ellipsis."""
    if width_of(text, size) <= room:
        return text
    kept = text
    while kept and width_of(kept, size) + size > room:
        kept = kept[:-1]
    return f"{kept.rstrip()}…"
