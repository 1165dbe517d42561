"""What each job means. A handler re-reads the present state, does the slow part with no transaction open, and
returns what is to be written in the transaction that ends the job. Each is safe to repeat."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice

from sqlmodel import Session

from market.models import LISTINGS
from market.outbox import Claimed, JobName, enqueue
from market.runtime import Runtime
from market.services import expiry, idempotency, indexing, matches
from market.services.pairing import Finder

Finish = Callable[[Session], object]

_RECONCILED_AT_ONCE = 20_000


@dataclass(frozen=True, slots=True)
class Handler:
    """How to do jobs of one name, and how many in one go."""

    run: Callable[[Runtime, Sequence[Claimed]], Finish]
    batch: int


def index(runtime: Runtime, jobs: Sequence[Claimed]) -> Finish:
    """Make search index and signatures equal to the listings; matching follows."""
    references = [indexing.reference(job.key) for job in jobs]
    with runtime.db.reading() as session:
        listings = indexing.load(session, references)
        rows = [indexing.signature_row(listing) for listing in listings.values()]
        documents = indexing.documents(listings.values())
    gone = [reference for reference in references if reference not in listings]
    indexing.write(runtime.engine, documents, gone)

    def finish(session: Session) -> None:
        indexing.keep_signatures(session, rows, gone)
        enqueue(session, JobName.MATCH, [f"{noun}:{identity}" for noun, identity in listings], now=runtime.clock())

    return finish


def match(runtime: Runtime, jobs: Sequence[Claimed]) -> Finish:
    """Make each listing's matches equal to what fits it now; notifications follow."""
    settings = runtime.settings
    references = [indexing.reference(job.key) for job in jobs]
    with runtime.db.reading() as session:
        listings = indexing.load(session, references)
        finder = Finder(session, runtime.engine, candidates=settings.match_candidates)
        open_ones = [reference for reference, listing in listings.items() if listing.matchable]
        finder.read_ahead(open_ones)
        found = {reference: finder.pairs(*reference, least=settings.match_threshold) for reference in open_ones}

    def finish(session: Session) -> None:
        matches.keep(session, found, notify_from=settings.notify_threshold, now=runtime.clock())
        matches.withdraw(
            session, [reference for reference in listings if reference not in found], now=runtime.clock()
        )

    return finish


def notify(runtime: Runtime, jobs: Sequence[Claimed]) -> Finish:
    """Tell both sides of each match that still holds, once."""

    def finish(session: Session) -> None:
        for job in jobs:
            matches.tell(session, uuid.UUID(job.key), least=runtime.settings.notify_threshold, now=runtime.clock())

    return finish


def expire(runtime: Runtime, _: Sequence[Claimed]) -> Finish:
    """End what has reached its last day."""
    return lambda session: expiry.expire(session, now=runtime.clock())


def warn(runtime: Runtime, _: Sequence[Claimed]) -> Finish:
    """Warn the owners of what will soon expire."""
    return lambda session: expiry.warn(session, now=runtime.clock(), days=runtime.settings.expiry_warning_days)


def reconcile(runtime: Runtime, _: Sequence[Claimed]) -> Finish:
    """Have everything indexed again in which index and database differ, for whatever reason they do."""
    keys: list[str] = []
    with runtime.db.reading() as session:
        for noun in LISTINGS:
            room = _RECONCILED_AT_ONCE - len(keys)
            found = islice(indexing.differences(session, runtime.engine, noun), room)
            keys.extend(difference.key for difference in found)

    def finish(session: Session) -> None:
        enqueue(session, JobName.INDEX, keys, now=runtime.clock())
        if len(keys) == _RECONCILED_AT_ONCE:  # there is more: come back once these are done
            enqueue(session, JobName.RECONCILE, ["more"], now=runtime.clock() + timedelta(seconds=5))

    return finish


def sweep(runtime: Runtime, _: Sequence[Claimed]) -> Finish:
    """Forget what was only kept for a time."""
    return lambda session: idempotency.forget(session, now=runtime.clock())


HANDLERS: dict[JobName, Handler] = {
    JobName.INDEX: Handler(index, batch=200),
    JobName.MATCH: Handler(match, batch=100),
    JobName.NOTIFY: Handler(notify, batch=200),
    JobName.EXPIRE: Handler(expire, batch=1),
    JobName.WARN: Handler(warn, batch=1),
    JobName.RECONCILE: Handler(reconcile, batch=1),
    JobName.SWEEP: Handler(sweep, batch=1),
}

PERIODIC: dict[JobName, timedelta] = {
    JobName.EXPIRE: timedelta(minutes=5),
    JobName.WARN: timedelta(hours=1),
    JobName.RECONCILE: timedelta(minutes=10),
    JobName.SWEEP: timedelta(hours=1),
}
