"""learn, weights, rematch: what the pair score weighs, learnt from what people said of matches."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from market import evaluation
from market.cli.output import fail, json_option, opened, progress, say, show
from market.evaluation import labels
from market.evaluation.running import Progress
from market.matching.fitting import Judged
from market.matching.weights import Weights
from market.models import Rematch
from market.runtime import Runtime
from market.services.matching import learning, rematching
from market.services.matching.learning import Learnt
from market.services.trail import workers
from market.settings import Settings
from market.worker import runner

_FIGURES = {
    "log_loss": "log loss",
    "pair_accuracy": "pairs in order",
    "ndcg@10": "nDCG@10",
    "calibration_error": "calibration error",
}
_LOOKS_EVERY = 0.5  # seconds, at a rematch that a worker does


@click.command()
@click.option(
    "--from", "folders", multiple=True, type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Learn from this labelled set too; may be given again.",
)  # fmt: skip
@click.option("--vectors", type=click.Path(dir_okay=False, path_type=Path), help="Keep the sets' vectors here.")
@click.option("--dry-run", is_flag=True, help="Only show what would be learnt.")
@json_option
@click.pass_obj
def learn(settings: Settings, folders: tuple[Path, ...], vectors: Path | None, dry_run: bool, as_json: bool) -> None:
    """Learn what the parts of the pair score weigh, from interest and dismissals, and from labelled sets.

    The weights are put in use where held-back demands say that they are better; otherwise they are kept with the
    report. docs/matching.md tells how.
    """
    with opened(settings) as runtime, runtime.db.reading() as session:
        finder = runtime.finder(session)
        present = finder.scoring.weights
        judged = learning.feedback(finder)
    for folder in folders:
        judged += _of_set(settings, folder, vectors, present, quiet=as_json)
    try:
        learnt = learning.learn(present, judged)
    except learning.NotEnough as error:
        fail(str(error))
    version = None
    if not dry_run:
        with opened(settings) as runtime, runtime.db.writing() as session:
            version = learning.keep(session, learnt, now=runtime.clock())
    _show_learnt(present, learnt, version, as_json=as_json)


def _of_set(settings: Settings, folder: Path, vectors: Path | None, present: Weights, *, quiet: bool) -> list[Judged]:
    """The set's judged pairs, found in a database and an index of their own, which are thrown away."""
    with tempfile.TemporaryDirectory() as data, _told(quiet=quiet) as told:
        own = replace(settings, data=data, database_url="", search_url="")
        with opened(own, writes_index=True) as runtime:
            kept = evaluation.keeping_vectors(runtime, vectors) if vectors is not None else runtime
            try:
                return labels.judged(kept, folder, present, told)
            except evaluation.BadSet as error:
                fail(str(error))


@contextmanager
def _told(*, quiet: bool) -> Iterator[Progress]:
    with progress(quiet=quiet) as bar:
        tasks: dict[str, Any] = {}

        def told(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=total or None)
            bar.update(tasks[what], completed=done)

        yield told


def _show_learnt(present: Weights, learnt: Learnt, version: int | None, *, as_json: bool) -> None:
    report = learnt.report
    used = learnt.better and version is not None
    if as_json:
        shown = {"version": version, "in_use": used, "better": learnt.better, **_as_data(learnt.weights)}
        show({**shown, "report": report}, as_json=True)
        return
    _show_weights(learnt.weights, present, report)
    _show_report(report)
    for reason in report["against"]:
        say(f"Not better: {reason}.")
    if version is None:
        say("Nothing was kept.")
    elif used:
        say(f"Version {version} is in use; all open demands are being matched again.")
    else:
        say(f"Version {version} is kept and not used; `market weights use {version}` would use it all the same.")


def _as_data(weights: Weights) -> dict[str, Any]:
    return {"bias": weights.bias, "parts": {name: list(one) for name, one in weights.parts.items()}}


def _show_weights(weights: Weights, before: Weights | None, report: Mapping[str, Any]) -> None:
    old = {} if before is None else {"bias": before.bias, **{name: one[0] for name, one in before.parts.items()}}
    new = {"bias": weights.bias, **{name: one[0] for name, one in weights.parts.items()}}
    centres = {name: one[1] for name, one in weights.parts.items()}
    rows = [
        (
            name,
            f"{old[name]:.2f}" if name in old else "",
            f"{weight:.2f}",
            centres.get(name),
            report.get("kept", {}).get(name),
        )
        for name, weight in new.items()
    ]
    show(None, as_json=False, columns=("part", "before", "weight", "centre", "kept because"), rows=rows)


def _show_report(report: Mapping[str, Any]) -> None:
    rows = []
    for name, title in _FIGURES.items():
        change = report["difference"][name]
        told = f"{change['mean']:+.4f} ({change['low']:+.4f} to {change['high']:+.4f})"
        rows.append((title, f"{report['old'][name]:.4f}", f"{report['new'][name]:.4f}", told))
    columns = ("on held-back demands", "before", "learnt", "difference (95 %)")
    title = f"{report['pairs']} pairs of {report['demands']} demands, {report['two_sided']} with both labels"
    show(None, as_json=False, columns=columns, rows=rows, title=title)


