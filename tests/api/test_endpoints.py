"""/endpoints: made, tried out, changed, ended; what is secret of them is shown once and stands nowhere."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from standardwebhooks import Webhook, WebhookVerificationError

from market.db import Database
from market.models import METADATA
from market.runtime import Runtime
from tests.delivery.receivers import Receiver, Request, answering, receiving
from tests.factories import Caller, SettableClock, opened

Drain = Callable[[], int]

ROBOT = "https://oapi.dingtalk.com/robot/send?access_token=c0ffee1234567890"
ROBOT_SECRET = "SECrobinredbreast0123456789"


@pytest.fixture
def runtime(_data: tuple[Path, Database], template: Path, clock: SettableClock) -> Iterator[Runtime]:
    """One that may send to this machine."""
    folder, database = _data
    with opened(folder, template, clock, database=database, send_to_loopback=True) as built:
        yield built


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Takes everything, and leaves no connection open."""
    with receiving(answering(Connection="close")) as one:
        yield one


def add(caller: Caller, address: str, **more: Any) -> dict[str, Any]:
    """A new endpoint, a webhook unless it is said otherwise."""
    answer = caller.post("endpoints", {"channel": "webhook", "address": address, **more})
    assert answer.status_code == 201, answer.text
    return dict(answer.json)


def everything(runtime: Runtime) -> str:
    """All rows of the database; of SQLite, the bytes of its files as well."""
    with runtime.db.reading() as session:
        told = [str(session.execute(text(f"SELECT * FROM {one.name}")).all()) for one in METADATA.sorted_tables]
    files = Path(runtime.settings.data).glob("market.db*")
    return "".join([*told, *(file.read_bytes().decode("latin-1") for file in files)])


def verifies(secret: str, request: Request) -> bool:
    """Whether this secret has signed what arrived."""
    try:
        Webhook(secret).verify(request.body, request.headers)
    except WebhookVerificationError:
        return False
    return True


def test_a_new_endpoint_is_answered_with_its_secret_and_a_part_of_its_address(owner: Caller) -> None:
    made = add(owner, "https://hooks.example.org/in?token=abcdef", name="系统", events=["match_found"])
    assert made["secret"].startswith("whsec_")
    assert (made["shown"], made["name"], made["events"]) == ("https://hooks.example.org", "系统", ["match_found"])
    assert (made["disabled_for"], made["disabled_at"], made["failing_since"]) == ("", None, None)


def test_the_answer_that_holds_a_secret_is_not_to_be_kept(owner: Caller) -> None:
    body = {"channel": "webhook", "address": "https://hooks.example.org/in"}
    answer = owner.post("endpoints", body)
    assert answer.headers["Cache-Control"] == "no-store"
    assert owner.get(answer.headers["Location"]).status_code == 200


def test_no_get_shows_a_secret_or_a_whole_address(owner: Caller, drain: Drain) -> None:
    made = add(owner, "https://hooks.example.org/in?token=abcdef")
    add(owner, ROBOT, channel="dingtalk", secret=ROBOT_SECRET)
    owner.post(f"endpoints/{made['id']}/actions/test")
    paths = ("endpoints", f"endpoints/{made['id']}", "deliveries", "digest", "notifications", "preferences")
    told = "".join(owner.get(path).text for path in paths)
    assert made["id"] in told
    for hidden in (made["secret"], "abcdef", "c0ffee1234567890", ROBOT_SECRET, "hooks.example.org/in"):
        assert hidden not in told


def test_a_secret_that_was_brought_along_is_not_told_back(owner: Caller) -> None:
    answer = owner.post("endpoints", {"channel": "dingtalk", "address": ROBOT, "secret": ROBOT_SECRET})
    assert ROBOT_SECRET not in answer.text
    assert "c0ffee1234567890" not in answer.text
    assert answer.json["secret"] == ""


def test_neither_secrets_nor_addresses_stand_in_the_database_in_clear(runtime: Runtime, owner: Caller) -> None:
    made = owner.post(
        "endpoints", {"channel": "webhook", "address": "https://hooks.example.org/in?token=abcdef"}, key="k-1"
    ).json
    robot = {"channel": "dingtalk", "address": ROBOT, "secret": ROBOT_SECRET}
    assert owner.post("endpoints", robot, key="k-2").status_code == 201
    rotated = owner.post(f"endpoints/{made['id']}/actions/rotate-secret", key="k-3").json
    stored = everything(runtime)
    assert "hooks.example.org" in stored
    for hidden in (made["secret"], rotated["secret"], "token=abcdef", "c0ffee1234567890", ROBOT_SECRET):
        assert hidden not in stored
        assert hidden.removeprefix("whsec_") not in stored


