"""`market reindex`, `market search sync` and `market search check`, on the embedded engine and on a real server."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from market.cli import market
from market.runtime import build
from market.settings import from_environment
from tests.servers import GivenServer, MeiliServer, any_meilisearch
from tests.services.exchange import FIXTURES

Ask = Callable[..., Any]


@pytest.fixture(scope="module")
def search_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MeiliServer | GivenServer]:
    with any_meilisearch(tmp_path_factory.mktemp("meilisearch")) as server:
        yield server


@pytest.fixture(params=["embedded", "server"])
def environment(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """An installation with either engine."""
    data = {"MARKET_DATA": str(tmp_path / "var"), "COLUMNS": "200"}
    if request.param == "embedded":
        return data
    server = request.getfixturevalue("search_server")
    return data | {
        "MARKET_SEARCH_URL": server.url,
        "MARKET_SEARCH_KEY": server.key,
        "MARKET_SEARCH_PREFIX": f"{tmp_path.name.lower()}_",
        "MARKET_SEARCH_TIMEOUT_SECONDS": "20",
    }


@pytest.fixture
def ask(environment: dict[str, str]) -> Ask:
    """Runs a command with --json; `status` is how it must end."""

    def command(*arguments: str, status: int = 0) -> Any:
        result = CliRunner().invoke(market, [*arguments, "--json"], env=environment, catch_exceptions=False)
        assert result.exit_code == status, result.output
        return json.loads(result.stdout)

    return command


@pytest.fixture
def stocked(ask: Ask, tmp_path: Path) -> Ask:
    """Six listings, indexed."""
    ask("init")
    for kind, lines in (("organisations", 26), ("users", 30), ("outcomes", 6)):
        rows = (FIXTURES / f"{kind}.ndjson").read_text().splitlines()[:lines]
        (tmp_path / f"{kind}.ndjson").write_text("\n".join(rows))
        ask("load", str(tmp_path / f"{kind}.ndjson"))
    ask("drain")
    return ask


def test_an_index_that_is_right_has_no_differences(stocked: Ask) -> None:
    assert stocked("search", "check") == {"settings": {}, "differences": [], "mending": 0}
    assert stocked("search", "sync") == {}


def test_every_difference_is_listed_and_mended_on_demand(stocked: Ask, environment: dict[str, str]) -> None:
    runtime = build(from_environment(environment | {"MARKET_EMBEDDER": "none"}), writes_index=True)
    (lost, _), *_ = runtime.engine.versions("outcomes")
    runtime.engine.delete("outcomes", [lost])
    runtime.close()
    found = stocked("search", "check", status=1)["differences"]
    assert found == [{"noun": "outcome", "id": lost, "stored": 1, "indexed": None}]
    assert stocked("search", "check", "--mend")["mending"] == 1
    stocked("drain")
    assert stocked("search", "check")["differences"] == []


def test_reindex_fills_every_index_anew(stocked: Ask) -> None:
    assert stocked("reindex")["outcome"] == {"indexed": 6, "mending": 0}
    assert stocked("search", "check")["differences"] == []


def test_sync_makes_what_is_missing_and_says_so(search_server: MeiliServer, tmp_path: Path) -> None:
    environment = {
        "MARKET_DATA": str(tmp_path / "var"),
        "MARKET_SEARCH_URL": search_server.url,
        "MARKET_SEARCH_KEY": search_server.key,
        "MARKET_SEARCH_PREFIX": f"{tmp_path.name.lower()}_",
        "MARKET_SEARCH_TIMEOUT_SECONDS": "20",
    }

    def sync(*options: str) -> Any:
        result = CliRunner().invoke(market, ["search", "sync", *options, "--json"], env=environment)
        return json.loads(result.stdout)

    assert len(sync("--dry-run")) == len(sync()) == 3
    assert sync() == {}
