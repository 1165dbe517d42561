"""Telling people: rows into inboxes, webhooks out of one worker, and whether a receiver that hangs delays the others.

What is told is a new result of a saved search. Receivers live in a process of their own on loopback, so that their
work is not counted as ours.
"""

from __future__ import annotations

import multiprocessing
import statistics
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from sqlmodel import col, select

from benchmarks import floors
from benchmarks.measure import Figure, Times, clock, in_child, latency
from benchmarks.receiving import HANG, Arrival, Receiver, receiving
from benchmarks.world import console, opened
from market import schema
from market.delivery.channels import Target
from market.delivery.messages import Entry, Group, Message
from market.delivery.posting import Poster
from market.delivery.webhooks import WebhookChannel, new_secret
from market.models import DeliveryItem, Organisation, Outcome, User
from market.outbox import SENDING, JobName
from market.runtime import Runtime
from market.services.rights.access import Principal
from market.services.telling import endpoints
from market.services.telling.telling import News, tell
from market.worker import lanes, runner

_ROUNDS = 3
_INBOX_ROWS, _AT_ONCE = 10_000, 1_000
_ENDPOINTS, _EVENTS, _IN_FLIGHT = 100, 20, 64
_WEATHER_ENDPOINTS, _WEATHER_SECONDS, _PAUSE, _EVERY = 50, 8.0, 0.05, 10
_KIND = "subscription_hit"
_SPAWN = multiprocessing.get_context("spawn")


def measure(folder: Path) -> list[Figure]:
    """All three, each on data of its own in this folder."""
    return [
        measure_inbox(folder / "inbox"),
        measure_sending(folder / "sending"),
        *measure_weather(folder / "weather"),
    ]


def measure_inbox(data: Path) -> Figure:
    """Tell 500 people of 20 results, a thousand rows in a transaction; and insert the same rows into a bare table."""
    console.print(f"{_INBOX_ROWS:,} inbox rows")
    ours: list[float] = []
    bare: list[float] = []
    with opened(data) as runtime:
        people, results = _inhabit(runtime, people=500)
        for turn in range(_ROUNDS + 1):
            news = [_news(user, one, f"{turn}:{one.id}") for one in results for user in people]
            batches = [news[start : start + _AT_ONCE] for start in range(0, _INBOX_ROWS, _AT_ONCE)]
            ours.append(clock(partial(_tell_all, runtime, batches)))
            bare.append(_insert_bare(data / f"floor-{turn}.db", data / "market.db"))
    return Figure(
        name="inbox rows", unit="rows/s", value=_INBOX_ROWS / statistics.median(ours[1:]), goal="≥ 10,000/s",
        floor_name="executemany INSERT of the same rows, no indexes", floor=_INBOX_ROWS / statistics.median(bare[1:]),
        note=f"{_AT_ONCE:,} in a transaction",
    )  # fmt: skip


def _tell_all(runtime: Runtime, batches: Sequence[Sequence[News]]) -> None:
    for batch in batches:
        with runtime.db.writing() as session:
            tell(session, batch, now=runtime.clock())


def _insert_bare(path: Path, source: Path) -> float:
    """Seconds for the newest rows of the source in a table with the same columns, in as many transactions."""
    connection = floors.connect(path)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("ATTACH DATABASE ? AS source", (str(source),))
    newest = "SELECT * FROM source.notifications ORDER BY rowid DESC LIMIT ?"
    rows = connection.execute(newest, (_INBOX_ROWS,)).fetchall()
    connection.execute("CREATE TABLE bare AS SELECT * FROM source.notifications LIMIT 0")
    connection.execute("DETACH DATABASE source")
    marks = ", ".join("?" * len(rows[0]))

    def insert() -> None:
        for start in range(0, len(rows), _AT_ONCE):
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(f"INSERT INTO bare VALUES ({marks})", rows[start : start + _AT_ONCE])
            connection.execute("COMMIT")

    seconds = clock(insert)
    connection.close()
    return seconds


def measure_sending(data: Path) -> Figure:
    """One worker sends what is planned already; beside it, 64 threads of another process send ready-made messages."""
    count = _ENDPOINTS * _EVENTS
    console.print(f"{count:,} webhooks")
    ours: list[float] = []
    bare: list[float] = []
    with receiving() as receiver, opened(data, writes_index=True, send_to_loopback=True) as runtime:
        people, results = _inhabit(runtime, people=_ENDPOINTS)
        for number, user in enumerate(people):
            _add_webhook(runtime, user, receiver.url(f"/{number}"))
        runtime.engine.close()  # the worker writes the index
        for turn in range(_ROUNDS):
            plan(runtime, [_news(user, one, f"{turn}:{one.id}") for one in results for user in people])
            with working(data):
                ours.append(_speed(receiver.first(count)))
            bare.append(in_child(send_bare, receiver.url("/bare"), count))
            receiver.first(count)
    return Figure(
        name="webhooks from one worker", unit="messages/s", value=statistics.median(ours), goal="≥ 500/s",
        floor_name=f"bare send from {_IN_FLIGHT} threads", floor=statistics.median(bare),
        note=f"{_ENDPOINTS} endpoints × {_EVENTS} events, first to last arrival",
    )  # fmt: skip


def plan(runtime: Runtime, news: Sequence[News]) -> None:
    """Put it into the inboxes and do everything but sending."""
    for start in range(0, len(news), _AT_ONCE):
        _tell_all(runtime, [news[start : start + _AT_ONCE]])
        while runner.run_once(runtime, background=False, without=SENDING | {JobName.RECONCILE}):
            pass


def _speed(arrivals: Sequence[Arrival]) -> float:
    moments = sorted(one.at for one in arrivals)
    return (len(moments) - 1) / (moments[-1] - moments[0])


