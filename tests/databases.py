"""Where tests keep their data: each folder has a database of its own, a file in it or one of a PostgreSQL server."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

import psycopg
from sqlalchemy.engine import make_url

from market.db import Database
from market.models import METADATA
from market.schema import migrate
from tests import clusters

KINDS = ("sqlite", "postgresql")
SERVER = "MARKET_TEST_POSTGRES_URL"  # a server to use instead of a private one
_NOTE = "database-url"
_made: dict[str, str] = {}  # names of databases, and their servers
_KEPT = ("audit_entries", "audit_seals")  # triggers keep them: only the tables' owner can do what is done here
_LET_GO = "".join(
    f"ALTER TABLE {table} DISABLE TRIGGER USER; DELETE FROM {table}; ALTER TABLE {table} ENABLE TRIGGER USER; "
    for table in _KEPT
)
_CLEARED = "; ".join(
    [
        "DO $$ BEGIN IF EXISTS (SELECT 1 FROM audit_entries) OR EXISTS (SELECT 1 FROM audit_seals) "
        f"THEN {_LET_GO}END IF; END $$",
        *(f"DELETE FROM {table.name}" for table in reversed(METADATA.sorted_tables)),
    ]
)


def missing() -> str:
    """Why tests on PostgreSQL cannot run; empty where they can."""
    if SERVER in os.environ or clusters.binaries() is not None:
        return ""
    return f"no PostgreSQL: neither its programs (Debian: apt install postgresql) nor {SERVER}"


def url_of(folder: Path) -> str:
    """The database of a folder."""
    note = folder / _NOTE
    return note.read_text() if note.exists() else f"sqlite:///{folder / 'market.db'}"


def empty(folder: Path, server: str) -> Path:
    """The folder, with a database that has no tables: of the server at this URL, or a file where that is empty."""
    folder.mkdir(parents=True)
    _create(folder, server, like="")
    return folder


def migrated(folder: Path, server: str) -> Path:
    """The folder, with a database that has its tables and no rows."""
    db = Database(url_of(empty(folder, server)))
    migrate(db)
    db.close()
    return folder


def copy(folder: Path, start: Path) -> None:
    """Make the folder what `start` is, its database too."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(start, folder)
    if (start / _NOTE).exists():
        url = make_url(url_of(start))
        _create(folder, url.set(database="postgres").render_as_string(hide_password=False), like=url.database or "")


def renew(folder: Path, start: Path, database: Database) -> None:
    """The same where `database`, open on the folder's, has the tables already and `start` has no rows: faster."""
    if database.dialect == "sqlite":
        database.close()
        copy(folder, start)
        return
    shutil.rmtree(folder)
    shutil.copytree(start, folder)
    (folder / _NOTE).write_text(database.url)
    with database.writing() as session:
        session.connection().exec_driver_sql(_CLEARED)


def _create(folder: Path, server: str, *, like: str) -> None:
    if server:
        name = "test_" + hashlib.sha256(str(folder).encode()).hexdigest()[:20]
        template = f" TEMPLATE {like}" if like else ""
        _run(server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)", f"CREATE DATABASE {name}{template}")
        _made[name] = server
        (folder / _NOTE).write_text(make_url(server).set(database=name).render_as_string(hide_password=False))


def drop(folder: Path) -> None:
    """Drop the folder's database, where it is not a file in it."""
    if (folder / _NOTE).exists():
        name = make_url(url_of(folder)).database or ""
        _run(_made.pop(name), f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def drop_all() -> None:
    """Drop every database that this process has made."""
    for name, server in _made.items():
        _run(server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    _made.clear()


def _run(server: str, *statements: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)
