"""Undoing imports: all is again as it was, but for what somebody has changed since."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlmodel import select

from market.errors import Conflict
from market.models import AuditEntry, Claim, ImportFault, Organisation, Outcome, Review, User
from market.runtime import Runtime
from market.services.files import importing, undoing
from market.services.files.readings import BATCH
from market.services.listings import listings
from market.services.moderation import merging
from market.services.people import organisations
from market.services.rights.access import SYSTEM
from tests.factories import Person, add_member
from tests.services.files import ask, begin, everything, imported, notes, read, row, rows_of, undone, work
from tests.services.stock import act, change, keys_of, remove, stored


@pytest.fixture
def member(runtime: Runtime) -> Person:
    """A member of a trusted organisation."""
    return add_member(runtime)


def test_what_was_made_goes_and_what_was_changed_is_what_it_was(runtime: Runtime, member: Person) -> None:
    imported(runtime, member, [row("outcome", "old"), row("outcome", "same")])
    before = everything(runtime)
    done = imported(runtime, member, [row("outcome", "old", trl=1), row("outcome", "same"), row("outcome", "new")])
    back = undone(runtime, member, done.id)
    assert back.state == "undone"
    assert everything(runtime) == before
    assert sorted(stored(runtime)["outcome"].values()) == [1, 3]
    assert len(keys_of(runtime, "index")) == 3


def test_what_somebody_has_changed_since_is_left_and_told_by_line(runtime: Runtime, member: Person) -> None:
    done = imported(runtime, member, [row("outcome", f"k{number}") for number in range(3)])
    touched = rows_of(runtime, done.id)[1].listing_id
    change(runtime, "outcome", touched, trl=2)
    undone(runtime, member, done.id)
    assert {key for _, key in everything(runtime)} == {"k1"}
    assert notes(runtime, done.id) == [2]
    assert [(one.undone, one.kept) for one in rows_of(runtime, done.id)] == [
        (True, False), (False, True), (True, False)
    ]  # fmt: skip


def test_what_is_gone_already_is_no_hindrance(runtime: Runtime, member: Person) -> None:
    done = imported(runtime, member, [row("outcome", "a"), row("outcome", "b")])
    remove(runtime, "outcome", rows_of(runtime, done.id)[0].listing_id)
    assert undone(runtime, member, done.id).state == "undone"
    assert everything(runtime) == {}


def test_undoing_twice_is_harmless_and_undoing_what_is_undone_is_refused(runtime: Runtime, member: Person) -> None:
    done = imported(runtime, member, [row("outcome", "a")])
    ask(runtime, member, undoing.begin, done.id)
    ask(runtime, member, undoing.begin, done.id)
    work(runtime)
    with pytest.raises(Conflict):
        ask(runtime, member, undoing.begin, done.id)


def test_neither_a_running_import_nor_a_dry_run_is_undone(runtime: Runtime, member: Person) -> None:
    trial = imported(runtime, member, [row("outcome", "b")], dry_run=True).id
    for identity in (trial, begin(runtime, member, [row("outcome", "a")])):
        with pytest.raises(Conflict):
            ask(runtime, member, undoing.begin, identity)


def test_of_two_imports_the_later_one_is_undone_first(runtime: Runtime, member: Person) -> None:
    first = imported(runtime, member, [row("outcome", "a", trl=1)])
    second = imported(runtime, member, [row("outcome", "a", trl=2)])
    undone(runtime, member, first.id)
    assert everything(runtime)["outcome", "a"]["trl"] == 2
    undone(runtime, member, second.id)
    assert everything(runtime)["outcome", "a"]["trl"] == 1


@pytest.mark.parametrize(
    ("before", "then", "left"),
    [
        ({}, {"price": "verified"}, {"price": "verified"}),
        ({"price": "agreement"}, {"price": "registered"}, {"price": "agreement"}),
        ({"keywords": "verified"}, {"price": "verified"}, {"keywords": "verified", "price": "verified"}),
        ({"contact": "registered"}, {"contact": "agreement"}, {"contact": "agreement"}),
    ],
)
def test_undoing_opens_nothing(
    runtime: Runtime, member: Person, before: dict[str, str], then: dict[str, str], left: dict[str, str]
) -> None:
    imported(runtime, member, [row("outcome", "a", trl=2, tiers=before)])
    opened: dict[str, Any] = dict.fromkeys(before.keys() - then.keys())
    done = imported(runtime, member, [row("outcome", "a", trl=1, tiers={**opened, **then})])
    undone(runtime, member, done.id)
    shown = everything(runtime)["outcome", "a"]
    assert (shown["trl"], shown["tiers"]) == (2, left)


def test_a_demand_that_was_masked_by_a_file_stays_so(runtime: Runtime, member: Person) -> None:
    imported(runtime, member, [row("demand", "a")], "demand")
    done = imported(runtime, member, [row("demand", "a", organisation_masked=True)], "demand")
    undone(runtime, member, done.id)
    shown = everything(runtime)["demand", "a"]
    assert (shown["tiers"], shown["organisation_masked"]) == ({"organisation": "agreement"}, True)


def test_undoing_publishes_nothing_of_a_closed_house(runtime: Runtime) -> None:
    newcomer = add_member(runtime, trusted=False)
    first = imported(runtime, newcomer, [row("outcome", "a", trl=1)])
    [identity] = [one.listing_id for one in rows_of(runtime, first.id)]
    act(runtime, "outcome", identity, "approve")
    done = imported(runtime, newcomer, [row("outcome", "a", trl=2)])
    assert everything(runtime)["outcome", "a"]["state"] == "submitted"
    assert newcomer.organisation_id is not None
    with runtime.db.writing() as session:
        organisations.deactivate(session, SYSTEM, newcomer.organisation_id, now=runtime.clock())
    undone(runtime, None, done.id)
    shown = everything(runtime)["outcome", "a"]
    assert (shown["trl"], shown["state"]) == (1, "suspended")


def test_a_large_import_is_undone_batch_by_batch(runtime: Runtime, member: Person) -> None:
    done = imported(runtime, member, [row("outcome", f"k{number}") for number in range(BATCH + 20)])
    ask(runtime, member, undoing.begin, done.id)
    work(runtime, steps=1)
    assert (read(runtime, done.id).state, len(stored(runtime)["outcome"])) == ("undoing", 20)
    work(runtime)
    assert (read(runtime, done.id).state, stored(runtime)["outcome"]) == ("undone", {})


def test_the_reviews_of_what_is_undone_end_with_it(runtime: Runtime) -> None:
    newcomer = add_member(runtime, trusted=False)
    done = imported(runtime, newcomer, [row("outcome", "a")])
    undone(runtime, newcomer, done.id)
    with runtime.db.reading() as session:
        assert session.exec(select(Review)).all() == []


def test_imports_are_undone_one_after_the_other_back_to_the_first(runtime: Runtime, member: Person) -> None:
    first = imported(runtime, member, [row("outcome", "a", trl=1), row("outcome", "b", trl=1)])
    second = imported(runtime, member, [row("outcome", "a", trl=2), row("outcome", "b", trl=2)])
    renamed = rows_of(runtime, first.id)[0].listing_id
    undone(runtime, member, second.id)
    with runtime.db.writing() as session:
        organisation = session.get_one(Organisation, member.organisation_id)
        listings.touch_all_of(session, organisation, now=runtime.clock())
    act(runtime, "outcome", renamed, "withdraw")
    undone(runtime, member, first.id)
    assert {key for _, key in everything(runtime)} == {"a"}
    assert notes(runtime, first.id) == [1]


def test_who_cancels_and_undoes_at_once_is_who_has_done_it(runtime: Runtime, member: Person) -> None:
    identity = begin(runtime, member, [row("outcome", f"k{number}") for number in range(BATCH + 1)])
    work(runtime, steps=1)
    ask(runtime, member, importing.cancel, identity)
    undone(runtime, member, identity)
    with runtime.db.reading() as session:
        deeds = session.exec(select(AuditEntry).where(AuditEntry.action == "delete")).all()
    assert len(deeds) == BATCH
    assert {one.actor_id for one in deeds} == {member.id}


def test_an_undoing_ends_with_the_rights_of_whoever_asked_and_may_be_asked_for_again(
    runtime: Runtime, member: Person
) -> None:
    done = imported(runtime, member, [row("outcome", f"k{number}") for number in range(BATCH + 1)])
    ask(runtime, member, undoing.begin, done.id)
    work(runtime, steps=1)
    with runtime.db.writing() as session:
        session.get_one(User, member.id).active = False
    work(runtime)
    ended = read(runtime, done.id)
    assert (ended.state, ended.why, len(stored(runtime)["outcome"])) == ("failed", "rights-ended", 1)
    assert undone(runtime, None, done.id).state == "undone"
    assert stored(runtime)["outcome"] == {}


def test_what_is_claimed_is_left_until_that_is_decided(runtime: Runtime, member: Person) -> None:
    done = imported(runtime, member, [row("expert", "a"), row("expert", "b")], "expert")
    claimed = rows_of(runtime, done.id)[0].listing_id
    with runtime.db.writing() as session:
        session.add(claim_of(claimed, member))
    undone(runtime, member, done.id)
    assert {key for _, key in everything(runtime)} == {"a"}
    assert notes(runtime, done.id) == [1]


def claim_of(listing_id: uuid.UUID, claimant: Person) -> Claim:
    """An open claim to it."""
    return Claim(noun="expert", listing_id=listing_id, claimant_id=claimant.id, evidence="mail_domain")


KEYS = st.sampled_from(["a", "b", "c", "d"])
CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "trl": st.integers(1, 4),
        "price": st.none() | st.integers(0, 3),
        "keywords": st.lists(st.sampled_from(["一", "二", "三"]), unique=True),
        "valid_until": st.sampled_from([None, "2030-01-01"]),
        "title_en": st.sampled_from(["", "One", "Two"]),
    },
)
ROWS = st.lists(st.tuples(KEYS, CHANGES), min_size=1, max_size=4, unique_by=lambda one: one[0])
PEOPLE = st.lists(
    st.lists(
        st.fixed_dictionaries({"title": st.sampled_from(["一", "二"]), "year": st.integers(2000, 2001)}), max_size=3
    ),
    min_size=1,
    max_size=3,
)
SLOW = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@pytest.mark.long
@hypothesis_settings(max_examples=25, suppress_health_check=SLOW)
@given(before=ROWS, then=ROWS, trusted=st.booleans())
def test_an_import_that_is_undone_leaves_everything_as_it_was(
    runtime: Runtime, before: list[tuple[str, Any]], then: list[tuple[str, Any]], trusted: bool
) -> None:
    member = add_member(runtime, trusted=trusted)
    imported(runtime, member, [row("outcome", key, **changes) for key, changes in before])
    was = everything(runtime)
    done = imported(runtime, member, [row("outcome", key, **changes) for key, changes in then])
    undone(runtime, member, done.id)
    assert everything(runtime) == was
    assert notes(runtime, done.id) == []
    assert_reviews_fit(runtime)
    clear(runtime)


@hypothesis_settings(max_examples=10, suppress_health_check=SLOW)
@given(before=PEOPLE, then=PEOPLE)
def test_works_of_experts_are_brought_back_too(
    runtime: Runtime, before: list[list[dict[str, Any]]], then: list[list[dict[str, Any]]]
) -> None:
    member = add_member(runtime)
    imported(runtime, member, [row("expert", f"k{n}", works=works) for n, works in enumerate(before)], "expert")
    was = everything(runtime)
    done = imported(runtime, member, [row("expert", f"k{n}", works=works) for n, works in enumerate(then)], "expert")
    undone(runtime, member, done.id)
    assert everything(runtime) == was
    clear(runtime)


def assert_reviews_fit(runtime: Runtime) -> None:
    """Of a listing one is open exactly while it is submitted."""
    with runtime.db.reading() as session:
        open_reviews = sorted(session.exec(select(Review.listing_id).where(Review.decision == "")))
        table = "SELECT count(*) FROM outcomes WHERE state = 'submitted'"
        assert len(open_reviews) == session.connection().exec_driver_sql(table).scalar()


def clear(runtime: Runtime) -> None:
    """For the next example."""
    with runtime.db.writing() as session:
        for table in ("works", "reviews", "outcomes", "experts"):
            session.connection().exec_driver_sql(f"DELETE FROM {table}")


def test_what_others_were_merged_into_since_is_left_and_told(runtime: Runtime, member: Person) -> None:
    theirs = imported(runtime, add_member(runtime), [row("outcome", "loser")])
    done = imported(runtime, member, [row("outcome", "winner"), row("outcome", "other")])
    (loser,), (winner, _) = rows_of(runtime, theirs.id), rows_of(runtime, done.id)
    with runtime.db.writing() as session:
        merging.merge(
            session, SYSTEM, Outcome, loser.listing_id, winner.listing_id,
            version=None, force=False, now=runtime.clock(),
        )  # fmt: skip
    assert undone(runtime, member, done.id).state == "undone"
    assert {key for _, key in everything(runtime)} == {"loser", "winner"}
    assert notes(runtime, done.id) == [1]
    with runtime.db.reading() as session:
        assert "merged" in session.exec(select(ImportFault.en).where(ImportFault.import_id == done.id)).one()
