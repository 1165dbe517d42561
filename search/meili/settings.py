"""The settings of each index on the server, declared once from its IndexSpec, and how they differ from what is."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any

from search import thesaurus
from search.indexes import IndexSpec, fingerprint
from search.meili.documents import EMBEDDER, GRAMS, ID, LATIN, LAYOUT, TERMS, searched

Settings = dict[str, Any]
"""As the server's settings route takes and gives them."""

MOST_FACETS = 100
DEEPEST_HIT = 100_000_000  # totals are clipped here: far beyond what one server holds, so they are exact

# A sort decides before anything else; equals are ordered by id, greatest first, as in every engine.
RANKING = ["sort", "words", "typo", "proximity", "attributeRank", "wordPosition", "exactness", f"{ID}:desc"]

_MAPS = ("synonyms", "embedders", "sortFacetValuesBy")  # whose keys are data: one too many is a difference
_BY_VALUE = {"facetSearch": False, "filter": {"equality": True, "comparison": False}}
_BY_RANGE = {"facetSearch": False, "filter": {"equality": True, "comparison": True}}


def uid(prefix: str, spec: IndexSpec) -> str:
    """`<prefix><index>_<fingerprint>`: a new declaration or analyser fills an index of its own, and those who still
    run the older code go on reading the older one."""
    return f"{prefix}{spec.name}_{fingerprint(spec, salt=f'meili {LAYOUT}')}"


def declared(spec: IndexSpec) -> Settings:
    """What an index of this declaration is set to."""
    texts = [field.name for field in sorted(spec.text, key=lambda field: -field.weight)]
    return {
        "searchableAttributes": [*texts, GRAMS, LATIN],
        "displayedAttributes": ["*"],
        "filterableAttributes": [
            {"attributePatterns": [ID, TERMS, *spec.keywords], "features": _BY_VALUE},
            {"attributePatterns": [*spec.numbers], "features": _BY_RANGE},
        ],
        "sortableAttributes": sorted([ID, *spec.sorts]),
        "rankingRules": RANKING,
        # Every word of a question counts; what a typing error may change is only looked for where nothing else
        # is found, in a field of its own: numbers, codes and Chinese have none.
        "typoTolerance": {
            "enabled": True,
            "disableOnAttributes": sorted([*texts, GRAMS]),
            "disableOnWords": [],
            "disableOnNumbers": True,
            "minWordSizeForTypos": {"oneTypo": 4, "twoTypos": 8},
        },
        "faceting": {"maxValuesPerFacet": MOST_FACETS, "sortFacetValuesBy": {"*": "count"}},
        "pagination": {"maxTotalHits": DEEPEST_HIT},
        "distinctAttribute": None,
        "stopWords": [],
        "separatorTokens": [],
        "nonSeparatorTokens": [],
        "localizedAttributes": localized(spec),
        # Domain words are kept whole where a question is read: the server takes its dictionary up anew for each
        # request, which costs more than most searches do.
        "dictionary": [],
        "synonyms": synonyms(),
        "proximityPrecision": "byWord",
        "prefixSearch": "indexingTime",
        "facetSearch": False,
        "searchCutoffMs": None,
        "embedders": _embedders(spec),
    }


def localized(spec: IndexSpec, *, only: Collection[str] | None = None) -> list[dict[str, Any]]:
    """Which fields are Chinese and which English: a short Chinese text would be taken for Japanese else.

    `only` names the fields of an index that holds no others.
    """
    fields = [field for field in spec.text if only is None or field.name in only]
    chinese = [field.name for field in fields if field.language != "en"]
    english = [field.name for field in fields if field.language == "en"]
    extra = ([GRAMS], [LATIN]) if only is None else ([], [])
    return [
        {"attributePatterns": [*chinese, *extra[0]], "locales": ["cmn"]},
        {"attributePatterns": [*english, *extra[1]], "locales": ["eng"]},
    ]


@lru_cache(maxsize=1)
def synonyms() -> dict[str, list[str]]:
    """Abbreviations and full names, Chinese and English, each to the others, in the form that texts are searched."""
    return {searched(term): [searched(one) for one in others] for term, others in thesaurus.synonyms().items()}


def _embedders(spec: IndexSpec) -> Mapping[str, Any]:
    if not spec.dimensions:
        return {}
    return {EMBEDDER: {"source": "userProvided", "dimensions": spec.dimensions}}


def differences(wanted: Settings, present: Settings) -> Settings:
    """The part of the wanted settings that the index does not have, as the server must be told it."""
    changes = {name: value for name, value in wanted.items() if not _same(name, value, present.get(name))}
    if "embedders" in changes:
        # The server keeps an embedder that it is not told to forget.
        changes["embedders"] = dict.fromkeys(present.get("embedders") or {}) | dict(wanted["embedders"])
    return changes


def _same(name: str, wanted: Any, present: Any) -> bool:
    """Equal, as far as the wanted one says: the server adds options of its own, and leaves out what is empty."""
    if not wanted and wanted is not False:
        return not present and present is not False
    if isinstance(wanted, dict):
        return (
            isinstance(present, dict)
            and not (name in _MAPS and set(present) - set(wanted))
            and all(_same(key, value, present.get(key)) for key, value in wanted.items())
        )
    if isinstance(wanted, list):
        return (
            isinstance(present, list)
            and len(wanted) == len(present)
            and all(_same(name, *pair) for pair in zip(wanted, present, strict=True))
        )
    return bool(wanted == present)
