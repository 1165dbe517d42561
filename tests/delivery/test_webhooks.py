"""Webhooks that the official library accepts, and what the answers mean."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta, timezone

import pytest
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from market.delivery.channels import Channel, Target
from market.delivery.messages import Message
from market.delivery.posting import Poster
from market.delivery.webhooks import WebhookChannel, content, new_secret
from tests.delivery.messages import BODY, NOW, message
from tests.delivery.receivers import Receiver, answering, hanging, receiving
from tests.servers import free_port

OLD, NEW = new_secret(), new_secret()


@pytest.fixture
def channel(poster: Poster) -> Channel:
    return WebhookChannel(poster)


def verified(receiver: Receiver, secret: str, number: int = -1) -> dict[str, object]:
    request = receiver.requests[number]
    told = Webhook(secret).verify(request.body, request.headers)
    assert isinstance(told, dict)
    return told


def test_the_official_verifier_accepts_what_is_sent(channel: Channel, receiver: Receiver) -> None:
    receipt = channel.send(message("新的匹配"), Target(receiver.url(), (NEW,)), now=datetime.now(UTC))
    assert (receipt.outcome, receipt.status) == ("sent", 200)
    told = verified(receiver, NEW)
    assert told == {
        "type": "match.found",
        "timestamp": "2026-05-04T12:00:00Z",
        "data": {
            "id": "n1",
            "kind": "match_found",
            "title": "新的匹配",
            "url": "https://qiao.example/matches/m1",
            "listing": {"type": "demands", "id": "d1"},
            "match_id": "m1",
        },
    }
    assert receiver.requests[0].headers["content-type"] == "application/json"
    assert BODY.encode() not in receiver.requests[0].body


def test_during_a_rotation_either_secret_verifies_and_a_third_does_not(channel: Channel, receiver: Receiver) -> None:
    channel.send(message("A"), Target(receiver.url(), (NEW, OLD)), now=datetime.now(UTC))
    assert verified(receiver, NEW) == verified(receiver, OLD)
    assert receiver.requests[0].headers["webhook-signature"].count("v1,") == 2
    with pytest.raises(WebhookVerificationError):
        verified(receiver, new_secret())


def test_a_changed_body_id_or_time_is_refused(channel: Channel, receiver: Receiver) -> None:
    channel.send(message("A"), Target(receiver.url(), (NEW,)), now=datetime.now(UTC))
    request = receiver.requests[0]
    stamp = int(request.headers["webhook-timestamp"])
    for body, headers in (
        (request.body.replace(b"A", b"B"), request.headers),
        (request.body, {**request.headers, "webhook-id": "msg_2"}),
        (request.body, {**request.headers, "webhook-timestamp": str(stamp + 1)}),
    ):
        with pytest.raises(WebhookVerificationError):
            Webhook(NEW).verify(body, headers)


def test_the_id_and_the_body_stay_and_the_time_moves_with_each_attempt(channel: Channel, receiver: Receiver) -> None:
    target, later = Target(receiver.url(), (NEW,)), NOW + timedelta(hours=2)
    for now in (NOW, later.astimezone(timezone(timedelta(hours=8)))):
        channel.send(message("A"), target, now=now)
    first, second = receiver.requests
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == "msg_1"
    assert first.body == second.body
    assert int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) == 7200
    moment = later.replace(tzinfo=UTC)
    assert second.headers["webhook-signature"] == Webhook(NEW).sign("msg_1", moment, second.body.decode())


@pytest.mark.parametrize(
    ("sent", "kind", "count"),
    [
        (message("A", "B", kind="digest"), "digest", 2),
        (message("A", kind="digest"), "digest", 1),
        (message(kind="digest"), "digest", 0),
    ],
)
def test_a_digest_tells_its_entries(sent: Message, kind: str, count: int) -> None:
    told = content(sent, NOW)
    assert told["type"] == kind
    assert [one["id"] for one in told["data"]["entries"]] == [f"n{number}" for number in range(1, count + 1)]


def test_a_trial_tells_nothing() -> None:
    assert content(message("A", kind="test"), NOW) == {
        "type": "test.ping",
        "timestamp": "2026-05-04T12:00:00Z",
        "data": {},
    }


@pytest.mark.parametrize(
    ("status", "headers", "outcome", "pause"),
    [
        (200, {}, "sent", None),
        (202, {}, "sent", None),
        (204, {}, "sent", None),
        (410, {}, "gone", None),
        (429, {"Retry_After": "120"}, "failed", timedelta(minutes=2)),
        (503, {"Retry_After": "Mon, 04 May 2026 12:10:00 GMT"}, "failed", timedelta(minutes=10)),
        (503, {"Retry_After": "9999999"}, "failed", timedelta(hours=24)),
        (429, {}, "failed", None),
        (500, {"Retry_After": "120"}, "failed", None),
        (301, {"Location": "/other"}, "failed", None),
        (304, {}, "failed", None),
        (400, {}, "failed", None),
        (404, {}, "failed", None),
    ],
)
def test_the_status_says_what_became_of_it(
    status: int, headers: dict[str, str], outcome: str, pause: timedelta | None, channel: Channel, poster: Poster
) -> None:
    with receiving(answering(status, b"" if status in (204, 304) else b"whsec_echo", **headers)) as receiver:
        receipt = channel.send(message("A"), Target(receiver.url(), (NEW,)), now=NOW)
        assert (receipt.outcome, receipt.status, receipt.retry_after) == (outcome, status, pause)
        assert "echo" not in receipt.detail
        assert len(receiver.requests) == 1
        poster.close()


def test_whatever_happens_on_the_way_is_a_receipt() -> None:
    channel = WebhookChannel(Poster(loopback=True, seconds=0.2))
    with receiving(hanging) as receiver:
        for url in (receiver.url("/k3y"), f"http://127.0.0.1:{free_port()}/k3y", "https://10.0.0.1/k3y", "k3y://"):
            receipt = channel.send(message("A"), Target(url, (NEW,)), now=NOW)
            assert receipt.outcome == "failed"
            assert receipt.detail
            assert "k3y" not in receipt.detail


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_a", "no base64 at all!"])
def test_without_a_secret_nothing_is_sent(secret: str, channel: Channel, receiver: Receiver) -> None:
    receipt = channel.send(message("A"), Target(receiver.url(), (secret,)), now=NOW)
    assert receipt.outcome == "refused"
    assert receiver.accepted == 0


def test_a_new_secret_is_well_formed_and_never_the_same() -> None:
    made = {new_secret() for _ in range(100)}
    assert len(made) == 100
    assert all(len(base64.b64decode(one.removeprefix("whsec_"))) == 32 for one in made)


def test_a_good_target_passes_and_a_bad_one_says_what_to_mend(channel: Channel) -> None:
    channel.check(Target("https://hooks.example/a", (NEW, OLD)))
    WebhookChannel(Poster(loopback=False)).check(Target("https://hooks.example/a", (NEW,)))
    short = "whsec_" + base64.b64encode(b"x" * 23).decode()
    for target, words in (
        (Target("ftp://hooks.example/", (NEW,)), "https"),
        (Target("https://169.254.169.254/", (NEW,)), "public"),
        (Target("https://hooks.example/"), "secret"),
        (Target("https://hooks.example/", (NEW, "plain")), "whsec_"),
        (Target("https://hooks.example/", (NEW.removeprefix("whsec_"),)), "whsec_"),
        (Target("https://hooks.example/", (short,)), "24 to 64"),
        (Target("https://hooks.example/", (NEW,) * 9), "at most"),
    ):
        with pytest.raises(ValueError, match=words):
            channel.check(target)
