"""A match does not depend on which of the two listings was there first."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from itertools import permutations
from pathlib import Path

import pytest

from market import outbox
from market.runtime import Runtime
from market.worker.runner import drain as run_all_jobs
from tests.factories import SettableClock, add_organisation, opened
from tests.services.exchange import Exchange
from tests.services.stock import matches, publish

pytestmark = pytest.mark.long

OFFER_KINDS = ("outcome", "expert")


def test_demands_last_and_demands_first_give_the_same_matches(
    demands_last: Exchange, demands_first: Exchange
) -> None:
    assert demands_last.scores == demands_first.scores


@pytest.mark.parametrize("order", [*permutations(("demand", "outcome", "expert"))], ids="-".join)
def test_three_listings_are_matched_alike_in_every_order_of_arrival(
    runtime: Runtime, drain: Callable[[], int], order: Sequence[str]
) -> None:
    ids = {}
    for noun in order:
        ids[noun] = publish(runtime, noun, add_organisation(runtime))
        drain()
    assert {*matches(runtime)} == {(ids["demand"], ids[kind]) for kind in OFFER_KINDS}


@pytest.mark.parametrize("kind", OFFER_KINDS)
def test_the_last_side_to_arrive_changes_neither_score_nor_reasons(
    tmp_path: Path, template: Path, clock: SettableClock, kind: str
) -> None:
    found = []
    for number, order in enumerate((("demand", kind), (kind, "demand"))):
        with opened(tmp_path / str(number), template, clock) as runtime:
            organisations = {noun: add_organisation(runtime) for noun in order}
            for noun in order:
                publish(runtime, noun, organisations[noun])
                run_all_jobs(runtime)
            found.append([(match.demand_score, match.demand_parts) for match in matches(runtime).values()])
    assert len(found[0]) == 1
    assert found[0] == found[1]


@pytest.fixture
def narrow(tmp_path: Path, template: Path, clock: SettableClock) -> Iterator[Runtime]:
    """An exchange whose search engine brings up one candidate only, as if there were very many."""
    with opened(tmp_path / "narrow", template, clock, match_candidates=1) as built:
        yield built


def crowd(runtime: Runtime, order: Sequence[str]) -> set[tuple[uuid.UUID, uuid.UUID]]:
    """An outcome and two demands that it fits; the outcome's own search brings up only one of them."""
    pairs: dict[str, list[uuid.UUID]] = {"outcome": [], "demand": []}
    for noun in order:
        pairs[noun].append(publish(runtime, noun, add_organisation(runtime)))
    return {(demand, outcome) for demand in pairs["demand"] for outcome in pairs["outcome"]}


@pytest.mark.parametrize("order", [("demand", "demand", "outcome"), ("outcome", "demand", "demand")])
def test_a_match_that_only_one_side_finds_holds_when_both_sides_run_in_one_batch(
    narrow: Runtime, order: Sequence[str]
) -> None:
    expected = crowd(narrow, order)
    run_all_jobs(narrow)
    assert {*matches(narrow)} == expected


@pytest.mark.parametrize("order", [("demand", "demand", "outcome"), ("outcome", "demand", "demand")])
def test_a_match_that_only_one_side_finds_holds_when_the_other_side_runs_again(
    narrow: Runtime, order: Sequence[str]
) -> None:
    expected = crowd(narrow, order)
    run_all_jobs(narrow)
    with narrow.db.writing() as session:
        keys = [f"outcome:{outcome}" for _, outcome in expected]
        outbox.enqueue(session, outbox.JobName.MATCH, keys, now=narrow.clock())
    run_all_jobs(narrow)
    assert {*matches(narrow)} == expected


def test_where_every_listing_is_about_one_topic_all_that_fits_is_matched(
    runtime: Runtime, drain: Callable[[], int]
) -> None:
    ids: dict[str, list[uuid.UUID]] = {}
    for noun in ("demand", "outcome", "expert"):
        ids[noun] = [publish(runtime, noun, add_organisation(runtime)) for _ in range(4)]
    drain()
    offers = [*ids["outcome"], *ids["expert"]]
    assert {*matches(runtime)} == {(demand, offer) for demand in ids["demand"] for offer in offers}
