"""Refuses at once while a server is away. Knows neither which server nor how it is asked."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Breaker:
    """Spares callers from waiting for the timeout one by one.

    It opens after so many failures in a row; after a pause one request may try, and closes it if that goes well.
    """

    def __init__(
        self,
        error: type[Exception],
        refusal: str,
        *,
        failures: int = 3,
        pause: float = 2.0,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """`error` counts as a failure, and is raised with `refusal` while it is open; `pause` in seconds."""
        self._error = error
        self._refusal = refusal
        self._limit = failures
        self._pause = pause
        self._now = now
        self._failed = 0
        self._until = 0.0
        self._lock = threading.Lock()

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Around each request. Raises the error where none should be sent."""
        with self._lock:
            if self._failed >= self._limit:
                if self._now() < self._until:
                    raise self._error(self._refusal)
                self._until = self._now() + self._pause  # this one tries; the others go on being refused
        try:
            yield
        except self._error:
            with self._lock:
                self._failed += 1
                self._until = self._now() + self._pause
            raise
        with self._lock:
            self._failed = 0
