"""What a call is made of: how long its pieces take, and which calls of others would have to be made in any case."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

from market.matching import likeness
from search.engine import Engine, Frequencies, Page, Query

Place = tuple[Any, str]
"""A module or class, and the name of one of its functions."""


class Recorder:
    """The engine, and what was asked of it and, inside `listening`, compared."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._searches: list[Callable[[], Any]] = []
        self._comparisons: list[Callable[[], Any]] = []

    def search(self, index: str, query: Query) -> Page:
        self._searches.append(partial(self._engine.search, index, query))
        return self._engine.search(index, query)

    def frequencies(self, index: str, terms: Any) -> Frequencies:
        return self._engine.frequencies(index, terms)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Note what is compared as well."""

        def noted(*sides: Any) -> Any:
            self._comparisons.append(partial(compare, *sides))
            return compare(*sides)

        compare = likeness.compare
        with _replaced((likeness, "compare"), noted):
            yield

    def search_again(self) -> None:
        """Ask the engine all of it once more."""
        for search in self._searches:
            search()

    def compare_again(self) -> None:
        """Compare all of it once more."""
        for compare in self._comparisons:
            compare()

    def again(self) -> None:
        """All of it once more."""
        self.search_again()
        self.compare_again()


@contextmanager
def watching(places: Mapping[str, Place]) -> Iterator[dict[str, float]]:
    """The seconds that each of these functions takes inside, by name. None of them may call another."""
    spent = dict.fromkeys(places, 0.0)
    with ExitStack() as stack:
        for name, place in places.items():
            stack.enter_context(_replaced(place, _timed(getattr(*place), spent, name)))
        yield spent


def _timed(function: Callable[..., Any], spent: dict[str, float], name: str) -> Callable[..., Any]:
    def timed(*arguments: Any, **named: Any) -> Any:
        began = time.perf_counter()
        try:
            return function(*arguments, **named)
        finally:
            spent[name] += time.perf_counter() - began

    return timed


@contextmanager
def _replaced(place: Place, function: Callable[..., Any]) -> Iterator[None]:
    before = getattr(*place)
    setattr(*place, function)
    try:
        yield
    finally:
        setattr(*place, before)
