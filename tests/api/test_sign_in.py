"""Signing in: by password, which cannot be guessed, and by providers, who open no account of another."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from argon2 import PasswordHasher
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import select

from market.db import Database
from market.models import ApiKey, Identity, User
from market.runtime import Runtime
from market.services.people import passwords, signing_in
from market.settings import Settings, SettingsError
from tests.factories import Caller, Person, SettableClock, add_key, add_person, opened, signed_in
from tests.identity.provider import OpenIdServer, serving

PASSWORD = "kite-ladder-orange-mill"
KEPT = passwords.made(PASSWORD)
MAIL = "li@campus.example"
PAGE = "https://people.example/welcome"


@pytest.fixture
def campus(clock: SettableClock) -> Iterator[OpenIdServer]:
    with serving(lambda: int(clock().timestamp())) as one:
        yield one


@pytest.fixture
def sign_in_page() -> str:
    return ""


@pytest.fixture
def runtime(
    _data: tuple[Path, Database], template: Path, clock: SettableClock, campus: OpenIdServer, sign_in_page: str
) -> Iterator[Runtime]:
    """One whose people may come from the provider."""
    folder, database = _data
    more = {"oidc_providers": campus.setting(), "oidc_loopback": True, "sign_in_page": sign_in_page}
    with opened(folder, template, clock, database=database, **more) as built:
        yield built


def somebody(runtime: Runtime, **values: Any) -> Person:
    return add_person(runtime, **{"email": MAIL, "email_verified_at": runtime.clock(), "password": KEPT, **values})


def tried(visitor: Caller, password: str = PASSWORD, email: str = MAIL) -> Any:
    return visitor.post("sign-in", {"email": email, "password": password})


def holder(client: FlaskClient, answer: Any) -> Caller:
    return Caller(client, Person(uuid.UUID(int=0), None, answer.json["key"], MAIL))


def elsewhere(client: FlaskClient, campus: OpenIdServer) -> Any:
    """What a browser does: leave, sign in there, come back."""
    left = client.get("/api/v1/sign-in/campus")
    assert left.status_code == 302
    return client.get(campus.authorise(left.headers["Location"]).replace("http://127.0.0.1:8000", ""))


def users(runtime: Runtime) -> list[User]:
    with runtime.db.reading() as session:
        return list(session.exec(select(User)))


def test_a_password_gives_a_key_for_twelve_hours_in_one_answer(
    runtime: Runtime, visitor: Caller, client: FlaskClient, clock: SettableClock
) -> None:
    somebody(runtime)
    answer = tried(visitor, email="Li@campus.example")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    me = holder(client, answer)
    assert me.get("me").json["email"] == MAIL
    clock.advance(hours=11, minutes=59)
    assert me.get("me").status_code == 200
    clock.advance(minutes=1)
    assert me.get("me").status_code == 401


def test_signing_out_ends_this_key_and_no_other(runtime: Runtime, visitor: Caller, client: FlaskClient) -> None:
    somebody(runtime)
    here, there = holder(client, tried(visitor)), holder(client, tried(visitor))
    assert here.post("sign-out").status_code == 204
    assert [one.get("me").status_code for one in (here, there)] == [401, 200]


def test_whatever_is_wrong_the_answer_is_the_same(runtime: Runtime, visitor: Caller, administrator: Caller) -> None:
    somebody(runtime)
    closed = add_person(runtime, password=KEPT)
    without = add_person(runtime)
    administrator.post(f"accounts/{closed.id}/actions/deactivate")
    answers = [
        tried(visitor, "wrong-wrong-wrong"), tried(visitor, email="nobody@campus.example"),
        tried(visitor, email=closed.email), tried(visitor, email=without.email), tried(visitor, "", without.email),
    ]  # fmt: skip
    assert {one.status_code for one in answers} == {401}
    assert len({one.json["detail"] for one in answers}) == 1


def test_an_unknown_account_takes_as_long_as_a_wrong_password(runtime: Runtime) -> None:
    somebody(runtime)
    seconds: dict[str, list[float]] = {MAIL: [], "nobody@campus.example": []}
    for _ in range(5):
        for email, taken in seconds.items():
            with runtime.db.reading() as session:
                attempt = signing_in.begin(session, email, now=runtime.clock())
            began = time.thread_time()
            assert not passwords.fits(attempt.kept, "wrong-wrong-wrong")
            taken.append(time.thread_time() - began)
    known, unknown = (min(taken) for taken in seconds.values())
    assert unknown > known / 2


def test_after_five_failures_the_password_rests_longer_each_time(
    runtime: Runtime, visitor: Caller, clock: SettableClock
) -> None:
    somebody(runtime)
    assert [tried(visitor, "wrong-wrong-wrong").status_code for _ in range(5)] == [401] * 5
    rests = []
    for _ in range(3):
        assert tried(visitor).status_code == 401, "the right one is not compared meanwhile"
        [user] = [one for one in users(runtime) if one.email == MAIL]
        rests.append(user.password_locked_until - clock.now)
        clock.now = user.password_locked_until
        tried(visitor, "wrong-wrong-wrong")
    assert rests == [timedelta(minutes=1), timedelta(minutes=2), timedelta(minutes=4)]
    clock.advance(hours=1)
    assert tried(visitor).status_code == 200
    assert tried(visitor, "wrong-wrong-wrong").status_code == 401
    assert tried(visitor).status_code == 200, "whoever knew it begins anew"


@given(st.integers(0, 10_000))
def test_no_rest_is_longer_than_an_hour(failures: int) -> None:
    assert timedelta(0) <= passwords.rest(failures) <= timedelta(hours=1)
    assert passwords.rest(failures) <= passwords.rest(failures + 1)


def test_a_password_that_was_kept_with_less_effort_is_kept_anew(runtime: Runtime, visitor: Caller) -> None:
    somebody(runtime, password=PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD))
    assert tried(visitor).status_code == 200
    [user] = [one for one in users(runtime) if one.email == MAIL]
    assert not passwords.outdated(user.password)
    assert tried(visitor).status_code == 200


def test_however_many_sign_in_only_some_passwords_are_compared_at_once() -> None:
    running, most = 0, 0
    lock = threading.Lock()

    def compare() -> None:
        nonlocal running, most
        with passwords._turn():
            with lock:
                running += 1
                most = max(most, running)
            ended.wait(0.02)
            with lock:
                running -= 1

    ended = threading.Event()
    threads = [threading.Thread(target=compare) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 1 <= most <= passwords._AT_ONCE


def test_where_passwords_are_off_there_are_none(
    template: Path, tmp_path: Path, clock: SettableClock, client: FlaskClient
) -> None:
    with opened(tmp_path / "off", template, clock, passwords=False) as off:
        client.application.extensions["market"] = off
        assert client.get("/api/v1/sign-in").json == {"passwords": False, "providers": []}
        assert tried(Caller(client)).status_code == 501


def test_a_provider_opens_a_new_account_once(runtime: Runtime, client: FlaskClient, campus: OpenIdServer) -> None:
    campus.who = {"sub": "p-1", "email": MAIL, "email_verified": True, "name": "李文"}
    first, second = elsewhere(client, campus), elsewhere(client, campus)
    assert (first.status_code, second.status_code, first.headers["Cache-Control"]) == (200, 200, "no-store")
    me = holder(client, second).get("me").json
    assert (me["name"], me["email"], me["email_verified"], me["has_password"]) == ("李文", MAIL, True, False)
    assert len(users(runtime)) == 1
    assert "HttpOnly" in client.get("/api/v1/sign-in/campus").headers["Set-Cookie"]


def test_a_vouched_address_leads_to_the_account_that_has_confirmed_it_and_its_owner_is_told(
    runtime: Runtime, client: FlaskClient, campus: OpenIdServer
) -> None:
    person = somebody(runtime)
    campus.who = {"sub": "p-1", "email": MAIL.upper(), "email_verified": True}
    me = holder(client, elsewhere(client, campus))
    assert me.get("me").json["id"] == str(person.id)
    assert [one["kind"] for one in me.get("notifications").json["items"]] == ["security"]


def test_an_address_that_no_provider_has_checked_opens_nobodys_account(
    runtime: Runtime, client: FlaskClient, campus: OpenIdServer
) -> None:
    person = somebody(runtime)
    campus.who = {"sub": "thief", "email": MAIL, "email_verified": False}
    me = holder(client, elsewhere(client, campus)).get("me").json
    assert me["id"] != str(person.id)
    assert me["email"] != MAIL


def test_an_account_prepared_with_an_address_does_not_get_its_owner(
    runtime: Runtime, client: FlaskClient, campus: OpenIdServer, visitor: Caller
) -> None:
    prepared = somebody(runtime, email_verified_at=None)
    campus.who = {"sub": "p-1", "email": MAIL, "email_verified": True}
    me = holder(client, elsewhere(client, campus)).get("me").json
    assert (me["id"] == str(prepared.id), me["email"]) == (False, MAIL)
    assert tried(visitor).status_code == 401, "its password opens nothing under this address"


def test_a_loaded_account_is_found_by_whoever_owns_its_address(
    runtime: Runtime, client: FlaskClient, campus: OpenIdServer
) -> None:
    with runtime.db.writing() as session:
        session.add(loaded := User(email=MAIL, name="载入", external_key="u-1"))
    campus.who = {"sub": "p-1", "email": MAIL, "email_verified": True}
    assert holder(client, elsewhere(client, campus)).get("me").json["id"] == str(loaded.id)


def test_what_a_browser_comes_back_with_must_be_what_it_left_with(
    runtime: Runtime, client: FlaskClient, campus: OpenIdServer, clock: SettableClock
) -> None:
    def back(browser: FlaskClient, url: str) -> int:
        return browser.get(campus.authorise(url).replace("http://127.0.0.1:8000", "")).status_code

    url = client.get("/api/v1/sign-in/campus").headers["Location"]
    assert back(client.application.test_client(), url) == 401, "another browser"
    second = client.get("/api/v1/sign-in/campus").headers["Location"]
    assert back(client, url) == 401, "an earlier sign-in"
    clock.advance(minutes=10)
    assert back(client, second) == 401, "too late"
    forged = client.application.test_client()
    forged.set_cookie("qiao_sign_in", client.get_cookie("qiao_sign_in").value[:-2] + "xx")
    assert back(forged, second) == 401
    assert users(runtime) == []
    assert client.get("/api/v1/sign-in/another").status_code == 404


@pytest.mark.parametrize("sign_in_page", [PAGE])
def test_with_a_page_of_ones_own_the_key_comes_behind_the_hash(
    runtime: Runtime, client: FlaskClient, campus: OpenIdServer
) -> None:
    done = elsewhere(client, campus)
    page, _, fragment = done.headers["Location"].partition("#")
    assert (done.status_code, page, done.headers["Cache-Control"]) == (302, PAGE, "no-store")
    key = parse_qs(fragment)["key"][0]
    assert client.get("/api/v1/me", headers={"Authorization": f"Bearer {key}"}).status_code == 200
    assert not urlsplit(page).query
    campus.sign = "none"
    assert elsewhere(client, campus).headers["Location"] == f"{PAGE}#error=not-vouched"


def added(client: FlaskClient, campus: OpenIdServer, caller: Caller, password: str | None = None) -> Any:
    """The answer when the browser comes back from the provider that is to be added."""
    answer = caller.post("me/identities", {"provider": "campus", **({"password": password} if password else {})})
    assert answer.status_code == 200, answer.text
    return client.get(campus.authorise(answer.json["url"]).replace("http://127.0.0.1:8000", ""))


def test_a_key_alone_adds_no_provider(runtime: Runtime, client: FlaskClient, clock: SettableClock) -> None:
    person = somebody(runtime)
    scoped = Caller(client, replace(person, key=add_key(runtime, person, scopes=("account",))))
    refused = scoped.post("me/identities", {"provider": "campus", "password": PASSWORD})
    assert (refused.status_code, problem(refused)) == (403, "key-with-scopes")
    whole = Caller(client, person)
    for body in ({}, {"password": "wrong-wrong-wrong"}):
        assert whole.post("me/identities", {"provider": "campus", **body}).status_code == 422
    without = add_person(runtime)
    for one, expected in ((without, 403), (signed_in(runtime, without), 200)):
        assert Caller(client, one).post("me/identities", {"provider": "campus"}).status_code == expected
    earlier = signed_in(runtime, without)
    clock.advance(minutes=10)
    late = Caller(client, earlier).post("me/identities", {"provider": "campus"})
    assert (late.status_code, problem(late)) == (403, "sign-in-again")


def test_what_was_begun_with_a_key_that_has_ended_adds_no_provider(
    runtime: Runtime, client: FlaskClient, campus: OpenIdServer
) -> None:
    me = Caller(client, signed_in(runtime, somebody(runtime)))
    url = me.post("me/identities", {"provider": "campus", "password": PASSWORD}).json["url"]
    browser = client.get_cookie("qiao_sign_in")
    assert me.post("sign-out").status_code == 204
    assert browser is not None
    assert client.get(campus.authorise(url).replace("http://127.0.0.1:8000", "")).status_code == 401
    with runtime.db.reading() as session:
        assert session.exec(select(Identity)).all() == []


def problem(answer: Any) -> str:
    return str(answer.json["type"]).rpartition("/")[2]


def test_a_provider_is_added_to_ones_own_account_and_taken_away(
    runtime: Runtime, client: FlaskClient, campus: OpenIdServer
) -> None:
    person = somebody(runtime)
    me = Caller(client, person)
    done = added(client, campus, me, PASSWORD)
    assert (done.status_code, done.json) == (200, {"key": None, "expires_at": None, "linked": "campus"})
    [identity] = me.get("me/identities").json["items"]
    assert holder(client, elsewhere(client, campus)).get("me").json["id"] == str(person.id)
    other = Caller(client, signed_in(runtime, add_person(runtime)))
    assert added(client, campus, other).status_code == 409
    assert other.delete(f"me/identities/{identity['id']}").status_code == 404
    assert me.delete(f"me/identities/{identity['id']}").status_code == 204
    with runtime.db.reading() as session:
        assert session.exec(select(Identity)).all() == []


def test_a_closed_account_is_not_opened_by_a_provider(
    runtime: Runtime, client: FlaskClient, campus: OpenIdServer, administrator: Caller
) -> None:
    campus.who = {"sub": "p-1", "email": MAIL, "email_verified": True}
    mine = holder(client, elsewhere(client, campus)).get("me").json["id"]
    administrator.post(f"accounts/{mine}/actions/deactivate")
    assert elsewhere(client, campus).status_code == 401
    with runtime.db.reading() as session:
        good = select(ApiKey).where(ApiKey.user_id == uuid.UUID(mine), ApiKey.revoked_at == None)  # noqa: E711
        assert session.exec(good).all() == []


def test_a_provider_that_is_away_is_not_the_callers_fault(
    runtime: Runtime, client: FlaskClient, campus: OpenIdServer
) -> None:
    campus.issuer = "https://another.example"
    assert client.get("/api/v1/sign-in/campus").status_code == 503


def test_providers_that_cannot_be_used_are_refused_at_start(template: Path, tmp_path: Path) -> None:
    with (
        pytest.raises(SettingsError, match="OIDC"),
        opened(tmp_path / "bad", template, SettableClock(), oidc_providers='[{"name": "x"}]'),
    ):
        pass
    assert Settings().passwords
