"""Follows what the server was asked to write to its end: only then it can be found."""

from __future__ import annotations

import time
from collections.abc import Sequence

from meilisearch import Client

from search.engine import EngineUnavailable
from search.meili.transport import part

FIRST_LOOK, LONGEST_WAIT = 0.004, 0.25  # seconds between looks: a small write takes tens of milliseconds
PATIENCE = 3_600.0
"""Seconds after which a task is given up, for a queue that does not move; the write can be repeated."""

UNMADE = frozenset({"index_not_found", "index_primary_key_multiple_candidates_found"})
"""The server's names for a write into an index that we have not made, or that is gone."""


class TaskFailed(Exception):
    """The server has tried and given up, or was told to; `code` is its own name for the reason."""

    def __init__(self, code: str, kind: str, message: str) -> None:
        self.code = code
        self.kind = kind
        super().__init__(f"{code}: {message}")

    @property
    def blames_documents(self) -> bool:
        """Whether what was sent is at fault, not the server, its disk or its operator."""
        return self.kind == "invalid_request" and self.code not in UNMADE


def number_of(answer: object) -> int:
    """The number of the task that a write has become."""
    return int(part(answer, "taskUid"))


def follow(client: Client, tasks: Sequence[int]) -> None:
    """Return once all have succeeded. Raises TaskFailed for the first that has not, EngineUnavailable where the
    server goes away meanwhile or does not come to it."""
    until = time.monotonic() + PATIENCE
    for number in tasks:
        pause = FIRST_LOOK
        while (status := part(seen := client.http.get(f"tasks/{number}"), "status")) in ("enqueued", "processing"):
            if time.monotonic() > until:
                raise EngineUnavailable(f"the search server did not come to task {number} within {PATIENCE:.0f} s")
            time.sleep(pause)
            pause = min(pause * 1.5, LONGEST_WAIT)
        if status != "succeeded":
            error = seen.get("error") or {}
            raise TaskFailed(
                str(error.get("code", status)), str(error.get("type", "")), str(error.get("message", ""))
            )
