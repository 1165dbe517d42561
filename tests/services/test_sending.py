"""From the inbox to the outside: by preferences, at the right time, in one message, and only what is still news."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from market.models import Attempt, Delivery, DeliveryItem, Endpoint, Notification, User
from market.runtime import Runtime
from market.services.telling import endpoints, notifications
from tests.delivery.mail_server import MailServer
from tests.delivery.receivers import Receiver, Request, answering, receiving
from tests.factories import Person, SettableClock, add_member, opened
from tests.services.mailbox import (
    add_endpoint,
    deliveries,
    mail_endpoint,
    news,
    next_job,
    prefer,
    principal,
    rows,
    run_until,
)

pytestmark = pytest.mark.long

MONDAY = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)  # ten in the morning in Shanghai


@pytest.fixture
def mails() -> Iterator[MailServer]:
    with MailServer().running() as server:
        yield server


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving(answering()) as listening:
        yield listening


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock(MONDAY)


@pytest.fixture
def runtime(tmp_path: Path, template: Path, clock: SettableClock, mails: MailServer) -> Iterator[Runtime]:
    settings = {
        "mail_url": mails.url,
        "mail_from": "Qiao <news@qiao.example>",
        "send_to_loopback": True,
        "public_url": "https://qiao.example",
    }
    with opened(tmp_path / "data", template, clock, **settings) as built:
        yield built


@pytest.fixture
def person(runtime: Runtime) -> Person:
    return add_member(runtime)


def bodies(receiver: Receiver) -> list[dict[str, Any]]:
    return [json.loads(request.body) for request in receiver.requests]


def subjects(mails: MailServer) -> list[str]:
    return [str(one.mail["Subject"]) for one in mails.received]


def verified(request: Request, secret: str) -> bool:
    """Whether one of its signatures is of this secret. The official verifier wants the time to be the real one."""
    moment = datetime.fromtimestamp(int(request.headers["webhook-timestamp"]), UTC)
    signature = Webhook(secret).sign(request.headers["webhook-id"], moment, request.body.decode())
    return signature in request.headers["webhook-signature"].split()


def test_a_webhook_is_told_each_event_by_itself_with_a_signature_that_its_secret_verifies(
    runtime: Runtime, drain: Any, person: Person, receiver: Receiver
) -> None:
    _, secret = add_endpoint(runtime, person, "webhook", receiver.url(), events=["subscription_hit"])
    news(runtime, [person], ["甲", "乙", "丙"])
    drain()
    assert all(verified(one, secret) for one in receiver.requests)
    titles = {one["data"]["title"] for one in bodies(receiver)}
    assert titles == {f"订阅“我的订阅”有新结果：{title}" for title in "甲乙丙"}
    assert len({one.headers["webhook-id"] for one in receiver.requests}) == 3
    drain()
    assert len(receiver.requests) == 3


def test_after_a_change_of_secret_both_verify_for_a_day(
    runtime: Runtime, drain: Any, clock: SettableClock, person: Person, receiver: Receiver
) -> None:
    endpoint, before = add_endpoint(runtime, person, "webhook", receiver.url(), events=["subscription_hit"])
    with runtime.db.writing() as session:
        _, after = endpoints.rotate_secret(session, runtime.post, principal(person), endpoint, now=clock())
    told = []
    for title in "甲乙":
        news(runtime, [person], [title])
        drain()
        told.append([verified(receiver.requests[-1], secret) for secret in (before, after)])
        clock.advance(days=2)
    assert told == [[True, True], [False, True]]


def test_mail_tells_at_once_what_somebody_waits_for(
    runtime: Runtime, drain: Any, person: Person, mails: MailServer
) -> None:
    news(runtime, [person], ["甲"])
    drain()
    [received] = mails.received
    assert received.recipients == (person.email,)
    assert "订阅“我的订阅”有新结果：甲" in str(received.mail["Subject"])
    assert received.mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert re.fullmatch(r"<https://qiao\.example/click/.+>", received.mail["List-Unsubscribe"])


def test_what_is_due_together_goes_in_one_mail(
    runtime: Runtime, drain: Any, person: Person, mails: MailServer
) -> None:
    news(runtime, [person], ["甲", "乙"])
    drain()
    [received] = mails.received
    assert {"甲", "乙"} <= set(received.part("plain"))
    assert [one.kind for one in deliveries(runtime)] == ["digest"]


def test_a_daily_digest_comes_in_the_morning_with_all_of_the_day(
    runtime: Runtime, clock: SettableClock, person: Person, mails: MailServer
) -> None:
    prefer(runtime, person, rhythms={"subscription_hit": {"mail": "daily"}})
    for title in "甲乙":
        news(runtime, [person], [title])
        clock.advance(hours=2)
    run_until(runtime, clock, MONDAY + timedelta(hours=21))
    assert mails.received == []
    run_until(runtime, clock, MONDAY + timedelta(days=3))
    [received] = mails.received
    assert "2 条新消息" in str(received.mail["Subject"])
    assert received.mail["Date"].datetime == datetime(2026, 3, 3, 0, 0, tzinfo=UTC)


def test_nothing_is_sent_when_nothing_is_new(
    runtime: Runtime, clock: SettableClock, person: Person, mails: MailServer
) -> None:
    prefer(runtime, person, rhythms={"subscription_hit": {"mail": "weekly"}})
    run_until(runtime, clock, MONDAY + timedelta(days=15))
    assert mails.received == []
    assert rows(runtime, Delivery) == []


def test_what_is_turned_off_is_in_the_inbox_only(
    runtime: Runtime, drain: Any, person: Person, mails: MailServer
) -> None:
    prefer(runtime, person, rhythms={"subscription_hit": {"mail": "off"}})
    news(runtime, [person], ["甲"])
    drain()
    assert len(rows(runtime, Notification)) == 1
    assert mails.received == []


def test_in_quiet_hours_only_security_notices_come(
    runtime: Runtime, clock: SettableClock, person: Person, mails: MailServer
) -> None:
    prefer(runtime, person, quiet_from=22 * 60, quiet_to=7 * 60)
    clock.now = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)  # eleven at night
    news(runtime, [person], ["甲"])
    news(runtime, [person], ["有人登录"], kind="security")
    run_until(runtime, clock, clock() + timedelta(hours=1))
    assert [subject.startswith("安全提醒") for subject in subjects(mails)] == [True]
    assert next_job(runtime) == datetime(2026, 3, 2, 23, 0, tzinfo=UTC)  # seven in the morning
    run_until(runtime, clock, datetime(2026, 3, 3, 0, 0, tzinfo=UTC))
    assert len(mails.received) == 2


def test_a_retry_waits_for_the_end_of_quiet_hours(
    runtime: Runtime, clock: SettableClock, person: Person, mails: MailServer
) -> None:
    prefer(runtime, person, quiet_from=11 * 60, quiet_to=20 * 60)
    mails.answers["DATA"] = "451 later"
    news(runtime, [person], ["甲"])
    run_until(runtime, clock, MONDAY + timedelta(minutes=50))
    tried = len(rows(runtime, Attempt))
    assert tried > 1
    run_until(runtime, clock, MONDAY + timedelta(hours=9))
    assert len(rows(runtime, Attempt)) == tried + (next_job(runtime) is None)
    mails.answers.clear()
    run_until(runtime, clock, MONDAY + timedelta(hours=20))
    assert len({one.mail["Message-ID"] for one in mails.received}) == 1
    for attempt in rows(runtime, Attempt):
        assert not 11 <= (attempt.created_at + timedelta(hours=8)).hour < 20


def test_beyond_the_cap_of_a_day_the_rest_comes_in_the_next_days_digest(
    runtime: Runtime, clock: SettableClock, person: Person, mails: MailServer
) -> None:
    prefer(runtime, person, daily_cap=2)
    for title in "甲乙丙丁":
        news(runtime, [person], [title])
        run_until(runtime, clock, clock() + timedelta(minutes=5))
    assert len(mails.received) == 2
    run_until(runtime, clock, MONDAY + timedelta(days=1))
    assert len(mails.received) == 3
    assert "2 条新消息" in subjects(mails)[-1]


def test_what_was_read_meanwhile_is_not_sent(
    runtime: Runtime, clock: SettableClock, person: Person, mails: MailServer
) -> None:
    prefer(runtime, person, rhythms={"subscription_hit": {"mail": "daily"}})
    news(runtime, [person], ["甲", "乙"])
    with runtime.db.writing() as session:
        notifications.read(session, principal(person), rows(runtime, Notification)[0].id, now=clock())
    run_until(runtime, clock, MONDAY + timedelta(days=2))
    assert ["乙" in one.part("plain") and "甲" not in one.part("plain") for one in mails.received] == [True]


def test_where_all_was_read_nothing_is_sent(
    runtime: Runtime, clock: SettableClock, person: Person, mails: MailServer
) -> None:
    prefer(runtime, person, rhythms={"subscription_hit": {"mail": "daily"}})
    news(runtime, [person], ["甲"])
    with runtime.db.writing() as session:
        notifications.read_all(session, principal(person), now=clock())
    run_until(runtime, clock, MONDAY + timedelta(days=2))
    assert mails.received == []
    assert rows(runtime, Attempt) == []


def test_what_was_put_off_is_told_once_more_and_only_then(
    runtime: Runtime, clock: SettableClock, person: Person, mails: MailServer
) -> None:
    news(runtime, [person], ["甲"])
    run_until(runtime, clock, clock() + timedelta(minutes=1))
    [row] = rows(runtime, Notification)
    with runtime.db.writing() as session:
        notifications.snooze(session, principal(person), row.id, until=MONDAY + timedelta(days=7), now=clock())
    with runtime.db.reading() as session:
        assert notifications.inbox(session, principal(person), limit=10, now=clock()) == []
    run_until(runtime, clock, MONDAY + timedelta(days=6))
    assert len(mails.received) == 1
    run_until(runtime, clock, MONDAY + timedelta(days=8))
    assert len(mails.received) == 2
    run_until(runtime, clock, MONDAY + timedelta(days=30))
    assert len(mails.received) == 2


def test_every_attempt_is_on_record(
    runtime: Runtime, clock: SettableClock, person: Person, mails: MailServer
) -> None:
    mails.answers["RCPT"] = "451 busy"
    news(runtime, [person], ["甲"])
    run_until(runtime, clock, clock() + timedelta(seconds=2))
    mails.answers.clear()
    run_until(runtime, clock, clock() + timedelta(minutes=10))
    [delivery] = rows(runtime, Delivery)
    assert (delivery.state, delivery.attempts) == ("sent", 2)
    tried = sorted(rows(runtime, Attempt), key=lambda one: one.id)
    assert [(one.outcome, one.status) for one in tried] == [("failed", 451), ("sent", 250)]
    assert mail_endpoint(runtime, person).failing_since is None


def test_somebody_who_has_left_is_not_told(
    runtime: Runtime, clock: SettableClock, person: Person, mails: MailServer
) -> None:
    news(runtime, [person], ["甲"])
    with runtime.db.writing() as session:
        user = session.get_one(User, person.id)
        user.active = False
        session.add(user)
    run_until(runtime, clock, MONDAY + timedelta(days=1))
    assert mails.received == []


def test_an_endpoint_hears_only_of_what_it_asked_for(
    runtime: Runtime, drain: Any, person: Person, receiver: Receiver
) -> None:
    add_endpoint(runtime, person, "webhook", receiver.url(), events=["security"])
    drain()
    before = len(receiver.requests)
    news(runtime, [person], ["甲"])
    drain()
    assert len(receiver.requests) == before
    news(runtime, [person], ["有人登录"], kind="security")
    drain()
    assert bodies(receiver)[before]["type"] == "security"


def test_telling_again_tells_nobody_twice(
    runtime: Runtime, drain: Any, person: Person, receiver: Receiver, mails: MailServer
) -> None:
    add_endpoint(runtime, person, "webhook", receiver.url(), events=["subscription_hit"])
    for _ in range(3):
        news(runtime, [person], ["甲", "乙"])
        drain()
    assert len(receiver.requests) == 2
    assert sum("有新结果" in one.part("plain") for one in mails.received) == 1
    assert len(rows(runtime, DeliveryItem)) == 4 + 1  # and the mail that an endpoint was added


def test_positions_of_an_inbox_grow_without_a_repeat(runtime: Runtime, drain: Any, person: Person) -> None:
    other = add_member(runtime)
    for title in "甲乙丙":
        news(runtime, [person, other], [title])
    for one in (person, other):
        mine = [row.position for row in rows(runtime, Notification) if row.recipient_id == one.id]
        assert sorted(mine) == [1, 2, 3]


def test_addresses_and_secrets_are_not_in_the_database_in_clear(
    runtime: Runtime, person: Person, receiver: Receiver
) -> None:
    _, secret = add_endpoint(runtime, person, "webhook", receiver.url("/very-secret-path"))
    [endpoint] = [one for one in rows(runtime, Endpoint) if one.channel == "webhook"]
    kept = json.dumps(endpoint.model_dump(mode="json"))
    assert "very-secret-path" not in kept
    assert secret not in kept
