"""The audit trail as auditors read it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from market.runtime import Runtime
from market.services.trail import sealing, verifying
from tests.factories import Caller, SettableClock, add_person, post


@pytest.fixture
def auditor(runtime: Runtime, client: FlaskClient) -> Caller:
    """Somebody who reads the trail, and does nothing else."""
    return Caller(client, add_person(runtime, roles=("auditor",)))


def items(caller: Caller, **query: Any) -> list[dict[str, Any]]:
    answer = caller.get("audit", **query)
    assert answer.status_code == 200, answer.text
    return list(answer.json["items"])


def test_every_deed_is_there_with_who_did_it_and_in_which_request(owner: Caller, auditor: Caller) -> None:
    made = owner.post("outcomes", {"title_zh": "石墨烯涂层"}, headers={"X-Request-Id": "made-by-hand"})
    identity = made.json["id"]
    owner.patch(f"outcomes/{identity}", {"trl": 6}, version=1)
    changed, created = items(auditor, subject=identity)
    assert (changed["action"], created["action"]) == ("change", "create")
    assert changed["details"]["fields"] == ["trl"]
    assert created["request_id"] == made.headers["X-Request-Id"] != "made-by-hand"
    assert owner.person is not None
    assert {created["actor_id"], changed["actor_id"]} == {str(owner.person.id)}
    assert (created["actor_kind"], created["noun"]) == ("user", "outcome")


def test_it_is_narrowed_by_what_who_and_when(
    owner: Caller, stranger: Caller, auditor: Caller, clock: SettableClock
) -> None:
    first = post(owner, "outcome", submit=False)["id"]
    clock.advance(hours=1)
    between = clock()
    second = post(stranger, "demand", submit=False)["id"]
    assert stranger.person is not None
    for query, wanted in (
        ({"noun": "demand"}, {second}),
        ({"actor": str(stranger.person.id)}, {second}),
        ({"action": "create"}, {first, second}),
        ({"action": "approve"}, set()),
        ({"actor_kind": "system"}, set()),
        ({"since": between.isoformat()}, {second}),
        ({"until": between.isoformat()}, {first}),
        ({"subject": first, "noun": "demand"}, set()),
    ):
        assert {item["subject_id"] for item in items(auditor, **query)} == wanted, query


def test_pages_follow_each_other_without_gap_or_doubling(owner: Caller, auditor: Caller) -> None:
    made = [post(owner, "outcome", submit=False)["id"] for _ in range(7)]
    found, cursor = [], None
    for _ in range(4):
        answer = auditor.get("audit", limit=2, **({"cursor": cursor} if cursor else {}))
        found += [item["subject_id"] for item in answer.json["items"]]
        cursor = answer.json["next"]
    assert (found, cursor) == (made[::-1], None)


def test_the_head_says_what_is_sealed_and_what_is_not(
    owner: Caller, auditor: Caller, runtime: Runtime, clock: SettableClock, drain: Callable[[], int]
) -> None:
    assert auditor.get("audit/head").json == {
        "position": 0, "hash": sealing.GENESIS, "unsealed": 0, "oldest_unsealed": None
    }  # fmt: skip
    post(owner, "outcome", submit=False)
    assert auditor.get("audit/head").json["unsealed"] == 1
    clock.advance(seconds=10)
    drain()
    head = auditor.get("audit/head").json
    assert (head["position"], head["unsealed"]) == (1, 0)
    with runtime.db.reading() as session:
        assert verifying.verify(session, anchor=head["hash"]).fault is None


@pytest.mark.parametrize("path", ["audit", "audit/head"])
def test_nobody_else_reads_it(visitor: Caller, owner: Caller, reviewer: Caller, path: str) -> None:
    assert [caller.get(path).status_code for caller in (visitor, owner, reviewer)] == [401, 403, 403]
