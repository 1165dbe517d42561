"""Listings as a state machine: whatever is done in whatever order, with whatever versions and keys, the service is
where a model of a few lines says that it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from market.app import create_app
from tests.api.callers import on_sqlite
from tests.factories import NOUNS, Caller, SettableClock, add_member, add_person, opened, payload

OWNER, REVIEWER = "owner", "reviewer"

# action -> (who may, from where, to where); written down here once more, and not taken from the service.
LIFE: dict[str, tuple[str, set[str], str]] = {
    "submit": (OWNER, {"draft", "rejected", "withdrawn", "expired"}, "submitted"),
    "approve": (REVIEWER, {"submitted"}, "published"),
    "reject": (REVIEWER, {"submitted"}, "rejected"),
    "return": (REVIEWER, {"submitted"}, "draft"),
    "withdraw": (OWNER, {"submitted", "published", "suspended"}, "withdrawn"),
    "suspend": (REVIEWER, {"published"}, "suspended"),
    "restore": (REVIEWER, {"suspended"}, "published"),
    "close": (OWNER, {"published", "suspended", "withdrawn", "expired"}, "closed"),
    "extend": (OWNER, {"published", "expired"}, "published"),
}
AS_SEEN = {"approve", "restore"}  # only as the reviewer has seen it
BODIES: dict[str, dict[str, Any]] = {
    "reject": {"reason": "incomplete", "text": "请补充。"},
    "return": {"text": "请补充。"},
    "suspend": {"reason": "other", "text": "暂停。"},
}


@dataclass
class Model:
    """What a listing should be."""

    id: str
    noun: str
    state: str
    version: int = 1
    extended: bool = False


@dataclass(frozen=True)
class Sent:
    """A request with a key that was answered, and its answer."""

    path: str
    body: dict[str, Any]
    tag: str
    key: str
    status: int
    answer: Any


_KEYS = count(1)  # never the same in two runs


@dataclass
class Stage:
    """One exchange for all runs: each run makes listings of its own."""

    clock: SettableClock
    callers: dict[str, Caller]
    steps: int = 0
    met: set[int] = field(default_factory=set)


class Lives(RuleBasedStateMachine):
    """The listings of one owner, whose organisation is not trusted, and a reviewer."""

    stage: ClassVar[Stage]
    listings = Bundle("listings")
    sent = Bundle("sent")

    def _ask(self, who: str, method: str, path: str, body: Any = None, **headers: str) -> Any:
        self.stage.steps += 1
        named = {name.replace("_", "-"): value for name, value in headers.items() if value}
        response = self.stage.callers[who].send(method, path, json=body, headers=named)
        self.stage.met.add(response.status_code)
        return response

    def _key(self, wanted: bool) -> str:
        return f"key-{next(_KEYS)}" if wanted else ""

    @rule(target=listings, noun=st.sampled_from(NOUNS), submit=st.booleans())
    def create(self, noun: str, submit: bool) -> Model:
        last_day = {"deadline" if noun == "demand" else "valid_until": str(self._day(30))}
        body = {**payload(noun, works=[]), **last_day, "submit": submit}
        body = {name: value for name, value in body.items() if noun == "expert" or name != "works"}
        response = self._ask(OWNER, "POST", f"{noun}s", body)
        assert response.status_code == 201, response.text
        return Model(response.json["id"], noun, "submitted" if submit else "draft")

    def _day(self, days: int) -> Any:
        return self.stage.clock().date() + timedelta(days=days)

    @rule(
        target=sent,
        one=listings,
        who=st.sampled_from((OWNER, REVIEWER)),
        action=st.sampled_from(sorted(LIFE)),
        version=st.sampled_from(("", "right", "old", "new")),
        with_key=st.booleans(),
    )
    def act(self, one: Model, who: str, action: str, version: str, with_key: bool) -> Any:
        body = {"until": str(self._day(60))} if action == "extend" else BODIES.get(action, {})
        path, tag, key = f"{one.noun}s/{one.id}/actions/{action}", self._tag(one, version), self._key(with_key)
        response = self._ask(who, "POST", path, body, If_Match=tag, Idempotency_Key=key)
        expected = self._expected(one, who, action, version)
        assert response.status_code == expected, (one, who, action, response.text)
        if expected != 200:
            return multiple()
        one.version += 1
        one.state = "submitted" if action == "extend" and one.state == "expired" else LIFE[action][2]
        one.extended = one.extended or action == "extend"
        return Sent(path, body, tag, key, 200, response.json) if key else multiple()

    def _expected(self, one: Model, who: str, action: str, version: str) -> int:
        may, sources, _ = LIFE[action]
        if (who, may) == (OWNER, REVIEWER):  # stopped at the door, before anything of the listing is looked at
            return 403
        if not version and action in AS_SEEN:
            return 428
        if version in ("old", "new"):
            return 412
        if who != may:
            return 403
        return 409 if one.state not in sources or (action == "extend" and one.extended) else 200

    def _tag(self, one: Model, version: str) -> str:
        number = {"": None, "right": one.version, "old": one.version - 1, "new": one.version + 1}[version]
        return "" if number is None else f'"{number}"'

    @rule(
        one=listings, version=st.sampled_from(("", "right", "old", "new")), words=st.sampled_from(("甲", "乙", "丙"))
    )
    def change(self, one: Model, version: str, words: str) -> None:
        response = self._ask(
            OWNER, "PATCH", f"{one.noun}s/{one.id}", {"keywords": [words]}, If_Match=self._tag(one, version)
        )
        refused = 428 if not version else 412 if version != "right" else 409 if one.state == "closed" else 200
        assert response.status_code == refused, response.text
        if refused == 200:
            one.version += 1
            one.state = "submitted" if one.state == "published" else one.state
            assert response.json["keywords"] == [words]

    @rule(target=sent, noun=st.sampled_from(NOUNS))
    def create_with_key(self, noun: str) -> Any:
        body, key = payload(noun), self._key(True)
        response = self._ask(OWNER, "POST", f"{noun}s", body, Idempotency_Key=key)
        assert response.status_code == 201
        return Sent(f"{noun}s", body, "", key, 201, response.json)

    @rule(one=sent)
    def repeat(self, one: Sent) -> None:
        response = self._send_again(OWNER, one, one.body)
        if response.status_code == one.status:
            assert (response.json, response.headers["Idempotency-Replayed"]) == (one.answer, "true")
            return
        # It was the reviewer's: a key means something to whoever used it only.
        assert response.status_code in (403, 404, 409, 412)
        again = self._send_again(REVIEWER, one, one.body)
        assert (again.status_code, again.json) == (one.status, one.answer)

    @rule(one=sent)
    def use_a_key_for_something_else(self, one: Sent) -> None:
        other = {**one.body, "submit": True} if one.status == 201 else {"reason": "other"}
        assert 422 in {self._send_again(who, one, other).status_code for who in (OWNER, REVIEWER)}

    def _send_again(self, who: str, one: Sent, body: dict[str, Any]) -> Any:
        return self._ask(who, "POST", one.path, body, If_Match=one.tag, Idempotency_Key=one.key)

    @rule(one=consumes(listings), version=st.sampled_from(("", "right", "old")))
    def delete(self, one: Model, version: str) -> None:
        path = f"{one.noun}s/{one.id}"
        response = self._ask(OWNER, "DELETE", path, If_Match=self._tag(one, version))
        assert response.status_code == {"": 428, "right": 204, "old": 412}[version]
        gone = self._ask(OWNER, "GET", path)
        assert gone.status_code == (404 if version == "right" else 200)

    @rule(one=listings, who=st.sampled_from((OWNER, REVIEWER, "visitor")))
    def read(self, one: Model, who: str) -> None:
        path = f"{one.noun}s/{one.id}"
        response = self._ask(who, "GET", path)
        if who == "visitor" and one.state != "published":
            assert response.status_code == 404
            return
        assert (response.json["state"], response.json["version"]) == (one.state, one.version)
        assert response.headers["ETag"] == f'"{one.version}"'
        assert self._ask(who, "GET", path, If_None_Match=f'"{one.version}"').status_code == 304
        assert self._ask(who, "GET", path, If_None_Match=f'"{one.version + 1}"').status_code == 200

    @invariant()
    def nothing_failed_on_our_side(self) -> None:
        assert not [code for code in self.stage.met if code >= 500]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, template: Path) -> Iterator[Stage]:
    clock = SettableClock()
    with opened(tmp_path_factory.mktemp("machine"), template, clock) as runtime:
        client = create_app(runtime).test_client()
        callers = {
            OWNER: Caller(client, add_member(runtime, trusted=False)),
            REVIEWER: Caller(client, add_person(runtime, roles=("reviewer",))),
            "visitor": Caller(client),
        }
        yield Stage(clock, callers)


@on_sqlite
@pytest.mark.parametrize("runs", [8, pytest.param(1000, marks=pytest.mark.long)])
def test_the_service_and_the_model_agree_in_every_run(stage: Stage, runs: int) -> None:
    Lives.stage = replace(stage, steps=0, met=set())
    many = settings(max_examples=runs, stateful_step_count=20, suppress_health_check=[*HealthCheck])
    run_state_machine_as_test(Lives, settings=many)
    assert runs < 1000 or Lives.stage.met >= {200, 201, 204, 304, 403, 404, 409, 412, 422, 428}
    print(f"{runs} runs, {Lives.stage.steps} requests, 0 divergences")