@pytest.mark.parametrize("action", ["create", "rotate"])
def test_a_repeated_key_gives_the_same_endpoint_without_its_secret(owner: Caller, action: str) -> None:
    path, body = "endpoints", {"channel": "webhook", "address": "https://hooks.example.org/in"}
    if action == "rotate":
        made = add(owner, body["address"])
        path, body = f"endpoints/{made['id']}/actions/rotate-secret", {}
    first, second = (owner.post(path, body, key="k-1") for _ in range(2))
    assert first.json["secret"].startswith("whsec_")
    assert second.json == {**first.json, "secret": None}
    assert (second.status_code, second.headers["Idempotency-Replayed"]) == (first.status_code, "true")
    assert len(owner.get("endpoints").json["items"]) == 1


def test_a_trial_arrives_signed_and_is_on_record(owner: Caller, receiver: Receiver, drain: Drain) -> None:
    made = add(owner, receiver.url())
    answer = owner.post(f"endpoints/{made['id']}/actions/test")
    assert (answer.status_code, answer.json["kind"], answer.json["state"]) == (202, "test", "waiting")
    drain()
    [request] = [one for one in receiver.requests if one.headers["webhook-id"] == answer.json["id"]]
    assert verifies(made["secret"], request)
    delivery = owner.get(answer.headers["Location"]).json
    assert (delivery["state"], [one["outcome"] for one in delivery["attempts"]]) == ("sent", ["sent"])


def test_an_endpoint_takes_five_trials_an_hour_and_the_sixth_says_when_it_works_again(
    owner: Caller, clock: SettableClock
) -> None:
    made, other = add(owner, "https://hooks.example.org/in"), add(owner, "https://hooks.example.org/other")
    action = f"endpoints/{made['id']}/actions/test"
    for _ in range(5):
        assert owner.post(action).status_code == 202
        clock.advance(minutes=1)
    refused = owner.post(action)
    assert (refused.status_code, refused.json["type"]) == (429, "/problems/too-many-trials")
    assert (refused.headers["Retry-After"], "3300 seconds" in refused.json["detail"]) == ("3300", True)
    assert owner.post(f"endpoints/{other['id']}/actions/test").status_code == 202, "each endpoint has its own five"
    clock.advance(seconds=3299)
    assert owner.post(action).status_code == 429
    clock.advance(seconds=1)
    assert [owner.post(action).status_code for _ in range(2)] == [202, 429], "one has left the hour, four have not"


def test_after_a_rotation_both_secrets_sign_for_a_day_and_then_the_new_one(
    owner: Caller, receiver: Receiver, drain: Drain, clock: SettableClock
) -> None:
    made = add(owner, receiver.url())
    rotated = owner.post(f"endpoints/{made['id']}/actions/rotate-secret").json
    assert rotated["secret"] != made["secret"]
    assert rotated["previous_until"] is not None
    signed = []
    for hours in (0, 25):
        clock.advance(hours=hours)
        owner.post(f"endpoints/{made['id']}/actions/test")
        drain()
        last = [one for one in receiver.requests if json.loads(one.body)["type"] == "test.ping"][-1]
        moment = int(last.headers["webhook-timestamp"])
        assert moment == int(clock().timestamp())
        signed.append(len(last.headers["webhook-signature"].split(" ")))
        if hours == 0:
            assert verifies(made["secret"], last)
            assert verifies(rotated["secret"], last)
    assert signed == [2, 1]


def test_whoever_adds_or_rotates_is_told_so_in_the_inbox(owner: Caller) -> None:
    made = add(owner, "https://hooks.example.org/in", name="系统")
    owner.post(f"endpoints/{made['id']}/actions/rotate-secret")
    titles = [row["title"] for row in owner.get("notifications").json["items"] if row["kind"] == "security"]
    assert titles[:2] == ["安全提醒：接收端 系统 的密钥已更换", "安全提醒：新增接收端 系统"]


