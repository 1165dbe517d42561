"""`market` as a terminal calls it, with a data folder of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from market import logs
from market.cli import main, market
from tests import databases
from tests.services.exchange import FIXTURES

Market = Callable[..., Result]


@pytest.fixture(autouse=True)
def _keep_logging(monkeypatch: pytest.MonkeyPatch) -> None:
    # A command sets logging up for its process, with a stream that here ends with the test.
    monkeypatch.setattr(logs, "configure", lambda _: None)


@pytest.fixture
def data(tmp_path: Path, server: str) -> Iterator[Path]:
    """The installation's folder; its database has no tables yet."""
    folder = databases.empty(tmp_path / "var", server)
    yield folder
    databases.drop(folder)


@pytest.fixture
def variables(data: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The environment that leads to it."""
    monkeypatch.delenv(databases.SERVER, raising=False)
    return {"MARKET_DATA": str(data), "MARKET_DATABASE_URL": databases.url_of(data), "COLUMNS": "200"}


@pytest.fixture
def run(variables: dict[str, str]) -> Market:
    """Runs a command that must succeed, unless `fails` says otherwise."""

    def command(*arguments: str, fails: bool = False) -> Result:
        result = CliRunner().invoke(market, arguments, env=variables, catch_exceptions=False)
        assert (result.exit_code != 0) == fails, result.output
        return result

    return command


@pytest.fixture
def ask(run: Market) -> Callable[..., Any]:
    """Runs a command with --json and reads what it prints."""
    return lambda *arguments, **options: json.loads(run(*arguments, "--json", **options).stdout)


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it said."""

    status: int
    stdout: str
    stderr: str


@pytest.fixture
def whole(
    variables: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Ended]:
    """Runs `market` whole, with what it says of errors; `settings` are environment variables."""

    def command(*arguments: str, **settings: str) -> Ended:
        with monkeypatch.context() as patch:
            for name, value in {**variables, **settings}.items():
                patch.setenv(name, value)
            patch.setattr(sys, "argv", ["market", *arguments])
            with pytest.raises(SystemExit) as ended:
                main()
        said = capsys.readouterr()
        return Ended(int(ended.value.code or 0), said.out, said.err)

    return command


@pytest.fixture
def as_process(variables: dict[str, str]) -> Callable[..., Ended]:
    """Runs `python -m market` as a process of its own."""

    def command(*arguments: str) -> Ended:
        environment = {
            name: value
            for name, value in os.environ.items()
            if name in ("MARKET_EMBEDDER", "MARKET_LIMITS") or not name.startswith("MARKET_")
        }
        done = subprocess.run(
            [sys.executable, "-m", "market", *arguments],
            env={**environment, **variables},
            cwd=FIXTURES.parent,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    return command
