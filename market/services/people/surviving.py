"""What is left of a person: every text and id of every table is searched for them; the index is asked."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    LargeBinary,
    String,
    Table,
    Text,
    TypeDecorator,
    Uuid,
    case,
    cast,
    func,
    literal,
    or_,
)
from sqlalchemy import select as select_columns
from sqlmodel import Session

from market.db import dialect_of
from market.models import LISTINGS, METADATA
from search.engine import Engine, Query

SHORTEST = 2
"""Characters of a name that is looked for within texts: one alone stands in every other text."""
BEYOND = (
    "backups keep what they hold until they are replaced",
    "pages of a SQLite file that are free keep old bytes until they are used again, or until VACUUM",
    "segments of the search index keep deleted documents, which no search finds, until they are merged",
    "logs hold neither names nor addresses, but the account's id",
)
"""What this does not reach, or need not."""
_TRAIL = "the audit trail cannot be changed; it keeps the account's id, which leads nowhere any more"
_DECISION = "who decided is kept as the account's id, which leads nowhere any more"
_WORDS = "in what others wrote or published: whoever it belongs to may change it; perhaps it is about somebody else"
_BY_ITSELF = {
    "idempotent_answers": "kept for a repeated request; goes by itself within 24 hours",
    "import_parts": "a file that is being taken in; goes by itself when that ends, of a trial run within 24 hours",
}
_TOLD = "in what somebody else was told of a text that others wrote, such as a file's name; goes with their account"
_FILES = "in the name of a file that somebody else brought in, which they chose; perhaps it is about somebody else"
_NAMED = {("imports", "name"): _FILES, ("notifications", "title"): _TOLD, ("notifications", "body"): _TOLD}


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom it is about, as it was: what is looked for."""

    user_id: uuid.UUID
    email: str
    name: str
    phones: frozenset[str] = frozenset()

    @property
    def needles(self) -> dict[str, tuple[str, ...]]:
        """What stands in texts, by what it is; what is too short to mean anybody is left out."""
        texts = {
            "email": (self.email,),
            "name": (self.name,),
            "phone": tuple(sorted(self.phones)),
            "id": (str(self.user_id), self.user_id.hex),
        }
        long = {what: tuple(one for one in found if len(one) >= SHORTEST) for what, found in texts.items()}
        return {what: found for what, found in long.items() if found}


@dataclass(frozen=True, slots=True)
class Found:
    """In so many rows of a column something of them still stands: email, name, phone or id; and why it may."""

    table: str
    column: str
    what: str
    rows: int
    why: str


def _holds(column: Any, needles: Sequence[str]) -> ColumnElement[bool]:
    """That a text or JSON has one of these in it, whatever its capitals."""
    text = cast(column, Text)
    return or_(*(text.icontains(needle, autoescape=True) for needle in needles))


def in_database(session: Session, subject: Subject) -> list[Found]:
    """Where they still stand, in all tables that there are. Reads every row of each: for the rare moment. Only for
    whoever runs the exchange: whoever chose the name would learn by it what others keep to themselves."""
    return [found for table in METADATA.sorted_tables for found in _in_table(session, table, subject)]


def _in_table(session: Session, table: Table, subject: Subject) -> Iterator[Found]:
    dialect = dialect_of(session)
    asked = [
        (column.name, what, condition)
        for column in table.columns
        for what, condition in _conditions(column, subject, dialect)
    ]
    if not asked:
        return
    counts = [func.sum(case((condition, 1), else_=0)) for _, _, condition in asked]
    row = session.execute(select_columns(*counts).select_from(table)).one()
    for (name, what, _), count in zip(asked, row, strict=True):
        if count:
            yield Found(str(table.name), str(name), what, int(count), _why(str(table.name), str(name), what))


def _why(table: str, column: str, what: str) -> str:
    if table == "audit_entries":
        return _TRAIL
    if table in _BY_ITSELF:
        return _BY_ITSELF[table]
    if what == "id":
        return _DECISION
    return _NAMED.get((table, column), _WORDS)


def _conditions(column: Column[Any], subject: Subject, dialect: str) -> Iterator[tuple[str, ColumnElement[bool]]]:
    # SQLModel's own type of texts is one that decorates another.
    kind = column.type.impl_instance if isinstance(column.type, TypeDecorator) else column.type
    if isinstance(kind, Uuid):
        yield "id", column == subject.user_id
    elif isinstance(kind, String | JSON):
        for what, needles in subject.needles.items():
            yield what, _holds(column, needles)
    elif isinstance(kind, LargeBinary):
        for what, needles in subject.needles.items():
            yield what, bytes_hold(column, needles, dialect)


def bytes_hold(column: Any, needles: Sequence[str], dialect: str) -> ColumnElement[bool]:
    """That bytes have one of these texts in them, as it is written; what is ASCII whatever its capitals."""
    if dialect == "sqlite":
        plain = func.lower(cast(column, Text))
        return or_(*(func.instr(plain, _lowered(one)) > 0 for one in needles))
    bytes_ = func.lower(func.encode(column, "escape"))
    escaped = [func.lower(func.encode(literal(one.encode(), LargeBinary), "escape")) for one in needles]
    return or_(*(func.strpos(bytes_, one) > 0 for one in escaped))


def _lowered(text: str) -> str:
    """As SQLite does it: ASCII alone."""
    return "".join(one.lower() if one.isascii() else one for one in text)


def in_index(engine: Engine, subject: Subject) -> dict[str, int]:
    """How many documents of each noun have the whole name in them, in its order; of names too short to mean anybody,
    none."""
    if len(subject.name) < SHORTEST:
        return {}
    asked = Query(text='"{}"'.format(subject.name.replace('"', " ")), limit=1)
    return {noun: engine.search(f"{noun}s", asked).total for noun in LISTINGS}
