"""Vectors in the embedded engine: the contract, the answers of plain counting, and what files must stand."""

from __future__ import annotations

import dataclasses
import math
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from contract_vectors import BY_NEARNESS, DOCUMENTS, EAST, SPEC, Neighbouring, names, outcome
from hypothesis import given, settings
from hypothesis import strategies as st

from search.embedded import EmbeddedEngine
from search.embedded.vectors import unit
from search.engine import AnyOf, BadDocument, BadQuery, Engine, EngineUnavailable, Query
from search.indexes import OUTCOMES

SPECS = {"outcomes": SPEC}


class TestNeighbours(Neighbouring):
    @pytest.fixture(scope="class")
    @classmethod
    def new_vectored(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Engine]]:
        opened: list[Engine] = []

        def new() -> Engine:
            opened.append(EmbeddedEngine(tmp_path_factory.mktemp("vectors"), writable=True, specs=SPECS))
            return opened[-1]

        yield new
        for engine in opened:
            engine.close()


@pytest.fixture
def vectored(tmp_path: Path) -> Iterator[EmbeddedEngine]:
    engine = EmbeddedEngine(tmp_path, writable=True, specs=SPECS)
    yield engine
    engine.close()


def kept(root: Path) -> dict[str, int]:
    """How many vectors the file has for each document."""
    (file,) = root.glob("outcomes-*/vectors.db")
    connection = sqlite3.connect(file)
    rows = connection.execute("SELECT id, count(*) FROM vectors WHERE id IS NOT NULL GROUP BY id").fetchall()
    connection.close()
    return dict(rows)


def turned(degrees: float) -> tuple[float, ...]:
    return (math.cos(math.radians(degrees)), math.sin(math.radians(degrees)), 0.0, 0.0)


def test_an_index_without_vectors_refuses_one(writer: EmbeddedEngine, tmp_path: Path) -> None:
    with pytest.raises(BadQuery):
        writer.search("outcomes", Query(vector=EAST))
    with pytest.raises(BadDocument):
        writer.put("outcomes", [{"id": "a", "version": 1, "vector": EAST}])
    assert not list(tmp_path.glob("*/vectors.db"))


@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**80), 2**80), min_size=1, max_size=6)
)
@settings(max_examples=200, deadline=None)
def test_a_unit_vector_has_length_one_or_none(vector: list[float]) -> None:
    length = math.hypot(*unit(vector).tolist())
    assert math.isclose(length, 1.0, rel_tol=1e-9) if any(vector) else length == 0.0


# The same as plain counting

ANY_VECTOR = st.none() | st.tuples(*[st.integers(-2, 2)] * 4).filter(any)
ANY_OUTCOME = st.tuples(
    ANY_VECTOR, st.sampled_from(["patent", "prototype", "other"]), st.sampled_from(["电池", "电机"])
)


def as_counted(
    held: dict[str, tuple[tuple[int, ...] | None, str, str]], vector: tuple[int, ...], kinds: set[str]
) -> list[str]:
    """The ids that pass, as the protocol orders them: by cosine, then greatest id, the vectorless last."""

    def cosine(name: str) -> float:
        other = held[name][0]
        if other is None:
            return -2.0
        product = sum(a * b for a, b in zip(vector, other, strict=True))
        return round(product / math.hypot(*vector) / math.hypot(*other), 6)

    return sorted((name for name in held if held[name][1] in kinds), key=lambda n: (cosine(n), n), reverse=True)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedEngine]:
    engine = EmbeddedEngine(tmp_path_factory.mktemp("counted"), writable=True, specs=SPECS)
    yield engine
    engine.close()


@pytest.mark.parametrize("few", [0, 2_000], ids=["all rows looked at", "only those the filter leaves"])
@settings(max_examples=25, deadline=None)
@given(
    outcomes=st.lists(ANY_OUTCOME, max_size=30),
    vector=st.tuples(*[st.integers(-2, 2)] * 4).filter(any),
    kinds=st.sets(st.sampled_from(["patent", "prototype"]), min_size=1),
    size=st.integers(1, 12),
)
def test_a_filter_and_a_vector_give_what_plain_counting_gives(
    shared: EmbeddedEngine, few: int, outcomes: list[tuple[tuple[int, ...] | None, str, str]],
    vector: tuple[int, ...], kinds: set[str], size: int,
) -> None:  # fmt: skip
    held = {f"o{i:02d}": one for i, one in enumerate(outcomes)}
    documents = [outcome(name, one, title, kind, 1) for name, (one, kind, title) in held.items()]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("search.embedded.nearest.FEW", few)
        patch.setattr("search.embedded.nearest.FEW_SHARE", 0.0)
        patch.setattr("search.embedded.nearest.SPARE", 1)
        patch.setattr("search.embedded.vectors.BLOCK", 8)
        shared.rebuild("outcomes", documents[::2])
        shared.put("outcomes", documents[1::2])
        expected = as_counted(held, vector, kinds)
        query = Query(vector=vector, filters=(AnyOf("kind", tuple(kinds)),), facets=("kind",), limit=size)
        found: list[str] = []
        for offset in range(0, len(expected) + size, size):
            page = shared.search("outcomes", dataclasses.replace(query, offset=offset))
            found += [hit.id for hit in page.hits]
            assert page.total == len(expected) == sum(page.facets["kind"].values())
        assert found == expected


