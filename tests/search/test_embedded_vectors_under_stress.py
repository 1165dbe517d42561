"""Vectors in the embedded engine under writers that are killed, many processes and threads, and a full disk."""

from __future__ import annotations

import math
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from contract_vectors import BY_NEARNESS, DOCUMENTS, EAST, names, outcome
from scripts import StartScript, printed
from test_embedded_vectors import SPECS, kept, turned

from search.embedded import EmbeddedEngine
from search.engine import Document, Query


@pytest.fixture
def vectored(tmp_path: Path) -> Iterator[EmbeddedEngine]:
    engine = EmbeddedEngine(tmp_path, writable=True, specs=SPECS)
    yield engine
    engine.close()


# Processes and threads

WRITER = """
import math, sys
from pathlib import Path
sys.path.append("tests/search")
from contract_vectors import SPEC
from search.embedded import EmbeddedEngine

engine = EmbeddedEngine(Path(sys.argv[1]), writable=True, specs={"outcomes": SPEC})
write = getattr(engine, sys.argv[2])
for version in range(1, 10_000):
    angles = [math.radians(version % 170 + i / 10) for i in range(40)]
    vectors = [(math.cos(angle), math.sin(angle), 0, 0) for angle in angles]
    write("outcomes", [{"id": f"n{i:02d}", "version": version, "vector": one} for i, one in enumerate(vectors)])
    print(version, flush=True)
"""


@pytest.fixture
def start_writer(start_script: StartScript) -> StartScript:
    """Starts a process that writes 40 documents again and again, each time turned on by a degree."""

    def start(root: Path, method: str = "put") -> subprocess.Popen[str]:
        return start_script(WRITER, root, method)

    return start


def check_that_each_document_has_its_own_vector(engine: EmbeddedEngine, version: int) -> None:
    """A hit's score tells the angle between it and what was asked for."""
    hits = engine.search("outcomes", Query(vector=EAST, limit=100)).hits
    assert [hit.id for hit in hits] == [f"n{i:02d}" for i in range(40)]
    for i, hit in enumerate(hits):
        assert hit.version == version
        assert hit.score == pytest.approx((1 + math.cos(math.radians(version % 170 + i / 10))) / 2, abs=1e-6)


def check_a_killed_writer_leaves_documents_with_their_vectors(
    start: StartScript, root: Path, method: str, after: int, delay: float
) -> None:
    process = start(root, method)
    assert process.stdout is not None
    for _ in range(after):
        process.stdout.readline()
    time.sleep(delay)  # the moment of the blow, not a wait for anything
    process.send_signal(signal.SIGKILL)
    process.stdout.read()
    process.wait()
    reader = EmbeddedEngine(root, writable=False, specs=SPECS)
    (version,) = set(dict(reader.versions("outcomes")).values())
    check_that_each_document_has_its_own_vector(reader, version)
    engine = EmbeddedEngine(root, writable=True, specs=SPECS)
    check_that_each_document_has_its_own_vector(engine, version)
    assert kept(root) == {f"n{i:02d}": 1 for i in range(40)}
    engine.put("outcomes", DOCUMENTS)
    engine.delete("outcomes", [f"n{i:02d}" for i in range(40)])
    assert names(engine, Query(vector=EAST)) == names(reader, Query(vector=EAST)) == BY_NEARNESS
    engine.close()
    reader.close()


@pytest.mark.parametrize(("method", "after", "delay"), [("put", 3, 0.004), ("put", 1, 0.017), ("rebuild", 2, 0.011)])
def test_a_killed_writer_leaves_documents_with_their_vectors(
    start_writer: StartScript, tmp_path: Path, method: str, after: int, delay: float
) -> None:
    check_a_killed_writer_leaves_documents_with_their_vectors(start_writer, tmp_path, method, after, delay)


@pytest.mark.long
@pytest.mark.parametrize("method", ["put", "rebuild"])
def test_writers_killed_at_many_moments_leave_documents_with_their_vectors(
    start_writer: StartScript, tmp_path: Path, method: str
) -> None:
    for moment in range(20):
        check_a_killed_writer_leaves_documents_with_their_vectors(
            start_writer, tmp_path / str(moment), method, 1 + moment % 4, moment * 0.0037
        )


def test_a_reader_sees_the_vectors_that_another_process_writes(start_writer: StartScript, tmp_path: Path) -> None:
    process = start_writer(tmp_path)
    assert process.stdout is not None
    reader = EmbeddedEngine(tmp_path, writable=False, specs=SPECS)
    for _ in range(8):
        written = int(process.stdout.readline())
        hits = reader.search("outcomes", Query(vector=turned(written % 170), limit=100)).hits
        assert len(hits) == 40
        assert min(hit.version for hit in hits) >= written
    process.kill()
    process.wait()
    (version,) = set(dict(reader.versions("outcomes")).values())
    check_that_each_document_has_its_own_vector(reader, version)
    reader.close()


def test_threads_search_while_others_write_and_rebuild(vectored: EmbeddedEngine) -> None:
    def documents(start: int) -> list[Document]:
        return [outcome(f"o{start + i}", turned(i), "电池", "patent", 1) for i in range(20)]

    vectored.rebuild("outcomes", [*documents(0), *documents(20)])
    ended = threading.Event()
    failures: list[BaseException] = []

    def read() -> None:
        try:
            while not ended.is_set():
                assert vectored.search("outcomes", Query(vector=EAST, limit=100)).total == 40
                assert vectored.search("outcomes", Query("电池", vector=EAST, limit=100)).total == 40
        except BaseException as error:
            failures.append(error)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for thread in readers:
        thread.start()
    for turn in range(10):
        vectored.put("outcomes", documents(turn % 2 * 20))
        if turn % 4 == 0:
            vectored.rebuild("outcomes", [*documents(0), *documents(20)])
    ended.set()
    for thread in readers:
        thread.join()
    assert failures == []
    assert len(names(vectored, Query(vector=EAST, limit=100))) == 40


# The file system

DISK_FULL = """
import resource, signal, sys
from pathlib import Path
sys.path.append("tests/search")
from contract_vectors import EAST, SPEC
from search.embedded import EmbeddedEngine
from search.engine import EngineUnavailable, Query

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
engine = EmbeddedEngine(Path(sys.argv[1]), writable=True, specs={"outcomes": SPEC})
engine.put("outcomes", [{"id": "before", "version": 1, "vector": EAST}])
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
try:
    engine.put("outcomes", [{"id": f"more{i}", "version": 1, "vector": (0, 1, 0, 0)} for i in range(2000)])
except EngineUnavailable as error:
    print("unavailable")
print([hit.id for hit in engine.search("outcomes", Query(vector=EAST)).hits])
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
engine.put("outcomes", [{"id": "after", "version": 1, "vector": (0, 1, 0, 0)}])
print([hit.id for hit in engine.search("outcomes", Query(vector=EAST)).hits])
"""


def test_a_full_disk_is_reported_and_survived(tmp_path: Path) -> None:
    assert printed(DISK_FULL, tmp_path) == ["unavailable", "['before']", "['before', 'after']"]
