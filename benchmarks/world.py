"""The data that is measured on: made, loaded, indexed and matched, each in a process of its own."""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from sqlmodel import Session, col, delete, func, select

from benchmarks import floors
from benchmarks.measure import bytes_under, clock, peak_memory
from market import logs, metrics, outbox, schema
from market.cli.data import load_folder
from market.models import LISTINGS, Job, Match, User
from market.outbox import JobName
from market.runtime import Runtime, build
from market.services.matching import scoring
from market.services.people import keys
from market.services.search import indexing
from market.settings import Settings
from market.worker import runner
from search.embedded import EmbeddedEngine
from search.engine import Document

READY_MADE = 20_000  # documents that the floor of indexing puts at most
_PUT_AT_ONCE = 200
_IDLE_SECONDS = 300.0

console = Console(stderr=True)


@contextmanager
def progress(*, quiet: bool) -> Iterator[Progress]:
    """A bar on standard error."""
    columns = TextColumn("{task.description:<24}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console, disable=quiet) as bar:
        yield bar


@contextmanager
def opened(data: Path, *, writes_index: bool = False, **settings: Any) -> Iterator[Runtime]:
    """The product's parts on this data, without vectors unless the settings say otherwise."""
    logs.configure("warning")
    runtime = build(
        Settings(**{"data": str(data), "embedder": "none", "limits": False, **settings}), writes_index=writes_index
    )
    try:
        yield runtime
    finally:
        runtime.close()


@dataclass(frozen=True, slots=True)
class Phase:
    """How many listings or jobs went through in how many seconds, and what the least would have cost."""

    count: int
    seconds: float
    floor_per_second: float = 0.0
    peak_memory: int = 0
    bytes_on_disk: int = 0

    @property
    def per_second(self) -> float:
        """The speed."""
        return self.count / self.seconds


def load(data: Path, rows: Path, *, quiet: bool = False) -> Phase:
    """Import all files as `market load` does, then insert the same lines into one bare table."""
    with opened(data) as runtime:
        schema.migrate(runtime.db)
        began = time.perf_counter()
        report = load_folder(runtime, rows, quiet=quiet)
        seconds = time.perf_counter() - began
        count = sum(loaded.created for loaded in report.values())
        refusals = [refusal for loaded in report.values() for refusal in loaded.refusals]
        if refusals:
            raise RuntimeError(f"{len(refusals)} rows were refused, the first: {refusals[0]}")
    peak = peak_memory()
    files = sorted(rows.glob("*.ndjson"))
    floor_seconds = clock(lambda: floors.insert_files(data / "floor-import.db", files))
    return Phase(count, seconds, count / floor_seconds, peak, bytes_under(data))


def index(data: Path, *, quiet: bool = False) -> Phase:
    """Run the index jobs as the worker does, then put ready-made documents into an empty index."""
    with opened(data, writes_index=True) as runtime:
        phase = drain(runtime, JobName.INDEX, quiet=quiet)
        peak = peak_memory()
        floor = _put_ready_made(runtime, data / "floor-index", quiet=quiet)
    return Phase(phase.count, phase.seconds, floor, peak, bytes_under(data / "search"))


def match(data: Path, name: JobName, *, quiet: bool = False) -> Phase:
    """Run the jobs that match, or those that notify, as the worker does."""
    with opened(data, writes_index=True) as runtime:
        phase = drain(runtime, name, quiet=quiet)
    return Phase(phase.count, phase.seconds, peak_memory=peak_memory(), bytes_on_disk=bytes_under(data))


def drain(runtime: Runtime, name: JobName, *, quiet: bool = False) -> Phase:
    """Run jobs until all of this name that wait now are done. Others that fall due meanwhile are not counted."""
    total, done, seconds = waiting(runtime, {name}), 0, 0.0
    if not total:
        return Phase(0, 1e-9)
    with progress(quiet=quiet) as bar:
        task = bar.add_task(name.value, total=total)
        while done < total:
            before, began = _done(name), time.perf_counter()
            ran = runner.run_once(runtime)
            if grown := _done(name) - before:
                seconds += time.perf_counter() - began
                done += grown
                bar.update(task, completed=done)
            if not ran:
                raise RuntimeError(f"Jobs of {name.value} failed: {_errors(runtime)}")
    return Phase(done, seconds)


def waiting(runtime: Runtime, names: Iterable[JobName]) -> int:
    """How many jobs of these names are queued or running."""
    wanted = {name.value for name in names}
    with runtime.db.reading() as session:
        return sum(
            count for (name, state), count in outbox.backlog(session).items() if name in wanted and state != "dead"
        )


def await_idle(runtime: Runtime, *, seconds: float = _IDLE_SECONDS) -> None:
    """Wait until a worker elsewhere has nothing left to do."""
    end = time.monotonic() + seconds
    while waiting(runtime, JobName):
        if time.monotonic() > end:
            raise RuntimeError(f"The worker is not done after {seconds:.0f} s.")
        time.sleep(0.2)
    time.sleep(0.5)


def forget_jobs(runtime: Runtime, names: Sequence[JobName] = tuple(JobName)) -> None:
    """Drop what waits, so that it does not disturb what is measured next."""
    with runtime.db.writing() as session:
        session.execute(delete(Job).where(col(Job.name).in_([name.value for name in names])))


def count_features(runtime: Runtime) -> None:
    """Take the census that the first match job would take, where none has been matched yet."""
    with runtime.db.reading() as session:
        if not scoring.outgrown(session, runtime.scorings.current(session)):
            return
        census = scoring.take_census(session, runtime.scorings.model, now=runtime.clock())
    with runtime.db.writing() as session:
        scoring.keep_census(session, census)


def count_matches(runtime: Runtime) -> int:
    """Matches that hold."""
    with runtime.db.reading() as session:
        return session.exec(select(func.count()).select_from(Match).where(col(Match.active))).one()


def member_key(runtime: Runtime) -> str:
    """An API key of a member of a trusted organisation."""
    with runtime.db.writing() as session:
        user = session.exec(select(User).where(User.external_key == "user-0")).one()
        return keys.create(session, user, now=runtime.clock(), label="bench")[0]


def some_ids(session: Session, noun: str, count: int) -> list[str]:
    """Ids of listings drawn at random, always the same."""
    ids = [
        str(identity) for identity in session.exec(select(LISTINGS[noun].id).order_by(LISTINGS[noun].external_key))
    ]
    return random.Random(noun).sample(ids, min(count, len(ids)))


def workplace() -> tempfile.TemporaryDirectory[str]:
    """A folder for the data, on the disk that the product would use."""
    Path("var").mkdir(exist_ok=True)
    return tempfile.TemporaryDirectory(prefix="bench-", dir="var")


def _done(name: JobName) -> int:
    return int(metrics.jobs.labels(name, "done")._value.get())


def _errors(runtime: Runtime) -> list[str]:
    with runtime.db.reading() as session:
        return list(session.exec(select(Job.error).where(Job.error != "").limit(3)))


def _put_ready_made(runtime: Runtime, folder: Path, *, quiet: bool) -> float:
    """Documents a second of the bare engine, in the proportions of the corpus."""
    engine = EmbeddedEngine(folder, writable=True)
    count, seconds = 0, 0.0
    with runtime.db.reading() as session, progress(quiet=quiet) as bar:
        sizes = {
            noun: session.exec(select(func.count()).select_from(model)).one() for noun, model in LISTINGS.items()
        }
        share = min(1.0, READY_MADE / sum(sizes.values()))
        task = bar.add_task("index floor", total=round(share * sum(sizes.values())))
        for noun, size in sizes.items():
            for documents in _documents(session, noun, round(share * size)):
                seconds += clock(lambda noun=noun, batch=documents: engine.put(indexing.index_of(noun), batch))
                count += len(documents)
                bar.advance(task, len(documents))
    engine.close()
    return count / seconds


def _documents(session: Session, noun: str, most: int) -> Iterator[list[Document]]:
    model = LISTINGS[noun]
    for start in range(0, most, _PUT_AT_ONCE):
        rows = select(model).order_by(col(model.id)).offset(start).limit(min(_PUT_AT_ONCE, most - start))
        documents = [indexing.document(listing) for listing in session.exec(rows)]
        session.expunge_all()
        yield documents
