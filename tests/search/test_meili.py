"""The engine on a Meilisearch server: the shared contract on a real one."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from asking import emptied
from contract import EngineContract

from search.engine import Engine
from search.indexes import INDEXES
from search.meili import MeiliEngine
from tests.servers import GivenServer, MeiliServer

Server = MeiliServer | GivenServer


class TestContract(EngineContract):
    @pytest.fixture(scope="class")
    @classmethod
    def new_engine(cls, new_meili: Callable[..., MeiliEngine]) -> Callable[[], Engine]:
        def new() -> Engine:
            engine = new_meili(specs=INDEXES)
            engine.sync(apply=True)
            return engine

        return new

    @pytest.fixture(scope="class")
    @classmethod
    def made(cls, meili: Server, prefixes: Iterator[str], new_meili: Callable[..., MeiliEngine]) -> str:
        """The prefix of indexes that are there: making them takes longer than most of what is done with them."""
        prefix = next(prefixes)
        new_meili(prefix=prefix, specs=INDEXES).sync(apply=True)
        return prefix

    @pytest.fixture
    def engine(self, meili: Server, made: str, new_meili: Callable[..., MeiliEngine]) -> Engine:
        emptied(meili, made)
        return new_meili(prefix=made, specs=INDEXES)
