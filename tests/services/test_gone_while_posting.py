"""Whoever leaves, closes their account or is erased beside what they do at that moment: one comes after the other.

Where both go on at once, on PostgreSQL, one waits; and on each database nobody posts as what they were before.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from time import monotonic
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from sqlmodel import Session, col, select

from market.errors import Forbidden
from market.models import Invitation, Membership, Outcome, User
from market.runtime import Runtime
from market.services.listings import listings
from market.services.people import accounts, belonging, erasing, invitations
from market.services.rights.access import SYSTEM, Principal
from market.services.telling import confirming
from market.services.telling.links import Click
from tests.factories import Caller, Person, add_member, add_organisation, add_person, payload
from tests.services.files import begin, row, who, work

on_postgresql = pytest.mark.parametrize("server", ["postgresql"], indirect=True)

Goes = Callable[[Session, Runtime, Person], None]

_WAITING = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


def leaves(session: Session, runtime: Runtime, person: Person) -> None:
    assert person.organisation_id is not None
    belonging.leave(session, Principal(user_id=person.id), person.organisation_id, person.id, now=runtime.clock())


def closes(session: Session, runtime: Runtime, person: Person) -> None:
    accounts.deactivate(session, SYSTEM, session.get_one(User, person.id), now=runtime.clock())


def is_erased(session: Session, runtime: Runtime, person: Person) -> None:
    erasing.erase(session, SYSTEM, session.get_one(User, person.id), now=runtime.clock())


ways = pytest.mark.parametrize("goes", [leaves, closes, is_erased])


@contextmanager
def waiting(runtime: Runtime, call: Callable[[], Any]) -> Iterator[Future[Any]]:
    """The call, in a thread, as soon as it waits for the transaction that is open here."""
    with ThreadPoolExecutor(1) as pool:
        made, until, waits = pool.submit(call), monotonic() + 20, 0
        while not (waits or made.done()) and monotonic() < until:
            with runtime.db.reading() as session:
                waits = session.connection().execute(_WAITING).scalar_one()
        assert waits, "It does not wait."
        yield made


def owners(runtime: Runtime) -> list[uuid.UUID | None]:
    with runtime.db.reading() as session:
        return [*session.exec(select(Outcome.owner_id))]


@ways
def test_nobody_posts_as_what_they_were_when_the_request_came(runtime: Runtime, goes: Goes) -> None:
    person = add_member(runtime)
    actor = who(runtime, person)
    with runtime.db.writing() as session:
        goes(session, runtime, person)
    with runtime.db.writing() as session, pytest.raises(Forbidden):
        listings.create(session, actor, Outcome, payload("outcome"), now=runtime.clock())


def test_an_administrator_whose_account_was_closed_meanwhile_posts_for_nobody(runtime: Runtime) -> None:
    person, organisation = add_person(runtime, roles=("administrator",)), add_organisation(runtime)
    actor, data = who(runtime, person), payload("outcome", organisation_id=organisation)
    add_person(runtime, roles=("administrator",))
    with runtime.db.writing() as session:
        assert listings.create(session, actor, Outcome, {**data}, now=runtime.clock()).owner_id is None
        closes(session, runtime, person)
        session.flush()
        with pytest.raises(Forbidden):
            listings.create(session, actor, Outcome, {**data}, now=runtime.clock())


@pytest.mark.long
@on_postgresql
@ways
def test_a_post_waits_for_its_author_who_is_going_and_is_refused(runtime: Runtime, app: Flask, goes: Goes) -> None:
    person = add_member(runtime)

    def create() -> Any:
        return Caller(app.test_client(), person).post("outcomes", payload("outcome", submit=True))

    with runtime.db.writing() as session:
        goes(session, runtime, person)
        session.flush()
        with waiting(runtime, create) as posting:
            session.commit()
            assert posting.result(20).status_code == 403
    assert owners(runtime) == []


@pytest.mark.long
@on_postgresql
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("organisations", {"name_zh": "渤海研究院", "kind": "university", "region": "120000"}),
        ("subscriptions", {"noun": "outcome", "query": {"q": "涂层"}}),
        ("me/keys", {"label": "脚本", "scopes": ["read"]}),
    ],
)
def test_whoever_is_erased_while_they_ask_for_something_is_asked_to_come_again_and_then_unknown(
    runtime: Runtime, app: Flask, path: str, body: dict[str, Any]
) -> None:
    person = add_member(runtime)

    def ask() -> Any:
        return Caller(app.test_client(), person).post(path, body)

    with runtime.db.writing() as session:
        is_erased(session, runtime, person)
        session.flush()
        with waiting(runtime, ask) as asking:
            session.commit()
            assert asking.result(20).status_code == 503
    assert ask().status_code == 401


@pytest.mark.long
@on_postgresql
@ways
def test_whoever_goes_while_they_post_waits_and_what_they_posted_is_the_houses(runtime: Runtime, goes: Goes) -> None:
    person = add_member(runtime)
    actor = who(runtime, person)

    def go() -> None:
        with runtime.db.writing() as session:
            goes(session, runtime, person)

    with runtime.db.writing() as session:
        listings.create(session, actor, Outcome, payload("outcome"), now=runtime.clock())
        session.flush()
        with waiting(runtime, go) as going:
            session.commit()
            going.result(20)
    assert owners(runtime) == [None]


@pytest.mark.long
@on_postgresql
@ways
def test_an_import_waits_for_an_owner_who_is_going_and_does_not_name_them(runtime: Runtime, goes: Goes) -> None:
    person = add_member(runtime)
    assert person.organisation_id is not None
    other = add_person(runtime, person.organisation_id)
    begin(runtime, other, [row("outcome", "a", owner=person.email)], only=person.organisation_id)
    with runtime.db.writing() as session:
        goes(session, runtime, person)
        session.flush()
        with waiting(runtime, lambda: work(runtime)) as importing:
            session.commit()
            importing.result(20)
    assert owners(runtime) == []


Accepts = Callable[[Session, Runtime, Person, str], Membership]


def handed_over(session: Session, runtime: Runtime, person: Person, token: str) -> Membership:
    invitation = invitations.by_token(session, token, now=runtime.clock())
    return invitations.accept(session, Principal(user_id=person.id), invitation, mailed=False, now=runtime.clock())


def mailed(session: Session, runtime: Runtime, person: Person, _: str) -> Membership:
    """By what a mail to them would hold."""
    with runtime.db.reading() as reading:
        invitation = reading.exec(select(Invitation)).one()
        print_ = confirming._print("join", reading.get_one(User, person.id), invitation)
    about = f"{int(invitation.until.timestamp())}.{print_}.{invitation.id.hex}"
    return invitations.accept_mailed(session, Click("join", person.id, about), now=runtime.clock())


accepted = pytest.mark.parametrize("accept", [handed_over, mailed])


def invited(runtime: Runtime, house: uuid.UUID, person: Person, role: str) -> tuple[uuid.UUID, str]:
    with runtime.db.writing() as session:
        data = {"email": person.email, "roles": [role], "language": "zh"}
        row, token = invitations.create(session, SYSTEM, house, data, now=runtime.clock())
        return row.id, token


def roles_of(runtime: Runtime, person: Person) -> list[list[str]]:
    with runtime.db.reading() as session:
        rows = select(Membership.roles).where(Membership.user_id == person.id)
        return [*session.exec(rows.order_by(col(Membership.id)))]


@pytest.mark.long
@on_postgresql
@accepted
def test_an_invitation_that_is_being_accepted_is_not_taken_back(runtime: Runtime, accept: Accepts) -> None:
    house, person = add_organisation(runtime), add_person(runtime)
    identity, token = invited(runtime, house, person, "member")

    def revoke() -> None:
        with runtime.db.writing() as session:
            invitations.revoke(session, SYSTEM, house, identity, now=runtime.clock())

    with runtime.db.writing() as session:
        accept(session, runtime, person, token)
        session.flush()
        with waiting(runtime, revoke) as revoking:
            session.commit()
            assert type(revoking.exception(20)).__name__ == "NotFound"
    assert roles_of(runtime, person) == [["member"]]


@pytest.mark.long
@on_postgresql
@accepted
def test_an_invitation_that_is_being_taken_back_is_not_accepted(runtime: Runtime, accept: Accepts) -> None:
    house, person = add_organisation(runtime), add_person(runtime)
    identity, token = invited(runtime, house, person, "member")

    def join() -> None:
        with runtime.db.writing() as session:
            accept(session, runtime, person, token)

    with runtime.db.writing() as session:
        invitations.revoke(session, SYSTEM, house, identity, now=runtime.clock())
        session.flush()
        with waiting(runtime, join) as joining:
            session.commit()
            assert type(joining.exception(20)).__name__ == "NotFound"
    assert roles_of(runtime, person) == []


@pytest.mark.long
@on_postgresql
@accepted
def test_whoever_leaves_their_only_house_publishes_for_none_that_they_join_at_that_moment(
    runtime: Runtime, accept: Accepts
) -> None:
    house, person = add_organisation(runtime), add_member(runtime)
    _, token = invited(runtime, house, person, "delegate")

    def join() -> None:
        with runtime.db.writing() as session:
            accept(session, runtime, person, token)

    with runtime.db.writing() as session:
        leaves(session, runtime, person)
        session.flush()
        with waiting(runtime, join) as joining:
            session.commit()
            assert type(joining.exception(20)).__name__ == "Invalid"
    assert roles_of(runtime, person) == []


@pytest.mark.long
@on_postgresql
@accepted
def test_a_delegation_that_is_being_accepted_ends_with_the_house_that_is_left(
    runtime: Runtime, accept: Accepts
) -> None:
    house, person = add_organisation(runtime), add_member(runtime)
    _, token = invited(runtime, house, person, "delegate")

    def leave() -> None:
        with runtime.db.writing() as session:
            leaves(session, runtime, person)

    with runtime.db.writing() as session:
        accept(session, runtime, person, token)
        session.flush()
        with waiting(runtime, leave) as leaving:
            session.commit()
            leaving.result(20)
    assert roles_of(runtime, person) == []
