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
from market.services.claims import ending
from market.services.disclosure import access_requests
from market.services.files import importing as imports
from market.services.listings import expiry
from market.services.matching import matches, pairing, rematching, signing
from market.services.matching import scoring as scorings
from market.services.matching.pairing import Fitting
from market.services.matching.scoring import Scoring
from market.services.moderation import duplicates
from market.services.people import belonging, invitations, keys
from market.services.search import indexing
from market.services.subscriptions import alerts, subscriptions
from market.services.telling import dispatching, notifications
from market.services.telling.telling import tell
from market.services.trail import idempotency, sealing, usage
from market.worker import comparing, importing, sending

Finish = Callable[[Session], object]

_RECONCILED_AT_ONCE = 20_000
_NEWS_FOR = timedelta(days=7)
"""A listing that was changed within these, and has its vector only now, is news in meaning too; else the model is new
and the listing is not."""


@dataclass(frozen=True, slots=True)
class Handler:
    """How to do jobs of one name, and how many in one go."""

    run: Callable[[Runtime, Sequence[Claimed]], Finish]
    batch: int


def index(runtime: Runtime, jobs: Sequence[Claimed]) -> Finish:
    """Make search index and signatures equal to the listings; matching follows, and vectors that are missing."""
    references = [indexing.reference(job.key) for job in jobs]
    bulk, model = jobs[0].bulk, runtime.scorings.model
    with runtime.db.reading() as session:
        listings = indexing.load(session, references)
        signed = signing.sign_all(session, listings.values(), model)
        rows = [signing.row_of(listing, signed[listing.id].signature) for listing in listings.values()]
        documents = indexing.documents(listings.values(), vector=lambda one: signing.vector_of(signed[one].signature))
        before = signing.versions(session, [identity for _, identity in references])
        parted = comparing.parted(runtime, session, references, present=listings, before=before)
    gone = [reference for reference in references if reference not in listings]
    indexing.write(runtime.engine, documents, gone)
    keys = {identity: f"{noun}:{identity}" for noun, identity in listings}
    lacking = [key for identity, key in keys.items() if not signed[identity].complete]
    # What is only indexed anew is nobody's news.
    new = [one for one in listings.values() if before.get(one.id) != one.version]
    changed = [keys[one.id] for one in new if one.published]

    def finish(session: Session) -> None:
        signing.keep(session, rows, gone)
        duplicates.keep_identifiers(session, listings.values(), gone)
        ending.end_with(session, [identity for _, identity in gone], now=runtime.clock())
        compared = comparing.concerned(session, listings.values(), {keys[one.id] for one in new})
        enqueue(session, JobName.COMPARE, [*compared, *parted], now=runtime.clock(), bulk=bulk)
        enqueue(session, JobName.MATCH, keys.values(), now=runtime.clock(), bulk=bulk)
        enqueue(session, JobName.EMBED, lacking, now=runtime.clock())
        enqueue(session, JobName.ALERT, changed, now=runtime.clock(), bulk=bulk)

    return finish


def embed(runtime: Runtime, jobs: Sequence[Claimed]) -> Finish:
    """Make the vectors that listings lack; they are indexed and matched again with them."""
    references = [indexing.reference(job.key) for job in jobs]
    with runtime.db.reading() as session:
        listings = indexing.load(session, references)
        made = signing.embed(session, runtime.embedder, listings.values()) if runtime.embedder else []
    done = {row["identity"] for row in made}

    def finish(session: Session) -> None:
        signing.keep_vectors(session, made)
        rematching.after_vectors(session, runtime.scorings.model, now=runtime.clock())
        again = [f"{noun}:{identity}" for noun, identity in listings if identity in done]
        enqueue(session, JobName.INDEX, again, now=runtime.clock(), bulk=True)
        lately = runtime.clock() - _NEWS_FOR
        news = [f"{one.NOUN}:{one.id}" for one in listings.values() if one.id in done and one.updated_at > lately]
        enqueue(session, JobName.ALERT, news, now=runtime.clock())

    return finish


