"""What each part of a pair score weighs. Shipped weights, and those that were learnt."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Weights:
    """The log-odds of a pair of which nothing is known, and each part's weight and centre: a part moves the score
    by weight x (part - centre). `version` 0 is shipped; learnt ones count from 1."""

    bias: float
    parts: Mapping[str, tuple[float, float]]
    version: int = 0

    def most(self, names: Iterable[str]) -> float:
        """The most that these parts can add to the log-odds together."""
        return sum(
            max(weight * (1 - centre), -weight * centre) for weight, centre in (self.parts[name] for name in names)
        )


SHIPPED = Weights(
    bias=-2.2,
    parts=MappingProxyType(
        {
            "texts": (12.0, 0.44),
            "field": (1.4, 0.6),
            "disciplines": (1.2, 0.4),
            "industries": (0.8, 0.4),
            "trl": (1.0, 0.6),
            "budget": (0.8, 0.6),
            "region": (0.6, 0.5),
            "modes": (0.5, 0.5),
            "indicators": (1.6, 0.5),
            "freshness": (0.3, 1.0),
        }
    ),
)
