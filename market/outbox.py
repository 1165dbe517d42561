"""The outbox: enqueue in the business transaction; claim, renew, finish and fail under a lease. Never commits."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Executable, String, and_, bindparam, case, or_, text
from sqlalchemy import select as select_columns
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, delete, func, select, update

from market.db import UtcDateTime, append, dialect_of, insert_into, ringing, rows_touched
from market.models import Job, Schedule
from market.models.base import new_id

# The unique index that keeps a second job of a name and key from waiting.
_QUEUED_ONCE: dict[str, Any] = {"index_elements": ["name", "key"], "index_where": text("state = 'queued'")}


_COLUMNS = tuple(Job.__table__.columns)  # type: ignore[attr-defined]  # SQLModel does not declare it


class JobName(StrEnum):
    """Everything the worker knows how to do. Each has its handler in market/worker/handlers.py."""

    INDEX = "index"
    MATCH = "match"
    NOTIFY = "notify"
    ALERT = "alert"
    DISPATCH = "dispatch"
    DELIVER = "deliver"
    EMBED = "embed"
    REMATCH = "rematch"
    EXPIRE = "expire"
    WARN = "warn"
    RECONCILE = "reconcile"
    RENEW = "renew"
    SWEEP = "sweep"
    SEAL = "seal"
    IMPORT = "import"
    COMPARE = "compare"


SENDING = frozenset({JobName.DELIVER})
"""What waits for others' servers: done beside all other work, many at once."""
BACKGROUND = frozenset({JobName.EMBED, JobName.REMATCH, JobName.RENEW})
"""Long work that nobody waits for: done while there is nothing else to do."""


IN_BULK = (JobName.INDEX, JobName.MATCH, JobName.COMPARE, JobName.ALERT)
"""What whole files of listings cause by the thousand."""
_BULK_WAITS = timedelta(minutes=10)
"""Bulk work takes its turn as if it had come so much later: whoever writes one listing does not wait until fifty
thousand imported ones are indexed, and however much is written, the import's turn comes."""


@dataclass(frozen=True, slots=True)
class Queue:
    """Jobs that may be done together."""

    name: JobName
    bulk: bool = False


@dataclass(frozen=True, slots=True)
class Claimed:
    """A job in hand: what to do, and the lease that says it is ours."""

    id: uuid.UUID
    name: JobName
    key: str
    payload: dict[str, Any]
    attempts: int
    lease: str
    bulk: bool = False


def enqueue(
    session: Session,
    name: JobName,
    keys: Iterable[str],
    *,
    now: datetime,
    payload: dict[str, Any] | None = None,
    bulk: bool = False,
) -> None:
    """Have `name` done once for each key, after this transaction commits; `bulk`, only for what is IN_BULK: after
    what others wait for.

    A job of the same name and key that still waits is not doubled: it is brought forward, which also holds
    its row until this transaction ends, so that no worker can take it before our change can be seen. Keys go in
    in order, so that of two transactions with the same ones, the one waits for the other and not both.
    """
    rows = _rows(name, keys, now=now, payload=payload, bulk=bulk)
    if rows:
        session.connection().execute(_enqueue(dialect_of(session)), rows)


def enqueue_new(session: Session, name: JobName, keys: Iterable[str], *, now: datetime, bulk: bool = False) -> None:
    """The same for keys that nobody can have enqueued before, as those of what this transaction has made."""
    rows = _rows(name, keys, now=now, payload=None, bulk=bulk)
    if len(rows) > 1:
        append(session, Job, rows[1:])
    enqueue(session, name, [row["key"] for row in rows[:1]], now=now, bulk=bulk)  # it rings


def _rows(
    name: JobName, keys: Iterable[str], *, now: datetime, payload: dict[str, Any] | None, bulk: bool
) -> list[dict[str, Any]]:
    """Jobs, in the order of their keys."""
    if bulk and name not in IN_BULK:  # nobody would look for them
        raise ValueError(f"jobs called {name} are never in bulk")
    return [
        {
            "id": new_id(),
            "created_at": now,
            "name": name.value,
            "key": key,
            "payload": payload or {},
            "bulk": bulk,
            "state": "queued",
            "run_at": now,
            "attempts": 0,
            "lease": "",
            "error": "",
        }
        for key in sorted(set(keys))
    ]


@lru_cache
def _enqueue(dialect: str) -> Executable:
    """Kept: every write runs it, and making it takes longer than running it."""
    insert = insert_into(dialect, Job)
    asked = insert.excluded
    sooner = {
        "run_at": case((col(Job.run_at) > asked.run_at, asked.run_at), else_=col(Job.run_at)),
        "bulk": and_(col(Job.bulk), asked.bulk),
    }
    statement = insert.on_conflict_do_update(**_QUEUED_ONCE, set_=sooner)
    return ringing(dialect, statement)


