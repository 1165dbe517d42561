"""Rows of a file -> listings: which are new, changed or as they were, and why some stay out; a batch at a time.

The only way in for what comes from files. May be repeated: a row that says nothing new changes nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import and_
from sqlmodel import Session, col

from market.db import listed, paired, take_turn
from market.files.faults import Fault, Row
from market.models import Listing
from market.models.base import new_id
from market.services.files import keys, parties
from market.services.files.keys import Meant, Seen
from market.services.files.parties import Parties, Party
from market.services.listings import custody, many, rules
from market.services.listings.many import Change
from market.services.rights.access import SYSTEM, Principal, Relation, allowed
from market.vocabulary import protection
from schemas.messages import Message

CLOSED = Message(
    "The listing with this key is closed and can no longer be changed.", "使用该编号的记录已关闭，不能再更改。"
)
MERGED = Message(
    "The listing with this key was merged into another one; nothing was changed.",
    "使用该编号的记录已并入另一条记录，未作更改。",
)
CLAIMED = Message(
    "The listing with this key has been claimed; only whoever claimed it changes it.",
    "使用该编号的记录已被认领，只能由认领人更改。",
)

# What a row says, and is no field of a listing; nor does a file consent for anybody (see claims.py).
_OF_ROWS = frozenset({"key", "organisation", "owner", "consented"})

Key = tuple[uuid.UUID | None, str]
"""What names a listing of a kind: its organisation, and its key there."""


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms rows come in: who brings them, for which organisation (None: each row names one), and whether
    organisations that nobody knows are made. `details` go into the audit trail.

    In a dry run nothing is stored. `seen` remembers the keys of a file from batch to batch, so that none is taken
    twice; without it a later row changes what an earlier one has stored.
    """

    actor: Principal
    only: uuid.UUID | None = None
    create_organisations: bool = False
    dry_run: bool = False
    details: Mapping[str, Any] = field(default_factory=dict)
    seen: Seen | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """What a row did: made a listing (`before_version` None), or changed one."""

    line: int
    listing_id: uuid.UUID
    version: int
    state: str
    before_version: int | None = None
    before_state: str = ""


@dataclass(slots=True)
class Outcome:
    """What became of a batch. `notes` tell of rows that did not stay out, and yet not what was asked."""

    stored: list[Stored] = field(default_factory=list)
    unchanged: int = 0
    faults: list[Fault] = field(default_factory=list)
    notes: list[Fault] = field(default_factory=list)

    @property
    def created(self) -> int:
        """Listings made."""
        return sum(one.before_version is None for one in self.stored)

    @property
    def changed(self) -> int:
        """Listings changed."""
        return len(self.stored) - self.created


def store(session: Session, model: type[Listing], rows: Sequence[Row], terms: Terms, *, now: datetime) -> Outcome:
    """Insert or bring up to date, by key within an organisation. `rows` have passed the schema of their kind.

    What is new is published, or waits for a reviewer, as if whoever brings it had submitted it. Raises Stale where
    another transaction has changed a listing meanwhile: roll back and try again.
    """
    outcome = Outcome()
    named = parties.find(
        session,
        terms.actor,
        {row.data.get("organisation", "") for row in rows},
        {owner for row in rows if (owner := row.data.get("owner"))},
        only=terms.only,
        create=terms.create_organisations,
        dry_run=terms.dry_run,
        now=now,
    )
    meant = keys.meant(session, model, (row.data["key"] for row in rows))
    homes = parties.of_ids(session, {one.organisation_id for one in meant.values()}) if terms.only is None else {}
    known = [(row, whose) for row in rows if (whose := _whose(row, named, meant, homes, outcome)) is not None]
    if not terms.dry_run:
        take_turn(session, "import", model.NOUN)
        parties.hold(session, {whose.id for _, whose in known if whose.id is not None})
    for part in _without_repeats(known, meant):
        _Batch(session, model, terms, named, meant, now, outcome).run(part)
    outcome.faults.sort(key=lambda fault: fault.line)
    return outcome


