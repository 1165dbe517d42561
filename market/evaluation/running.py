"""Loads a labelled set into a database and index of its own, and ranks it by the code that serves users."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from sqlmodel import col, select

from market import schema
from market.evaluation.listing import Owners, listing_of, owners, words_of
from market.evaluation.sets import LabelledSet, Record
from market.models import LISTINGS, Listing
from market.runtime import Runtime
from market.services.matching import pairing, scoring, signing
from market.services.matching.pairing import Finder
from market.services.rights.access import VISITOR
from market.services.search import indexing

DEPTH = 100
_AT_ONCE = 200

Progress = Callable[[str, int, int], None]
"""Told what is done, how much of it, of how much."""

Ids = dict[str, uuid.UUID]


@dataclass(frozen=True, slots=True)
class Speed:
    """Seconds: to sign and index, to make vectors, and to rank; with how many listings and queries those were."""

    listings: int
    queries: int
    indexing: float
    embedding: float
    ranking: float


def run(runtime: Runtime, labelled: LabelledSet, out: Path, progress: Progress) -> Speed:
    """Rank the set and write the run: `query, document, score` a line; ten files of an expertise task.

    `runtime` has an empty database and may write its index.
    """
    schema.migrate(runtime.db)
    of = load(runtime, labelled, progress)
    clock = time.perf_counter
    began = clock()
    embedding = prepare(runtime, progress)
    indexed = clock()
    with runtime.db.reading() as session:
        finder = runtime.finder(session)
        ranked = {"pool": _pool, "retrieval": _retrieval, "expertise": _expertise}[labelled.task]
        for path, lines in ranked(runtime, finder, labelled, of, out):
            _write(path, lines, progress)
    ids = sum(len(one) for one in of.documents) + len(of.queries)
    return Speed(ids, len(labelled.queries), indexed - began - embedding, embedding, clock() - indexed)


@dataclass(frozen=True, slots=True)
class Loaded:
    """Which listing each query and document became; documents once for each sample of works."""

    queries: Ids
    documents: list[Ids]


Line = tuple[str, str, float]
Ranked = Iterator[tuple[Path, Iterator[Line]]]


def load(runtime: Runtime, labelled: LabelledSet, progress: Progress) -> Loaded:
    with runtime.db.writing() as session:
        both = owners(session, now=runtime.clock())
    stored = labelled.query_kind in LISTINGS
    queries = _store(runtime, labelled.query_kind, labelled.queries, both, progress) if stored else {}
    samples = labelled.samples or [{}]
    documents = [
        _store(
            runtime,
            labelled.document_kind,
            [{**one, "works": sample.get(one["id"], ())} for one in labelled.documents],
            both,
            progress,
        )
        for sample in samples
    ]
    return Loaded(queries, documents)


def _store(runtime: Runtime, kind: str, records: Sequence[Record], both: Owners, progress: Progress) -> Ids:
    ids: Ids = {}
    waiting = iter(records)
    while batch := list(islice(waiting, _AT_ONCE)):
        with runtime.db.writing() as session:
            for record in batch:
                listing = listing_of(kind, record, both, now=runtime.clock())
                ids[record["id"]] = listing.id
                session.add(listing)
        progress(f"store {kind}s", len(ids), len(records))
    return ids


def prepare(runtime: Runtime, progress: Progress) -> float:
    """Sign, count, embed and index everything. Gives the seconds that vectors took."""
    embedding = 0.0
    for noun in LISTINGS:
        with runtime.db.reading() as session:
            total = indexing.how_many(session, noun)
        for done, batch in _batches(runtime, noun):
            with runtime.db.reading() as session:
                listings = session.exec(select(LISTINGS[noun]).where(col(LISTINGS[noun].id).in_(batch))).all()
                _sign(runtime, listings)
            if runtime.embedder is not None:
                began = time.perf_counter()
                for few in range(0, len(listings), 20):
                    with runtime.db.reading() as session:
                        made = signing.embed(session, runtime.embedder, listings[few : few + 20])
                    with runtime.db.writing() as session:
                        signing.keep_vectors(session, made)
                    progress(f"embed {noun}s", done + few, total)
                embedding += time.perf_counter() - began
            with runtime.db.reading() as session:
                signed = signing.sign_all(session, listings, runtime.scorings.model)
            vectors = {identity: signing.vector_of(one.signature) for identity, one in signed.items()}
            indexing.write(runtime.engine, indexing.documents(listings, vector=vectors.__getitem__), [])
            progress(f"index {noun}s", done + len(batch), total)
    with runtime.db.reading() as session:
        census = scoring.take_census(session, runtime.scorings.model, now=runtime.clock())
    with runtime.db.writing() as session:
        scoring.keep_census(session, census)
    return embedding


def _sign(runtime: Runtime, listings: Sequence[Listing]) -> None:
    with runtime.db.writing() as session:
        signed = signing.sign_all(session, listings, runtime.scorings.model)
        signing.keep(session, [signing.row_of(one, signed[one.id].signature) for one in listings], [])


def _batches(runtime: Runtime, noun: str) -> Iterator[tuple[int, list[uuid.UUID]]]:
    model = LISTINGS[noun]
    with runtime.db.reading() as session:
        ids = list(session.exec(select(model.id).order_by(col(model.id))))
    for start in range(0, len(ids), _AT_ONCE):
        yield start, ids[start : start + _AT_ONCE]


def _pool(_: Runtime, finder: Finder, labelled: LabelledSet, of: Loaded, out: Path) -> Ranked:
    def lines() -> Iterator[Line]:
        names = {identity: name for name, identity in of.documents[0].items()}
        for query, documents in labelled.pools.items():
            offers = [of.documents[0][document] for document in documents]
            for pair in finder.scores(of.queries[query], labelled.document_kind, offers):
                yield query, names[pair.offer_id], pair.score.odds

    yield out, lines()


def _retrieval(runtime: Runtime, finder: Finder, labelled: LabelledSet, of: Loaded, out: Path) -> Ranked:
    names = {identity: name for name, identity in of.documents[0].items()}

    def lines() -> Iterator[Line]:
        for query in labelled.queries:
            signature = finder.signature(of.queries[query["id"]]) if query["id"] in of.queries else None
            if signature is not None:
                found = finder.pairs_of_text(signature, labelled.document_kind, most=DEPTH)
            else:
                asked = {"text": words_of(query), "kind": labelled.document_kind, "limit": DEPTH}
                found = [pair for pair, _ in pairing.of_text(finder, runtime.embedder, VISITOR, asked)]
            for pair in found:
                yield query["id"], names[pair.offer_id], pair.score.odds

    yield out, lines()


def _expertise(_: Runtime, finder: Finder, labelled: LabelledSet, of: Loaded, out: Path) -> Ranked:
    def lines(ids: Ids) -> Iterator[Line]:
        for expert, papers in labelled.pools.items():
            for paper in papers:
                for pair in finder.scores(of.queries[paper], "expert", [ids[expert]]):
                    yield expert, paper, pair.score.odds

    stem = out.with_suffix("") if out.suffix == ".tsv" else out
    for number, ids in enumerate(of.documents, start=1):
        yield stem.with_name(f"{stem.name}.{number}.tsv"), lines(ids)


def _write(path: Path, lines: Iterable[Line], progress: Progress) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as file:
        for number, (query, document, score) in enumerate(lines, start=1):
            file.write(f"{query}\t{document}\t{score:.6f}\n")
            if number % 1000 == 0:
                progress(f"write {path.name}", number, 0)
