"""The engine inside the process: tantivy indexes in a folder, written by one process and read by any.

Owns what is committed and what is seen; how a question is put and a document laid out is in the modules beside.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import tantivy

from search.embedded.files import (
    Shelf,
    create,
    exists,
    failing_as_unavailable,
    give_up,
    lock,
    open_vectors,
    reader,
    refresh,
    roll_back,
)
from search.embedded.nearest import nearest
from search.embedded.paging import Slice, by_id, by_number, by_score, total_of
from search.embedded.queries import Scope, number_range, plan, typing
from search.embedded.results import count_facets, originals, to_hit
from search.embedded.schema import ORDER, VECTOR, WORDS, directory_name, order_of, to_tantivy
from search.embedded.vectors import batches
from search.engine import (
    BrowserKey,
    Document,
    EngineUnavailable,
    Filter,
    Frequencies,
    Page,
    Query,
    Suggestion,
    Unsupported,
)
from search.indexes import INDEXES, IndexSpec
from search.reading import typed_runs
from search.showing import suggestions
from search.text import normalise
from search.validation import LARGEST_PAGE, check_document, check_query, check_range, is_id, spec_of

HEAP = 64_000_000  # bytes of documents a writer holds before it cuts a segment
BATCH = 500  # documents of a rebuild whose vectors are kept at once
VERSIONS_PAGE = 20_000
SUGGESTION_POOL = 5  # documents read for each suggestion asked for: several may hold the same text


class EmbeddedEngine:
    """Implements `search.engine.Engine`. One writable engine a folder; any number that only read, anywhere.

    A read-only engine sees a commit of the writer at its next call. A new spec, analyser or layout opens an
    empty index; whoever writes must fill it again from the database (`versions` tells what is missing).
    After kill -9 the last commit stands. Vectors are held in memory by every process that asks for neighbours.
    """

    def __init__(self, root: Path, *, writable: bool, specs: Mapping[str, IndexSpec] = INDEXES) -> None:
        """Open the folder; a writable engine makes it and removes indexes of older fingerprints.

        Raises EngineLocked if another writable engine holds the folder.
        """
        self._root = root
        self._specs = specs
        self._shelves = {name: Shelf(spec, root / directory_name(spec)) for name, spec in specs.items()}
        self._lock: IO[bytes] | None = lock(root) if writable else None
        if writable:
            self._remove_older()
            try:
                for shelf in self._shelves.values():
                    create(shelf)
            except EngineUnavailable:
                self.close()
                raise

    def put(self, index: str, documents: Iterable[Document]) -> None:
        shelf = self._shelf(index)
        # A dictionary, so that of two with one id the later is kept.
        latest = {str(document.get("id")): document for document in _checked(shelf.spec, documents)}
        if not latest:
            return
        prepared = {name: to_tantivy(shelf.spec, document) for name, document in latest.items()}
        with self._writing(shelf) as writer:
            _replace_vectors(shelf, latest)
            _add_vectors(shelf, latest, prepared)
            for name, document in prepared.items():
                writer.delete_documents_by_term("id", name)
                _add(writer, document)

    def delete(self, index: str, ids: Iterable[str]) -> None:
        shelf = self._shelf(index)
        names = [name for name in ids if is_id(name)]
        if not names:
            return
        with self._writing(shelf) as writer:
            _replace_vectors(shelf, names)
            _add_vectors(shelf, {}, {})  # frees those of the change before
            for name in names:
                writer.delete_documents_by_term("id", name)

    def rebuild(self, index: str, documents: Iterable[Document]) -> int:
        shelf = self._shelf(index)
        seen: set[str] = set()
        with self._writing(shelf) as writer:
            writer.delete_all_documents()
            _begin_vectors(shelf)
            for batch in batches(_checked(shelf.spec, documents), BATCH):
                latest = {str(document["id"]): document for document in batch}
                prepared = {name: to_tantivy(shelf.spec, document) for name, document in latest.items()}
                _replace_vectors(shelf, seen & prepared.keys())
                _add_vectors(shelf, latest, prepared)
                for name, document in prepared.items():
                    if name in seen:
                        writer.delete_documents_by_term("id", name)
                    _add(writer, document)
                seen |= prepared.keys()
        return len(seen)

    def search(self, index: str, query: Query) -> Page:
        shelf = self._shelf(index)
        check_query(shelf.spec, query)
        with failing_as_unavailable():
            return _answer(shelf, query)

    def suggest(
        self, index: str, text: str, *, filters: tuple[Filter, ...] = (), limit: int = 10
    ) -> tuple[Suggestion, ...]:
        shelf = self._shelf(index)
        check_query(shelf.spec, Query(text=text, filters=filters))
        check_range("limit", limit, LARGEST_PAGE)
        searcher, schema = reader(shelf)
        with failing_as_unavailable():
            query = typing(Scope(shelf.spec, schema, searcher), text, filters)
            if query is None or not limit:
                return ()
            pool = searcher.search(query, limit * SUGGESTION_POOL, count=False).hits
            stored = [searcher.doc(place) for _, place in pool]
        texts = ((str(document["id"][0]), originals(document)) for document in stored)
        return suggestions(shelf.spec, texts, typed_runs(text))[:limit]

    def count(self, index: str) -> int:
        return reader(self._shelf(index))[0].num_docs

    def versions(self, index: str) -> Iterator[tuple[str, int]]:
        shelf = self._shelf(index)
        if self._lock is not None and not exists(shelf):
            # Wiped under the one who writes it: made anew, empty, so that what is missing can be told.
            with self._writing(shelf):
                pass
        return _versions(*reader(shelf))

    def frequencies(self, index: str, terms: Iterable[str]) -> Frequencies:
        searcher, _ = reader(self._shelf(index))
        total = searcher.num_docs
        asked = {term: normalise(term) for term in terms}
        counts = {term: min(searcher.doc_freq(WORDS, text), total) for term, text in asked.items()}
        return Frequencies(total, counts)

    def ready(self) -> None:
        for shelf in self._shelves.values():
            reader(shelf)

    def sync(self, *, apply: bool) -> Mapping[str, Sequence[str]]:  # noqa: ARG002  # an index is made as declared
        return {}

    def browser_key(self, filters: tuple[Filter, ...], *, expires_at: datetime) -> BrowserKey:  # noqa: ARG002
        raise Unsupported("a browser cannot ask the embedded engine; a Meilisearch server can be asked")

    def close(self) -> None:
        for shelf in self._shelves.values():
            with shelf.writing:
                give_up(shelf)
            shelf.vectors.close()
        if self._lock:
            self._lock.close()
            self._lock = None

    def _shelf(self, index: str) -> Shelf:
        spec_of(index, self._specs)
        return self._shelves[index]

    @contextmanager
    def _writing(self, shelf: Shelf) -> Iterator[tantivy.IndexWriter]:
        """One thread at a time; what is done inside is committed as a whole, or not at all."""
        if self._lock is None:
            raise EngineUnavailable("this process only reads the search index; the worker writes it")
        with shelf.writing:
            if not exists(shelf):  # wiped from outside: what is open has lost its files
                give_up(shelf)
            index = shelf.index or create(shelf)
            try:
                with failing_as_unavailable():
                    open_vectors(shelf, index)
                    writer = shelf.writer = shelf.writer or index.writer(HEAP, 1)
                yield writer
                with failing_as_unavailable():
                    writer.commit()
            except BaseException:
                roll_back(shelf)
                raise
            refresh(shelf)
            if shelf.kept is not None:
                shelf.kept.settle()

    def _remove_older(self) -> None:
        current = {shelf.path.name for shelf in self._shelves.values()}
        for name in self._shelves:
            for path in self._root.glob(f"{name}-*"):
                if path.name not in current:
                    shutil.rmtree(path, ignore_errors=True)


def _checked(spec: IndexSpec, documents: Iterable[Document]) -> Iterator[Document]:
    for document in documents:
        check_document(spec, document)
        yield document


def _add(writer: tantivy.IndexWriter, document: tantivy.Document) -> None:
    with failing_as_unavailable():
        writer.add_document(document)


def _begin_vectors(shelf: Shelf) -> None:
    if shelf.kept is not None:
        with failing_as_unavailable():
            shelf.kept.begin_generation()


def _replace_vectors(shelf: Shelf, names: Iterable[str]) -> None:
    if shelf.kept is not None:
        with failing_as_unavailable():
            shelf.kept.replace(names)


def _add_vectors(shelf: Shelf, documents: Mapping[str, Document], prepared: Mapping[str, tantivy.Document]) -> None:
    if shelf.kept is None:
        return
    vectors: dict[str, Any] = {name: document.get("vector") for name, document in documents.items()}
    with failing_as_unavailable():
        numbers = shelf.kept.add({name: vector for name, vector in vectors.items() if vector is not None})
    for name, number in numbers.items():
        prepared[name].add_integer(VECTOR, number)


def _answer(shelf: Shelf, query: Query) -> Page:
    searcher, schema = reader(shelf)
    planned = plan(Scope(shelf.spec, schema, searcher), query)
    used = planned.strict
    # A vector without a direction has no neighbours.
    if any(query.vector) and query.sort is None and (planned.around is None or query.semantic):
        found, total = nearest(searcher, schema, shelf.vectors, planned, query)
    else:
        found, total = _page(searcher, schema, used, query, scored=planned.scored)
        if not total and planned.loose is not None:
            used = planned.loose
            found, total = _page(searcher, schema, used, query, scored=planned.scored)
    versions = searcher.fast_field_values("version", [place for _, place in found])
    hits = tuple(
        to_hit(searcher.doc(place), int(version or 0), score, planned.wanted, query.highlight)
        for (score, place), version in zip(found, versions, strict=True)
    )
    return Page(hits, total, count_facets(searcher, used, query.facets))


def _page(
    searcher: tantivy.Searcher, schema: tantivy.Schema, found_by: tantivy.Query, query: Query, *, scored: bool
) -> Slice:
    if not query.limit:
        return [], total_of(searcher, found_by)
    if query.sort is not None:
        return by_number(searcher, schema, found_by, query.sort, offset=query.offset, limit=query.limit)
    if scored:
        return by_score(searcher, found_by, query.offset, query.limit)
    return by_id(searcher, schema, found_by, query.offset, query.limit)


def _versions(searcher: tantivy.Searcher, schema: tantivy.Schema) -> Iterator[tuple[str, int]]:
    low, skip = 0, 0
    while True:
        hits = searcher.search(
            number_range(schema, ORDER, low, None),
            VERSIONS_PAGE,
            count=False,
            offset=skip,
            order_by_field="id",
            order=tantivy.Order.Asc,
        ).hits
        names = [str(name) for name, _ in hits]
        numbers = searcher.fast_field_values("version", [place for _, place in hits])
        yield from zip(names, (int(number or 0) for number in numbers), strict=True)
        if len(hits) < VERSIONS_PAGE:
            return
        # The order of an id is only its beginning: skip those already told that share it with the last one.
        last = order_of(names[-1])
        told = sum(order_of(name) == last for name in names)
        low, skip = last, told + (skip if last == low else 0)
