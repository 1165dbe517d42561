"""`market` as a terminal calls it, with a data folder of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from market.cli import market
from tests.services.exchange import FIXTURES

Market = Callable[..., Result]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The installation's folder."""
    return tmp_path / "var"


@pytest.fixture
def run(data: Path) -> Market:
    """Runs a command that must succeed, unless `fails` says otherwise."""

    def command(*arguments: str, fails: bool = False) -> Result:
        environment = {"MARKET_DATA": str(data), "COLUMNS": "200"}
        result = CliRunner().invoke(market, arguments, env=environment, catch_exceptions=False)
        assert (result.exit_code != 0) == fails, result.output
        return result

    return command


@pytest.fixture
def ask(run: Market) -> Callable[..., Any]:
    """Runs a command with --json and reads what it prints."""
    return lambda *arguments, **options: json.loads(run(*arguments, "--json", **options).stdout)


@pytest.fixture
def as_process(data: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs `python -m market` as a process of its own; `settings` are environment variables."""

    def command(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MARKET_")}
        return subprocess.run(
            [sys.executable, "-m", "market", *arguments],
            env={**environment, "MARKET_DATA": str(data), "COLUMNS": "200", **settings},
            cwd=FIXTURES.parent,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return command
