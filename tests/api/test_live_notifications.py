"""/notifications/stream and /notifications/wait: what comes, as it comes, from where one was; so many at once."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from market.api.telling import streams
from market.api.telling.streams import Places
from market.runtime import Runtime
from market.services.people import keys
from tests.factories import Caller, post


@pytest.fixture
def told(newcomer: Caller, reviewer: Caller) -> Caller:
    """Somebody with three notifications."""
    for number in range(3):
        _approve(newcomer, reviewer, f"第{number}项")
    return newcomer


def _approve(newcomer: Caller, reviewer: Caller, title: str) -> None:
    listing = post(newcomer, "outcome", title_zh=title)
    reviewer.post(f"outcomes/{listing['id']}/actions/approve", version=1)


@pytest.fixture
def open_stream() -> Iterator[Any]:
    """Opens a stream and gives its events; all are closed at the end."""
    opened = []

    def start(caller: Caller, position: int | None = None) -> Iterator[dict[str, Any]]:
        answer = _stream(caller, position)
        assert answer.status_code == 200, answer.data
        assert answer.mimetype == "text/event-stream"
        opened.append(answer)
        return _events(answer.iter_encoded())

    yield start
    for answer in opened:
        answer.close()


def _stream(caller: Caller, position: int | None = None) -> TestResponse:
    """The answer, not read yet: it has no end."""
    assert caller.person
    resumed = {} if position is None else {"Last-Event-ID": str(position)}
    headers = {"Authorization": f"Bearer {caller.person.key}", **resumed}
    return caller.client.get("/api/v1/notifications/stream", headers=headers)


def _events(pieces: Iterator[bytes]) -> Iterator[dict[str, Any]]:
    for piece in pieces:
        lines = dict(line.split(": ", 1) for line in piece.decode().strip().split("\n") if ": " in line)
        if "data" in lines:
            yield {**json.loads(lines["data"]), "id": int(lines["id"]), "event": lines["event"]}


def test_a_stream_begins_after_what_was_seen_last(told: Caller, open_stream: Any) -> None:
    events = open_stream(told, position=1)
    assert [next(events)["title"] for _ in range(2)] == ["已发布：第1项", "已发布：第2项"]


def test_what_comes_while_the_stream_is_open_is_told(told: Caller, reviewer: Caller, open_stream: Any) -> None:
    events = open_stream(told, position=3)
    _approve(told, reviewer, "新的一项")
    event = next(events)
    assert (event["event"], event["title"]) == ("listing_approved", "已发布：新的一项")


def test_whoever_comes_back_with_the_last_id_misses_and_repeats_nothing(told: Caller, open_stream: Any) -> None:
    first = next(open_stream(told, position=0))
    second = next(open_stream(told, position=first["id"]))
    third = next(open_stream(told, position=second["id"]))
    assert [one["title"] for one in (first, second, third)] == ["已发布：第0项", "已发布：第1项", "已发布：第2项"]


def test_nobody_hears_of_anothers(told: Caller, stranger: Caller) -> None:
    assert stranger.get("notifications/wait?after=0&seconds=0").json == {"items": [], "position": 0}


def test_waiting_ends_at_once_where_there_is_something(told: Caller) -> None:
    answer = told.get("notifications/wait?after=1&seconds=60").json
    assert [row["title"] for row in answer["items"]] == ["已发布：第1项", "已发布：第2项"]
    assert answer["position"] == answer["items"][-1]["position"] == 3


def test_waiting_without_a_position_is_for_what_is_still_to_come(told: Caller) -> None:
    assert told.get("notifications/wait?seconds=0").json == {"items": [], "position": 3}


def test_a_visitor_has_no_stream(client: FlaskClient) -> None:
    for path in ("stream", "wait?seconds=0"):
        assert client.get(f"/api/v1/notifications/{path}").status_code == 401


@pytest.mark.parametrize("position", ["-1", "last", "9" * 40, "１"])
def test_a_position_that_is_none_is_refused(told: Caller, position: str) -> None:
    headers = {"Last-Event-ID": position.encode().decode("latin-1")}
    assert told.get("notifications/stream", headers=headers).status_code == 422


@pytest.fixture
def two_places(app: Flask) -> Iterator[None]:
    """Room for two live connections."""
    before = app.extensions["market-places"]
    app.extensions["market-places"] = Places(2)
    yield
    app.extensions["market-places"] = before


@pytest.mark.usefixtures("two_places")
def test_there_are_only_so_many_and_one_that_ends_makes_room(told: Caller, open_stream: Any) -> None:
    open_stream(told)
    second = _stream(told)
    refused = _stream(told)
    assert (refused.status_code, refused.json["type"]) == (503, "/problems/too-many-streams")
    assert int(refused.headers["Retry-After"]) > 0
    second.close()
    third = _stream(told)
    assert third.status_code == 200
    third.close()


def _revoke(runtime: Runtime, caller: Caller) -> None:
    assert caller.person
    with runtime.db.writing() as session:
        assert keys.end_all(session, caller.person.id, now=runtime.clock()) == 1


def test_a_stream_tells_nothing_once_its_key_has_ended(
    runtime: Runtime, told: Caller, reviewer: Caller, open_stream: Any
) -> None:
    events = open_stream(told, position=2)
    assert next(events)["title"] == "已发布：第2项"
    listing = post(told, "outcome", title_zh="秘密的一项")
    _revoke(runtime, told)
    reviewer.post(f"outcomes/{listing['id']}/actions/approve")
    assert list(events) == []


def test_a_stream_whose_key_has_ended_ends_with_the_next_beat(
    runtime: Runtime, told: Caller, open_stream: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "BEAT_SECONDS", 0.0)
    events = open_stream(told, position=2)
    assert next(events)["title"] == "已发布：第2项"
    _revoke(runtime, told)
    assert list(events) == [], "else it would go on for five minutes"


def test_whoever_waits_is_told_nothing_once_their_key_has_ended(
    runtime: Runtime, told: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "BEAT_SECONDS", 0.0)
    monkeypatch.setattr(time, "sleep", lambda _: _revoke(runtime, told))
    answer = told.get("notifications/wait", after=3, seconds=60)
    assert (answer.status_code, "items" in answer.json) == (401, False)
