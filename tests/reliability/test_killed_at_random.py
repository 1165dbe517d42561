"""Workers killed at random under load: nothing committed is lost, nothing is told twice. Prints its figures."""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlmodel import select

from market import outbox
from market.models import LISTINGS, Outcome
from market.outbox import JobName
from market.runtime import Runtime
from tests.factories import add_organisation, add_person
from tests.reliability.conftest import Installation, Nursery, assert_sound, runs, stock
from tests.services.stock import act, change, jobs, matches, publish, remove, stored

SECONDS = 40
KILLS = 40
WORKER = {"job_lease_seconds": 0.5, "job_batch": 20}
# A topic's words tell nothing once most listings hold them: few are on the topic, most are not.
ON_TOPIC = 36
WORDS = ("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "theta", "iota", "kappa")


class Load:
    """What users do all the while: post, change, close and delete, each in a transaction of its own."""

    def __init__(self, runtime: Runtime, seed: int) -> None:
        self.runtime = runtime
        self.organisation = add_organisation(runtime)
        self.chance = random.Random(seed)
        self.fitting: list[tuple[str, uuid.UUID]] = []
        self.done = 0

    def run(self, stop: threading.Event) -> None:
        """Until told to stop."""
        while not stop.is_set():
            self.chance.choice((self._post_other, self._post_fitting, self._change, self._close, self._delete))()
            self.done += 1
            stop.wait(0.02)

    def _member(self) -> uuid.UUID:
        organisation = add_organisation(self.runtime)
        add_person(self.runtime, organisation, language=self.chance.choice(("zh", "en")))
        return organisation

    def _post_other(self) -> None:
        text = " ".join(self.chance.choices(WORDS, k=5))
        with self.runtime.db.writing() as session:
            row = Outcome(
                organisation_id=self.organisation, title_en=text, state="published", published_at=self.runtime.clock()
            )
            session.add(row)
            outbox.enqueue(session, JobName.INDEX, [f"outcome:{row.id}"], now=self.runtime.clock())

    def _post_fitting(self) -> None:
        if len(self.fitting) < ON_TOPIC:
            noun = self.chance.choice((*LISTINGS,))
            self.fitting.append((noun, publish(self.runtime, noun, self._member())))

    def _change(self) -> None:
        if self.fitting:
            noun, identity = self.chance.choice(self.fitting)
            change(self.runtime, noun, identity, keywords=["防腐涂层", str(self.done)])

    def _close(self) -> None:
        if len(self.fitting) > 20 and self.chance.random() < 0.2:
            noun, identity = self.fitting.pop(self.chance.randrange(len(self.fitting)))
            act(self.runtime, noun, identity, "close")

    def _delete(self) -> None:
        if len(self.fitting) > 20 and self.chance.random() < 0.2:
            noun, identity = self.fitting.pop(self.chance.randrange(len(self.fitting)))
            remove(self.runtime, noun, identity)


@contextmanager
def under_load(installation: Installation, seed: int) -> Iterator[Load]:
    """Users at work in a thread of this process, as the web process would have them."""
    with installation.opened(writes_index=False) as runtime:
        load = Load(runtime, seed)
        stop = threading.Event()
        thread = threading.Thread(target=load.run, args=(stop,))
        thread.start()
        yield load
        stop.set()
        thread.join(20)


@pytest.mark.long
def test_workers_killed_at_random_under_load_lose_nothing_and_tell_nobody_twice(
    nursery: Nursery, installation: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    seed = 20211
    chance = random.Random(seed)
    with installation.opened() as runtime:
        stock(runtime, demands=2, outcomes=2, experts=2)
    kills, until = 0, time.monotonic() + SECONDS
    with under_load(installation, seed) as load:
        while kills < KILLS and time.monotonic() < until:
            pid = nursery.start(installation, settings=WORKER)
            time.sleep(chance.uniform(0.1, 1.2))
            assert runs(pid), "a worker ended by itself"
            nursery.end(pid)
            kills += 1
    with installation.recovered() as runtime:
        assert [(job.name, job.key, job.attempts, job.error) for job in jobs(runtime, "dead")] == []
        assert_sound(runtime)
        assert_matches_are_of_what_is_open(runtime)
        listings = sum(len(part) for part in stored(runtime).values())
        held = len(matches(runtime))
    assert kills >= 15
    assert held > 0
    with capsys.disabled():
        print(f"\n{kills} kills, {load.done} writes, {listings} listings, {held} matches: nothing lost or doubled")


def assert_matches_are_of_what_is_open(runtime: Runtime) -> None:
    """No match holds whose listings are not both open."""
    with runtime.db.reading() as session:
        rows = [row for model in LISTINGS.values() for row in session.exec(select(model))]
    open_ids = {row.id for row in rows if row.matchable}
    assert all(set(pair) <= open_ids for pair in matches(runtime))
