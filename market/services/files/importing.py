"""Imports 导入: begun with a file, taken in batch by batch, cancelled, run after a trial, forgotten when old.

Whoever takes in a batch holds the import's row: so each line of the file is dealt with once.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

from sqlalchemy import ColumnElement, true
from sqlmodel import Session, col, delete, or_, select, update

from market.db import AWAY, append, rows_touched
from market.errors import Conflict, Forbidden, Invalid, MarketError, NotFound
from market.files import days, reading
from market.files.faults import Fault, Row
from market.models import LISTINGS, Import, ImportPart, ImportRow, Job, User
from market.models.base import new_id
from market.outbox import JobName, enqueue
from market.rights import rules_of
from market.services.files import findings, storing
from market.services.files.keys import Seen
from market.services.files.readings import Batch, Source
from market.services.files.storing import Terms
from market.services.rights import principals
from market.services.rights.access import SYSTEM, Principal, Relation, allowed, require_in
from market.services.telling.telling import News, tell
from market.services.trail import audit
from schemas.messages import Message

KEPT = timedelta(hours=24)
"""For so long the file of a dry run is kept, so that it can be run."""
ENDED = frozenset({"done", "failed", "cancelled", "undone"})

_PIECE = 1024 * 1024
_IN_MEMORY = 4 * _PIECE
# An import is begun at once and not held up by what it leaves to be indexed, unless others have waited for so long.
_AHEAD = timedelta(seconds=30)
_ACTION = "import.run"

NOT_STORED = Message("The row could not be stored: {why}.", "该行无法保存：{why}。")


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be imported, and how. `noun` is outcome, expert or demand; `only`: the organisation whose all is."""

    noun: str
    name: str
    content: bytes
    only: uuid.UUID | None = None
    mapping: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    dry_run: bool = False
    create_organisations: bool = False


def begin(session: Session, actor: Principal, order: Order, *, now: datetime) -> Import:
    """Keep the file, and have it taken in by a job. Raises Forbidden where the actor may not import for that
    organisation, or for several; Invalid where the file is none that can be read.

    Not to be repeated without an idempotency key, though a file taken in twice changes nothing.
    """
    only = order.only
    if only is None and not allowed(actor, _ACTION):
        only = actor.home
        if only is None:
            raise Conflict("organisation-missing")
    if only is not None:
        require_in(actor, _ACTION, only)
    if order.create_organisations:
        _require_all(actor)
    with SpooledTemporaryFile(_IN_MEMORY) as file:
        file.write(order.content)
        fault = reading.refusal(cast("BinaryIO", file), name=order.name)
    if fault is not None:
        raise Invalid({"/file": [fault.message]})
    row = Import(
        noun=order.noun,
        user_id=actor.user_id,
        by_system=actor == SYSTEM,
        organisation_id=only,
        name=order.name[:256],
        digest=hashlib.sha256(order.content).hexdigest(),
        bytes=len(order.content),
        mapping={**order.mapping},
        words={name: {**each} for name, each in order.words.items()},
        dry_run=order.dry_run,
        create_organisations=order.create_organisations,
        created_at=now,
        updated_at=now,
    )
    session.add(row)
    session.flush()
    pieces = range(0, len(order.content), _PIECE)
    append(
        session,
        ImportPart,
        [
            {"import_id": row.id, "place": place, "content": order.content[at : at + _PIECE]}
            for place, at in enumerate(pieces)
        ],
    )
    audit.record(session, actor, "import", ("import", row.id), now=now, noun=row.noun, dry_run=row.dry_run)
    _go_on(session, row, now=now)
    return row


def _go_on(session: Session, row: Import, *, now: datetime) -> None:
    enqueue(session, JobName.IMPORT, [str(row.id)], now=now - _AHEAD)


def visible(principal: Principal) -> ColumnElement[bool]:
    """One's own, those of one's organisations, and all for whoever may import for all."""
    if allowed(principal, _ACTION):
        return true()
    roles = frozenset().union(*(rule.organisation.roles for rule in rules_of(_ACTION)))
    organisations = sorted(principal.organisations_as(roles))
    return or_(col(Import.user_id) == principal.user_id, col(Import.organisation_id).in_(organisations))


def get(session: Session, principal: Principal, identity: uuid.UUID, *, held: bool = False) -> Import:
    """The import, with its row `held` to be changed. Raises NotFound for others'."""
    query = select(Import).where(Import.id == identity, visible(principal))
    if held:
        query = query.with_for_update().execution_options(populate_existing=True)
    found = session.exec(query).first()
    if found is None:
        raise NotFound(noun="import", id=str(identity))
    return found


