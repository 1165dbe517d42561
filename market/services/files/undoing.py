"""Undoing imports: what they made goes, what they changed is what it was; what somebody has changed since stays.

Batch by batch, backwards through the file. May be repeated: a row that has been dealt with is not looked at again.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select as select_columns
from sqlmodel import Session, col, func, select, update

from market.db import append, listed
from market.errors import Conflict
from market.models import (
    LISTINGS,
    Claim,
    Demand,
    Import,
    ImportFault,
    ImportRow,
    Listing,
    ListingVersion,
    Organisation,
)
from market.outbox import JobName, enqueue
from market.services.files import importing
from market.services.files.readings import BATCH
from market.services.listings import custody, many, merged, versions
from market.services.listings.many import Change
from market.services.rights.access import SYSTEM, Principal
from market.services.trail import audit
from market.vocabulary import protection
from schemas.messages import Message

_AT_ONCE = 500  # values of a statement
_LAST = 999  # of the places of a line in the list of faults

CHANGED_SINCE = Message(
    "Changed by somebody since the import; it was left as it is now.", "导入之后已被他人修改，保持现状，未撤销。"
)

MERGED_INTO = Message(
    "Another listing was merged into it since the import; it was left as it is now.",
    "导入之后已有其他记录并入，保持现状，未撤销。",
)
CLAIMED = Message(
    "Somebody claims it; it was left as it is until that is decided.",
    "有人正在认领该记录，在裁定之前保持现状，未撤销。",
)


def begin(session: Session, actor: Principal, identity: uuid.UUID, *, now: datetime) -> Import:
    """Have an import that has ended taken back by a job. Asking again while that is under way changes nothing; raises
    Conflict once it is undone, while it still runs, and for a dry run, of which there is nothing to undo."""
    row = importing.to_act_on(session, actor, identity)
    if row.state == "undoing":
        return row
    if row.dry_run or row.state not in ("done", "cancelled", "failed"):
        raise Conflict("not-in-this-state", action="undo", state="dry_run" if row.dry_run else row.state)
    row.state, row.why, row.finished_at, row.updated_at = "undoing", "", None, now
    row.undone_by = actor.user_id
    row.version += 1
    session.add(row)
    audit.record(session, actor, "undo", ("import", row.id), now=now)
    _go_on(session, row, now=now)
    return row


def _go_on(session: Session, row: Import, *, now: datetime) -> None:
    enqueue(session, JobName.IMPORT, [str(row.id)], now=now)


def dealt_with(session: Session, row: Import) -> tuple[int, int, int]:
    """Of an import's rows: how many there are, how many are undone, and how many were left."""
    counts = select_columns(
        func.count(),
        func.count().filter(col(ImportRow.undone)),
        func.count().filter(col(ImportRow.kept)),
    ).where(col(ImportRow.import_id) == row.id)
    rows, undone, kept = session.execute(counts).one()
    return rows, undone, kept


def take_back(session: Session, *, identity: uuid.UUID, now: datetime) -> None:
    """Undo the next rows, the last of the file first, or end it where none is left. Whoever asked for it must still
    be one who may; else the rest stays, until somebody asks again."""
    row = session.get(Import, identity, with_for_update=True, populate_existing=True)
    if row is None or row.state != "undoing":
        return
    chains = _chains(session, row)
    if not chains:
        importing.end(session, row, "undone", now=now)
        return
    actor = SYSTEM if row.undone_by is None else importing.of_account(session, row, row.undone_by, now=now)
    if actor is None:
        importing.end(session, row, "failed", why="rights-ended", now=now)
        return
    _undo(session, actor, row, chains, now=now)
    row.updated_at = now
    session.add(row)
    _go_on(session, row, now=now)


def _chains(session: Session, row: Import) -> dict[uuid.UUID, list[Any]]:
    """What the import did to each of the next listings, in its order."""
    open_ = (col(ImportRow.import_id) == row.id, ~col(ImportRow.undone), ~col(ImportRow.kept))
    columns: tuple[Any, ...] = (
        ImportRow.line, ImportRow.listing_id, ImportRow.version, ImportRow.before_version, ImportRow.before_state,
        ImportRow.state,
    )  # fmt: skip
    last = select_columns(col(ImportRow.listing_id)).where(*open_).order_by(col(ImportRow.line).desc()).limit(BATCH)
    ids = list(dict.fromkeys(session.execute(last).scalars()))
    if not ids:
        return {}
    chains: dict[uuid.UUID, list[Any]] = {}
    for at in range(0, len(ids), _AT_ONCE):
        # Not joined with a table of ids: SQLite would then look at every row of the import for each of them.
        these = col(ImportRow.listing_id).in_(ids[at : at + _AT_ONCE])
        rows = select_columns(*columns).where(these, *open_).order_by(col(ImportRow.line))
        for one in session.execute(rows):
            chains.setdefault(one.listing_id, []).append(one)
    return chains


def _undo(
    session: Session, actor: Principal, row: Import, chains: Mapping[uuid.UUID, list[Any]], *, now: datetime
) -> None:
    model = LISTINGS[row.noun]
    wanted = listed(session, list(chains))
    # Held before they are read: whoever is told that a change is saved finds it there afterwards.
    held = select(model.id).join(wanted, col(model.id) == wanted.c.id).order_by(col(model.id))
    session.exec(held.with_for_update(of=model, key_share=True)).all()
    wanted = listed(session, list(chains))
    present = {one["id"]: one for one in many.load(session, model, wanted, col(model.id) == wanted.c.id)}
    left = _left(session, model, chains, present)
    untouched = {
        identity: _unbroken(chain)
        for identity, chain in chains.items()
        if identity in present and identity not in left
    }
    made = [identity for identity, part in untouched.items() if part[0].before_version is None]
    left |= dict.fromkeys(merged.winners(session, model, made), MERGED_INTO)
    left |= dict.fromkeys(_claimed(session, made), CLAIMED)
    untouched = {identity: part for identity, part in untouched.items() if identity not in left}
    made = [identity for identity in made if identity not in left]
    changed = {identity: part[0] for identity, part in untouched.items() if part[0].before_version is not None}
    details = {"import": str(row.id), "undone": True}
    many.change_all(session, actor, model, _back(session, model, present, changed), now=now, **details)
    many.remove_all(session, actor, model, made, now=now, **details)
    _note(session, row, chains, present, untouched, left)


