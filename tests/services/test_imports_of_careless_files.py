"""Imports of files that people filled in without care: what is told of the file, and what of its rows."""

from __future__ import annotations

from datetime import timedelta

import pytest

from market.runtime import Runtime
from tests.factories import Person, add_member
from tests.services.files import counts, faults, imported, notes, row


@pytest.fixture
def member(runtime: Runtime) -> Person:
    """A member of a trusted organisation."""
    return add_member(runtime)


def test_a_file_whose_only_row_is_wrong_was_read(runtime: Runtime, member: Person) -> None:
    done = imported(runtime, member, "成果编号,成果名称,技术成熟度\nA1,涂层,12\n".encode(), name="a.csv")
    assert (done.state, done.why, counts(done)) == ("done", "", (0, 0, 0, 1))


def test_a_file_without_rows_was_not(runtime: Runtime, member: Person) -> None:
    done = imported(runtime, member, "成果编号,成果名称,颜色\n".encode(), name="a.csv")
    assert (done.state, done.why) == ("failed", "file-unreadable")
    assert faults(runtime, done.id)[-1] == (1, "")


def test_a_last_day_that_is_past_is_noted_where_a_row_comes_in(runtime: Runtime, member: Person) -> None:
    past, today = (str((runtime.clock() - timedelta(days=days)).date()) for days in (1, 0))
    lines = [row("outcome", "a", valid_until=past), row("outcome", "b", valid_until=today)]
    done = imported(runtime, member, lines)
    assert (counts(done), notes(runtime, done.id)) == ((2, 0, 0, 0), [1])
    again = imported(runtime, member, lines)
    assert (counts(again), notes(runtime, again.id)) == ((0, 0, 2, 0), [])


def test_what_storing_refuses_is_told_by_the_header_of_its_column(runtime: Runtime, member: Person) -> None:
    rows = ["A,涂层,9,1,", "B,涂层,1,9,别的单位", "C,涂层,1,2,", "C,涂层,1,3,"]
    lines = ["编号,需求名称,预算下限,预算上限,所属单位", *rows]
    done = imported(runtime, member, "\n".join(lines).encode(), "demand", name="d.csv")
    assert faults(runtime, done.id) == [(2, "预算上限 (D)"), (3, "所属单位 (E)"), (5, "编号 (A)")]
    assert counts(done) == (1, 0, 0, 3)
