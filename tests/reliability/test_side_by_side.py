"""Requests and workers at the same moment: each comes out as if they had come one after the other."""

from __future__ import annotations

import threading
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlmodel import col, delete, update

from market import outbox
from market.db import Database
from market.matching.score import Score
from market.models import Match, Outcome, Signature
from market.outbox import JobName, Queue
from market.runtime import Runtime
from market.schema import differences, migrate
from market.services.matching import matches as service
from market.services.matching import signing
from market.services.matching.pairing import Fitting, Pair
from market.worker.runner import drain
from tests import databases
from tests.factories import Caller, SettableClock, add_organisation, payload, post
from tests.reliability.conftest import stock
from tests.services.stock import how_many, jobs, keys_of, matches, publish

on_postgresql = pytest.mark.parametrize("server", ["postgresql"], indirect=True)


def at_once(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """Make all calls in the same moment, each in a thread, and give what they gave."""
    start = threading.Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        start.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return [*pool.map(run, calls)]


def test_fifty_posts_with_one_idempotency_key_make_one_listing(app: Flask, runtime: Runtime, owner: Caller) -> None:
    def create() -> Any:
        return Caller(app.test_client(), owner.person).post("outcomes", payload("outcome"), key="once")

    answers = at_once([create] * 50)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json["id"] for answer in answers}) == 1
    with runtime.db.reading() as session:
        assert how_many(session, Outcome) == 1


def test_of_posts_with_one_external_key_one_is_accepted_and_the_others_are_told_why(
    app: Flask, runtime: Runtime, owner: Caller
) -> None:
    def create() -> Any:
        return Caller(app.test_client(), owner.person).post("outcomes", payload("outcome", external_key="ours"))

    answers = at_once([create] * 8)
    assert Counter(answer.status_code for answer in answers) == {201: 1, 422: 7}
    told = {error["pointer"] for answer in answers if answer.status_code == 422 for error in answer.json["errors"]}
    assert told == {"/external_key"}


def test_of_changes_to_one_version_one_is_made(app: Flask, owner: Caller) -> None:
    listing = post(owner, "outcome")

    def change(number: int) -> Any:
        caller = Caller(app.test_client(), owner.person)
        return caller.patch(f"outcomes/{listing['id']}", {"title_en": f"Title {number}"}, version=1)

    answers = at_once([lambda number=number: change(number) for number in range(8)])
    assert Counter(answer.status_code for answer in answers) == {200: 1, 412: 7}


def test_jobs_with_the_same_keys_in_other_orders_are_enqueued_without_a_deadlock(runtime: Runtime) -> None:
    keys = [str(number) for number in range(300)]

    def enqueue(mine: Sequence[str]) -> None:
        for _ in range(5):
            with runtime.db.writing() as session:
                outbox.enqueue(session, JobName.NOTIFY, mine, now=runtime.clock())

    at_once([lambda: enqueue(keys), lambda: enqueue(keys[::-1])] * 3)
    assert keys_of(runtime, "notify") == sorted(keys)


def test_the_two_sides_of_a_pair_that_are_matched_at_once_make_one_match(runtime: Runtime) -> None:
    organisation = add_organisation(runtime)
    demands = [publish(runtime, "demand", organisation) for _ in range(12)]
    offers = [publish(runtime, "outcome", organisation) for _ in range(12)]

    def keep(noun: str, ids: Sequence[uuid.UUID], others: Sequence[uuid.UUID]) -> None:
        def pair(one: uuid.UUID, other: uuid.UUID) -> Pair:
            demand, offer = (one, other) if noun == "demand" else (other, one)
            return Pair(demand, "outcome", offer, Score(0.8), Score(0.8))

        found = {(noun, one): Fitting([pair(one, other) for other in others], frozenset()) for one in ids}
        with runtime.db.writing() as session:
            service.keep(session, found, versions={}, notify_from=0.5, now=runtime.clock())

    sides = [lambda: keep("demand", demands, offers), lambda: keep("outcome", offers[::-1], demands[::-1])]
    for _ in range(3):  # the first time they are added, then they are there
        at_once(sides * 2)
    assert {*matches(runtime)} == {(demand, offer) for demand in demands for offer in offers}
    assert len(keys_of(runtime, "notify")) == 144


