"""Any server with OpenAI's embeddings endpoint: Ollama, TEI, vLLM, LM Studio, and those of vendors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from search.embedding.protocol import LONGEST, BadVectors, EmbedderUnavailable, Role, Vectors
from search.embedding.texts import readable
from search.embedding.transport import Wire, connect
from search.embedding.vectors import unit_rows

MOST_TEXTS = 64
MOST_CHARACTERS = 100_000
SECONDS = 20.0

_PROBE = ("dimensions",)  # a text to learn them from


class RemoteEmbedder:
    """Asks in batches over pooled connections, with retries and a breaker."""

    def __init__(
        self,
        url: str,
        *,
        model: str,
        key: str = "",
        dimensions: int = 0,
        timeout: float = SECONDS,
        prefixes: Mapping[Role, str] | None = None,
        longest: int = LONGEST,
    ) -> None:
        """`url` ends before /embeddings. `timeout` in seconds is for one batch, retries and pauses included.

        `dimensions` are asked for, of models that can shorten their vectors; with 0 they are the model's own, learnt
        from its first answer. `prefixes` stand before the texts of a role ("query: "). `longest`: characters read
        of a text. Raises ValueError, which never shows the key.
        """
        if not model:
            raise ValueError("an embedder at an address needs the name of its model")
        if dimensions < 0 or longest < 1 or not timeout > 0:
            raise ValueError("dimensions cannot be below 0, longest below 1, nor timeout 0")
        self._wire: Wire = connect(url, key, seconds=timeout)
        self._prefixes = dict(prefixes or {})
        self._longest = longest
        self._asked = {"model": model, "encoding_format": "float"} | (
            {"dimensions": dimensions} if dimensions else {}
        )
        self._dimensions = dimensions
        self.model = _name(model, dimensions, self._prefixes, longest)

    @property
    def dimensions(self) -> int:
        """As asked for, or the model's own. Asks the server for a vector where none has been seen."""
        if not self._dimensions:
            self.embed(_PROBE, role="query")
        return self._dimensions

    def embed(self, texts: Sequence[str], *, role: Role) -> Vectors:
        """(texts, dimensions), from as many requests as it takes. Raises EmbedderUnavailable and BadVectors."""
        if not texts:
            return np.empty((0, self.dimensions), dtype=np.float32)
        prefix = self._prefixes.get(role, "")
        ready = [prefix + readable(text, self._longest) for text in texts]
        return np.concatenate([self._rows(batch) for batch in batches(ready)])

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()

    def _rows(self, batch: Sequence[str]) -> Vectors:
        told = self._wire.post(self._asked | {"input": batch})
        rows = unit_rows(_in_order(told, len(batch)), count=len(batch), dimensions=self._dimensions)
        self._dimensions = rows.shape[1]
        return rows


def batches(texts: Sequence[str]) -> Iterator[list[str]]:
    """The texts in order, at most 64 and 100,000 characters together; a longer one alone."""
    batch: list[str] = []
    characters = 0
    for text in texts:
        if batch and (len(batch) == MOST_TEXTS or characters + len(text) > MOST_CHARACTERS):
            yield batch
            batch, characters = [], 0
        batch.append(text)
        characters += len(text)
    if batch:
        yield batch


def _name(model: str, dimensions: int, prefixes: Mapping[Role, str], longest: int) -> str:
    """Where a server stands is no part of it: one may move."""
    parts = ["remote", model]
    if dimensions:
        parts.append(str(dimensions))
    parts.extend(f"{role}={prefixes[role]}" for role in sorted(prefixes) if prefixes[role])
    if longest != LONGEST:
        parts.append(f"longest={longest}")
    return "/".join(parts)


def _in_order(told: object, count: int) -> list[object]:
    """The vectors of an answer, each where its `index` says; some servers leave out an index that is 0."""
    entries: Any = told.get("data") if isinstance(told, dict) else None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise EmbedderUnavailable("no embeddings server answers at that address, but something else")
    if len(entries) != count:
        raise BadVectors(f"{len(entries)} vectors came for {count} texts")
    places = [entry.get("index", position) for position, entry in enumerate(entries)]
    if not all(isinstance(place, int) for place in places) or sorted(places) != list(range(count)):
        raise BadVectors(f"the vectors of {count} texts came with the indexes {str(places)[:200]}")
    found = dict(zip(places, entries, strict=True))
    return [found[place].get("embedding") for place in range(count)]