def due(
    session: Session, *, now: datetime, background: bool = True, without: Collection[JobName] = ()
) -> Queue | None:
    """The queue whose turn it is: that of the job that has waited longest among those that may run, or None. Long
    work that nobody waits for comes last, or not at all."""
    *heads, abandoned_at, name, bulk = session.connection().execute(_heads(), {"now": now}).one()
    found = list(zip(heads, _QUEUES, strict=True))
    if abandoned_at is not None:
        found.append((abandoned_at, Queue(JobName(name), bulk)))
    turns = [
        (queue.name in BACKGROUND, head + _BULK_WAITS if queue.bulk else head, queue)
        for head, queue in found
        if head is not None and (background or queue.name not in BACKGROUND) and queue.name not in without
    ]
    return min(turns, key=lambda turn: turn[:2])[2] if turns else None


_QUEUES = (*map(Queue, JobName), *(Queue(name, bulk=True) for name in IN_BULK))


@lru_cache
def _heads() -> Executable:
    """When the head of each queue was to run, however long they are, and the oldest job whose lease ran out."""
    now = bindparam("now", type_=UtcDateTime)
    queues = [
        select(Job.run_at)
        .where(Job.name == queue.name.value, col(Job.bulk) == queue.bulk, *_ready(now))
        .order_by(col(Job.run_at))
        .limit(1)
        .scalar_subquery()
        .label(f"head_{number}")
        for number, queue in enumerate(_QUEUES)
    ]
    abandoned = select(Job.run_at).where(*_lapsed(now)).order_by(col(Job.run_at), col(Job.id)).limit(1)
    told = (col(Job.run_at), col(Job.name), col(Job.bulk))
    return select_columns(*queues, *(abandoned.with_only_columns(one).scalar_subquery() for one in told))


def claim(
    session: Session, queue: Queue, *, now: datetime, lease_seconds: float, limit: int, key: str = ""
) -> list[Claimed]:
    """Take up to `limit` due jobs of a queue, oldest first, and count the attempt; with a `key`, only that one.

    A job that was tried before comes alone: it may be what failed its batch or killed its process, and the others
    must not use up their attempts with it.
    """
    _requeue_lapsed(session, now)
    wanted = {"name": queue.name.value, "bulk": queue.bulk, "now": now, "limit": limit, "key": key}
    chosen = session.connection().execute(_claimable(), wanted).all()
    chosen = chosen[:1] if chosen and chosen[0].attempts else [job for job in chosen if not job.attempts]
    lease = secrets.token_hex(8)
    until = now + timedelta(seconds=lease_seconds)
    session.execute(
        update(Job)
        .where(col(Job.id).in_([job.id for job in chosen]))
        .values(state="running", lease=lease, lease_until=until, attempts=col(Job.attempts) + 1)
        .execution_options(synchronize_session=False)
    )
    return [Claimed(job.id, queue.name, job.key, job.payload, job.attempts + 1, lease, queue.bulk) for job in chosen]


@lru_cache
def _claimable() -> Executable:
    return (
        select_columns(col(Job.id), col(Job.key), col(Job.payload), col(Job.attempts))
        .where(col(Job.name) == bindparam("name"), col(Job.bulk) == bindparam("bulk", type_=Boolean))
        .where(*_ready(bindparam("now", type_=UtcDateTime)))
        .where(or_(bindparam("key", type_=String) == "", col(Job.key) == bindparam("key", type_=String)))
        .order_by(col(Job.run_at), col(Job.id))
        .limit(bindparam("limit"))
        .with_for_update(skip_locked=True, of=Job)
    )


def _ready(now: Any) -> tuple[ColumnElement[bool], ...]:
    """Due, and nobody has its like in hand: what that one began with is older than what this one would see."""
    like = aliased(Job)
    in_hand = select(like.id).where(like.name == Job.name, like.key == Job.key, like.state == "running")
    return col(Job.state) == "queued", col(Job.run_at) <= now, ~in_hand.exists()


