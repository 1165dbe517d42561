"""The embedded engine: the contract, and what only an engine of files must stand."""

from __future__ import annotations

import dataclasses
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from contract import EngineContract
from samples import GRAPHENE, SECRET, SENSOR, THREE, ids, titled
from scripts import StartScript, printed

from search.embedded import EmbeddedEngine
from search.engine import (
    Engine,
    EngineLocked,
    EngineUnavailable,
    Query,
)
from search.indexes import INDEXES, OUTCOMES, TextField, fingerprint

WRITER = """
import sys
from pathlib import Path
from search.embedded import EmbeddedEngine

engine = EmbeddedEngine(Path(sys.argv[1]), writable=True)
write = getattr(engine, sys.argv[2])
for version in range(1, 10_000):
    title = f"第{version}批电池"
    write("outcomes", [{"id": f"n{i}", "version": version, "title_zh": title} for i in range(40)])
    print(version, flush=True)
    if sys.argv[3] == "once":
        sys.stdin.read()
"""


@pytest.fixture
def start_writer(start_script: StartScript) -> StartScript:
    """Starts a process that writes batches of 40 documents and prints the number of each finished one."""

    def start(root: Path, *, method: str = "put", times: str = "on") -> subprocess.Popen[str]:
        return start_script(WRITER, root, method, times)

    return start


class TestEmbeddedEngine(EngineContract):
    @pytest.fixture(scope="class")
    @classmethod
    def new_engine(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Engine]]:
        opened: list[Engine] = []

        def new() -> Engine:
            opened.append(EmbeddedEngine(tmp_path_factory.mktemp("index"), writable=True))
            return opened[-1]

        yield new
        for engine in opened:
            engine.close()


# Processes


def check_a_killed_writer_leaves_a_whole_batch(
    start: StartScript, root: Path, *, method: str, after: int, delay: float
) -> None:
    process = start(root, method=method)
    assert process.stdout is not None
    for _ in range(after):
        process.stdout.readline()
    time.sleep(delay)  # the moment of the blow, not a wait for anything
    process.send_signal(signal.SIGKILL)
    acknowledged = max([after, *map(int, process.stdout.read().split())])
    process.wait()

    engine = EmbeddedEngine(root, writable=True)
    try:
        versions = dict(engine.versions("outcomes"))
        (version,) = set(versions.values()) or {0}
        assert version in (acknowledged, acknowledged + 1)
        assert len(versions) == engine.count("outcomes") == (40 if version else 0)
        assert engine.search("outcomes", Query(text=f'"第{version}批电池"')).total == len(versions)
        engine.put("outcomes", titled("仍可写入"))
        assert ids(engine, "仍可写入") == {"o0"}
    finally:
        engine.close()


@pytest.mark.parametrize(("method", "after", "delay"), [("put", 3, 0.004), ("put", 1, 0.013), ("rebuild", 2, 0.009)])
def test_a_killed_writer_leaves_a_whole_batch(
    start_writer: StartScript, tmp_path: Path, method: str, after: int, delay: float
) -> None:
    check_a_killed_writer_leaves_a_whole_batch(start_writer, tmp_path, method=method, after=after, delay=delay)


@pytest.mark.long
@pytest.mark.parametrize("method", ["put", "rebuild"])
def test_writers_killed_at_many_moments_leave_whole_batches(
    start_writer: StartScript, tmp_path: Path, method: str
) -> None:
    for moment in range(20):
        check_a_killed_writer_leaves_a_whole_batch(
            start_writer, tmp_path / str(moment), method=method, after=moment % 5, delay=moment * 0.0037
        )


def test_another_process_may_not_write_too(start_writer: StartScript, tmp_path: Path) -> None:
    process = start_writer(tmp_path, times="once")
    assert process.stdout is not None
    process.stdout.readline()
    with pytest.raises(EngineLocked, match=f"process {process.pid} already writes .* stop it"):
        EmbeddedEngine(tmp_path, writable=True)


def test_a_reader_sees_what_another_process_has_written(start_writer: StartScript, tmp_path: Path) -> None:
    reader = EmbeddedEngine(tmp_path, writable=False)
    process = start_writer(tmp_path)
    assert process.stdout is not None
    for _ in range(5):
        written = int(process.stdout.readline())
        seen = set(dict(reader.versions("outcomes")).values())
        assert len(seen) == 1
        assert seen.pop() >= written
    reader.close()


def test_in_one_process_too_only_one_engine_writes(writer: EmbeddedEngine, tmp_path: Path) -> None:
    with pytest.raises(EngineLocked):
        EmbeddedEngine(tmp_path, writable=True)


def test_a_closed_writer_leaves_its_right_to_the_next(tmp_path: Path) -> None:
    for version in (1, 2, 3):
        engine = EmbeddedEngine(tmp_path, writable=True)
        engine.put("outcomes", [{"id": "a", "version": version}])
        engine.close()
        engine.close()
    reader = EmbeddedEngine(tmp_path, writable=False)
    assert list(reader.versions("outcomes")) == [("a", 3)]


