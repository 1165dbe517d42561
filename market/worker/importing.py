"""The job that imports: one batch of a file, or of what is to be undone; the same job goes on with the next."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from functools import partial
from typing import BinaryIO

from sqlmodel import Session

from market.models import Import
from market.outbox import Claimed
from market.runtime import Runtime
from market.services.files import importing, recalling, undoing
from market.services.files.readings import Reading

Finish = Callable[[Session], object]


def take_in(runtime: Runtime, jobs: Sequence[Claimed]) -> Finish:
    """Read on where the file is, with no transaction open; what is read is stored in the one that ends the job."""
    finishes = [_one(runtime, job) for job in jobs]

    def finish(session: Session) -> None:
        for one in finishes:
            one(session)

    return finish


def _one(runtime: Runtime, job: Claimed) -> Finish:
    identity = uuid.UUID(job.key)
    with runtime.db.reading() as session:
        row = session.get(Import, identity)
    if row is not None and row.state == "undoing":
        return partial(undoing.take_back, identity=identity, now=runtime.clock())
    if row is None or row.state in importing.ENDED:
        runtime.readings.close(identity)
        return lambda _: None
    return _read_on(runtime, row)


def _read_on(runtime: Runtime, row: Import) -> Finish:
    def load() -> BinaryIO:
        with runtime.db.reading() as session:
            return importing.file_of(session, row.id)

    reading = runtime.readings.at(row.id, importing.source_of(row), row.done, load)
    _recall(runtime, row, reading, load)
    batch = reading.next(row.done)

    def finish(session: Session) -> None:
        ended = importing.take_in(
            session, row.id, batch, counted=reading.count, seen=reading.seen, now=runtime.clock()
        )
        if ended:
            runtime.readings.close(row.id)

    return finish


def _recall(runtime: Runtime, row: Import, reading: Reading, load: Callable[[], BinaryIO]) -> None:
    """Have the reading know which keys others have taken from the file before it was opened here."""
    first, last = reading.missed
    if first == last:
        return
    with runtime.db.reading() as session:
        out = recalling.stayed_out(session, row.id)
    with load() as file:
        for rows in recalling.rows_between(importing.source_of(row), file, first, last):
            with runtime.db.reading() as session:
                recalling.recall(session, row, rows, reading.seen, out, now=runtime.clock())
    reading.missed = (last, last)
