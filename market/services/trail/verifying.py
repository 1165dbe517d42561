"""Walks the audit trail's chain of seals, and names the first thing in it that is not as it was sealed."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select
from sqlalchemy import select as select_columns
from sqlalchemy.exc import StatementError
from sqlmodel import Session, col, func, select

from market.models import AuditEntry, AuditSeal
from market.services.trail.sealing import ENTRY, GENESIS, Head, as_kept, as_uuid, hash_of, unsealed

LATE = timedelta(hours=1)
"""What is sealed longer than this after it was done may have been put in afterwards; or no worker ran."""
MOST_LATE = 10
"""So many of these are named."""
_AT_ONCE = 2000
_SEAL: tuple[Any, ...] = (AuditSeal.position, as_kept(AuditSeal.entry_id), AuditSeal.sealed_at, AuditSeal.hash)
_NOT_READABLE = (ValueError, TypeError, AttributeError, OverflowError, StatementError)


@dataclass(frozen=True, slots=True)
class Fault:
    """The first thing that is wrong: `kind` is altered, missing, doubled, inserted or head-not-found."""

    kind: str
    position: int
    entry_id: uuid.UUID | None
    said: str


@dataclass(frozen=True, slots=True)
class Late:
    """A good entry that was sealed `seconds` after its moment, or after that which its id tells."""

    position: int
    entry_id: uuid.UUID
    seconds: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a walk has found. `head` is the last seal that is good; `anchored`: a head kept elsewhere was given and is
    in the chain; `late`: how many entries were sealed long after they were made, of which the first are named."""

    verified: int
    head: Head
    unsealed: int
    oldest_unsealed: datetime | None
    fault: Fault | None
    anchored: bool
    late: int
    first_late: Sequence[Late]


@dataclass(frozen=True, slots=True)
class _Unreadable:
    """A row with something in it that is no value of its column."""

    position: int


def total(session: Session) -> int:
    """How many seals there are: for progress."""
    return int(session.exec(select(func.count()).select_from(AuditSeal)).one())


def verify(
    session: Session, *, start: int = 1, anchor: str = "", step: Callable[[int], object] = lambda _: None
) -> Verdict:
    """Walk the chain from `start`, taking the seal before it on trust; `step` hears how many more were verified.

    `anchor` is the hash of a head as a log has it: where no seal from `start` has it, the chain was cut off or
    written anew. Only reads, and may take long: some tens of thousands of entries a second.
    """
    present, fault = _before(session, start), _outside(session)
    if present is None:
        present, fault = Head(start - 1, ""), Fault("missing", start - 1, None, "There is no seal to begin after.")
    anchored = anchor in ("", present.hash)
    verified = late = 0
    first_late: list[Late] = []
    for batch in _batches(session, start) if fault is None else ():
        for row in batch:
            fault = _fault(session, present, row)
            if fault is not None or isinstance(row, _Unreadable):
                break
            present = Head(row[0], row[3])
            anchored = anchored or anchor == present.hash
            verified += 1
            behind = _behind(row)
            if behind > LATE:
                late += 1
                if len(first_late) < MOST_LATE:
                    first_late.append(Late(row[0], as_uuid(row[1]), int(behind.total_seconds())))
        step(len(batch))
        if fault is not None:
            break
    if fault is None:
        fault = _doubled(session)
    if fault is None and not anchored:
        said = "No seal has the hash that was given: the chain was cut off, or written anew."
        fault = Fault("head-not-found", present.position, None, said)
    waiting, oldest = unsealed(session)
    if fault is None and waiting and not present.position:
        said = "There are entries, and no seal at all: no worker has sealed yet, or the seals were deleted."
        fault = Fault("missing", 1, None, said)
    return Verdict(
        verified, present, waiting, oldest, fault,
        anchored=anchored and anchor not in ("", GENESIS), late=late, first_late=first_late,
    )  # fmt: skip


def _behind(row: Any) -> timedelta:
    """How long after its moment a good entry was sealed, by the earlier of what it says and what its id tells."""
    since_epoch = int(str(row[1]).replace("-", "")[:12], 16)  # milliseconds
    by_id = timedelta(milliseconds=int(row[2].timestamp() * 1000) - since_epoch)
    by_its_word: timedelta = row[2] - row[5]
    return max(by_id, by_its_word)


