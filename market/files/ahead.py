"""A file read in a process of its own, ahead of whoever stores its rows; the process ends with its reading.

It takes a third of a second to start, so it is for files of some thousand rows; these are what reading.read gives.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import islice
from typing import Any, BinaryIO

from market.files import reading
from market.files.faults import Fault, Row

PIECE = 2001
"""Rows and faults that are handed over at once: so far it is ahead, and no further. One more than a batch that is
stored: that the next row has another line ends a batch."""


def read(
    kind: str,
    source: BinaryIO,
    *,
    name: str,
    mapping: Mapping[str, str] | None = None,
    words: Mapping[str, Mapping[str, str]] | None = None,
    start: int = 0,
    places: dict[str, str] | None = None,
) -> Iterator[Row | Fault]:
    """The same as reading.read, of an open file of this machine, at which nobody else looks meanwhile.

    Whatever becomes of the process, the rows come: the rest is then read here.
    """
    how: dict[str, Any] = {"name": name, "mapping": mapping, "words": words, "start": start}
    taken = 0
    with suppress(EOFError, OSError, pickle.UnpicklingError):
        for there, piece in _pieces(source, kind, how):
            if places is not None:
                places |= there
            for one in piece:
                taken += 1
                yield one
        return
    yield from islice(reading.read(kind, source, **how, places=places), taken, None)


def _pieces(
    source: BinaryIO, kind: str, how: Mapping[str, Any]
) -> Iterator[tuple[dict[str, str], list[Row | Fault]]]:
    """What the process sends, each piece with the places of fields, up to the empty one that is its last. Raises
    EOFError where it ended before."""
    descriptor = source.fileno()
    source.flush()
    # A group of its own: what a terminal sends is for whoever reads here, and this ends with them.
    with subprocess.Popen(  # noqa: S603  # it is ourselves
        [sys.executable, "-m", __name__],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=[descriptor], process_group=0,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(pickle.dumps((descriptor, kind, how)))
            process.stdin.close()
            while (sent := pickle.load(process.stdout))[1]:  # noqa: S301  # it is what we have just started that writes
                there, piece = sent
                yield there, [Row(*one) if one.__class__ is tuple else one for one in piece]
        finally:
            process.kill()


def _send() -> None:
    """What the process does; where nobody takes what it sends, it ends without a word."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    descriptor, kind, how = pickle.load(sys.stdin.buffer)  # noqa: S301  # whoever started us wrote it
    with os.fdopen(descriptor, "rb") as source:
        places: dict[str, str] = {}
        found = reading.read(kind, source, **how, places=places)
        while True:
            # Tuples come out of a pickle several times as fast as rows do.
            piece = [(one.line, one.data) if one.__class__ is Row else one for one in islice(found, PIECE)]
            pickle.dump((places, piece), sys.stdout.buffer, pickle.HIGHEST_PROTOCOL)
            sys.stdout.buffer.flush()
            if not piece:
                return


if __name__ == "__main__":
    _send()
