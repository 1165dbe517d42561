"""What waits for what on PostgreSQL: everybody has turns first and rows after, so that nobody waits in a circle."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from time import monotonic
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlmodel import select

from market.db import take_turn
from market.models import Claim, Expert, Import, Outcome
from market.runtime import Runtime
from market.services.claims import holding
from market.services.people import organisations
from market.services.rights import principals
from market.services.rights.access import SYSTEM
from tests.api import claiming
from tests.factories import Caller, SettableClock, add_member, payload, post
from tests.services import files

pytestmark = [pytest.mark.long, pytest.mark.parametrize("server", ["postgresql"], indirect=True)]

_WAITING = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


@contextmanager
def meanwhile(runtime: Runtime, call: Callable[[], Any]) -> Iterator[Future[Any]]:
    """The call, in a thread, as soon as it waits for a lock."""
    with ThreadPoolExecutor(1) as pool:
        made, until = pool.submit(call), monotonic() + 20
        while not made.done() and monotonic() < until:
            with runtime.db.reading() as session:
                if session.connection().execute(_WAITING).scalar_one():
                    break
        yield made


def test_consent_given_while_it_is_taken_back_leaves_one_truth(
    runtime: Runtime, app: Flask, client: FlaskClient
) -> None:
    person = claiming.the_expert(runtime)
    mine, identity = Caller(client, person), claiming.imported(runtime, claiming.house(runtime), of=person)
    agreed = claiming.consent(mine)
    made = claiming.claim(mine, identity, consent=agreed).json
    other = Caller(app.test_client(), person)
    with runtime.db.writing() as session:
        actor = principals.of_user(session, person.id, now=runtime.clock())
        assert actor is not None
        holding.take_back(session, actor, uuid.UUID(identity), now=runtime.clock())
        session.flush()
        with meanwhile(runtime, lambda: claiming.act(other, made, "consent", consent=agreed)) as giving:
            session.commit()
            assert giving.result(20).status_code == 200
    with runtime.db.reading() as session:
        claim, expert = session.exec(select(Claim)).one(), session.exec(select(Expert)).one()
    assert (claim.consent_withdrawn_at, expert.consented, expert.custody) == (None, True, "consented")


def test_a_key_given_during_an_import_waits_for_it_and_holds_nothing_that_it_needs(
    runtime: Runtime, app: Flask, owner: Caller
) -> None:
    listing = post(owner, "outcome")
    other = Caller(app.test_client(), owner.person)
    with runtime.db.writing() as session:
        take_turn(session, "import", "outcome")
        change = {"external_key": "HH-1"}
        with meanwhile(runtime, lambda: other.patch(f"outcomes/{listing['id']}", change, version=1)) as giving:
            row = select(Outcome.id).where(Outcome.id == uuid.UUID(listing["id"]))
            assert session.exec(row.with_for_update(nowait=True)).one()
            session.commit()
            assert giving.result(20).json["external_key"] == "HH-1"


def test_what_is_posted_while_its_organisation_is_closed_comes_too_late(
    runtime: Runtime, app: Flask, owner: Caller
) -> None:
    assert owner.person is not None
    assert owner.person.organisation_id is not None
    other = Caller(app.test_client(), owner.person)
    with runtime.db.writing() as session:
        organisations.deactivate(session, SYSTEM, owner.person.organisation_id, now=runtime.clock())
        session.flush()
        with meanwhile(runtime, lambda: other.post("outcomes", payload("outcome", submit=True))) as posting:
            assert not posting.done()
            session.commit()
            answer = posting.result(20)
    assert (answer.status_code, claiming.problem(answer)) == (409, "organisation-closed")


def test_what_is_imported_while_its_organisation_is_closed_comes_too_late(
    runtime: Runtime, clock: SettableClock
) -> None:
    member = add_member(runtime)
    assert member.organisation_id is not None
    identity = files.begin(runtime, member, [files.row("outcome", "a")])
    with runtime.db.writing() as session:
        organisations.deactivate(session, SYSTEM, member.organisation_id, now=runtime.clock())
        session.flush()
        with meanwhile(runtime, lambda: files.work(runtime)) as storing:
            assert not storing.done()
            session.commit()
            storing.result(20)
    clock.advance(minutes=5)
    files.work(runtime)
    with runtime.db.reading() as session:
        assert session.exec(select(Outcome)).all() == []
        assert session.get_one(Import, identity).state in ("done", "failed", "cancelled")
