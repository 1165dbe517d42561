"""The job that counts the likely duplicates of what waits for a review, for the queue to show."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

from sqlmodel import Session

from market.models import Listing
from market.outbox import Claimed, JobName, enqueue
from market.runtime import Runtime
from market.services.listings import reviews
from market.services.moderation import duplicates
from market.services.moderation.duplicates import Looking
from market.services.search import indexing
from market.services.search.indexing import Reference


def compare(runtime: Runtime, jobs: Sequence[Claimed]) -> Callable[[Session], object]:
    """Count them for each of these listings that is still submitted, and have those that wait beside them counted
    again where one of these has made a difference to their number.

    A number is written by the job of its own listing alone, of which one runs at a time: so of two that arrive
    together neither is forgotten. It ends, for where the numbers are right nothing is counted again.
    """
    with runtime.db.reading() as session:
        looking = _looking(runtime, session)
        listings = indexing.load(session, [indexing.reference(job.key) for job in jobs]).values()
        counted = {one.id: duplicates.count(looking, one) for one in listings if one.state == "submitted"}
        again = [
            key
            for noun in sorted({one.NOUN for one in listings})
            for key in _outdated(looking, noun, [one.id for one in listings if noun == one.NOUN], counted)
        ]

    def finish(session: Session) -> None:
        reviews.note_duplicates(session, counted)
        enqueue(session, JobName.COMPARE, again, now=runtime.clock(), bulk=jobs[0].bulk)

    return finish


def _outdated(looking: Looking, noun: str, ids: Sequence[uuid.UUID], counted: Collection[uuid.UUID]) -> Iterator[str]:
    """Jobs for those beside these whose number is another than the one that is kept."""
    kept = {one: number for one, number in duplicates.beside(looking, noun, ids).items() if one not in counted}
    known = [one for one, number in kept.items() if number is not None]
    present = indexing.load(looking.session, [(noun, one) for one in known])
    for (_, identity), listing in present.items():
        if duplicates.count(looking, listing) != kept[identity]:
            yield f"{noun}:{identity}"
    # What is being counted at this moment may have begun too early.
    yield from (f"{noun}:{one}" for one, number in kept.items() if number is None)


def parted(
    runtime: Runtime,
    session: Session,
    references: Iterable[Reference],
    *,
    present: Mapping[Reference, Listing],
    before: Mapping[uuid.UUID, int],
) -> list[str]:
    """Jobs for those that have counted one of these as it was, which is about to be signed anew or is gone."""
    keys: list[str] = []
    by_noun: dict[str, list[uuid.UUID]] = {}
    for reference in references:
        noun, identity = reference
        version = present[reference].version if reference in present else None
        if identity in before and before[identity] != version:
            by_noun.setdefault(noun, []).append(identity)
    for noun, ids in by_noun.items():
        keys += [f"{noun}:{one}" for one in duplicates.beside(_looking(runtime, session), noun, ids, counted=True)]
    return keys


def concerned(session: Session, listings: Iterable[Listing], changed: Collection[str]) -> list[str]:
    """Jobs for those that wait for a review, and for what was `changed` where others of its kind wait."""
    waiting = reviews.nouns_waiting(session)
    keys = {f"{one.NOUN}:{one.id}": one for one in listings}
    return [key for key, one in keys.items() if one.state == "submitted" or (key in changed and one.NOUN in waiting)]


def _looking(runtime: Runtime, session: Session) -> Looking:
    return Looking(session, runtime.engine, runtime.scorings.current(session), runtime.signatures)
