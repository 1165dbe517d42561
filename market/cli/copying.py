"""copy-database: from SQLite to PostgreSQL, or between any two databases that the service knows."""

from __future__ import annotations

from contextlib import closing

import click
from rich.progress import Progress
from sqlalchemy import Connection, Table, func, insert, select
from sqlmodel import Session

from market import schema
from market.cli.output import fail, json_option, opened, progress, show
from market.db import Database
from market.models import METADATA
from market.settings import Settings

_BATCH = 1000  # rows


@click.command()
@click.argument("source")
@json_option
@click.pass_obj
def copy_database(settings: Settings, source: str, as_json: bool) -> None:
    """Copy every row of the database at the URL SOURCE into the configured one, which must be empty.

    Everything or nothing is copied. Stop the service first, or what it writes meanwhile is left behind. The
    search index comes from the database: run `market search sync` and `market reindex` afterwards.
    """
    with (
        opened(settings) as runtime,
        closing(Database(source, settings)) as old,
        old.reading() as session,
        progress(quiet=as_json) as bar,
    ):
        if lacking := schema.pending(session):
            fail(f"SOURCE: {lacking} on it first.")
        schema.migrate(runtime.db)
        with runtime.db.migrating() as target:
            for table in METADATA.sorted_tables:
                if target.execute(select(table).limit(1)).first() is not None:
                    fail(f"The configured database is not empty: {table.name} has rows.")
            copied = {str(table.name): _copy(session, target, table, bar) for table in METADATA.sorted_tables}
    show(copied, as_json=as_json, columns=("table", "rows"), rows=[*copied.items()])


def _copy(source: Session, target: Connection, table: Table, bar: Progress) -> int:
    """Copy one table, batch by batch; the types translate what the two databases store differently."""
    task = bar.add_task(table.name, total=source.execute(select(func.count()).select_from(table)).scalar_one())
    rows = source.execute(select(table).execution_options(yield_per=_BATCH)).mappings()
    copied = 0
    for batch in rows.partitions():
        target.execute(insert(table), [dict(row) for row in batch])
        copied += len(batch)
        bar.update(task, completed=copied)
    return copied
