"""Who is told of a match: both sides, each once and in their own language; dismissed pairs stay quiet."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from sqlmodel import select

from market import outbox
from market.models import LISTINGS, Match
from market.outbox import JobName
from market.runtime import Runtime
from market.services.matching import matches as service
from tests.factories import Person, SettableClock, add_organisation, add_person, member_of
from tests.services.stock import act, change, inbox, matches, publish

Drain = Callable[[], int]


@dataclass
class Sides:
    """A demand with its person, an outcome with its person, and their match."""

    seeker: Person
    provider: Person
    demand: uuid.UUID
    outcome: uuid.UUID
    match: uuid.UUID


@pytest.fixture
def sides(runtime: Runtime, drain: Drain) -> Sides:
    """A Chinese-speaking company whose demand fits what an English-speaking laboratory has."""
    seeker = add_person(runtime, add_organisation(runtime), language="zh")
    provider = add_person(runtime, add_organisation(runtime), language="en")
    assert seeker.organisation_id
    assert provider.organisation_id
    demand = publish(runtime, "demand", seeker.organisation_id)
    outcome = publish(runtime, "outcome", provider.organisation_id)
    drain()
    return Sides(seeker, provider, demand, outcome, matches(runtime)[demand, outcome].id)


def told(runtime: Runtime) -> list[tuple[uuid.UUID, uuid.UUID | None]]:
    return sorted((row.recipient_id, row.match_id) for row in inbox(runtime))


def run_all_jobs_again(runtime: Runtime) -> None:
    with runtime.db.writing() as session:
        for noun, model in LISTINGS.items():
            keys = [f"{noun}:{identity}" for identity in session.exec(select(model.id))]
            outbox.enqueue(session, JobName.INDEX, keys, now=runtime.clock())
            outbox.enqueue(session, JobName.MATCH, keys, now=runtime.clock())
        told_of = [str(identity) for identity in session.exec(select(Match.id))]
        outbox.enqueue(session, JobName.NOTIFY, told_of, now=runtime.clock())


def test_both_sides_are_told_each_about_their_own_listing(runtime: Runtime, sides: Sides) -> None:
    assert {(row.recipient_id, row.listing_noun, row.listing_id) for row in inbox(runtime)} == {
        (sides.seeker.id, "demand", sides.demand),
        (sides.provider.id, "outcome", sides.outcome),
    }


def test_each_side_is_told_in_its_own_language(runtime: Runtime, sides: Sides) -> None:
    rows = {row.recipient_id: row for row in inbox(runtime)}
    assert rows[sides.seeker.id].title == "新的匹配：海上风电塔筒长效防腐涂层"
    assert rows[sides.provider.id].title == (
        "A new match: Anti-corrosion coating of tidal-zone steel blisters within two years"
    )
    assert "匹配度" in rows[sides.seeker.id].body
    assert rows[sides.provider.id].body.startswith("Fits your “Long-life anti-corrosion coating")


def test_a_notification_gives_the_score_and_the_reasons(runtime: Runtime, sides: Sides) -> None:
    [match] = matches(runtime).values()
    for row in inbox(runtime):
        assert f"{match.demand_score:.0%}" in row.body
        assert ("防腐" if row.language == "zh" else "both speak of") in row.body.replace("Both", "both")


def test_nobody_is_told_twice_however_often_the_jobs_repeat(runtime: Runtime, drain: Drain, sides: Sides) -> None:
    before = inbox(runtime)
    for _ in range(3):
        run_all_jobs_again(runtime)
        drain()
    assert inbox(runtime) == before


def test_a_better_score_tells_nobody_again(runtime: Runtime, drain: Drain, sides: Sides) -> None:
    before = told(runtime)
    change(runtime, "outcome", sides.outcome, trl=2)
    drain()
    change(runtime, "outcome", sides.outcome, trl=8)
    drain()
    assert told(runtime) == before


def test_a_match_that_comes_back_tells_nobody_again(runtime: Runtime, drain: Drain, sides: Sides) -> None:
    before = told(runtime)
    act(runtime, "outcome", sides.outcome, "suspend")
    drain()
    act(runtime, "outcome", sides.outcome, "restore")
    drain()
    assert matches(runtime)[sides.demand, sides.outcome].active
    assert told(runtime) == before


def dismiss(runtime: Runtime, person: Person, match: uuid.UUID) -> None:
    principal = member_of(person.organisation_id, person.id)
    with runtime.db.writing() as session:
        service.act(session, principal, match, "dismiss", reason="wrong_field", now=runtime.clock())


def test_a_dismissed_pair_stays_quiet_even_if_its_jobs_run_later(
    runtime: Runtime, drain: Drain, sides: Sides
) -> None:
    dismiss(runtime, sides.seeker, sides.match)
    newcomer = add_person(runtime, sides.seeker.organisation_id)
    run_all_jobs_again(runtime)
    drain()
    assert newcomer.id not in {row.recipient_id for row in inbox(runtime)}


def test_a_pair_dismissed_by_the_other_side_stays_quiet_too(runtime: Runtime, drain: Drain, sides: Sides) -> None:
    dismiss(runtime, sides.provider, sides.match)
    newcomer = add_person(runtime, sides.seeker.organisation_id)
    run_all_jobs_again(runtime)
    drain()
    assert newcomer.id not in {row.recipient_id for row in inbox(runtime)}


def test_a_dismissal_is_remembered_when_the_pair_is_scored_anew(runtime: Runtime, drain: Drain, sides: Sides) -> None:
    dismiss(runtime, sides.seeker, sides.match)
    change(runtime, "outcome", sides.outcome, trl=8)
    drain()
    match = matches(runtime)[sides.demand, sides.outcome]
    assert (match.demand_state, match.demand_reason) == ("dismissed", "wrong_field")


def test_whoever_joins_before_the_jobs_repeat_is_told_once(runtime: Runtime, drain: Drain, sides: Sides) -> None:
    newcomer = add_person(runtime, sides.seeker.organisation_id)
    for _ in range(2):
        run_all_jobs_again(runtime)
        with runtime.db.writing() as session:
            outbox.enqueue(session, JobName.NOTIFY, [str(sides.match)], now=runtime.clock())
        drain()
    assert [row.recipient_id for row in inbox(runtime)].count(newcomer.id) == 1


def test_every_member_is_told_where_a_listing_has_no_owner(runtime: Runtime, drain: Drain) -> None:
    organisation = add_organisation(runtime)
    members = {add_person(runtime, organisation).id for _ in range(3)}
    publish(runtime, "demand", organisation)
    publish(runtime, "outcome", add_organisation(runtime))
    drain()
    assert {row.recipient_id for row in inbox(runtime)} == members


def test_only_the_owner_is_told_where_a_listing_has_one(runtime: Runtime, drain: Drain) -> None:
    organisation = add_organisation(runtime)
    owner, _ = add_person(runtime, organisation), add_person(runtime, organisation)
    publish(runtime, "demand", organisation, owner_id=owner.id)
    publish(runtime, "outcome", add_organisation(runtime))
    drain()
    assert [row.recipient_id for row in inbox(runtime)] == [owner.id]


def test_people_who_are_no_longer_active_are_not_told(runtime: Runtime, drain: Drain) -> None:
    organisation = add_organisation(runtime)
    add_person(runtime, organisation, active=False)
    publish(runtime, "demand", organisation)
    publish(runtime, "outcome", add_organisation(runtime))
    drain()
    assert inbox(runtime) == []


def test_a_weak_match_is_kept_without_telling_anybody(runtime: Runtime, drain: Drain) -> None:
    organisation = add_organisation(runtime)
    add_person(runtime, organisation)
    publish(runtime, "demand", organisation)
    poor = {"trl": 1, "price": 90_000_000, "field": "aerospace", "indicators": [], "summary_zh": "", "summary_en": ""}
    poor |= {"cooperation_modes": []}
    publish(runtime, "outcome", add_organisation(runtime), **poor)
    drain()
    [match] = matches(runtime).values()
    settings = runtime.settings
    assert settings.match_threshold <= match.demand_score < settings.notify_threshold
    assert inbox(runtime) == []


def test_a_match_withdrawn_before_its_notification_ran_tells_nobody(
    runtime: Runtime, drain: Drain, sides: Sides
) -> None:
    newcomer = add_person(runtime, sides.provider.organisation_id)
    act(runtime, "demand", sides.demand, "cancel")
    drain()
    with runtime.db.writing() as session:
        outbox.enqueue(session, JobName.NOTIFY, [str(sides.match)], now=runtime.clock())
    drain()
    assert newcomer.id not in {row.recipient_id for row in inbox(runtime)}


def test_a_match_of_a_listing_that_closed_this_moment_tells_nobody(
    runtime: Runtime, drain: Drain, sides: Sides, clock: SettableClock
) -> None:
    newcomer = add_person(runtime, sides.provider.organisation_id)
    with runtime.db.writing() as session:
        outbox.enqueue(session, JobName.NOTIFY, [str(sides.match)], now=clock())
    clock.advance(seconds=1)
    act(runtime, "demand", sides.demand, "cancel")  # its own job comes after the notification
    drain()
    assert newcomer.id not in {row.recipient_id for row in inbox(runtime)}


def test_a_confidential_organisation_is_not_named_to_the_other_side(runtime: Runtime, drain: Drain) -> None:
    masked = add_organisation(runtime, name_zh="海河船业集团", name_en="Haihe Shipyards")
    add_person(runtime, masked)
    publish(runtime, "demand", masked, organisation_masked=True)
    provider = add_person(runtime, add_organisation(runtime))
    publish(runtime, "outcome", provider.organisation_id)  # type: ignore[arg-type]
    drain()
    [row] = [row for row in inbox(runtime) if row.recipient_id == provider.id]
    assert "海河船业" not in row.title + row.body
    assert "Haihe" not in row.title + row.body
