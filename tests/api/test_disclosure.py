"""Fields in tiers: what an owner may protect, who then sees it, and that it is on record before it is shown."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event
from sqlalchemy.exc import OperationalError
from sqlmodel import select

from market.models import AuditEntry, Case, IdempotentAnswer
from market.runtime import Runtime
from tests.factories import NOUNS, Caller, add_organisation, add_person, payload, post

PROBLEM = "鲲鹏计划桩基在潮差区起泡"


@pytest.fixture
def verified(runtime: Runtime, client: FlaskClient) -> Caller:
    """A member of an organisation that is verified."""
    return Caller(client, add_person(runtime, add_organisation(runtime, verification="verified")))


@pytest.fixture
def notes(runtime: Runtime) -> Callable[[], list[dict[str, Any]]]:
    """What the trail says was disclosed, oldest first."""

    def read() -> list[dict[str, Any]]:
        with runtime.db.reading() as session:
            rows = session.exec(select(AuditEntry).where(AuditEntry.action == "disclose").order_by(AuditEntry.id))
            return [{**row.details, "actor": row.actor_id, "subject": str(row.subject_id)} for row in rows]

    return read


def refused(answer: Any) -> list[str]:
    assert answer.status_code == 422, answer.text
    return [item["pointer"] for item in answer.json["errors"]]


def test_a_protected_field_is_absent_and_named_with_its_tier(
    owner: Caller, visitor: Caller, stranger: Caller
) -> None:
    demand = post(owner, "demand", tiers={"problem": "verified", "budget": "registered"})
    assert (demand["tiers"], demand["protected"]) == ({"problem": "verified", "budget": "registered"}, {})
    shown = visitor.get(f"demands/{demand['id']}").json
    assert shown["protected"] == {"problem": "verified", "budget": "registered"}
    assert not {"problem_zh", "problem_en", "budget_from", "budget_to", "budget_negotiable", "tiers"} & set(shown)
    assert shown["indicators"] == demand["indicators"]
    registered = stranger.get(f"demands/{demand['id']}").json
    assert registered["protected"] == {"problem": "verified"}
    assert (registered["budget_to"], "problem_zh" in registered) == (2_000_000, False)


def test_members_of_verified_organisations_see_what_takes_one(owner: Caller, verified: Caller) -> None:
    outcome = post(owner, "outcome", tiers={"price": "verified", "indicators": "agreement"})
    shown = verified.get(f"outcomes/{outcome['id']}").json
    assert (shown["price"], shown["protected"]) == (1_800_000, {"indicators": "agreement"})


@pytest.mark.parametrize("noun", NOUNS)
def test_lists_hold_only_what_everybody_may_see(
    owner: Caller, stranger: Caller, drain: Callable[[], int], noun: str
) -> None:
    fields = {"outcome": ("price", "keywords"), "expert": ("keywords", "position"), "demand": ("budget", "keywords")}
    hidden = {"price", "price_negotiable", "keywords", "position", "budget_from", "budget_to", "budget_negotiable"}
    post(owner, noun, tiers=dict.fromkeys(fields[noun], "registered"))
    drain()
    for caller in (stranger, owner):
        [item] = caller.get(f"{noun}s").json["items"]
        assert not hidden & set(item)


@pytest.mark.parametrize(
    ("noun", "tiers", "pointer"),
    [
        ("demand", {"title": "verified"}, "/tiers/title"),
        ("demand", {"summary": "verified"}, "/tiers/summary"),
        ("demand", {"problem": "secret"}, "/tiers/problem"),
        ("demand", {"problem": 3}, "/tiers/problem"),
        ("demand", {"contact": "public"}, "/tiers/contact"),
        ("outcome", {"problem": "verified"}, "/tiers/problem"),
        ("expert", {"contact": "agreement"}, "/tiers/contact"),
        ("expert", ["biography"], "/tiers"),
    ],
)
def test_what_cannot_be_protected_or_is_no_tier_is_refused(
    owner: Caller, noun: str, tiers: Any, pointer: str
) -> None:
    assert refused(owner.post(f"{noun}s", payload(noun, tiers=tiers))) == [pointer]


def test_a_change_of_tiers_names_only_what_changes(owner: Caller, visitor: Caller) -> None:
    path = f"demands/{post(owner, 'demand', tiers={'problem': 'verified', 'keywords': 'registered'})['id']}"
    changed = owner.patch(path, {"tiers": {"problem": None, "reward": "agreement"}}, version=1).json
    assert (changed["tiers"], changed["version"]) == ({"keywords": "registered", "reward": "agreement"}, 2)
    assert owner.patch(path, {"tiers": {"keywords": "public"}}, version=2).json["tiers"] == {"reward": "agreement"}
    assert visitor.get(path).json["problem_zh"] == payload("demand")["problem_zh"]


def test_what_is_protected_later_is_found_no_more(owner: Caller, visitor: Caller, drain: Callable[[], int]) -> None:
    path = f"demands/{post(owner, 'demand', problem_zh=PROBLEM)['id']}"
    drain()
    assert visitor.get("demands", q="鲲鹏").json["total"] == 1
    owner.patch(path, {"tiers": {"problem": "registered"}}, version=1)
    drain()
    assert visitor.get("demands", q="鲲鹏").json["total"] == 0
    owner.patch(path, {"tiers": {"problem": None}}, version=2)
    drain()
    assert visitor.get("demands", q="鲲鹏").json["total"] == 1


def test_a_mask_is_the_tier_of_the_organisation(owner: Caller, visitor: Caller, verified: Caller) -> None:
    masked = post(owner, "demand", organisation_masked=True)
    assert (masked["tiers"], masked["organisation"]["id"]) == (
        {"organisation": "agreement"},
        str(owner.person.organisation_id),
    )
    path = f"demands/{masked['id']}"
    assert visitor.get(path).json["organisation"] is None
    assert visitor.get(path).json["protected"] == {"organisation": "agreement"}
    shown = owner.patch(path, {"tiers": {"organisation": "verified"}}, version=1).json
    assert shown["organisation_masked"] is True
    assert verified.get(path).json["organisation"]["id"] == str(owner.person.organisation_id)
    assert visitor.get(path).json["organisation"] is None
    bare = owner.patch(path, {"organisation_masked": False}, version=2).json
    assert (bare["tiers"], bare["organisation_masked"]) == ({}, False)
    assert visitor.get(path).json["organisation"]["id"] == str(owner.person.organisation_id)


def test_an_experts_contact_is_shown_to_nobody_else_and_cannot_be_asked_for(owner: Caller, verified: Caller) -> None:
    expert = post(owner, "expert", contact_phone="022-1", tiers={"biography": "registered"})
    shown = verified.get(f"experts/{expert['id']}").json
    assert "contact_phone" not in shown
    assert shown["protected"] == {}


def test_who_was_shown_what_is_in_the_trail(
    owner: Caller, visitor: Caller, stranger: Caller, reviewer: Caller, verified: Caller, notes: Callable[[], Any]
) -> None:
    demand = post(owner, "demand", contact_phone="022-1", tiers={"problem": "verified", "reward": "registered"})
    path = f"demands/{demand['id']}"
    for caller in (owner, visitor, stranger):  # an empty reward is nothing to be shown
        caller.get(path)
    assert notes() == []
    for caller in (verified, reviewer):
        answer = caller.get(path, headers={"If-None-Match": '"1"'})
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    assert notes() == [
        {"fields": ["problem"], "level": "verified", "actor": verified.person.id, "subject": demand["id"]},
        {"fields": ["contact", "problem"], "level": "staff", "actor": reviewer.person.id, "subject": demand["id"]},
    ]


def test_a_reviewers_decision_shows_the_listing_and_is_noted_with_it(
    newcomer: Caller, reviewer: Caller, runtime: Runtime, notes: Callable[[], Any]
) -> None:
    outcome = post(newcomer, "outcome", contact_phone="022-12345678")
    answer = reviewer.post(f"outcomes/{outcome['id']}/actions/approve", key="once", version=1)
    assert answer.json["contact_phone"] == "022-12345678"
    again = reviewer.post(f"outcomes/{outcome['id']}/actions/approve", key="once", version=1)
    assert (again.status_code, again.json["state"]) == (200, "published")
    assert "contact_phone" not in again.json
    assert [note["fields"] for note in notes()] == [["contact"]]
    with runtime.db.reading() as session:
        assert not [row for row in session.exec(select(IdempotentAnswer)) if b"022-12345678" in row.body]


def test_what_cannot_be_noted_is_not_shown(
    owner: Caller, verified: Caller, visitor: Caller, runtime: Runtime
) -> None:
    path = f"demands/{post(owner, 'demand', problem_zh=PROBLEM, tiers={'problem': 'verified'})['id']}"

    def full(_: Any, __: Any, statement: str, *___: Any) -> None:
        if "audit_entries" in statement and statement.startswith("INSERT"):
            raise OperationalError(statement, {}, Exception("the disk is full"))

    event.listen(runtime.db._writer, "before_cursor_execute", full)
    try:
        answer = verified.get(path)
        assert visitor.get(path).status_code == 200
    finally:
        event.remove(runtime.db._writer, "before_cursor_execute", full)
    assert answer.status_code == 503
    assert "鲲鹏" not in answer.text
    assert "鲲鹏" in verified.get(path).text


def test_a_broker_sees_what_they_look_after_and_it_is_noted(
    owner: Caller, runtime: Runtime, client: FlaskClient, notes: Callable[[], Any]
) -> None:
    demand = post(owner, "demand", problem_zh=PROBLEM, tiers={"problem": "agreement"})
    broker = Caller(client, add_person(runtime, roles=("broker",)))
    path = f"demands/{demand['id']}"
    assert "problem_zh" not in broker.get(path).json
    with runtime.db.writing() as session:
        session.add(Case(noun="demand", listing_id=uuid.UUID(demand["id"]), broker_id=broker.person.id))
    assert broker.get(path).json["problem_zh"] == PROBLEM
    assert [note["level"] for note in notes()] == ["assigned"]


def test_an_export_of_ones_own_is_whole_and_of_others_is_public(
    owner: Caller, reviewer: Caller, verified: Caller, drain: Callable[[], int], notes: Callable[[], Any]
) -> None:
    post(owner, "demand", problem_zh=PROBLEM, tiers={"problem": "registered"})
    drain()
    told = {who: caller.get("demands/export", format="ndjson").text for who, caller in
            (("owner", owner), ("reviewer", reviewer), ("verified", verified))}  # fmt: skip
    assert {who for who, rows in told.items() if "鲲鹏" in rows} == {"owner"}
    assert all(payload("demand")["title_zh"] in rows for rows in told.values())
    assert notes() == []
