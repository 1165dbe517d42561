"""A process that starts workers and writers by forking, each from a line of JSON, so that starting costs little.

Each child kills or stops itself at a point that its order names, or works on until somebody ends it. It says
`{"pid": ...}` for each child; the product has no hooks: its own functions are wrapped here, in the child only.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlmodel import Session, select

from market import logs, outbox
from market.app import create_app
from market.delivery.mail import MailChannel
from market.delivery.smtp import Connection
from market.delivery.webhooks import WebhookChannel
from market.models import Organisation, Outcome
from market.runtime import Runtime, build
from market.services.listings import listings
from market.services.rights.access import SYSTEM
from market.services.telling import delivering
from market.settings import Settings
from market.worker import lanes
from search.embedded import EmbeddedEngine

Order = dict[str, Any]


def die() -> None:
    """As kill -9 does: no handler, no `finally`, no flush."""
    os.kill(os.getpid(), signal.SIGKILL)


def pause() -> None:
    """As a suspended machine does: every thread stands still."""
    os.kill(os.getpid(), signal.SIGSTOP)


def after_put(act: Callable[[], None]) -> None:
    """The index is written, the database does not know yet."""
    put = EmbeddedEngine.put

    def wrapped(self: EmbeddedEngine, *arguments: Any) -> None:
        put(self, *arguments)
        act()

    EmbeddedEngine.put = wrapped  # type: ignore[method-assign]


def at_commit(ours: Callable[[], bool], *, before: bool) -> None:
    """Die in the commit that `ours` tells, before or after it is durable."""
    commit = Session.commit

    def wrapped(self: Session) -> None:
        if ours() and before:
            die()
        commit(self)
        if ours():
            die()

    Session.commit = wrapped  # type: ignore[method-assign]


def finishing(name: str) -> Callable[[], bool]:
    """Whether this thread is in the transaction that ends jobs of this name."""
    held = threading.local()
    finish = outbox.finish

    def wrapped(session: Session, jobs: Any) -> int:
        held.name = jobs[0].name.value
        return finish(session, jobs)

    outbox.finish = wrapped
    return lambda: getattr(held, "name", "") == name


def posting() -> Callable[[], bool]:
    """Whether this thread is in the transaction that stores a listing."""
    held = threading.local()
    enqueue = listings.enqueue

    def wrapped(*arguments: Any, **options: Any) -> None:
        held.yes = True
        enqueue(*arguments, **options)

    listings.enqueue = wrapped
    return lambda: getattr(held, "yes", False)


def beginning() -> Callable[[], bool]:
    """Whether this thread is in the transaction that puts on record what is about to be sent."""
    held = threading.local()
    begin = delivering.begin

    def wrapped(*arguments: Any, **options: Any) -> Any:
        tries = begin(*arguments, **options)
        held.yes = bool(tries)
        return tries

    delivering.begin = wrapped
    return lambda: getattr(held, "yes", False)


def after_send(channel: Any) -> None:
    """The other side has taken it, the database does not know yet."""
    send = channel.send

    def wrapped(*arguments: Any, **options: Any) -> None:
        send(*arguments, **options)
        die()

    channel.send = wrapped


def within_mail() -> None:
    """Half of a mail is handed over."""

    def data(self: Connection, letter: bytes) -> None:
        self.putcmd("data")
        self.getreply()
        self.send(letter[: len(letter) // 2])
        die()

    Connection.data = data  # type: ignore[assignment, method-assign]


_COMMITTED: dict[str, Callable[[], Callable[[], bool]]] = {"post": posting, "begin": beginning}
_POINTS: dict[str, Callable[[], None]] = {
    "put": lambda: after_put(die),
    "pause": lambda: after_put(pause),
    "sent webhook": lambda: after_send(WebhookChannel),
    "sent mail": lambda: after_send(MailChannel),
    "half a mail": within_mail,
}


def wrap(point: str) -> None:
    """Arm one of _POINTS, or `before` or `after` with what is committed: a job's name, `post`, or `begin`."""
    when, _, what = point.partition(" ")
    if point in _POINTS:
        _POINTS[point]()
    elif point:
        ours = _COMMITTED[what]() if what in _COMMITTED else finishing(what)
        at_commit(ours, before=when == "before")


def work(runtime: Runtime, _: Order) -> None:
    """As `market worker` does."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    lanes.work(runtime, stop)


def post(runtime: Runtime, order: Order) -> None:
    """One POST, and its answer to a file."""
    headers = {"Authorization": f"Bearer {order['key']}", "Idempotency-Key": order["idempotency_key"]}
    response = create_app(runtime).test_client().post("/api/v1/outcomes", json=order["body"], headers=headers)
    Path(order["answer"]).write_text(response.text)


def write(runtime: Runtime, order: Order) -> None:
    """Write as fast as it goes for some seconds, and say how often that went well and what went wrong."""
    done, wrong, slowest = 0, [], 0.0
    until = time.monotonic() + order["seconds"]
    with runtime.db.reading() as session:
        organisation = session.exec(select(Organisation.id)).first()
    while time.monotonic() < until:
        began = time.monotonic()
        try:
            with runtime.db.writing() as session:
                listings.add(
                    session, SYSTEM, Outcome, {"title_en": "x", "submit": True}, now=runtime.clock(),
                    organisation_id=organisation, owner_id=None,
                )  # fmt: skip
            done += 1
        except Exception as error:  # whatever reaches a caller is what the test is about
            wrong.append(repr(error))
        slowest = max(slowest, time.monotonic() - began)
    Path(order["answer"]).write_text(json.dumps({"done": done, "wrong": wrong, "slowest": slowest}))


TASKS: dict[str, Callable[[Runtime, Order], None]] = {"work": work, "post": post, "write": write}


def child(order: Order) -> None:
    """Do what the order says, in the forked process."""
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    logs.configure("info")
    wrap(order["point"])
    runtime = build(Settings(**order["settings"]), writes_index=order["task"] == "work")
    TASKS[order["task"]](runtime, order)
    runtime.close()


def main() -> None:
    """Fork a child for each line, and reap those that ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # no zombies: a pid that is gone is gone
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            try:
                child(json.loads(line))
            finally:
                os._exit(0)
        print(json.dumps({"pid": pid}), flush=True)


if __name__ == "__main__":
    main()
