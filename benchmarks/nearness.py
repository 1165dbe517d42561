"""The dense scan of the embedded engine: the nearest of many vectors, beside the product of matrix and vector."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.measure import Figure, latency, side_by_side
from benchmarks.world import console, workplace
from search.embedded import EmbeddedEngine
from search.engine import AnyOf, Document, Query
from search.indexes import OUTCOMES

DIMENSIONS = 384
_MOST = 100_000
_NEAREST = 200
_QUERIES, _ROUNDS = 20, 5
_CLUSTERS, _SPREAD = 60, 0.6
_FILTERS = (AnyOf("state", ("published",)),)

Matrix = NDArray[np.float32]


def measure(count: int) -> list[Figure]:
    """The nearest 200 of so many vectors that lie anywhere, and of as many that lie in clusters."""
    figures: list[Figure] = []
    for shape, spread in (("random", 0.0), ("clustered", _SPREAD)):
        console.print(f"nearest of {shape} vectors")
        rows = _vectors(min(count, _MOST) + _QUERIES, spread)
        with workplace() as folder:
            figures.append(_measure(Path(folder), shape, rows[_QUERIES:], rows[:_QUERIES]))
    return figures


def _measure(folder: Path, shape: str, matrix: Matrix, asked: Matrix) -> Figure:
    spec = replace(OUTCOMES, dimensions=DIMENSIONS, model="benchmark")
    engine = EmbeddedEngine(folder, writable=True, specs={"outcomes": spec})
    try:
        engine.rebuild("outcomes", _documents(matrix))
        queries = [Query(vector=tuple(row.tolist()), filters=_FILTERS, limit=_NEAREST) for row in asked]
        same = sum(_agreement(engine, matrix, query) for query in queries) / len(queries)
        pairs = [
            (partial(engine.search, "outcomes", query), partial(np.matmul, matrix, row))
            for query, row in zip(queries, asked, strict=True)
        ]
        scan, product = side_by_side(pairs, rounds=_ROUNDS)
    finally:
        engine.close()
    name = f"nearest {_NEAREST} of {len(matrix):,} {shape} vectors"
    return latency(name, scan, "matrix @ query", product, note=f"{same:.1%} are those of plain counting")


def _vectors(count: int, spread: float) -> Matrix:
    """Of length 1; `spread` is how far they lie from the middles of clusters, 0 where there are none."""
    dice = np.random.default_rng(20_250_601)
    rows = dice.standard_normal((count, DIMENSIONS), np.float32)
    if spread:
        middles = dice.standard_normal((_CLUSTERS, DIMENSIONS), np.float32)
        rows = middles[dice.integers(_CLUSTERS, size=count)] + np.float32(spread) * rows
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def _documents(matrix: Matrix) -> Iterator[Document]:
    for number, row in enumerate(matrix):
        yield {"id": f"o{number:07d}", "version": 1, "state": "published", "vector": row.tolist()}


def _agreement(engine: EmbeddedEngine, matrix: Matrix, query: Query) -> float:
    """How many of the nearest are found."""
    nearest = np.argsort(-(matrix @ np.array(query.vector, np.float32)), kind="stable")[:_NEAREST]
    found = {hit.id for hit in engine.search("outcomes", query).hits}
    return len(found & {f"o{number:07d}" for number in nearest.tolist()}) / len(nearest)
