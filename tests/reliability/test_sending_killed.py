"""kill -9 of a worker that sends: no event is lost, none is told twice but by a message that says it is the same."""

from __future__ import annotations

import json
import os
import random
import signal
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from market.models import Attempt, Delivery, DeliveryItem, Endpoint, Notification
from market.outbox import SENDING
from market.runtime import Runtime
from market.worker import runner
from tests.delivery.mail_server import MailServer
from tests.delivery.receivers import Receiver, answering, receiving
from tests.factories import Person, add_member
from tests.reliability.conftest import Installation, Nursery, runs, wait_until
from tests.services.mailbox import add_endpoint, news, rows
from tests.services.stock import jobs

KIND = "subscription_hit"
TITLES = [f"No. {number:04}" for number in range(4)]
KILLS = 40


@dataclass
class Outside:
    """Those who are told: a mail server and a receiver, both real, and what is known of who hears what."""

    mails: MailServer
    receiver: Receiver
    people: list[Person] = field(default_factory=list)

    @property
    def settings(self) -> dict[str, Any]:
        """What leads there."""
        return {
            "mail_url": self.mails.url,
            "mail_from": "Qiao <news@qiao.example>",
            "send_to_loopback": True,
        }

    @property
    def arrived(self) -> int:
        """Messages, those that came twice twice."""
        return len(self.mails.received) + len(self.receiver.requests)


@pytest.fixture
def outside() -> Iterator[Outside]:
    with MailServer().running() as mails, receiving(answering()) as receiver:
        yield Outside(mails, receiver)


def inhabit(runtime: Runtime, outside: Outside, count: int) -> None:
    """People who hear by mail and by a webhook each. That they added one they are told by mail."""
    for number in range(count):
        person = add_member(runtime)
        add_endpoint(runtime, person, "webhook", outside.receiver.url(f"/{number}"), events=[KIND])
        outside.people.append(person)


def start(nursery: Nursery, installation: Installation, outside: Outside, point: str = "", **settings: Any) -> int:
    """A worker that may die at a point."""
    return nursery.start(installation, point=point, settings={**outside.settings, **settings})


def told(runtime: Runtime) -> set[tuple[uuid.UUID, str]]:
    """Whom of what, by what stands in the inboxes, each once."""
    found = Counter((row.recipient_id, row.event) for row in rows(runtime, Notification))
    assert set(found.values()) <= {1}
    return set(found)


def open_attempts(runtime: Runtime) -> Counter[uuid.UUID]:
    """How many attempts of each delivery have come to nothing that anybody knows of."""
    return Counter(row.delivery_id for row in rows(runtime, Attempt) if not row.outcome)


def assert_all_told(runtime: Runtime, outside: Outside, expected: set[tuple[uuid.UUID, str]], *, kills: int) -> int:
    """All of it arrived, by one message for each event and endpoint; gives how many messages came once more."""
    assert [(row.name, row.state, row.error) for row in jobs(runtime)] == []
    assert {one for one in told(runtime) if one[1].startswith(KIND)} == expected
    deliveries = {row.id: row for row in rows(runtime, Delivery)}
    assert {row.state for row in deliveries.values()} == {"sent"}
    planned = {(row.notification_id, row.endpoint_id): row.delivery_id for row in rows(runtime, DeliveryItem)}
    notifications = {row.id: row for row in rows(runtime, Notification)}
    endpoints = {row.id: row for row in rows(runtime, Endpoint)}
    assert set(planned) == {
        (row.id, endpoint.id)
        for row in notifications.values()
        for endpoint in endpoints.values()
        if endpoint.user_id == row.recipient_id and (not endpoint.events or row.kind in endpoint.events)
    }
    arrived = arrivals(outside)
    assert set(arrived) == {str(one) for one in planned.values()} == {str(one) for one in deliveries}
    for (notification, endpoint), delivery in planned.items():
        address = f"/{outside.people.index(person_of(outside, endpoints[endpoint].user_id))}"
        for whom, what in arrived[str(delivery)]:
            assert whom in (address, person_of(outside, endpoints[endpoint].user_id).email)
            assert notifications[notification].title in what
    unknown = open_attempts(runtime)
    again = {one: len(messages) - 1 for one, messages in arrived.items()}
    assert all(count <= min(kills, unknown[uuid.UUID(one)]) for one, count in again.items() if count)
    return sum(again.values())


def person_of(outside: Outside, identity: uuid.UUID) -> Person:
    [found] = [one for one in outside.people if one.id == identity]
    return found