def listed(
    session: Session, principal: Principal, *, state: str = "", before: uuid.UUID | None = None, limit: int
) -> Sequence[Import]:
    """Imports, newest first, from below an id."""
    rows = select(Import).where(visible(principal))
    if state:
        rows = rows.where(Import.state == state)
    if before is not None:
        rows = rows.where(col(Import.id) < before)
    return session.exec(rows.order_by(col(Import.id).desc()).limit(limit)).all()


def to_act_on(session: Session, actor: Principal, identity: uuid.UUID) -> Import:
    """The import, held, of an organisation that the actor may import for now. Raises NotFound, or Forbidden."""
    row = get(session, actor, identity, held=True)
    if row.organisation_id is not None:
        require_in(actor, _ACTION, row.organisation_id)
    else:
        _require_all(actor)
    return row


def _require_all(actor: Principal) -> None:
    """That they may import for any organisation."""
    if not allowed(actor, _ACTION):
        raise Forbidden("role-missing", roles="administrator")


def cancel(session: Session, actor: Principal, identity: uuid.UUID, *, now: datetime) -> Import:
    """Take in no more of it. What is in stays, until it is undone. Cancelling twice changes nothing."""
    row = to_act_on(session, actor, identity)
    if row.state == "cancelled":
        return row
    if row.state not in ("waiting", "running"):
        raise Conflict("not-in-this-state", action="cancel", state=row.state)
    audit.record(session, actor, "cancel", ("import", row.id), now=now)
    end(session, row, "cancelled", now=now)
    return row


def run(session: Session, actor: Principal, identity: uuid.UUID, *, now: datetime) -> Import:
    """Make a real import of a dry run that is done, with the file that is kept. Raises Conflict where it is gone."""
    trial = to_act_on(session, actor, identity)
    if not trial.dry_run or trial.state != "done":
        raise Conflict("not-in-this-state", action="run", state=trial.state if trial.dry_run else "imported")
    copied = (
        "noun",
        "organisation_id",
        "name",
        "digest",
        "bytes",
        "mapping",
        "words",
        "create_organisations",
        "rows",
    )
    row = Import(
        id=new_id(), user_id=actor.user_id, by_system=actor == SYSTEM, created_at=now, updated_at=now,
        **{name: getattr(trial, name) for name in copied},
    )  # fmt: skip
    session.add(row)
    session.flush()
    taken = session.execute(update(ImportPart).where(col(ImportPart.import_id) == trial.id).values(import_id=row.id))
    if not rows_touched(taken):
        raise Conflict("file-gone")
    audit.record(session, actor, "import", ("import", row.id), now=now, noun=row.noun, trial=str(trial.id))
    _go_on(session, row, now=now)
    return row


def source_of(row: Import) -> Source:
    """How its file is read."""
    return Source(f"{row.noun}s", row.name, row.mapping, row.words)


def file_of(session: Session, identity: uuid.UUID) -> BinaryIO:
    """The file, put together; whoever asks closes it."""
    file = SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115  # it is handed on
    parts = select(ImportPart.content).where(ImportPart.import_id == identity).order_by(col(ImportPart.place))
    for content in session.exec(parts.execution_options(yield_per=1)):
        file.write(content)
    return cast("BinaryIO", file)


def take_in(session: Session, identity: uuid.UUID, batch: Batch, *, counted: int, seen: Seen, now: datetime) -> bool:
    """Deal with a batch of the file, if the import still waits for just that; what it did, its faults and how far the
    file is are stored with it. `counted` are the rows of the file. Says whether the file is at its end."""
    row = session.get(Import, identity, with_for_update=True, populate_existing=True)
    if row is None or row.state not in ("waiting", "running") or row.done != batch.start:
        return True
    actor = actor_of(session, row, now=now)
    if actor is None:
        end(session, row, "failed", why="rights-ended", now=now)
        return True
    terms = Terms(actor, row.organisation_id, row.create_organisations, row.dry_run, {"import": str(row.id)}, seen)
    outcome = _stored(session, row, batch.rows, terms, now=now)
    _keep_rows(session, row, outcome)
    lines = {one.line for one in outcome.stored}
    taken = (one for one in batch.rows if one.line in lines)
    outcome.notes += days.past(taken, LISTINGS[row.noun].EXPIRES, now.date())
    told = sorted([*batch.faults, *batch.shown(outcome.faults)], key=lambda one: one.line)
    refused = len({fault.line for fault in told if fault.line})
    findings.keep(session, row.id, told, batch.shown(outcome.notes))
    row.state, row.rows, row.done, row.updated_at = "running", counted, batch.end, now
    row.created += outcome.created
    row.changed += outcome.changed
    row.unchanged += outcome.unchanged
    row.refused += refused
    session.add(row)
    if not batch.last:
        _go_on(session, row, now=now)
        return False
    unreadable = not batch.rows and batch.start == 0 and any(fault.ends for fault in batch.faults)
    end(session, row, "failed" if unreadable else "done", why="file-unreadable" if unreadable else "", now=now)
    return True


