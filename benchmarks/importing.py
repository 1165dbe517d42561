"""Imports: rows a second from a file to stored, audited and enqueued, beside a bare INSERT of the same lines."""

from __future__ import annotations

import gc
import os
import resource
import shutil
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
import psycopg

from benchmarks import floors
from benchmarks.corpus import Corpus, Sizes
from benchmarks.measure import Figure, clock, in_child, peak_memory
from benchmarks.world import console, opened
from market import schema
from market.cli.data import load_folder
from market.files import writing
from market.models import Import
from market.outbox import JobName
from market.services.files import importing, undoing
from market.services.files.importing import Order
from market.services.rights.access import SYSTEM
from market.worker import runner
from tests.clusters import new_cluster

ROWS = 50_000
_GOALS = {"ndjson": 3_000, "xlsx": 1_500}
_MEMORY = 200  # MB that a worker may grow by


@dataclass(frozen=True, slots=True)
class Run:
    """What an import took: seconds, seconds of this process's processor, bytes of memory before and at most."""

    rows: int
    seconds: float
    processor: float
    before: int
    peak: int


def measure(folder: Path, count: int = ROWS) -> list[Figure]:
    """On SQLite, and on a private PostgreSQL that waits for its disk as a real one does."""
    rows = folder / "rows"
    folder.mkdir(exist_ok=True)
    Corpus(Sizes(count, 0, 0)).write(rows, tick=lambda _: None)
    files = {"ndjson": rows / "outcomes.ndjson", "xlsx": rows / "outcomes.xlsx"}
    in_child(_as_workbook, files["ndjson"], files["xlsx"])
    parties = folder / "parties"
    parties.mkdir()
    for name in ("organisations", "users"):
        shutil.copy(rows / f"{name}.ndjson", parties)
    figures = _measured(folder, parties, files, count)
    cluster = new_cluster(os.getpid(), fsync="on", full_page_writes="on")
    try:
        on_server = _measured(folder, parties, files, count, server=cluster.url())
    finally:
        cluster.stop()
    return figures + [replace(figure, name=f"{figure.name}, PostgreSQL") for figure in on_server]


def _measured(folder: Path, parties: Path, files: dict[str, Path], count: int, server: str = "") -> list[Figure]:
    figures: list[Figure] = []
    for fmt, file in files.items():
        data, url = folder / f"{fmt}-{'server' if server else 'file'}", _database(server, fmt)
        console.print(f"import {count:,} rows of {fmt}{', PostgreSQL' if server else ''}")
        in_child(_fill, data, url, parties)
        identity = in_child(_begin, data, url, file)
        run = in_child(_work, data, url)
        floor = in_child(_floor, data, url, files["ndjson"])
        note = f"{run.seconds:.1f} s, of these {run.processor:.1f} s in its process"
        figures.append(
            Figure(
                name=f"import {fmt}", unit="rows/s", value=run.rows / run.seconds,
                floor_name="executemany INSERT of the lines", floor=count / floor,
                goal=f"≥ {_GOALS[fmt]:,} rows/s", note=note,
            )
        )  # fmt: skip
        grown = (run.peak - run.before) / 1e6
        figures.append(
            Figure(name=f"memory an import of {fmt} takes", unit="MB", value=grown, goal=f"≤ {_MEMORY} MB")
        )
        if fmt == "ndjson":
            figures += _others(data, url, file, identity, count)
    return figures


def _others(data: Path, url: str, file: Path, identity: uuid.UUID, count: int) -> list[Figure]:
    """The same file again, a dry run of it, and its undoing."""
    in_child(_begin, data, url, file)
    again = in_child(_work, data, url)
    in_child(_begin, data, url, file, True)
    trial = in_child(_work, data, url)
    in_child(_undo, data, url, identity)
    back = in_child(_work, data, url)
    return [
        Figure(name=name, unit="rows/s", value=count / run.seconds, note=f"{run.seconds:.1f} s")
        for name, run in (("import again, unchanged", again), ("dry run", trial), ("undo", back))
    ]


def _database(server: str, name: str) -> str:
    if not server:
        return ""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE import_{name}")
    return server.replace("@/postgres?", f"@/import_{name}?")


def _as_workbook(source: Path, target: Path) -> None:
    with source.open("rb") as lines, target.open("wb") as file:
        for piece in writing.write("xlsx", "outcomes", _listings(lines), language="zh"):
            file.write(piece)


def _listings(lines: Any) -> Iterator[dict[str, Any]]:
    """Rows of a file as an export would have them."""
    for line in lines:
        row = orjson.loads(line)
        yield {**row, "external_key": row["key"], "organisation": {"name_zh": row["organisation"], "name_en": ""}}


def _fill(data: Path, url: str, parties: Path) -> None:
    with opened(data, database_url=url) as runtime:
        schema.migrate(runtime.db)
        load_folder(runtime, parties, quiet=True)


def _begin(data: Path, url: str, file: Path, dry_run: bool = False) -> uuid.UUID:
    with opened(data, database_url=url) as runtime, runtime.db.writing() as session:
        order = Order("outcome", file.name, file.read_bytes(), dry_run=dry_run)
        return importing.begin(session, SYSTEM, order, now=runtime.clock()).id


def _undo(data: Path, url: str, identity: uuid.UUID) -> None:
    with opened(data, database_url=url) as runtime, runtime.db.writing() as session:
        undoing.begin(session, SYSTEM, identity, now=runtime.clock())


def _work(data: Path, url: str) -> Run:
    """As a worker that has nothing else to do, and that looks for garbage as seldom as `market` does."""
    gc.set_threshold(50_000, 20, 50)
    with opened(data, database_url=url) as runtime:
        before, began, used = peak_memory(), time.perf_counter(), _processor()
        while jobs := runner.claim(runtime, JobName.IMPORT, limit=1):
            runner.run(runtime, jobs)
        seconds, processor = time.perf_counter() - began, _processor() - used
        with runtime.db.reading() as session:
            row = session.query(Import).order_by(Import.updated_at.desc()).first()  # type: ignore[attr-defined]
        if row is None or row.state not in ("done", "undone") or row.refused:
            raise RuntimeError(f"the import is not done: {row}")
        return Run(row.created + row.changed + row.unchanged, seconds, processor, before, peak_memory())


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _floor(data: Path, url: str, file: Path) -> float:
    if not url:
        return clock(lambda: floors.insert_files(data / "floor.db", [file]))
    return clock(lambda: _insert_on_server(url, file))


def _insert_on_server(url: str, file: Path) -> None:
    with psycopg.connect(url) as connection, file.open() as lines:
        connection.execute("CREATE TABLE IF NOT EXISTS items (id text PRIMARY KEY, body text NOT NULL)")
        count = 0
        while batch := [(f"floor-{count + n:08}", line) for n, line in enumerate(islice(lines, floors.BATCH))]:
            connection.cursor().executemany("INSERT INTO items (id, body) VALUES (%s, %s)", batch)
            connection.commit()
            count += len(batch)


def main(arguments: Sequence[str]) -> None:
    """`python -m benchmarks.importing [rows]`."""
    from benchmarks import report, world  # noqa: PLC0415

    count = int(arguments[0]) if arguments else ROWS
    with world.workplace() as folder:
        report.print_table(f"Imports of {count:,} outcomes", measure(Path(folder), count))


if __name__ == "__main__":
    main(sys.argv[1:])
