"""What somebody saves in the moment of undoing is not lost: on PostgreSQL, where both go on at once."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import text

from market.models import Expert
from market.runtime import Runtime
from market.services.claims import holding
from market.services.files import undoing
from market.services.listings import listings
from market.services.rights.access import SYSTEM
from tests.factories import Person, add_member
from tests.services.files import ask, everything, imported, notes, row, rows_of, work
from tests.services.test_imports_undone import claim_of

pytestmark = [pytest.mark.long, pytest.mark.parametrize("server", ["postgresql"], indirect=True)]

WAITING = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


def undoing_waits(runtime: Runtime) -> threading.Thread:
    """Undo beside a transaction that holds a row, up to where it stands before that row."""
    worker = threading.Thread(target=work, args=(runtime,))
    worker.start()
    pause = threading.Event()
    for _ in range(200):
        with runtime.db.reading() as session:
            if session.connection().execute(WAITING).scalar():
                return worker
        pause.wait(0.05)
    worker.join(30)
    pytest.fail("The undoing does not wait for whoever holds the row.")


@pytest.fixture
def member(runtime: Runtime) -> Person:
    """A member of a trusted organisation."""
    return add_member(runtime)


def test_a_change_that_was_saved_meanwhile_stays(runtime: Runtime, member: Person) -> None:
    done = imported(runtime, member, [row("expert", "a"), row("expert", "b")], "expert")
    identity = rows_of(runtime, done.id)[0].listing_id
    ask(runtime, member, undoing.begin, done.id)
    with runtime.db.writing() as session:
        listings.change(session, SYSTEM, Expert, identity, {"name_zh": "新名字"}, version=1, now=runtime.clock())
        session.flush()
        worker = undoing_waits(runtime)
    worker.join(30)
    assert {key: said["name_zh"] for (_, key), said in everything(runtime).items()} == {"a": "新名字"}
    assert notes(runtime, done.id) == [1]


def test_a_claim_that_was_approved_meanwhile_stands(runtime: Runtime, member: Person) -> None:
    done = imported(
        runtime, None, [{**row("expert", "a"), "organisation": ""}], "expert", only=member.organisation_id
    )
    identity = rows_of(runtime, done.id)[0].listing_id
    ask(runtime, None, undoing.begin, done.id)
    with runtime.db.writing() as session:
        listing = listings.get_to_change(session, SYSTEM, Expert, identity, version=None)
        claim = claim_of(identity, member)
        session.add(claim)
        holding.turn_over(session, SYSTEM, claim, listing, decided_by=None, now=runtime.clock())
        session.flush()
        worker = undoing_waits(runtime)
    worker.join(30)
    assert [said["owner_id"] for said in everything(runtime).values()] == [member.id]
    assert notes(runtime, done.id) == [1]
