"""Imports 导入: a file, how far it is taken in, what each row did, what was refused."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Index, LargeBinary, text
from sqlmodel import Field, SQLModel

from market.clock import utc_now
from market.db import UtcDateTime
from market.models.base import Row, at_most, one_of
from market.vocabulary import vocabulary

WHYS = ("file-unreadable", "rights-ended", "given-up")
"""Why one failed: its file cannot be read; whoever began it may not import any more; it never came to an end."""


class Import(Row, SQLModel, table=True):
    """One file for one kind of listing. `done` is the last line of the file that is dealt with: after a crash it goes
    on from there."""

    __tablename__ = "imports"
    __table_args__ = (
        one_of("noun", ("outcome", "expert", "demand")),
        one_of("state", vocabulary("import_states").codes),
        one_of("why", WHYS),
        at_most("name", 256),
        Index("imports_of_user", "user_id", "id"),
        Index("imports_of_organisation", "organisation_id", "id"),
    )

    noun: str
    user_id: uuid.UUID | None = Field(default=None, foreign_key="users.id", ondelete="SET NULL")
    organisation_id: uuid.UUID | None = Field(default=None, foreign_key="organisations.id", ondelete="SET NULL")
    name: str = ""  # the file's
    digest: str  # SHA-256 of the file, in hex
    bytes: int
    mapping: dict[str, str] = Field(default={}, sa_type=JSON)  # foreign header -> our column
    words: dict[str, dict[str, str]] = Field(default={}, sa_type=JSON)  # column -> foreign word -> our value
    dry_run: bool = False
    create_organisations: bool = False
    by_system: bool = False  # a command's, so that nobody's rights are asked
    undone_by: uuid.UUID | None = None  # whose account has it undone; None: nobody's, or a command
    state: str = "waiting"
    why: str = ""  # of a failed one: a code of WHYS
    rows: int = 0  # in the file, as counted beforehand
    done: int = 0
    created: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: int = 0
    updated_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    version: int = 1


class ImportPart(SQLModel, table=True):
    """A piece of an import's file, so that any worker on any host can go on with it. Gone when the import has ended;
    that of a dry run a day later."""

    __tablename__ = "import_parts"

    import_id: uuid.UUID = Field(primary_key=True, foreign_key="imports.id", ondelete="CASCADE")
    place: int = Field(primary_key=True)
    content: bytes = Field(sa_type=LargeBinary)


class ImportRow(SQLModel, table=True):
    """What a row of the file did: made a listing, or changed one from `before_version` to `version`, which is what
    undoing leads back from."""

    __tablename__ = "import_rows"
    __table_args__ = (Index("import_rows_of_listing", "listing_id", "import_id"),)

    import_id: uuid.UUID = Field(primary_key=True, foreign_key="imports.id", ondelete="CASCADE")
    line: int = Field(primary_key=True)
    listing_id: uuid.UUID
    version: int
    before_version: int | None = None  # None: it was made
    before_state: str = ""
    state: str = Field(default="", sa_column_kwargs={"server_default": text("''")})  # in which it left the listing
    undone: bool = False
    kept: bool = False  # it was to be undone, but somebody has changed it since


class ImportFault(SQLModel, table=True):
    """Why a row of the file stayed out: where, in both languages. With `note` in its details it did not: it says what
    else became of the row."""

    __tablename__ = "import_faults"

    import_id: uuid.UUID = Field(primary_key=True, foreign_key="imports.id", ondelete="CASCADE")
    place: int = Field(primary_key=True, sa_type=BigInteger)  # in the order of the file
    line: int
    column: str = ""
    zh: str
    en: str
    details: dict[str, Any] = Field(default={}, sa_type=JSON)
