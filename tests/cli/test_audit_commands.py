"""market audit: the trail listed and verified from a terminal."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest

from market.clock import utc_now
from market.db import Database
from market.services.rights.access import SYSTEM
from market.services.trail import audit, sealing
from market.services.trail.audit import Deed

Ask = Callable[..., Any]
SUBJECTS = [uuid.uuid4() for _ in range(5)]


@pytest.fixture
def database(run: Callable[..., Any], variables: dict[str, str]) -> Any:
    """A database with five sealed entries and one that is not."""
    run("init")
    with closing(Database(variables["MARKET_DATABASE_URL"])) as db:
        now = utc_now()
        with db.writing() as session:
            audit.record_all(session, SYSTEM, [Deed("expire", ("outcome", one)) for one in SUBJECTS], now=now)
        with db.writing() as session:
            assert sealing.keep(session, sealing.make(session, now=now))
        with db.writing() as session:
            audit.record(session, SYSTEM, "warn", ("demand", SUBJECTS[0]), now=now - timedelta(seconds=90))
        yield db


def test_a_good_trail_verifies(database: Database, ask: Ask, run: Callable[..., Any]) -> None:
    head = ask("audit", "head")
    found = ask("audit", "verify", "--head", head["hash"])
    assert (found["good"], found["verified"], found["position"], found["head"]) == (True, 5, 5, head["hash"])
    assert (found["unsealed"], found["fault"], found["anchored"], found["late"]) == (1, None, True, 0)
    assert found["oldest_unsealed_seconds"] >= 90
    assert ask("audit", "verify", "--from", "4")["verified"] == 2
    assert ask("audit", "verify")["anchored"] is False
    said = run("audit", "verify").output
    assert "good, not anchored" in said
    assert head["hash"] in said
    assert "not anchored" not in run("audit", "verify", "--head", head["hash"]).output


def test_what_was_sealed_long_after_it_was_done_is_named(
    database: Database, ask: Ask, run: Callable[..., Any]
) -> None:
    subject, now = uuid.uuid4(), utc_now()
    with database.writing() as session:
        audit.record(session, SYSTEM, "approve", ("outcome", subject), now=now - timedelta(hours=3))
    with database.writing() as session:
        assert sealing.keep(session, sealing.make(session, now=now, whole=True))
    [late] = ask("audit", "list", "--subject", f"outcome:{subject}")
    found = ask("audit", "verify")
    assert (found["good"], found["late"]) == (True, 1)
    assert found["first_late"][0]["entry"] == late["id"]
    assert late["id"] in run("audit", "verify").output


def test_the_first_bad_entry_is_named_and_the_status_says_so(
    database: Database, ask: Ask, run: Callable[..., Any]
) -> None:
    let_go = (
        ["DROP TRIGGER audit_entries_kept_update"]
        if database.dialect == "sqlite"
        else ["ALTER TABLE audit_entries DISABLE TRIGGER USER"]
    )
    entries = [entry["id"] for entry in ask("audit", "list", "--action", "expire")][::-1]
    with database.writing() as session:
        for statement in (
            *let_go,
            f"UPDATE audit_entries SET action = 'solve' WHERE id = '{uuid.UUID(entries[2]).hex}'",
        ):
            session.connection().exec_driver_sql(statement)
    found = ask("audit", "verify", fails=True)
    assert (found["good"], found["verified"]) == (False, 2)
    assert found["fault"]["kind"] == "altered"
    assert (found["fault"]["position"], found["fault"]["entry"]) == (3, entries[2])
    assert entries[2] in run("audit", "verify", fails=True).output


def test_a_head_that_is_nowhere_in_the_chain_is_a_fault(database: Database, ask: Ask) -> None:
    assert ask("audit", "verify", "--head", "0" * 64, fails=True)["fault"]["kind"] == "head-not-found"


def test_entries_are_listed_by_subject_actor_action_and_time(database: Database, ask: Ask) -> None:
    first = str(SUBJECTS[0])
    for arguments, count in (
        ((), 6),
        (("--subject", first), 2),
        (("--subject", f"demand:{first}"), 1),
        (("--subject", "outcome"), 5),
        (("--actor", "system"), 6),
        (("--actor", str(uuid.uuid4())), 0),
        (("--action", "warn"), 1),
        (("--since", "2100-01-01"), 0),
        (("--limit", "2"), 2),
    ):
        assert len(ask("audit", "list", *arguments)) == count, arguments
    assert ask("audit", "list", "--action", "warn")[0]["noun"] == "demand"
