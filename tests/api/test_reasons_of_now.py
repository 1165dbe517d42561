"""What people are told of a match is of now: what the other side has come to keep to itself is said nowhere."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from sqlmodel import col, delete, select

from market.models import DeliveryItem, Demand, Job, Match, Membership, Notification, Outcome, User
from market.outbox import Claimed, JobName
from market.runtime import Runtime
from market.services.telling import composing, endpoints
from market.worker import handlers
from tests.factories import Caller, post

Drain = Callable[[], int]
SECRETS = ("3000",)
TIERS = dict.fromkeys(("problem", "background", "indicators", "keywords", "budget"), "agreement")


@pytest.fixture
def demand(owner: Caller, stranger: Caller, drain: Drain) -> dict[str, Any]:
    """The owner's, of which the stranger has heard."""
    posted = post(owner, "demand")
    post(stranger, "outcome")
    drain()
    return posted


def raise_tiers(owner: Caller, demand: dict[str, Any]) -> None:
    answer = owner.patch(f"demands/{demand['id']}", {"tiers": TIERS}, version=demand["version"])
    assert answer.status_code == 200, answer.text


def found(caller: Caller) -> Any:
    [row] = [one for one in caller.get("notifications").json["items"] if one["kind"] == "match_found"]
    return row


def digest(runtime: Runtime, caller: Caller) -> list[str]:
    """What would be sent of the match at this moment."""
    with runtime.db.writing() as session:
        assert caller.person
        user = session.get_one(User, caller.person.id)
        [endpoint] = endpoints.of_users(session, [user.id], mail=True, now=runtime.clock())
        news = select(Notification.id).where(
            Notification.recipient_id == user.id, col(Notification.match_id).is_not(None)
        )
        [identity] = session.exec(news).all()
        session.add(DeliveryItem(notification_id=identity, endpoint_id=endpoint.id, due_at=runtime.clock()))
        session.flush()
        message = composing.preview(session, runtime.links, endpoint, user, now=runtime.clock())
        session.rollback()
        return [entry.body for group in message.groups for entry in group.entries] if message else []


def said(runtime: Runtime, caller: Caller) -> set[str]:
    """All that a person reads of their match: in the inbox, as it comes, and in a message; one text."""
    [live] = [one for one in caller.get("notifications/wait", after=0).json["items"] if one["match_id"]]
    return {found(caller)["body"], live["body"], *digest(runtime, caller)}


def bare(body: str) -> bool:
    """Whether it is a score without reasons."""
    return body.rstrip("。.").endswith("%")


def test_once_a_tier_is_raised_nothing_that_it_protects_is_told_of_the_match(
    runtime: Runtime, owner: Caller, stranger: Caller, demand: dict[str, Any], drain: Drain
) -> None:
    [before] = said(runtime, stranger)
    assert all(secret in before for secret in SECRETS)
    raise_tiers(owner, demand)
    [between] = said(runtime, stranger)
    assert bare(between)
    drain()
    [after] = said(runtime, stranger)
    assert "潮差" in after, "the title says it to everybody"
    assert not any(secret in after for secret in SECRETS)
    assert stranger.post(f"notifications/{found(stranger)['id']}/read").json["body"] == after


@pytest.fixture
def outcome(runtime: Runtime, demand: dict[str, Any]) -> str:  # it comes with the demand
    """The stranger's, by its id."""
    with runtime.db.reading() as session:
        return str(session.exec(select(Outcome.id)).one())


def listed(caller: Caller, outcome: str) -> Any:
    """The one match of the outcome, if it has one."""
    return next(iter(caller.get(f"outcomes/{outcome}/matches").json["items"]), None)


@pytest.fixture
def end(runtime: Runtime, owner: Caller, demand: dict[str, Any], outcome: str, drain: Drain) -> Callable[[], None]:
    """Ends a matching of the outcome that had read all it needed when a tier was raised, and all else was done."""
    finish = handlers.match(runtime, [Claimed(uuid.uuid4(), JobName.MATCH, f"outcome:{outcome}", {}, 1, "")])

    def ends() -> None:
        with runtime.db.writing() as session:
            finish(session)

    raise_tiers(owner, demand)
    drain()
    return ends


def test_once_a_tier_is_raised_the_list_of_matches_tells_no_reason_until_it_is_matched_anew(
    owner: Caller, stranger: Caller, demand: dict[str, Any], outcome: str, drain: Drain
) -> None:
    before = listed(stranger, outcome)
    assert any(secret in str(before["reasons"]) for secret in SECRETS)
    raise_tiers(owner, demand)
    between = listed(stranger, outcome)
    assert (between["reasons"], between["sentence"]) == ([], "Being matched anew; the reasons follow.")
    seen = stranger.post(f"matches/{before['id']}/actions/see", {}).json
    assert (seen["reasons"], seen["sentence"]) == ([], between["sentence"])
    drain()
    after = listed(stranger, outcome)
    assert after["reasons"]
    assert not any(secret in str(after) for secret in SECRETS)


def test_a_matching_that_began_before_a_tier_was_raised_does_not_bring_the_reasons_back(
    stranger: Caller, outcome: str, end: Callable[[], None]
) -> None:
    after = listed(stranger, outcome)
    end()
    assert listed(stranger, outcome) == after
    assert not any(secret in str(after) for secret in SECRETS)


def test_nor_does_one_that_would_have_made_the_match(
    runtime: Runtime, stranger: Caller, outcome: str, end: Callable[[], None]
) -> None:
    with runtime.db.writing() as session:
        session.execute(delete(Match))
    end()
    assert listed(stranger, outcome) is None


def test_reasons_are_left_out_until_what_was_changed_is_matched_and_not_only_indexed(
    runtime: Runtime, owner: Caller, stranger: Caller, demand: dict[str, Any], drain: Drain
) -> None:
    raise_tiers(owner, demand)
    drain()
    [after] = said(runtime, stranger)
    with runtime.db.writing() as session:
        session.add(Job(name="match", key=f"demand:{demand['id']}", state="dead"))
    [between] = said(runtime, stranger)
    assert (bare(after), bare(between)) == (False, True)


def test_of_a_match_that_is_not_theirs_any_more_nothing_but_its_title_is_told(
    runtime: Runtime, owner: Caller, demand: dict[str, Any]
) -> None:
    with runtime.db.writing() as session:
        assert owner.person
        session.execute(delete(Membership).where(col(Membership.user_id) == owner.person.id))
        session.get_one(Demand, uuid.UUID(demand["id"])).owner_id = None
    assert (found(owner)["body"], digest(runtime, owner)) == ("", [])


def test_of_a_match_that_has_ended_nothing_but_its_title_is_told(
    runtime: Runtime, owner: Caller, stranger: Caller, demand: dict[str, Any], drain: Drain
) -> None:
    assert owner.post(f"demands/{demand['id']}/actions/withdraw", {}, version=demand["version"]).status_code == 200
    drain()
    assert (found(stranger)["body"], digest(runtime, stranger)) == ("", [])
