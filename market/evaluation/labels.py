"""Judged pairs of a labelled set, to learn weights from. Here the labels are read, which a run never does."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from market import schema
from market.evaluation import running, sets
from market.evaluation.listing import words_of
from market.evaluation.running import DEPTH, Loaded, Progress
from market.evaluation.sets import BadSet, LabelledSet, Record
from market.matching import fitting
from market.matching.fitting import Judged
from market.matching.weights import Weights
from market.runtime import Runtime
from market.services.matching import pairing
from market.services.matching.pairing import Finder, Pair
from market.services.rights.access import VISITOR

Grades = Mapping[str, Mapping[str, float]]
"""By query and document; of an expertise task by expert and paper."""

_SURE, _UNSURE, _UNJUDGED = 1.0, 0.5, 0.25  # what a label counts
_BEST, _FURTHER = 10, 10  # pairs that nobody judged, of each query: the best ones, and some from all below them
_FITS = 2  # the lowest grade of 0 to 3 that fits
_RATINGS = (1, 5)


def judged(runtime: Runtime, folder: Path, present: Weights, progress: Progress) -> list[Judged]:
    """The set's judged pairs, with the features that the code that serves users finds. Raises BadSet.

    `runtime` has an empty database and may write its index. `present` weights rank what nobody judged.
    """
    labelled = sets.read(folder)
    # One sample of an expert's works tells as much as ten, and listings with the same labels are no new evidence.
    labelled = replace(labelled, samples=labelled.samples[:1])
    grades = _grades(folder, labelled.task)
    schema.migrate(runtime.db)
    of = running.load(runtime, labelled, progress)
    running.prepare(runtime, progress)
    with runtime.db.reading() as session:
        scoring = replace(runtime.scorings.current(session), weights=present)
        finder = runtime.finder(session, scoring)
        if labelled.task == "retrieval":
            return [*_of_retrieval(runtime, finder, labelled, of, grades)]
        return [*(_of_pool if labelled.task == "pool" else _of_expertise)(finder, labelled, of, grades)]


def _grades(folder: Path, task: str) -> Grades:
    try:
        if task == "expertise":
            ratings: Grades = json.loads((folder / "ratings.json").read_text(encoding="utf-8"))
            return ratings
        grades: dict[str, dict[str, float]] = {}
        with (folder / "qrels.tsv").open(encoding="utf-8", newline="") as file:
            lines = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
            next(lines)
            for query, document, grade in lines:
                grades.setdefault(query, {})[document] = float(grade)
        return grades
    except FileNotFoundError as error:
        raise BadSet(f"{error.filename} is missing") from error
    except (StopIteration, ValueError) as error:
        raise BadSet(f"{folder}: the labels cannot be read: {error}") from error


def _of_pool(finder: Finder, labelled: LabelledSet, of: Loaded, grades: Grades) -> Iterator[Judged]:
    """Every judged pair. Somebody looked at all of them, so their share of fitting ones is that of pairs shown."""
    graded = _graded(grades)
    names = {identity: name for name, identity in of.documents[0].items()}
    for query, of_query in grades.items():
        offers = [of.documents[0][document] for document in of_query if document in of.documents[0]]
        if query in of.queries:
            for pair in finder.scores(of.queries[query], labelled.document_kind, offers):
                yield _judged(labelled, query, pair, of_query[names[pair.offer_id]], graded=graded, shown=True)


def _of_retrieval(
    runtime: Runtime, finder: Finder, labelled: LabelledSet, of: Loaded, grades: Grades
) -> Iterator[Judged]:
    """Of each query's ranking what was judged, and some of the others as weak negatives.

    Both come from the same ranking, and the others not from its top alone: else weights would learn how the pairs
    were chosen, and hold it against a part that it had chosen them.
    """
    graded = _graded(grades)
    names = {identity: name for name, identity in of.documents[0].items()}
    for query in labelled.queries:
        of_query = grades.get(query["id"], {})
        others: list[Pair] = []
        for pair in _ranked(runtime, finder, labelled, of, query):
            if names[pair.offer_id] in of_query:
                yield _judged(labelled, query["id"], pair, of_query[names[pair.offer_id]], graded=graded)
            else:
                others.append(pair)
        for pair in _some(others):
            yield replace(_judged(labelled, query["id"], pair, 0.0, graded=graded), weight=_UNJUDGED)


def _ranked(runtime: Runtime, finder: Finder, labelled: LabelledSet, of: Loaded, query: Record) -> Sequence[Pair]:
    if query["id"] in of.queries:
        return finder.pairs("demand", of.queries[query["id"]], least=0).pairs[:DEPTH]
    asked = {"text": words_of(query), "kind": labelled.document_kind, "limit": DEPTH}
    return [pair for pair, _ in pairing.of_text(finder, runtime.embedder, VISITOR, asked)]


def _some(ranked: Sequence[Pair]) -> Sequence[Pair]:
    below = ranked[_BEST:]
    return [*ranked[:_BEST], *below[:: max(1, len(below) // _FURTHER)]]


def _of_expertise(finder: Finder, labelled: LabelledSet, of: Loaded, grades: Grades) -> Iterator[Judged]:
    """Every rated paper with the expert who rated it: a rating is how far the two fit."""
    lowest, highest = _RATINGS
    for expert, ratings in grades.items():
        for paper, rating in ratings.items():
            if expert in of.documents[0] and paper in of.queries:
                for pair in finder.scores(of.queries[paper], "expert", [of.documents[0][expert]]):
                    label = min(max((rating - lowest) / (highest - lowest), 0.0), 1.0)
                    features = fitting.features_of(pair.score)
                    yield Judged(labelled.name, expert, features, label, grade=rating, shown=False)


def _graded(grades: Grades) -> bool:
    """Whether the grades go from 0 to 3; else they say yes or no."""
    return max((grade for one in grades.values() for grade in one.values()), default=0) >= _FITS


def _judged(
    labelled: LabelledSet, query: str, pair: Pair, grade: float, *, graded: bool, shown: bool = False
) -> Judged:
    """Of grades 0 to 3 the upper two fit, and the middle two count half: the next person might say otherwise."""
    fits = grade >= _FITS if graded else grade > 0
    weight = _UNSURE if graded and 0 < grade <= _FITS else _SURE
    features = fitting.features_of(pair.score)
    return Judged(labelled.name, query, features, float(fits), grade=grade, weight=weight, shown=shown)
