"""An embedder that keeps its vectors in a file, so that judging the same texts again takes seconds."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from market.matching.signatures import Vectors, digest
from market.runtime import Runtime
from search.embedding import Embedder, Role


class KeepingEmbedder:
    """Implements `search.embedding.Embedder`: asks `inner` only for texts that the file does not have."""

    def __init__(self, inner: Embedder, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._inner = inner
        self._file = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._file.execute("CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB)")

    @property
    def model(self) -> str:
        return self._inner.model

    @property
    def dimensions(self) -> int:
        return self._inner.dimensions

    def embed(self, texts: Sequence[str], *, role: Role) -> Vectors:
        keys = [digest(f"{self.model}\n{role}\n{text}") for text in texts]
        rows = [self._file.execute("SELECT vector FROM vectors WHERE key = ?", (key,)).fetchone() for key in keys]
        missing = [place for place, row in enumerate(rows) if row is None]
        made = self._inner.embed([texts[place] for place in missing], role=role)
        self._file.execute("BEGIN")
        for place, vector in zip(missing, made, strict=True):
            self._file.execute("INSERT OR REPLACE INTO vectors VALUES (?, ?)", (keys[place], vector.tobytes()))
        self._file.execute("COMMIT")
        vectors = np.zeros((len(texts), self.dimensions), np.float32)
        for place, row in enumerate(rows):
            if row is not None:
                vectors[place] = np.frombuffer(row[0], np.float32)
        vectors[missing] = made
        return vectors

    def close(self) -> None:
        self._file.close()
        self._inner.close()


def keeping_vectors(runtime: Runtime, path: Path) -> Runtime:
    """The runtime with its embedder's vectors kept in a file."""
    if runtime.embedder is None:
        return runtime
    return replace(runtime, embedder=KeepingEmbedder(runtime.embedder, path))
