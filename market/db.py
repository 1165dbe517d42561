"""The database: one engine for readers, one for writers. The only place that commits."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from functools import lru_cache
from itertools import chain
from typing import Any

import orjson
from sqlalchemy import (
    JSON,
    DateTime,
    Dialect,
    Executable,
    Insert,
    Integer,
    LargeBinary,
    String,
    TypeDecorator,
    Uuid,
    bindparam,
    column,
    func,
    insert,
    literal,
    select,
    text,
    type_coerce,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import object_session
from sqlmodel import Session, SQLModel

from market.connecting import engine_of
from market.errors import MarketError
from market.listening import CHANNEL, Bell
from market.settings import Settings

AWAY = (OperationalError, PoolTimeoutError)
"""What is raised while the database is away, busy or full, and where two transactions were in each other's way: it
passes by itself, and what was tried may be tried again."""

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
_ORPHANS = "PRAGMA foreign_key_check"
_TURN = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")
_SHARED_TURN = text("SELECT pg_advisory_xact_lock_shared(hashtextextended(:name, 0))")


class Database:
    """Sessions to read and to write with. Readers never wait for writers, nor writers for them.

    SQLite's writers take turns; PostgreSQL's work side by side, and wait for each other where they touch the same
    row, or the same name (`take_turn`).
    """

    def __init__(self, url: str, settings: Settings | None = None) -> None:
        """`url` chooses the database by its scheme; of the settings, those of databases count."""
        self.url = url
        settings = settings or Settings()
        self._reader = engine_of(url, settings, writes=False)
        self._writer = engine_of(url, settings, writes=True)
        # Threads of one process queue here in turn; SQLite's own waiting sleeps, and is not fair.
        self._turn: Any = threading.Lock() if self.dialect == "sqlite" else nullcontext()
        listens = self.dialect == "postgresql" and settings.job_listen
        self._bell = Bell(self._writer) if listens else None

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
        with Session(self._reader, autoflush=False, expire_on_commit=False, info={"reads": True}) as session:
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
        with self._turn, self._writer.connect() as connection, _rebuilding(connection), connection.begin():
            for statement in _ALONE[self.dialect]:
                connection.exec_driver_sql(statement)
            yield connection
            if self.dialect == "sqlite" and (broken := connection.exec_driver_sql(_ORPHANS).first()):
                raise MarketError(
                    "internal", reason=f"The migration leaves rows of {broken[0]} that refer to nothing."
                )

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


@contextmanager
def _rebuilding(connection: Connection) -> Iterator[None]:
    """SQLite changes most things of a table by making it anew, and to drop the old one would delete, row by row, what
    refers to it. So foreign keys are not looked after meanwhile but checked at the end, as its documentation says."""
    if connection.dialect.name != "sqlite":
        yield
        return
    driver: Any = connection.connection.driver_connection  # no transaction has begun: there the setting is ignored
    driver.execute("PRAGMA foreign_keys=OFF")
    try:
        yield
    finally:
        driver.execute("PRAGMA foreign_keys=ON")


def ringing(dialect: str, statement: Insert) -> Executable:
    """The INSERT, ending the waiting of every `Database.wait` when its transaction commits. It returns a column that
    says nothing: so it costs no statement of its own."""
    return statement.returning(func.pg_notify(CHANNEL, "")) if dialect == "postgresql" else statement


def take_turn(session: Session, *name: str) -> None:
    """Wait until no other transaction has this turn, and have it until this transaction ends. What the other one has
    written is seen by the next statement. SQLite's writers take turns anyway."""
    if dialect_of(session) == "postgresql":
        session.connection().execute(_TURN, {"name": "\n".join(name)})


def share_turn(session: Session, *name: str) -> None:
    """As `take_turn`, but whoever shares it waits only for who has it alone."""
    if dialect_of(session) == "postgresql":
        session.connection().execute(_SHARED_TURN, {"name": "\n".join(name)})


def why(error: Exception) -> str:
    """What the driver said, without the statement."""
    return str(getattr(error, "orig", None) or error)


def gone_meanwhile(error: IntegrityError) -> bool:
    """Whether a row refers to what somebody else has deleted in the same moment; who tries again sees that it has
    gone."""
    return getattr(error.orig, "sqlstate", "") == "23503" or "FOREIGN KEY" in str(error.orig)


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


def paired(session: Session, pairs: Sequence[tuple[uuid.UUID, str]]) -> Any:
    """Pairs of an id and a text as a table to join with, `id` and `name`: one value of the statement too."""
    if dialect_of(session) == "sqlite":
        text_of_all = orjson.dumps([(one.hex, name) for one, name in pairs]).decode()
        each = func.json_each(text_of_all).table_valued(column("value", String))
        first, second = (func.json_extract(each.c.value, path) for path in ("$[0]", "$[1]"))
        return select(type_coerce(first, Uuid).label("id"), second.label("name")).subquery()
    ids, names = [one for one, _ in pairs], [name for _, name in pairs]
    both: Any = func.unnest(literal(ids, postgresql.ARRAY(Uuid)), literal(names, postgresql.ARRAY(String)))
    both = both.table_valued(column("id", Uuid), column("name", String)).render_derived()
    return select(both.c.id, both.c.name).subquery()


def among(session: Session, column_: Any, texts: Sequence[str]) -> Any:
    """That a column is one of these texts; however many they are, they are one value of the statement too."""
    if dialect_of(session) == "sqlite":
        each = func.json_each(orjson.dumps([*texts]).decode()).table_valued(column("value", String))
        return column_.in_(select(each.c.value))
    return column_ == func.any(literal([*texts], postgresql.ARRAY(String)))