def arrivals(outside: Outside) -> dict[str, list[tuple[str, str]]]:
    """What came, by its id: to whom, and what it said. Of one id it said the same each time."""
    found: dict[str, list[tuple[str, str]]] = {}
    for request in outside.receiver.requests:
        if len(request.body) < int(request.headers["content-length"]):
            continue  # whoever sent it was killed in the middle, and no receiver takes half a message
        data = json.loads(request.body)["data"]
        found.setdefault(request.headers["webhook-id"], []).append((request.target, data["title"]))
    for mail in outside.mails.received:
        identity = str(mail.mail["Message-ID"]).strip("<>").partition("@")[0]
        found.setdefault(identity, []).append((mail.recipients[0], mail.part("plain")))
    assert all(len({whom for whom, _ in messages}) == 1 for messages in found.values())
    return found


def untold(runtime: Runtime, outside: Outside) -> bool:
    return not rows(runtime, DeliveryItem) and not outside.arrived


def planned_only(runtime: Runtime, outside: Outside) -> bool:
    return bool(rows(runtime, DeliveryItem)) and not rows(runtime, Delivery) and not outside.arrived


def begun(runtime: Runtime, outside: Outside) -> bool:
    return bool(open_attempts(runtime)) and not outside.arrived


def unknown(runtime: Runtime, outside: Outside) -> bool:
    return bool(outside.arrived) and bool(open_attempts(runtime))


def all_unknown(runtime: Runtime, outside: Outside) -> bool:
    return bool(outside.arrived) and {row.outcome for row in rows(runtime, Attempt)} == {""}


def half(runtime: Runtime, outside: Outside) -> bool:
    return bool(open_attempts(runtime)) and not outside.mails.received


def kept(runtime: Runtime, outside: Outside) -> bool:
    return "sent" in {row.outcome for row in rows(runtime, Attempt)}


# Where the worker dies, and what must be there at that moment.
POINTS: dict[str, Callable[[Runtime, Outside], bool]] = {
    "before dispatch": untold,
    "after dispatch": planned_only,
    "before begin": planned_only,
    "after begin": begun,
    "half a mail": half,
    "sent webhook": unknown,
    "sent mail": unknown,
    "before deliver": all_unknown,
    "after deliver": kept,
}
NONE_AGAIN = {"before dispatch", "after dispatch", "before begin", "after begin"}
SOME_AGAIN = {"sent webhook", "sent mail", "before deliver"}


@pytest.mark.parametrize("point", POINTS)
def test_what_a_worker_killed_there_leaves_behind_is_told_by_the_next_one(
    nursery: Nursery, installation: Installation, outside: Outside, point: str
) -> None:
    with installation.opened(writes_index=False, **outside.settings) as runtime:
        inhabit(runtime, outside, 3)
        news(runtime, outside.people, TITLES)
        expected = told_of(outside.people, TITLES)
    pid = start(nursery, installation, outside, point)
    wait_until(lambda: not runs(pid), seconds=30, what=f"the worker dies at: {point}")
    with installation.opened(writes_index=False, **outside.settings) as runtime:
        assert POINTS[point](runtime, outside)
    with installation.recovered(**outside.settings) as runtime:
        again = assert_all_told(runtime, outside, expected, kills=1)
    assert not (again and point in NONE_AGAIN)
    assert again or point not in SOME_AGAIN


def told_of(people: Sequence[Person], titles: Sequence[str]) -> set[tuple[uuid.UUID, str]]:
    """As `told` gives it, of those who are told all of these."""
    return {(person.id, f"{KIND}:{title}") for person in people for title in titles}


def test_another_worker_goes_on_once_the_lease_of_the_dead_one_has_run_out(
    nursery: Nursery, installation: Installation, outside: Outside
) -> None:
    with installation.opened(writes_index=False, **outside.settings) as runtime:
        inhabit(runtime, outside, 3)
        news(runtime, outside.people, TITLES)
        dead = start(nursery, installation, outside, "sent webhook", job_lease_seconds=1.0)
        wait_until(lambda: not runs(dead), seconds=30, what="the first worker dies")
        other = start(nursery, installation, outside)
        wait_until(lambda: not jobs(runtime) and all_sent(runtime), seconds=30, what="the other one tells all")
        os.kill(other, signal.SIGTERM)
        wait_until(lambda: not runs(other), seconds=10, what="the other one ends")
        assert assert_all_told(runtime, outside, told_of(outside.people, TITLES), kills=1) >= 1


def all_sent(runtime: Runtime) -> bool:
    """Whether everything is planned, and nothing waits."""
    return (
        all(row.planned for row in rows(runtime, Notification))
        and all(row.delivery_id for row in rows(runtime, DeliveryItem))
        and {row.state for row in rows(runtime, Delivery)} == {"sent"}
    )


