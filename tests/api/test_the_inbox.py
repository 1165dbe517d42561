"""/notifications: one's own, in one's language, read singly or all at once."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest

from tests.factories import Caller, SettableClock, post


@pytest.fixture
def told(newcomer: Caller, reviewer: Caller) -> Caller:
    """Somebody with three notifications."""
    for number in range(3):
        listing = post(newcomer, "outcome", title_zh=f"第{number}项")
        reviewer.post(f"outcomes/{listing['id']}/actions/approve", version=1)
    return newcomer


def test_the_newest_comes_first(told: Caller) -> None:
    titles = [row["title"] for row in told.get("notifications").json["items"]]
    assert titles == ["已发布：第2项", "已发布：第1项", "已发布：第0项"]


def test_a_notification_says_what_it_is_about(told: Caller) -> None:
    row = told.get("notifications").json["items"][0]
    assert (row["kind"], row["listing_type"], row["match_id"], row["read_at"]) == (
        "listing_approved", "outcome", None, None,
    )  # fmt: skip
    assert told.get(f"outcomes/{row['listing_id']}").json["title_zh"] == "第2项"


def test_reading_one_marks_it(told: Caller, clock: SettableClock) -> None:
    row = told.get("notifications").json["items"][0]
    answer = told.post(f"notifications/{row['id']}/read").json
    assert answer["read_at"] == clock().isoformat()
    assert told.get("notifications").json["unread"] == 2


def test_reading_again_keeps_the_first_moment(told: Caller, clock: SettableClock) -> None:
    row = told.get("notifications").json["items"][0]
    first = told.post(f"notifications/{row['id']}/read").json
    clock.advance(hours=1)
    assert told.post(f"notifications/{row['id']}/read").json == first


def test_all_can_be_read_at_once(told: Caller) -> None:
    assert told.post("notifications/read-all").json == {"read": 3}
    assert told.get("notifications").json["unread"] == 0
    assert told.post("notifications/read-all").json == {"read": 0}


def test_anothers_notification_is_404(told: Caller, stranger: Caller, administrator: Caller) -> None:
    row = told.get("notifications").json["items"][0]
    for caller in (stranger, administrator):
        assert caller.post(f"notifications/{row['id']}/read").status_code == 404
    assert told.get("notifications").json["unread"] == 3


def test_reading_all_leaves_others_alone(told: Caller, stranger: Caller) -> None:
    assert stranger.post("notifications/read-all").json == {"read": 0}
    assert told.get("notifications").json["unread"] == 3


def test_a_notification_that_is_none_is_404(owner: Caller) -> None:
    assert owner.post(f"notifications/{uuid.uuid4()}/read").status_code == 404


def test_nobody_is_told_twice_of_a_match(owner: Caller, stranger: Caller, drain: Callable[[], int]) -> None:
    outcome = post(owner, "outcome")
    post(stranger, "demand")
    drain()
    owner.patch(f"outcomes/{outcome['id']}", {"trl": 8}, version=1)
    drain()
    assert [caller.get("notifications").json["unread"] for caller in (owner, stranger)] == [1, 1]


def test_an_inbox_needs_a_key(visitor: Caller) -> None:
    assert visitor.get("notifications").status_code == 401
