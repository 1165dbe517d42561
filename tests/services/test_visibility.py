"""The table of rights, the SQL made of it and the tags of the index let the same callers see the same listings."""

from __future__ import annotations

from sqlmodel import select

from market.models import Organisation, Outcome, User
from market.models.base import new_id
from market.runtime import Runtime
from market.services.rights.access import SYSTEM, VISITOR, Principal, may, reader_tags, readers_of, visible_to
from market.services.search import searching
from market.vocabulary import vocabulary
from search.engine import AnyOf

STATES = vocabulary("listing_states").codes


def test_table_sql_and_tags_agree_on_who_sees_what_in_every_state(runtime: Runtime) -> None:
    now = runtime.clock()
    with runtime.db.writing() as session:
        homes = [Organisation(name_zh=name) for name in ("津门大学", "燕山公司")]
        people = [User(email=f"{new_id()}@people.example", name=name) for name in ("甲", "乙")]
        session.add_all([*homes, *people])
        session.flush()
        listings = [
            Outcome(title_zh="涂层", state=state, published_at=now, organisation_id=home.id, owner_id=owner.id)
            for state in STATES
            for home in homes
            for owner in people
        ]
        session.add_all(listings)
        session.flush()
        me, home = people[0].id, homes[0].id
        members = [Principal(me, memberships=frozenset({(home, role)})) for role in vocabulary("roles").codes]
        staff = [Principal(me, roles=frozenset({role})) for role in vocabulary("roles").codes]
        broker = Principal(new_id(), frozenset({"broker"}), cases=frozenset(one.id for one in listings[::3]))
        for caller in (VISITOR, SYSTEM, Principal(new_id()), Principal(me), broker, *members, *staff):
            expected = {one.id for one in listings if may(caller, "listing.read", one)}
            assert {*session.exec(select(Outcome.id).where(visible_to(Outcome, caller)))} == expected, caller
            tagged = {one.id for one in listings if {*reader_tags(caller)} & {*readers_of(one)}}
            assert tagged == expected - (caller.cases - tagged), caller
            assert {one.id for one in listings if one.published} <= expected  # what a visitor sees, all do
        session.rollback()


def test_a_search_of_what_is_published_asks_every_caller_for_one_tag_and_others_for_all_they_have() -> None:
    member = Principal(new_id(), memberships=frozenset({(new_id(), "member")}))
    for asked in ({}, {"state": ["published"]}):
        assert searching.query_of(member, "outcome", asked, limit=1).filters == (AnyOf("readers", ("public",)),)
    for states in (["draft"], ["published", "draft"]):
        for caller in (member, VISITOR):
            filters = searching.query_of(caller, "outcome", {"state": states}, limit=1).filters
            assert filters == (AnyOf("state", tuple(states)), AnyOf("readers", reader_tags(caller)))
