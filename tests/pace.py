"""How long a test may wait. Speed is judged by the benchmarks; a test finds what hangs, or grows with the square."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

BUSY = 5  # times as long is what a machine gets that does much else


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """What takes `seconds` at most on a quiet machine, by the wall's clock."""
    began = time.monotonic()
    yield
    took = time.monotonic() - began
    assert took < seconds * BUSY, f"{took:.1f} s, where {seconds} would do on a quiet machine"
