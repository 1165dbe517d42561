"""The files of the embedded engine: opens, locks and refreshes indexes. Knows nothing of their content."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import tantivy

from search.embedded.schema import VECTOR, build_schema
from search.embedded.vectors import FILE, VectorFile, VectorReader
from search.engine import EngineLocked, EngineUnavailable
from search.indexes import IndexSpec

LOCK = "writer.lock"

Stamp = tuple[int, int, int]


@dataclass(slots=True)
class Shelf:
    """One index on disk as this process has it open. `stamp` tells the commit that is being read.

    Vectors are there only where the index has dimensions.
    """

    spec: IndexSpec
    path: Path
    index: tantivy.Index | None = None
    stamp: Stamp | None = None
    writer: tantivy.IndexWriter | None = None
    opening: threading.Lock = field(default_factory=threading.Lock)
    writing: threading.Lock = field(default_factory=threading.Lock)
    kept: VectorFile | None = None
    vectors: VectorReader = field(init=False)

    def __post_init__(self) -> None:
        self.vectors = VectorReader(self.path / FILE, self.spec.dimensions)


@contextmanager
def failing_as_unavailable() -> Iterator[None]:
    """What the file system refuses (a full disk, a lost folder) is no fault of the caller."""
    try:
        yield
    except (OSError, ValueError, sqlite3.Error) as error:
        raise EngineUnavailable(f"the search index on disk fails: {error}") from error


def lock(root: Path) -> IO[bytes]:
    """Take the right to write in a folder, made if absent, until the file is closed or the process ends.

    Raises EngineLocked if another holds it.
    """
    with failing_as_unavailable():
        root.mkdir(parents=True, exist_ok=True)
        file = (root / LOCK).open("a+b")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.seek(0)
        holder = file.read(20).decode("ascii", "replace").strip() or "unknown"
        file.close()
        raise EngineLocked(
            f"process {holder} already writes the search index in {root}; only one may: "
            "stop it, or let this one only read"
        ) from error
    file.truncate(0)
    file.write(str(os.getpid()).encode())
    file.flush()
    return file


def exists(shelf: Shelf) -> bool:
    """Whether there is an index on disk, whatever this process has open."""
    return _stamp(shelf.path) is not None


def create(shelf: Shelf) -> tantivy.Index:
    """Open the index of a shelf for writing, made empty if absent."""
    try:
        shelf.path.mkdir(parents=True, exist_ok=True)
        index = tantivy.Index(build_schema(shelf.spec), str(shelf.path))
        index.config_reader("manual")
        open_vectors(shelf, index)
    except (OSError, ValueError, sqlite3.Error) as error:
        raise EngineUnavailable(
            f"the search index in {shelf.path} cannot be opened ({error}); "
            "it holds nothing of its own: delete the folder and rebuild it from the database"
        ) from error
    with shelf.opening:
        shelf.index, shelf.stamp = index, None
    return index


def reader(shelf: Shelf) -> tuple[tantivy.Searcher, tantivy.Schema]:
    """A view of the newest commit, which stays as it is. Looking costs one stat; no thread watches.

    Raises EngineUnavailable while nobody has written the index.
    """
    index = shelf.index
    if index is None or shelf.stamp is None or _stamp(shelf.path) != shelf.stamp:
        index = refresh(shelf)
    return index.searcher(), index.schema


def refresh(shelf: Shelf) -> tantivy.Index:
    """See the newest commit, from this process or another."""
    with shelf.opening:
        stamp = _stamp(shelf.path)
        if stamp is None:
            shelf.index = None
            raise EngineUnavailable(
                f"there is no search index for {shelf.spec.name} in {shelf.path.parent} yet: "
                "start the worker, which makes it, or rebuild it"
            )
        with failing_as_unavailable():
            if shelf.index is None:
                shelf.index = tantivy.Index.open(str(shelf.path))
                shelf.index.config_reader("manual")
            shelf.index.reload()
        # Read before the reload: a commit in between is then looked for once more, never missed.
        shelf.stamp = stamp
        return shelf.index


def roll_back(shelf: Shelf) -> None:
    """Forget what is not committed. A writer that cannot even do that is given up for another."""
    writer, shelf.writer = shelf.writer, None
    if writer is not None:
        with suppress(Exception):
            writer.rollback()
            shelf.writer = writer
    if _stamp(shelf.path) is None:
        give_up(shelf)


def give_up(shelf: Shelf) -> None:
    """Let go of all that is open for writing."""
    shelf.index = shelf.writer = None
    if shelf.kept is not None:
        shelf.kept.close()
        shelf.kept = None


def open_vectors(shelf: Shelf, index: tantivy.Index) -> None:
    """Make them fit to write, where the index has any: they are not open yet, or the last change has failed."""
    if not shelf.spec.dimensions or (shelf.kept is not None and shelf.kept.settled):
        return
    index.reload()
    searcher = index.searcher()
    having = searcher.search(tantivy.Query.exists_query(VECTOR), max(searcher.num_docs, 1), count=False).hits
    used = searcher.fast_field_values(VECTOR, [place for _, place in having])
    numbers = [int(number or 0) for number in used]
    if shelf.kept is None:
        shelf.kept = VectorFile(shelf.path / FILE, numbers)
    else:
        shelf.kept.recover(numbers)


def _stamp(path: Path) -> Stamp | None:
    # The file that names a commit is never changed, only replaced.
    try:
        found = os.stat(path / "meta.json")
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
