"""Between a change and its being indexed, searches show nothing that the change has taken away."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest

from market.api.presenting import PRESENTERS
from market.models import Outcome
from market.runtime import Runtime
from tests.factories import Caller, post

CANARY = "莺燕双飞"
FIELDS = {
    "outcome": {"description": {"description_zh": CANARY}, "keywords": {"keywords": [CANARY]}},
    "expert": {"biography": {"biography_zh": CANARY}, "works": {"works": [{"kind": "paper", "title": CANARY}]}},
    "demand": {"problem": {"problem_zh": CANARY}, "keywords": {"keywords": [CANARY]}},
}
CASES = [(noun, field) for noun, fields in FIELDS.items() for field in fields]


@pytest.mark.parametrize(("noun", "field"), CASES)
def test_what_was_just_protected_is_neither_found_nor_marked(
    owner: Caller, visitor: Caller, drain: Callable[[], int], noun: str, field: str
) -> None:
    listing = post(owner, noun, **FIELDS[noun][field])
    drain()
    before = visitor.get(f"{noun}s", q=CANARY, highlight="true").json["items"]
    assert [(one["id"], bool(one["highlights"])) for one in before] == [(listing["id"], True)]
    changed = owner.patch(f"{noun}s/{listing['id']}", {"tiers": {field: "agreement"}}, version=1)
    assert changed.status_code == 200, changed.text
    for indexed in (False, True):
        for caller in (visitor, owner):
            asked = [
                caller.get(f"{noun}s", q=CANARY, highlight="true"),
                caller.get(f"{noun}s", q="防腐涂层", highlight="true"),
                caller.get("search", q=CANARY, highlight="true"),
                caller.get("suggest", q=CANARY[:2]),
            ]
            assert [CANARY in one.text for one in asked] == [False] * 4, indexed
            assert asked[0].json["items"] == asked[2].json["items"] == []
        drain()
    found = visitor.get(f"{noun}s", q="防腐涂层").json["items"]
    assert [one["id"] for one in found] == [listing["id"]]


def test_a_demand_just_masked_is_not_found_by_its_organisation(
    owner: Caller, visitor: Caller, drain: Callable[[], int]
) -> None:
    demand = post(owner, "demand")
    drain()
    assert owner.person is not None
    house = str(owner.person.organisation_id)
    assert [one["id"] for one in visitor.get("demands", organisation=house).json["items"]] == [demand["id"]]
    owner.patch(f"demands/{demand['id']}", {"organisation_masked": True}, version=1)
    assert visitor.get("demands", organisation=house).json["items"] == []


def test_what_protects_nothing_is_found_by_what_it_said_until_it_is_indexed(
    owner: Caller, visitor: Caller, drain: Callable[[], int]
) -> None:
    outcome = post(owner, "outcome")
    drain()
    owner.patch(f"outcomes/{outcome['id']}", {"title_en": "Otherwise"}, version=1)
    [shown] = visitor.get("outcomes", q="防腐涂层").json["items"]
    assert (shown["id"], shown["title_en"]) == (outcome["id"], "Otherwise")


def test_what_is_withdrawn_is_suggested_no_more(owner: Caller, visitor: Caller, drain: Callable[[], int]) -> None:
    outcome = post(owner, "outcome")
    drain()
    assert [one["id"] for one in visitor.get("suggest", q="海上风").json["items"]] == [outcome["id"]]
    owner.post(f"outcomes/{outcome['id']}/actions/withdraw")
    assert visitor.get("suggest", q="海上风").json["items"] == []


class Undone(Exception):
    pass


def test_a_version_that_was_never_committed_is_shown_to_nobody(
    runtime: Runtime, owner: Caller, visitor: Caller, drain: Callable[[], int]
) -> None:
    identity = post(owner, "outcome")["id"]

    def begin_and_undo() -> None:
        with runtime.db.writing() as session:
            row = session.get_one(Outcome, uuid.UUID(identity))
            row.title_zh, row.version = "从未有过", 2
            session.flush()
            shown.append(PRESENTERS["outcome"].summary(row)["title_zh"])
            raise Undone

    shown: list[str] = []
    with pytest.raises(Undone):
        begin_and_undo()
    assert shown == ["从未有过"]
    assert owner.patch(f"outcomes/{identity}", {"title_zh": "海上风电涂层"}, version=1).status_code == 200
    drain()
    [found] = visitor.get("outcomes", q="涂层").json["items"]
    assert (found["version"], found["title_zh"]) == (2, "海上风电涂层")
