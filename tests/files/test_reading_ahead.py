"""A file read by a process of its own: the same rows and faults, whatever becomes of the process."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import orjson
import pytest

from market.files import ahead, reading

LINES = 3 * ahead.PIECE


@pytest.fixture
def source(tmp_path: Path) -> Iterator[BinaryIO]:
    """Outcomes, one in a hundred with two faults."""
    path = tmp_path / "outcomes.ndjson"
    with path.open("wb") as file:
        for number in range(LINES):
            row: dict[str, Any] = {"key": f"k{number}", "organisation": "Test", "title_en": f"Pump {number}"}
            if number % 100 == 0:
                row |= {"colour": 1, "trl": 12}
            file.write(orjson.dumps(row) + b"\n")
    with path.open("rb") as file:
        yield file


def _helpers() -> list[int]:
    """The processes of this one that read ahead."""
    children = [
        child for task in Path("/proc/self/task").iterdir() for child in (task / "children").read_text().split()
    ]
    return [int(one) for one in children if b"market.files.ahead" in Path(f"/proc/{one}/cmdline").read_bytes()]


def _here(source: BinaryIO, start: int = 0) -> list[Any]:
    return list(reading.read("outcomes", source, name="outcomes.ndjson", start=start))


@pytest.mark.parametrize("start", [0, 1500])
def test_rows_and_faults_read_ahead_are_those_read_here(source: BinaryIO, start: int) -> None:
    found = list(ahead.read("outcomes", source, name="outcomes.ndjson", start=start))

    assert len(found) > LINES - start
    assert [repr(one) for one in found] == [repr(one) for one in _here(source, start)]
    assert found[-1] == _here(source, start)[-1]
    assert not _helpers()


def test_when_the_process_is_killed_no_row_is_missing_and_none_comes_twice(source: BinaryIO) -> None:
    found = ahead.read("outcomes", source, name="outcomes.ndjson")
    some = [next(found) for _ in range(10)]
    (helper,) = _helpers()
    os.kill(helper, signal.SIGKILL)

    assert [repr(one) for one in (*some, *found)] == [repr(one) for one in _here(source)]


def test_the_process_ends_when_nobody_reads_on(source: BinaryIO) -> None:
    found = ahead.read("outcomes", source, name="outcomes.ndjson")
    next(found)
    assert _helpers()

    del found

    assert not _helpers()
