"""/preferences: how somebody wants to be told, whole, and changed by what is named."""

from __future__ import annotations

from typing import Any

import pytest
from sqlmodel import func, select

from market.models import Preference
from market.runtime import Runtime
from market.vocabulary import vocabulary
from tests.factories import Caller

KINDS, CHANNELS = vocabulary("notification_kinds").codes, vocabulary("channels").codes


@pytest.fixture
def runtime(standing: Runtime) -> Runtime:
    """Preferences are everybody's own, and everybody here is somebody new."""
    return standing


def pointers(caller: Caller, body: Any) -> list[str]:
    """The fields for which a change is refused."""
    answer = caller.patch("preferences", body)
    assert answer.status_code == 422, answer.text
    return [error["pointer"] for error in answer.json["errors"]]


def test_whoever_has_said_nothing_sees_what_holds_then(owner: Caller) -> None:
    shown = owner.get("preferences").json
    assert {kind: {*row} for kind, row in shown.pop("rhythms").items()} == {kind: {*CHANNELS} for kind in KINDS}
    assert shown == {
        "time_zone": "Asia/Shanghai", "quiet_from": None, "quiet_to": None, "digest_at": "08:00", "digest_day": 0,
        "daily_cap": None, "language": "zh",
    }  # fmt: skip


def test_looking_at_preferences_stores_nothing(runtime: Runtime, owner: Caller) -> None:
    owner.get("preferences")
    assert owner.person
    with runtime.db.reading() as session:
        assert session.exec(select(func.count()).where(Preference.user_id == owner.person.id)).one() == 0


def test_what_is_named_is_changed_and_the_rest_stays(owner: Caller) -> None:
    before = owner.get("preferences").json
    change = {
        "time_zone": "Europe/Paris", "quiet_from": "22:00", "quiet_to": "07:30", "digest_at": "06:05",
        "digest_day": 6, "daily_cap": 200,
    }  # fmt: skip
    answer = owner.patch("preferences", change)
    assert answer.json == {**before, **change}
    assert owner.get("preferences").json == answer.json


def test_of_the_rhythms_only_those_named_change(owner: Caller) -> None:
    before = owner.get("preferences").json["rhythms"]
    owner.patch("preferences", {"rhythms": {"match_found": {"mail": "off"}}})
    owner.patch(
        "preferences", {"rhythms": {"match_found": {"wecom": "weekly"}, "listing_expired": {"mail": "weekly"}}}
    )
    after = owner.get("preferences").json["rhythms"]
    assert after["match_found"] == {**before["match_found"], "mail": "off", "wecom": "weekly"}
    assert after["listing_expired"] == {**before["listing_expired"], "mail": "weekly"}
    assert {k: v for k, v in after.items() if k not in ("match_found", "listing_expired")} == {
        k: v for k, v in before.items() if k not in ("match_found", "listing_expired")
    }


def test_a_change_that_names_nothing_changes_nothing(owner: Caller) -> None:
    before = owner.get("preferences").json
    assert owner.patch("preferences", {}).json == before


@pytest.mark.parametrize("rhythm", ["daily", "weekly", "off"])
@pytest.mark.parametrize("channel", CHANNELS)
def test_security_notices_cannot_be_turned_off_nor_made_to_wait(owner: Caller, channel: str, rhythm: str) -> None:
    answer = owner.patch("preferences", {"rhythms": {"security": {channel: rhythm}}})
    assert answer.status_code == 422
    assert answer.json["errors"] == [
        {
            "pointer": f"/rhythms/security/{channel}",
            "message": "Security notices are always told at once; this cannot be changed.",
        }
    ]
    assert owner.get("preferences").json["rhythms"]["security"] == dict.fromkeys(CHANNELS, "instant")


def test_nothing_of_a_change_is_kept_where_security_is_part_of_it(owner: Caller) -> None:
    before = owner.get("preferences").json
    owner.patch("preferences", {"daily_cap": 3, "rhythms": {"security": {"mail": "off"}}})
    assert owner.get("preferences").json == before


def test_saying_that_security_is_told_at_once_is_no_error(owner: Caller) -> None:
    assert owner.patch("preferences", {"rhythms": {"security": {"mail": "instant"}}}).status_code == 200


