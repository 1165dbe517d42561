"""A worker shows that it lives, from a thread of its own: a job that takes long is no reason to think it dead."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy.exc import SQLAlchemyError

from market.runtime import Runtime
from market.services.trail import workers


@contextmanager
def shown(runtime: Runtime) -> Iterator[str]:
    """Show it at once and then again and again while the block runs; take leave at its end. Gives the name."""
    name = f"{socket.gethostname()}:{os.getpid()}"
    done = threading.Event()

    def show() -> None:
        # What goes wrong now may go well next time; several signs may be missed.
        with suppress(SQLAlchemyError), runtime.db.writing() as session:
            workers.alive(session, name, now=runtime.clock())

    def keep_showing() -> None:
        while not done.wait(workers.EVERY.total_seconds()):
            show()

    show()
    thread = threading.Thread(target=keep_showing, name="presence", daemon=True)
    thread.start()
    try:
        yield name
    finally:
        done.set()
        thread.join()
        with suppress(SQLAlchemyError), runtime.db.writing() as session:
            workers.gone(session, name)
