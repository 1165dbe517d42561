"""/deliveries and /digest: what was sent, what became of it, what waits; nothing confidential in any of it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from market.db import Database
from market.runtime import Runtime
from tests.delivery.mail_server import MailServer
from tests.delivery.receivers import Receiver, answering, receiving
from tests.factories import Caller, SettableClock, opened, post

Drain = Callable[[], int]

CANARY = "杜鹃佯啼"
CANARY_MAIL = "canary-kestrel@secret.example"
CONTACT = {"contact_name": CANARY, "contact_phone": f"022-{CANARY}", "contact_email": CANARY_MAIL}


@pytest.fixture
def runtime(
    _data: tuple[Path, Database], template: Path, clock: SettableClock, mails: MailServer
) -> Iterator[Runtime]:
    """One that sends mail, and may send to this machine."""
    mails.received.clear()
    folder, database = _data
    sends = {"mail_url": mails.url, "mail_from": "Qiao <news@qiao.example>", "send_to_loopback": True}
    with opened(folder, template, clock, database=database, **sends) as built:
        yield built
        built.post.channels["mail"].close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Takes everything, and leaves no connection open."""
    with receiving(answering(Connection="close")) as one:
        yield one


def add(caller: Caller, receiver: Receiver, *events: str) -> str:
    """A webhook's id."""
    body = {"channel": "webhook", "address": receiver.url(), "events": [*events]}
    return str(caller.post("endpoints", body).json["id"])


def try_out(caller: Caller, endpoint: str, drain: Drain, times: int = 1) -> list[str]:
    """The ids of trials, sent one after the other."""
    ids = [caller.post(f"endpoints/{endpoint}/actions/test").json["id"] for _ in range(times)]
    drain()
    return ids


def matched(owner: Caller, stranger: Caller, drain: Drain, **fields: Any) -> None:
    """An outcome of the owner's and a demand of the stranger's that fit each other."""
    post(owner, "outcome", **fields)
    post(stranger, "demand", **fields)
    drain()


def test_deliveries_are_listed_newest_first_page_by_page(owner: Caller, receiver: Receiver, drain: Drain) -> None:
    endpoint = add(owner, receiver, "match_found")
    ids = try_out(owner, endpoint, drain, times=5)
    found, query = [], {"limit": 2, "endpoint": endpoint}
    while True:
        page = owner.get("deliveries", **query).json
        found += [one["id"] for one in page["items"]]
        if page["next"] is None:
            break
        query["cursor"] = page["next"]
    assert found == ids[::-1]


def test_a_cursor_is_good_for_its_list_only(owner: Caller, receiver: Receiver, drain: Drain) -> None:
    endpoint = add(owner, receiver, "match_found")
    try_out(owner, endpoint, drain, times=2)
    cursor = owner.get("deliveries", limit=1, endpoint=endpoint).json["next"]
    assert owner.get("deliveries", limit=1, cursor=cursor).status_code == 400


def test_deliveries_are_filtered_by_endpoint_and_state(owner: Caller, receiver: Receiver, drain: Drain) -> None:
    first, second = add(owner, receiver, "match_found"), add(owner, receiver, "match_found")
    [sent] = try_out(owner, first, drain)
    receiver.answer = answering(503, Connection="close")
    [waiting] = try_out(owner, second, drain)

    def listed(**query: str) -> list[str]:
        return [one["id"] for one in owner.get("deliveries", **query).json["items"] if one["kind"] == "test"]

    assert listed(endpoint=first) == [sent]
    assert listed(state="waiting") == [waiting]
    assert listed(state="sent", endpoint=second) == []
    assert owner.get("deliveries", state="lost").status_code == 422
    assert owner.get("deliveries", endpoint="none").status_code == 422


def test_each_attempt_is_on_record(owner: Caller, receiver: Receiver, drain: Drain, clock: SettableClock) -> None:
    receiver.answer = answering(503, Connection="close")
    [identity] = try_out(owner, add(owner, receiver, "match_found"), drain)
    shown = owner.get(f"deliveries/{identity}").json
    assert (shown["state"], shown["tries"], shown["channel"]) == ("waiting", 1, "webhook")
    assert shown["next_at"] > clock().isoformat()
    clock.advance(minutes=2)
    receiver.answer = answering(Connection="close")
    drain()
    shown = owner.get(f"deliveries/{identity}").json
    log = [(one["outcome"], one["status"]) for one in shown["attempts"]]
    assert log == [("failed", 503), ("sent", 200)]
    assert (shown["state"], shown["tries"], shown["next_at"]) == ("sent", 2, None)
    assert shown["attempts"][0]["detail"] == "the receiver answers 503"


