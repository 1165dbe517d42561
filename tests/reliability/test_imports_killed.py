"""kill -9 while a file is taken in, or back: each row of it is dealt with once, whoever goes on."""

from __future__ import annotations

import random
import time
import uuid

import pytest
from sqlmodel import select

from market.models import AuditEntry, Outcome
from market.runtime import Runtime
from market.services.files import undoing
from market.services.files.readings import BATCH
from tests.factories import Person, add_member
from tests.reliability.conftest import Installation, Nursery, runs, wait_until
from tests.services.files import ask, begin, read, row, rows_of, work

ROWS = 2 * BATCH + 50
SETTINGS = {"job_lease_seconds": 0.05}
KILLS = 12


def begun(installation: Installation) -> tuple[Person, uuid.UUID]:
    """An import that waits."""
    with installation.opened() as runtime:
        member = add_member(runtime)
        lines = [row("outcome", f"k{number}", trl=number % 9 + 1) for number in range(ROWS - 1)]
        return member, begin(runtime, member, [*lines, b"{"])


def kill(nursery: Nursery, installation: Installation, point: str) -> None:
    """A worker that dies at the point, or is done before it gets there."""
    pid = nursery.start(installation, point=point, settings=SETTINGS)
    wait_until(lambda: not runs(pid), seconds=60, what=f"the worker dies at: {point}")


def assert_each_once(runtime: Runtime, identity: uuid.UUID) -> None:
    """Every good line made one listing, and one entry of the audit trail; the bad one is told of."""
    done = read(runtime, identity)
    assert (done.state, done.created, done.refused, done.done) == ("done", ROWS - 1, 1, ROWS)
    assert [one.line for one in rows_of(runtime, identity)] == [*range(1, ROWS)]
    with runtime.db.reading() as session:
        keys = session.exec(select(Outcome.external_key)).all()
        made = session.exec(select(AuditEntry.subject_id).where(AuditEntry.action == "create")).all()
    assert sorted(map(str, keys)) == sorted(f"k{number}" for number in range(ROWS - 1))
    assert len(made) == len({*made}) == ROWS - 1


@pytest.mark.parametrize(("point", "stored"), [("before import", 0), ("after import", BATCH)])
def test_a_worker_killed_there_has_stored_whole_batches_and_the_next_one_goes_on(
    nursery: Nursery, installation: Installation, point: str, stored: int
) -> None:
    _, identity = begun(installation)
    kill(nursery, installation, point)
    with installation.opened(later=120) as runtime:
        assert len(rows_of(runtime, identity)) == read(runtime, identity).created == stored
        work(runtime)
        assert_each_once(runtime, identity)


def test_an_import_whose_workers_are_killed_at_random_takes_in_each_row_once(
    nursery: Nursery, installation: Installation
) -> None:
    chance = random.Random(77)
    _, identity = begun(installation)
    for _ in range(KILLS):
        pid = nursery.start(installation, settings=SETTINGS)
        time.sleep(chance.uniform(0.05, 0.5))
        nursery.end(pid)
    with installation.opened(later=120) as runtime:
        work(runtime)
        assert_each_once(runtime, identity)


def test_undoing_goes_on_where_a_worker_was_killed(nursery: Nursery, installation: Installation) -> None:
    member, identity = begun(installation)
    with installation.opened() as runtime:
        work(runtime)
        ask(runtime, member, undoing.begin, identity)
    kill(nursery, installation, "after import")
    with installation.opened(later=120) as runtime:
        assert len([one for one in rows_of(runtime, identity) if one.undone]) == BATCH
        work(runtime)
        assert read(runtime, identity).state == "undone"
        with runtime.db.reading() as session:
            assert session.exec(select(Outcome.id)).all() == []
            gone = session.exec(select(AuditEntry.subject_id).where(AuditEntry.action == "delete")).all()
        assert len(gone) == len({*gone}) == ROWS - 1
