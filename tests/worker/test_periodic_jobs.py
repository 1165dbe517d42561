"""What the worker does by the clock: expiry with its warning, extension, and sweeping up."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest
from sqlmodel import select

from market import outbox
from market.db import Database
from market.models import IdempotentAnswer
from market.runtime import Runtime
from market.worker.handlers import PERIODIC
from tests.factories import Person, SettableClock, add_organisation, add_person
from tests.services.stock import act, change, found, inbox, jobs, publish, read

pytestmark = pytest.mark.long

Drain = Callable[[], int]
ENDS = {"outcome": "valid_until", "expert": "valid_until", "demand": "deadline"}


@pytest.fixture
def person(runtime: Runtime) -> Person:
    """A member who reads English."""
    return add_person(runtime, add_organisation(runtime), language="en")


def ending(runtime: Runtime, person: Person, noun: str, last_day: date) -> uuid.UUID:
    assert person.organisation_id
    return publish(runtime, noun, person.organisation_id, **{ENDS[noun]: last_day})


def day(clock: SettableClock, *, in_days: int) -> date:
    return clock().date() + timedelta(days=in_days)


def warnings(runtime: Runtime) -> list[uuid.UUID]:
    return [row.listing_id for row in inbox(runtime, "listing_expiring")]


def pass_days(clock: SettableClock, drain: Drain, *steps: int) -> None:
    for days in steps:
        clock.advance(days=days)
        drain()


def test_of_many_workers_one_enqueues_each_periodic_job(runtime: Runtime) -> None:
    start = threading.Barrier(6)

    def tick(_: int) -> None:
        db = Database(runtime.db.url)
        start.wait()
        for _ in range(3):
            with db.writing() as session:
                outbox.enqueue_due(session, now=runtime.clock(), every=PERIODIC)
        db.close()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(tick, range(6)))
    assert sorted(job.name for job in jobs(runtime)) == sorted(PERIODIC)


def test_a_periodic_job_comes_again_after_its_interval_and_not_before(
    runtime: Runtime, drain: Drain, clock: SettableClock
) -> None:
    drain()
    shortest = min(PERIODIC.values())
    clock.advance(seconds=shortest.total_seconds() - 1)
    assert drain() == 0
    clock.advance(seconds=1)
    assert drain() > 0


def test_many_missed_intervals_are_made_up_for_once(runtime: Runtime, drain: Drain, clock: SettableClock) -> None:
    drain()
    clock.advance(days=30)
    with runtime.db.writing() as session:
        outbox.enqueue_due(session, now=clock(), every=PERIODIC)
    assert sorted(job.name for job in jobs(runtime)) == sorted(PERIODIC)


@pytest.mark.parametrize("noun", ENDS)
def test_a_listing_is_public_on_its_last_day_and_expired_on_the_next(
    runtime: Runtime, drain: Drain, clock: SettableClock, person: Person, noun: str
) -> None:
    identity = ending(runtime, person, noun, day(clock, in_days=1))
    pass_days(clock, drain, 1)
    assert read(runtime, noun, identity).state == "published"
    pass_days(clock, drain, 1)
    assert read(runtime, noun, identity).state == "expired"


def test_an_expired_listing_is_a_new_version_and_no_longer_found_by_the_public(
    runtime: Runtime, drain: Drain, clock: SettableClock, person: Person
) -> None:
    identity = ending(runtime, person, "outcome", day(clock, in_days=0))
    drain()
    assert str(identity) in found(runtime, "outcome", "防腐涂层")
    pass_days(clock, drain, 1)
    assert read(runtime, "outcome", identity).version == 2
    assert dict(runtime.engine.versions("outcomes")) == {str(identity): 2}


def test_the_owner_is_told_once_that_it_expired(
    runtime: Runtime, drain: Drain, clock: SettableClock, person: Person
) -> None:
    identity = ending(runtime, person, "outcome", day(clock, in_days=0))
    pass_days(clock, drain, 1, 1, 3)
    [row] = inbox(runtime, "listing_expired")
    assert (row.recipient_id, row.listing_id) == (person.id, identity)


def test_the_owner_is_warned_two_weeks_before_and_once(
    runtime: Runtime, drain: Drain, clock: SettableClock, person: Person
) -> None:
    identity = ending(runtime, person, "demand", day(clock, in_days=16))
    pass_days(clock, drain, 1)
    assert warnings(runtime) == []
    pass_days(clock, drain, 1)
    assert warnings(runtime) == [identity]
    pass_days(clock, drain, 1, 1, 8)
    assert warnings(runtime) == [identity]


def test_the_warning_names_the_day(runtime: Runtime, drain: Drain, clock: SettableClock, person: Person) -> None:
    last = day(clock, in_days=10)
    ending(runtime, person, "outcome", last)
    drain()
    [row] = inbox(runtime, "listing_expiring")
    assert last.isoformat() in row.body


def test_a_warning_makes_no_new_version(runtime: Runtime, drain: Drain, clock: SettableClock, person: Person) -> None:
    identity = ending(runtime, person, "outcome", day(clock, in_days=10))
    drain()
    assert read(runtime, "outcome", identity).version == 1


def test_nobody_is_warned_of_a_draft_or_of_what_has_no_end(
    runtime: Runtime, drain: Drain, clock: SettableClock, person: Person
) -> None:
    assert person.organisation_id
    publish(runtime, "outcome", person.organisation_id, submit=False, valid_until=day(clock, in_days=5))
    publish(runtime, "expert", person.organisation_id)
    drain()
    assert warnings(runtime) == []


def test_an_extended_listing_lives_on_and_is_warned_of_again(
    runtime: Runtime, drain: Drain, clock: SettableClock, person: Person
) -> None:
    identity = ending(runtime, person, "outcome", day(clock, in_days=10))
    drain()
    act(runtime, "outcome", identity, "extend", until=day(clock, in_days=60))
    pass_days(clock, drain, 11, 34)
    assert read(runtime, "outcome", identity).state == "published"
    assert warnings(runtime) == [identity]
    pass_days(clock, drain, 2, 1, 10)
    assert warnings(runtime) == [identity, identity]


def test_an_expired_listing_that_is_extended_is_public_again(
    runtime: Runtime, drain: Drain, clock: SettableClock, person: Person
) -> None:
    identity = ending(runtime, person, "outcome", day(clock, in_days=0))
    pass_days(clock, drain, 1, 2)
    act(runtime, "outcome", identity, "extend", until=day(clock, in_days=60))
    drain()
    assert read(runtime, "outcome", identity).state == "published"


def test_a_listing_whose_end_is_moved_by_a_change_is_warned_of_again(
    runtime: Runtime, drain: Drain, clock: SettableClock, person: Person
) -> None:
    identity = ending(runtime, person, "outcome", day(clock, in_days=10))
    drain()
    change(runtime, "outcome", identity, valid_until=day(clock, in_days=60))
    pass_days(clock, drain, 11, 34)
    assert warnings(runtime) == [identity]
    pass_days(clock, drain, 2, 1, 10)
    assert warnings(runtime) == [identity, identity]


def test_a_change_that_leaves_the_end_where_it_is_warns_nobody_again(
    runtime: Runtime, drain: Drain, clock: SettableClock, person: Person
) -> None:
    last = day(clock, in_days=10)
    identity = ending(runtime, person, "outcome", last)
    drain()
    change(runtime, "outcome", identity, trl=5, valid_until=last)
    pass_days(clock, drain, 1, 1, 3)
    assert warnings(runtime) == [identity]


def test_answers_kept_for_repeated_requests_are_dropped_after_a_day(
    runtime: Runtime, drain: Drain, clock: SettableClock
) -> None:
    def keep(key: str) -> None:
        with runtime.db.writing() as session:
            session.add(
                IdempotentAnswer(caller="c", key=key, fingerprint="f", status=201, body=b"", created_at=clock())
            )

    keep("old")
    clock.advance(hours=12)
    keep("young")
    clock.advance(hours=12, minutes=1)
    drain()
    with runtime.db.reading() as session:
        assert session.exec(select(IdempotentAnswer.key)).all() == ["young"]
