"""The database's schema: brought up to date, compared with the models. Uses Alembic, without an ini file."""

from __future__ import annotations

import sys
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection
from sqlmodel import Session

from market.db import Database
from market.models import METADATA

_MIGRATIONS = Path(__file__).parent / "migrations"


def migrate(db: Database) -> None:
    """Bring the schema up to the newest revision. May be repeated; safe beside running services."""
    with db.migrating() as connection:
        command.upgrade(_config(connection), "head")


def pending(session: Session) -> str:
    """What is to be done before this version can run on this database; empty where nothing is.

    A database that is ahead is good: it was migrated for the next version, and this one is about to be replaced.
    """
    present = MigrationContext.configure(session.connection()).get_current_revision()
    revisions = _revisions()
    if present == revisions[0] or (present is not None and present not in revisions):
        return ""
    return f"the schema is at {present or 'nothing'}, this version needs {revisions[0]}; run `market init`"


@lru_cache
def _revisions() -> tuple[str, ...]:
    """The revisions this version knows, newest first."""
    scripts = ScriptDirectory(str(_MIGRATIONS))
    return tuple(script.revision for script in scripts.walk_revisions())


def differences(db: Database) -> list[Any]:
    """What the models have that the migrated database has not, and the other way round; empty when equal."""
    with db.migrating() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, METADATA))


def write_revision(db: Database, number: str, message: str) -> None:
    """Write a migration file, numbered like 0002, from what the models have and the database has not."""
    with db.migrating() as connection:
        command.revision(_config(connection), message, autogenerate=True, rev_id=number)


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    config.attributes["connection"] = connection
    return config


def _main(number: str, message: str) -> None:
    """Write a revision against a new database that has all revisions so far."""
    with tempfile.TemporaryDirectory() as folder:
        db = Database(f"sqlite:///{folder}/new.db")
        migrate(db)
        write_revision(db, number, message)
        db.close()


if __name__ == "__main__":
    _main(*sys.argv[1:])
