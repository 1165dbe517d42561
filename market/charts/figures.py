"""What a chart is made of, in words and numbers. Draws nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["bars", "columns", "funnel"]
MOST_LABELS = {"bars": 50, "columns": 60, "funnel": 8}
MOST_SERIES = 6


@dataclass(frozen=True, slots=True)
class Series:
    """Numbers of one thing, one for each of the chart's labels; none below zero. `axis` says what is counted, and in
    which unit."""

    name: str
    axis: str
    values: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart. `axis` names what the labels are, `source` where the numbers come from; `notes` stand beside the
    labels of a funnel; `language` is zh or en; `nothing` is said where there are no labels.

    Raises ValueError for series of other lengths, numbers below zero, and more labels or series than can be read.
    """

    kind: Kind
    title: str
    subtitle: str
    axis: str
    labels: tuple[str, ...]
    series: tuple[Series, ...]
    source: str
    language: str
    nothing: str
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.labels) > MOST_LABELS[self.kind] or not 1 <= len(self.series) <= MOST_SERIES:
            raise ValueError("a chart takes 1 to 6 series, and no more labels than can be read")
        if any(len(one.values) != len(self.labels) or min(one.values, default=0) < 0 for one in self.series):
            raise ValueError("each series has one number from zero on for each label")
        if len(self.notes) not in (0, len(self.labels)):
            raise ValueError("each label has a note, or none has")

    @property
    def description(self) -> str:
        """All of it in words, for whoever cannot see it."""
        parts = [f"{self.title}. {self.subtitle}."]
        for one in self.series:
            told = "; ".join(f"{label}: {value}" for label, value in zip(self.labels, one.values, strict=True))
            parts.append(f"{one.name}: {told or self.nothing}.")
        return " ".join(parts)
