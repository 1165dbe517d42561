"""The database: one engine for readers, one for writers. The only place that commits."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import DateTime, Dialect, Engine, Insert, TypeDecorator, create_engine, event, insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, make_url
from sqlmodel import Session, SQLModel

from market.errors import MarketError

# synchronous=FULL: a commit that was answered survives a power cut too, not only a killed process.
_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA temp_store=MEMORY",
    "PRAGMA mmap_size=1073741824",
    "PRAGMA cache_size=-65536",
)


class Database:
    """Sessions to read and to write with. SQLite readers never wait for the writer, nor it for them (WAL)."""

    def __init__(self, url: str, *, busy_seconds: float = 10.0) -> None:
        """`url` chooses the database by its scheme; `busy_seconds` is how long a writer waits for its turn."""
        self.url = url
        self._reader = _engine(url, busy_seconds, begin="BEGIN")
        self._writer = _engine(url, busy_seconds, begin="BEGIN IMMEDIATE")
        # Threads of one process queue here in turn; SQLite's own waiting sleeps, and is not fair.
        self._turn: Any = threading.Lock() if self.dialect == "sqlite" else nullcontext()

    @property
    def dialect(self) -> str:
        """The database's name: sqlite or postgresql."""
        return self._writer.dialect.name

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
        """A connection for Alembic, in one write transaction."""
        with self._turn, self._writer.begin() as connection:
            yield connection

    def close(self) -> None:
        """Give all connections back."""
        self._reader.dispose()
        self._writer.dispose()


def dialect_of(session: Session) -> str:
    """The database's name: sqlite or postgresql."""
    return session.get_bind().dialect.name


def insert_into(dialect: str, model: type[SQLModel]) -> Any:
    """The dialect's own INSERT into a model's table, which knows ON CONFLICT; both dialects spell it alike."""
    return (sqlite if dialect == "sqlite" else postgresql).insert(_table(model))


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


def _engine(url: str, busy_seconds: float, *, begin: str) -> Engine:
    """Where the database is chosen, by the scheme of its URL."""
    scheme = make_url(url).get_backend_name()
    if scheme == "sqlite":
        return _sqlite(url, busy_seconds, begin)
    raise MarketError("internal", reason=f"No database is known for {scheme}: the URL starts with sqlite://")


def _sqlite(url: str, busy_seconds: float, begin: str) -> Engine:
    engine = create_engine(
        url,
        connect_args={"timeout": busy_seconds, "check_same_thread": False},
        pool_size=16,
        max_overflow=16,
        json_deserializer=orjson.loads,
        json_serializer=lambda value: orjson.dumps(value).decode(),
        hide_parameters=True,  # an error message is logged; what people wrote is not
    )

    @event.listens_for(engine, "connect")
    def connect(connection: Any, _: object) -> None:
        # The driver's own transaction handling is switched off: it begins too late, and always deferred.
        connection.isolation_level = None
        for pragma in _PRAGMAS:
            connection.execute(pragma)
        if begin == "BEGIN":
            connection.execute("PRAGMA query_only=ON")

    @event.listens_for(engine, "begin")
    def begin_transaction(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


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
        if value is None or value.tzinfo is not None:
            return value
        return value.replace(tzinfo=UTC)
