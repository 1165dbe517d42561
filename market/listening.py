"""How a process that waits hears of other transactions that have committed: PostgreSQL tells, SQLite does not."""

from __future__ import annotations

import threading
from typing import Any

import psycopg
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import PoolProxiedConnection

CHANNEL = "market_jobs"
"""What is listened on."""

_LOST = (OperationalError, PoolTimeoutError, psycopg.Error)


class Bell:
    """Listens on a connection of its own for what statements that ring (db.py) tell. Used by one thread."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: PoolProxiedConnection | None = None
        self._listening = False

    def wait(self, stop: threading.Event, seconds: float) -> bool:
        """Wait for it. False at once where nothing can be heard: the connection is lost and cannot be made."""
        try:
            if not self._listening:
                self._listen()
                return True  # what was told before nobody has heard: look
            assert self._connection is not None
            line: Any = self._connection.dbapi_connection
            # A signal sets `stop` without ending the wait: short waits notice.
            for _ in range(10):
                if stop.is_set() or next(line.notifies(timeout=seconds, stop_after=1), None):
                    break
            # Whoever listens and is busy keeps the server waiting with what it has to tell, and others with it.
            self._say(f"UNLISTEN {CHANNEL}")
            self._listening = False
            for _ in line.notifies(timeout=0):
                pass  # one look is enough for all that was told
        except _LOST:
            self.close()
            return False
        return True

    def _listen(self) -> None:
        if self._connection is None:
            self._connection = self._engine.raw_connection()
            self._connection.detach()  # it would else be missing from the pool
        self._say(f"LISTEN {CHANNEL}")
        self._listening = True

    def _say(self, statement: str) -> None:
        assert self._connection is not None
        self._connection.cursor().execute(statement)

    def close(self) -> None:
        """Hang up; the next wait listens anew."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None
        self._listening = False
