"""When a failed delivery is tried again, and when an endpoint is given up. Pure: time and chance are given."""

from __future__ import annotations

from datetime import datetime, timedelta

DELAYS = (
    timedelta(0),
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=10),
)
"""Before the first attempt and before each further one: a day and a bit in all."""

JITTER = 0.1
"""Of the delay, at most; so that what failed together does not come back together."""

DISABLED_AFTER = timedelta(days=5)


def next_attempt(attempts: int, *, chance: float, retry_after: timedelta | None = None) -> timedelta | None:
    """How long to wait after so many attempts; None where there have been enough.

    `chance` is from 0 to 1. What the other side asked for is never cut short: jitter only adds.
    """
    if attempts >= len(DELAYS):
        return None
    return max(DELAYS[attempts], retry_after or timedelta(0)) * (1 + JITTER * chance)


def gives_up(failing_since: datetime | None, now: datetime) -> bool:
    """Whether an endpoint has failed for so long, with no success between, that it is disabled."""
    return failing_since is not None and now - failing_since >= DISABLED_AFTER
