"""Visibility: what each kind of caller may read and change, in every state."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from market.models import User
from market.runtime import Runtime
from market.services.people.keys import revoke
from tests.factories import NOUNS, Caller, Person, SettableClock, add_key, add_person, payload, post

each_noun = pytest.mark.parametrize("noun", NOUNS)


def with_key(caller: Caller, key: str) -> Caller:
    person = caller.person
    return Caller(caller.client, Person(person.id, person.organisation_id, key, person.email))


@each_noun
def test_everybody_reads_what_is_published(owner: Caller, visitor: Caller, stranger: Caller, noun: str) -> None:
    path = f"{noun}s/{post(owner, noun)['id']}"
    assert [caller.get(path).status_code for caller in (visitor, stranger)] == [200, 200]


@each_noun
def test_a_draft_does_not_exist_for_others(owner: Caller, visitor: Caller, stranger: Caller, noun: str) -> None:
    path = f"{noun}s/{post(owner, noun, submit=False)['id']}"
    assert [caller.get(path).status_code for caller in (visitor, stranger)] == [404, 404]


@each_noun
def test_owner_reviewer_and_administrator_read_a_draft(
    owner: Caller, reviewer: Caller, administrator: Caller, noun: str
) -> None:
    path = f"{noun}s/{post(owner, noun, submit=False)['id']}"
    assert [caller.get(path).status_code for caller in (owner, reviewer, administrator)] == [200, 200, 200]


def test_a_colleague_reads_and_changes_a_draft(runtime: Runtime, owner: Caller) -> None:
    colleague = Caller(owner.client, add_person(runtime, owner.person.organisation_id))
    path = f"outcomes/{post(owner, 'outcome', submit=False)['id']}"
    assert colleague.get(path).status_code == 200
    assert colleague.patch(path, {"trl": 1}, version=1).status_code == 200


def test_an_expert_of_the_same_house_does_not_see_its_drafts(runtime: Runtime, owner: Caller) -> None:
    expert = Caller(owner.client, add_person(runtime, owner.person.organisation_id, roles=("expert",)))
    path = f"outcomes/{post(owner, 'outcome', submit=False)['id']}"
    assert expert.get(path).status_code == 404


@each_noun
@pytest.mark.parametrize(
    ("state", "status"), [("draft", 404), ("published", 403)], ids=["a draft is 404", "published is 403"]
)
@pytest.mark.parametrize("deed", ["change", "delete", "withdraw"])
def test_another_may_not_touch_it(
    owner: Caller, stranger: Caller, noun: str, state: str, status: int, deed: str
) -> None:
    path = f"{noun}s/{post(owner, noun, submit=state == 'published')['id']}"
    if deed == "change":
        response = stranger.patch(path, {"keywords": []}, version=1)
    elif deed == "delete":
        response = stranger.delete(path, version=1)
    else:
        response = stranger.post(f"{path}/actions/withdraw")
    assert response.status_code == status
    assert owner.get(path).json["version"] == 1


@each_noun
def test_a_visitor_may_change_nothing(owner: Caller, visitor: Caller, noun: str) -> None:
    path = f"{noun}s/{post(owner, noun)['id']}"
    answers = (
        visitor.patch(path, {"keywords": []}, version=1),
        visitor.delete(path, version=1),
        visitor.post(f"{path}/actions/withdraw"),
        visitor.get(f"{path}/matches"),
    )
    assert [answer.status_code for answer in answers] == [401, 401, 401, 401]


def test_a_reviewer_moderates_but_does_not_edit(owner: Caller, reviewer: Caller) -> None:
    path = f"outcomes/{post(owner, 'outcome')['id']}"
    assert reviewer.patch(path, {"trl": 1}, version=1).status_code == 403
    assert reviewer.post(f"{path}/actions/suspend", {"reason": "other"}).status_code == 200


@pytest.mark.parametrize("state", ["submitted", "withdrawn", "suspended", "closed"])
def test_what_is_out_of_sight_is_404_to_others(
    owner: Caller, newcomer: Caller, reviewer: Caller, visitor: Caller, state: str
) -> None:
    who = newcomer if state == "submitted" else owner
    path = f"outcomes/{post(who, 'outcome')['id']}"
    actions = {"withdrawn": (owner, "withdraw"), "suspended": (reviewer, "suspend"), "closed": (owner, "close")}
    if state in actions:
        caller, action = actions[state]
        body = {"reason": "other"} if action == "suspend" else {}
        assert caller.post(f"{path}/actions/{action}", body).status_code == 200
    assert visitor.get(path).status_code == 404
    assert who.get(path).json["state"] == state


def test_a_search_finds_ones_own_drafts_and_not_anothers(
    owner: Caller, stranger: Caller, visitor: Caller, reviewer: Caller, drain: Callable[[], int]
) -> None:
    post(owner, "outcome", submit=False)
    drain()
    counts = [caller.get("outcomes", state="draft").json["total"] for caller in (owner, stranger, visitor, reviewer)]
    assert counts == [1, 0, 0, 1]


def test_a_search_without_states_shows_what_is_published(owner: Caller, drain: Callable[[], int]) -> None:
    post(owner, "outcome", submit=False)
    published = post(owner, "outcome")
    drain()
    found = owner.get("outcomes").json
    assert ([item["id"] for item in found["items"]], found["total"]) == ([published["id"]], 1)


def test_a_stale_index_never_shows_what_was_withdrawn(
    owner: Caller, visitor: Caller, drain: Callable[[], int]
) -> None:
    listing = post(owner, "outcome")
    drain()
    owner.post(f"outcomes/{listing['id']}/actions/withdraw")
    for caller in (visitor, owner):  # its owner neither, among what is published
        assert caller.get("outcomes", q="涂层").json["items"] == []
        assert caller.get("search", q="涂层").json["items"] == []


def test_a_stale_index_does_not_complete_what_was_withdrawn(
    owner: Caller, visitor: Caller, drain: Callable[[], int]
) -> None:
    listing = post(owner, "outcome")
    drain()
    assert visitor.get("suggest", q="海上风").json["items"]
    owner.post(f"outcomes/{listing['id']}/actions/withdraw")
    drain()
    assert visitor.get("suggest", q="海上风").json["items"] == []


def test_a_revoked_key_is_401(runtime: Runtime, owner: Caller) -> None:
    key = add_key(runtime, owner.person)
    assert with_key(owner, key).get("me").status_code == 200
    with runtime.db.writing() as session:
        revoke(session, key[:9], now=runtime.clock())
    response = with_key(owner, key).get("me")
    assert (response.status_code, response.json["type"]) == (401, "/problems/bad-key")
    assert owner.get("me").status_code == 200


def test_an_expired_key_is_401(runtime: Runtime, owner: Caller, clock: SettableClock) -> None:
    key = add_key(runtime, owner.person, expires_at=clock())
    assert with_key(owner, key).get("me").status_code == 401


def test_a_key_is_good_until_it_expires(runtime: Runtime, owner: Caller, clock: SettableClock) -> None:
    late = with_key(owner, add_key(runtime, owner.person, expires_at=clock()))
    clock.advance(seconds=-1)
    assert late.get("me").status_code == 200


def test_the_key_of_a_user_who_left_is_401(runtime: Runtime, owner: Caller) -> None:
    with runtime.db.writing() as session:
        session.get_one(User, owner.person.id).active = False
    assert owner.get("me").status_code == 401


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer ",
        "Bearer qiao_",
        "Bearer qiao_" + "A" * 36,
        "Bearer qiao_" + "é" * 36,
        "Bearer " + "x" * 5000,
        "Basic dXNlcjpwYXNz",
        "",
        "Bearer null",
    ],
)
def test_a_key_that_is_none_is_401_and_never_a_visitor(visitor: Caller, header: str) -> None:
    response = visitor.get("stats", headers={"Authorization": header.encode("utf-8").decode("latin-1")})
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"


def test_a_mistyped_key_is_401(owner: Caller) -> None:
    key = owner.person.key
    other = "b" if key[10] == "a" else "a"
    assert with_key(owner, key[:10] + other + key[11:]).get("me").status_code == 401


def test_a_key_in_the_address_is_not_taken(owner: Caller, visitor: Caller) -> None:
    assert visitor.get("me", key=owner.person.key).status_code == 401


def test_one_answer_for_every_key_that_is_not_good(owner: Caller, visitor: Caller) -> None:
    texts = {
        visitor.get("me", headers={"Authorization": f"Bearer {key}"}).json["detail"]
        for key in ("qiao_", owner.person.key[:-1] + "~", "qiao_" + "0" * 36)
    }
    assert len(texts) == 1


def test_a_visitor_posts_no_idempotent_answers(visitor: Caller) -> None:
    assert visitor.post("outcomes", payload("outcome"), key="k").status_code == 401
