"""Keys that people make for their programs: shown once, no stronger than what made them, ended at once."""

from __future__ import annotations

import json
from itertools import combinations
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlmodel import select

from market.models import AuditEntry, IdempotentAnswer, User
from market.runtime import Runtime
from market.services.people import keys
from market.vocabulary import vocabulary
from tests.factories import Caller, Person, SettableClock

SCOPES = vocabulary("scopes").codes


def with_key(caller: Caller, plain: str) -> Caller:
    assert caller.person is not None
    person = Person(caller.person.id, caller.person.organisation_id, plain, caller.person.email)
    return Caller(caller.client, person)


def made(caller: Caller, **body: Any) -> Caller:
    answer = caller.post("me/keys", body)
    assert answer.status_code == 201, answer.text
    return with_key(caller, answer.json["key"])


def test_a_key_is_shown_in_one_answer_and_nowhere_again(runtime: Runtime, owner: Caller) -> None:
    answer = owner.post("me/keys", {"label": "夜间导入", "days": 30}, key="once")
    plain = answer.json["key"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert owner.post("me/keys", {"label": "夜间导入", "days": 30}, key="once").json["key"] is None
    assert plain not in owner.get("me/keys").text
    with runtime.db.reading() as session:
        kept = [bytes(one.body) for one in session.exec(select(IdempotentAnswer))]
        details = [json.dumps(one.details) for one in session.exec(select(AuditEntry))]
    assert not [one for one in kept if plain.encode() in one]
    assert not [one for one in details if plain in one]
    assert with_key(owner, plain).get("me").status_code == 200
    assert [one["kind"] for one in owner.get("notifications").json["items"]] == ["security"]


def test_a_key_ends_with_its_days_or_when_it_is_ended(owner: Caller, stranger: Caller, clock: SettableClock) -> None:
    short, long = made(owner, days=1), made(owner)
    identity = owner.get("me/keys").json["items"][-1]["id"]
    assert stranger.delete(f"me/keys/{identity}").status_code == 404
    clock.advance(days=1)
    assert [one.get("me").status_code for one in (short, long)] == [401, 200]
    assert owner.delete(f"me/keys/{identity}").status_code == 204
    assert owner.delete(f"me/keys/{identity}").status_code == 404
    assert long.get("me").status_code == 401


@pytest.mark.parametrize("given", [(), *combinations(("account", "read"), 1), *combinations(SCOPES, 2)])
def test_a_key_made_with_a_key_is_for_no_more_than_that_is(owner: Caller, given: tuple[str, ...]) -> None:
    narrow = made(owner, scopes=["account", "read"])
    answer = narrow.post("me/keys", {"scopes": list(given)})
    if set(given) <= {"account", "read"}:
        expected = sorted(given or ("account", "read"))
        assert (answer.status_code, answer.json["scopes"]) == (201, expected)
    else:
        assert (answer.status_code, answer.json["type"].rpartition("/")[2]) == (403, "scope-missing")


def test_a_key_without_the_scope_of_accounts_makes_none(owner: Caller) -> None:
    reading = made(owner, scopes=["read"])
    assert reading.get("outcomes").status_code == 200
    assert reading.post("me/keys", {}).status_code == 403
    assert reading.post("outcomes", {"title_zh": "涂层"}).status_code == 403


def test_one_person_has_so_many_keys_and_no_more(runtime: Runtime, owner: Caller) -> None:
    with runtime.db.writing() as session:
        user = session.get_one(User, owner.person.id)
        for _ in range(keys.MOST - 1):
            keys.create(session, user, now=runtime.clock())
    assert owner.post("me/keys", {}).status_code == 409


def test_visitors_have_no_keys(visitor: Caller, client: FlaskClient) -> None:
    assert visitor.get("me/keys").status_code == visitor.post("me/keys", {}).status_code == 401
