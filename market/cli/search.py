"""reindex, search sync, search check: the index beside the database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial
from itertools import islice

import click

from market.cli.output import json_option, opened, progress, say, show
from market.models import LISTINGS
from market.outbox import JobName, enqueue
from market.runtime import Runtime
from market.services.search import indexing
from market.services.search.indexing import Difference
from market.settings import Settings
from search.engine import Document

_SHOWN = 50
_BATCH = 1000


@click.command()
@json_option
@click.pass_obj
def reindex(settings: Settings, as_json: bool) -> None:
    """Build the search index anew from the database, beside the one that is read, and put it in its place.

    Searches and a worker on a search server go on meanwhile: what they change is put in as well. May be killed
    and started again at any point. Stop the service first where the index is embedded: one process writes it.
    """
    sizes: dict[str, dict[str, int]] = {}
    with opened(settings, writes_index=True) as runtime, progress(quiet=as_json) as bar:
        for noun in LISTINGS:
            with runtime.db.reading() as session:
                total = indexing.how_many(session, noun)
            task = bar.add_task(f"index {noun}s", total=total)
            documents = _counted(
                indexing.all_documents(runtime.db, noun, now=runtime.clock), partial(bar.advance, task)
            )
            size = runtime.engine.rebuild(indexing.index_of(noun), documents)
            bar.update(task, total=size, completed=size)
            sizes[noun] = {"indexed": size, "mending": len(_mend(runtime, noun))}
    show(
        sizes,
        as_json=as_json,
        columns=("kind", "indexed", "changed meanwhile"),
        rows=[(noun, one["indexed"], one["mending"]) for noun, one in sizes.items()],
    )


def _counted(documents: Iterator[Document], advance: Callable[[], None]) -> Iterator[Document]:
    for document in documents:
        yield document
        advance()


@click.group()
def search() -> None:
    """The search index: its settings, and whether it is what the database says."""


@search.command()
@click.option("--dry-run", is_flag=True, help="Only show what differs.")
@json_option
@click.pass_obj
def sync(settings: Settings, dry_run: bool, as_json: bool) -> None:
    """Make the settings of each index what is declared, only where they differ; remove indexes of older code.

    A change of settings makes a search server index everything again, so it is done here and never at a start.
    """
    with opened(settings) as runtime:
        changes = {name: list(parts) for name, parts in runtime.engine.sync(apply=not dry_run).items()}
    show(
        changes,
        as_json=as_json,
        columns=("index", "differed in" if not dry_run else "differs in"),
        rows=[(name, ", ".join(parts)) for name, parts in changes.items()] or [("all", "nothing")],
    )


@search.command()
@click.option("--mend", is_flag=True, help="Have what differs indexed again; a running worker does it.")
@json_option
@click.pass_obj
def check(settings: Settings, mend: bool, as_json: bool) -> None:
    """List every listing whose index entry is missing, of another version, or of nothing; ends with 1 if any is."""
    with opened(settings) as runtime:
        stale = {name: list(parts) for name, parts in runtime.engine.sync(apply=False).items()}
        found = [one for noun in LISTINGS for one in (_mend(runtime, noun) if mend else _differences(runtime, noun))]
    for name, parts in stale.items():
        say(f"{name}: {', '.join(parts)}; `market search sync` puts it right")
    show(
        {"settings": stale, "differences": [asdict(one) for one in found], "mending": len(found) if mend else 0},
        as_json=as_json,
        columns=("kind", "id", "database", "index"),
        rows=[(one.noun, one.id, one.stored, one.indexed) for one in found[:_SHOWN]],
        title=f"{len(found)} differences" + (f", the first {_SHOWN}" if len(found) > _SHOWN else ""),
    )
    if (found or stale) and not mend:
        raise SystemExit(1)


def _differences(runtime: Runtime, noun: str) -> list[Difference]:
    with runtime.db.reading() as session:
        return list(indexing.differences(session, runtime.engine, noun))


def _mend(runtime: Runtime, noun: str) -> list[Difference]:
    """Enqueue an index job for each difference, and give them."""
    found = _differences(runtime, noun)
    keys = iter([one.key for one in found])
    while part := list(islice(keys, _BATCH)):
        with runtime.db.writing() as session:
            enqueue(session, JobName.INDEX, part, now=runtime.clock(), bulk=True)
    return found
