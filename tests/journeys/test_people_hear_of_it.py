"""The service and its worker as they run: a search is kept, an outcome is posted, and people hear of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from standardwebhooks.webhooks import Webhook

from tests.delivery.mail_server import MailServer
from tests.delivery.receivers import Receiver, answering, receiving
from tests.factories import payload
from tests.journeys.test_the_service_as_it_runs import environment, run, serving, stop, until

__all__ = ["environment"]  # a fixture

pytestmark = pytest.mark.long


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving(answering()) as listening:
        yield listening


@pytest.fixture
def mails() -> Iterator[MailServer]:
    with MailServer().running() as server:
        yield server


def test_a_new_outcome_reaches_its_fan_by_inbox_webhook_mail_stream_and_feed_each_once(
    tmp_path: Path, environment: dict[str, str], receiver: Receiver, mails: MailServer
) -> None:
    environment |= {
        "MARKET_SEND_TO_LOOPBACK": "true",
        "MARKET_MAIL_URL": mails.url,
        "MARKET_MAIL_FROM": "Qiao <news@qiao.example>",
    }
    run(environment, "init", "--demo", "fixtures")
    keys = json.loads((tmp_path / "data" / "demo-keys.json").read_text())
    other = json.loads(run(environment, "keys", "create", "member@org-a01.example", "--json"))["key"]
    title = "潮差区自修复涂层"

    with serving(environment, tmp_path / "log") as service:

        def call(method: str, path: str, body: Any = None) -> Any:
            status, answer = service.call(method, f"/api/v1/{path}", body, keys["member"])
            assert status < 300, answer
            return answer

        endpoint = call("POST", "endpoints", {"channel": "webhook", "address": receiver.url()})
        kept = call("POST", "subscriptions", {"noun": "outcome", "query": f"q={quote('自修复 涂层')}", "feed": True})
        seen = call("GET", "notifications/wait?seconds=0")["position"]
        status, posted = service.call(
            "POST", "/api/v1/outcomes", payload("outcome", title_zh=title, submit=True), other
        )
        assert (status, posted["state"]) == (201, "published")

        def hits(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
            return [one for one in told if one["kind"] == "subscription_hit"]

        [told] = until(lambda: hits(call("GET", f"notifications/wait?after={seen}&seconds=5")["items"]))
        assert (told["listing_id"], title in told["title"]) == (posted["id"], True)

        def webhooks() -> list[Any]:
            verified = [
                Webhook(endpoint["secret"]).verify(one.body.decode(), one.headers) for one in receiver.requests
            ]
            return [one for one in verified if one["type"] == "subscription.hit"]

        [webhook] = until(webhooks)
        assert webhook["data"]["id"] == told["id"]
        until(lambda: [one for one in mails.received if title in one.part("plain")])
        assert posted["id"] in service.text("GET", urlsplit(kept["feed"]).path)[1]
        sent = [one for one in call("GET", "deliveries")["items"] if one["state"] == "sent"]
        assert {one["channel"] for one in sent} >= {"webhook", "mail"}
        assert stop(service) == 0
    assert len(webhooks()) == 1
    assert sum(title in one.part("plain") for one in mails.received) == 1
    log = (tmp_path / "log").read_text()
    assert "Traceback" not in log
    assert endpoint["secret"] not in log
    assert urlsplit(kept["feed"]).path not in log
