"""What the commands refuse: in one line, with status 1, and without a traceback."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result

from market.runtime import build
from market.settings import Settings, SettingsError, from_environment
from tests import databases
from tests.cli.conftest import Ended

Command = Callable[..., Ended]


def complaint(done: Ended) -> str:
    """What it said, on one line whatever the width of the terminal."""
    assert done.status == 1, done
    assert "Traceback" not in done.stderr
    return " ".join(done.stderr.split())


@pytest.fixture
def writer(run: Callable[..., Result], data: Path) -> Iterator[None]:
    """Somebody who writes the index all the while."""
    run("init")
    runtime = build(Settings(data=str(data), database_url=databases.url_of(data), embedder="none"), writes_index=True)
    yield
    runtime.close()


@pytest.mark.parametrize("command", ["drain", "reindex"])
@pytest.mark.usefixtures("writer")
def test_a_second_writer_of_the_index_is_told_who_writes_it(whole: Command, command: str) -> None:
    said = complaint(whole(command))
    assert f"process {os.getpid()} already writes the search index" in said
    assert "only one may" in said


@pytest.mark.usefixtures("writer")
def test_a_second_worker_is_told_who_writes_the_index_and_ends(as_process: Command) -> None:
    said = complaint(as_process("worker"))
    assert "already writes the search index" in said
    assert "only one may" in said


@pytest.mark.usefixtures("writer")
def test_commands_that_do_not_write_the_index_work_beside_the_writer(whole: Command) -> None:
    for command in (("stats",), ("jobs", "list"), ("keys", "list"), ("init",)):
        assert whole(*command).status == 0


def test_an_unknown_setting_is_refused(whole: Command) -> None:
    assert "MARKET_PROT is no setting" in complaint(whole("stats", MARKET_PROT="8001"))


def test_a_setting_of_the_wrong_type_is_refused(whole: Command) -> None:
    assert "MARKET_PORT must be of type int" in complaint(whole("stats", MARKET_PORT="http"))


def test_production_without_a_secret_is_refused(whole: Command) -> None:
    assert "MARKET_SECRET must be set in production" in complaint(whole("init", MARKET_ENVIRONMENT="production"))


def test_production_with_a_short_secret_is_refused() -> None:
    with pytest.raises(SettingsError, match="at least 32"):
        from_environment({"MARKET_ENVIRONMENT": "production", "MARKET_SECRET": "x" * 31})


def test_production_with_a_secret_is_accepted() -> None:
    settings = from_environment(
        {"MARKET_ENVIRONMENT": "production", "MARKET_SECRET": "x" * 32, "MARKET_ENCRYPTION_KEYS": "y" * 32}
    )
    assert settings.environment == "production"


def test_production_without_keys_to_encrypt_with_is_refused() -> None:
    with pytest.raises(SettingsError, match="MARKET_ENCRYPTION_KEYS"):
        from_environment({"MARKET_ENVIRONMENT": "production", "MARKET_SECRET": "x" * 32})


def test_mail_without_a_sender_is_refused() -> None:
    with pytest.raises(SettingsError, match="MARKET_MAIL_FROM"):
        from_environment({"MARKET_MAIL_URL": "smtp://mail.example:25"})


def test_an_environment_of_another_name_is_refused() -> None:
    with pytest.raises(SettingsError, match="MARKET_ENVIRONMENT"):
        from_environment({"MARKET_ENVIRONMENT": "staging"})


def test_demonstration_data_are_refused_in_production(whole: Command, tmp_path: Path) -> None:
    done = whole(
        "init",
        "--demo",
        str(tmp_path),
        MARKET_ENVIRONMENT="production",
        MARKET_SECRET="x" * 32,
        MARKET_ENCRYPTION_KEYS="y" * 32,
    )
    assert "production has no demo accounts" in complaint(done)


def test_a_search_engine_of_an_unknown_kind_is_refused(whole: Command) -> None:
    assert "MARKET_SEARCH_URL" in complaint(whole("init", MARKET_SEARCH_URL="magic://host"))


def test_a_key_for_nobody_is_refused(run: Callable[..., Result], whole: Command) -> None:
    run("init")
    said = complaint(whole("keys", "create", "nobody@people.example"))
    assert "not-found" in said


def test_matching_where_nothing_is_held_finds_nothing(run: Callable[..., Result]) -> None:
    run("init")
    assert json.loads(run("match", "防腐涂层", "--json").stdout) == []
