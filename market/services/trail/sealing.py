"""Seals: what links the audit trail's entries into one chain of hashes. Who verifies it: verifying.py.

A chain that every deed extended would have all writers wait for each other. So entries are appended without a seal,
and a job seals those that have been committed, one batch after the other. The order of seals is that in which entries
were sealed: an entry whose transaction commits late is sealed later, behind younger ones, and loses nothing by it.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import structlog
from sqlalchemy import Row, Select, String, Text, cast, event, type_coerce
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, func, select

from market.db import append, take_turn
from market.models import AuditEntry, AuditSeal

log = structlog.get_logger()

GENESIS = hashlib.sha256("Qiao 桥: the audit trail begins, format 1".encode()).hexdigest()
"""What stands before the first seal."""
AT_ONCE = 2000
"""Entries sealed in one transaction."""
_LATE = timedelta(minutes=15)
"""A transaction that commits later than this after its entry was made is found by the hourly look at everything."""

_FIELDS = ("id", "created_at", "actor_kind", "actor_id", "action", "noun", "subject_id", "details", "request_id")
_IDS = ("id", "actor_id", "subject_id")


def as_kept(column: Any) -> Any:
    """An id as the driver gives it, text or UUID: making UUIDs of texts takes longer than hashing them."""
    return type_coerce(column, String)


def _read(name: str) -> Any:
    column = getattr(AuditEntry, name)
    if name == "details":  # as text: whatever was made of them, there is something to compare
        return cast(column, Text).label(name)
    return as_kept(column).label(name) if name in _IDS else column


ENTRY: tuple[Any, ...] = tuple(map(_read, _FIELDS))
"""The columns of an entry, as `hash_of` takes them."""


@dataclass(frozen=True, slots=True)
class Head:
    """The last seal: how many there are, and its hash."""

    position: int
    hash: str


@dataclass(frozen=True, slots=True)
class Sealing:
    """Seals made and not yet kept: they continue `before`. `full`: there may be more to seal."""

    before: Head
    rows: Sequence[dict[str, Any]]
    full: bool

    @property
    def head(self) -> Head:
        """What the head is once they are kept."""
        return Head(self.rows[-1]["position"], self.rows[-1]["hash"]) if self.rows else self.before


def hash_of(previous: str, position: int, sealed_at: datetime, entry: Sequence[Any]) -> str:
    """SHA-256 over the hash before and the canonical JSON of seal and entry: keys sorted, no spaces, moments in UTC,
    ids in hex. `entry` has the columns of ENTRY.

    Raises ValueError for details that are not JSON.
    """
    canonical = dict(zip(_FIELDS, entry, strict=True))
    canonical["details"] = orjson.loads(canonical["details"])
    for name in _IDS:
        if isinstance(one := canonical[name], uuid.UUID):
            canonical[name] = one.hex
    canonical["position"], canonical["sealed_at"] = position, sealed_at
    written = orjson.dumps(canonical, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(previous.encode() + b"\n" + written).hexdigest()


def head(session: Session) -> Head:
    """The last seal; position 0 and GENESIS where nothing is sealed."""
    last = session.exec(select(AuditSeal).order_by(col(AuditSeal.position).desc()).limit(1)).first()
    return Head(last.position, last.hash) if last is not None else Head(0, GENESIS)


def make(session: Session, *, now: datetime, whole: bool = False, limit: int = AT_ONCE) -> Sealing:
    """Seals for committed entries that have none. Writes nothing; `whole` looks at entries of any age."""
    last = session.exec(select(AuditSeal).order_by(col(AuditSeal.position).desc()).limit(1)).first()
    before = Head(last.position, last.hash) if last is not None else Head(0, GENESIS)
    entries = session.connection().execute(_unsealed(None if whole else last, limit)).all()
    return Sealing(before, _links(before, entries, now=now), full=len(entries) == limit)


def keep(session: Session, made: Sealing) -> bool:
    """Append the seals, unless somebody else has sealed since they were made: then False, and nothing is kept.

    The new head is logged once it is committed: a log kept elsewhere holds the chain against being cut off.
    """
    if not made.rows:
        return True
    take_turn(session, "audit_seals")
    if head(session) != made.before:
        return False
    append(session, AuditSeal, made.rows)
    new = made.head
    told = {"position": new.position, "hash": new.hash, "entries": len(made.rows)}
    event.listen(session, "after_commit", lambda _: log.info("audit sealed", **told), once=True)
    return True


def as_uuid(kept: str | uuid.UUID) -> uuid.UUID:
    """An id that was read as kept. Raises ValueError for what is none."""
    return kept if isinstance(kept, uuid.UUID) else uuid.UUID(kept)


def unsealed(session: Session) -> tuple[int, datetime | None]:
    """How many entries have no seal yet, and when the oldest of them was made."""
    query = select_columns(func.count(), func.min(AuditEntry.created_at)).where(_has_no_seal())
    count, oldest = session.connection().execute(query).one()
    return int(count), oldest


def _links(before: Head, entries: Sequence[Row[Any]], *, now: datetime) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    previous = before.hash
    for position, entry in enumerate(entries, start=before.position + 1):
        previous = hash_of(previous, position, now, entry)
        rows.append({"position": position, "entry_id": as_uuid(entry.id), "sealed_at": now, "hash": previous})
    return rows


def _unsealed(last: AuditSeal | None, limit: int) -> Select[Any]:
    """Ids begin with the moment they were made at: only those about as young as the last sealed one are looked at."""
    query = select_columns(*ENTRY).where(_has_no_seal()).order_by(col(AuditEntry.id)).limit(limit)
    if last is None:
        return query
    made_at = datetime.fromtimestamp((last.entry_id.int >> 80) / 1000, UTC)
    since = min(made_at, last.sealed_at) - _LATE  # one clock that is ahead hides nothing
    milliseconds = max(0, int(since.timestamp() * 1000))
    return query.where(col(AuditEntry.id) >= uuid.UUID(int=milliseconds << 80))


def _has_no_seal() -> Any:
    return ~select_columns(col(AuditSeal.position)).where(col(AuditSeal.entry_id) == col(AuditEntry.id)).exists()
