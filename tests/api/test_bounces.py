"""/bounces: only the mail provider may tell, and an address that takes no mail is sent none."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from standardwebhooks import Webhook
from werkzeug.test import TestResponse

from market.db import Database
from market.models import METADATA
from market.runtime import Runtime
from tests.delivery.mail_server import MailServer
from tests.factories import Caller, SettableClock, opened, post

pytestmark = pytest.mark.long

Drain = Callable[[], int]

SECRET = "whsec_" + base64.b64encode(b"a secret of the mail provider's").decode()
OTHER = "whsec_" + base64.b64encode(b"a secret of somebody else's ...").decode()


@pytest.fixture
def secret() -> str:
    """What the installation is set to."""
    return SECRET


@pytest.fixture
def runtime(
    _data: tuple[Path, Database], template: Path, clock: SettableClock, mails: MailServer, secret: str
) -> Iterator[Runtime]:
    """One that sends mail and hears of bounces."""
    folder, database = _data
    sends = {"mail_url": mails.url, "mail_from": "Qiao <news@qiao.example>", "bounce_secret": secret}
    with opened(folder, template, clock, database=database, **sends) as built:
        yield built
        built.post.channels["mail"].close()


@pytest.fixture
def reached(owner: Caller, drain: Drain) -> Caller:
    """Somebody who was sent a mail: that an endpoint was added."""
    made = owner.post("endpoints", {"channel": "webhook", "address": "https://hooks.example.org/in"}).json
    owner.delete(f"endpoints/{made['id']}")
    drain()
    assert mail_of(owner)["disabled_for"] == ""
    return owner


def mail_of(caller: Caller) -> dict[str, Any]:
    """Their mail endpoint."""
    [one] = [one for one in caller.get("endpoints").json["items"] if one["channel"] == "mail"]
    return dict(one)


def tell(
    visitor: Caller, body: Any, *, key: str = SECRET, at: datetime | None = None, **changed: str
) -> TestResponse:
    """POST what the provider tells, signed; `changed` are headers that are otherwise than signed."""
    data = json.dumps(body)
    at = at or datetime.now(UTC)
    signed = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(key).sign("msg_1", at, data),
    }
    headers = {**signed, **{name.replace("_", "-"): value for name, value in changed.items()}}
    return visitor.send("POST", "bounces", data=data, content_type="application/json", headers=headers)


def bounce(caller: Caller, kind: str = "hard", **more: Any) -> dict[str, Any]:
    """What is told of this person's address."""
    return {"address": caller.person.email, "kind": kind, **more}


def everything(runtime: Runtime) -> list[str]:
    """All rows of the database."""
    with runtime.db.reading() as session:
        return [str(session.execute(text(f"SELECT * FROM {one.name}")).all()) for one in METADATA.sorted_tables]


@pytest.mark.parametrize(("kind", "reason"), [("hard", "bounced"), ("complaint", "complained")])
def test_what_cannot_arrive_or_is_not_wanted_ends_mails(
    visitor: Caller, reached: Caller, kind: str, reason: str
) -> None:
    answer = tell(visitor, bounce(reached, kind, message_id="<1@qiao.example>"))
    assert (answer.status_code, answer.data) == (204, b"")
    assert mail_of(reached)["disabled_for"] == reason


def test_the_person_is_told_of_it_elsewhere(visitor: Caller, reached: Caller) -> None:
    tell(visitor, bounce(reached))
    titles = [row["title"] for row in reached.get("notifications").json["items"]]
    assert titles[0] == f"接收端已停用：{reached.person.email}"


def test_no_mail_is_sent_there_any_more(
    visitor: Caller, reached: Caller, stranger: Caller, drain: Drain, mails: MailServer
) -> None:
    tell(visitor, bounce(reached))
    mails.received.clear()
    reached.patch("preferences", {"rhythms": {"match_found": {"mail": "instant"}}})
    post(reached, "outcome")
    post(stranger, "demand")
    drain()
    assert not [one for one in mails.received if reached.person.email in one.recipients]