@pytest.mark.parametrize(
    ("rhythms", "pointer"),
    [
        ({"match_lost": {"mail": "off"}}, "/rhythms/match_lost/key"),
        ({"match_found": {"pigeon": "off"}}, "/rhythms/match_found/value/pigeon/key"),
        ({"match_found": {"mail": "hourly"}}, "/rhythms/match_found/value/mail/value"),
        ({"match_found": {"mail": ""}}, "/rhythms/match_found/value/mail/value"),
        ({"match_found": {"mail": None}}, "/rhythms/match_found/value/mail/value"),
        ({"match_found": "off"}, "/rhythms/match_found/value"),
        ("off", "/rhythms"),
    ],
)
def test_rhythms_are_of_kinds_and_channels_that_exist(owner: Caller, rhythms: Any, pointer: str) -> None:
    assert pointers(owner, {"rhythms": rhythms}) == [pointer]


@pytest.mark.parametrize("zone", ["Asia/Atlantis", "", "UTC+8", "../etc/passwd", "asia/shanghai"])
def test_a_time_zone_is_one_that_exists(owner: Caller, zone: str) -> None:
    assert pointers(owner, {"time_zone": zone}) == ["/time_zone"]


def test_what_is_refused_is_told_in_chinese_too(owner: Caller) -> None:
    answer = owner.speaking("zh").patch("preferences", {"time_zone": "Asia/Atlantis"})
    assert answer.json["errors"][0]["message"] == "没有这个时区，写法如 Asia/Shanghai。"


@pytest.mark.parametrize("time", ["24:00", "9:00", "22:60", "22:00:00", "22.00", "", 1320, "２２:00"])
def test_a_time_is_of_the_clock(owner: Caller, time: Any) -> None:
    assert pointers(owner, {"digest_at": time}) == ["/digest_at"]


@pytest.mark.parametrize(
    ("ends", "pointer"),
    [
        ({"quiet_from": "22:00"}, "/quiet_to"),
        ({"quiet_to": "07:00"}, "/quiet_from"),
        ({"quiet_from": None}, "/quiet_to"),
        ({"quiet_from": "22:00", "quiet_to": None}, "/quiet_to"),
        ({"quiet_from": None, "quiet_to": "07:00"}, "/quiet_to"),
        ({"quiet_from": "22:00", "quiet_to": "22:00"}, "/quiet_to"),
    ],
)
def test_quiet_hours_have_both_ends_or_neither(owner: Caller, ends: Any, pointer: str) -> None:
    assert pointers(owner, ends) == [pointer]


def test_quiet_hours_can_be_ended(owner: Caller) -> None:
    owner.patch("preferences", {"quiet_from": "22:00", "quiet_to": "07:00"})
    shown = owner.patch("preferences", {"quiet_from": None, "quiet_to": None}).json
    assert (shown["quiet_from"], shown["quiet_to"]) == (None, None)


@pytest.mark.parametrize("cap", [0, 201, -1, "5", 1.5, True])
def test_a_cap_is_between_one_and_two_hundred(owner: Caller, cap: Any) -> None:
    assert pointers(owner, {"daily_cap": cap}) == ["/daily_cap"]


def test_a_cap_can_be_lifted(owner: Caller) -> None:
    assert owner.patch("preferences", {"daily_cap": 1}).json["daily_cap"] == 1
    assert owner.patch("preferences", {"daily_cap": None}).json["daily_cap"] is None


@pytest.mark.parametrize("body", [{"digest_day": 7}, {"digest_day": -1}, {"language": "fr"}, {"colour": "red"}])
def test_everything_else_is_checked_too(owner: Caller, body: Any) -> None:
    assert pointers(owner, body) == [f"/{next(iter(body))}"]


def test_the_language_is_that_of_the_account(owner: Caller) -> None:
    owner.patch("preferences", {"language": "en"})
    assert owner.get("me").json["language"] == "en"


def test_preferences_are_ones_own(owner: Caller, stranger: Caller, administrator: Caller) -> None:
    before = stranger.get("preferences").json
    owner.patch("preferences", {"daily_cap": 3})
    assert stranger.get("preferences").json == before
    assert administrator.get("preferences").json["daily_cap"] is None


def test_preferences_need_a_key(visitor: Caller) -> None:
    assert visitor.get("preferences").status_code == 401
    assert visitor.patch("preferences", {"time_zone": "Nowhere"}).status_code == 401
