"""Learning weights from a terminal: from a labelled set, kept in versions, used and taken back; and rematches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from market.matching.weights import SHIPPED, Weights
from market.runtime import Runtime, build
from market.services.matching import learning
from market.services.matching.learning import Learnt
from market.services.trail import workers
from market.settings import Settings
from tests import databases
from tests.cli.labelled import lay_out, lay_out_ratings, write

Run = Callable[..., Result]
Ask = Callable[..., Any]
Ended = Callable[..., Any]


@pytest.fixture(autouse=True)
def _without_vectors(variables: dict[str, str]) -> None:
    # Vectors take most of the time, and change nothing of what is tested here.
    variables["MARKET_EMBEDDER"] = "none"


@pytest.fixture
def pool(tmp_path: Path) -> Path:
    return lay_out(tmp_path / "set", "pool")


@pytest.fixture
def runtime(run: Run, data: Path) -> Iterator[Runtime]:
    """The installation as the service would open it, to look into."""
    run("init")
    built = build(Settings(data=str(data), database_url=databases.url_of(data), embedder="none"))
    yield built
    built.close()


def keep(runtime: Runtime, *, weights: Weights = SHIPPED, better: bool = True) -> int:
    """Weights as if they had been learnt."""
    figures = {"log_loss": 0.5, "pair_accuracy": 0.7, "ndcg@10": 0.6, "calibration_error": 0.1}
    told = {**figures, "calibration": [{"from": 0.2, "pairs": 9, "predicted": 0.25, "observed": 0.2}]}
    report = {
        "pairs": 900, "demands": 90, "two_sided": 80, "kept": {"trl": "known of 3 pairs, 30 are needed"},
        "old": told, "new": told, "difference": {name: {"mean": 0.03, "low": 0.01, "high": 0.05} for name in figures},
        "against": [],
    }  # fmt: skip
    with runtime.db.writing() as session:
        return learning.keep(session, Learnt(weights, report, better), now=runtime.clock())


def test_learn_reads_the_labels_of_a_set_and_keeps_what_it_learnt(run: Run, ask: Ask, pool: Path) -> None:
    run("init")
    learnt = ask("learn", "--from", str(pool))
    report = learnt["report"]
    assert (learnt["version"], report["base"], report["bias_from"]) == (1, 0, "set")
    assert report["sources"] == {"set": {"pairs": 96, "demands": 24, "fit": 0.25}}
    assert report["two_sided"] == 24
    assert {*report["kept"]} == {*SHIPPED.parts} - {"texts"}
    assert learnt["in_use"] == learnt["better"] == (not report["against"])
    assert [row["version"] for row in ask("weights")] == [1, 0]


def test_a_dry_run_shows_weights_and_figures_and_keeps_nothing(run: Run, ask: Ask, pool: Path) -> None:
    run("init")
    shown = run("learn", "--from", str(pool), "--dry-run").stdout
    for told in ("texts", "known of 0 pairs, 30 are needed", "pairs in order", "log loss", "96 pairs of 24 demands"):
        assert told in shown
    assert [row["version"] for row in ask("weights")] == [0]


def test_learn_takes_several_sets_of_all_kinds(run: Run, ask: Ask, pool: Path, tmp_path: Path) -> None:
    run("init")
    others = [lay_out(tmp_path / "retrieval", "retrieval"), lay_out_ratings(tmp_path / "ratings")]
    options = [option for folder in (pool, *others) for option in ("--from", str(folder))]
    learnt = ask("learn", *options, "--vectors", str(tmp_path / "vectors"), "--dry-run")
    report = learnt["report"]
    assert learnt["version"] is None
    assert report["bias_from"] == "set"
    assert report["sources"]["ratings"] == {"pairs": 72, "demands": 24, "fit": 0.3333}
    assert report["sources"]["retrieval"]["pairs"] > 96  # others of the ranking stand against the judged ones


def test_learn_without_enough_says_what_is_missing(run: Run, tmp_path: Path) -> None:
    run("init")
    assert "20 demands are needed" in run("learn", fails=True).stderr
    small = lay_out(tmp_path / "small", "pool", demands=5)
    assert "there are 5" in " ".join(run("learn", "--from", str(small), fails=True).stderr.split())


@pytest.mark.parametrize(("broken", "said"), [("qrels.tsv", "cannot be read"), ("task.json", "JSONDecodeError")])
def test_learn_refuses_a_set_that_is_not_laid_out_as_one(run: Run, pool: Path, broken: str, said: str) -> None:
    run("init")
    write(pool, broken, "one", "line")
    assert said in " ".join(run("learn", "--from", str(pool), fails=True).stderr.split())
    (pool / broken).unlink()
    assert "is missing" in " ".join(run("learn", "--from", str(pool), fails=True).stderr.split())


def test_weights_are_listed_shown_used_and_taken_back(runtime: Runtime, run: Run, ask: Ask) -> None:
    assert (keep(runtime), keep(runtime, better=False)) == (1, 2)
    assert [(row["version"], row["in_use"]) for row in ask("weights")] == [(2, False), (1, True), (0, False)]
    assert "+0.0300 (+0.0100 to +0.0500)" in run("weights").stdout
    assert ask("weights", "show")["version"] == 1
    assert ask("weights", "show", "0")["parts"] == {name: list(one) for name, one in SHIPPED.parts.items()}
    assert "known of 3 pairs" in run("weights", "show", "2").stdout
    assert ask("weights", "use", "2") == {"in_use": 2, "changed": True}
    assert ask("weights", "use", "0") == {"in_use": 0, "changed": True}
    assert ask("weights", "use", "0") == {"in_use": 0, "changed": False}
    assert [job["name"] for job in ask("jobs", "list")] == ["rematch"] * 3


def test_weights_that_were_never_learnt_are_not_found(runtime: Runtime, whole: Ended) -> None:
    for command in ("use", "show"):
        ended = whole("weights", command, "7")
        assert ended.status == 1
        assert "not-found: noun=weights, version=7" in ended.stderr


def test_weights_for_other_parts_than_the_score_has_are_not_used(runtime: Runtime, ask: Ask, whole: Ended) -> None:
    keep(runtime, weights=replace(SHIPPED, parts={"something": (1.0, 0.5)}), better=False)
    ended = whole("weights", "use", "1")
    assert ended.status == 1
    assert "conflict: noun=weights, version=1" in ended.stderr
    assert ask("weights", "show")["version"] == 0


def test_rematch_does_the_work_where_there_is_no_worker(run: Run, ask: Ask) -> None:
    run("init")
    done = ask("rematch")
    assert (done["total"], done["done"]) == (0, 0)
    assert done["finished_at"]
    assert ask("jobs", "list") == []


def test_rematch_leaves_the_work_to_a_worker(runtime: Runtime, ask: Ask) -> None:
    with runtime.db.writing() as session:
        workers.alive(session, "one", now=runtime.clock())
    assert ask("rematch")["finished_at"] is None
    assert [job["name"] for job in ask("jobs", "list")] == ["rematch"]


def test_rematch_follows_a_worker_to_the_end(runtime: Runtime, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    from market.cli import learning as commands
    from market.worker import runner

    with runtime.db.writing() as session:
        workers.alive(session, "one", now=runtime.clock())
    # The worker does its work while the command waits.
    monkeypatch.setattr(commands.time, "sleep", lambda _: runner.drain(runtime))
    assert ask("rematch", "--follow")["finished_at"]