def match(runtime: Runtime, jobs: Sequence[Claimed]) -> Finish:
    """Make each listing's matches equal to what fits it now; notifications follow."""
    references = [indexing.reference(job.key) for job in jobs]
    with runtime.db.reading() as session:
        scoring = runtime.scorings.current(session)
        census = None
        if scorings.outgrown(session, scoring):
            census = scorings.take_census(session, runtime.scorings.model, now=runtime.clock())
            scoring = runtime.scorings.with_census(scoring, census)
        listings = indexing.load(session, references)
        found = _fitting(runtime, session, scoring, [one for one, listing in listings.items() if listing.matchable])
        versions = pairing.versions(session, found)

    def finish(session: Session) -> None:
        if census is not None:
            scorings.keep_census(session, census)
            rematching.after_growth(session, census, now=runtime.clock())
        settings = runtime.settings
        matches.keep(
            session,
            found,
            versions=versions,
            notify_from=settings.notify_threshold,
            improvement=settings.improvement,
            now=runtime.clock(),
        )
        matches.withdraw(
            session, [reference for reference in listings if reference not in found], now=runtime.clock()
        )

    return finish


def _fitting(
    runtime: Runtime, session: Session, scoring: Scoring, references: Sequence[indexing.Reference]
) -> dict[indexing.Reference, Fitting]:
    finder = runtime.finder(session, scoring)
    finder.read_ahead(references)
    least = runtime.settings.match_threshold
    return {reference: finder.pairs(*reference, least=least) for reference in references}


def rematch(runtime: Runtime, jobs: Sequence[Claimed]) -> Finish:
    """Match the next open demands of a rematch again; the same job goes on with those after them."""
    settings = runtime.settings
    with runtime.db.reading() as session:
        steps = [rematching.next_step(session, uuid.UUID(job.key)) for job in jobs]
        scoring = runtime.scorings.current(session)
        references = [("demand", identity) for step in steps for identity in step.demands]
        found = _fitting(runtime, session, scoring, references)
        versions = pairing.versions(session, found)
    margin = settings.rematch_margin if any(step.quiet for step in steps) else 0.0

    def finish(session: Session) -> None:
        matches.keep(
            session,
            found,
            versions=versions,
            notify_from=settings.notify_threshold,
            margin=margin,
            improvement=settings.improvement,
            now=runtime.clock(),
        )
        for step in steps:
            rematching.take(session, step, now=runtime.clock())

    return finish


def notify(runtime: Runtime, jobs: Sequence[Claimed]) -> Finish:
    """Tell both sides of each match that still holds, once."""
    settings, ids = runtime.settings, [uuid.UUID(job.key) for job in jobs]
    least, improvement = settings.notify_threshold, settings.improvement
    return lambda session: matches.tell(session, ids, least=least, improvement=improvement, now=runtime.clock())


def alert(runtime: Runtime, jobs: Sequence[Claimed]) -> Finish:
    """Tell those whose subscriptions these listings answer."""
    references = [indexing.reference(job.key) for job in jobs]
    model = runtime.scorings.model
    with runtime.db.reading() as session:
        scale = runtime.scorings.current(session).scale
        listings = indexing.load(session, references)
        vectors = signing.means(session, [one.id for one in listings.values()], model) if model else {}
        found = [(one, indexing.document(one), vectors.get(one.id)) for one in listings.values()]
        hits = alerts.hits(session, found, model=model, unlike=scale.unlike, now=runtime.clock())
    return lambda session: tell(session, list(notifications.news_of_hits(session, hits)), now=runtime.clock())


def dispatch(runtime: Runtime, jobs: Sequence[Claimed]) -> Finish:
    """Plan which endpoints hear of what is new in these people's inboxes, and when."""
    people = [uuid.UUID(job.key) for job in jobs]
    return lambda session: dispatching.plan(session, people, runtime.post.channels, now=runtime.clock())


def expire(runtime: Runtime, _: Sequence[Claimed]) -> Finish:
    """End what has reached its last day: listings, grants to see what is protected, delegations."""

    def finish(session: Session) -> None:
        expiry.expire(session, now=runtime.clock())
        access_requests.expire(session, now=runtime.clock())
        belonging.hand_over_ended(session, now=runtime.clock())

    return finish


