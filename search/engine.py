"""The one contract between the service and a search engine: what can be asked, and what comes back.

Holds data shapes and errors only; nothing here knows how any engine works.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, runtime_checkable

DocumentValue = str | int | Sequence[str] | Sequence[float] | None
"""A text or keyword (one, or several), an integer, a vector, or nothing."""

Document = Mapping[str, DocumentValue]
"""A flat mapping with `id` (A-Z a-z 0-9 - _) and `version` (int), and any fields its IndexSpec declares; where that
has dimensions, perhaps a `vector` of so many finite numbers."""


class EngineUnavailable(Exception):
    """The engine cannot answer now. Asking again later may succeed."""


class EngineLocked(EngineUnavailable):
    """Another process holds the right to write; the message says what to do."""


class BadQuery(ValueError):
    """The question itself is wrong: an undeclared field, a value of the wrong kind, an impossible page."""


class Unsupported(Exception):
    """This engine cannot do that at all; the message says which can."""


class BadDocument(ValueError):
    """A document does not fit its index. Names the document's id and the field."""


@dataclass(frozen=True, slots=True)
class AnyOf:
    """The field holds at least one of the values. No values match nothing."""

    field: str
    values: tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Between:
    """The number lies in [low, high]; None leaves a side open. Documents without it never match."""

    field: str
    low: int | None = None
    high: int | None = None


@dataclass(frozen=True, slots=True)
class Not:
    """Documents the inner filter does not match, those without the field included."""

    filter: Filter


Filter = AnyOf | Between | Not


@dataclass(frozen=True, slots=True, kw_only=True)
class Sort:
    """Order by a number. Documents without it come last either way; ties are broken by id, greatest first."""

    field: str
    descending: bool


@dataclass(frozen=True, slots=True)
class WeightedTerm:
    """An analysed term, as `search.text.terms` gives it, and its share of the score (finite, above 0)."""

    text: str
    weight: float


@dataclass(frozen=True, slots=True)
class Query:
    """One question to one index.

    `text` is what a person typed: every word is wanted, the last may be unfinished, Latin words may be
    misspelt, "quoted phrases" must stand as they are. If no document has every word, those with most of them
    are found. Text without any word (only punctuation) finds nothing.
    `terms` match documents that hold any of them.
    With both, both must match; with neither, every document does.
    `vector` orders what the filters and terms leave by how near it is, what has no vector last, in an index that has
    vectors. Beside words, `semantic` is its share of the order, from 0 to 1; totals and facets are then those of
    the documents that have every word, and pages may go on beyond them with neighbours that have not.
    All `filters` must hold; `id` may be filtered like a keyword.
    Without a sort, the best come first; where there is nothing to rank by, the greatest id.
    `facets` count values over everything found, not over the page. `highlight` names text fields to mark.
    """

    text: str = ""
    terms: tuple[WeightedTerm, ...] = ()
    vector: tuple[float, ...] = ()
    semantic: float = 0.5
    filters: tuple[Filter, ...] = ()
    facets: tuple[str, ...] = ()
    sort: Sort | None = None
    offset: int = 0
    limit: int = 20
    highlight: tuple[str, ...] = ()


Mark = tuple[int, int]
"""Start and end (exclusive) of a found word, in characters of its fragment."""


@dataclass(frozen=True, slots=True)
class Highlight:
    """A passage of the original text of a field, with the words found in it. Never HTML."""

    field: str
    fragment: str
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class Hit:
    """A found document. `score` is above 0 when ordered by relevance, and 0 when a sort orders the page."""

    id: str
    version: int
    score: float
    highlights: tuple[Highlight, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """A slice of what was found. `total` is exact; `facets` hold at most 100 values each, commonest first."""

    hits: tuple[Hit, ...]
    total: int
    facets: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """An original title, name or keyword that completes what is being typed, and a document that holds it."""

    text: str
    field: str
    id: str


@dataclass(frozen=True, slots=True)
class Frequencies:
    """How many documents there are, and how many hold each term. One lately replaced may count twice."""

    total: int
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class BrowserKey:
    """What a browser needs to ask the engine itself: where, with which token, and under which name each index is."""

    url: str
    token: str
    indexes: Mapping[str, str]
    expires_at: datetime


@runtime_checkable
class Engine(Protocol):
    """What every engine does, with the names of `search.indexes.INDEXES`. Safe to call from many threads.

    Any method may raise EngineUnavailable; an unknown index name raises BadQuery.
    """

    def put(self, index: str, documents: Iterable[Document]) -> None:
        """Insert or replace by id, and return once they can be found. All or nothing; may be repeated.

        Raises BadDocument before anything is written.
        """

    def delete(self, index: str, ids: Iterable[str]) -> None:
        """Remove, and return once they can no longer be found. Unknown ids are no error; may be repeated."""

    def search(self, index: str, query: Query) -> Page:
        """Answer one query. Raises BadQuery, whatever the values, and nothing else."""

    def suggest(
        self, index: str, text: str, *, filters: tuple[Filter, ...] = (), limit: int = 10
    ) -> tuple[Suggestion, ...]:
        """Complete what is being typed, from documents that pass the filters; distinct texts, best first."""

    def count(self, index: str) -> int:
        """The number of documents that can be found."""

    def versions(self, index: str) -> Iterator[tuple[str, int]]:
        """Every (id, version), in order of id, read piece by piece: memory does not grow with the index."""

    def rebuild(self, index: str, documents: Iterable[Document]) -> int:
        """Replace the whole content in one atomic step and return its size; readers see the old until then.

        If the iterable or a document fails, the error is passed on and the old content stays.
        """

    def frequencies(self, index: str, terms: Iterable[str]) -> Frequencies:
        """In how many documents each analysed term stands, in any text field; some minutes ago, perhaps."""

    def ready(self) -> None:
        """Raise EngineUnavailable unless every index can be searched."""

    def sync(self, *, apply: bool) -> Mapping[str, Sequence[str]]:
        """What each index differs in from its declaration, made equal where `apply` says so. Indexes that are as
        declared are not named; may be repeated."""

    def browser_key(self, filters: tuple[Filter, ...], *, expires_at: datetime) -> BrowserKey:
        """A key for the public fields of those documents that pass the filters, and for nothing else.

        Raises Unsupported.
        """

    def close(self) -> None:
        """Release files and locks. May be repeated; no other method may follow."""
