"""A search engine and an embedder whose calls are timed and whose failures are counted; all else is their own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from time import perf_counter
from typing import ParamSpec, TypeVar

from market import metrics
from search.embedding import BadVectors, Embedder, EmbedderUnavailable, Role
from search.embedding.protocol import Vectors
from search.engine import (
    BadDocument,
    BadQuery,
    BrowserKey,
    Document,
    Engine,
    EngineUnavailable,
    Filter,
    Frequencies,
    Page,
    Query,
    Suggestion,
)

P = ParamSpec("P")
R = TypeVar("R")


class MeasuredEngine:
    """Implements `search.engine.Engine` by asking `inner`, the engine that was chosen."""

    def __init__(self, inner: Engine) -> None:
        self.inner = inner
        self._search = _timed("search", inner.search)
        self._suggest = _timed("suggest", inner.suggest)
        self._frequencies = _timed("frequencies", inner.frequencies)
        self._put = _timed("put", inner.put)
        self._delete = _timed("delete", inner.delete)
        self._count = _timed("count", inner.count)
        self._rebuild = _timed("rebuild", inner.rebuild)
        self._ready = _timed("ready", inner.ready)
        self._sync = _timed("sync", inner.sync)

    def put(self, index: str, documents: Iterable[Document]) -> None:
        self._put(index, documents)

    def delete(self, index: str, ids: Iterable[str]) -> None:
        self._delete(index, ids)

    def search(self, index: str, query: Query) -> Page:
        return self._search(index, query)

    def suggest(
        self, index: str, text: str, *, filters: tuple[Filter, ...] = (), limit: int = 10
    ) -> tuple[Suggestion, ...]:
        return self._suggest(index, text, filters=filters, limit=limit)

    def count(self, index: str) -> int:
        return self._count(index)

    def versions(self, index: str) -> Iterator[tuple[str, int]]:
        return self.inner.versions(index)  # not timed: how long that takes is up to whoever reads it

    def rebuild(self, index: str, documents: Iterable[Document]) -> int:
        return self._rebuild(index, documents)

    def frequencies(self, index: str, terms: Iterable[str]) -> Frequencies:
        return self._frequencies(index, terms)

    def ready(self) -> None:
        self._ready()

    def sync(self, *, apply: bool) -> Mapping[str, Sequence[str]]:
        return self._sync(apply=apply)

    def browser_key(self, filters: tuple[Filter, ...], *, expires_at: datetime) -> BrowserKey:
        return self.inner.browser_key(filters, expires_at=expires_at)  # nothing is asked for it

    def close(self) -> None:
        self.inner.close()


class MeasuredEmbedder:
    """Implements `search.embedding.Embedder` by asking `inner`, and remembers how the last call of this process went.

    `last_error` is empty after a success. It tells nothing of what a server answered, which may repeat the text.
    """

    def __init__(self, inner: Embedder) -> None:
        self.inner = inner
        self.last_error = ""

    @property
    def model(self) -> str:
        return self.inner.model

    @property
    def dimensions(self) -> int:
        return self.inner.dimensions

    def embed(self, texts: Sequence[str], *, role: Role) -> Vectors:
        began = perf_counter()
        try:
            vectors = self.inner.embed(texts, role=role)
        except Exception as error:
            kind, self.last_error = _embedder_error(error)
            metrics.embedder_errors.labels(kind).inc()
            raise
        finally:
            metrics.embedder_seconds.observe(perf_counter() - began)
        self.last_error = ""
        return vectors

    def close(self) -> None:
        self.inner.close()


def _embedder_error(error: Exception) -> tuple[str, str]:
    """The kind that is counted, and what is told of it."""
    if isinstance(error, EmbedderUnavailable):
        return "unavailable", "away, too slow, or it refuses; is MARKET_EMBEDDER right, and the server running?"
    if isinstance(error, BadVectors):
        return (
            "bad_vectors",
            "gives other vectors than were asked for; are MARKET_EMBEDDER_MODEL and its dimensions right?",
        )
    return "other", f"fails: {type(error).__name__}"


def _timed(operation: str, call: Callable[P, R]) -> Callable[P, R]:
    """The call, its time observed whether it succeeds or fails. The metric is looked up once: that costs more
    than to observe."""
    observe = metrics.engine_seconds.labels(operation).observe

    def timed(*args: P.args, **kwargs: P.kwargs) -> R:
        began = perf_counter()
        try:
            return call(*args, **kwargs)
        except Exception as error:
            _count_error(operation, error)
            raise
        finally:
            observe(perf_counter() - began)

    return timed


def _count_error(operation: str, error: Exception) -> None:
    kinds = {EngineUnavailable: "unavailable", BadQuery: "bad_query", BadDocument: "bad_document"}
    kind = next((name for known, name in kinds.items() if isinstance(error, known)), "other")
    metrics.engine_errors.labels(operation, kind).inc()
