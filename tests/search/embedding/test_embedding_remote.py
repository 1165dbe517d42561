"""Embedders at an address keep the contract, and ask as their servers expect."""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np
import pytest
from embedding_contract import TEXTS, EmbedderContract
from embedding_server import DIMENSIONS, KEY, Said, Server, data, embeddings_server, entries, vector_of

from search.embedding import BadVectors, Embedder
from search.embedding.remote import MOST_CHARACTERS, MOST_TEXTS, RemoteEmbedder, batches


class TestRemote(EmbedderContract):
    @pytest.fixture(scope="class")
    @classmethod
    def embedder(cls) -> Iterator[Embedder]:
        with embeddings_server() as server:
            embedder = RemoteEmbedder(server.url, model="test", key=KEY)
            yield embedder
            embedder.close()


@pytest.fixture
def embedder(server: Server) -> Iterator[RemoteEmbedder]:
    embedder = RemoteEmbedder(server.url, model="test", key=KEY)
    yield embedder
    embedder.close()


def unit(text: str, dimensions: int = DIMENSIONS) -> np.ndarray:
    vector = np.asarray(vector_of(text, dimensions))
    return vector / np.linalg.norm(vector)  # type: ignore[no-any-return]


# What is asked


def test_a_request_has_the_model_the_texts_and_the_key(server: Server, embedder: RemoteEmbedder) -> None:
    embedder.embed(["锂电池"], role="query")
    assert [(one.path, one.key) for one in server.asked] == [("/v1/embeddings", f"Bearer {KEY}")]
    assert server.asked[0].payload == {"model": "test", "input": ["锂电池"], "encoding_format": "float"}


def test_without_a_key_none_is_sent_and_an_address_may_end_with_a_slash(server: Server) -> None:
    RemoteEmbedder(f"{server.url}/", model="test").embed(["锂电池"], role="query")
    assert (server.asked[0].path, server.asked[0].key) == ("/v1/embeddings", "")


def test_each_role_has_its_prefix(server: Server) -> None:
    embedder = RemoteEmbedder(server.url, model="test", prefixes={"query": "query: ", "passage": "passage: "})
    asks = embedder.embed(["锂电池", ""], role="query")
    embedder.embed(["锂电池"], role="passage")
    assert [one.payload["input"] for one in server.asked] == [["query: 锂电池", "query: ."], ["passage: 锂电池"]]
    assert np.allclose(asks[0], unit("query: 锂电池"), atol=1e-6)


def test_dimensions_are_asked_for_where_they_are_given(server: Server) -> None:
    embedder = RemoteEmbedder(server.url, model="test", dimensions=5)
    assert embedder.dimensions == 5
    assert server.asked == []
    assert embedder.embed(["锂电池"], role="query").shape == (1, 5)
    assert server.asked[0].payload["dimensions"] == 5


def test_dimensions_that_are_not_given_are_learnt_once(server: Server, embedder: RemoteEmbedder) -> None:
    assert embedder.dimensions == DIMENSIONS
    assert embedder.dimensions == DIMENSIONS
    assert len(server.asked) == 1
    server.always = lambda payload: data([{"index": 0, "embedding": [1.0, 2.0]}])
    with pytest.raises(BadVectors, match=r"\(1, 2\) came, not 1 of 8"):
        embedder.embed(["锂电池"], role="query")


def test_many_texts_go_in_batches_over_one_connection_and_come_back_in_order(
    server: Server, embedder: RemoteEmbedder
) -> None:
    texts = [f"成果 {number}" for number in range(150)]
    rows = embedder.embed(texts, role="passage")
    assert [len(one.payload["input"]) for one in server.asked] == [64, 64, 22]
    assert len({one.connection for one in server.asked}) == 1
    assert np.allclose(rows, [unit(text) for text in texts], atol=1e-6)


def test_batches_hold_so_many_characters_and_lose_nothing() -> None:
    texts = ["x" * size for size in (1, 60_000, 40_000, 99_999, 150_000, *[2_000] * 130)]
    made = list(batches(texts))
    assert [text for batch in made for text in batch] == texts
    assert all(len(batch) <= MOST_TEXTS for batch in made)
    assert all(len(batch) == 1 or sum(map(len, batch)) <= MOST_CHARACTERS for batch in made)


def test_what_a_server_gets_is_readable(server: Server, embedder: RemoteEmbedder) -> None:
    embedder.embed(["", "a\x00b\ud800c\r\n d", "x" * 5_000], role="passage")
    assert server.asked[0].payload["input"] == [".", "a b c d", "x" * 2_000]


