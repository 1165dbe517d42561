"""Messages that are passed on: they arrive, and neither side learns the other's address, nor what is masked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlmodel import select

from market.models import AuditEntry, IdempotentAnswer, Job, Notification
from market.runtime import Runtime
from market.services.claims.relay import A_DAY
from tests.api.claiming import house, imported, kinds, problem, set_user
from tests.factories import NOUNS, Caller, SettableClock, add_member, add_person, post

TEXT = "杜鹃佯啼：能否谈谈施工条件？"
CANARY = "canary-kestrel"


def write(caller: Caller, noun: str, identity: str, text: str = TEXT) -> Any:
    return caller.post(f"{noun}s/{identity}/messages", {"text": text})


def answer(caller: Caller, thread: Any, text: str = "欢迎来访") -> Any:
    return caller.post(f"messages/{thread.json['id']}", {"text": text})


def inbox(caller: Caller) -> list[dict[str, Any]]:
    return list(caller.get("messages").json["items"])


@pytest.mark.parametrize("noun", NOUNS)
def test_what_is_written_arrives_and_is_answered(owner: Caller, stranger: Caller, noun: str) -> None:
    listing = post(owner, noun)
    sent = write(stranger, noun, listing["id"])
    assert (sent.status_code, sent.json["writer"]) == (201, None)
    [thread] = inbox(owner)
    assert (thread["unread"], thread["listing"]["id"], thread["id"]) == (1, listing["id"], sent.json["id"])
    assert thread["writer"]["name"].startswith("Person")
    told = owner.get(f"messages/{thread['id']}").json
    assert [(one["mine"], one["text"], one["read_at"]) for one in told["messages"]] == [(False, TEXT, None)]
    read = owner.post(f"messages/{thread['id']}/actions/read").json
    assert (read["unread"], read["messages"][0]["read_at"] is None) == (0, False)
    assert answer(owner, sent).status_code == 201
    back = stranger.get(f"messages/{thread['id']}").json
    assert [(one["mine"], one["text"]) for one in back["messages"]] == [(True, TEXT), (False, "欢迎来访")]
    assert (back["unread"], inbox(owner)[0]["unread"]) == (1, 0)


def test_the_notification_says_that_there_is_one_and_not_what_it_says(
    runtime: Runtime, owner: Caller, stranger: Caller, drain: Callable[[], int], lines: list[dict[str, Any]]
) -> None:
    listing = post(owner, "outcome")
    sent = stranger.post(f"outcomes/{listing['id']}/messages", {"text": TEXT}, key="once")
    answer(owner, sent)
    drain()
    [told] = [row for row in owner.get("notifications").json["items"] if row["kind"] == "relay_message"]
    assert (told["listing_id"], listing["title_zh"] in told["title"]) == (listing["id"], True)
    assert kinds(stranger)[0] == "relay_message"
    with runtime.db.reading() as session:
        kept = [
            row.model_dump_json() for table in (Notification, AuditEntry, Job) for row in session.exec(select(table))
        ]
        assert session.exec(select(IdempotentAnswer)).one().caller == str(stranger.person and stranger.person.id)
    assert not [text for text in (*kept, repr(lines)) if "杜鹃佯啼" in text or "欢迎来访" in text]


def test_neither_side_learns_an_address_nor_a_masked_organisation(
    runtime: Runtime, client: FlaskClient, drain: Callable[[], int]
) -> None:
    owner = Caller(client, add_member(runtime, name_zh=CANARY, name_en=CANARY))
    assert owner.person is not None
    set_user(runtime, owner.person, email=f"{CANARY}@owner.example", name=f"{CANARY} 甲")
    writer = Caller(client, add_person(runtime, roles=(), email=f"{CANARY}-writer@writer.example"))
    contact = {"contact_name": CANARY, "contact_phone": f"022-{CANARY}", "contact_email": f"{CANARY}@contact.example"}
    for noun in NOUNS:
        masked = {"organisation_masked": True} if noun == "demand" else {}
        listing = post(owner, noun, **contact, **masked)
        sent = write(writer, noun, listing["id"])
        replied = answer(owner, sent)
        drain()
        identity = sent.json["id"]
        seen_by_owner = [replied.text, owner.get("messages").text, owner.get(f"messages/{identity}").text]
        assert not [text for text in (*seen_by_owner, owner.get("notifications").text) if "writer.example" in text]
        seen = [sent.text, writer.get(f"messages/{identity}").text, writer.get("notifications").text]
        assert not [text for text in seen if ".example" in text or f"022-{CANARY}" in text or "甲" in text]
        if noun == "demand":
            assert CANARY not in "".join(seen[:2])


def test_without_people_of_its_own_a_listings_messages_go_to_staff(
    runtime: Runtime, client: FlaskClient, stranger: Caller, reviewer: Caller
) -> None:
    organisation = house(runtime)
    identity = imported(runtime, organisation)
    sent = write(stranger, "expert", identity)
    assert [thread["id"] for thread in inbox(reviewer)] == [sent.json["id"]]
    # From when there is somebody to answer, they do.
    admin = Caller(client, add_person(runtime, organisation, roles=("organisation_admin",)))
    assert write(stranger, "expert", identity, "再问").json["id"] == sent.json["id"]
    assert len(admin.get(f"messages/{sent.json['id']}").json["messages"]) == 1
    assert answer(reviewer, sent).status_code == 403
    assert answer(admin, sent).status_code == 201
    assert [one["mine"] for one in stranger.get(f"messages/{sent.json['id']}").json["messages"]] == [
        True,
        True,
        False,
    ]


def test_where_nobody_could_answer_nothing_is_kept(runtime: Runtime, stranger: Caller) -> None:
    identity = imported(runtime, house(runtime))
    assert problem(write(stranger, "expert", identity)) == "nobody-to-tell"
    assert inbox(stranger) == []


def test_one_writes_to_what_is_public_and_not_ones_own(owner: Caller, stranger: Caller, visitor: Caller) -> None:
    draft, shown = post(owner, "expert", submit=False), post(owner, "expert")
    assert write(stranger, "expert", draft["id"]).status_code == 404
    assert write(owner, "expert", draft["id"]).status_code == 403
    assert problem(write(owner, "expert", shown["id"])) == "own-listing"
    assert write(visitor, "expert", shown["id"]).status_code == 401
    assert write(stranger, "expert", shown["id"], " ").status_code == 422


def test_a_thread_is_its_two_sides_own(owner: Caller, stranger: Caller, reviewer: Caller, newcomer: Caller) -> None:
    sent = write(stranger, "outcome", post(owner, "outcome")["id"])
    path = f"messages/{sent.json['id']}"
    for other in (reviewer, newcomer):
        answers = [
            other.get(path),
            answer(other, sent),
            other.post(f"{path}/actions/close"),
            other.post(f"{path}/actions/read"),
        ]
        assert [one.status_code for one in answers] == [404] * 4
        assert inbox(other) == []


def test_whoever_is_pestered_closes_the_thread_for_good(owner: Caller, stranger: Caller, newcomer: Caller) -> None:
    listing = post(owner, "expert")
    sent = write(stranger, "expert", listing["id"])
    closed = owner.post(f"messages/{sent.json['id']}/actions/close")
    assert closed.json["closed_at"] is not None
    assert problem(write(stranger, "expert", listing["id"])) == "thread-closed"
    assert problem(answer(stranger, sent)) == problem(answer(owner, sent)) == "thread-closed"
    assert owner.post(f"messages/{sent.json['id']}/actions/close").json["closed_at"] == closed.json["closed_at"]
    assert write(newcomer, "expert", listing["id"]).status_code == 201


def test_a_person_writes_to_so_many_listings_a_day_and_answers_freely(
    owner: Caller, stranger: Caller, clock: SettableClock
) -> None:
    listing = post(owner, "outcome")
    for number in range(A_DAY):
        sent = write(stranger, "outcome", listing["id"], f"第{number}条")
        assert sent.status_code == 201
        clock.advance(seconds=1)
    refused = write(stranger, "outcome", listing["id"])
    assert (refused.status_code, problem(refused)) == (429, "too-many-messages")
    assert "86380 seconds" in refused.json["detail"]
    assert answer(stranger, sent).status_code == answer(owner, sent).status_code == 201
    clock.advance(seconds=int(refused.headers["Retry-After"]) - 1)
    assert write(stranger, "outcome", listing["id"]).status_code == 429
    clock.advance(seconds=1)
    assert write(stranger, "outcome", listing["id"]).status_code == 201


def test_threads_come_in_pages_with_the_newest_message_first(
    owner: Caller, stranger: Caller, clock: SettableClock
) -> None:
    ids = []
    for _ in range(3):
        ids.append(write(stranger, "outcome", post(owner, "outcome")["id"]).json["id"])
        clock.advance(seconds=1)
    owner.post(f"messages/{ids[0]}", {"text": "又及"})
    page = stranger.get("messages", limit=2).json
    rest = stranger.get("messages", limit=2, cursor=page["next"]).json
    assert [one["id"] for one in (*page["items"], *rest["items"])] == [ids[0], ids[2], ids[1]]
    assert rest["next"] is None


def test_what_is_out_of_sight_is_not_named_to_the_other_side(owner: Caller, stranger: Caller) -> None:
    listing = post(owner, "outcome")
    sent = write(stranger, "outcome", listing["id"])
    owner.post(f"outcomes/{listing['id']}/actions/withdraw")
    owner.patch(f"outcomes/{listing['id']}", {"title_zh": "尚未公开的新名称"}, version=2)
    assert answer(owner, sent).status_code == 201
    assert stranger.get(f"messages/{sent.json['id']}").json["listing"] is None
    assert "尚未公开" not in stranger.get("notifications").text + stranger.get("messages").text
    assert answer(stranger, sent, "好的").status_code == 201
    assert "尚未公开" in owner.get("notifications").text