def test_what_was_sent_can_be_sent_again_under_its_id(owner: Caller, receiver: Receiver, drain: Drain) -> None:
    [identity] = try_out(owner, add(owner, receiver, "match_found"), drain)
    answer = owner.post(f"deliveries/{identity}/actions/replay")
    assert (answer.status_code, answer.json["state"], answer.json["tries"]) == (200, "waiting", 0)
    drain()
    ids = [one.headers["webhook-id"] for one in receiver.requests]
    assert ids.count(identity) == 2
    assert len(owner.get(f"deliveries/{identity}").json["attempts"]) == 2


def test_nothing_is_sent_again_to_an_endpoint_that_is_disabled(
    owner: Caller, receiver: Receiver, drain: Drain
) -> None:
    receiver.answer = answering(410, Connection="close")
    [identity] = try_out(owner, add(owner, receiver, "match_found"), drain)
    answer = owner.post(f"deliveries/{identity}/actions/replay")
    assert (answer.status_code, answer.json["type"]) == (409, "/problems/endpoint-disabled")


def test_anothers_deliveries_are_404(
    owner: Caller, stranger: Caller, administrator: Caller, receiver: Receiver, drain: Drain
) -> None:
    endpoint = add(owner, receiver, "match_found")
    [identity] = try_out(owner, endpoint, drain)
    for caller in (stranger, administrator):
        assert caller.get(f"deliveries/{identity}").status_code == 404
        assert caller.post(f"deliveries/{identity}/actions/replay").status_code == 404
        assert caller.get("digest", endpoint=endpoint).status_code == 404
        assert identity not in caller.get("deliveries", endpoint=endpoint).text
    assert owner.get(f"deliveries/{uuid.uuid4()}").status_code == 404


def test_deliveries_need_a_key(visitor: Caller) -> None:
    assert visitor.get("deliveries").status_code == visitor.get("digest").status_code == 401


def test_where_nothing_is_new_the_digest_is_empty(owner: Caller) -> None:
    assert owner.get("digest").json == {"subject": "", "text": "", "html": "", "items": 0}


def test_the_digest_shows_what_waits_and_sends_nothing(
    owner: Caller, stranger: Caller, drain: Drain, mails: MailServer
) -> None:
    matched(owner, stranger, drain)
    shown = owner.get("digest").json
    assert shown["items"] == 1
    title = owner.get("notifications").json["items"][0]["title"]
    assert title in shown["text"]
    assert title in shown["html"]
    assert owner.get("digest").json == shown
    drain()
    assert not [one for one in mails.received if title in one.part("plain")]


def test_once_it_is_sent_nothing_waits_any_more(
    owner: Caller, stranger: Caller, drain: Drain, clock: SettableClock, mails: MailServer
) -> None:
    matched(owner, stranger, drain)
    waited = owner.get("digest").json
    clock.advance(days=1, hours=1)
    drain()
    assert owner.get("digest").json["items"] == 0
    to_owner = [one for one in mails.received if owner.person.email in one.recipients]
    assert waited["text"].split("\n")[0] in to_owner[-1].part("plain")


def test_the_digest_of_another_endpoint_is_its_own(
    owner: Caller, stranger: Caller, receiver: Receiver, drain: Drain
) -> None:
    endpoint = add(owner, receiver, "match_found")
    owner.patch("preferences", {"rhythms": {"match_found": {"webhook": "weekly", "mail": "off"}}})
    matched(owner, stranger, drain)
    assert owner.get("digest").json["items"] == 0
    assert owner.get("digest", endpoint=endpoint).json["items"] == 1


def test_nothing_confidential_is_in_any_delivery_or_preview(
    owner: Caller, stranger: Caller, receiver: Receiver, drain: Drain, clock: SettableClock, mails: MailServer
) -> None:
    for caller in (owner, stranger):
        add(caller, receiver)
    matched(owner, stranger, drain, **CONTACT)
    told = [caller.get("digest").text for caller in (owner, stranger)]
    assert all(json.loads(one)["items"] for one in told)
    clock.advance(days=1, hours=1)
    drain()
    told += [one.part(kind) for one in mails.received for kind in ("plain", "html")]
    told += [one.body.decode() + str(one.headers) for one in receiver.requests]
    told += [caller.get("deliveries").text for caller in (owner, stranger)]
    assert len(mails.received) > 1
    assert [one for one in receiver.requests if json.loads(one.body)["type"] == "match.found"]
    assert not [one for one in told if CANARY in one or CANARY_MAIL in one]