def test_name_events_and_address_can_be_changed(owner: Caller, receiver: Receiver, drain: Drain) -> None:
    made = add(owner, "https://hooks.example.org/in")
    changed = owner.patch(
        f"endpoints/{made['id']}", {"name": "new", "events": ["security"], "address": receiver.url("/new")}
    ).json
    assert (changed["name"], changed["events"], changed["shown"]) == ("new", ["security"], "http://127.0.0.1")
    assert "secret" not in changed
    drain()
    assert {one.target for one in receiver.requests} == {"/new"}


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"channel": "webhook"}, "/address"),
        ({"channel": "webhook", "address": "ftp://example.org/x"}, "/address"),
        ({"channel": "webhook", "address": "https://10.0.0.1/x"}, "/address"),
        ({"channel": "webhook", "address": "https://user:pass@example.org/x"}, "/address"),
        ({"channel": "webhook", "address": "https://example.org/x", "secret": "whsec_mine"}, "/secret"),
        ({"channel": "wecom", "address": "https://example.org/x"}, "/address"),
        ({"channel": "apprise", "address": "file:///etc/passwd"}, "/address"),
        ({"channel": "pigeon", "address": "https://example.org/x"}, "/channel"),
        ({"channel": "webhook", "address": "https://example.org/x", "events": ["nothing"]}, "/events/0"),
        ({"channel": "webhook", "address": "https://example.org/x", "name": "x" * 129}, "/name"),
        ({"channel": "webhook", "address": "https://example.org/x", "user_id": str(uuid.uuid4())}, "/user_id"),
    ],
)
def test_what_could_never_be_sent_to_is_refused(owner: Caller, body: dict[str, Any], pointer: str) -> None:
    answer = owner.post("endpoints", body)
    assert answer.status_code == 422, answer.text
    assert [error["pointer"] for error in answer.json["errors"]] == [pointer]
    assert owner.get("endpoints").json["items"] == []


def test_a_refused_address_is_not_told_back(owner: Caller) -> None:
    answer = owner.post("endpoints", {"channel": "wecom", "address": "https://qyapi.weixin.qq.com/x?key=abcdef"})
    assert answer.status_code == 422
    assert "abcdef" not in answer.text


def test_mail_is_not_added_by_hand(owner: Caller) -> None:
    answer = owner.post("endpoints", {"channel": "mail", "address": "somebody@else.example"})
    assert (answer.status_code, answer.json["type"]) == (422, "/problems/channel-not-offered")


def test_there_are_at_most_twenty(owner: Caller) -> None:
    for number in range(20):
        add(owner, f"https://hooks.example.org/{number}")
    answer = owner.post("endpoints", {"channel": "webhook", "address": "https://hooks.example.org/21"})
    assert (answer.status_code, answer.json["type"]) == (409, "/problems/too-many-endpoints")
    assert "20" in answer.json["detail"]


def test_only_a_webhooks_secret_is_made_here(owner: Caller) -> None:
    robot = add(owner, ROBOT, channel="dingtalk", secret=ROBOT_SECRET)
    answer = owner.post(f"endpoints/{robot['id']}/actions/rotate-secret")
    assert (answer.status_code, answer.json["type"]) == (409, "/problems/secret-not-ours")


def test_an_endpoint_that_is_gone_is_disabled_and_can_be_enabled_again(
    owner: Caller, receiver: Receiver, drain: Drain, clock: SettableClock
) -> None:
    receiver.answer = answering(410, Connection="close")
    made = add(owner, receiver.url(), events=["match_found"])
    owner.post(f"endpoints/{made['id']}/actions/test")
    drain()
    shown = owner.get(f"endpoints/{made['id']}").json
    assert (shown["disabled_for"], shown["disabled_at"]) == ("gone", clock().isoformat())
    answer = owner.post(f"endpoints/{made['id']}/actions/test")
    assert (answer.status_code, answer.json["type"]) == (409, "/problems/endpoint-disabled")
    receiver.answer = answering(Connection="close")
    shown = owner.post(f"endpoints/{made['id']}/actions/enable").json
    assert (shown["disabled_for"], shown["disabled_at"], shown["failing_since"]) == ("", None, None)
    assert owner.post(f"endpoints/{made['id']}/actions/test").status_code == 202


def test_what_is_removed_is_gone_with_its_record(owner: Caller, receiver: Receiver, drain: Drain) -> None:
    made = add(owner, receiver.url())
    trial = owner.post(f"endpoints/{made['id']}/actions/test").json
    drain()
    assert owner.delete(f"endpoints/{made['id']}").status_code == 204
    for path in (f"endpoints/{made['id']}", f"deliveries/{trial['id']}"):
        assert owner.get(path).status_code == 404
    assert owner.get("endpoints").json["items"] == []


def test_anothers_endpoint_is_404_whatever_is_done_with_it(
    owner: Caller, stranger: Caller, administrator: Caller
) -> None:
    made = add(owner, "https://hooks.example.org/in")
    path = f"endpoints/{made['id']}"
    for caller in (stranger, administrator):
        answers = [
            caller.get(path),
            caller.patch(path, {"name": "mine"}),
            caller.delete(path),
            *(caller.post(f"{path}/actions/{action}") for action in ("rotate-secret", "enable", "test")),
        ]
        assert [answer.status_code for answer in answers] == [404] * 6
        assert caller.get("endpoints").json["items"] == []
    assert owner.get(path).json == {k: v for k, v in made.items() if k != "secret"}


def test_endpoints_need_a_key(visitor: Caller) -> None:
    assert visitor.get("endpoints").status_code == 401
    assert visitor.post("endpoints", {"channel": "nonsense"}).status_code == 401
