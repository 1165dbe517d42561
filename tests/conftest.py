"""Fixtures that all tests share: a real runtime on a fresh database and index, the application, and callers."""

from __future__ import annotations

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
from tests.factories import Caller, SettableClock, add_member, add_person, make_template, opened

# Examples are the same in every run, and no database of them is written into the checkout.
hypothesis_settings.register_profile("steady", deadline=None, derandomize=True, database=None)
hypothesis_settings.load_profile("steady")


@pytest.fixture(scope="session", autouse=True)
def _quiet() -> None:
    logs.configure("critical")


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty database file, to be copied and left as it is."""
    return make_template(tmp_path_factory.mktemp("template") / "market.db")


@pytest.fixture
def clock() -> SettableClock:
    """Stands at the real now until a test moves it."""
    return SettableClock()


@pytest.fixture(scope="session")
def _database(tmp_path_factory: pytest.TempPathFactory) -> Database:
    # Compiling SQL takes most of a short test's time, and each Database remembers what it has compiled.
    return Database(f"sqlite:///{tmp_path_factory.mktemp('data') / 'market.db'}")


@pytest.fixture
def start(template: Path) -> Path:
    """What the runtime's data begin with; a module may say otherwise."""
    return template


@pytest.fixture
def runtime(_database: Database, start: Path, clock: SettableClock) -> Iterator[Runtime]:
    """A real database and a real search engine, both empty unless `start` says otherwise."""
    folder = Path(_database.url.removeprefix("sqlite:///")).parent
    with opened(folder, start, clock, database=_database) as built:
        yield built


@pytest.fixture
def drain(runtime: Runtime) -> Callable[[], int]:
    """Runs jobs until none is due, and says how many ran."""
    return lambda: run_all_jobs(runtime)


@pytest.fixture(scope="session")
def _application(tmp_path_factory: pytest.TempPathFactory, template: Path) -> Flask:
    # Its routes and documentation take long to build, and are the same for every runtime.
    with opened(tmp_path_factory.mktemp("application"), template, SettableClock()) as built:
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
