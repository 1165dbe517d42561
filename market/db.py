"""The database: one engine for readers, one for writers. The only place that commits."""

from __future__ import annotations

import select as descriptors
import sqlite3
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson
import psycopg
from sqlalchemy import (
    DateTime,
    Dialect,
    Engine,
    Executable,
    Insert,
    Integer,
    TypeDecorator,
    Uuid,
    column,
    create_engine,
    event,
    func,
    insert,
    literal,
    select,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, Connection, ExceptionContext, make_url
from sqlalchemy.exc import DisconnectionError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import PoolProxiedConnection
from sqlmodel import Session, SQLModel

from market.errors import MarketError
from market.settings import Settings

AWAY = (OperationalError, PoolTimeoutError)
"""What is raised while the database is away, busy or full, and where two transactions were in each other's way: it
passes by itself, and what was tried may be tried again."""

# synchronous=FULL: a commit that was answered survives a power cut too, not only a killed process.
_PRAGMAS = (
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA temp_store=MEMORY",
    "PRAGMA mmap_size=1073741824",
    "PRAGMA cache_size=-65536",
)
_CHANNEL = "market_jobs"
# Of hosts that migrate at once, one does it; it may take as long as it takes.
_ALONE = {
    "sqlite": (),
    "postgresql": (
        "SET LOCAL statement_timeout = 0",
        "SET LOCAL lock_timeout = 0",
        "SET LOCAL idle_in_transaction_session_timeout = 0",
        "SELECT pg_advisory_xact_lock(hashtextextended('market_migrations', 0))",
    ),
}
_TURN = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")


class Database:
    """Sessions to read and to write with. Readers never wait for writers, nor writers for them.

    SQLite's writers take turns; PostgreSQL's work side by side, and wait for each other where they touch the same
    row, or the same name (`take_turn`).
    """

    def __init__(self, url: str, settings: Settings | None = None) -> None:
        """`url` chooses the database by its scheme; of the settings, those of databases count."""
        self.url = url
        settings = settings or Settings()
        self._reader = _engine(url, settings, writes=False)
        self._writer = _engine(url, settings, writes=True)
        # Threads of one process queue here in turn; SQLite's own waiting sleeps, and is not fair.
        self._turn: Any = threading.Lock() if self.dialect == "sqlite" else nullcontext()
        listens = self.dialect == "postgresql" and settings.job_listen
        self._bell = _Bell(self._writer) if listens else None

    @property
    def dialect(self) -> str:
        """The database's name: sqlite or postgresql."""
        return self._writer.dialect.name

    @property
    def name(self) -> str:
        """Its URL, to be shown: without the password."""
        return make_url(self.url).render_as_string()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session on one consistent snapshot. Nothing it changes is kept."""
        with Session(self._reader, autoflush=False, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A session whose changes become durable together when the block ends, or not at all."""
        with self._turn, Session(self._writer, expire_on_commit=False) as session:
            yield session
            session.commit()

    @contextmanager
    def migrating(self) -> Iterator[Connection]:
        """A connection for Alembic, in one write transaction that runs alone."""
        with self._turn, self._writer.begin() as connection:
            for statement in _ALONE[self.dialect]:
                connection.exec_driver_sql(statement)
            yield connection

    def wait(self, stop: threading.Event, seconds: float) -> None:
        """Wait until `stop` is set or it is time to look for jobs again.

        That is after `seconds`; where the database tells when a transaction with `ringing` statements has
        committed, it is then, and otherwise only after ten times as long.
        """
        if self._bell is None or not self._bell.wait(stop, seconds):
            stop.wait(seconds)

    def stop_waiting(self) -> None:
        """Nobody will `wait` any more, or not for long."""
        if self._bell is not None:
            self._bell.close()

    def close(self) -> None:
        """Give all connections back."""
        if self._bell is not None:
            self._bell.close()
        self._reader.dispose()
        self._writer.dispose()


class _Bell:
    """Listens on a connection of its own for what `ringing` statements tell. Used by one thread."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: PoolProxiedConnection | None = None
        self._listening = False

    def wait(self, stop: threading.Event, seconds: float) -> bool:
        """Wait for it. False at once where nothing can be heard: the connection is lost and cannot be made."""
        try:
            if not self._listening:
                self._listen()
                return True  # what was told before nobody has heard: look
            assert self._connection is not None
            line: Any = self._connection.dbapi_connection
            # A signal sets `stop` without ending the wait: short waits notice.
            for _ in range(10):
                if stop.is_set() or next(line.notifies(timeout=seconds, stop_after=1), None):
                    break
            # Whoever listens and is busy keeps the server waiting with what it has to tell, and others with it.
            self._say(f"UNLISTEN {_CHANNEL}")
            self._listening = False
            for _ in line.notifies(timeout=0):
                pass  # one look is enough for all that was told
        except (*AWAY, psycopg.Error):
            self.close()
            return False
        return True

    def _listen(self) -> None:
        if self._connection is None:
            self._connection = self._engine.raw_connection()
            self._connection.detach()  # it would else be missing from the pool
        self._say(f"LISTEN {_CHANNEL}")
        self._listening = True

    def _say(self, statement: str) -> None:
        assert self._connection is not None
        self._connection.cursor().execute(statement)

    def close(self) -> None:
        """Hang up; the next wait listens anew."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None
        self._listening = False


def ringing(dialect: str, statement: Insert) -> Executable:
    """The INSERT, ending the waiting of every `Database.wait` when its transaction commits. It returns a column that
    says nothing: so it costs no statement of its own."""
    return statement.returning(func.pg_notify(_CHANNEL, "")) if dialect == "postgresql" else statement


def take_turn(session: Session, *name: str) -> None:
    """Wait until no other transaction has this turn, and have it until this transaction ends. What the other one has
    written is seen by the next statement. SQLite's writers take turns anyway."""
    if dialect_of(session) == "postgresql":
        session.connection().execute(_TURN, {"name": "\n".join(name)})


def why(error: Exception) -> str:
    """What the driver said, without the statement."""
    return str(getattr(error, "orig", None) or error)


def dialect_of(session: Session) -> str:
    """The database's name: sqlite or postgresql."""
    return session.get_bind().dialect.name


def insert_into(dialect: str, model: type[SQLModel]) -> Any:
    """The dialect's own INSERT into a model's table, which knows ON CONFLICT; both dialects spell it alike."""
    statement = (sqlite if dialect == "sqlite" else postgresql).insert(_table(model))
    return statement.execution_options(preserve_rowcount=True)


def listed(session: Session, ids: Sequence[uuid.UUID]) -> Any:
    """The ids as a table to join with: `id`, and `place` from 0. However many they are, they are one value of the
    statement; of a thousand, IN takes longer than what it finds."""
    if dialect_of(session) == "sqlite":
        text_of_all = orjson.dumps([one.hex for one in ids]).decode()
        each = func.json_each(text_of_all).table_valued(column("key", Integer), column("value", Uuid))
        return select(each.c.key.label("place"), each.c.value.label("id")).subquery()
    each = func.unnest(literal([*ids], postgresql.ARRAY(Uuid))).table_valued(
        column("id", Uuid), with_ordinality="nth"
    )
    each = each.render_derived()
    return select((each.c.nth - 1).label("place"), each.c.id).subquery()


def append(session: Session, model: type[SQLModel], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that nobody will look at again in this session: several times as fast as objects would be."""
    if rows:
        session.connection().execute(_insert(model), rows)


@lru_cache
def _insert(model: type[SQLModel]) -> Insert:
    return insert(_table(model))


def _table(model: type[SQLModel]) -> Any:
    return model.__table__  # type: ignore[attr-defined]  # SQLModel does not declare it


def rows_touched(result: Any) -> int:
    """How many rows an UPDATE, DELETE or INSERT touched."""
    return int(result.rowcount)


def _engine(url: str, settings: Settings, *, writes: bool) -> Engine:
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


class UtcDateTime(TypeDecorator[datetime]):
    """Aware UTC datetimes on every database; SQLite itself would forget the zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a datetime without a zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, _: Dialect) -> datetime | None:
        if value is None or value.tzinfo is UTC:
            return value
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
