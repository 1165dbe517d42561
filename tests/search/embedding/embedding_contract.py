"""What every embedder must do. A subclass gives `embedder`; nothing here knows which one it is."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from search.embedding import LONGEST, Embedder

TEXTS = ["锂离子电池隔膜", "lithium-ion battery separator", "小麦育种", "wheat breeding", "водоочистка"]
SAME = 1e-6  # rounding
HOSTILE = {
    "empty": "",
    "blank": " \t\r\n\u3000",
    "only punctuation": "。，、！？…—",
    "control characters": "\x00\x01\x1b[31m\x7f\x9f",
    "a NUL inside": "锂电池\x00的隔膜",
    "half a surrogate pair": "\ud83d 电池 \udc00",
    "not characters": "\ufffe\uffff\U0010ffff",
    "endless": "隔膜" * 100_000,
    "endless without a space": "x" * 100_000,
    "one character that stands for eighteen": "\ufdfa" * 3_000,
    "ligatures": "\ufdfb㍿㎯㌖" * 700,
    "marks upon marks": "e" + "\u0301" * 3_000,
    "emoji": "👩‍👩‍👧‍👦🏴󠁧󠁢󠁥󠁮󠁧󠁿" * 300,
    "directions": "\u202eabc\u200f\u2066\ufeff\u200b",
}
UNSUITED = [
    HealthCheck.differing_executors,
    HealthCheck.too_slow,
]  # each subclass is one, on purpose; a model is slow
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=60)


def sound(embedder: Embedder, rows: np.ndarray, count: int) -> bool:
    lengths = np.linalg.norm(rows.astype(np.float64), axis=1)
    return (
        rows.shape == (count, embedder.dimensions)
        and rows.dtype == np.float32
        and bool(np.isfinite(rows).all())
        and bool(np.allclose(lengths, 1.0, atol=1e-5))
    )


class EmbedderContract:
    @pytest.fixture(scope="class")
    @classmethod
    def embedder(cls) -> Embedder:
        raise NotImplementedError

    def test_it_is_an_embedder_with_a_name_and_dimensions(self, embedder: Embedder) -> None:
        assert isinstance(embedder, Embedder)
        assert embedder.model
        assert embedder.dimensions > 0

    @pytest.mark.parametrize("role", ["query", "passage"])
    def test_vectors_are_unit_rows_in_the_order_of_their_texts(
        self, embedder: Embedder, role: Literal["query", "passage"]
    ) -> None:
        rows = embedder.embed(TEXTS, role=role)
        assert sound(embedder, rows, len(TEXTS))
        backwards = embedder.embed(TEXTS[::-1], role=role)
        assert np.abs(rows - backwards[::-1]).max() < SAME

    def test_the_same_text_gives_the_same_vector(self, embedder: Embedder) -> None:
        one, two = embedder.embed([TEXTS[0], TEXTS[0]], role="query")
        assert np.abs(one - two).max() < SAME
        assert np.abs(one - embedder.embed([TEXTS[0]], role="query")[0]).max() < SAME

    def test_a_text_alone_has_the_vector_that_it_has_among_others(self, embedder: Embedder) -> None:
        together = embedder.embed(TEXTS, role="passage")
        alone = np.concatenate([embedder.embed([text], role="passage") for text in TEXTS])
        assert np.abs(together - alone).max() < SAME

    def test_different_texts_have_different_vectors(self, embedder: Embedder) -> None:
        rows = embedder.embed(TEXTS, role="passage")
        assert (rows @ rows.T - np.eye(len(TEXTS))).max() < 0.999

    def test_no_texts_give_no_rows(self, embedder: Embedder) -> None:
        rows = embedder.embed([], role="query")
        assert rows.shape == (0, embedder.dimensions)
        assert rows.dtype == np.float32

    @pytest.mark.parametrize("what", HOSTILE)
    def test_any_text_has_a_vector(self, embedder: Embedder, what: str) -> None:
        assert sound(embedder, embedder.embed([HOSTILE[what]], role="passage"), 1)

    @given(texts=st.lists(ANY_TEXT, min_size=1, max_size=3))
    @settings(max_examples=25, suppress_health_check=UNSUITED)
    def test_texts_of_any_characters_have_vectors(self, embedder: Embedder, texts: list[str]) -> None:
        assert sound(embedder, embedder.embed(texts, role="passage"), len(texts))

    def test_what_follows_the_longest_text_is_passed_over(self, embedder: Embedder) -> None:
        whole = "电池 " * (LONGEST // 3) + "隔膜"
        rows = embedder.embed([whole[:LONGEST], whole[:LONGEST] + "小麦"], role="passage")
        assert np.abs(rows[0] - rows[1]).max() < SAME

    def test_many_threads_at_once_get_what_one_gets(self, embedder: Embedder) -> None:
        expected = {text: embedder.embed([text], role="passage")[0] for text in TEXTS}
        with ThreadPoolExecutor(8) as threads:
            asked = TEXTS * 8
            for text, rows in zip(
                asked, threads.map(lambda text: embedder.embed([text], role="passage"), asked), strict=True
            ):
                assert np.abs(rows[0] - expected[text]).max() < SAME
