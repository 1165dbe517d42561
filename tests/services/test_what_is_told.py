"""Which events people hear of: better matches, interest on either side, both sides, and demands that soon close."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest

from market.models import Match, Notification
from market.outbox import JobName, enqueue
from market.runtime import Runtime
from market.services.listings import expiry
from market.services.matching import matches as service
from tests.factories import Person, SettableClock, add_organisation, add_person
from tests.services.mailbox import principal
from tests.services.stock import act, inbox, matches, publish

Drain = Callable[[], int]


@dataclass
class Sides:
    """A demand with its person, an outcome with its person, a broker of either organisation, and their match."""

    seeker: Person
    provider: Person
    brokers: tuple[Person, Person]
    demand: uuid.UUID
    outcome: uuid.UUID
    match: uuid.UUID


@pytest.fixture
def sides(runtime: Runtime, drain: Drain, clock: SettableClock) -> Sides:
    seeker, provider = (add_person(runtime, add_organisation(runtime)) for _ in range(2))
    brokers = tuple(add_person(runtime, one.organisation_id, roles=("broker",)) for one in (seeker, provider))
    assert seeker.organisation_id
    assert provider.organisation_id
    closes = (clock() + timedelta(days=30)).date()
    demand = publish(runtime, "demand", seeker.organisation_id, deadline=closes)
    outcome = publish(runtime, "outcome", provider.organisation_id)
    drain()
    match = matches(runtime)[demand, outcome].id
    return Sides(seeker, provider, brokers, demand, outcome, match)


def say(runtime: Runtime, person: Person, match: uuid.UUID, action: str) -> None:
    with runtime.db.writing() as session:
        service.act(session, principal(person), match, action, now=runtime.clock())


def told(runtime: Runtime, kind: str) -> set[uuid.UUID]:
    rows: list[Notification] = inbox(runtime, kind)
    assert len({row.recipient_id for row in rows}) == len(rows)
    return {row.recipient_id for row in rows}


def rescored(runtime: Runtime, match: uuid.UUID, *, told_at: float, now_at: float) -> None:
    """As if people had been told of another score, and the match had one now; then it is looked at again."""
    with runtime.db.writing() as session:
        row = session.get_one(Match, match)
        row.demand_told = row.offer_told = told_at
        row.demand_score = row.offer_score = now_at
        session.add(row)
        enqueue(session, JobName.NOTIFY, [str(match)], now=runtime.clock())


def test_a_match_that_is_much_better_than_when_it_was_told_is_told_again(
    runtime: Runtime, drain: Drain, sides: Sides
) -> None:
    rescored(runtime, sides.match, told_at=0.6, now_at=0.75)
    drain()
    assert told(runtime, "match_improved") == {sides.seeker.id, sides.provider.id}
    [row] = [row for row in inbox(runtime, "match_improved") if row.recipient_id == sides.seeker.id]
    assert "60%" in row.body
    assert "75%" in row.body


def test_a_match_that_is_a_little_better_is_nobodys_news(runtime: Runtime, drain: Drain, sides: Sides) -> None:
    rescored(runtime, sides.match, told_at=0.6, now_at=0.69)
    drain()
    assert told(runtime, "match_improved") == set()


def test_the_same_improvement_is_told_once(runtime: Runtime, drain: Drain, sides: Sides) -> None:
    for _ in range(2):
        rescored(runtime, sides.match, told_at=0.6, now_at=0.75)
        drain()
    assert len(inbox(runtime, "match_improved")) == 2


def test_the_other_side_hears_of_interest_and_this_one_does_not(runtime: Runtime, sides: Sides) -> None:
    say(runtime, sides.seeker, sides.match, "interest")
    assert told(runtime, "counterpart_interested") == {sides.provider.id}


def test_interest_on_both_sides_tells_both_and_brings_in_the_brokers(runtime: Runtime, sides: Sides) -> None:
    say(runtime, sides.seeker, sides.match, "interest")
    say(runtime, sides.provider, sides.match, "interest")
    everybody = {sides.seeker.id, sides.provider.id, *(broker.id for broker in sides.brokers)}
    assert told(runtime, "mutual_interest") == everybody


def test_each_hears_of_mutual_interest_about_their_own_listing(runtime: Runtime, sides: Sides) -> None:
    say(runtime, sides.provider, sides.match, "interest")
    say(runtime, sides.seeker, sides.match, "interest")
    about = {row.recipient_id: row.listing_id for row in inbox(runtime, "mutual_interest")}
    assert about[sides.seeker.id] == about[sides.brokers[0].id] == sides.demand
    assert about[sides.provider.id] == about[sides.brokers[1].id] == sides.outcome


def test_seeing_and_dismissing_are_told_to_nobody(runtime: Runtime, sides: Sides) -> None:
    say(runtime, sides.seeker, sides.match, "see")
    say(runtime, sides.seeker, sides.match, "dismiss")
    assert told(runtime, "counterpart_interested") == set()


def remind(runtime: Runtime) -> int:
    with runtime.db.writing() as session:
        return expiry.remind(session, now=runtime.clock(), days=7)


def test_who_matches_a_demand_hears_that_it_soon_closes_once(
    runtime: Runtime, clock: SettableClock, sides: Sides
) -> None:
    clock.advance(days=22)
    assert remind(runtime) == 0
    clock.advance(days=1)
    assert [remind(runtime), remind(runtime)] == [1, 0]
    assert told(runtime, "deadline_near") == {sides.provider.id}


@pytest.mark.parametrize("action", ["interest", "dismiss"])
def test_who_has_answered_is_not_reminded(runtime: Runtime, clock: SettableClock, sides: Sides, action: str) -> None:
    say(runtime, sides.provider, sides.match, action)
    clock.advance(days=25)
    assert remind(runtime) == 0


def test_of_a_demand_that_is_not_open_any_more_nobody_is_reminded(
    runtime: Runtime, clock: SettableClock, sides: Sides
) -> None:
    act(runtime, "demand", sides.demand, "withdraw")
    clock.advance(days=25)
    assert remind(runtime) == 0