def test_pages_of_words_and_vector_join_and_are_ordered_by_both(vectored: EmbeddedEngine) -> None:
    titles = ("电池", "电池与电机的材料", "电机")
    documents = [
        outcome(f"o{i:03d}", None if i % 7 == 0 else turned(i % 90), titles[i % 3], "patent", 1) for i in range(400)
    ]
    for start in (0, 150, 300):
        vectored.put("outcomes", documents[start : start + 150])
    query = Query("电池", vector=EAST, semantic=0.4, limit=1000)
    whole = vectored.search("outcomes", query).hits
    scores = [hit.score for hit in whole]
    assert scores == sorted(scores, reverse=True)
    assert {hit.id for hit in whole} == {
        str(d["id"]) for d in documents if "vector" in d or "电池" in str(d["title_zh"])
    }
    for size in (7, 90):
        joined = [
            hit.id
            for offset in range(0, len(whole), size)
            for hit in vectored.search("outcomes", dataclasses.replace(query, offset=offset, limit=size)).hits
        ]
        assert joined == [hit.id for hit in whole]


@pytest.mark.parametrize("semantic", [0.1, 0.5, 0.9, 1.0])
def test_a_page_is_the_best_of_all_however_small_the_pool_begins(
    vectored: EmbeddedEngine, monkeypatch: pytest.MonkeyPatch, semantic: float
) -> None:
    titles = ["电池" + "与电机" * (i * 7 % 11) for i in range(120)]
    vectored.put(
        "outcomes", [outcome(f"o{i:03d}", turned(i * 13 % 180), t, "other", 1) for i, t in enumerate(titles)]
    )
    query = Query("电池", vector=EAST, semantic=semantic, limit=10)
    expected = vectored.search("outcomes", query).hits
    monkeypatch.setattr("search.embedded.nearest.POOLS", (12, 20, 40, 80, 160))
    assert vectored.search("outcomes", query).hits == expected


def test_where_no_document_has_every_word_those_with_most_come_before_neighbours(vectored: EmbeddedEngine) -> None:
    vectored.put(
        "outcomes",
        [
            outcome("most", turned(90), "石墨烯电池的隔膜", "patent", 1),
            outcome("near", turned(80), "水质监测", "patent", 1),
            outcome("lens", None, "显微镜", "patent", 1),
        ],
    )
    page = vectored.search("outcomes", Query("石墨烯 隔膜 电池 显微镜", vector=EAST, facets=("kind",)))
    assert [hit.id for hit in page.hits] == ["most", "near"]
    assert (page.total, page.facets) == (0, {"kind": {}})


# Documents that come and go


def test_a_vector_is_kept_once_whatever_happens_to_its_document(vectored: EmbeddedEngine, tmp_path: Path) -> None:
    for degrees in (10, 20, 30):
        vectored.put("outcomes", [outcome(name, turned(degrees), "电池", "patent", 1) for name in "abc"])
    vectored.put("outcomes", [outcome("a", None, "电池", "patent", 1)])
    vectored.delete("outcomes", ["b", "unknown"])
    vectored.put("outcomes", DOCUMENTS)
    assert names(vectored, Query(vector=EAST)) == ["east", "nearly", "c", "north", "west", "nowhere", "a"]
    vectored.close()
    assert kept(tmp_path) == {"c": 1, "east": 1, "nearly": 1, "north": 1, "west": 1}


def test_places_of_what_is_gone_are_used_again(vectored: EmbeddedEngine, tmp_path: Path) -> None:
    for version in range(12):
        vectored.put("outcomes", [outcome(f"o{version}", turned(version), "电池", "patent", 1)])
        vectored.delete("outcomes", [f"o{version - 1}"])
    (file,) = tmp_path.glob("outcomes-*/vectors.db")
    connection = sqlite3.connect(file)
    assert connection.execute("SELECT count(*) FROM vectors").fetchone()[0] <= 4
    connection.close()
    assert names(vectored, Query(vector=EAST)) == ["o11"]


def test_a_change_that_fails_leaves_the_vectors_as_they_were(vectored: EmbeddedEngine, tmp_path: Path) -> None:
    vectored.put("outcomes", DOCUMENTS)
    (folder,) = tmp_path.glob("outcomes-*")
    (folder / "meta.json").rename(folder / "hidden")
    (folder / "meta.json").mkdir()  # so that nothing can be committed
    with pytest.raises(EngineUnavailable):
        vectored.put("outcomes", [outcome("east", turned(170), "电池", "patent", 1)])
    (folder / "meta.json").rmdir()
    (folder / "hidden").rename(folder / "meta.json")
    assert names(vectored, Query(vector=EAST)) == BY_NEARNESS
    vectored.put("outcomes", [outcome("last", turned(179), "电池", "patent", 1)])
    assert names(vectored, Query(vector=EAST)) == ["east", "nearly", "north", "last", "west", "nowhere"]


def test_an_index_lost_while_running_is_made_again_with_its_vectors(vectored: EmbeddedEngine, tmp_path: Path) -> None:
    vectored.put("outcomes", DOCUMENTS)
    assert names(vectored, Query(vector=EAST)) == BY_NEARNESS
    (folder,) = tmp_path.glob("outcomes-*")
    shutil.rmtree(folder)
    with pytest.raises(EngineUnavailable):
        vectored.search("outcomes", Query(vector=EAST))
    vectored.put("outcomes", DOCUMENTS[1:])
    assert names(vectored, Query(vector=EAST)) == BY_NEARNESS[1:]


def test_lost_or_damaged_vectors_are_no_harm_to_words(tmp_path: Path) -> None:
    engine = EmbeddedEngine(tmp_path, writable=True, specs=SPECS)
    engine.put("outcomes", DOCUMENTS)
    engine.close()
    (file,) = tmp_path.glob("outcomes-*/vectors.db")
    file.write_bytes(b"no database" * 1000)
    reader = EmbeddedEngine(tmp_path, writable=False, specs=SPECS)
    assert {*names(reader, Query("电池"))} == {"east", "west", "nowhere"}
    with pytest.raises(EngineUnavailable):
        reader.search("outcomes", Query(vector=EAST))
    with pytest.raises(EngineUnavailable, match="delete the folder and rebuild"):
        EmbeddedEngine(tmp_path, writable=True, specs=SPECS)
    file.unlink()
    engine = EmbeddedEngine(tmp_path, writable=True, specs=SPECS)
    engine.put("outcomes", DOCUMENTS[3:4])
    assert names(engine, Query(vector=EAST))[0] == "west"
    assert {*names(engine, Query(vector=EAST))} == {*BY_NEARNESS}
    assert {*names(engine, Query("电池", vector=EAST))} == {"east", "west", "nowhere"}
    assert engine.rebuild("outcomes", DOCUMENTS) == 5
    assert names(engine, Query(vector=EAST)) == BY_NEARNESS
    engine.close()
    reader.close()


def test_the_numbers_of_vectors_that_a_power_cut_took_are_given_to_no_other(tmp_path: Path) -> None:
    engine = EmbeddedEngine(tmp_path, writable=True, specs=SPECS)
    engine.put("outcomes", DOCUMENTS)
    engine.delete("outcomes", ["nearly"])
    engine.close()
    (file,) = tmp_path.glob("outcomes-*/vectors.db")
    older = file.read_bytes()
    engine = EmbeddedEngine(tmp_path, writable=True, specs=SPECS)
    engine.put("outcomes", [outcome(name, turned(90), "土壤", "patent", 1) for name in ("lost1", "lost2", "lost3")])
    engine.close()
    file.write_bytes(older)
    engine = EmbeddedEngine(tmp_path, writable=True, specs=SPECS)
    engine.put("outcomes", [outcome(f"new{i}", EAST, "土壤", "patent", 1) for i in range(5)])
    found = engine.search("outcomes", Query(vector=EAST)).hits
    assert [hit.id for hit in found if hit.score > 0.4] == ["new4", "new3", "new2", "new1", "new0", "east", "north"]
    assert {hit.id for hit in found if hit.score < 1e-6} == {"west", "nowhere", "lost1", "lost2", "lost3"}
    engine.close()


def test_other_dimensions_open_an_index_of_their_own(vectored: EmbeddedEngine, tmp_path: Path) -> None:
    vectored.put("outcomes", DOCUMENTS)
    vectored.close()
    for dimensions in (0, 5):
        specs = {"outcomes": dataclasses.replace(OUTCOMES, dimensions=dimensions)}
        engine = EmbeddedEngine(tmp_path, writable=True, specs=specs)
        assert engine.count("outcomes") == 0
        engine.close()
