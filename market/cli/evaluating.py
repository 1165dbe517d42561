"""evaluate: how well matching ranks a labelled set."""

from __future__ import annotations

import tempfile
from dataclasses import asdict, replace
from pathlib import Path

import click

from market import evaluation
from market.cli.output import fail, json_option, opened, progress, show
from market.settings import Settings


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--run", "out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="Where to write.")
@click.option("--vectors", type=click.Path(dir_okay=False, path_type=Path), help="Keep vectors here for another run.")
@json_option
@click.pass_obj
def evaluate(settings: Settings, folder: Path, out: Path, vectors: Path | None, as_json: bool) -> None:
    """Rank the labelled set in FOLDER by the code that serves users, and write the run.

    The set is loaded into a database and an index of its own, which are thrown away; its labels are never read.
    docs/matching.md tells how a folder is laid out.
    """
    try:
        labelled = evaluation.read(folder)
    except evaluation.BadSet as error:
        fail(str(error))
    with tempfile.TemporaryDirectory() as data, progress(quiet=as_json) as bar:
        tasks = {}

        def told(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=total or None)
            bar.update(tasks[what], completed=done)

        own = replace(settings, data=data, database_url="", search_url="")
        with opened(own, writes_index=True) as runtime:
            kept = evaluation.keeping_vectors(runtime, vectors) if vectors is not None else runtime
            speed = evaluation.run(kept, labelled, out, told)
    show(
        {"set": labelled.name, "task": labelled.task, **asdict(speed)},
        as_json=as_json,
        columns=("set", "listings", "signed and indexed", "vectors", "queries", "ranked"),
        rows=[
            (
                labelled.name,
                speed.listings,
                f"{speed.indexing:.1f} s ({speed.listings / speed.indexing:.0f}/s)",
                f"{speed.embedding:.1f} s",
                speed.queries,
                f"{speed.ranking:.1f} s ({speed.ranking / max(speed.queries, 1) * 1000:.0f} ms each)",
            )
        ],
    )
