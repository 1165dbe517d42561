"""An engine for the tests that need only one, and failures of the shared contract explained as in test modules."""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import scripts
from asking import RUN, done, indexes

from search.embedded import EmbeddedEngine
from search.indexes import OUTCOMES
from search.meili import MeiliEngine
from tests.servers import GivenServer, MeiliServer, any_meilisearch

pytest.register_assert_rewrite("contract_finding", "contract_narrowing", "contract_vectors", "contract_writing")


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[EmbeddedEngine]:
    engine = EmbeddedEngine(tmp_path, writable=True)
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def meili(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MeiliServer | GivenServer]:
    """A Meilisearch server that all tests of this process share; each engine has names of its own on it."""
    with any_meilisearch(tmp_path_factory.mktemp("meilisearch")) as server:
        yield server
        if isinstance(server, GivenServer):
            for name in indexes(server, RUN):
                done(server, "DELETE", f"indexes/{name}")


@pytest.fixture
def start_script() -> Iterator[scripts.StartScript]:
    """Starts scripts; those that still run when the test ends are killed."""
    started: list[subprocess.Popen[str]] = []

    def start(script: str, *arguments: object) -> subprocess.Popen[str]:
        started.append(scripts.start(script, *arguments))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


NewMeili = Callable[..., MeiliEngine]


@pytest.fixture(scope="session")
def prefixes() -> Iterator[str]:
    """Beginnings of index names that nobody else has, on a server that others may use too."""
    return (f"{RUN}{number}_" for number in itertools.count(1))


@pytest.fixture(scope="module")
def new_meili(meili: MeiliServer | GivenServer, prefixes: Iterator[str]) -> Iterator[NewMeili]:
    """Makes engines on the shared server, of outcomes alone unless told otherwise; all are closed in the end."""
    made: list[MeiliEngine] = []

    def new(**options: object) -> MeiliEngine:
        default = {"prefix": next(prefixes), "seconds": 30, "writable": True, "specs": {"outcomes": OUTCOMES}}
        made.append(MeiliEngine(meili.url, meili.key, **{**default, **options}))  # type: ignore[arg-type]
        return made[-1]

    yield new
    for engine in made:
        engine.close()
