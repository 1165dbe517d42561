"""/click: opening a link changes nothing, its button acts for whom the message went to; no token can be made up."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from itsdangerous import URLSafeSerializer
from sqlalchemy import delete, text, update
from werkzeug.test import TestResponse

from market.db import Database
from market.models import METADATA, Match, Membership, Outcome, User
from market.runtime import Runtime
from market.services.people import belonging
from tests.delivery.mail_server import MailServer
from tests.factories import Caller, SettableClock, member_of, opened, post

pytestmark = pytest.mark.long

Drain = Callable[[], int]

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex",
}


@pytest.fixture
def runtime(
    _data: tuple[Path, Database], template: Path, clock: SettableClock, mails: MailServer
) -> Iterator[Runtime]:
    """One that sends mail."""
    mails.received.clear()
    folder, database = _data
    sends = {"mail_url": mails.url, "mail_from": "Qiao <news@qiao.example>", "public_url": "https://qiao.example"}
    with opened(folder, template, clock, database=database, **sends) as built:
        yield built
        built.post.channels["mail"].close()


@pytest.fixture
def somebody(client: FlaskClient) -> FlaskClient:
    """A reader of mail: without a key, and without cookies."""
    return client.application.test_client(use_cookies=False)


@pytest.fixture
def pair(owner: Caller, stranger: Caller, drain: Drain) -> tuple[Caller, Caller]:
    """The owners of an outcome and of a demand that fit each other, both of them told."""
    post(owner, "outcome")
    post(stranger, "demand")
    drain()
    return owner, stranger


def found(caller: Caller) -> dict[str, Any]:
    """What the inbox has of the match."""
    [row] = [one for one in caller.get("notifications").json["items"] if one["kind"] == "match_found"]
    return dict(row)


def link(runtime: Runtime, caller: Caller, action: str, about: str | None = None) -> str:
    """The path of a link as messages have it; about the match unless it is said otherwise."""
    about = found(caller)["id"] if about is None else about
    return runtime.links.click(action, caller.person.id, about).removeprefix(runtime.links.base)


def everything(runtime: Runtime) -> list[str]:
    """All rows of the database."""
    with runtime.db.reading() as session:
        return [str(session.execute(text(f"SELECT * FROM {one.name}")).all()) for one in METADATA.sorted_tables]


def state(runtime: Runtime, caller: Caller) -> str:
    """The state of the owner's side, which is the offer's."""
    with runtime.db.reading() as session:
        match = session.get_one(Match, uuid.UUID(found(caller)["match_id"]))
        return match.offer_state


def heading(page: TestResponse) -> str:
    """What a page says first."""
    return re.search("<h1[^>]*>(.*?)</h1>", page.text)[1]


ABOUT = {"interest": None, "dismiss": None, "snooze": None, "unsubscribe": "match_found"}


@pytest.mark.parametrize("action", ABOUT)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_opening_a_link_changes_nothing(
    runtime: Runtime, pair: tuple[Caller, Caller], somebody: FlaskClient, action: str, method: str
) -> None:
    path = link(runtime, pair[0], action, ABOUT[action])
    before = everything(runtime)
    answers = [somebody.open(path, method=method) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200] * 3
    assert everything(runtime) == before


@pytest.mark.parametrize("action", ABOUT)
def test_the_page_has_one_button_that_posts_to_itself(
    runtime: Runtime, pair: tuple[Caller, Caller], somebody: FlaskClient, action: str
) -> None:
    page = somebody.get(link(runtime, pair[0], action, ABOUT[action]))
    assert page.mimetype == "text/html"
    assert re.findall("<form[^>]*>", page.text) == ['<form method="post">']
    assert len(re.findall("<button", page.text)) == 1
    assert not re.findall("<script|<img|<link|src=|href=", page.text)


def test_pages_fetch_nothing_and_are_not_kept_framed_or_indexed(
    runtime: Runtime, pair: tuple[Caller, Caller], somebody: FlaskClient
) -> None:
    path = link(runtime, pair[0], "snooze")
    for page in (somebody.get(path), somebody.post(path), somebody.get("/click/forged"), somebody.post("/click/x")):
        assert {name: page.headers[name] for name in HEADERS} == HEADERS
        assert "Set-Cookie" not in page.headers


def test_no_token_is_logged(
    runtime: Runtime, pair: tuple[Caller, Caller], somebody: FlaskClient, lines: list[Any]
) -> None:
    path = link(runtime, pair[0], "interest")
    lines.clear()
    for address in (path, f"{path}/"):
        somebody.get(address)
        somebody.post(address)
    requests = [line for line in lines if line["event"] == "request"]
    assert [line["path"] for line in requests] == ["/click/"] * 4
    assert path.removeprefix("/click/") not in str(lines)


def test_other_pages_keep_the_headers_they_had(somebody: FlaskClient) -> None:
    assert "default-src 'self'" in somebody.get("/healthz").headers["Content-Security-Policy"]


def test_a_page_speaks_the_language_of_whom_the_message_went_to(
    runtime: Runtime, pair: tuple[Caller, Caller], somebody: FlaskClient
) -> None:
    chinese, english = (somebody.get(link(runtime, one, "interest")) for one in pair)
    assert (heading(chinese), heading(english)) == ("我感兴趣", "I am interested")
    assert found(pair[0])["title"] in chinese.text


@pytest.mark.parametrize(
    "sent", [{"data": {"List-Unsubscribe": "One-Click"}}, {}, {"data": b"\xff\x00", "content_type": "text/plain"}]
)
def test_the_button_acts_without_cookies_or_key_whatever_is_sent_with_it(
    runtime: Runtime, pair: tuple[Caller, Caller], somebody: FlaskClient, sent: dict[str, Any]
) -> None:
    answer = somebody.post(link(runtime, pair[0], "interest"), **sent)
    assert (answer.status_code, heading(answer)) == (200, "已告知对方您感兴趣")
    assert state(runtime, pair[0]) == "interested"
    kinds = [one["kind"] for one in pair[1].get("notifications").json["items"]]
    assert kinds.count("counterpart_interested") == 1


def test_interest_on_both_sides_brings_them_in_contact(
    runtime: Runtime, pair: tuple[Caller, Caller], somebody: FlaskClient
) -> None:
    first, second = (somebody.post(link(runtime, one, "interest")) for one in pair)
    assert (heading(first), heading(second)) == ("已告知对方您感兴趣", "You are in contact")
    assert state(runtime, pair[0]) == "in_contact"


@pytest.mark.parametrize(("action", "reached"), [("interest", "interested"), ("dismiss", "dismissed")])
def test_clicking_again_is_harmless(
    runtime: Runtime, pair: tuple[Caller, Caller], somebody: FlaskClient, action: str, reached: str
) -> None:
    path = link(runtime, pair[0], action)
    first = somebody.post(path)
    before = everything(runtime)
    second, third = somebody.post(path), somebody.post(path)
    assert (first.status_code, first.text) == (second.status_code, second.text) == (third.status_code, third.text)
    assert state(runtime, pair[0]) == reached
    assert everything(runtime) == before


def test_a_dismissal_is_kept_with_a_reason_and_marks_the_message_as_read(
    runtime: Runtime, pair: tuple[Caller, Caller], somebody: FlaskClient
) -> None:
    somebody.post(link(runtime, pair[0], "dismiss"))
    with runtime.db.reading() as session:
        assert session.get_one(Match, uuid.UUID(found(pair[0])["match_id"])).offer_reason == "other"
    assert found(pair[0])["read_at"] is not None


def test_who_is_in_contact_cannot_dismiss_with_an_old_link(
    runtime: Runtime, pair: tuple[Caller, Caller], somebody: FlaskClient
) -> None:
    for one in pair:
        somebody.post(link(runtime, one, "interest"))
    answer = somebody.post(link(runtime, pair[0], "dismiss"))
    assert (answer.status_code, heading(answer)) == (409, "未作更改")
    assert state(runtime, pair[0]) == "in_contact"


def test_what_is_put_off_comes_back_after_a_week(
    runtime: Runtime, pair: tuple[Caller, Caller], somebody: FlaskClient, clock: SettableClock
) -> None:
    path = link(runtime, pair[0], "snooze")
    assert heading(somebody.post(path)) == "已推迟"
    kinds = lambda: [one["kind"] for one in pair[0].get("notifications").json["items"]]  # noqa: E731
    assert "match_found" not in kinds()
    clock.advance(days=6)
    somebody.post(path)  # does not put it off for longer
    clock.advance(days=1, seconds=1)
    assert "match_found" in kinds()


def test_a_match_that_is_gone_is_said_to_be(
    runtime: Runtime, pair: tuple[Caller, Caller], somebody: FlaskClient, drain: Drain
) -> None:
    paths = [link(runtime, pair[0], action) for action in ("interest", "dismiss")]
    demand = pair[0].get("demands").json["items"][0]
    assert pair[1].post(f"demands/{demand['id']}/actions/withdraw", {}).status_code == 200
    drain()
    before = everything(runtime)
    for path in paths:
        for answer in (somebody.get(path), somebody.post(path)):
            assert (answer.status_code, heading(answer)) == (410, "此匹配已失效")
            assert "<form" not in answer.text
    assert everything(runtime) == before


def test_whoever_may_not_answer_for_the_listing_any_more_is_told_so(
    runtime: Runtime, pair: tuple[Caller, Caller], somebody: FlaskClient
) -> None:
    path = link(runtime, pair[0], "interest")
    with runtime.db.writing() as session:
        session.execute(delete(Membership).where(Membership.user_id == pair[0].person.id))
        session.execute(update(Outcome).values(owner_id=pair[1].person.id))
    assert somebody.post(path).status_code == 410


def test_who_has_left_their_organisation_answers_for_nothing(
    runtime: Runtime, pair: tuple[Caller, Caller], somebody: FlaskClient
) -> None:
    path = link(runtime, pair[0], "interest")
    owner = pair[0].person
    with runtime.db.writing() as session:
        person = member_of(owner.organisation_id, owner.id)
        belonging.leave(session, person, owner.organisation_id, owner.id, now=runtime.clock())
    assert somebody.post(path).status_code == 410


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_account_that_is_closed_has_no_links(
    runtime: Runtime, pair: tuple[Caller, Caller], somebody: FlaskClient, method: str
) -> None:
    path = link(runtime, pair[0], "unsubscribe", "")
    with runtime.db.writing() as session:
        session.get_one(User, pair[0].person.id).active = False
    assert somebody.open(path, method=method).status_code == 404


def test_unsubscribing_from_a_kind_ends_its_mails_and_no_others(
    runtime: Runtime, owner: Caller, somebody: FlaskClient
) -> None:
    before = owner.get("preferences").json["rhythms"]
    answer = somebody.post(link(runtime, owner, "unsubscribe", "match_found"), data={"List-Unsubscribe": "One-Click"})
    assert (answer.status_code, heading(answer)) == (200, "已停止这类邮件")
    after = owner.get("preferences").json["rhythms"]
    assert after == {**before, "match_found": {**before["match_found"], "mail": "off"}}


def test_unsubscribing_from_all_leaves_security_notices_and_other_channels(
    runtime: Runtime, owner: Caller, somebody: FlaskClient
) -> None:
    before = owner.get("preferences").json["rhythms"]
    somebody.post(link(runtime, owner, "unsubscribe", ""))
    after = owner.get("preferences").json["rhythms"]
    mail = {kind: row.pop("mail") for kind, row in after.items()}
    assert {mail.pop("security"), mail.pop("account")} == {"instant"}
    assert {*mail.values()} == {"off"}
    assert after == {kind: {k: v for k, v in row.items() if k != "mail"} for kind, row in before.items()}


def test_unsubscribing_twice_is_harmless(runtime: Runtime, owner: Caller, somebody: FlaskClient) -> None:
    path = link(runtime, owner, "unsubscribe", "")
    first, second = somebody.post(path), somebody.post(path)
    assert (first.status_code, first.text) == (second.status_code, second.text)


def test_no_token_ends_security_notices(runtime: Runtime, owner: Caller, somebody: FlaskClient) -> None:
    assert somebody.post(link(runtime, owner, "unsubscribe", "security")).status_code == 404
    assert owner.get("preferences").json["rhythms"]["security"]["mail"] == "instant"


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_forged_and_cut_tokens_lead_nowhere(
    runtime: Runtime, pair: tuple[Caller, Caller], somebody: FlaskClient, method: str
) -> None:
    good = link(runtime, pair[0], "interest")
    about = [runtime.links.read(good.removeprefix("/click/"))]
    [whole] = [[one.action, one.user_id.hex, one.about] for one in about]
    forged = [
        URLSafeSerializer("guessed", salt="one-click").dumps(whole),
        URLSafeSerializer(runtime.secret, salt="page").dumps(whole),
        URLSafeSerializer(runtime.secret, salt="one-click").dumps(["see", *whole[1:]]),
        URLSafeSerializer(runtime.secret, salt="one-click").dumps(whole[:2]),
        URLSafeSerializer(runtime.secret, salt="one-click").dumps({"action": "interest"}),
    ]
    cut = [good[7:][:length] for length in (1, 20, len(good) - 8)]
    changed = [good[7:] + "/", good[7:] + "A", "x" + good[7:], good[7:].replace(".", ""), "桥", "%00", "a/b/c"]
    before = everything(runtime)
    for token in (*forged, *cut, *changed):
        answer = somebody.open(f"/click/{token}", method=method)
        assert (answer.status_code, answer.mimetype) == (404, "text/html"), token
        assert "<form" not in answer.text
    assert everything(runtime) == before


def test_a_link_about_anothers_notification_leads_nowhere(
    runtime: Runtime, pair: tuple[Caller, Caller], somebody: FlaskClient
) -> None:
    path = link(runtime, pair[0], "interest", found(pair[1])["id"])
    assert somebody.get(path).status_code == somebody.post(path).status_code == 404


def test_a_link_that_leads_nowhere_speaks_the_readers_language(somebody: FlaskClient) -> None:
    assert heading(somebody.get("/click/x", headers={"Accept-Language": "zh-CN"})) == "链接无效"
    assert heading(somebody.get("/click/x", headers={"Accept-Language": "en"})) == "This link leads nowhere"


def test_a_title_cannot_put_anything_into_the_page(
    runtime: Runtime, owner: Caller, stranger: Caller, somebody: FlaskClient, drain: Drain
) -> None:
    post(owner, "outcome")
    post(stranger, "demand", title_zh="<script>alert(1)</script>潮差区钢结构防腐涂层{0}{about}")
    drain()
    page = somebody.get(link(runtime, owner, "interest"))
    assert (page.status_code, "<script" in page.text) == (200, False)
    assert "&lt;script&gt;" in page.text


def test_the_links_of_a_real_mail_work(
    runtime: Runtime, owner: Caller, stranger: Caller, somebody: FlaskClient, drain: Drain, mails: MailServer
) -> None:
    owner.patch("preferences", {"rhythms": {"match_found": {"mail": "instant"}}})
    post(owner, "outcome")
    post(stranger, "demand")
    drain()
    [mail] = [one for one in mails.received if found(owner)["title"] in one.part("plain")]
    paths = dict.fromkeys(re.findall(r"https://qiao\.example(/click/[\w.-]+)", mail.part("plain")))
    assert [heading(somebody.get(path)) for path in paths][:3] == ["我感兴趣", "忽略此匹配", "一周后提醒我"]
    assert somebody.post(next(iter(paths))).status_code == 200
    assert state(runtime, owner) == "interested"
    unsubscribe = re.search(r"<https://qiao\.example(/click/[\w.-]+)>", str(mail.mail["List-Unsubscribe"]))[1]
    assert mail.mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert somebody.post(unsubscribe, data={"List-Unsubscribe": "One-Click"}).status_code == 200
    assert owner.get("preferences").json["rhythms"]["match_found"]["mail"] == "off"