@on_postgresql
def test_of_a_listing_that_is_just_being_signed_anew_no_match_is_made_and_nobody_waits(runtime: Runtime) -> None:
    stock(runtime, outcomes=1, experts=0)
    drain(runtime)
    [(demand, offer)] = matches(runtime)
    with runtime.db.writing() as session:
        session.execute(delete(Match))
        signed = signing.versions(session, [demand, offer])
    found = {("outcome", offer): Fitting([Pair(demand, "outcome", offer, Score(0.8), Score(0.8))], frozenset())}
    with runtime.db.writing() as signing_anew:
        signing_anew.execute(update(Signature).where(col(Signature.listing_id) == demand).values(version=2))
        with runtime.db.writing() as session:
            service.keep(session, found, versions=signed, notify_from=0.5, now=runtime.clock())
        signing_anew.rollback()
    assert matches(runtime) == {}
    with runtime.db.writing() as session:
        service.keep(session, found, versions=signed, notify_from=0.5, now=runtime.clock())
    assert {*matches(runtime)} == {(demand, offer)}


@on_postgresql
def test_commits_that_land_out_of_order_lose_no_job(runtime: Runtime, clock: SettableClock) -> None:
    def claim() -> list[str]:
        with runtime.db.writing() as session:
            claimed = outbox.claim(session, Queue(JobName.NOTIFY), now=clock(), lease_seconds=60, limit=10)
        return [job.key for job in claimed]

    with runtime.db.writing() as slow:
        outbox.enqueue(slow, JobName.NOTIFY, ["first"], now=clock())
        clock.advance(seconds=1)
        with runtime.db.writing() as quick:
            outbox.enqueue(quick, JobName.NOTIFY, ["second"], now=clock())
        assert claim() == ["second"]
    assert claim() == ["first"]


@on_postgresql
def test_claims_at_the_same_moment_take_other_jobs_and_do_not_wait(runtime: Runtime, clock: SettableClock) -> None:
    with runtime.db.writing() as session:
        outbox.enqueue(session, JobName.NOTIFY, ["a", "b", "c", "d"], now=clock())
    taken = []
    with runtime.db.writing() as one, runtime.db.writing() as other:
        for session in (one, other):
            claimed = outbox.claim(session, Queue(JobName.NOTIFY), now=clock(), lease_seconds=60, limit=2)
            taken.append({job.key for job in claimed})
    assert taken == [{"a", "b"}, {"c", "d"}]


@on_postgresql
@pytest.mark.parametrize("lapsed", [False, True])
def test_a_job_put_back_while_its_like_is_being_enqueued_yields_to_it(
    runtime: Runtime, clock: SettableClock, *, lapsed: bool
) -> None:
    with runtime.db.writing() as session:
        outbox.enqueue(session, JobName.NOTIFY, ["a"], now=clock())
    with runtime.db.writing() as session:
        [job] = outbox.claim(session, Queue(JobName.NOTIFY), now=clock(), lease_seconds=60, limit=1)
    clock.advance(seconds=90)

    def put_back() -> None:
        with runtime.db.writing() as session:
            if lapsed:
                outbox.claim(session, Queue(JobName.MATCH), now=clock(), lease_seconds=60, limit=1)
            else:
                outbox.retry(session, job, at=clock() + timedelta(hours=1), error="it failed")

    with ThreadPoolExecutor(1) as pool:
        with runtime.db.writing() as session:
            outbox.enqueue(session, JobName.NOTIFY, ["a"], now=clock())
            waiting = pool.submit(put_back)
            assert not waiting.done()
        waiting.result(10)
    assert [(job.key, job.state, job.error) for job in jobs(runtime)] == [("a", "queued", "")]


def test_hosts_that_migrate_at_once_do_it_once(tmp_path: Path, server: str) -> None:
    folder = databases.empty(tmp_path / "new", server)
    opened = [Database(databases.url_of(folder)) for _ in range(8)]
    at_once([lambda db=db: migrate(db) for db in opened])
    assert differences(opened[0]) == []
    for db in opened:
        db.close()
    databases.drop(folder)
