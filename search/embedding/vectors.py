"""Checks what came from a model once for all embedders, and brings it to unit length."""

from __future__ import annotations

import numpy as np

from search.embedding.protocol import BadVectors, Vectors


def unit_rows(came: object, *, count: int, dimensions: int = 0) -> Vectors:
    """(count, dimensions) float32 of unit length, from an array or lists of numbers. 0 dimensions: as many as came.

    Raises BadVectors for another shape, what is no number, NaN, infinity, and rows of zeros.
    """
    rows = _numbers(came)
    if rows.ndim != 2 or len(rows) != count or rows.shape[1] != (dimensions or rows.shape[1]):
        raise BadVectors(f"vectors of shape {rows.shape} came, not {count} of {dimensions or 'some'} dimensions")
    finite = np.isfinite(rows).all(axis=1)
    if not finite.all():
        row = int(np.argmin(finite))
        raise BadVectors(f"vector {row} of {count} holds {rows[row][~np.isfinite(rows[row])][0]}")
    largest = np.abs(rows).max(axis=1, initial=0, keepdims=True)
    if not largest.all():
        raise BadVectors(f"vector {int(np.argmin(largest))} of {count} is {rows.shape[1]} zeros")
    scaled = rows / largest  # so that no square overflows, or vanishes
    unit: Vectors = (scaled / np.linalg.norm(scaled, axis=1, keepdims=True)).astype(np.float32)
    return unit


def _numbers(came: object) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    try:
        return np.asarray(came, dtype=np.float64)
    except (ValueError, TypeError, OverflowError) as error:
        raise BadVectors(f"no vectors of one length came: {error}") from error
