"""An engine for the tests that need only one, and failures of the shared contract explained as in test modules."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from search.embedded import EmbeddedEngine

pytest.register_assert_rewrite("contract_finding", "contract_narrowing", "contract_writing")


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[EmbeddedEngine]:
    engine = EmbeddedEngine(tmp_path, writable=True)
    yield engine
    engine.close()