def send_bare(url: str, count: int) -> float:
    """Messages a second of the channel alone."""
    channel = WebhookChannel(Poster(loopback=True))
    target, now = Target(url, (new_secret(),)), datetime.now(UTC)
    messages = [_ready_made(now) for _ in range(count)]
    with ThreadPoolExecutor(_IN_FLIGHT) as pool:
        seconds = clock(lambda: list(pool.map(lambda one: channel.send(one, target, now=now), messages)))
    channel.close()
    return count / seconds


def _ready_made(now: datetime) -> Message:
    entry = Entry(str(uuid.uuid4()), _KIND, "New for “coatings”: a coating", "", "https://qiao.example/x", now)
    return Message(str(uuid.uuid4()), "event", "en", "Wang", entry.title, (Group("", "", (entry,)),))


def measure_weather(data: Path) -> list[Figure]:
    """A stream of news that leaves the worker time to spare: how long after it was due each arrived, in turn without
    and with an endpoint that takes everything and never answers."""
    console.print("one receiver that hangs")
    times: dict[bool, list[list[float]]] = {False: [], True: []}
    with opened(data, writes_index=True, send_to_loopback=True) as runtime:
        people, results = _inhabit(runtime, people=_WEATHER_ENDPOINTS)
        runtime.engine.close()
        for turn in range(2 * _ROUNDS):
            hangs = bool(turn % 2)
            with working(data), receiving() as receiver:  # the receiver ends first, and frees who waits for it
                for number, user in enumerate(people):
                    _renew_webhook(runtime, user, receiver.url(HANG if hangs and not number else f"/{number}"))
                plan(runtime, [])
                times[hangs].append(_stream(runtime, receiver, people, results[0], f"{turn}"))
    alone, beside = (Times.of(one for some in times[hangs] for one in some) for hangs in (False, True))
    each = {hangs: ", ".join(f"{Times.of(some).p95:.0f}" for some in times[hangs]) for hangs in times}
    note = f"p95 of each round: {each[True]}; without one: {each[False]}"
    return [
        latency("due to received, beside one that hangs", beside, "without one", alone, note=note),
        Figure(name="of that p95, times without one", unit="x", value=beside.p95 / alone.p95, goal="≤ 1.1 x"),
    ]


def _stream(runtime: Runtime, receiver: Receiver, people: Sequence[User], about: Outcome, label: str) -> list[float]:
    """Tell one after the other, and now and then the first, whose endpoint may hang; gives seconds for the others."""
    first, *others = people
    count, end = 0, time.monotonic() + _WEATHER_SECONDS
    while time.monotonic() < end:
        told = [others[count % len(others)], *([] if count % _EVERY else [first])]
        _tell_all(runtime, [[_news(user, about, f"{label}:{count}") for user in told]])
        count += 1
        time.sleep(_PAUSE)
    received = {one.identity: one.at for one in receiver.first(count, but="/0")}
    due = _due(runtime)
    return [max(0.0, at - due[identity]) for identity, at in received.items()]


def _due(runtime: Runtime) -> dict[str, float]:
    """When each delivery was due."""
    rows = select(DeliveryItem.delivery_id, DeliveryItem.due_at).where(col(DeliveryItem.delivery_id).is_not(None))
    with runtime.db.reading() as session:
        return {str(identity): due.timestamp() for identity, due in session.execute(rows).tuples()}


def _inhabit(runtime: Runtime, *, people: int) -> tuple[list[User], list[Outcome]]:
    """An empty house with people, half of whom read English, and published results to tell them of."""
    schema.migrate(runtime.db)
    with runtime.db.writing() as session:
        organisation = Organisation(name_zh="研究院", kind="research_institute", region="120000")
        session.add(organisation)
        session.flush()
        users = [
            User(email=f"person{number}@people.example", name=f"Person {number}", language=("zh", "en")[number % 2])
            for number in range(people)
        ]
        results = [
            Outcome(
                organisation_id=organisation.id, title_zh=f"海上风电塔筒长效防腐涂层 {number}",
                title_en=f"Long-life coating for offshore wind towers {number}", state="published",
                published_at=runtime.clock(),
            )
            for number in range(_EVENTS)
        ]  # fmt: skip
        session.add_all([*users, *results])
    return users, results


def _news(user: User, about: Outcome, event: str) -> News:
    return News(user, _KIND, f"{_KIND}:{event}", about, details={"name": "防腐涂层"})


def _add_webhook(runtime: Runtime, user: User, url: str) -> None:
    with runtime.db.writing() as session:
        wanted = {"channel": "webhook", "address": url, "events": [_KIND]}
        endpoints.create(session, runtime.post, _principal(user), wanted, now=runtime.clock())


def _renew_webhook(runtime: Runtime, user: User, url: str) -> None:
    """In place of those that there are."""
    with runtime.db.writing() as session:
        for one in endpoints.of_user(session, user.id):
            session.delete(one)
    _add_webhook(runtime, user, url)


def _principal(user: User) -> Principal:
    return Principal(user.id)


@contextmanager
def working(data: Path) -> Iterator[None]:
    """A worker in a process of its own, as `market worker` is one."""
    end = _SPAWN.Event()
    process = _SPAWN.Process(target=_work, args=(data, end), daemon=True)
    process.start()
    try:
        yield
    finally:
        end.set()
        process.join(30)
        process.kill()
        process.join()


def _work(data: Path, end: Any) -> None:
    stop = threading.Event()
    threading.Thread(target=lambda: (end.wait(), stop.set()), daemon=True).start()
    with opened(data, writes_index=True, send_to_loopback=True) as runtime:
        lanes.work(runtime, stop)
