"""Rematches: all open demands matched again in the background, after what scores depend on has changed."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, func, select, update

from market.models import CensusTaken, Demand, Job, Rematch
from market.models.base import new_id
from market.outbox import JobName, enqueue
from market.services.matching import scoring

GROWTH = "growth"
_STEP = 20  # demands in one go: so much is done again after a crash
_DOUBLED = 2.0  # growth after which the rarity of words has changed enough to tell


@dataclass(frozen=True, slots=True)
class Step:
    """The next demands of a rematch; none when it has come to its end, or another has taken its place."""

    rematch_id: uuid.UUID
    demands: tuple[uuid.UUID, ...]
    quiet: bool = False  # growth is everyday life: only after other changes are small ones kept quiet


def start(session: Session, reason: str, *, listings: int = 0, now: datetime) -> Rematch:
    """Match every open demand again. One that is under way ends: this one does its work too."""
    under_way = col(Rematch.finished_at).is_(None)
    session.execute(update(Rematch).where(under_way).values(finished_at=now))
    total = session.exec(_open(select(func.count()).select_from(Demand))).one()
    rematch = Rematch(id=new_id(), created_at=now, reason=reason, total=total, listings=listings)
    session.add(rematch)
    enqueue(session, JobName.REMATCH, [str(rematch.id)], now=now)
    return rematch


def after_growth(session: Session, census: Mapping[str, Any], *, now: datetime) -> None:
    """Start one where the exchange is small, or has doubled since the last: words tell something else now."""
    last = session.exec(select(Rematch.listings).order_by(col(Rematch.created_at).desc()).limit(1)).first() or 0
    if census["listings"] <= scoring.SMALL or census["listings"] >= _DOUBLED * last:
        start(session, GROWTH, listings=census["listings"], now=now)


def after_vectors(session: Session, model: str, *, now: datetime) -> None:
    """Start one when the vectors of a model are made for the first time, once none is missing: only then can be told
    how near unlike texts are."""
    waiting = (
        select(Job.id).where(Job.name == JobName.EMBED.value, col(Job.state).in_(("queued", "running"))).limit(1)
    )
    measured = session.exec(select(CensusTaken.model)).first()
    if measured is None or measured == model or session.exec(waiting).first() is not None:
        return
    census = scoring.take_census(session, model, now=now)
    if census["model"] == model:
        scoring.keep_census(session, census)
        start(session, "vectors", listings=census["listings"], now=now)


def next_step(session: Session, identity: uuid.UUID) -> Step:
    """What is to be done next."""
    rematch = session.get(Rematch, identity)
    if rematch is None or rematch.finished_at is not None:
        return Step(identity, ())
    rows = _open(select(Demand.id)).order_by(col(Demand.id)).limit(_STEP)
    if rematch.position is not None:
        rows = rows.where(col(Demand.id) > rematch.position)
    return Step(identity, tuple(session.exec(rows)), quiet=rematch.reason != GROWTH)


def take(session: Session, step: Step, *, now: datetime) -> None:
    """Note that the step is done, and have the next one done."""
    rematch = session.get(Rematch, step.rematch_id)
    if rematch is None or rematch.finished_at is not None:
        return
    if not step.demands:
        rematch.finished_at = now
        return
    rematch.position, rematch.done = step.demands[-1], rematch.done + len(step.demands)
    enqueue(session, JobName.REMATCH, [str(rematch.id)], now=now)


def latest(session: Session) -> Rematch | None:
    """The one under way, or the last that was."""
    return session.exec(select(Rematch).order_by(col(Rematch.created_at).desc()).limit(1)).first()


def _open(rows: Any) -> Any:
    return rows.where(Demand.state == "published", Demand.progress == "open")
