"""The dense vectors of an index: kept in a SQLite file beside it, and held in memory whole by whoever asks.

A document in the index holds the number of its vector. Numbers are given out before the documents are committed and
taken back after their successors are, so that no commit, and no end of a process, leaves a document with the vector
of another. Numbers of one rebuild lie in a range of their own: its generation.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

FILE = "vectors.db"
GENERATION = 1 << 40  # numbers that one generation has for its vectors
READ_AT_ONCE = 1_000  # rows
BLOCK = 1 << 16  # rows that memory is taken for at once; what is not written yet takes none
CHUNK = 512  # rows that fit into a processor's cache
BUSY_SECONDS = 10

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Flags = NDArray[np.bool_]
Places = NDArray[np.int64]
Numbers = TypeVar("Numbers", Floats, Doubles)

# `sequence` grows with each transaction: a reader asks for what is newer than it has. A free row has no vector.
_TABLES = """
CREATE TABLE IF NOT EXISTS vectors (
    number INTEGER PRIMARY KEY, id TEXT, sequence INTEGER NOT NULL, vector BLOB
);
CREATE INDEX IF NOT EXISTS vectors_by_id ON vectors (id) WHERE id IS NOT NULL;
CREATE INDEX IF NOT EXISTS vectors_by_sequence ON vectors (sequence);
CREATE INDEX IF NOT EXISTS vectors_free ON vectors (number) WHERE vector IS NULL;
"""


class VectorFile:
    """The file as its only writer has it. What a change leaves unused is freed by the next, and given out by the one
    after that, for readers who still look at an older commit.
    """

    def __init__(self, path: Path, used: Collection[int]) -> None:
        """Open it, made if absent. `used` are the numbers that documents hold."""
        self._connection = _connect(path, "rwc")
        try:
            for pragma in ("page_size = 8192", "journal_mode = WAL", "synchronous = NORMAL"):
                self._connection.execute(f"PRAGMA {pragma}")
            self._connection.executescript(_TABLES)
            self.recover(used)
        except BaseException:
            self._connection.close()
            raise

    def recover(self, used: Collection[int]) -> None:
        """Free what documents do not hold: a change has failed, or the process was killed."""
        self._replaced: list[int] = []  # by a change that is not committed yet
        self._retired: set[int] = set()  # by one that is
        self._begun: int | None = None  # the generation of a rebuild that is not committed yet
        (last,) = self._connection.execute("PRAGMA user_version").fetchone()
        self._generation: int = next(iter(used)) // GENERATION if used else last
        rows = self._connection.execute("SELECT number FROM vectors WHERE id IS NOT NULL")
        kept = {number for (number,) in rows}
        # A power cut may take the newest vectors, and leave documents that hold their numbers.
        self._lost = set(used) - kept
        stray = kept.difference(used)
        if stray:
            with self._transaction():
                self._free(stray)
        self._drop_other_generations()
        self.settled = True

    def add(self, vectors: Mapping[str, Sequence[float]]) -> dict[str, int]:
        """Keep vectors of these documents, beside those they have, and give the numbers of the new ones."""
        if not (vectors or self._retired):
            return {}
        self.settled = False
        with self._transaction():
            numbers = dict(zip(vectors, self._unused(len(vectors)), strict=True))
            self._free(self._retired)
            sequence = self._next_sequence()
            self._connection.executemany(
                "INSERT OR REPLACE INTO vectors (number, id, sequence, vector) VALUES (?, ?, ?, ?)",
                ((number, name, sequence, _packed(vectors[name])) for name, number in numbers.items()),
            )
        self._retired = set()
        return numbers

    def replace(self, names: Iterable[str]) -> None:
        """Take back what these documents have, once the change is committed."""
        self.settled = False
        for name in names:
            rows = self._connection.execute("SELECT number FROM vectors WHERE id = ?", (name,))
            self._replaced += [number for (number,) in rows if number not in self._retired]

    def begin_generation(self) -> None:
        """What is added from now on takes the place of everything, once the change is committed."""
        self.settled = False
        (last,) = self._connection.execute("PRAGMA user_version").fetchone()
        begun = max(last, self._generation) + 1  # one that no reader has ever seen
        self._connection.execute(f"PRAGMA user_version = {begun}")
        self._begun = begun

    def settle(self) -> None:
        """The change is committed."""
        self._retired.update(self._replaced)
        self._replaced = []
        if self._begun is not None:
            self._generation, self._begun = self._begun, None
            self._drop_other_generations()
        self.settled = True

    def close(self) -> None:
        """Free what is left to free. May be repeated."""
        with suppress(sqlite3.Error):  # it is freed when the file is opened again
            with self._transaction():
                self._free(self._retired)
            self._retired = set()
        self._connection.close()

    def _drop_other_generations(self) -> None:
        first = self._generation * GENERATION
        # Nobody uses them. Where they cannot be dropped now, they are when the file is opened again.
        with suppress(sqlite3.Error):
            self._connection.execute("DELETE FROM vectors WHERE number < ?", (first,))
            self._connection.execute("DELETE FROM vectors WHERE number >= ?", (first + GENERATION,))

    def _unused(self, count: int) -> list[int]:
        generation = self._generation if self._begun is None else self._begun
        ends = (generation * GENERATION, (generation + 1) * GENERATION)
        rows = self._connection.execute(
            "SELECT number FROM vectors WHERE vector IS NULL AND number >= ? AND number < ? LIMIT ?",
            (*ends, count + len(self._lost)),
        )
        numbers = [number for (number,) in rows if number not in self._lost][:count]
        (last,) = self._connection.execute(
            "SELECT max(number) FROM vectors WHERE number >= ? AND number < ?", ends
        ).fetchone()
        taken = (number for number in self._lost if number < ends[1])
        fresh = max(ends[0] - 1 if last is None else last, max(taken, default=-1)) + 1
        return [*numbers, *range(fresh, fresh + count - len(numbers))]

    def _free(self, numbers: Collection[int]) -> None:
        sequence = self._next_sequence()
        self._connection.executemany(
            "UPDATE vectors SET id = NULL, vector = NULL, sequence = ? WHERE number = ?",
            ((sequence, number) for number in numbers),
        )

    def _next_sequence(self) -> int:
        return int(self._connection.execute("SELECT coalesce(max(sequence), 0) + 1 FROM vectors").fetchone()[0])

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):  # some failures have rolled back already
                self._connection.execute("ROLLBACK")
            raise


class Rows(NamedTuple):
    """The vectors of one generation, of length 1: number `first + i` in row i, unless `held` says that it is free.

    The rows lie in blocks of the same size, for more to be had without copying those there are.
    """

    blocks: tuple[Floats, ...]
    held: Flags
    first: int

    def of(self, numbers: Sequence[int]) -> Places:
        """The rows of these numbers; -1 where a vector is lost."""
        rows = np.array(numbers, dtype=np.int64) - self.first
        known = (rows >= 0) & (rows < len(self.held))
        known[known] = self.held[rows[known]]
        rows[~known] = -1
        return rows

    def scan(self, vector: Floats) -> Floats:
        """The product of each row with a vector; -2 for those that are free."""
        products = np.empty(len(self.held), np.float32)
        start = 0
        for block in self.blocks:
            part = products[start : start + len(block)]
            # Not a matrix product: that takes all cores at once, and waits for each where others are busy too.
            np.vecdot(block[: len(part)], vector, out=part)
            start += len(block)
        products[~self.held] = -2.0
        return products

    def products(self, rows: Places, vector: Numbers) -> Numbers:
        """The products of these rows with a vector, in its precision."""
        products = np.empty(len(rows), vector.dtype)
        for start in range(0, len(rows), CHUNK):
            part = rows[start : start + CHUNK]
            chunk = np.empty((len(part), len(vector)), vector.dtype)
            for block, here, inside in _by_block(part, len(self.blocks[0])):
                chunk[here] = self.blocks[block][inside]
            np.vecdot(chunk, vector, out=products[start : start + CHUNK])
        return products


NOTHING = Rows((), np.zeros(0, np.bool_), 0)


class VectorReader:
    """The vectors of an index in memory, for any number of threads; brought up to date by what has changed.

    A row is written again only when two later commits have given it up, so what is being read stays.
    """

    def __init__(self, path: Path, dimensions: int) -> None:
        self._path = path
        self._dimensions = dimensions
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._file = 0
        self._version: int | None = None
        self._sequence = 0
        self._count = 0
        self._forget(generation=-1)

    def at(self, generation: int) -> Rows:
        """The vectors of a generation as they are now. Looking costs some microseconds where nothing has changed."""
        with self._lock:
            connection = self._opened()
            (version,) = connection.execute("PRAGMA data_version").fetchone()
            if generation != self._generation:
                self._forget(generation)
            if version != self._version:
                # Read after the version: a change in between is then looked for once more, never missed.
                self._read(connection)
                self._version = version
            return Rows(tuple(self._blocks), self._held[: self._count], generation * GENERATION)

    def close(self) -> None:
        """May be repeated."""
        with self._lock:
            self._forget(generation=-1)
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _opened(self) -> sqlite3.Connection:
        # While it is open no other file can have its number.
        file = os.stat(self._path).st_ino
        if self._connection is None or file != self._file:
            if self._connection is not None:
                self._connection.close()
            self._connection = None
            self._forget(generation=-1)
            self._connection, self._file = _connect(self._path, "rw"), file
            self._connection.execute("PRAGMA query_only = ON")
        return self._connection

    def _forget(self, generation: int) -> None:
        self._generation = generation
        self._version = None
        self._sequence = self._count = 0
        self._size = BLOCK
        self._blocks: list[Floats] = []
        self._held: Flags = np.zeros(0, np.bool_)

    def _read(self, connection: sqlite3.Connection) -> None:
        first = self._generation * GENERATION
        ends = {"first": first, "last": first + GENERATION - 1, "sequence": self._sequence}
        columns = "SELECT number, vector, sequence FROM vectors"
        if not self._sequence:
            rows = connection.execute(f"{columns} WHERE number BETWEEN :first AND :last", ends)
        else:  # a plus keeps SQLite from walking through the numbers
            rows = connection.execute(
                f"{columns} WHERE sequence > :sequence AND +number BETWEEN :first AND :last", ends
            )
        newest = self._sequence
        while piece := rows.fetchmany(READ_AT_ONCE):
            self._take(piece, first)
            newest = max(newest, *(sequence for _, _, sequence in piece))
        self._sequence = newest  # only now: what fails in between is read again from where it began

    def _take(self, piece: list[tuple[int, bytes | None, int]], first: int) -> None:
        self._grow(max(number for number, _, _ in piece) - first + 1)
        self._held[[number - first for number, vector, _ in piece if vector is None]] = False
        kept = [(number - first, vector) for number, vector, _ in piece if vector is not None]
        places = [place for place, _ in kept]
        together = np.frombuffer(b"".join(vector for _, vector in kept), "<f4").reshape(len(kept), self._dimensions)
        for block, here, inside in _by_block(np.array(places, np.int64), self._size):
            self._blocks[block][inside] = together[here]
        self._held[places] = True

    def _grow(self, count: int) -> None:
        while count > len(self._blocks) * self._size:
            self._blocks.append(np.zeros((self._size, self._dimensions), np.float32))
            self._held = np.concatenate([self._held, np.zeros(self._size, np.bool_)])
        self._count = max(count, self._count)


def _by_block(rows: Places, size: int) -> Iterator[tuple[int, Flags, Places]]:
    """Each block that some of the rows lie in: which of them do, and where in it."""
    blocks = rows // size
    for block in np.unique(blocks).tolist():
        here = blocks == block
        yield block, here, rows[here] % size


def unit(vector: Sequence[float]) -> Doubles:
    """A vector of the same direction and length 1, or zeros where it has none."""
    numbers = np.array([float(number) for number in vector])
    largest = float(np.abs(numbers).max(initial=0.0))
    if not largest:
        return numbers
    numbers = numbers / largest  # first, so that no square is too large
    return np.asarray(numbers / np.linalg.norm(numbers))


def batches(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    """The items in lists of so many."""
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch


def _packed(vector: Sequence[float]) -> bytes:
    return unit(vector).astype("<f4").tobytes()


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    # Threads take turns under a lock of their own.
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )
