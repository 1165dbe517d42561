"""Neighbours of a vector on a Meilisearch server: the shared contract, and what only a server must stand."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import pytest
from asking import RUN, Server, indexes, tasks
from contract_vectors import BY_NEARNESS, DOCUMENTS, EAST, SPEC, WRONG, Neighbouring, names
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import titled

from search.engine import BadDocument, BadQuery, Engine, Query
from search.meili import MeiliEngine
from search.meili.documents import unit

NewMeili = Callable[..., MeiliEngine]


class TestNeighbours(Neighbouring):
    @pytest.fixture(scope="class")
    @classmethod
    def new_vectored(cls, new_meili: NewMeili, prefixes: Iterator[str]) -> Callable[[], Engine]:
        return lambda: new_meili(prefix=next(prefixes), specs={"outcomes": SPEC})


@pytest.mark.parametrize("vector", WRONG, ids=str)
def test_a_vector_that_does_not_fit_is_refused_before_anything_is_sent(
    new_meili: NewMeili, meili: Server, vector: object
) -> None:
    engine = new_meili(prefix=f"{RUN}vectors_", specs={"outcomes": SPEC})
    engine.put("outcomes", DOCUMENTS)
    before = tasks(meili, f"{RUN}vectors_")
    with pytest.raises(BadDocument, match=r"bad: vector"):
        engine.put("outcomes", [*titled("新的"), {"id": "bad", "version": 1, "vector": vector}])  # type: ignore[dict-item]
    with pytest.raises(BadQuery, match="vector"):
        engine.search("outcomes", Query(vector=vector))  # type: ignore[arg-type]
    assert tasks(meili, f"{RUN}vectors_") == before


def test_an_index_without_vectors_refuses_one(new_meili: NewMeili) -> None:
    plain = new_meili()
    with pytest.raises(BadQuery):
        plain.search("outcomes", Query(vector=EAST))
    with pytest.raises(BadDocument):
        plain.put("outcomes", [{"id": "a", "version": 1, "vector": EAST}])


def test_a_rebuild_keeps_vectors(new_meili: NewMeili, meili: Server) -> None:
    engine = new_meili(prefix=f"{RUN}revectored_", specs={"outcomes": SPEC})
    assert engine.rebuild("outcomes", DOCUMENTS) == 5
    assert names(engine, Query(vector=EAST)) == BY_NEARNESS
    assert engine.sync(apply=False) == {}
    assert len(indexes(meili, f"{RUN}revectored_")) == 1


@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**80), 2**80), min_size=1, max_size=6)
)
@settings(max_examples=200, deadline=None)
def test_a_unit_vector_has_length_one_or_none(vector: list[float]) -> None:
    length = math.hypot(*unit(vector))
    assert math.isclose(length, 1.0, rel_tol=1e-9) if any(vector) else length == 0.0