def test_a_reader_without_an_index_says_what_to_do(tmp_path: Path) -> None:
    reader = EmbeddedEngine(tmp_path / "nowhere", writable=False)
    with pytest.raises(EngineUnavailable, match="start the worker"):
        reader.ready()
    with pytest.raises(EngineUnavailable):
        reader.search("outcomes", Query())
    assert not (tmp_path / "nowhere").exists()


def test_a_reader_becomes_ready_when_the_index_is_made(tmp_path: Path) -> None:
    reader = EmbeddedEngine(tmp_path, writable=False)
    with pytest.raises(EngineUnavailable):
        reader.ready()
    writer = EmbeddedEngine(tmp_path, writable=True)
    reader.ready()
    assert reader.count("outcomes") == 0
    writer.put("outcomes", THREE)
    assert reader.count("outcomes") == 3
    writer.delete("outcomes", ["secret"])
    assert ids(reader) == {"graphene", "sensor"}
    writer.close()


def test_a_reader_does_not_write(writer: EmbeddedEngine, tmp_path: Path) -> None:
    reader = EmbeddedEngine(tmp_path, writable=False)
    for write in (
        lambda: reader.put("outcomes", THREE),
        lambda: reader.delete("outcomes", ["a"]),
        lambda: reader.rebuild("outcomes", THREE),
    ):
        with pytest.raises(EngineUnavailable, match="only reads"):
            write()


# Files


def test_a_new_fingerprint_opens_empty_and_removes_the_old(tmp_path: Path) -> None:
    old = EmbeddedEngine(tmp_path, writable=True)
    old.put("outcomes", THREE)
    old.close()
    changed = dataclasses.replace(OUTCOMES, text=(*OUTCOMES.text, TextField("claims_zh", 1, "zh")))
    assert fingerprint(changed) != fingerprint(OUTCOMES)

    specs = {**INDEXES, "outcomes": changed}
    assert EmbeddedEngine(tmp_path, writable=False).count("outcomes") == 3
    with pytest.raises(EngineUnavailable):
        EmbeddedEngine(tmp_path, writable=False, specs=specs).count("outcomes")
    new = EmbeddedEngine(tmp_path, writable=True, specs=specs)
    assert new.count("outcomes") == 0
    new.put("outcomes", [{**GRAPHENE, "claims_zh": "权利要求"}])
    assert ids(new, "权利要求") == {"graphene"}
    assert len(list(tmp_path.glob("outcomes-*"))) == 1
    new.close()


def test_the_same_code_opens_the_same_index(tmp_path: Path) -> None:
    for _ in range(2):
        engine = EmbeddedEngine(tmp_path, writable=True)
        engine.put("outcomes", [SENSOR])
        engine.close()
    assert len(list(tmp_path.glob("outcomes-*"))) == 1


def test_an_index_lost_while_running_is_reported_and_made_again(writer: EmbeddedEngine, tmp_path: Path) -> None:
    writer.put("outcomes", THREE)
    (folder,) = tmp_path.glob("outcomes-*")
    shutil.rmtree(folder)
    with pytest.raises(EngineUnavailable):
        writer.count("outcomes")
    writer.put("outcomes", [SENSOR])
    assert ids(writer) == {"sensor"}
    writer.rebuild("outcomes", [SENSOR, SECRET])
    assert ids(writer) == {"sensor", "secret"}


def test_a_damaged_index_says_that_it_may_be_deleted(tmp_path: Path) -> None:
    EmbeddedEngine(tmp_path, writable=True).close()
    (folder,) = tmp_path.glob("outcomes-*")
    (folder / "meta.json").write_text("{")
    with pytest.raises(EngineUnavailable):
        EmbeddedEngine(tmp_path, writable=False).ready()
    with pytest.raises(EngineUnavailable, match="delete the folder and rebuild"):
        EmbeddedEngine(tmp_path, writable=True)


DISK_FULL = """
import resource, signal, sys
from pathlib import Path
from search.embedded import EmbeddedEngine
from search.engine import EngineUnavailable, Query

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
engine = EmbeddedEngine(Path(sys.argv[1]), writable=True)
engine.put("outcomes", [{"id": "before", "version": 1}])
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
title = "".join(map(chr, range(0x4E00, 0x9000)))
try:
    engine.put("outcomes", [{"id": "too-much", "version": 1, "title_zh": title}])
except EngineUnavailable as error:
    print("unavailable")
print(sorted(hit.id for hit in engine.search("outcomes", Query()).hits))
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
engine.put("outcomes", [{"id": "after", "version": 1}])
print(sorted(hit.id for hit in engine.search("outcomes", Query()).hits))
"""


def test_a_full_disk_is_reported_and_survived(tmp_path: Path) -> None:
    assert printed(DISK_FULL, tmp_path) == ["unavailable", "['before']", "['after', 'before']"]
