"""Rebuilds on a Meilisearch server: killed anywhere, beside readers, writers and each other."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from asking import RUN, Server, done, indexes
from samples import THREE, ids, titled

import search
from search.engine import BadDocument, Document, EngineUnavailable, Query
from search.meili import MeiliEngine, making, rebuilding

pytestmark = pytest.mark.long

NewMeili = Callable[..., MeiliEngine]
PROJECT = Path(search.__file__).parents[1]

REBUILDER = """
import os, sys
from search.indexes import OUTCOMES
from search.meili import MeiliEngine, making, rebuilding

url, key, prefix, point = sys.argv[1:]
engine = MeiliEngine(url, key, prefix=prefix, seconds=30, writable=True, specs={"outcomes": OUTCOMES})
make, swap = making.make, rebuilding.swap

def documents():
    for number in range(30):
        if point == "filling" and number == 25:
            os._exit(9)
        yield {"id": f"new{number}", "version": 7, "title_zh": "新的电池"}

def making_it(*given):
    make(*given)
    if point == "made":
        os._exit(9)

def swapping(*given):
    if point == "filled":
        os._exit(9)
    swap(*given)
    os._exit(9)

making.make, rebuilding.swap, rebuilding.BATCH = making_it, swapping, 10
engine.rebuild("outcomes", documents())
"""

OLD = {f"old{number}": 1 for number in range(20)}
NEW = {f"new{number}": 7 for number in range(30)}


def documents(versions: dict[str, int], title: str = "旧的电池") -> list[Document]:
    return [{"id": name, "version": version, "title_zh": title} for name, version in versions.items()]


def content(engine: MeiliEngine) -> dict[str, int]:
    """Every id and version, as told by all the ways in which it is."""
    versions = list(engine.versions("outcomes"))
    assert versions == sorted(versions)
    page = engine.search("outcomes", Query(limit=1000))
    assert engine.count("outcomes") == page.total == len(versions)
    if len(versions) <= 1000:
        assert {hit.id: hit.version for hit in page.hits} == dict(versions)
    return dict(versions)


@pytest.fixture(scope="module")
def engine(new_meili: NewMeili) -> MeiliEngine:
    return new_meili(prefix=f"{RUN}rebuilt_")


def leftovers(server: Server) -> list[str]:
    return [name for name in indexes(server, f"{RUN}rebuilt_") if "_next" in name]


@pytest.mark.parametrize(("point", "expected"), [("made", OLD), ("filling", OLD), ("filled", OLD), ("swapped", NEW)])
def test_a_rebuild_that_is_killed_leaves_a_whole_index_and_the_next_succeeds(
    engine: MeiliEngine, meili: Server, monkeypatch: pytest.MonkeyPatch, point: str, expected: dict[str, int]
) -> None:
    assert engine.rebuild("outcomes", documents(OLD)) == len(OLD)
    killed = subprocess.run(
        [sys.executable, "-c", REBUILDER, meili.url, meili.key, f"{RUN}rebuilt_", point],
        check=False, cwd=PROJECT, env={**os.environ, "PYTHONPATH": str(PROJECT)}, timeout=120,
    )  # fmt: skip
    assert killed.returncode == 9
    assert content(engine) == expected
    (left,) = leftovers(meili)
    assert engine.rebuild("outcomes", documents(NEW)) == len(NEW)
    assert content(engine) == NEW
    assert leftovers(meili) == [left]  # it might be another's that is still being filled
    assert engine.sync(apply=False) == {left: ["outdated"]}
    monkeypatch.setattr(making, "ABANDONED", timedelta(0))
    engine.rebuild("outcomes", documents(OLD))
    assert leftovers(meili) == []
    assert content(engine) == OLD


@pytest.mark.parametrize("times", [2, 4])
def test_a_swap_that_the_server_repeats_is_noticed_and_put_right(
    engine: MeiliEngine, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    engine.rebuild("outcomes", documents(OLD))
    swapped: list[int] = []
    exchange = rebuilding.exchange

    def repeated(client: Any, pairs: Any) -> int:
        swapped.append(0)
        for _ in range(times - 1 if len(swapped) == 1 else 0):
            rebuilding.follow(engine._writing, [exchange(client, pairs)])
        return exchange(client, pairs)

    monkeypatch.setattr(rebuilding, "exchange", repeated)
    engine.rebuild("outcomes", documents(NEW))
    assert len(swapped) == 2
    assert content(engine) == NEW


def test_a_swap_that_never_holds_ends_with_the_old_content_whole(
    engine: MeiliEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.rebuild("outcomes", documents(OLD))
    exchange = rebuilding.exchange

    def undone(client: Any, pairs: Any) -> int:
        rebuilding.follow(engine._writing, [exchange(client, pairs)])
        return exchange(client, pairs)

    monkeypatch.setattr(rebuilding, "exchange", undone)
    with pytest.raises(EngineUnavailable, match="could not be swapped"):
        engine.rebuild("outcomes", documents(NEW))
    assert content(engine) == OLD


def test_an_index_that_sync_removes_while_it_is_filled_never_goes_live(
    engine: MeiliEngine, new_meili: NewMeili, meili: Server
) -> None:
    engine.rebuild("outcomes", documents(OLD))
    other = new_meili(prefix=f"{RUN}rebuilt_")

    def disturbed(before: int) -> Iterator[Document]:
        for number, document in enumerate(documents(NEW)):
            if number == before:
                other.sync(apply=True)
            yield document

    for before in (0, 29):
        with pytest.raises(EngineUnavailable):
            engine.rebuild("outcomes", disturbed(before))
        assert content(engine) == OLD
        assert leftovers(meili) == []
    assert engine.sync(apply=False) == {}


def test_what_the_server_refuses_of_a_rebuild_is_a_bad_document_and_changes_nothing(
    engine: MeiliEngine, monkeypatch: pytest.MonkeyPatch, meili: Server
) -> None:
    engine.rebuild("outcomes", documents(OLD))
    monkeypatch.setattr("search.meili.engine.to_meili", spoiled("new4"))
    with pytest.raises(BadDocument, match="new4"):
        engine.rebuild("outcomes", documents(NEW))
    assert content(engine) == OLD
    assert leftovers(meili) == []


def spoiled(name: str) -> Callable[..., dict[str, Any]]:
    """Documents as they are, but one that the server cannot hold."""
    from search.meili.documents import to_meili

    def form(spec: Any, document: Document) -> dict[str, Any]:
        held = to_meili(spec, document)
        return held | {"id": f"{name} is no id"} if document["id"] == name else held

    return form


def test_large_batches_are_sent_in_pieces(engine: MeiliEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rebuilding, "LARGEST_PAYLOAD", 2_000)
    assert engine.rebuild("outcomes", documents(NEW)) == len(NEW)
    assert content(engine) == NEW


def test_of_two_with_one_id_in_a_rebuild_the_later_stays(
    engine: MeiliEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuilding, "BATCH", 3)
    twice = [*documents({"a": 1, "b": 1, "c": 1, "d": 1}), *documents({"a": 3, "d": 2}), *documents({"a": 2})]
    assert engine.rebuild("outcomes", twice) == 4
    assert content(engine) == {"a": 2, "b": 1, "c": 1, "d": 2}


def test_readers_and_writers_go_on_while_five_thousand_are_filled_in(
    engine: MeiliEngine, new_meili: NewMeili
) -> None:
    before = {f"n{number:04d}": 1 for number in range(500)}
    engine.rebuild("outcomes", documents(before, "旧的电池"))
    ended = threading.Event()
    failures: list[BaseException] = []
    totals: list[int] = []

    def read() -> None:
        reader = new_meili(prefix=f"{RUN}rebuilt_", writable=False)
        try:
            while not ended.is_set():
                page = reader.search("outcomes", Query("电池", limit=20))
                assert len({hit.version for hit in page.hits} - {9}) == 1
                totals.append(page.total)
        except BaseException as error:
            failures.append(error)

    def filled() -> Iterator[Document]:
        yield from documents({f"n{number:04d}": 2 for number in range(5_000)}, "新的电池")
        engine.put("outcomes", documents({"n0001": 9, "later": 9}))  # as a worker does meanwhile
        engine.delete("outcomes", ["n0002"])
        yield from documents({"n0001": 9, "later": 9}, "新的电池")  # and the database tells afterwards

    thread = threading.Thread(target=read)
    thread.start()
    began = time.monotonic()
    assert engine.rebuild("outcomes", filled()) == 5_001
    print(f"5,001 in {time.monotonic() - began:.1f} s beside {len(totals)} searches")
    while totals[-1] != 5_001 and not failures:
        time.sleep(0.05)
    ended.set()
    thread.join()
    assert failures == []
    assert {*totals} <= {500, 501, 5_001}
    assert {*totals[totals.index(5_001) :]} == {5_001}
    assert content(engine) == {f"n{number:04d}": 2 for number in range(5_000)} | {"n0001": 9, "later": 9}


def test_two_rebuilds_at_once_leave_the_content_of_one_of_them(engine: MeiliEngine, new_meili: NewMeili) -> None:
    engine.rebuild("outcomes", documents(OLD))
    starting = threading.Barrier(2)
    outcomes: list[object] = []

    def rebuild(number: int) -> None:
        one = new_meili(prefix=f"{RUN}rebuilt_")
        starting.wait()
        try:
            outcomes.append(one.rebuild("outcomes", documents({f"r{number}-{i}": number for i in range(50)})))
        except EngineUnavailable as error:
            outcomes.append(error)

    threads = [threading.Thread(target=rebuild, args=(number,)) for number in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count(50) >= 1
    assert content(engine) in [{f"r{number}-{i}": number for i in range(50)} for number in (1, 2)]
    assert engine.sync(apply=False) == {}


def test_an_index_of_another_s_making_under_the_name_of_ours_takes_no_documents(
    new_meili: NewMeili, meili: Server
) -> None:
    engine = new_meili(prefix=f"{RUN}lost_")
    engine.put("outcomes", THREE)
    (name,) = indexes(meili, f"{RUN}lost_")
    done(meili, "DELETE", f"indexes/{name}")
    refused = done(meili, "POST", f"indexes/{name}/documents", [{"id": "a", "_id": "a"}])
    assert refused["error"]["code"] == "index_primary_key_multiple_candidates_found"
    engine.put("outcomes", titled("新的电池"))
    engine.delete("outcomes", ["nobody"])
    assert ids(engine, "电池") == {"o0"}
    assert engine.sync(apply=False) == {}
    done(meili, "DELETE", f"indexes/{name}")
    engine.delete("outcomes", ["o0"])
    assert engine.count("outcomes") == 0
    assert engine.sync(apply=False) == {}
