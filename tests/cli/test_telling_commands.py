"""channels, deliveries, digests, endpoints: what an operator sees and does of how people are told."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from cryptography.fernet import Fernet
from sqlmodel import select

from market.cli import market
from market.models import Delivery, Endpoint, User
from market.runtime import Runtime, build
from market.services.telling import endpoints, preferences
from market.settings import Settings
from market.vault import Vault
from market.vocabulary import vocabulary
from market.worker.runner import drain
from tests import databases
from tests.delivery.mail_server import MailServer
from tests.delivery.receivers import Receiver, answering, receiving
from tests.factories import Person, add_member, member_of

Run = Callable[..., Result]
Ask = Callable[..., Any]

SECRET = "whsec_" + "c2hvd24gb25jZSwgYW5kIG5ldmVyIGFnYWluISE="
KEYS = [Fernet.generate_key().decode() for _ in range(3)]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Takes everything, and leaves no connection open."""
    with receiving(answering(Connection="close")) as one:
        yield one


@pytest.fixture
def installed(run: Run, variables: dict[str, str]) -> dict[str, str]:
    """An installation that may send to this machine: its settings, to which more can be added."""
    variables["MARKET_SEND_TO_LOOPBACK"] = "true"
    variables["MARKET_ENCRYPTION_KEYS"] = KEYS[0]
    run("init")
    return variables


@pytest.fixture
def runtime(installed: dict[str, str], data: Path) -> Iterator[Runtime]:
    """The installation as its worker opens it."""
    configured = Settings(
        data=str(data),
        database_url=databases.url_of(data),
        embedder="none",
        send_to_loopback=True,
        encryption_keys=KEYS[0],
        mail_url="smtp://127.0.0.1:9",
        mail_from="Qiao <news@qiao.example>",
    )
    built = build(configured, writes_index=True)
    yield built
    built.close()


@pytest.fixture
def person(runtime: Runtime) -> Person:
    """Somebody."""
    return add_member(runtime)


def add(runtime: Runtime, person: Person, receiver: Receiver) -> Endpoint:
    """A webhook of theirs."""
    with runtime.db.writing() as session:
        principal = member_of(person.organisation_id, person.id)
        wanted = {"channel": "webhook", "address": receiver.url("/in?token=abcdef"), "events": ["match_found"]}
        made, _ = endpoints.create(session, runtime.post, principal, wanted, now=runtime.clock())
        session.flush()
        session.expunge(made)
        return made


def try_out(runtime: Runtime, person: Person, endpoint: Endpoint) -> str:
    """A trial, sent; the delivery's id."""
    with runtime.db.writing() as session:
        principal = member_of(person.organisation_id, person.id)
        identity = str(endpoints.try_out(session, runtime.post, principal, endpoint.id, now=runtime.clock()).id)
    drain(runtime)
    return identity


def kill(runtime: Runtime, identity: str) -> None:
    """Give a delivery up."""
    with runtime.db.writing() as session:
        for delivery in session.exec(select(Delivery)):
            if str(delivery.id) == identity:
                delivery.state, delivery.finished_at = "dead", runtime.clock()


def test_channels_are_listed_with_those_that_are_offered(installed: dict[str, str], ask: Ask) -> None:
    offered = {row["channel"]: row["offered"] for row in ask("channels", "list")}
    assert offered == {code: code != "mail" for code in vocabulary("channels").codes}


def test_a_trial_message_is_sent_at_once(installed: dict[str, str], ask: Ask, receiver: Receiver) -> None:
    told = ask("channels", "test", "webhook", receiver.url(), "--secret", SECRET)
    assert (told["outcome"], told["status"]) == ("sent", 200)
    [request] = receiver.requests
    assert json.loads(request.body)["type"] == "test.ping"
    assert request.headers["webhook-id"] == told["id"]


def test_a_trial_mail_is_sent_at_once(installed: dict[str, str], ask: Ask) -> None:
    with MailServer().running() as mails:
        installed.update({"MARKET_MAIL_URL": mails.url, "MARKET_MAIL_FROM": "Qiao <news@qiao.example>"})
        told = ask("channels", "test", "mail", "lin@institute.example", "--language", "en")
        assert told["outcome"] == "sent"
        assert [str(one.mail["Subject"]) for one in mails.received] == ["Qiao: a trial message"]


def test_a_trial_that_does_not_arrive_fails(installed: dict[str, str], ask: Ask, receiver: Receiver) -> None:
    receiver.answer = answering(500, Connection="close")
    told = ask("channels", "test", "webhook", receiver.url(), "--secret", SECRET, fails=True)
    assert (told["outcome"], told["status"]) == ("failed", 500)


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        (("mail", "lin@institute.example"), "set MARKET_MAIL_URL"),
        (("webhook", "https://example.org/in"), "--secret"),
        (("webhook", "ftp://example.org/in", "--secret", SECRET), "https://"),
        (("wecom", "https://example.org/in"), "https://qyapi.weixin.qq.com"),
    ],
)
def test_a_trial_that_cannot_be_sent_says_what_to_do(
    installed: dict[str, str], run: Run, arguments: tuple[str, ...], advice: str
) -> None:
    assert advice in run("channels", "test", *arguments, fails=True).stderr