def _before(session: Session, start: int) -> Head | None:
    if start <= 1:
        return Head(0, GENESIS)
    found = session.exec(select(AuditSeal.hash).where(AuditSeal.position == start - 1)).first()
    return None if found is None else Head(start - 1, found)


def _each_once(pairs: list[tuple[str, Any]]) -> None:
    """A key that stands twice leaves the hash as it is, and what reads the details may take either."""
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a key stands twice")


def _fault(session: Session, before: Head, row: Any) -> Fault | None:
    """What is wrong with a row that should be the next after `before`."""
    position, expected = row.position, before.position + 1
    if position > expected:
        which = f"{expected}" if position == expected + 1 else f"{expected} to {position - 1}"
        return Fault("missing", expected, None, f"There is no seal at position {which}.")
    if position < expected:
        return Fault("doubled", position, None, f"Position {position} is there twice.")
    try:
        if not isinstance(row, _Unreadable) and hash_of(before.hash, position, row[2], row[4:]) == row[3]:
            json.loads(row.details, object_pairs_hook=_each_once)
            return None
    except _NOT_READABLE:
        pass  # a missing entry, among others
    entry_id = None if isinstance(row, _Unreadable) else _identity(row[1])
    if entry_id is None:
        return Fault("altered", position, None, "The entry or its seal has values that cannot be read.")
    return _why(session, position, entry_id, gone=row[4] is None)


def _identity(kept: Any) -> uuid.UUID | None:
    try:
        return as_uuid(kept)
    except _NOT_READABLE:
        return None


def _why(session: Session, position: int, entry_id: uuid.UUID, *, gone: bool) -> Fault:
    """What became of an entry that does not go with its seal."""
    if gone:
        return Fault("missing", position, entry_id, "It was sealed, and is gone.")
    earlier = session.exec(
        select(AuditSeal.position).where(AuditSeal.entry_id == entry_id, AuditSeal.position < position).limit(1)
    ).first()
    if earlier is not None:
        return Fault("doubled", position, entry_id, f"It is sealed at position {earlier} already.")
    return Fault("altered", position, entry_id, "The entry or its seal is not what was sealed.")


def _outside(session: Session) -> Fault | None:
    """A seal before the first."""
    found = session.exec(select(AuditSeal.position).where(AuditSeal.position < 1).limit(1)).first()
    return None if found is None else Fault("inserted", found, None, "The chain begins at position 1.")


def _doubled(session: Session) -> Fault | None:
    """An entry that has two good seals. The table refuses it while its constraint stands."""
    twice = (
        select_columns(col(AuditSeal.entry_id), func.max(AuditSeal.position))
        .group_by(col(AuditSeal.entry_id))
        .having(func.count() > 1)
        .order_by(func.max(AuditSeal.position))
        .limit(1)
    )
    found = session.connection().execute(twice).first()
    if found is not None:
        return Fault("doubled", found[1], found[0], "It is sealed twice.")
    count, last = session.exec(select(func.count(), func.max(AuditSeal.position))).one()
    return Fault("doubled", last, None, "There are more seals than positions.") if count > (last or 0) else None


def _batches(session: Session, start: int) -> Iterator[Sequence[Any]]:
    """Seals with their entries, by position."""
    low = start
    while True:
        within = (
            select_columns(*_SEAL, *ENTRY)
            .outerjoin(AuditEntry, col(AuditEntry.id) == col(AuditSeal.entry_id))
            .order_by(col(AuditSeal.position))
        )
        try:
            batch = session.connection().execute(within.where(col(AuditSeal.position) >= low).limit(_AT_ONCE)).all()
        except _NOT_READABLE:
            batch = _singly(session, within, low)
        if not batch:
            return
        yield batch
        low = batch[-1].position + 1


def _singly(session: Session, within: Select[Any], low: int) -> Any:
    """The rows of a batch up to the one that cannot be read."""
    query = select(AuditSeal.position).where(AuditSeal.position >= low).order_by(col(AuditSeal.position))
    rows: list[Any] = []
    for position in session.exec(query.limit(_AT_ONCE)):
        try:
            rows += session.connection().execute(within.where(col(AuditSeal.position) == position)).all()
        except _NOT_READABLE:
            rows.append(_Unreadable(position))
            break
    return rows
