"""When a delivery is tried again, and when nobody tries any more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.delivery.retrying import DELAYS, gives_up, next_attempt

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("attempts", "seconds"),
    [(0, 0), (1, 5), (2, 300), (3, 1800), (4, 7200), (5, 18000), (6, 36000), (7, 36000)],
)
def test_each_attempt_has_its_delay_and_a_tenth_more_at_most(attempts: int, seconds: float) -> None:
    assert next_attempt(attempts, chance=0) == timedelta(seconds=seconds)
    assert next_attempt(attempts, chance=1) == timedelta(seconds=seconds) * 1.1


@pytest.mark.parametrize("attempts", [8, 9, 100])
def test_after_eight_attempts_it_is_given_up_whatever_is_asked_for(attempts: int) -> None:
    assert next_attempt(attempts, chance=0.5) is None
    assert next_attempt(attempts, chance=0.5, retry_after=timedelta(seconds=1)) is None


@given(
    st.integers(0, len(DELAYS) - 1),
    st.floats(0, 1),
    st.none() | st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=1)),
)
def test_what_is_asked_for_is_never_cut_short(attempts: int, chance: float, asked: timedelta | None) -> None:
    delay = next_attempt(attempts, chance=chance, retry_after=asked)
    least = max(DELAYS[attempts], asked or timedelta(0))
    assert delay is not None
    assert least <= delay <= least * 1.1 + timedelta(microseconds=1)


def test_an_endpoint_is_given_up_after_five_days_of_failing() -> None:
    assert not gives_up(None, NOW)
    assert not gives_up(NOW - timedelta(days=5) + timedelta(seconds=1), NOW)
    assert gives_up(NOW - timedelta(days=5), NOW)