def append(session: Session, model: type[SQLModel], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that nobody will look at again in this session: several times as fast as objects would be. All
    have the same columns."""
    connection, names = session.connection(), tuple(rows[0]) if rows else ()
    if len(rows) < _MANY or not _plain(model, names):
        if rows:
            connection.execute(_insert(model), rows)
    elif dialect_of(session) == "postgresql":
        # One value that the server takes apart, on a processor of its own, while nobody waits here for each row.
        connection.execute(_pour(model, names), {"rows": orjson.dumps(list(rows)).decode()})
    else:
        _append_to_file(connection, model, names, rows)


_MANY = 20
_SIZES = (200, 20, 1)
_MOST_VALUES = 30_000  # that SQLite takes for one statement, and some less


@lru_cache
def _insert(model: type[SQLModel]) -> Insert:
    return insert(_table(model))


@lru_cache
def _plain(model: type[SQLModel], names: tuple[str, ...]) -> bool:
    """Whether JSON holds every value, and what the rows leave out is a plain value."""
    columns = _table(model).columns
    defaults = [one.default for one in columns if one.name not in names and one.default is not None]
    return all(one.is_scalar for one in defaults) and not any(isinstance(one.type, LargeBinary) for one in columns)


def _append_to_file(
    connection: Connection, model: type[SQLModel], names: tuple[str, ...], rows: Sequence[Mapping[str, Any]]
) -> None:
    """As SQLite's driver takes it, hundreds of rows a statement: for each statement SQLite makes the lists of codes
    anew that its CHECK constraints ask, which would take longer than the row itself."""
    width, statement, write = _plan(model, names)
    values, at = write(rows), 0
    for size in _SIZES:
        if size * width > _MOST_VALUES:
            continue
        while len(rows) - at >= size:
            connection.exec_driver_sql(statement(size), tuple(values[at * width : (at + size) * width]))
            at += size


@lru_cache
def _plan(
    model: type[SQLModel], names: tuple[str, ...]
) -> tuple[int, Callable[[int], str], Callable[[Sequence[Any]], list[Any]]]:
    """How many values a row has, the INSERT of so many rows, and what writes the values of rows one after another."""
    columns = _table(model).columns
    beside = {one.name: one.default.arg for one in columns if one.name not in names and one.default is not None}
    used = [columns[name] for name in (*names, *beside)]
    listed_ = ", ".join(f'"{one.name}"' for one in used)
    row = f"({', '.join('?' * len(used))})"
    into = f'INSERT INTO "{_table(model).name}" ({listed_}) VALUES '  # noqa: S608  # names of our own
    ways = [(at, way) for at, one in enumerate(used) if (way := _written(one.type)) is not None]

    @lru_cache
    def statement(size: int) -> str:
        return into + ", ".join([row] * size)

    def write(rows: Sequence[Any]) -> list[Any]:
        values: list[Sequence[Any]] = [[one[name] for one in rows] for name in names]
        values += [[default] * len(rows) for default in beside.values()]
        for at, way in ways:
            values[at] = _each_once(way, values[at])
        return [*chain.from_iterable(zip(*values, strict=True))]

    return len(used), statement, write


def _each_once(way: Callable[[Any], Any], values: Sequence[Any]) -> list[Any]:
    """A column as it is written; of one object that stands in many rows it is done once."""
    different = dict(zip(map(id, values), values, strict=True))
    if len(different) == len(values):
        return [*map(way, values)]
    written = {identity: way(value) for identity, value in different.items()}
    return [written[id(value)] for value in values]


def _written(kind: Any) -> Callable[[Any], Any] | None:
    """How SQLite keeps a value of this type; None: as it is."""
    if isinstance(kind, JSON):
        return lambda value: orjson.dumps(value).decode() if value != [] else "[]"
    if isinstance(kind, UtcDateTime):
        return _moment
    if isinstance(kind, Uuid):
        return lambda value: None if value is None else value.hex
    process: Callable[[Any], Any] | None = kind.dialect_impl(_SQLITE).bind_processor(_SQLITE)
    return process


_SQLITE = sqlite.dialect()


@lru_cache(maxsize=64)
def _moment(value: datetime | None) -> str | None:
    """As SQLAlchemy writes it; of many rows it is the same."""
    return None if value is None else value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


@lru_cache
def _pour(model: type[SQLModel], names: tuple[str, ...]) -> Insert:
    """An INSERT of however many rows, which are one value: `rows`, as JSON."""
    columns = [_table(model).columns[name] for name in names]
    each: Any = func.json_to_recordset(bindparam("rows", type_=String).cast(postgresql.JSON))
    each = each.table_valued(*(column(one.name, one.type) for one in columns)).render_derived(with_types=True)
    return insert(_table(model)).from_select(names, select(*each.c))


def _table(model: type[SQLModel]) -> Any:
    return model.__table__  # type: ignore[attr-defined]  # SQLModel does not declare it


def only_reads(row: SQLModel) -> bool:
    """Whether a row was loaded by a session that only reads, so that what it says is committed."""
    session = object_session(row)
    return session is not None and bool(session.info.get("reads"))


def rows_touched(result: Any) -> int:
    """How many rows an UPDATE, DELETE or INSERT touched."""
    return int(result.rowcount)


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
