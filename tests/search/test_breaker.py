"""A breaker refuses at once while a server is away, and lets one request try whether it is back."""

from __future__ import annotations

import pytest

from search.breaker import Breaker


class Away(Exception):
    """The server is away."""


class Clock:
    """Tells the time that a test sets."""

    def __init__(self) -> None:
        self.time = 0.0

    def __call__(self) -> float:
        return self.time


def breaker_at(clock: Clock) -> Breaker:
    return Breaker(Away, "asked again", failures=2, pause=5, now=clock)


def fail(breaker: Breaker, error: type[Exception] = Away) -> None:
    with breaker.guard():
        raise error("does not answer")


def opened(clock: Clock) -> Breaker:
    breaker = breaker_at(clock)
    for _ in range(2):
        with pytest.raises(Away, match="does not answer"):
            fail(breaker)
    return breaker


def test_after_so_many_failures_nothing_is_sent() -> None:
    breaker = opened(Clock())
    with pytest.raises(Away, match="asked again"), breaker.guard():
        pytest.fail("a request was sent")


def test_a_success_between_two_failures_keeps_the_way_open() -> None:
    breaker = breaker_at(Clock())
    with pytest.raises(Away):
        fail(breaker)
    with breaker.guard():
        pass
    for _ in range(2):
        with pytest.raises(Away, match="does not answer"):
            fail(breaker)


def test_other_errors_are_no_failures_of_the_server() -> None:
    breaker = breaker_at(Clock())
    for _ in range(5):
        with pytest.raises(KeyError):
            fail(breaker, KeyError)
    with breaker.guard():
        pass


def test_one_request_tries_while_the_others_are_refused() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.time = 6.0
    with breaker.guard(), pytest.raises(Away, match="asked again"):
        fail(breaker)  # while the first is still waiting for its answer


def test_a_request_that_goes_well_lets_all_through_again() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.time = 6.0
    for _ in range(3):
        with breaker.guard():
            pass


def test_a_request_that_tries_and_fails_begins_another_pause() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.time = 6.0
    with pytest.raises(Away, match="does not answer"):
        fail(breaker)
    clock.time = 10.0
    with pytest.raises(Away, match="asked again"):
        fail(breaker)
