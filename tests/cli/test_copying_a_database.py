"""`market copy-database`: from one database to another, of either kind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from market.db import Database
from market.models import METADATA
from tests import databases
from tests.cli.conftest import Market
from tests.services.exchange import FIXTURES

Ask = Callable[..., Any]


@pytest.fixture
def file(tmp_path: Path) -> str:
    """The URL of another database, which is a file and has no tables yet."""
    return databases.url_of(databases.empty(tmp_path / "other", ""))


@pytest.fixture
def configure(variables: dict[str, str]) -> Callable[[str], None]:
    """Has the commands that follow work on the database at this URL."""
    return lambda url: variables.update(MARKET_DATABASE_URL=url)


def rows(url: str) -> dict[str, list[str]]:
    db = Database(url)
    with db.reading() as session:
        found = {
            table.name: sorted(repr(tuple(row)) for row in session.execute(select(table)))
            for table in METADATA.sorted_tables
        }
    db.close()
    return found


@pytest.mark.parametrize("away_from_the_file", [True, False])
def test_every_row_arrives_as_it_was(
    run: Market, ask: Ask, data: Path, file: str, configure: Callable[[str], None], away_from_the_file: bool
) -> None:
    configured = databases.url_of(data)
    source, target = (file, configured) if away_from_the_file else (configured, file)
    configure(source)
    run("init")
    run("load", str(FIXTURES))
    configure(target)
    copied = ask("copy-database", source)
    assert rows(target) == rows(source)
    assert copied == {name: len(found) for name, found in rows(target).items()}
    assert copied["outcomes"] > 0
    assert copied["jobs"] > 0


def test_what_holds_rows_already_is_left_as_it_is(
    run: Market, data: Path, file: str, configure: Callable[[str], None]
) -> None:
    configure(file)
    run("init")
    configure(databases.url_of(data))
    run("init")
    run("load", str(FIXTURES / "organisations.ndjson"))
    before = rows(databases.url_of(data))
    assert "is not empty: organisations has rows" in run("copy-database", file, fails=True).output
    assert rows(databases.url_of(data)) == before


def test_a_source_that_was_never_made_is_told(run: Market, file: str) -> None:
    assert "run `market init` on it first" in " ".join(run("copy-database", file, fails=True).output.split())
