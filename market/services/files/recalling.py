"""What an import that is taken over had taken already: the keys of the lines before, found by reading them again.

Only whoever takes it over comes here; nothing is stored.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice, takewhile
from typing import BinaryIO

from sqlmodel import Session, select

from market.files import reading
from market.files.faults import Row
from market.models import LISTINGS, Import, ImportFault
from market.services.files import findings, importing, keys, parties
from market.services.files.keys import Seen
from market.services.files.parties import Party
from market.services.files.readings import BATCH, Source


@dataclass(frozen=True, slots=True)
class StayedOut:
    """The lines whose rows stayed out. From the line `unknown` on it is not on record: there were too many faults."""

    lines: frozenset[int]
    unknown: int | None

    def took(self, line: int) -> bool:
        """Whether the row on it came in, for sure."""
        return line not in self.lines and (self.unknown is None or line < self.unknown)


def stayed_out(session: Session, identity: uuid.UUID) -> StayedOut:
    """Of an import, as far as it has come; at most as many lines as faults are kept."""
    rows = select(ImportFault.line, ImportFault.details).where(ImportFault.import_id == identity)
    told = session.exec(rows).all()
    lines = frozenset(line for line, details in told if not details.get("note"))
    return StayedOut(lines, max(line for line, _ in told) if len(told) >= findings.MOST else None)


def rows_between(source: Source, file: BinaryIO, first: int, last: int) -> Iterator[list[Row]]:
    """The rows on the lines after `first` up to `last`, some thousands at a time."""
    found = reading.read(source.kind, file, name=source.name, mapping=source.mapping, words=source.words, start=first)
    rows = (one for one in takewhile(lambda one: one.line <= last, found) if isinstance(one, Row))
    while part := list(islice(rows, BATCH)):
        yield part


def recall(session: Session, row: Import, rows: Sequence[Row], seen: Seen, out: StayedOut, *, now: datetime) -> None:
    """Add to `seen` the keys that were taken from these rows, as storing.py would have. May be repeated."""
    actor = importing.actor_of(session, row, now=now)
    if actor is None:
        return
    named = parties.find(
        session,
        actor,
        {one.data.get("organisation", "") for one in rows},
        (),
        only=row.organisation_id,
        create=row.create_organisations,
        dry_run=True,
        now=now,
    )
    meant = keys.meant(session, LISTINGS[row.noun], (one.data["key"] for one in rows))
    single = row.organisation_id is not None
    homes = {} if single else parties.of_ids(session, {one.organisation_id for one in meant.values()})
    for one in rows:
        whose = keys.whose(one, named, meant, homes)
        if isinstance(whose, Party) and out.took(one.line):
            key, said = keys.digests(one, whose)
            seen.setdefault(key, said)  # of two that say the same the first was taken