@pytest.mark.parametrize("point", ["sent webhook", "before deliver", "after deliver"])
def test_who_lost_an_endpoint_is_told_so_once_whatever_was_killed_meanwhile(
    nursery: Nursery, installation: Installation, outside: Outside, point: str
) -> None:
    outside.receiver.answer = answering(410)
    with installation.opened(writes_index=False, **outside.settings) as runtime:
        inhabit(runtime, outside, 1)
        news(runtime, outside.people, TITLES[:1])
    pid = start(nursery, installation, outside, point)
    wait_until(lambda: not runs(pid), seconds=30, what=f"the worker dies at: {point}")
    with installation.recovered(**outside.settings) as runtime:
        assert [row.kind for row in rows(runtime, Notification)].count("endpoint_disabled") == 1
        assert [row.disabled_for for row in rows(runtime, Endpoint) if row.channel == "webhook"] == ["gone"]
        assert sum("已停用" in mail.part("plain") for mail in distinct(outside)) == 1


def distinct(outside: Outside) -> list[Any]:
    """The mails, each once."""
    return [*{str(mail.mail["Message-ID"]): mail for mail in outside.mails.received}.values()]


def test_of_more_news_than_are_planned_at_once_nothing_is_forgotten(
    installation: Installation, outside: Outside
) -> None:
    with installation.opened(writes_index=False, **outside.settings) as runtime:
        inhabit(runtime, outside, 3)
        news(runtime, outside.people[:2], [f"No. {number:04}" for number in range(1050)])
        news(runtime, outside.people[2:], TITLES)
        while runner.run_once(runtime, without=SENDING):
            pass
        unplanned = Counter(row.recipient_id for row in rows(runtime, Notification) if not row.planned)
        assert unplanned == {}


class Teller:
    """Tells everybody of one thing after the other, each by two transactions that know nothing of each other."""

    def __init__(self, runtime: Runtime, people: Sequence[Person], chance: random.Random) -> None:
        self.runtime = runtime
        self.told: set[tuple[uuid.UUID, str]] = set()
        self._people = people
        self._chance = chance

    def run(self, stop: threading.Event) -> None:
        """Until told to stop."""
        number = 0
        while not stop.wait(0.1):
            some, title = self._chance.sample(self._people, 5), f"No. {number:04}"
            both = [threading.Thread(target=news, args=(self.runtime, some, [title])) for _ in range(2)]
            for one in both:
                one.start()
            for one in both:
                one.join()
            self.told |= told_of(some, [title])
            number += 1


@contextmanager
def telling(runtime: Runtime, people: Sequence[Person], chance: random.Random) -> Iterator[Teller]:
    """A teller at work in a thread."""
    teller, stop = Teller(runtime, people, chance), threading.Event()
    thread = threading.Thread(target=teller.run, args=(stop,))
    thread.start()
    try:
        yield teller
    finally:
        stop.set()
        thread.join(20)


def test_of_workers_killed_at_random_while_they_send_nothing_is_lost_and_nothing_is_told_twice(
    nursery: Nursery, installation: Installation, outside: Outside, capsys: pytest.CaptureFixture[str]
) -> None:
    """One or two workers at a time; 40 kills while more than 300 notifications go to 20 people."""
    chance = random.Random(20212)
    slots: list[int] = []
    with installation.opened(writes_index=False, **outside.settings) as runtime:
        inhabit(runtime, outside, 20)
        with telling(runtime, outside.people, chance) as teller:
            for kill in range(KILLS):
                while len(slots) < chance.choice((1, 2)):
                    slots.append(worker(nursery, installation, outside, len(slots)))
                time.sleep(chance.uniform(0.1, 1.0))
                pid = slots.pop()
                assert runs(pid), f"a worker ended by itself before kill {kill}"
                nursery.end(pid)
        for pid in slots:
            nursery.end(pid)
    during = outside.arrived
    with installation.recovered(**outside.settings) as runtime:
        again = assert_all_told(runtime, outside, teller.told, kills=KILLS + 2)
    assert len(teller.told) >= 300
    assert during >= 100  # else it was not the killed ones that sent
    with capsys.disabled():
        print(
            f"\n{KILLS} kills, {len(teller.told)} notifications, {outside.arrived} messages, {during} of them while "
            f"workers were killed, {again} once more with the same id: none lost, none told twice"
        )


def worker(nursery: Nursery, installation: Installation, outside: Outside, place: int) -> int:
    """One with an index of its own, since of those beside each other one only may write it."""
    search = f"embedded:{installation.folder / f'search-{place}'}"
    return start(nursery, installation, outside, search_url=search, job_lease_seconds=2.0)
