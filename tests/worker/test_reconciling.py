"""Reconcile finds whatever differs between index and database, for whatever reason, and has it mended."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from market import outbox
from market.models import LISTINGS
from market.outbox import JobName
from market.runtime import Runtime
from market.services.search import indexing
from market.worker import runner
from tests.factories import SettableClock, add_organisation
from tests.services.stock import act, inbox, indexed, keys_of, matches, publish, stored

pytestmark = pytest.mark.long

Drain = Callable[[], int]


@pytest.fixture
def stocked(runtime: Runtime, drain: Drain) -> Runtime:
    """Two of each kind, indexed and matched."""
    for noun in LISTINGS:
        for _ in range(2):
            publish(runtime, noun, add_organisation(runtime))
    drain()
    return runtime


def reconcile(runtime: Runtime) -> list[str]:
    """Have it run, and say what it found to differ."""
    with runtime.db.writing() as session:
        outbox.enqueue(session, JobName.RECONCILE, ["now"], now=runtime.clock())
    while keys_of(runtime, "reconcile"):
        runner.run_once(runtime)
    differing = keys_of(runtime, "index")
    runner.drain(runtime)
    return differing


def some(runtime: Runtime, noun: str) -> str:
    return min(stored(runtime)[noun])


def test_where_all_is_equal_nothing_is_done(stocked: Runtime) -> None:
    assert reconcile(stocked) == []


def test_a_wiped_index_is_filled_again(stocked: Runtime, clock: SettableClock) -> None:
    for folder in Path(stocked.settings.data).glob("search/*-*"):
        shutil.rmtree(folder)
    # The first write makes the index anew; until then nothing can be compared, and nothing is lost by waiting.
    publish(stocked, "outcome", add_organisation(stocked))
    for _ in range(20):
        runner.drain(stocked)
        clock.advance(minutes=10)
    assert indexed(stocked) == stored(stocked)


@pytest.mark.parametrize("noun", [*LISTINGS])
def test_a_missing_entry_is_put_back(stocked: Runtime, noun: str) -> None:
    missing = some(stocked, noun)
    stocked.engine.delete(f"{noun}s", [missing])
    assert reconcile(stocked) == [f"{noun}:{missing}"]
    assert indexed(stocked) == stored(stocked)


@pytest.mark.parametrize("noun", [*LISTINGS])
def test_an_outdated_entry_is_renewed(stocked: Runtime, noun: str) -> None:
    outdated = some(stocked, noun)
    stocked.engine.put(f"{noun}s", [{"id": outdated, "version": 99, "state": "published", "readers": ["public"]}])
    assert reconcile(stocked) == [f"{noun}:{outdated}"]
    assert indexed(stocked) == stored(stocked)


@pytest.mark.parametrize("noun", [*LISTINGS])
@pytest.mark.parametrize("orphan", ["00000000-0000-7000-8000-000000000000", "ffffffff-ffff-7fff-8fff-ffffffffffff"])
def test_an_entry_of_nothing_is_removed(stocked: Runtime, noun: str, orphan: str) -> None:
    stocked.engine.put(f"{noun}s", [{"id": orphan, "version": 1, "state": "published", "readers": ["public"]}])
    assert reconcile(stocked) == [f"{noun}:{orphan}"]
    assert indexed(stocked) == stored(stocked)


def test_every_difference_at_once_is_found(stocked: Runtime) -> None:
    first, second = sorted(stored(stocked)["outcome"])
    stocked.engine.delete("outcomes", [first])
    stocked.engine.put("outcomes", [{"id": second, "version": 7}, {"id": second[:-1] + "x", "version": 1}])
    differing = {one.id for one in indexing_differences(stocked)}
    assert differing == {first, second, second[:-1] + "x"}


def indexing_differences(runtime: Runtime) -> list[str]:
    with runtime.db.reading() as session:
        return [*indexing.differences(session, runtime.engine, "outcome")]


def test_nothing_differs_among_many_listings_that_came_in_one_moment(runtime: Runtime, drain: Drain) -> None:
    # Their ids begin alike, and lie in the index in several pieces.
    organisation = add_organisation(runtime)
    for _ in range(5):
        for _ in range(30):
            publish(runtime, "outcome", organisation, title_zh="x", summary_zh="", summary_en="", keywords=[])
        drain()
    assert indexing_differences(runtime) == []


def test_mending_tells_nobody_again(stocked: Runtime) -> None:
    before, told = matches(stocked).keys(), inbox(stocked)
    for noun in LISTINGS:
        stocked.engine.delete(f"{noun}s", [some(stocked, noun)])
    reconcile(stocked)
    assert matches(stocked).keys() == before
    assert inbox(stocked) == told


def test_what_is_changed_meanwhile_is_not_lost(stocked: Runtime, drain: Drain) -> None:
    identity = next(iter(matches(stocked)))[0]
    stocked.engine.delete("demands", [str(identity)])
    act(stocked, "demand", identity, "negotiate")
    reconcile(stocked)
    drain()
    assert indexed(stocked) == stored(stocked)
    assert not any(demand == identity for demand, _ in matches(stocked))