def actor_of(session: Session, row: Import, *, now: datetime) -> Principal | None:
    """Whoever began it, with the rights they have now; None where these are not enough any more."""
    return SYSTEM if row.by_system else of_account(session, row, row.user_id, now=now)


def of_account(session: Session, row: Import, user_id: uuid.UUID | None, *, now: datetime) -> Principal | None:
    """Whose account it is, if they may import for that organisation now."""
    actor = principals.of_user(session, user_id, now=now) if user_id is not None else None
    if actor is None or not allowed(actor, _ACTION, Relation(organisation_id=row.organisation_id)):
        return None
    return actor


def _stored(session: Session, row: Import, rows: Sequence[Row], terms: Terms, *, now: datetime) -> storing.Outcome:
    """The rows in one go; where one spoils that, each by itself."""
    model = LISTINGS[row.noun]
    try:
        with session.begin_nested():
            return storing.store(session, model, rows, terms, now=now)
    except Exception as error:
        if _passes(error):
            raise
    whole = storing.Outcome()
    for one in rows:
        try:
            with session.begin_nested():
                outcome = storing.store(session, model, [one], terms, now=now)
        except Exception as error:
            if _passes(error):
                raise
            why = str(error) if isinstance(error, MarketError) else type(error).__name__
            whole.faults.append(Fault(one.line, "", NOT_STORED.format(why=why)))
        else:
            whole.stored += outcome.stored
            whole.faults += outcome.faults
            whole.notes += outcome.notes
            whole.unchanged += outcome.unchanged
    return whole


def _passes(error: Exception) -> bool:
    """Whether it is the database that is away, and no row is to be blamed."""
    return isinstance(error, AWAY)


def _keep_rows(session: Session, row: Import, outcome: storing.Outcome) -> None:
    if row.dry_run:
        return
    append(
        session,
        ImportRow,
        [
            {
                "import_id": row.id,
                "line": one.line,
                "listing_id": one.listing_id,
                "version": one.version,
                "before_version": one.before_version,
                "before_state": one.before_state,
                "state": one.state,
                "undone": False,
                "kept": False,
            }
            for one in outcome.stored
        ],
    )


def end(session: Session, row: Import, state: str, *, why: str = "", now: datetime) -> None:
    """Lead it to its end, and tell whoever began it; its file is not needed any more, unless it was a trial."""
    row.state, row.why, row.updated_at, row.finished_at = state, why, now, now
    row.version += 1
    session.add(row)
    if not (row.dry_run and state == "done"):
        session.execute(delete(ImportPart).where(col(ImportPart.import_id) == row.id))
    user = session.get(User, row.user_id) if row.user_id is not None else None
    if user is not None and state in ("done", "failed"):
        details = {name: getattr(row, name) for name in ("name", "created", "changed", "unchanged", "refused")}
        tell(session, [News(user, "import_finished", f"import_finished:{row.id}", details=details)], now=now)


def forget(session: Session, *, now: datetime) -> None:
    """Drop the files of trials that nobody has run, and end what never came to an end: its job was given up."""
    old = select(Import.id).where(col(Import.finished_at) < now - KEPT)
    session.execute(
        delete(ImportPart).where(col(ImportPart.import_id).in_(old)).execution_options(synchronize_session=False)
    )
    running = select(Import).where(col(Import.state).in_(("waiting", "running", "undoing")))
    for row in session.exec(running.where(col(Import.updated_at) < now - timedelta(minutes=10))).all():
        states = set(session.exec(select(Job.state).where(Job.name == JobName.IMPORT, Job.key == str(row.id))))
        if not states:
            _go_on(session, row, now=now)
        elif states == {"dead"}:
            end(session, row, "failed", why="given-up", now=now)