def _whose(
    row: Row,
    named: Parties,
    meant: Mapping[str, Meant],
    homes: Mapping[uuid.UUID, Party | Message],
    outcome: Outcome,
) -> Party | None:
    """Its organisation; where it has none it stays out."""
    found = keys.whose(row, named, meant, homes)
    if isinstance(found, Party):
        return found
    outcome.faults.append(Fault(row.line, "/organisation", found))
    return None


def _without_repeats(
    rows: Sequence[tuple[Row, Party]], meant: Mapping[str, Meant]
) -> Iterator[list[tuple[Row, Party]]]:
    """The rows in parts in which no key comes twice: the later row is to find what the earlier one has stored."""
    part: list[tuple[Row, Party]] = []
    there: set[tuple[uuid.UUID | str | None, str]] = set()
    for row, whose in rows:
        key = row.data["key"]
        if key in meant:  # it may also come by its own key
            key = meant[key].external_key or key
        if (whose.id or whose.name, key) in there:
            yield part
            part, there = [], set()
        part.append((row, whose))
        there.add((whose.id or whose.name, key))
    yield part


@dataclass(slots=True)
class _Batch:
    """Rows of different keys, on their way into the database."""

    session: Session
    model: type[Listing]
    terms: Terms
    named: Parties
    meant: Mapping[str, Meant]
    now: datetime
    outcome: Outcome
    custodies: dict[uuid.UUID | None, str] = field(default_factory=dict)
    unreviewed: dict[tuple[uuid.UUID | None, bool], bool] = field(default_factory=dict)
    made: list[Mapping[str, Any]] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    refused: set[int] = field(default_factory=set)

    def run(self, rows: Sequence[tuple[Row, Party]]) -> None:
        """Judge each, then store all."""
        remembered = self._remembered(rows)
        rows = [(row, whose) for row, whose in rows if not self._came_before(row, remembered)]
        if not rows:
            return
        present = self._present(rows)
        claimed = self._claimed(present.values())
        for row, whose in rows:
            values = {**row.data}
            for name in _OF_ROWS & values.keys():
                del values[name]
            key = row.data["key"]
            before = present.get((whose.id, key))
            if before is None and key in self.meant:
                self._refuse(row, {"/key": [keys.ANOTHERS]})
                continue
            # One that was found by its id keeps the key it has, or has none.
            values["external_key"] = key if before is None else before["external_key"]
            held = before or {}
            masked = held.get("organisation_masked", False)
            values = protection.settled(self.model.NOUN, values, tiers=held.get("tiers"), masked=masked)
            if before is None:
                self._make(row, whose, values)
            elif before["merged_into"] is not None:
                self._leave(row, MERGED)
            elif before["id"] in claimed:
                self._leave(row, CLAIMED)
            else:
                self._change(row, whose, values, before)
        if not self.terms.dry_run:
            actor, details = self.terms.actor, self.terms.details
            many.create_all(self.session, actor, self.model, self.made, now=self.now, **details)
            many.change_all(self.session, actor, self.model, self.changes, now=self.now, **details)
        if self.terms.seen is not None:
            left = {row.line for row, _ in rows} - self.refused
            self.terms.seen.update(pair for line, pair in remembered.items() if line in left)

    def _remembered(self, rows: Sequence[tuple[Row, Party]]) -> dict[int, tuple[int, int]]:
        """What each line is remembered by, where that is asked for."""
        if self.terms.seen is None:
            return {}
        return {row.line: keys.digests(row, whose) for row, whose in rows}

    def _came_before(self, row: Row, remembered: Mapping[int, tuple[int, int]]) -> bool:
        """Whether its key was taken on an earlier line, which is told; what says the same again is no fault."""
        told = keys.earlier(self.terms.seen, *remembered[row.line]) if self.terms.seen else None
        if told is None:
            return False
        same, why = told
        if same:
            self._leave(row, why)
        else:
            self._refuse(row, {"/key": [why]})
        return True

    def _present(self, rows: Sequence[tuple[Row, Party]]) -> dict[Key, dict[str, Any]]:
        """What is there under these keys: a listing's own goes before the id of another."""
        pairs = [(whose.id, row.data["key"]) for row, whose in rows if whose.id is not None]
        if not pairs:
            return {}
        wanted = paired(self.session, pairs)
        same = and_(col(self.model.organisation_id) == wanted.c.id, col(self.model.external_key) == wanted.c.name)
        found = many.load(self.session, self.model, wanted, same)
        present = {(row["organisation_id"], row["external_key"]): row for row in found}
        by_id = {
            self.meant[key].id: (identity, key)
            for identity, key in pairs
            if key in self.meant and self.meant[key].organisation_id == identity and (identity, key) not in present
        }
        if by_id:
            wanted = listed(self.session, [*by_id])
            found = many.load(self.session, self.model, wanted, col(self.model.id) == wanted.c.id)
            present |= {by_id[row["id"]]: row for row in found}
        return present

    def _claimed(self, present: Any) -> frozenset[uuid.UUID]:
        """Those that somebody has claimed, and so are not the exchange's to change."""
        if self.terms.only is not None and self.terms.actor.roles_in(self.terms.only):
            return frozenset()
        taken = [row["id"] for row in present if row["custody"] != "unclaimed"]
        if not taken:
            return frozenset()
        return custody.approved(self.session, taken)

    def _leave(self, row: Row, why: Message) -> None:
        self.outcome.unchanged += 1
        self.outcome.notes.append(Fault(row.line, "/key", why))

    def _refuse(self, row: Row, faults: Mapping[str, Sequence[Message]]) -> None:
        self.refused.add(row.line)
        self.outcome.faults += [Fault(row.line, pointer, told) for pointer, each in faults.items() for told in each]

    def _make(self, row: Row, whose: Party, values: dict[str, Any]) -> None:
        name = row.data.get("owner")
        owner = self.named.owner(name, whose.id) if name else None
        if isinstance(owner, Message):
            return self._refuse(row, {"/owner": [owner]})
        if self.terms.actor != SYSTEM:
            values.pop("consented", None)
        faults = rules.together(self.model, values.get)
        if faults:
            return self._refuse(row, faults)
        published = self._stands_unreviewed(whose, owner)
        listing = {
            **many.blank(self.model),
            **values,
            "id": new_id(),
            "created_at": self.now,
            "updated_at": self.now,
            "organisation_id": whose.id,
            "owner_id": owner,
            "language": rules.language_of(self.model, values.get),
            "custody": self._custody(whose),
            "state": "published" if published else "submitted",
            "published_at": self.now if published else None,
        }
        self.made.append(listing)
        self.outcome.stored.append(Stored(row.line, listing["id"], 1, listing["state"]))
        return None

    def _change(self, row: Row, whose: Party, values: dict[str, Any], before: dict[str, Any]) -> None:
        values.pop("consented", None)  # a claim says so, and no file takes it back
        if "works" in values:
            values["works"] = many.whole_works(values["works"])
        new = {name: value for name, value in values.items() if before[name] != value}
        if not new:
            self.outcome.unchanged += 1
            return None
        if before["state"] == "closed":
            return self._refuse(row, {"/key": [CLOSED]})
        faults = rules.together(self.model, {**before, **new}.get)
        if faults:
            return self._refuse(row, faults)
        state = before["state"]
        if state == "published" and not self._stands_unreviewed(whose, before["owner_id"]):
            state = "submitted"
        change = Change(before, new, state)
        self.changes.append(change)
        self.outcome.stored.append(
            Stored(row.line, before["id"], change.version, state, before["version"], before["state"])
        )
        return None

    def _custody(self, whose: Party) -> str:
        if whose.id not in self.custodies:
            self.custodies[whose.id] = custody.of_import(self.terms.actor, whose.id, self.model.NOUN)
        return self.custodies[whose.id]

    def _stands_unreviewed(self, whose: Party, owner_id: uuid.UUID | None) -> bool:
        """Whether this actor's word is enough, as for what is submitted one at a time."""
        actor = self.terms.actor
        own = owner_id is not None and owner_id == actor.user_id
        key = whose.id, own
        if key not in self.unreviewed:
            relation = Relation(own, whose.id, state="submitted")
            self.unreviewed[key] = whose.trusted or allowed(actor, "listing.moderate", relation)
        return self.unreviewed[key]