def _left(
    session: Session, model: type[Listing], chains: Mapping[uuid.UUID, list[Any]], present: Mapping[uuid.UUID, Any]
) -> dict[uuid.UUID, Message]:
    """Those that somebody has changed since. That a version has moved on is not enough: undoing a later import, and
    another name of their organisation, do that too, and leave what a listing says as it was."""
    moved = {
        identity: chain[-1]
        for identity, chain in chains.items()
        if identity in present and present[identity]["version"] != chain[-1].version
    }
    if not moved:
        return {}
    wanted = listed(session, list(moved))
    kept = select(ListingVersion.listing_id, ListingVersion.version, ListingVersion.content)
    kept = kept.join(wanted, col(ListingVersion.listing_id) == wanted.c.id)
    said: dict[uuid.UUID, Any] = {}
    for one in session.execute(kept.order_by(col(ListingVersion.version))):
        if one.version >= moved[one.listing_id].version:  # the next that was kept says what the row wrote
            said.setdefault(one.listing_id, one.content)
    taken = custody.approved(session, list(moved))
    return {
        identity: CHANGED_SINCE
        for identity, last in moved.items()
        if present[identity]["state"] != last.state
        or identity in taken
        or (identity in said and said[identity] != versions.dumped(model.NOUN, present[identity]))
    }


def _claimed(session: Session, ids: Sequence[uuid.UUID]) -> Iterable[uuid.UUID]:
    """Those to which a claim is open."""
    if not ids:
        return ()
    wanted = listed(session, ids)
    claims = select_columns(col(Claim.listing_id)).join(wanted, col(Claim.listing_id) == wanted.c.id)
    return session.execute(claims.where(col(Claim.state) == "open")).scalars().all()


def _unbroken(chain: Sequence[Any]) -> list[Any]:
    """The end of a chain within which nobody else has changed the listing."""
    part = [chain[-1]]
    for one in reversed(chain[:-1]):
        if part[0].before_version != one.version:
            break
        part.insert(0, one)
    return part


def _back(
    session: Session,
    model: type[Listing],
    present: Mapping[uuid.UUID, Mapping[str, Any]],
    changed: Mapping[uuid.UUID, Any],
) -> list[Change]:
    """What leads each back to what it said before. Its protection stays as it is now where that is stricter, and of a
    closed organisation nothing is published."""
    if not changed:
        return []
    wanted = listed(session, list(changed))
    kept = select(ListingVersion.listing_id, ListingVersion.version, ListingVersion.content)
    rows = session.execute(kept.join(wanted, col(ListingVersion.listing_id) == wanted.c.id))
    contents = {(one.listing_id, one.version): one.content for one in rows}
    houses = {present[identity]["organisation_id"] for identity in changed}
    shut = select(Organisation.id).where(col(Organisation.id).in_(houses), ~col(Organisation.active))
    closed = set(session.exec(shut))
    changes = []
    for identity, first in changed.items():
        before = present[identity]
        values = _no_laxer(model, before, many.values_of(model, contents[identity, first.before_version]))
        differing = {name: value for name, value in values.items() if before[name] != value}
        hidden = first.before_state == "published" and before["organisation_id"] in closed
        changes.append(Change(before, differing, "suspended" if hidden else first.before_state))
    return changes


def _no_laxer(model: type[Listing], present: Mapping[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    """Undoing a file opens nothing, as restoring a version does not."""
    tiers = protection.stricter(model.NOUN, present["tiers"], values.get("tiers") or {})
    masked = {"organisation_masked": "organisation" in tiers} if model is Demand else {}
    return {**values, "tiers": tiers, **masked}


def _note(
    session: Session,
    row: Import,
    chains: Mapping[uuid.UUID, Sequence[Any]],
    present: Mapping[uuid.UUID, Any],
    untouched: Mapping[uuid.UUID, Sequence[Any]],
    why_left: Mapping[uuid.UUID, Message],
) -> None:
    """Mark what was dealt with, and tell of what was left."""
    undone: list[int] = []
    left: dict[int, Message] = {}
    for identity, chain in chains.items():
        back = {one.line for one in untouched.get(identity, ())} if identity in present else None
        for one in chain:
            if back is None or one.line in back:
                undone.append(one.line)
            else:
                left[one.line] = why_left.get(identity, CHANGED_SINCE)
    _mark(session, row, undone, undone=True)
    _mark(session, row, left, kept=True)
    append(
        session,
        ImportFault,
        [
            {
                "import_id": row.id, "place": line * 1000 + _LAST, "line": line, "column": "",
                "zh": why.zh, "en": str(why), "details": {"note": True, "left": True},
            }
            for line, why in left.items()
        ],
    )  # fmt: skip


def _mark(session: Session, row: Import, lines: Iterable[int], **fate: bool) -> None:
    wanted = sorted(lines)
    for at in range(0, len(wanted), _AT_ONCE):
        these = col(ImportRow.line).in_(wanted[at : at + _AT_ONCE])
        session.execute(
            update(ImportRow)
            .where(col(ImportRow.import_id) == row.id, these)
            .values(**fate)
            .execution_options(synchronize_session=False)
        )