def test_mails_can_be_had_again(visitor: Caller, reached: Caller) -> None:
    tell(visitor, bounce(reached))
    assert reached.post(f"endpoints/{mail_of(reached)['id']}/actions/enable").status_code == 200
    assert mail_of(reached)["disabled_for"] == ""


def test_a_mail_that_may_arrive_another_day_changes_nothing(
    runtime: Runtime, visitor: Caller, reached: Caller, lines: list[Any]
) -> None:
    before = everything(runtime)
    assert tell(visitor, bounce(reached, "soft")).status_code == 204
    assert everything(runtime) == before
    assert [line["kind"] for line in lines if line["event"] == "mail came back"] == ["soft"]
    assert reached.person.email not in str(lines)


def test_providers_may_write_an_address_in_other_letters(visitor: Caller, reached: Caller) -> None:
    tell(visitor, {"address": reached.person.email.upper(), "kind": "hard"})
    assert mail_of(reached)["disabled_for"] == "bounced"


def test_an_address_that_is_nobodys_is_answered_alike(runtime: Runtime, visitor: Caller, reached: Caller) -> None:
    before = everything(runtime)
    answer = tell(visitor, {"address": "nobody@nowhere.example", "kind": "hard"})
    assert (answer.status_code, answer.data) == (204, b"")
    assert everything(runtime) == before


def test_telling_it_again_is_harmless(runtime: Runtime, visitor: Caller, reached: Caller) -> None:
    tell(visitor, bounce(reached))
    before = everything(runtime)
    assert tell(visitor, bounce(reached)).status_code == 204
    assert tell(visitor, bounce(reached, "complaint")).status_code == 204
    assert everything(runtime) == before


@pytest.mark.parametrize(
    "how",
    [
        {"key": OTHER},
        {"minutes": -6},
        {"minutes": 10},
        {"webhook_signature": ""},
        {"webhook_signature": "v1,nonsense!"},
        {"webhook_signature": "nonsense"},
        {"webhook_id": "msg_2"},
        {"webhook_timestamp": "yesterday"},
    ],
)
def test_what_is_not_signed_by_the_provider_just_now_is_refused(
    runtime: Runtime, visitor: Caller, reached: Caller, how: dict[str, Any]
) -> None:
    before = everything(runtime)
    moment = datetime.now(UTC) + timedelta(minutes=how.get("minutes", 0))
    changed = {name: value for name, value in how.items() if name != "minutes"}
    answer = tell(visitor, bounce(reached), at=moment, **changed)
    assert (answer.status_code, answer.json["type"]) == (401, "/problems/bad-signature")
    assert everything(runtime) == before


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b'{"kind": "none"}'])
def test_whoever_cannot_sign_learns_nothing_of_how_the_body_would_be_judged(visitor: Caller, data: bytes) -> None:
    assert visitor.send("POST", "bounces", data=data, content_type="application/json").status_code == 401


def test_a_key_of_this_service_is_no_signature(owner: Caller, administrator: Caller) -> None:
    for caller in (owner, administrator):
        assert caller.post("bounces", bounce(owner)).status_code == 401


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"kind": "hard"}, "/address"),
        ({"address": "a@b.example", "kind": "lost"}, "/kind"),
        ({"address": "a@b.example", "kind": "hard", "user": "x"}, "/user"),
    ],
)
def test_what_the_provider_says_has_a_form(visitor: Caller, body: dict[str, Any], pointer: str) -> None:
    answer = tell(visitor, body)
    assert [error["pointer"] for error in answer.json["errors"]] == [pointer]


@pytest.mark.parametrize("secret", [""])
def test_where_no_secret_is_set_there_is_nothing_here(visitor: Caller, owner: Caller, secret: str) -> None:
    assert tell(visitor, bounce(owner)).status_code == 404
