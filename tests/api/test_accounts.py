"""Accounts: registered and confirmed by mail without telling who has one; changed, closed, given roles."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlmodel import select

from market.models import LISTINGS, Notification, User
from market.runtime import Runtime
from market.services.people import accounts, passwords
from market.services.telling import confirming
from tests.api.letters import OTHER, PASSWORD, tokens
from tests.delivery.mail_server import MailServer
from tests.factories import Caller, Person, SettableClock, add_key, add_person, post, signed_in
from tests.services.mailbox import news

Drain = Callable[[], int]
MAIL = "li@campus.example"


@pytest.fixture
def runtime(mailing: Runtime) -> Runtime:
    """One that sends mail."""
    return mailing


def register(visitor: Caller, email: str = MAIL, password: str = PASSWORD, **body: Any) -> Any:
    return visitor.post("accounts", {"email": email, "name": "李文", "password": password, **body})


def sign_in(visitor: Caller, password: str = PASSWORD, email: str = MAIL) -> Any:
    return visitor.post("sign-in", {"email": email, "password": password})


def caller(client: FlaskClient, answer: Any) -> Caller:
    return Caller(client, Person(uuid.UUID(int=0), None, answer.json["key"], MAIL))


def account(runtime: Runtime, email: str = MAIL) -> User:
    with runtime.db.reading() as session:
        return session.exec(select(User).where(User.email == email)).one()


def test_whoever_registers_confirms_by_mail_and_can_sign_in(
    runtime: Runtime, visitor: Caller, client: FlaskClient, mails: MailServer, drain: Drain
) -> None:
    assert register(visitor, "Li@Campus.example").status_code == 202
    made = account(runtime)
    assert (made.email_verified_at, made.roles) == (None, [])
    [token] = tokens(mails, drain, MAIL)
    assert visitor.post("accounts/actions/verify", {"token": token}).status_code == 200
    me = caller(client, sign_in(visitor)).get("me").json
    assert (me["email_verified"], me["has_password"], me["roles"]) == (True, True, [])
    assert visitor.post("accounts/actions/verify", {"token": token}).status_code == 404, "it is good once"


def test_registering_answers_alike_whether_the_address_has_an_account(
    runtime: Runtime, visitor: Caller, mails: MailServer, drain: Drain
) -> None:
    known = add_person(runtime, email_verified_at=runtime.clock())
    answers = [register(visitor, address) for address in (known.email, MAIL, MAIL, "another@campus.example")]
    assert len({(one.status_code, one.data, *sorted(dict(one.headers).keys())) for one in answers}) == 1
    assert tokens(mails, drain, known.email) == [], "who has one is told, and given nothing to click"
    assert [one for one in mails.received if known.email in one.recipients]


def test_what_somebody_prepared_with_an_address_is_not_what_its_owner_confirms(
    runtime: Runtime, visitor: Caller, client: FlaskClient, mails: MailServer, drain: Drain
) -> None:
    register(visitor, password=OTHER)
    thief = caller(client, sign_in(visitor, OTHER))
    register(visitor, password=PASSWORD)
    assert thief.get("me").status_code == 401
    assert {sign_in(visitor, one).status_code for one in (OTHER, PASSWORD)} == {401}
    token = tokens(mails, drain, MAIL)[-1]
    assert visitor.post("accounts/actions/reset", {"token": token, "password": PASSWORD}).status_code == 200
    assert [sign_in(visitor, one).status_code for one in (OTHER, PASSWORD)] == [401, 200]
    assert account(runtime).email_verified_at is not None


def test_a_forgotten_password_is_set_by_mail_once_within_a_day_and_ends_all_keys(
    runtime: Runtime, visitor: Caller, client: FlaskClient, mails: MailServer, drain: Drain, clock: SettableClock
) -> None:
    person = add_person(runtime, email=MAIL, email_verified_at=runtime.clock())
    for address in (MAIL, "nobody@campus.example"):
        assert visitor.post("accounts/actions/forgot", {"email": address}).status_code == 202
    [late] = tokens(mails, drain, MAIL)
    clock.advance(hours=25)
    body = {"token": late, "password": PASSWORD}
    assert visitor.post("accounts/actions/reset", body).status_code == 404
    visitor.post("accounts/actions/forgot", {"email": MAIL})
    token = tokens(mails, drain, MAIL)[-1]
    refused = visitor.post("accounts/actions/reset", {"token": token, "password": "short"})
    assert (refused.status_code, refused.json["errors"][0]["pointer"]) == (422, "/password")
    body = {"token": token, "password": PASSWORD}
    assert visitor.post("accounts/actions/reset", body).status_code == 200
    assert visitor.post("accounts/actions/reset", body).status_code == 404
    here = caller(client, sign_in(visitor))
    visitor.post("accounts/actions/forgot", {"email": MAIL})
    clock.advance(minutes=11)
    visitor.post("accounts/actions/forgot", {"email": MAIL})
    again = {"token": tokens(mails, drain, MAIL)[-1], "password": OTHER}
    assert visitor.post("accounts/actions/reset", again).status_code == 200
    assert here.get("me").status_code == 401
    assert Caller(client, person).get("me").status_code == 401, "whoever had the mailbox may have made keys, too"


def test_the_pages_behind_the_links_act_only_by_their_button(
    runtime: Runtime, visitor: Caller, client: FlaskClient, mails: MailServer, drain: Drain, lines: list[Any]
) -> None:
    register(visitor, password="")
    visitor.post("accounts/actions/forgot", {"email": MAIL})
    verify, reset = tokens(mails, drain, MAIL)
    somebody = client.application.test_client(use_cookies=False)
    opened = [somebody.get(f"/click/account/{token}") for token in (verify, reset) * 2]
    assert {one.status_code for one in opened} == {200}
    assert account(runtime).email_verified_at is None
    assert somebody.post(f"/click/account/{reset}", data={"password": "short"}).status_code == 422
    done = somebody.post(f"/click/account/{reset}", data={"password": PASSWORD})
    assert (done.status_code, done.headers["Referrer-Policy"]) == (200, "no-referrer")
    assert sign_in(visitor).status_code == 200
    assert somebody.get(f"/click/account/{reset}").status_code == 404
    told = str(lines)
    assert not [secret for secret in (verify, reset, PASSWORD, MAIL, "李文") if secret in told]


def test_what_opens_an_account_stands_in_its_mail_alone(
    runtime: Runtime, visitor: Caller, client: FlaskClient, mails: MailServer, drain: Drain
) -> None:
    person = add_person(runtime, email=MAIL)
    visitor.post("accounts/actions/forgot", {"email": MAIL})
    owner = Caller(client, person)
    preview = owner.get("deliveries/preview").text
    [token] = tokens(mails, drain, MAIL)
    seen = owner.get("notifications").text + owner.get("deliveries").text + preview
    assert token not in seen
    assert "click/account" not in seen
    with runtime.db.reading() as session:
        rows = session.exec(select(Notification)).all()
        mine = session.get_one(User, person.id)
        pages = [confirming.click(session, mine, row, make=lambda *_: "", now=runtime.clock()) for row in rows]
        assert any(pages)
    assert not [row for row in rows if token in f"{row.title}{row.body}{row.event}"]


@pytest.mark.parametrize(
    "password",
    ["short", "password123", "1234567890", "qwertyuiop", "aaaaaaaaaaaa", MAIL, "李文李文李文李文", "x" * 129],
)
def test_passwords_that_others_would_guess_are_not_taken(visitor: Caller, password: str) -> None:
    answer = register(visitor, password=password, name="李文李文李文李文")
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "/password")


def test_a_password_is_changed_by_whoever_knows_it_and_its_owner_is_told(
    runtime: Runtime, visitor: Caller, client: FlaskClient
) -> None:
    register(visitor)
    me = caller(client, sign_in(visitor))
    wrong = me.patch("me", {"password": {"old": OTHER, "new": OTHER}})
    assert (wrong.status_code, wrong.json["errors"][0]["pointer"]) == (422, "/password/old")
    assert me.patch("me", {"password": {"old": PASSWORD, "new": OTHER}, "language": "en"}).status_code == 200
    assert [sign_in(visitor, one).status_code for one in (PASSWORD, OTHER)] == [401, 200]
    assert [one["kind"] for one in me.get("notifications").json["items"]].count("security") == 1


def test_a_new_password_ends_other_sign_ins(visitor: Caller, client: FlaskClient) -> None:
    register(visitor)
    here, there = (caller(client, sign_in(visitor)) for _ in range(2))
    assert here.patch("me", {"password": {"old": PASSWORD, "new": OTHER}}).status_code == 200
    assert [one.get("me").status_code for one in (here, there)] == [200, 401]


DEEDS: dict[str, Callable[[Caller, dict[str, Any]], Any]] = {
    "address": lambda one, by: one.patch("me", {"email": "thief@elsewhere.example", **_as(by, "current_password")}),
    "password": lambda one, by: one.patch("me", {"password": {"new": OTHER, **_as(by, "old")}}),
    "erase": lambda one, by: one.post("me/actions/erase", by or {"confirm": one.get("me").json["email"]}),
    "deactivate": lambda one, by: one.post("me/actions/deactivate", by),
}


def _as(by: dict[str, Any], name: str) -> dict[str, Any]:
    return {name: by["password"]} if by else {}


@pytest.mark.parametrize("deed", DEEDS)
def test_a_key_alone_does_not_do_what_only_its_owner_may(
    runtime: Runtime, visitor: Caller, client: FlaskClient, clock: SettableClock, deed: str
) -> None:
    person = add_person(runtime, email=MAIL, password=passwords.made(PASSWORD))
    do, right = DEEDS[deed], {"password": PASSWORD}
    scoped = Caller(client, replace(person, key=add_key(runtime, person, scopes=("account", "read"))))
    refused = do(scoped, right)
    assert (refused.status_code, refused.json["type"]) == (403, "/problems/key-with-scopes")
    for by in ({}, {"password": OTHER}):
        assert do(Caller(client, person), by).status_code == 422
    without = add_person(runtime)
    refused = do(Caller(client, without), {})
    assert (refused.status_code, refused.json["type"]) == (403, "/problems/sign-in-again")
    late = Caller(client, signed_in(runtime, without))
    clock.advance(minutes=10)
    assert do(late, {}).status_code == 403
    fresh = Caller(client, signed_in(runtime, without))
    for one, by in ((Caller(client, person), right), (fresh, {})):
        if deed != "address" or by:  # of two, one has the address by then
            assert do(one, by).status_code in (200, 204)


def test_the_address_before_is_told_that_there_is_another_however_fast_the_thief_reads(
    runtime: Runtime, client: FlaskClient, mails: MailServer, drain: Drain
) -> None:
    person = add_person(runtime, email=MAIL, password=passwords.made(PASSWORD))
    thief = Caller(client, person)
    news(runtime, [person], ["某事"])
    drain()
    [mail] = thief.get("endpoints").json["items"]
    assert thief.patch(f"endpoints/{mail['id']}", {"events": ["match_found"]}).status_code == 200
    mails.received.clear()
    body = {"email": "thief@elsewhere.example", "current_password": PASSWORD}
    assert thief.patch("me", body).status_code == 200
    told = thief.get("notifications").json["items"]
    for one in told:
        thief.post(f"notifications/{one['id']}/snooze", {"days": 30})
    thief.post("notifications/read-all")
    drain()
    assert ["邮箱已更改" in one.part("plain") for one in mails.received if MAIL in one.recipients] == [True]
    assert MAIL not in str(told)
    assert not [one for one in mails.received if MAIL in one.recipients and "click/account" in one.part("plain")]


def test_an_address_that_nobody_has_confirmed_is_not_written_to_when_it_is_replaced(
    runtime: Runtime, client: FlaskClient, mails: MailServer, drain: Drain
) -> None:
    person = add_person(runtime, email=MAIL, password=passwords.made(PASSWORD), email_verified_at=None)
    body = {"email": "mine@elsewhere.example", "current_password": PASSWORD}
    assert Caller(client, person).patch("me", body).status_code == 200
    drain()
    assert [one for one in mails.received if MAIL in one.recipients] == []


def test_a_new_address_takes_the_password_and_is_to_be_confirmed(
    runtime: Runtime, visitor: Caller, client: FlaskClient, mails: MailServer, drain: Drain
) -> None:
    taken = add_person(runtime)
    register(visitor)
    token = tokens(mails, drain, MAIL)[0]
    visitor.post("accounts/actions/verify", {"token": token})
    me = caller(client, sign_in(visitor))
    assert me.patch("me", {"email": "wen@campus.example"}).status_code == 422
    body = {"email": "wen@campus.example", "current_password": PASSWORD}
    assert me.patch("me", {**body, "email": taken.email}).status_code == 409
    assert me.patch("me", body).json["email_verified"] is False
    [token] = tokens(mails, drain, "wen@campus.example")
    assert visitor.post("accounts/actions/verify", {"token": token}).status_code == 200


def test_administrators_list_accounts_and_give_roles(
    runtime: Runtime, administrator: Caller, stranger: Caller, client: FlaskClient
) -> None:
    person = add_person(runtime, name="检索得到")
    assert stranger.get("accounts").status_code == 403
    [found] = administrator.get("accounts", q="检索得").json["items"]
    assert found["id"] == str(person.id)
    assert administrator.patch(f"accounts/{person.id}", {"roles": ["reviewer"]}).json["roles"] == ["reviewer"]
    assert [one["id"] for one in administrator.get("accounts", role="reviewer").json["items"]] == [str(person.id)]
    assert administrator.patch(f"accounts/{person.id}", {"roles": ["member"]}).status_code == 422
    mine = administrator.get("me").json["id"]
    refused = administrator.patch(f"accounts/{mine}", {"roles": []})
    assert (refused.status_code, refused.json["type"].rpartition("/")[2]) == (409, "last-administrator")
    assert administrator.post(f"accounts/{mine}/actions/deactivate").status_code == 409


def test_a_closed_account_speaks_and_hears_no_more_and_its_listings_stay_with_the_house(
    runtime: Runtime, owner: Caller, administrator: Caller, client: FlaskClient, drain: Drain, mails: MailServer
) -> None:
    listing = post(owner, "outcome")
    colleague = Caller(client, add_person(runtime, owner.person.organisation_id))
    assert administrator.post(f"accounts/{owner.person.id}/actions/deactivate").json["active"] is False
    assert owner.get("me").status_code == 401
    drain()
    mails.received.clear()
    with runtime.db.writing() as session:
        accounts.forgot(session, owner.person.email, now=runtime.clock())
    drain()
    assert mails.received == []
    with runtime.db.reading() as session:
        assert session.get_one(LISTINGS["outcome"], uuid.UUID(listing["id"])).owner_id is None
    assert colleague.patch(f"outcomes/{listing['id']}", {"trl": 8}, version=listing["version"]).status_code == 200
    assert administrator.post(f"accounts/{owner.person.id}/actions/activate").json["active"] is True
    assert owner.get("me").status_code == 401, "keys that ended are made anew"
