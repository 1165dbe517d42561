"""accounts, organisations, authz, keys: what whoever runs the exchange does for people, and sees of their rights."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from rich.cells import cell_len

from market.rights.table import TABLE
from tests.services.exchange import FIXTURES

Run = Callable[..., Result]
Ask = Callable[..., Any]
MAIL = "chen@campus.example"


@pytest.fixture
def installed(run: Run) -> None:
    run("init")


@pytest.fixture
def loaded(run: Run, installed: None) -> None:
    run("load", str(FIXTURES / "organisations.ndjson"))
    run("load", str(FIXTURES / "users.ndjson"))


def test_an_account_is_made_confirmed_listed_and_closed(run: Run, ask: Ask, installed: None) -> None:
    run("accounts", "create", "root@campus.example", "--name", "管理员", "--role", "administrator")
    made = ask("accounts", "create", MAIL, "--name", "陈立", "--role", "reviewer")
    assert "/click/account/" in made["link"]
    run("accounts", "verify", MAIL)
    [row] = ask("accounts", "list", "--role", "reviewer")
    assert (row["email"], row["roles"], row["active"], bool(row["verified"])) == (MAIL, ["reviewer"], True, True)
    run("accounts", "deactivate", MAIL)
    [row] = ask("accounts", "list", "--search", "陈立")
    assert row["active"] is False


def test_a_person_is_erased_and_the_report_says_what_is_left(
    run: Run, ask: Ask, loaded: None, tmp_path: Path
) -> None:
    people = ask("accounts", "list")
    ordinary = next(one for one in people if "administrator" not in one["roles"])
    ask("keys", "create", ordinary["email"])
    file = tmp_path / "report.json"
    told = ask("accounts", "erase", ordinary["email"], "--report", str(file), "--yes")
    assert json.loads(file.read_text()) == told
    assert (told["gone"]["users"], told["gone"]["api_keys"]) == (1, 1)
    assert {one["table"] for one in told["remains"]} <= {"audit_entries"}
    assert told["beyond"]
    assert len(ask("accounts", "list")) == len(people) - 1


def test_nobody_is_erased_unasked(run: Run, ask: Ask, loaded: None) -> None:
    before = ask("accounts", "list")
    run("accounts", "erase", before[0]["email"], fails=True)
    assert ask("accounts", "list") == before


def test_an_organisation_is_verified_invites_and_is_closed(run: Run, ask: Ask, loaded: None) -> None:
    place = ask("organisations", "list")[0]
    assert ask("organisations", "verify", place["id"], "--trusted")["verification"] == "verified"
    assert [one["id"] for one in ask("organisations", "list", "--verification", "verified")] == [place["id"]]
    assert ask("accounts", "invite", MAIL, "--organisation", place["id"])["token"]
    assert ask("organisations", "deactivate", place["id"])["active"] is False
    assert place["id"] not in [one["id"] for one in ask("organisations", "list")]


def test_the_table_of_rights_stands_whole_in_eighty_columns(run: Run, ask: Ask, variables: dict[str, str]) -> None:
    variables["COLUMNS"] = "80"
    told = run("authz", "table").output
    assert max(map(cell_len, told.splitlines())) <= 80
    shown = Counter(re.findall(r"^│ +key: ([a-z]+) ", told, re.MULTILINE))
    assert shown == Counter(rule.scope for rules in TABLE.values() for rule in rules)
    assert set(re.findall(r"^│ ([a-z]+\.[a-z]+)", told, re.MULTILINE)) == {*TABLE}
    rules = ask("authz", "table")
    assert len(rules) == sum(map(len, TABLE.values()))
    assert [one["action"] for one in ask("authz", "table", "--action", "claim.decide")] == ["claim.decide"]


def test_it_says_why_somebody_may_do_something_or_not(run: Run, ask: Ask, loaded: None) -> None:
    people = ask("accounts", "list")
    reviewer = next(one["email"] for one in people if "reviewer" in one["roles"])
    assert "reviewer" in ask("authz", "check", reviewer, "moderation.queue")["why"]
    refused = ask("authz", "check", "visitor", "moderation.queue", fails=True)
    assert (refused["allowed"], "reviewer" in refused["why"]) == (False, True)
    place = ask("organisations", "list")[0]["id"]
    assert ask("authz", "check", reviewer, "organisation.people", "--organisation", place, fails=True)["why"]


def test_a_key_for_one_thing_only(run: Run, ask: Ask, loaded: None) -> None:
    person = ask("accounts", "list")[0]["email"]
    ask("keys", "create", person, "--scope", "read", "--scope", "match")
    [key] = ask("keys", "list")
    assert key["scopes"] == ["match", "read"]