@click.group("weights", invoke_without_command=True)
@json_option
@click.pass_context
def weights(context: click.Context, as_json: bool) -> None:
    """Versions of the weights: list, show and use them."""
    if context.invoked_subcommand is not None:
        return
    with opened(context.obj) as runtime, runtime.db.reading() as session:
        used = learning.in_use(session)
        rows: Sequence[Any] = learning.versions(session)
    kept = [
        {
            "version": row.version,
            "created_at": row.created_at,
            "in_use": row.in_use,
            "pairs": row.report["pairs"],
            "demands": row.report["demands"],
            "gain": row.report["difference"]["pair_accuracy"],
        }
        for row in rows
    ]
    kept.append({"version": 0, "created_at": None, "in_use": used == 0, "pairs": 0, "demands": 0, "gain": None})
    show(
        kept,
        as_json=as_json,
        columns=("version", "learnt at", "in use", "pairs", "demands", "more pairs in order (95 %)"),
        rows=[
            (
                one["version"],
                f"{one['created_at']:%F %T}" if one["created_at"] else "shipped",
                "yes" if one["in_use"] else "",
                one["pairs"] or "",
                one["demands"] or "",
                "{mean:+.4f} ({low:+.4f} to {high:+.4f})".format(**one["gain"]) if one["gain"] else "",
            )
            for one in kept
        ],
    )


@weights.command("show")
@click.argument("version", type=click.IntRange(min=0), required=False)
@json_option
@click.pass_obj
def show_weights(settings: Settings, version: int | None, as_json: bool) -> None:
    """Show the weights of VERSION, or of the one in use, and the report that spoke for them; 0 is shipped."""
    with opened(settings) as runtime, runtime.db.reading() as session:
        used = learning.in_use(session)
        chosen = used if version is None else version
        found = learning.weights(session, chosen)
        report = learning.row(session, chosen).report if chosen else {}
    if as_json:
        show({"version": chosen, "in_use": chosen == used, **_as_data(found), "report": report}, as_json=True)
        return
    _show_weights(found, None, report)
    if report:
        _show_report(report)
        bins = [
            (f"{one['from']:.0%}", one["pairs"], one["predicted"], one["observed"])
            for one in report["new"]["calibration"]
        ]
        show(None, as_json=False, columns=("score from", "pairs", "predicted", "observed"), rows=bins)


@weights.command("use")
@click.argument("version", type=click.IntRange(min=0))
@json_option
@click.pass_obj
def use_weights(settings: Settings, version: int, as_json: bool) -> None:
    """Score by VERSION from now on, 0 being what is shipped, and match all open demands again."""
    with opened(settings) as runtime, runtime.db.writing() as session:
        changed = learning.use(session, version, now=runtime.clock())
    told = {"in_use": version, "changed": changed}
    show(told, as_json=as_json, columns=("in use", "changed"), rows=[(version, "yes" if changed else "")])


@click.command()
@click.option("--follow", is_flag=True, help="Wait until it is done. Without a worker this command does the work.")
@json_option
@click.pass_obj
def rematch(settings: Settings, follow: bool, as_json: bool) -> None:
    """Match all open demands again. A running worker does so; where there is none, this command."""
    with opened(settings) as runtime:
        with runtime.db.writing() as session:
            started = rematching.start(session, "asked", now=runtime.clock())
        alone = _alone(runtime)
        if follow and not alone:
            _follow(runtime, started, quiet=as_json)
    if alone:
        with opened(settings, writes_index=True) as runtime:
            _do(runtime, started, quiet=as_json)
    with opened(settings) as runtime:
        last = _present(runtime, started)
    show(
        last.model_dump(mode="json", include={"id", "total", "done", "finished_at"}),
        as_json=as_json,
        columns=("open demands", "matched again", "finished"),
        rows=[(last.total, last.done, f"{last.finished_at:%F %T}" if last.finished_at else "under way")],
    )


def _present(runtime: Runtime, started: Rematch) -> Rematch:
    with runtime.db.reading() as session:
        return session.get_one(Rematch, started.id)


def _alone(runtime: Runtime) -> bool:
    """Whether no worker is there to do it."""
    with runtime.db.reading() as session:
        return workers.count(session, now=runtime.clock()) == 0


def _follow(runtime: Runtime, started: Rematch, *, quiet: bool) -> None:
    """Wait until a worker has done it, or none is left that could."""
    with _told(quiet=quiet) as told:
        while (now := _present(runtime, started)).finished_at is None and not _alone(runtime):
            told("rematch", now.done, now.total)
            time.sleep(_LOOKS_EVERY)
        told("rematch", now.done, now.total)


def _do(runtime: Runtime, started: Rematch, *, quiet: bool) -> None:
    """Run jobs until none is due: those that came before, the rematch, and what follows from it."""
    with _told(quiet=quiet) as told:
        while runner.run_once(runtime):
            now = _present(runtime, started)
            told("rematch", now.done, now.total)
