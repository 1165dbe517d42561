"""Imports that another process goes on with: what was taken before is known as if one had read it all."""

from __future__ import annotations

import uuid
from dataclasses import replace
from itertools import cycle
from typing import Any, BinaryIO

import pytest
from sqlmodel import select

from market.models import ImportFault
from market.runtime import Runtime
from market.services.files import findings, importing, readings
from market.services.files.readings import Readings
from tests.factories import Person, add_member, add_organisation, add_person
from tests.services.files import begin, counts, everything, faults, imported, notes, read, row, work


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that short files have many."""
    monkeypatch.setattr(readings, "BATCH", 4)


@pytest.fixture
def member(runtime: Runtime) -> Person:
    """A member of a trusted organisation."""
    return add_member(runtime, external_key="org-1")


def handed_on(runtime: Runtime, identity: uuid.UUID, processes: int) -> None:
    """Take an import in to its end, each batch by another of so many processes in turn; more batches than that: a
    process comes to the file again after others have read on."""
    workers = [replace(runtime, readings=Readings()) for _ in range(processes)]
    for worker in cycle(workers):
        if not work(worker, steps=1):
            break
    assert read(runtime, identity).state == "done"


def told(runtime: Runtime, identity: uuid.UUID) -> list[tuple[int, str, str]]:
    with runtime.db.reading() as session:
        return [(one.line, one.column, one.en) for one in findings.read(session, identity)]


def repeated() -> list[dict[str, Any]]:
    """Twenty rows: keys that come again in other batches, with the same and with something else; and one whose first
    row stays out."""
    lines = [row("outcome", f"k{number}") for number in range(20)]
    lines[1] = {**lines[1], "trl": 99}
    lines[5] = row("outcome", "k0", trl=9)
    lines[10] = row("outcome", "k0")
    lines[11] = row("outcome", "k1")
    lines[13] = row("outcome", "k7", trl=9)
    lines[18] = row("outcome", "k11", trl=9)
    lines[19] = row("outcome", "k1", trl=9)
    return lines


@pytest.mark.parametrize("processes", [2, 3, 10])
@pytest.mark.parametrize("dry_run", [False, True])
def test_what_comes_again_is_told_as_if_one_process_had_read_it_all(
    runtime: Runtime, member: Person, dry_run: bool, processes: int
) -> None:
    alone = imported(runtime, member, repeated(), dry_run=True)
    identity = begin(runtime, member, repeated(), dry_run=dry_run)
    handed_on(runtime, identity, processes)
    done = read(runtime, identity)
    assert (counts(done), told(runtime, done.id)) == (counts(alone), told(runtime, alone.id))
    assert faults(runtime, done.id) == [(2, "/trl"), (6, "/key"), (11, "/key"), (14, "/key"), (20, "/key")]
    assert notes(runtime, done.id) == [11]
    assert dry_run or everything(runtime)["outcome", "k7"]["trl"] == row("outcome", "k7")["trl"]


def test_rows_that_changed_nothing_count_as_taken(runtime: Runtime, member: Person) -> None:
    lines = [row("outcome", f"k{number}") for number in range(6)]
    imported(runtime, member, lines)
    identity = begin(runtime, member, [*lines, row("outcome", "k0", trl=9)])
    handed_on(runtime, identity, 2)
    assert counts(read(runtime, identity)) == (0, 0, 6, 1)
    assert everything(runtime)["outcome", "k0"]["trl"] == lines[0]["trl"]


@pytest.mark.parametrize("dry_run", [False, True])
def test_a_key_is_another_in_another_organisation(runtime: Runtime, dry_run: bool) -> None:
    staff = add_person(runtime, roles=("administrator",))
    add_organisation(runtime, external_key="org-2")
    lines = [{**row("outcome", "k"), "organisation": name} for name in ("org-2", "海河新材料研究院")]
    between = [{**row("outcome", f"k{number}"), "organisation": "org-2"} for number in range(4)]
    again = [{**row("outcome", "k", trl=9), "organisation": name} for name in ("海河新材料研究院", "渤海研究院")]
    identity = begin(runtime, staff, [*lines, *between, *again], dry_run=dry_run, create_organisations=True)
    handed_on(runtime, identity, 10)
    assert (counts(read(runtime, identity)), faults(runtime, identity)) == ((7, 0, 0, 1), [(7, "/key")])


def test_where_too_many_faults_were_told_a_row_that_stayed_out_keeps_no_later_one_out(
    runtime: Runtime, member: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(findings, "MOST", 3)
    bad = [row("outcome", f"k{number}", trl=99) for number in range(6)]
    identity = begin(
        runtime, member, [row("outcome", "first"), *bad, row("outcome", "first", trl=9), row("outcome", "k5")]
    )
    handed_on(runtime, identity, 10)
    assert counts(read(runtime, identity)) == (2, 0, 0, 7)
    with runtime.db.reading() as session:
        assert len(session.exec(select(ImportFault)).all()) == 3


def test_only_what_others_have_read_is_read_again(runtime: Runtime, member: Person) -> None:
    def missed(worker: Runtime) -> tuple[int, int]:
        present = read(runtime, identity)
        return worker.readings.at(identity, importing.source_of(present), present.done, load).missed

    def load() -> BinaryIO:
        with runtime.db.reading() as session:
            return importing.file_of(session, identity)

    identity = begin(runtime, member, repeated())
    first, second = (replace(runtime, readings=Readings()) for _ in range(2))
    assert missed(first) == (0, 0)
    work(first, steps=2)
    assert missed(first) == (0, 0)
    assert missed(second) == (0, 8)
    work(second, steps=2)
    assert missed(second) == (8, 8)
    assert missed(first) == (4, 16), "its last batch is looked at again: it may not have been stored"
    work(first)
    assert read(runtime, identity).state == "done"
