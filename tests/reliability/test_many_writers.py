"""Many processes write to one database: each is served, and none is told that something is locked."""

from __future__ import annotations

import json

import pytest

from market.models import AuditEntry, Outcome
from tests.factories import add_organisation
from tests.reliability.conftest import Installation, Nursery, runs, wait_until
from tests.services.stock import how_many, keys_of

WRITERS = 8


def write_at_once(
    nursery: Nursery, installation: Installation, *, seconds: float
) -> tuple[int, list[str], float, int]:
    """How often they wrote, what went wrong, the longest wait, and how many rows there are."""
    with installation.opened() as runtime:
        add_organisation(runtime)
    answers = [installation.folder / f"answer-{number}" for number in range(WRITERS)]
    pids = [nursery.start(installation, "write", seconds=seconds, answer=str(answer)) for answer in answers]
    wait_until(lambda: not any(map(runs, pids)), seconds=seconds + 40, what="all writers are done")
    told = [json.loads(answer.read_text()) for answer in answers]
    with installation.opened() as runtime:
        with runtime.db.reading() as session:
            rows = how_many(session, Outcome)
            assert how_many(session, AuditEntry) == 2 * rows  # it was created, and submitted
        assert len(keys_of(runtime, "index")) == rows
    return (
        sum(one["done"] for one in told),
        [error for one in told for error in one["wrong"]],
        max(one["slowest"] for one in told),
        rows,
    )


def test_eight_processes_that_write_for_a_second_are_all_served(nursery: Nursery, installation: Installation) -> None:
    done, wrong, _, rows = write_at_once(nursery, installation, seconds=1)
    assert wrong == []
    assert done == rows > 0


@pytest.mark.long
def test_eight_processes_that_write_for_long_are_never_told_that_anything_is_locked(
    nursery: Nursery, installation: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    done, wrong, slowest, rows = write_at_once(nursery, installation, seconds=15)
    assert wrong == []
    assert done == rows
    with capsys.disabled():
        print(f"\n{WRITERS} processes, {done} writes in 15 s, longest wait {slowest:.2f} s, 0 refused")