def test_deliveries_are_listed_with_what_became_of_them(
    runtime: Runtime, person: Person, receiver: Receiver, ask: Ask, run: Run
) -> None:
    identity = try_out(runtime, person, add(runtime, person, receiver))
    [row] = [one for one in ask("deliveries", "list", "--user", person.email) if one["kind"] == "test"]
    assert (row["id"], row["channel"], row["state"], row["last"]["outcome"]) == (identity, "webhook", "sent", "sent")
    assert ask("deliveries", "list", "--state", "dead") == []
    assert len(ask("deliveries", "list", "--limit", "1")) == 1
    assert identity in run("deliveries", "list").stdout


def test_what_was_given_up_is_sent_again(runtime: Runtime, person: Person, receiver: Receiver, ask: Ask) -> None:
    endpoint = add(runtime, person, receiver)
    first, second, third = (try_out(runtime, person, endpoint) for _ in range(3))
    for identity in (first, second):
        kill(runtime, identity)
    assert ask("deliveries", "replay", first, third) == {"replayed": 1}
    assert ask("deliveries", "replay", "--all-dead") == {"replayed": 1}
    assert ask("deliveries", "replay", "--all-dead") == {"replayed": 0}
    drain(runtime)
    ids = [one.headers["webhook-id"] for one in receiver.requests]
    assert [ids.count(one) for one in (first, second, third)] == [2, 2, 1]


@pytest.mark.parametrize("arguments", [(), ("0192f0c1-7a52-7c3e-9b1d-3f6a8e5d4c21", "--all-dead")])
def test_replaying_wants_to_know_what(installed: dict[str, str], run: Run, arguments: tuple[str, ...]) -> None:
    assert "--all-dead" in run("deliveries", "replay", *arguments, fails=True).stderr


def test_a_digest_can_be_seen_before_it_is_sent(
    runtime: Runtime, person: Person, receiver: Receiver, ask: Ask, run: Run
) -> None:
    made = add(runtime, person, receiver)
    assert ask("digests", "preview", person.email) == {"subject": "", "text": "", "html": "", "items": 0}
    assert "Nothing waits" in run("digests", "preview", person.email).stderr
    with runtime.db.writing() as session:
        weekly = {"rhythms": {"endpoint_disabled": {"mail": "weekly"}}}
        preferences.change(session, session.get_one(User, person.id), weekly, now=runtime.clock())
        endpoints.disable(session, session.get_one(Endpoint, made.id), "failing", now=runtime.clock())
    drain(runtime)
    shown = ask("digests", "preview", person.email)
    assert shown["items"] == 1
    assert "http://127.0.0.1" in shown["text"]
    assert shown["text"] in run("digests", "preview", person.email).stdout
    assert run("digests", "preview", person.email, "--html").stdout.startswith("<!doctype html>")


def test_endpoints_are_listed_without_what_is_secret(
    runtime: Runtime, person: Person, receiver: Receiver, ask: Ask, run: Run
) -> None:
    made = add(runtime, person, receiver)
    add(runtime, add_member(runtime), receiver)
    assert len(ask("endpoints", "list")) == 2
    [row] = ask("endpoints", "list", "--user", person.email)
    assert (row["id"], row["user"], row["shown"]) == (str(made.id), person.email, "http://127.0.0.1")
    for told in (json.dumps(row), run("endpoints", "list").stdout):
        assert "abcdef" not in told
        assert "whsec_" not in told


@pytest.mark.parametrize(
    "command", [("deliveries", "list", "--user"), ("digests", "preview"), ("endpoints", "list", "--user")]
)
def test_an_address_that_is_nobodys_is_named(installed: dict[str, str], run: Run, command: tuple[str, ...]) -> None:
    assert "Nobody has the address x@nowhere.example" in run(*command, "x@nowhere.example", fails=True).stderr


def test_a_key_can_be_made_before_anything_is_set() -> None:
    settings = {"MARKET_ENVIRONMENT": "production", "MARKET_NONSENSE": "1"}
    made = CliRunner().invoke(market, ["endpoints", "new-key", "--json"], env=settings, catch_exceptions=False)
    key = json.loads(made.stdout)["key"]
    assert Vault([key]).open(Vault([key]).seal("x")) == "x"


def test_the_other_commands_of_endpoints_want_the_settings(whole: Callable[..., Any]) -> None:
    ended = whole("endpoints", "list", MARKET_NONSENSE="1")
    assert ended.status == 1
    assert "MARKET_NONSENSE is no setting" in ended.stderr


def test_with_a_new_key_in_front_everything_is_sealed_with_it(
    runtime: Runtime, person: Person, receiver: Receiver, installed: dict[str, str], ask: Ask, data: Path
) -> None:
    add(runtime, person, receiver)
    installed["MARKET_ENCRYPTION_KEYS"] = f"{KEYS[1]},{KEYS[0]}"
    assert ask("endpoints", "rotate-key") == {"sealed": 1}
    with runtime.db.reading() as session:
        [endpoint] = session.exec(select(Endpoint)).all()
        assert Vault([KEYS[1]]).open(endpoint.address) == receiver.url("/in?token=abcdef")
        assert Vault([KEYS[1]]).open(endpoint.secret).startswith("whsec_")


def test_where_a_key_is_missing_nothing_is_sealed_and_it_is_said(
    runtime: Runtime, person: Person, receiver: Receiver, installed: dict[str, str], run: Run
) -> None:
    made = add(runtime, person, receiver)
    installed["MARKET_ENCRYPTION_KEYS"] = KEYS[2]
    assert "at the end of MARKET_ENCRYPTION_KEYS" in run("endpoints", "rotate-key", fails=True).stderr
    with runtime.db.reading() as session:
        assert session.get_one(Endpoint, made.id).address == made.address
