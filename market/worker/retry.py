"""When a failed job is tried again: a pure value."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Retry:
    """Exponential back-off with full jitter, so that jobs which failed together do not come back together."""

    attempts: int = 8
    first_seconds: float = 1.0
    longest_seconds: float = 300.0

    def exhausted(self, attempts: int) -> bool:
        """Whether a job tried so often is given up."""
        return attempts >= self.attempts

    def delay(self, attempts: int, *, chance: float) -> timedelta:
        """How long to wait after the n-th attempt; `chance` is drawn from [0, 1) by the caller."""
        ceiling = min(self.longest_seconds, self.first_seconds * 2.0 ** min(attempts - 1, 30))
        return timedelta(seconds=ceiling * (0.5 + chance / 2))
