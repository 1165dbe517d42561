"""How each database is connected to: SQLite's pragmas, PostgreSQL's limits, and how their transactions begin."""

from __future__ import annotations

import select as descriptors
import sqlite3
import time
from collections.abc import Mapping
from typing import Any

import orjson
import psycopg
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL, Connection, ExceptionContext, make_url
from sqlalchemy.exc import DisconnectionError, OperationalError

from market.errors import MarketError
from market.settings import Settings

# synchronous=FULL: a commit that was answered survives a power cut too, not only a killed process.
_PRAGMAS = (
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA temp_store=MEMORY",
    "PRAGMA mmap_size=1073741824",
    "PRAGMA cache_size=-65536",
)


def engine_of(url: str, settings: Settings, *, writes: bool) -> Engine:
    """Where the database is chosen, by the scheme of its URL."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(parsed, settings, writes=writes)
    if parsed.get_backend_name() == "postgresql":
        return _postgresql(parsed.set(drivername="postgresql+psycopg"), settings, writes=writes)
    raise MarketError(
        "internal", reason=f"No database is known for {parsed.drivername}: URLs start with sqlite:// or postgresql://"
    )


_JSON: Mapping[str, Any] = {
    "json_deserializer": orjson.loads,
    "json_serializer": lambda value: orjson.dumps(value).decode(),
}


def _sqlite(url: URL, settings: Settings, *, writes: bool) -> Engine:
    engine = create_engine(
        url,
        connect_args={"timeout": settings.sqlite_busy_seconds, "check_same_thread": False},
        pool_size=16,
        max_overflow=16,
        hide_parameters=True,  # an error message is logged; what people wrote is not
        **_JSON,
    )

    @event.listens_for(engine, "connect")
    def connect(connection: Any, _: object) -> None:
        # The driver's own transaction handling is switched off: it begins too late, and always deferred.
        connection.isolation_level = None
        _write_ahead(connection, settings.sqlite_busy_seconds)
        for pragma in _PRAGMAS:
            connection.execute(pragma)
        if not writes:
            connection.execute("PRAGMA query_only=ON")

    _begin_with(engine, "BEGIN IMMEDIATE" if writes else "BEGIN")
    return engine


def _write_ahead(connection: sqlite3.Connection, seconds: float) -> None:
    """Make it a write-ahead log; of several who open a new file at once SQLite refuses some without waiting."""
    give_up = time.monotonic() + seconds
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > give_up:
                raise
            time.sleep(0.01)
        else:
            return


def _postgresql(url: URL, settings: Settings, *, writes: bool) -> Engine:
    engine = create_engine(
        url,
        connect_args={
            "connect_timeout": settings.postgres_connect_seconds,
            "prepare_threshold": 5 if settings.postgres_prepare else None,
            # A server whose machine has gone silent is noticed within a minute.
            "keepalives_idle": 30,
            "keepalives_interval": 10,
            "keepalives_count": 3,
        },
        pool_size=settings.postgres_pool_size,
        max_overflow=0,
        pool_timeout=settings.postgres_pool_seconds,
        use_native_hstore=False,  # it would ask each server for a type that nobody uses
        hide_parameters=True,
        **_JSON,
    )

    @event.listens_for(engine, "connect")
    def connect(connection: psycopg.Connection[Any], _: object) -> None:
        connection.autocommit = True  # the driver begins nothing: the engine does, with what it sets

    @event.listens_for(engine, "checkout")
    def checkout(connection: psycopg.Connection[Any], *_: object) -> None:
        # An idle connection has nothing to say but farewell: a restarted server is noticed without asking it.
        if connection.closed or _readable(connection.fileno()):
            raise DisconnectionError

    @event.listens_for(engine, "handle_error")
    def handle_error(context: ExceptionContext) -> None:
        # The driver has several names for a connection that was lost; here it has one.
        error = context.sqlalchemy_exception
        if context.is_disconnect and not isinstance(error, OperationalError):
            raise OperationalError(
                context.statement, None, context.original_exception, hide_parameters=True, connection_invalidated=True
            ) from context.original_exception

    isolation = "READ COMMITTED READ WRITE" if writes else "REPEATABLE READ READ ONLY"
    limits = {
        "statement_timeout": settings.postgres_statement_seconds,
        "idle_in_transaction_session_timeout": settings.postgres_idle_seconds,
        **({"lock_timeout": settings.postgres_lock_seconds} if writes else {}),
    }
    # All in one message, and only for the transaction: a pooler may give each one another server connection.
    sets = [f"SET LOCAL {name} = {round(seconds * 1000)}" for name, seconds in limits.items()]
    _begin_with(engine, "; ".join([f"BEGIN ISOLATION LEVEL {isolation}", *sets]))
    return engine


def _begin_with(engine: Engine, statements: str) -> None:
    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(statements)


def _readable(descriptor: int) -> bool:
    waiting = descriptors.poll()
    waiting.register(descriptor, descriptors.POLLIN)
    return bool(waiting.poll(0))
