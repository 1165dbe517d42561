"""Rules about the migrations and about the demonstration data."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from marshmallow import ValidationError

from market.db import Database
from market.models import METADATA
from market.runtime import Runtime
from market.schema import differences, migrate
from market.services.files.loading import ORDER, Loaded, parse, store
from schemas.rows import ROWS
from tests import databases

FIXTURES = Path(__file__).parents[2] / "fixtures"


def rows(kind: str) -> Iterator[dict[str, Any]]:
    with (FIXTURES / f"{kind}.ndjson").open(encoding="utf-8") as lines:
        for line in lines:
            if line.strip():
                yield json.loads(line)


def keys(kind: str) -> list[str]:
    return [row["key"] for row in rows(kind)]


def test_the_migrations_lead_to_what_the_models_say(runtime: Runtime) -> None:
    assert differences(runtime.db) == []


def test_migrating_again_changes_nothing(runtime: Runtime) -> None:
    migrate(runtime.db)
    assert differences(runtime.db) == []


def test_an_empty_database_differs_from_the_models(tmp_path: Path, server: str) -> None:
    db = Database(databases.url_of(databases.empty(tmp_path / "empty", server)))
    assert len(differences(db)) >= len(METADATA.tables)
    db.close()


@pytest.mark.parametrize("kind", ORDER)
def test_every_row_of_the_demonstration_passes_its_schema(kind: str) -> None:
    refused = {}
    for number, row in enumerate(rows(kind), start=1):
        try:
            ROWS[kind]().load(row)
        except ValidationError as error:
            refused[f"{kind}:{number}"] = error.messages
    assert refused == {}


@pytest.mark.parametrize("kind", ORDER)
def test_no_key_stands_twice(kind: str) -> None:
    assert len(keys(kind)) == len(set(keys(kind))) > 0


@pytest.mark.parametrize("kind", ["users", "outcomes", "experts", "demands"])
def test_rows_belong_to_organisations_that_exist(kind: str) -> None:
    known = set(keys("organisations"))
    assert {row["organisation"] for row in rows(kind) if "organisation" in row} <= known


@pytest.mark.parametrize("kind", ["outcomes", "experts", "demands"])
def test_owners_exist(kind: str) -> None:
    assert {row["owner"] for row in rows(kind) if "owner" in row} <= set(keys("users"))


def test_there_is_somebody_for_each_role_of_the_demonstration() -> None:
    roles = {role for row in rows("users") for role in row["roles"]}
    assert roles >= {"administrator", "reviewer", "member", "expert"}


def test_the_judged_pairs_speak_of_listings_that_exist() -> None:
    pairs = json.loads((FIXTURES / "relevance.json").read_text(encoding="utf-8"))["pairs"]
    assert pairs
    for name in ("demand", "outcome", "expert"):
        assert {pair[name] for pair in pairs if name in pair} <= set(keys(f"{name}s"))
    assert all(("outcome" in pair) != ("expert" in pair) for pair in pairs)
    assert {pair["grade"] for pair in pairs} <= {0, 1, 2, 3}


def test_no_pair_is_judged_twice() -> None:
    pairs = json.loads((FIXTURES / "relevance.json").read_text(encoding="utf-8"))["pairs"]
    judged = [(pair["demand"], pair.get("outcome"), pair.get("expert")) for pair in pairs]
    assert len(judged) == len(set(judged))


def test_people_and_organisations_of_the_demonstration_are_made_up() -> None:
    addresses = [row["email"] for row in rows("users")]
    addresses += [row["contact_email"] for kind in ORDER[2:] for row in rows(kind) if row.get("contact_email")]
    assert all(address.endswith((".example", ".invalid", ".test")) for address in addresses)


def test_the_demonstration_can_be_loaded_twice(runtime: Runtime) -> None:
    results: list[dict[str, tuple[int, int, int]]] = []
    for _ in range(2):
        result = {}
        for kind in ORDER:
            loaded = Loaded()
            with (FIXTURES / f"{kind}.ndjson").open("rb") as lines:
                parsed = list(parse(kind, lines, loaded))
            with runtime.db.writing() as session:
                loaded.add(store(session, kind, parsed, now=runtime.clock()))
            assert loaded.refusals == []
            result[kind] = (loaded.created, loaded.changed, loaded.unchanged)
        results.append(result)
    assert results[0] == {kind: (len(keys(kind)), 0, 0) for kind in ORDER}
    assert results[1] == {kind: (0, 0, len(keys(kind))) for kind in ORDER}
