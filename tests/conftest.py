"""Fixtures that all tests share: a real runtime on a fresh database and index, the application, and callers."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import settings as hypothesis_settings

from market import logs
from market.app import create_app
from market.db import Database
from market.runtime import Runtime
from market.worker.runner import drain as run_all_jobs
from tests import clusters, databases
from tests.factories import Caller, SettableClock, add_member, add_person, opened

# Vectors take time; the tests that need them ask for them.
os.environ["MARKET_EMBEDDER"] = "none"
# Limits too: nobody meets them by accident.
os.environ["MARKET_LIMITS"] = "off"

# Examples are the same in every run, so that a run that fails tells of a change; --hypothesis-profile=exploring looks
# for new ones. No database of them is written into the checkout.
hypothesis_settings.register_profile("steady", deadline=None, derandomize=True, database=None)
hypothesis_settings.register_profile("exploring", deadline=None, database=None)
hypothesis_settings.load_profile("steady")


@pytest.fixture(scope="session", autouse=True)
def _quiet() -> None:
    logs.configure("critical")


# Run by `make test` on SQLite and by `make test-all` on both: together they would take twice the time that one waits.
_ON_BOTH_AT_LENGTH = {"api", "cli", "journeys", "services", "worker"}
# Killing and cutting off takes its time, and so do commands from end to end: run by `make test-all` alone.
_AT_LENGTH = {"reliability", "cli", "journeys"}


@pytest.hookimpl(tryfirst=True)  # before the long ones are left out
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of these folders are long ones, or are on PostgreSQL, unless they are of PostgreSQL alone."""
    for item in items:
        if _AT_LENGTH & {*item.path.parts}:
            item.add_marker(pytest.mark.long)
        where = getattr(item, "callspec", None)
        on_postgresql = where is not None and where.params.get("server") == "postgresql"
        only_there = any(mark.args[0] == "server" for mark in item.iter_markers("parametrize"))
        if on_postgresql and not only_there and _ON_BOTH_AT_LENGTH & {*item.path.parts}:
            item.add_marker(pytest.mark.long)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tests that did not run are not passed over in silence."""
    if databases.missing():
        terminalreporter.write_line(f"The tests on PostgreSQL were skipped: {databases.missing()}.", yellow=True)


@pytest.fixture(scope="session", params=databases.KINDS)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of the server with the databases; empty for SQLite. Every test with a database runs with each."""
    if request.param == "sqlite":
        yield ""
        return
    if databases.missing():
        pytest.skip(databases.missing())
    given = os.environ.get(databases.SERVER, "")
    base = tmp_path_factory.getbasetemp()
    # Of several processes, each has a folder in their common one, and all have one parent.
    root, owner = (base.parent, os.getppid()) if hasattr(request.config, "workerinput") else (base, os.getpid())
    yield given or clusters.shared_cluster(root, owner).url()
    databases.drop_all()


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory, server: str) -> Path:
    """A folder with a migrated, empty database, to be copied and left as it is."""
    return databases.migrated(tmp_path_factory.mktemp("template") / "data", server)


@pytest.fixture
def clock() -> SettableClock:
    """Stands at the real now until a test moves it."""
    return SettableClock()


@pytest.fixture(scope="session")
def _data(tmp_path_factory: pytest.TempPathFactory, template: Path) -> Iterator[tuple[Path, Database]]:
    # Compiling SQL takes most of a short test's time, and each Database remembers what it has compiled.
    folder = tmp_path_factory.mktemp("data")
    databases.copy(folder, template)
    database = Database(databases.url_of(folder))
    yield folder, database
    database.close()


@pytest.fixture
def start(template: Path) -> Path:
    """What the runtime's data begin with; a module may say otherwise."""
    return template


@pytest.fixture
def runtime(_data: tuple[Path, Database], template: Path, start: Path, clock: SettableClock) -> Iterator[Runtime]:
    """A real database and a real search engine, both empty unless `start` says otherwise."""
    folder, database = _data
    with opened(folder, start, clock, database=database if start == template else None) as built:
        yield built


@pytest.fixture
def drain(runtime: Runtime) -> Callable[[], int]:
    """Runs jobs until none is due, and says how many ran."""
    return lambda: run_all_jobs(runtime)


@pytest.fixture(scope="session")
def _application(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    # Its routes and documentation take long to build, and are the same for every runtime.
    start = databases.empty(tmp_path_factory.mktemp("application") / "start", "")
    with opened(start.parent / "data", start, SettableClock()) as built:
        return create_app(built)


@pytest.fixture
def app(_application: Flask, runtime: Runtime) -> Flask:
    """The application, serving this test's runtime."""
    _application.extensions["market"] = runtime
    return _application


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Its test client."""
    return app.test_client()


@pytest.fixture
def visitor(client: FlaskClient) -> Caller:
    """Somebody without a key."""
    return Caller(client)


@pytest.fixture
def owner(runtime: Runtime, client: FlaskClient) -> Caller:
    """A member of a trusted organisation, who reads Chinese."""
    return Caller(client, add_member(runtime))


@pytest.fixture
def newcomer(runtime: Runtime, client: FlaskClient) -> Caller:
    """A member of an organisation that is not trusted yet."""
    return Caller(client, add_member(runtime, trusted=False))


@pytest.fixture
def stranger(runtime: Runtime, client: FlaskClient) -> Caller:
    """A member of another trusted organisation, who reads English."""
    return Caller(client, add_member(runtime, language="en"))


@pytest.fixture
def reviewer(runtime: Runtime, client: FlaskClient) -> Caller:
    """Somebody who moderates."""
    return Caller(client, add_person(runtime, roles=("reviewer",)))


@pytest.fixture
def administrator(runtime: Runtime, client: FlaskClient) -> Caller:
    """Somebody who may do everything."""
    return Caller(client, add_person(runtime, roles=("administrator",)))
