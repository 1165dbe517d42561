"""An organisation always has somebody with the last word, whoever goes at the same moment."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlmodel import Session, select

from market.errors import Conflict
from market.models import Membership, User
from market.runtime import Runtime
from market.services.people import accounts, belonging
from market.services.rights import principals
from market.services.rights.access import Principal
from tests.factories import add_organisation, add_person

Deed = Callable[[Session, Runtime, Principal, uuid.UUID, uuid.UUID], object]


def leave(session: Session, runtime: Runtime, me: Principal, house: uuid.UUID, _: uuid.UUID) -> None:
    assert me.user_id is not None
    belonging.leave(session, me, house, me.user_id, now=runtime.clock())


def dismiss(session: Session, runtime: Runtime, me: Principal, house: uuid.UUID, other: uuid.UUID) -> None:
    belonging.leave(session, me, house, other, now=runtime.clock())


def step_down(session: Session, runtime: Runtime, me: Principal, house: uuid.UUID, _: uuid.UUID) -> None:
    assert me.user_id is not None
    belonging.change(session, me, house, me.user_id, ["member"], until=None, now=runtime.clock())


def close(session: Session, runtime: Runtime, me: Principal, _: uuid.UUID, __: uuid.UUID) -> None:
    accounts.deactivate(session, me, session.get_one(User, me.user_id), now=runtime.clock())


def heads(runtime: Runtime, house: uuid.UUID) -> int:
    """How many administrators it has whose accounts are open."""
    with runtime.db.reading() as session:
        open_ones = select(Membership).join(User).where(Membership.organisation_id == house, User.active)
        return sum("organisation_admin" in one.roles for one in session.exec(open_ones))


@pytest.mark.parametrize(
    ("one", "other"),
    [(leave, leave), (dismiss, dismiss), (step_down, step_down), (leave, close), (close, close), (step_down, leave)],
)
def test_of_two_administrators_who_go_at_the_same_moment_one_is_refused(
    runtime: Runtime, one: Deed, other: Deed
) -> None:
    house = add_organisation(runtime)
    add_person(runtime, house)  # somebody who would be left alone
    people = [add_person(runtime, house, roles=("organisation_admin", "member")).id for _ in range(2)]
    with runtime.db.reading() as session:
        actors = [principals.of_user(session, person, now=runtime.clock()) for person in people]
    ready = threading.Barrier(2)

    def go(number: int) -> str:
        actor = actors[number]
        assert actor is not None
        with runtime.db.writing() as session:
            # Each has looked before either has done anything.
            list(session.exec(select(Membership).where(Membership.organisation_id == house)))
            if session.get_bind().dialect.name == "postgresql":
                ready.wait(10)
            try:
                (one, other)[number](session, runtime, actor, house, people[1 - number])
            except Conflict as refused:
                return refused.code
        return "gone"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(go, range(2))) == ["gone", "last-of-organisation"]
    assert heads(runtime, house) == 1


def test_the_last_administrator_closes_their_account_only_where_nobody_is_left(runtime: Runtime) -> None:
    house, alone = add_organisation(runtime), add_organisation(runtime)
    add_person(runtime, house)
    for place, gone in ((house, False), (alone, True)):
        person = add_person(runtime, place, roles=("organisation_admin",)).id
        with runtime.db.writing() as session:
            me = principals.of_user(session, person, now=runtime.clock())
            assert me is not None
            if gone:
                accounts.deactivate(session, me, session.get_one(User, person), now=runtime.clock())
            else:
                with pytest.raises(Conflict, match="last-of-organisation"):
                    accounts.deactivate(session, me, session.get_one(User, person), now=runtime.clock())
        assert heads(runtime, place) == (not gone)
