"""The floors: the least that a step could cost, built from the same parts without the product."""

from __future__ import annotations

import os
import sqlite3
import threading
import uuid
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
import psycopg
from flask import Flask, Response, request

from market import connecting

DATABASE = "BENCH_FLOOR_DATABASE"
BATCH = 500
_INSERT = "INSERT INTO items (id, body) VALUES (?, ?)"


def connect(path: Path | str) -> sqlite3.Connection:
    """A connection as the product has it: the same pragmas, explicit transactions."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    for pragma in connecting._PRAGMAS:  # the same by definition
        connection.execute(pragma)
    connection.execute("CREATE TABLE IF NOT EXISTS items (id TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID")
    return connection


def insert_files(path: Path, files: Sequence[Path]) -> int:
    """Every line of the files into one table, in transactions as large as the product's. Returns how many."""
    connection = connect(path)
    count = 0
    for file in files:
        with file.open() as lines:
            while batch := [(f"{file.stem}-{count + n:08}", line) for n, line in enumerate(islice(lines, BATCH))]:
                connection.execute("BEGIN IMMEDIATE")
                connection.executemany(_INSERT, batch)
                connection.execute("COMMIT")
                count += len(batch)
    connection.close()
    return count


def fill(path: Path, rows: Iterable[tuple[str, str]]) -> None:
    """Rows of (id, body) to be read by the floor's view."""
    connection = connect(path)
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany(_INSERT, rows)
    connection.execute("COMMIT")
    connection.close()


def on_server(url: str) -> psycopg.Connection[Any]:
    """A connection to PostgreSQL that commits each statement by itself: one message there, one back."""
    connection = psycopg.connect(url, autocommit=True)
    connection.execute("CREATE TABLE IF NOT EXISTS items (id text PRIMARY KEY, body text NOT NULL)")
    return connection


def fill_server(url: str, rows: Iterable[tuple[str, str]]) -> None:
    """As `fill`, on PostgreSQL."""
    with on_server(url) as connection:
        connection.cursor().executemany("INSERT INTO items (id, body) VALUES (%s, %s)", list(rows))


def create_app() -> Flask:
    """A bare view that does one INSERT, and one that does one SELECT, on SQLite or PostgreSQL."""
    app = Flask("floor", static_folder=None)
    database = os.environ[DATABASE]
    server = database.startswith("postgresql")
    kept = threading.local()
    turn = threading.Lock()

    def connection() -> Any:
        if not hasattr(kept, "connection"):
            kept.connection = on_server(database) if server else connect(database)
        return kept.connection

    @app.post("/items")
    def create() -> Response:
        body = orjson.dumps(orjson.loads(request.get_data())).decode()
        identity, own = str(uuid.uuid4()), connection()
        if server:
            own.execute("INSERT INTO items (id, body) VALUES (%s, %s)", (identity, body))
        else:
            with turn:
                own.execute("BEGIN IMMEDIATE")
                own.execute(_INSERT, (identity, body))
                own.execute("COMMIT")
        return Response(body, 201, mimetype="application/json")

    @app.get("/items/<identity>")
    def read(identity: str) -> Response:
        select = f"SELECT body FROM items WHERE id = {'%s' if server else '?'}"
        found = connection().execute(select, (identity,)).fetchone()
        return Response(found[0] if found else "", 200 if found else 404, mimetype="application/json")

    return app
