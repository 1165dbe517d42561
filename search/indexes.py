"""What each index searches, filters, sorts and facets, declared once for every engine.

Weights are relative: 1 is running text. Hierarchical codes arrive with their ancestors:
exact match suffices.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from search.text import ANALYSER_VERSION

Language = Literal["zh", "en", "any"]


@dataclass(frozen=True, slots=True)
class TextField:
    """A searchable text, one or several values. `suggest` offers its values while a person types."""

    name: str
    weight: float
    language: Language
    suggest: bool = False


@dataclass(frozen=True)
class IndexSpec:
    """The fields of one index. Keywords are exact strings, of which a document may have several; numbers are
    single integers.

    Every keyword can be counted as a facet, but those in `uncounted`; so can the numbers in `counted`. Every
    number can be sorted by.
    """

    name: str
    text: tuple[TextField, ...]
    keywords: tuple[str, ...]
    numbers: tuple[str, ...]
    public: tuple[str, ...] = ()  # what a browser may be given of a document it may see
    counted: tuple[str, ...] = ()
    uncounted: tuple[str, ...] = ("readers",)  # who may see a document is nobody's statistics
    dimensions: int = 0  # of the dense vector a document may have; 0: none has one
    model: str = ""  # what made the vectors: those of another would not be comparable

    @cached_property
    def facets(self) -> tuple[str, ...]:
        return (*(name for name in self.keywords if name not in self.uncounted), *self.counted)

    @property
    def sorts(self) -> tuple[str, ...]:
        return self.numbers

    @cached_property
    def text_names(self) -> frozenset[str]:
        return frozenset(field.name for field in self.text)

    @cached_property
    def keyword_names(self) -> frozenset[str]:
        return frozenset(self.keywords)

    @cached_property
    def number_names(self) -> frozenset[str]:
        return frozenset(self.numbers)


def fingerprint(spec: IndexSpec, *, salt: str = "") -> str:
    """Twelve hex digits that change when an index must be filled afresh: with spec, analyser or salt."""
    parts = (
        spec.name,
        spec.text,
        spec.keywords,
        spec.numbers,
        spec.facets,
        spec.sorts,
        spec.dimensions,
        spec.model,
        ANALYSER_VERSION,
        salt,
    )
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:12]


OUTCOMES = IndexSpec(
    name="outcomes",
    text=(
        TextField("title_zh", 3, "zh", suggest=True),
        TextField("title_en", 3, "en", suggest=True),
        TextField("keywords_text", 2, "any", suggest=True),
        TextField("summary_zh", 1, "zh"),
        TextField("summary_en", 1, "en"),
        TextField("description_zh", 1, "zh"),
        TextField("description_en", 1, "en"),
        TextField("advantages_zh", 1, "zh"),
        TextField("advantages_en", 1, "en"),
        TextField("people", 1, "any"),
        TextField("organisation_name", 1, "any"),
    ),
    keywords=(
        "field",
        "disciplines",
        "industries",
        "region",
        "kind",
        "category",
        "funding_source",
        "ip_status",
        "ip_kinds",
        "ipc",
        "cooperation_modes",
        "organisation",
        "readers",
        "state",
    ),
    numbers=("trl", "price", "published_at", "valid_until", "updated_at"),
    public=(
        "title_zh",
        "title_en",
        "keywords_text",
        "summary_zh",
        "summary_en",
        "organisation_name",
        "field",
        "disciplines",
        "industries",
        "region",
        "kind",
        "ip_status",
        "cooperation_modes",
        "trl",
        "published_at",
    ),
    counted=("trl",),
)

EXPERTS = IndexSpec(
    name="experts",
    text=(
        TextField("name_zh", 3, "zh", suggest=True),
        TextField("name_en", 3, "en", suggest=True),
        TextField("keywords_text", 2, "any", suggest=True),
        TextField("directions_zh", 2, "zh"),
        TextField("directions_en", 2, "en"),
        TextField("biography_zh", 1, "zh"),
        TextField("biography_en", 1, "en"),
        TextField("works", 1, "any"),
        TextField("position", 1, "any"),
        TextField("organisation_name", 1, "any"),
    ),
    keywords=(
        "field",
        "disciplines",
        "regions_served",
        "cooperation",
        "professional_title",
        "degree",
        "availability",
        "organisation",
        "readers",
        "state",
    ),
    numbers=("published_at", "valid_until", "updated_at", "works_count"),
    public=(
        "name_zh",
        "name_en",
        "keywords_text",
        "directions_zh",
        "directions_en",
        "organisation_name",
        "field",
        "disciplines",
        "regions_served",
        "professional_title",
        "published_at",
    ),
)

DEMANDS = IndexSpec(
    name="demands",
    text=(
        TextField("title_zh", 3, "zh", suggest=True),
        TextField("title_en", 3, "en", suggest=True),
        TextField("keywords_text", 2, "any", suggest=True),
        TextField("problem_zh", 1, "zh"),
        TextField("problem_en", 1, "en"),
        TextField("background_zh", 1, "zh"),
        TextField("background_en", 1, "en"),
        TextField("organisation_name", 1, "any"),
    ),
    keywords=(
        "field",
        "disciplines",
        "industries",
        "ipc",
        "region",
        "region_rule",
        "cooperation_modes",
        "organisation",
        "readers",
        "state",
        "progress",
    ),
    numbers=(
        "trl_from",
        "trl_to",
        "budget_from",
        "budget_to",
        "reward",
        "published_at",
        "deadline",
        "updated_at",
    ),
    public=(
        "title_zh",
        "title_en",
        "keywords_text",
        "organisation_name",
        "field",
        "disciplines",
        "industries",
        "region",
        "cooperation_modes",
        "progress",
        "published_at",
        "deadline",
    ),
)

INDEXES: Mapping[str, IndexSpec] = {spec.name: spec for spec in (OUTCOMES, EXPERTS, DEMANDS)}


def with_vectors(model: str, dimensions: int) -> Mapping[str, IndexSpec]:
    """The indexes with a dense vector beside each document."""
    return {name: replace(spec, model=model, dimensions=dimensions) for name, spec in INDEXES.items()}
