"""Signs of life: each worker says until when it counts as alive, whatever long job it is at. A row of `schedules`."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session, col, delete, func, select

from market.db import dialect_of, insert_into
from market.models import Schedule

EVERY = timedelta(seconds=10)
_MISSED = 3  # signs in a row, after which a worker counts as gone
_PREFIX = "worker:"


def alive(session: Session, worker: str, *, now: datetime) -> None:
    """Say that this worker lives, and forget those that ended long ago. May be repeated."""
    values = {"name": f"{_PREFIX}{worker}", "due_at": now + EVERY * _MISSED}
    insert = insert_into(dialect_of(session), Schedule).values(values)
    session.execute(insert.on_conflict_do_update(index_elements=["name"], set_={"due_at": insert.excluded.due_at}))
    long_gone = (col(Schedule.name).startswith(_PREFIX), col(Schedule.due_at) < now - timedelta(days=1))
    session.execute(delete(Schedule).where(*long_gone).execution_options(synchronize_session=False))


def gone(session: Session, worker: str) -> None:
    """Take leave: this worker ends as it should."""
    mine = col(Schedule.name) == f"{_PREFIX}{worker}"
    session.execute(delete(Schedule).where(mine).execution_options(synchronize_session=False))


def count(session: Session, *, now: datetime) -> int:
    """How many workers are alive."""
    living = select(func.count()).where(col(Schedule.name).startswith(_PREFIX), col(Schedule.due_at) >= now)
    return session.exec(living).one()
