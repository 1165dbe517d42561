"""Reads a labelled set: its task, queries and documents, and which pairs to score. Never the labels."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Record = Mapping[str, Any]


class BadSet(ValueError):
    """The folder is not laid out as docs/matching.md says; the message names the file."""


@dataclass(frozen=True, slots=True)
class LabelledSet:
    """What a run needs. `task` is pool, retrieval or expertise.

    `queries` and `documents` have `id`, `text` and perhaps `title`, `full_text` and `keywords`. Where documents are
    experts, `works` gives for each sample of each expert's works their records. `pools` are the pairs to score, by
    query; of an expertise task by expert.
    """

    name: str
    task: str
    query_kind: str
    document_kind: str
    queries: Sequence[Record]
    documents: Sequence[Record]
    samples: Sequence[Mapping[str, Sequence[Record]]]
    pools: Mapping[str, Sequence[str]]


def read(folder: Path) -> LabelledSet:
    """Read a set. Raises BadSet."""
    try:
        task = json.loads((folder / "task.json").read_text(encoding="utf-8"))
        reader = {"expertise": _expertise, "pool": _search, "retrieval": _search}[task["task"]]
        return reader(folder, task)
    except FileNotFoundError as error:
        raise BadSet(f"{error.filename} is missing") from error
    except (KeyError, ValueError) as error:
        raise BadSet(f"{folder}: {type(error).__name__}: {error}") from error


def _search(folder: Path, task: Record) -> LabelledSet:
    documents = list(_lines(folder / "corpus.jsonl"))
    samples: list[Mapping[str, Sequence[Record]]] = []
    if task["doc_kind"] == "expert":
        documents = [expert for expert in documents if expert.get("labelled", True)]
        works = {work["id"]: work for work in _lines(folder / "documents.jsonl")}
        samples = [{expert["id"]: [works[one] for one in expert["documents"]] for expert in documents}]
    return LabelledSet(
        folder.name,
        task["task"],
        task["query_kind"],
        task["doc_kind"],
        list(_lines(folder / "queries.jsonl")),
        documents,
        samples,
        _pools(folder / "pools.tsv") if task["task"] == "pool" else {},
    )


def _expertise(folder: Path, task: Record) -> LabelledSet:
    """The rated papers are what is asked for; the experts have other works in each sample."""
    papers = {paper["id"]: paper for paper in _lines(folder / "corpus.jsonl")}
    profiles = json.loads((folder / "profiles.json").read_text(encoding="utf-8"))
    pools = _pools(folder / "pools.tsv")
    asked = dict.fromkeys(paper for rated in pools.values() for paper in rated)
    return LabelledSet(
        folder.name,
        task["task"],
        task["query_kind"],
        task["doc_kind"],
        [papers[one] for one in asked],
        [{"id": expert} for expert in pools],
        [
            {expert: [papers[one] for one in works] for expert, works in sample.items()}
            for sample in profiles.values()
        ],
        pools,
    )


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def _pools(path: Path) -> dict[str, list[str]]:
    pools: dict[str, list[str]] = {}
    for line in path.read_text(encoding="utf-8").splitlines()[1:]:
        query, document = line.split("\t")
        pools.setdefault(query, []).append(document)
    return pools
