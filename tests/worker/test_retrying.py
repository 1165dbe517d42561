"""When a failed job is tried again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from market.worker.retry import Retry

CHANCES = st.floats(0, 1, exclude_max=True)
ATTEMPTS = st.integers(1, 10_000)
POLICIES = st.builds(
    Retry,
    attempts=st.integers(1, 50),
    first_seconds=st.floats(0.01, 60),
    longest_seconds=st.floats(60, 86_400),
)


def test_each_delay_doubles_until_the_longest() -> None:
    policy = Retry(first_seconds=1, longest_seconds=20)
    longest = [policy.delay(attempt, chance=1).total_seconds() for attempt in range(1, 8)]
    assert longest == [1, 2, 4, 8, 16, 20, 20]


@given(POLICIES, ATTEMPTS, CHANCES)
def test_a_delay_lies_between_half_its_ceiling_and_the_ceiling(policy: Retry, attempts: int, chance: float) -> None:
    ceiling = min(policy.longest_seconds, policy.first_seconds * 2.0 ** min(attempts - 1, 30))
    delay = policy.delay(attempts, chance=chance).total_seconds()
    assert ceiling / 2 - 1e-6 <= delay <= ceiling + 1e-6


@given(POLICIES, ATTEMPTS)
def test_no_delay_is_longer_than_the_longest_however_often_it_was_tried(policy: Retry, attempts: int) -> None:
    assert 0 < policy.delay(attempts, chance=0.999).total_seconds() <= policy.longest_seconds


@given(POLICIES, ATTEMPTS, CHANCES)
def test_with_the_same_chance_a_later_attempt_never_comes_sooner(policy: Retry, attempts: int, chance: float) -> None:
    assert policy.delay(attempts, chance=chance) <= policy.delay(attempts + 1, chance=chance)


@given(POLICIES, ATTEMPTS, CHANCES, CHANCES)
def test_the_chance_spreads_jobs_that_failed_together(policy: Retry, attempts: int, one: float, other: float) -> None:
    earlier, later = (policy.delay(attempts, chance=chance) for chance in sorted((one, other)))
    assert earlier <= later


@given(POLICIES, ATTEMPTS)
def test_a_job_is_given_up_once_it_was_tried_as_often_as_allowed(policy: Retry, attempts: int) -> None:
    assert policy.exhausted(attempts) == (attempts >= policy.attempts)