def warn(runtime: Runtime, _: Sequence[Claimed]) -> Finish:
    """Warn the owners of what will soon expire, and those who match a demand that will soon close."""

    def finish(session: Session) -> None:
        expiry.warn(session, now=runtime.clock(), days=runtime.settings.expiry_warning_days)
        expiry.remind(session, now=runtime.clock(), days=runtime.settings.deadline_warning_days)

    return finish


def reconcile(runtime: Runtime, _: Sequence[Claimed]) -> Finish:
    """Have everything indexed again in which index and database differ, for whatever reason they do."""
    keys: list[str] = []
    with runtime.db.reading() as session:
        for noun in LISTINGS:
            room = _RECONCILED_AT_ONCE - len(keys)
            found = islice(indexing.differences(session, runtime.engine, noun), room)
            keys.extend(difference.key for difference in found)
            room = _RECONCILED_AT_ONCE - len(keys)
            keys.extend(signing.unsigned(session, noun, runtime.scorings.model, limit=room))

    def finish(session: Session) -> None:
        enqueue(session, JobName.INDEX, keys, now=runtime.clock(), bulk=True)
        if len(keys) == _RECONCILED_AT_ONCE:  # there is more: come back once these are done
            enqueue(session, JobName.RECONCILE, ["more"], now=runtime.clock() + timedelta(seconds=5))

    return finish


def renew(runtime: Runtime, _: Sequence[Claimed]) -> Finish:
    """Make the vectors of subscriptions anew that another model made, some at a time."""
    if runtime.embedder is None:
        return lambda _: None
    with runtime.db.reading() as session:
        made = subscriptions.renew(session, runtime.embedder)

    def finish(session: Session) -> None:
        subscriptions.keep_renewed(session, made, now=runtime.clock())
        enqueue(session, JobName.RENEW, ["more"] if made else [], now=runtime.clock())

    return finish


def seal(runtime: Runtime, jobs: Sequence[Claimed]) -> Finish:
    """Link what was written into the audit trail to its chain; the job "whole" looks at entries of any age."""
    whole = any(job.key == "whole" for job in jobs)
    with runtime.db.reading() as session:
        made = sealing.make(session, now=runtime.clock(), whole=whole)

    def finish(session: Session) -> None:
        if not sealing.keep(session, made) or made.full:
            enqueue(session, JobName.SEAL, ["whole" if whole else "more"], now=runtime.clock())

    return finish


def sweep(runtime: Runtime, _: Sequence[Claimed]) -> Finish:
    """Forget what was only kept for a time."""

    def finish(session: Session) -> None:
        idempotency.forget(session, now=runtime.clock())
        keys.forget(session, now=runtime.clock())
        invitations.forget(session, now=runtime.clock())
        dispatching.forget(session, now=runtime.clock())
        usage.forget(session, now=runtime.clock())
        imports.forget(session, now=runtime.clock())
        enqueue(session, JobName.SEAL, ["whole"], now=runtime.clock())

    return finish


HANDLERS: dict[JobName, Handler] = {
    JobName.INDEX: Handler(index, batch=200),
    JobName.MATCH: Handler(match, batch=100),
    JobName.NOTIFY: Handler(notify, batch=200),
    JobName.ALERT: Handler(alert, batch=100),
    JobName.DISPATCH: Handler(dispatch, batch=200),
    JobName.DELIVER: Handler(sending.deliver, batch=1),
    JobName.EMBED: Handler(embed, batch=4),
    JobName.REMATCH: Handler(rematch, batch=1),
    JobName.EXPIRE: Handler(expire, batch=1),
    JobName.WARN: Handler(warn, batch=1),
    JobName.RECONCILE: Handler(reconcile, batch=1),
    JobName.RENEW: Handler(renew, batch=1),
    JobName.SWEEP: Handler(sweep, batch=1),
    JobName.SEAL: Handler(seal, batch=1),
    JobName.IMPORT: Handler(importing.take_in, batch=1),
    JobName.COMPARE: Handler(comparing.compare, batch=50),
}

PERIODIC: dict[JobName, timedelta] = {
    JobName.EXPIRE: timedelta(minutes=5),
    JobName.WARN: timedelta(hours=1),
    JobName.RECONCILE: timedelta(minutes=10),
    JobName.RENEW: timedelta(minutes=10),
    JobName.SWEEP: timedelta(hours=1),
    JobName.SEAL: timedelta(seconds=10),
}
