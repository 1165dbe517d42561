"""Checks documents and queries against their IndexSpec, so that an engine only ever sees values it can hold.

Knows no engine. Raises BadDocument and BadQuery, nothing else.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable, Mapping
from typing import Any

from search.engine import AnyOf, BadDocument, BadQuery, Between, Document, Filter, Not, Query
from search.indexes import INDEXES, IndexSpec

LARGEST_INTEGER = 2**53 - 1
"""Beyond it JSON numbers of different programs are no longer the same (RFC 8259, section 6)."""
LONGEST_KEYWORD = 1_000
LARGEST_PAGE = 1_000
DEEPEST_OFFSET = 100_000
DEEPEST_NOT = 8
MOST_FILTERS = 100

_ID = re.compile(r"[A-Za-z0-9_-]{1,511}\Z")


def spec_of(index: str, specs: Mapping[str, IndexSpec] = INDEXES) -> IndexSpec:
    """The declaration of an index. Raises BadQuery for an unknown name."""
    try:
        return specs[index]
    except (KeyError, TypeError):
        raise BadQuery(f"there is no index {index!r}; there are {', '.join(specs)}") from None


def is_id(value: object) -> bool:
    """Whether a value can name a document: 1 to 511 of A-Z a-z 0-9 - _."""
    return isinstance(value, str) and _ID.match(value) is not None


def check_document(spec: IndexSpec, document: Document) -> None:
    """Raise BadDocument unless every field is declared and of its kind. None and empty lists are absent."""
    name = document.get("id")
    if not is_id(name):
        raise BadDocument(f"{spec.name}: id {name!r} is not 1 to 511 of A-Z a-z 0-9 - _")
    if not _is_integer(document.get("version")):
        raise BadDocument(f"{spec.name} {name}: version is not an integer")
    vector = document.get("vector")
    if vector is not None and not _is_vector(vector, spec.dimensions):
        raise BadDocument(f"{spec.name} {name}: vector is not {spec.dimensions} finite numbers")
    for field, value in document.items():
        if field not in ("id", "version", "vector") and value is not None:
            complaint = _complaint(spec, field, value)
            if complaint:
                raise BadDocument(f"{spec.name} {name}: {field} {complaint}")


def check_query(spec: IndexSpec, query: Query) -> None:
    """Raise BadQuery unless the index can answer, whatever the values are."""
    if not isinstance(query.text, str):
        raise BadQuery("text is not a string")
    for term in query.terms:
        weight: Any = term.weight
        if not isinstance(term.text, str) or not isinstance(weight, int | float):
            raise BadQuery("a term is not a text with a weight")
        if not 0 < weight < math.inf:
            raise BadQuery("the weight of a term is not a finite number above 0")
    if query.vector and not _is_vector(query.vector, spec.dimensions):
        raise BadQuery(f"vector is not {spec.dimensions} finite numbers")
    share: Any = query.semantic
    if not isinstance(share, int | float) or not 0 <= share <= 1:
        raise BadQuery("semantic is not a share from 0 to 1")
    check_filters(spec, query.filters)
    _check_names("facet", query.facets, spec.facets)
    _check_names("highlight", query.highlight, spec.text_names)
    if query.sort is not None:
        _check_names("sort by", (query.sort.field,), spec.sorts)
    check_range("offset", query.offset, DEEPEST_OFFSET)
    check_range("limit", query.limit, LARGEST_PAGE)


def check_filters(spec: IndexSpec, filters: tuple[Filter, ...]) -> None:
    """Raise BadQuery unless each filter is on a declared field, with values of its kind."""
    if len(filters) > MOST_FILTERS:
        raise BadQuery(f"more than {MOST_FILTERS} filters")
    for condition in filters:
        _check_filter(spec, condition, DEEPEST_NOT)


def check_range(name: str, value: object, most: int) -> None:
    """Raise BadQuery unless the value is an integer from 0 to `most`."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
        raise BadQuery(f"{name} is not an integer from 0 to {most}")


def is_encodable(text: str) -> bool:
    """Whether a text has a UTF-8 form: half a surrogate pair has none."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _check_filter(spec: IndexSpec, condition: Filter, depth: int) -> None:
    match condition:
        case Not(inner):
            if not depth:
                raise BadQuery(f"more than {DEEPEST_NOT} filters inside each other")
            _check_filter(spec, inner, depth - 1)
        case AnyOf(field, values):
            _check_values(field, values, _kind_of(spec, field))
        case Between(field, low, high):
            if _kind_of(spec, field) is not _is_integer:
                raise BadQuery(f"{field} is not a number")
            _check_values(field, [v for v in (low, high) if v is not None], _is_integer)
        case _:
            raise BadQuery(f"{type(condition).__name__} is not a filter")


def _kind_of(spec: IndexSpec, field: object) -> Callable[[object], bool]:
    if field == "id" or field in spec.keyword_names:
        return _is_keyword
    if field in spec.number_names:
        return _is_integer
    raise BadQuery(f"{spec.name} cannot be filtered by {field!r}")


def _check_values(field: str, values: Any, is_kind: Callable[[object], bool]) -> None:
    if not isinstance(values, tuple | list) or not all(map(is_kind, values)):
        raise BadQuery(f"a value for {field} is not of its kind")


def _check_names(what: str, names: Any, declared: Any) -> None:
    for name in names:
        if not isinstance(name, str) or name not in declared:
            raise BadQuery(f"cannot {what} {name!r}")


def _complaint(spec: IndexSpec, field: str, value: object) -> str | None:
    if field in spec.number_names:
        return None if _is_integer(value) else "is not an integer between -2^53 and 2^53"
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list | tuple) or not all(isinstance(v, str) for v in values):
        if field in spec.text_names or field in spec.keyword_names:
            return "is not a text or a list of texts"
        return "is not declared"
    if field in spec.keyword_names:
        return None if all(map(_is_keyword, values)) else "has a value that is too long or not text"
    return None if field in spec.text_names else "is not declared"


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and -LARGEST_INTEGER <= value <= LARGEST_INTEGER


def _is_vector(value: Any, dimensions: int) -> bool:
    return (
        isinstance(value, tuple | list)
        and len(value) == dimensions > 0
        and all(isinstance(number, int | float) and abs(number) <= sys.float_info.max for number in value)
    )


def _is_keyword(value: object) -> bool:
    return isinstance(value, str) and len(value) <= LONGEST_KEYWORD and is_encodable(value)
