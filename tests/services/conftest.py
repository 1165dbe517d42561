"""The exchange of fixtures/, loaded, indexed and matched once for each test module that looks at it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from market.runtime import Runtime
from tests.factories import SettableClock, opened
from tests.services.exchange import Exchange, fill


@pytest.fixture(scope="module")
def demands_last(tmp_path_factory: pytest.TempPathFactory, template: Path) -> Iterator[Exchange]:
    """Outcomes and experts were there first; then came the demands. Only to be read."""
    yield from _exchange(tmp_path_factory.mktemp("demands-last"), template, ("outcomes experts", "demands"))


@pytest.fixture(scope="module")
def demands_first(tmp_path_factory: pytest.TempPathFactory, template: Path) -> Iterator[Exchange]:
    """Demands were there first; then came the outcomes and the experts. Only to be read."""
    yield from _exchange(tmp_path_factory.mktemp("demands-first"), template, ("demands", "outcomes experts"))


def _exchange(folder: Path, template: Path, steps: tuple[str, ...]) -> Iterator[Exchange]:
    with opened(folder, template, SettableClock()) as runtime:
        yield _filled(runtime, steps)


def _filled(runtime: Runtime, steps: tuple[str, ...]) -> Exchange:
    for kinds in ("organisations users", *steps):
        fill(runtime, *kinds.split())
    return Exchange(runtime)
