"""A server for the tests of remote embedders, and failures of the shared contract explained as in test modules."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from embedding_server import Server, embeddings_server

pytest.register_assert_rewrite("embedding_contract")


@pytest.fixture
def server() -> Iterator[Server]:
    with embeddings_server() as server:
        yield server
