"""Whatever people do in whichever order: a review is open exactly while its listing is submitted, and never two."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlmodel import select

from market.app import create_app
from market.models import Outcome, Review
from market.runtime import Runtime
from tests.factories import Caller, SettableClock, add_member, add_person, opened, post

BODIES: dict[str, dict[str, Any]] = {
    "reject": {"reason": "other"},
    "return": {"text": "请补充。"},
    "suspend": {"reason": "other"},
    "extend": {"until": "2031-06-01"},
}
OWNERS = ("submit", "withdraw", "close", "extend", "change", "restore-version")
REVIEWERS = ("approve", "reject", "return", "suspend", "restore", "merge", "unmerge", "bulk")


class Exchange:
    """An exchange in which one listing after the other lives through something."""

    def __init__(self, runtime: Runtime) -> None:
        client = create_app(runtime).test_client()
        self.runtime = runtime
        self.owners = {trusted: Caller(client, add_member(runtime, trusted=trusted)) for trusted in (True, False)}
        self.reviewer = Caller(client, add_person(runtime, roles=("reviewer",)))
        self.winner = post(self.owners[True], "outcome")["id"]

    def do(self, owner: Caller, identity: str, action: str) -> None:
        path, now = f"outcomes/{identity}", self.state(identity)
        if action == "change":
            owner.patch(path, {"trl": now.version % 9 + 1}, version=now.version)
        elif action == "bulk":
            item = {"type": "outcome", "id": identity}
            self.reviewer.post("moderation/bulk", {"action": "return", "text": "请补充。", "items": [item]})
        else:
            body = {"merge": {"into": self.winner}, "restore-version": {"version": 1}, **BODIES}.get(action)
            caller = owner if action in OWNERS else self.reviewer
            response = caller.post(f"{path}/actions/{action}", body, version=now.version)
            assert response.status_code in (200, 409), response.text

    def state(self, identity: str) -> Outcome:
        with self.runtime.db.reading() as session:
            return session.exec(select(Outcome).where(Outcome.id == uuid.UUID(identity))).one()

    def reviews(self, identity: str) -> list[Review]:
        with self.runtime.db.reading() as session:
            return [*session.exec(select(Review).where(Review.listing_id == uuid.UUID(identity)))]


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory, template: Path) -> Iterator[Exchange]:
    with opened(tmp_path_factory.mktemp("moderation"), template, SettableClock()) as runtime:
        yield Exchange(runtime)


@pytest.mark.long
@settings(max_examples=25)
@given(
    trusted=st.booleans(),
    submitted=st.booleans(),
    actions=st.lists(st.sampled_from((*OWNERS, *REVIEWERS)), max_size=12),
)
def test_a_review_is_open_exactly_while_its_listing_is_submitted(
    exchange: Exchange, trusted: bool, submitted: bool, actions: list[str]
) -> None:
    owner = exchange.owners[trusted]
    identity = post(owner, "outcome", submit=submitted, valid_until="2031-01-01")["id"]
    asked = 0
    for action in ("", *actions):
        before = exchange.state(identity)
        if action:
            exchange.do(owner, identity, action)
        after = exchange.state(identity)
        asked += after.state == "submitted" and (not action or before.state != "submitted")
        reviews = exchange.reviews(identity)
        open_ones = [one for one in reviews if not one.decision]
        assert len(open_ones) == (after.state == "submitted")
        assert len(reviews) == asked  # each submission had one
        assert all(one.listing_version == after.version for one in open_ones)