def test_a_longest_text_may_be_given(server: Server) -> None:
    RemoteEmbedder(server.url, model="test", longest=10).embed(["x" * 50], role="passage")
    assert server.asked[0].payload["input"] == ["x" * 10]


def test_the_name_tells_what_changes_the_vectors_and_not_where_they_are_made() -> None:
    here, there = "http://127.0.0.1:1/v1", "http://127.0.0.1:2/v1"
    assert RemoteEmbedder(here, model="m").model == RemoteEmbedder(there, model="m", key=KEY).model == "remote/m"
    names = {
        RemoteEmbedder(here, model="m", dimensions=5).model,
        RemoteEmbedder(here, model="n").model,
        RemoteEmbedder(here, model="m", prefixes={"query": "q: "}).model,
        RemoteEmbedder(here, model="m", prefixes={"passage": "q: "}).model,
        RemoteEmbedder(here, model="m", longest=500).model,
        RemoteEmbedder(here, model="m").model,
    }
    assert len(names) == 6


# What comes back


def test_vectors_are_put_where_their_index_says(server: Server, embedder: RemoteEmbedder) -> None:
    def shuffled(payload: dict[str, object]) -> Said:
        told = entries(payload)
        random.Random(1).shuffle(told)
        return data(told)

    server.always = shuffled
    assert np.allclose(embedder.embed(TEXTS, role="query"), [unit(text) for text in TEXTS], atol=1e-6)


def test_an_index_of_zero_may_be_left_out(server: Server, embedder: RemoteEmbedder) -> None:
    server.always = lambda payload: data(
        [{name: value for name, value in one.items() if name != "index" or value} for one in entries(payload)]
    )
    assert np.allclose(embedder.embed(TEXTS, role="query"), [unit(text) for text in TEXTS], atol=1e-6)


ONE = [1.0] * DIMENSIONS
BAD: dict[str, tuple[list[object], str]] = {
    "too few": ([{"index": 0, "embedding": ONE}], "1 vectors came for 2 texts"),
    "too many": ([{"index": n, "embedding": ONE} for n in range(3)], "3 vectors came for 2 texts"),
    "none": ([], "0 vectors came"),
    "an index twice": ([{"index": 1, "embedding": ONE}] * 2, r"indexes \[1, 1\]"),
    "an index beyond": ([{"index": n, "embedding": ONE} for n in (0, 2)], r"indexes \[0, 2\]"),
    "an index that is none": ([{"index": "0", "embedding": ONE}] * 2, "indexes"),
    "other dimensions": ([{"index": n, "embedding": [1.0, 2.0]} for n in range(2)], r"\(2, 2\) came, not 2 of 8"),
    "several lengths": ([{"index": n, "embedding": [1.0] * (8 + n)} for n in range(2)], "no vectors of one length"),
    "NaN": ([{"index": n, "embedding": [float("nan"), *ONE[1:]]} for n in range(2)], "vector 0 of 2 holds nan"),
    "infinity": (
        [{"index": n, "embedding": [*ONE[1:], -float("inf")]} for n in range(2)],
        "vector 0 of 2 holds -inf",
    ),
    "null": ([{"index": n, "embedding": [None, *ONE[1:]]} for n in range(2)], "vector 0 of 2 holds nan"),
    "zeros": ([{"index": n, "embedding": [float(1 - n)] * 8} for n in range(2)], "vector 1 of 2 is 8 zeros"),
    "base64": ([{"index": n, "embedding": "AACAPwAAAEA="} for n in range(2)], "no vectors"),
    "nothing inside": ([{"index": n} for n in range(2)], "shape"),
    "numbers beyond numbers": ([{"index": n, "embedding": [10**400, *ONE[1:]]} for n in range(2)], "no vectors|inf"),
}


@pytest.mark.parametrize("what", BAD)
def test_what_is_no_vectors_is_told_as_what_it_is(server: Server, what: str) -> None:
    told, message = BAD[what]
    server.always = lambda payload: data(told)
    with pytest.raises(BadVectors, match=message):
        RemoteEmbedder(server.url, model="test", dimensions=DIMENSIONS).embed(["一", "二"], role="query")
    assert len(server.asked) == 1


@pytest.mark.parametrize("size", [1e-300, 5e-324, 1e300])
def test_vectors_of_any_size_are_brought_to_unit_length(
    server: Server, embedder: RemoteEmbedder, size: float
) -> None:
    server.always = lambda payload: data([{"index": 0, "embedding": [size, size]}])
    assert np.allclose(embedder.embed(["一"], role="query"), [[0.5**0.5] * 2], atol=1e-6)