def _lapsed(now: Any) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Running under a lease that ran out: its worker died, or slept too long."""
    return col(Job.state) == "running", col(Job.lease_until) < now


def _requeue_lapsed(session: Session, now: datetime) -> None:
    """Give what was abandoned back to the queue."""
    free = select(Job.id).where(*_lapsed(now)).with_for_update(skip_locked=True)
    _requeue(session, col(Job.id).in_(free))


def _requeue(session: Session, *which: ColumnElement[bool], **changes: Any) -> int:
    """Put jobs back into the queue and say how many; one whose like waits there already is dropped, as that will
    see at least what this one would. The row is made anew, for that is the only way to ask in the same breath."""
    taken = session.connection().execute(delete(Job).where(*which).returning(*_COLUMNS)).mappings().all()
    again = {"state": "queued", "lease": "", "lease_until": None, **changes}
    if taken:
        insert = insert_into(dialect_of(session), Job).on_conflict_do_nothing(**_QUEUED_ONCE)
        in_order = sorted(taken, key=lambda row: (row["name"], row["key"]))
        session.connection().execute(insert, [{**row, **again} for row in in_order])
    return len(taken)


def renew(session: Session, jobs: Sequence[Claimed], *, now: datetime, lease_seconds: float) -> int:
    """Hold the jobs for longer. Returns how many are still ours."""
    return _touch(session, jobs, lease_until=now + timedelta(seconds=lease_seconds))


def finish(session: Session, jobs: Sequence[Claimed]) -> int:
    """End the jobs that are still ours, and say how many those are. A lost lease must undo the caller's work."""
    ended = session.execute(delete(Job).where(*_ours(jobs)).execution_options(synchronize_session=False))
    return rows_touched(ended)


def retry(session: Session, job: Claimed, *, at: datetime, error: str, attempts: int | None = None) -> int:
    """Put the job back, to be tried again not before `at`; `attempts` is how many count so far, this one too
    unless said otherwise."""
    counted = job.attempts if attempts is None else attempts
    return _requeue(session, *_ours([job]), run_at=at, attempts=counted, error=_kept(error))


def bury(session: Session, job: Claimed, *, error: str) -> int:
    """Give the job up, and keep it to be seen and replayed. An older dead job of its name and key is forgotten."""
    same = (col(Job.name) == job.name.value, col(Job.key) == job.key, col(Job.state) == "dead")
    session.execute(delete(Job).where(*same).execution_options(synchronize_session=False))
    return _touch(session, [job], state="dead", lease="", lease_until=None, error=_kept(error))


def replay(session: Session, *, now: datetime, ids: Sequence[uuid.UUID] | None = None) -> int:
    """Queue dead jobs again, all of them or those named, with their attempts counted anew."""
    dead = delete(Job).where(col(Job.state) == "dead")
    if ids is not None:
        dead = dead.where(col(Job.id).in_(ids))
    jobs = session.connection().execute(dead.returning(*_COLUMNS)).all()
    for job in sorted(jobs, key=lambda job: (job.name, job.key)):
        enqueue(session, JobName(job.name), [job.key], now=now, payload=job.payload)
    return len(jobs)


def _kept(error: str) -> str:
    """As much of it as there is room for, in characters that any database takes."""
    return error.replace("\0", "\N{REPLACEMENT CHARACTER}").encode(errors="replace").decode()[:4000]


def backlog(session: Session) -> dict[tuple[str, str], int]:
    """How many jobs there are by (name, state)."""
    rows = session.exec(select(Job.name, Job.state, func.count()).group_by(Job.name, Job.state)).all()
    return {(name, state): count for name, state, count in rows}


def oldest_due(session: Session, *, now: datetime) -> float:
    """For how many seconds the oldest job that could run has been waiting; 0 when none is."""
    waiting = session.exec(
        select(func.min(Job.run_at)).where(col(Job.state) != "dead", col(Job.run_at) <= now)
    ).first()
    if waiting is None:
        return 0.0
    moment = waiting if isinstance(waiting, datetime) else datetime.fromisoformat(str(waiting))
    return max(0.0, (now - moment).total_seconds())


def periodic_due(session: Session, *, now: datetime, every: Mapping[JobName, timedelta]) -> bool:
    """Whether `enqueue_due` has anything to do; asked of a reader, so that an idle worker never writes."""
    later = session.exec(select(Schedule.name).where(Schedule.due_at > now)).all()
    return not {name.value for name in every} <= set(later)


def enqueue_due(session: Session, *, now: datetime, every: Mapping[JobName, timedelta]) -> None:
    """Enqueue the periodic jobs whose time has come; of many workers, the one that moves the due date on."""
    for name, interval in every.items():
        insert = insert_into(dialect_of(session), Schedule).values(name=name.value, due_at=now + interval)
        moved = session.execute(
            insert.on_conflict_do_update(
                index_elements=["name"],
                set_={"due_at": insert.excluded.due_at},
                where=col(Schedule.due_at) <= now,
            )
        )
        if rows_touched(moved):
            enqueue(session, name, ["periodic"], now=now)


def _ours(jobs: Sequence[Claimed]) -> tuple[Any, ...]:
    return (
        col(Job.id).in_([job.id for job in jobs]),
        col(Job.lease).in_({job.lease for job in jobs}),
        col(Job.state) == "running",
    )


def _touch(session: Session, jobs: Sequence[Claimed], **values: Any) -> int:
    touched = session.execute(
        update(Job).where(*_ours(jobs)).values(**values).execution_options(synchronize_session=False)
    )
    return rows_touched(touched)
