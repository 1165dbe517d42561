"""Fills an index anew beside the one that is read, checks it, and puts it in its place in one step."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from meilisearch import Client

from search.engine import Document, EngineUnavailable
from search.indexes import IndexSpec
from search.meili.documents import payloads
from search.meili.making import marker
from search.meili.tasks import follow, number_of
from search.validation import check_document

Convert = Callable[[IndexSpec, Document], dict[str, Any]]
"""What an index holds of a checked document."""

Pairs = list[Mapping[str, list[str]]]

BATCH = 2_000  # documents sent at once: fewer, larger payloads are faster
LARGEST_PAYLOAD = 32_000_000  # bytes; the server takes 100 MB
UNDER_WAY = 4  # payloads the server may have before it: it merges those that wait
SWAPS = 3  # a swap that a crash has replayed is made once more


class Sum:
    """A check sum of ids and versions in any order, so that two sets can be compared without holding either."""

    def __init__(self) -> None:
        self.count = 0
        self._sum = 0

    def add(self, name: str, version: int) -> None:
        """Count one in."""
        self._change(name, version, 1)

    def remove(self, name: str, version: int) -> None:
        """Take one out again."""
        self._change(name, version, -1)

    def _change(self, name: str, version: int, by: int) -> None:
        digest = hashlib.blake2b(f"{name} {version}".encode(), digest_size=16).digest()
        self._sum += by * int.from_bytes(digest)
        self.count += by

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sum) and (self.count, self._sum) == (other.count, other._sum)

    __hash__ = None  # type: ignore[assignment]  # it changes


def fill(client: Client, copies: Mapping[str, Convert], spec: IndexSpec, documents: Iterable[Document]) -> Sum:
    """Send all documents, a later one over an earlier one of its id, and return once they can be found.

    `copies` are the indexes that hold them, each with the form in which it does.
    """
    sent = Sum()
    versions: dict[str, int] = {}
    waiting: deque[int] = deque()
    stream = iter(documents)
    while batch := list(islice(stream, BATCH)):
        latest: dict[str, Document] = {}
        for document in batch:
            check_document(spec, document)
            identity = str(document["id"])
            latest[identity] = document
            if identity in versions:
                sent.remove(identity, versions[identity])
            versions[identity] = int(document["version"])  # type: ignore[arg-type]  # checked above
            sent.add(identity, versions[identity])
        for name, form in copies.items():
            pieces = payloads((form(spec, one) for one in latest.values()), largest=LARGEST_PAYLOAD)
            waiting += (send(client, name, piece) for piece in pieces)
        while len(waiting) > UNDER_WAY:
            follow(client, [waiting.popleft()])
    follow(client, [*waiting])
    return sent


def send(client: Client, name: str, sent: bytes) -> int:
    """Hand a payload over, and give the number of the task that puts it in."""
    answer = client.http.post(f"indexes/{name}/documents", sent, "application/x-ndjson")
    return number_of(answer)


def exchange(client: Client, pairs: Pairs) -> int:
    """Have the indexes of each pair change places, and give the number of the task that does it."""
    return number_of(client.http.post("swap-indexes", pairs))


def swap(client: Client, fresh: Mapping[str, str], marks: Mapping[str, str]) -> None:
    """Put the indexes that were filled in the place of the live ones, all in one step.

    `fresh` maps live names to those just filled; `marks` to what tells these apart. A server that crashes between a
    swap and its note of it swaps again, back to the old: so the marks decide, not the task.
    """
    pairs: Pairs = [{"indexes": [live, filled]} for live, filled in fresh.items()]
    for _ in range(SWAPS):
        if any(marker(client, filled) != marks[live] for live, filled in fresh.items()):
            raise EngineUnavailable(
                f"{', '.join(fresh.values())}: removed while being filled; start the rebuild again"
            )
        follow(client, [exchange(client, pairs)])
        if all(marker(client, live) == mark for live, mark in marks.items()):
            return
    raise EngineUnavailable(f"{', '.join(fresh)}: could not be swapped; nothing is lost, start the rebuild again")


def all_of(versions: Iterator[tuple[str, int]]) -> Sum:
    """The check sum of what an index tells."""
    total = Sum()
    for name, version in versions:
        total.add(name, version)
    return total
