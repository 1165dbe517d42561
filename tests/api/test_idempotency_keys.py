"""Idempotency-Key: the same request gets the same answer, and is done once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import func, select

from market.models import IdempotentAnswer, Outcome
from market.runtime import Runtime
from market.services.rights import people
from tests.factories import Caller, SettableClock, add_organisation, add_person, payload, post


def count(runtime: Runtime) -> int:
    with runtime.db.reading() as session:
        return session.exec(select(func.count()).select_from(Outcome)).one()


def test_a_repeated_key_gives_the_same_answer_and_one_row(runtime: Runtime, owner: Caller) -> None:
    first, second = (owner.post("outcomes", payload("outcome"), key="k-1") for _ in range(2))
    assert (second.status_code, second.data) == (first.status_code, first.data) == (201, first.data)
    assert second.headers["Location"] == first.headers["Location"]
    assert second.headers["ETag"] == first.headers["ETag"]
    assert count(runtime) == 1


def test_a_repeated_answer_says_that_it_is_one(owner: Caller) -> None:
    first, second = (owner.post("outcomes", payload("outcome"), key="k-1") for _ in range(2))
    assert "Idempotency-Replayed" not in first.headers
    assert second.headers["Idempotency-Replayed"] == "true"


def test_a_repeated_answer_has_a_request_id_of_its_own(owner: Caller) -> None:
    answers = [owner.post("outcomes", payload("outcome"), key="k-1") for _ in range(2)]
    ids = [answer.headers.getlist("X-Request-Id") for answer in answers]
    assert [len(one) for one in ids] == [1, 1]
    assert ids[0] != ids[1]


@pytest.mark.parametrize("change", ["body", "path", "query"])
def test_a_key_used_for_another_request_is_422(runtime: Runtime, owner: Caller, change: str) -> None:
    owner.post("outcomes", payload("outcome"), key="k-1")
    path = "demands" if change == "path" else "outcomes"
    body = payload("demand") if change == "path" else payload("outcome", trl=1 if change == "body" else 7)
    response = owner.post("outcomes?x=1" if change == "query" else path, body, key="k-1")
    assert (response.status_code, response.json["type"]) == (422, "/problems/idempotency-key-reused")
    assert count(runtime) == 1


def test_two_callers_may_use_the_same_key(runtime: Runtime, owner: Caller, stranger: Caller) -> None:
    answers = [caller.post("outcomes", payload("outcome"), key="k-1").json["id"] for caller in (owner, stranger)]
    assert answers[0] != answers[1]
    assert count(runtime) == 2


def test_visitors_keys_are_nobodys(runtime: Runtime, visitor: Caller) -> None:
    bodies = [{"email": f"{name}@people.example"} for name in ("a", "b", "a")]
    answers = [visitor.post("accounts/actions/forgot", body, key="k-1") for body in bodies]
    assert {(one.status_code, "Idempotency-Replayed" in one.headers) for one in answers} == {(202, False)}
    with runtime.db.reading() as session:
        assert session.exec(select(func.count()).select_from(IdempotentAnswer)).one() == 0


def test_an_answer_is_not_repeated_to_whoever_has_lost_a_role_since(
    runtime: Runtime, client: FlaskClient, owner: Caller
) -> None:
    assert owner.person is not None
    head = add_person(runtime, owner.person.organisation_id, roles=("organisation_admin", "member"))
    elsewhere = {owner.person.id: (add_organisation(runtime), ["member"])}
    with runtime.db.writing() as session:
        people.join(session, elsewhere, now=runtime.clock())
    secret = payload("demand", submit=True, problem_zh="莺燕", tiers={"problem": "agreement"})
    assert "莺燕" in owner.post("demands", secret, key="k-1").text
    assert "莺燕" in owner.post("demands", secret, key="k-1").text
    place = f"organisations/{owner.person.organisation_id}/people/{owner.person.id}"
    assert Caller(client, head).delete(place).status_code == 204
    again = owner.post("demands", secret, key="k-1")
    assert (again.status_code, again.json["type"]) == (409, "/problems/answered-already")
    assert "莺燕" not in again.text


def test_an_answer_is_repeated_to_whoever_has_gained_a_role_by_it(owner: Caller) -> None:
    new = {"name_zh": "海河实验室", "kind": "research_institute", "region": "120000"}
    first, second = (owner.post("organisations", new, key="k-1") for _ in range(2))
    assert (first.status_code, second.data) == (201, first.data)


def test_without_a_key_each_post_makes_a_row(runtime: Runtime, owner: Caller) -> None:
    for _ in range(2):
        owner.post("outcomes", payload("outcome"))
    assert count(runtime) == 2


def test_a_refused_request_does_not_use_up_its_key(runtime: Runtime, owner: Caller) -> None:
    assert owner.post("outcomes", payload("outcome", trl=99), key="k-1").status_code == 422
    assert owner.post("outcomes", payload("outcome"), key="k-1").status_code == 201


def test_an_action_is_taken_once(owner: Caller) -> None:
    path = f"outcomes/{post(owner, 'outcome')['id']}/actions/withdraw"
    answers = [owner.post(path, key="k-1") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json["version"] == answers[1].json["version"] == 2


def test_a_key_is_forgotten_after_a_day(runtime: Runtime, owner: Caller, clock: SettableClock) -> None:
    owner.post("outcomes", payload("outcome"), key="k-1")
    clock.advance(hours=23, minutes=59)
    owner.post("outcomes", payload("outcome"), key="k-1")
    assert count(runtime) == 1
    clock.advance(minutes=2)
    owner.post("outcomes", payload("outcome", trl=1), key="k-1")
    assert count(runtime) == 2


def test_forgotten_keys_are_swept_away(
    runtime: Runtime, owner: Caller, clock: SettableClock, drain: Callable[[], int]
) -> None:
    owner.post("outcomes", payload("outcome"), key="k-1")
    clock.advance(hours=25)
    drain()
    with runtime.db.reading() as session:
        assert session.exec(select(func.count()).select_from(IdempotentAnswer)).one() == 0


def test_a_key_that_is_too_long_is_refused_and_never_shortened(runtime: Runtime, owner: Caller) -> None:
    first = owner.post("outcomes", payload("outcome"), key="k" * 200 + "a")
    second = owner.post("outcomes", payload("outcome"), key="k" * 200 + "b")
    assert (first.status_code, second.status_code) == (422, 422)
    assert count(runtime) == 0


def test_fifty_posts_at_once_with_one_key_make_one_row(runtime: Runtime, app: Flask, owner: Caller) -> None:
    together = Barrier(50)

    def one_of_fifty(_: int) -> tuple[int, bytes]:
        together.wait()
        answer = Caller(app.test_client(), owner.person).post("outcomes", payload("outcome"), key="only-once")
        return answer.status_code, answer.data

    with ThreadPoolExecutor(50) as pool:
        answers = set(pool.map(one_of_fifty, range(50)))
    assert len(answers) == 1
    assert answers.pop()[0] == 201
    assert count(runtime) == 1


def test_parallel_changes_of_one_version_let_one_through(app: Flask, owner: Caller) -> None:
    path = f"outcomes/{post(owner, 'outcome')['id']}"

    def change(level: int) -> int:
        return Caller(app.test_client(), owner.person).patch(path, {"trl": level}, version=1).status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(change, range(1, 9)))
    assert statuses == [200] + [412] * 7
    assert owner.get(path).json["version"] == 2
