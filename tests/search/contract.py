"""What every engine must do. A subclass gives `new_engine`; nothing here knows which one it is.

Asserts sets, filters, facets, paging and visibility; the order of a page only where a sort decides it.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from contract_finding import Finding
from contract_narrowing import Narrowing
from contract_writing import Showing, Writing
from samples import THREE

from search.engine import Engine


class EngineContract(Finding, Narrowing, Showing, Writing):
    @pytest.fixture(scope="class")
    @classmethod
    def new_engine(cls) -> Callable[[], Engine]:
        """Makes an empty engine at each call, and closes them all in the end."""
        raise NotImplementedError

    @pytest.fixture
    def engine(self, new_engine: Callable[[], Engine]) -> Engine:
        return new_engine()

    @pytest.fixture
    def three(self, engine: Engine) -> Engine:
        """Three outcomes, to do with as a test likes."""
        engine.put("outcomes", THREE)
        return engine

    @pytest.fixture(scope="class")
    @classmethod
    def library(cls, new_engine: Callable[[], Engine]) -> Engine:
        """The same three, shared by tests that only read."""
        engine = new_engine()
        engine.put("outcomes", THREE)
        return engine
