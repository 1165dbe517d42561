"""The one contract between the service and whatever turns texts into vectors.

Holds shapes and errors only; nothing here knows how any embedder works.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

LONGEST = 2_000
"""Characters of a text that are read at most; what follows is passed over. An embedder may read fewer."""

Role = Literal["query", "passage"]
"""Whether a text asks (a demand) or is offered. Many models were taught the two apart."""

Vectors = npt.NDArray[np.float32]
"""(texts, dimensions), each row finite and of length 1: a dot product of two rows is their cosine."""


class EmbedderUnavailable(Exception):
    """The embedder is away, slow, overloaded or refuses. Asking again later may succeed."""


class BadVectors(Exception):
    """What the embedder gave is not the vectors that were asked for; the message says what came."""


class EmbedderMissing(ImportError):
    """The embedder cannot run on this machine; the message says what it needs."""


@runtime_checkable
class Embedder(Protocol):
    """What every embedder does. Safe to call from many threads."""

    @property
    def model(self) -> str:
        """A name with everything that changes the vectors. Those of embedders with equal names can be compared."""

    @property
    def dimensions(self) -> int:
        """Numbers in a vector. Where a server is asked for them, raises what `embed` does."""

    def embed(self, texts: Sequence[str], *, role: Role) -> Vectors:
        """One row for each text, in their order; no texts give (0, dimensions).

        Any text will do: empty, endless, control characters, halves of surrogate pairs. The same text gives the same
        vector, up to rounding, whatever stands beside it. Raises EmbedderUnavailable and BadVectors.
        """

    def close(self) -> None:
        """Release memory and connections. May be repeated; no other method may follow."""
