"""Every operation of the OpenAPI document, called by everybody the table of rights speaks of: who passes is what the
table says, and nothing else."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from market.app import create_app
from market.models import LISTINGS
from market.vocabulary import vocabulary
from tests.api.callers import RELATIONS, Kind, admitted, everybody, lets, on_sqlite, roles_of, rows
from tests.factories import Caller, SettableClock, add_organisation, opened, payload

METHODS = ("get", "post", "patch", "delete", "put")
EVENTS = "text/event-stream"  # has no end
STATES = vocabulary("listing_states").codes


class Stage:
    """An exchange with one caller of each kind, and the document of its operations."""

    def __init__(self, runtime: Any) -> None:
        self.runtime = runtime
        self.client = create_app(runtime).test_client()
        self.organisation = add_organisation(runtime)
        self.callers: Mapping[str, Kind] = everybody(runtime, self.client, self.organisation)
        self.document: dict[str, Any] = dict(Caller(self.client).get("/openapi.json").json)

    def operations(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        for path, item in self.document["paths"].items():
            for method in METHODS:
                if method in item and EVENTS not in item[method]["responses"].get("200", {}).get("content", {}):
                    yield path, method, item[method]

    def callers_of(self, action: str, who: tuple[str, ...]) -> Mapping[str, Kind]:
        """Those named, or all where none is; fresh ones for what changes their own rights."""
        changed = action in {"account.change", "organisation.register"}
        callers = everybody(self.runtime, self.client, self.organisation) if changed else self.callers
        return {name: kind for name, kind in callers.items() if not who or name in who}

    def place(self, noun: str, state: str) -> uuid.UUID:
        """A listing of the organisation in a state, of nobody in particular."""
        row = LISTINGS[noun](organisation_id=self.organisation, state=state, **payload(noun, works=[]))
        row.published_at = self.runtime.clock()
        setattr(row, row.EXPIRES, self.runtime.clock().date() + timedelta(days=30))
        with self.runtime.db.writing() as session:
            session.add(row)
        return row.id

    def ask(self, kind: Kind, method: str, path: str, operation: Mapping[str, Any], identity: uuid.UUID) -> Any:
        address = re.sub(r"\{(\w+)\}", lambda name: NAMED.get(name[1], str(identity)), path)
        options: dict[str, Any] = {"headers": {"If-Match": '"1"'}}
        if "requestBody" in operation:
            options.update(_body(operation["requestBody"]["content"]))
        asked = operation.get("parameters", ())
        needed = [one for one in asked if one.get("required") and one["in"] == "query"]
        query = {one["name"]: 1 if one["schema"].get("type") == "integer" else "涂层" for one in needed}
        return kind.caller.send(method.upper(), address, query_string=query, **options)


BROKEN = {500, 503}
NAMED = {"number": "1", "version": "1", "noun": "outcome", "dimension": "field"}


def _body(content: Mapping[str, Any]) -> dict[str, Any]:
    if "application/json" not in content:
        return {"data": {}, "content_type": next(iter(content))}
    media = content["application/json"]
    example = media.get("example", next(iter(media.get("examples", {}).values()), {}).get("value"))
    return {"json": example}


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, template: Path) -> Iterator[Stage]:
    with opened(tmp_path_factory.mktemp("rights"), template, SettableClock()) as runtime:
        yield Stage(runtime)


def refusal(response: Any) -> str:
    """The kind of problem; empty where it is none."""
    return str((response.json or {}).get("type", "")).removeprefix("/problems/") if response.is_json else ""


FEW = ("visitor", "auditor", "member there", "revoked key", "key to read")
of_few_and_of_all = pytest.mark.parametrize(
    "who", [pytest.param(FEW, id="a few"), pytest.param((), id="everybody", marks=pytest.mark.long)]
)


@on_sqlite
@of_few_and_of_all
def test_whoever_has_no_right_to_an_operation_is_stopped_at_its_door(stage: Stage, who: tuple[str, ...]) -> None:
    """With a thing that does not exist: so whoever is admitted meets anything but a refusal of their role."""
    asked, wrong = 0, []
    for path, method, operation in stage.operations():
        action = operation["x-action"]
        for name, kind in stage.callers_of(action, who).items():
            response = stage.ask(kind, method, path, operation, uuid.uuid4())
            code = response.status_code
            problem = refusal(response) if code >= 400 else ""
            if not kind.good:
                right = code == 401 or action == "signed.act"  # whose keys nobody looks at
            elif "/organisations/{identity}" in path and admitted(kind, action):
                right = problem not in ("scope-missing", "unauthenticated")  # of this one nobody is anything
            elif admitted(kind, action):
                right = problem not in ("role-missing", "scope-missing", "unauthenticated")
            else:
                right = code == 401 if not kind.signed_in else problem in ("role-missing", "scope-missing")
            asked += 1
            if not right or code in BROKEN:
                wrong.append((method, path, name, code, problem))
    assert not wrong, "\n".join(map(str, wrong))
    assert asked > (500 if who else 2000)


def _listing_operations(stage: Stage, noun: str) -> list[tuple[str, str, dict[str, Any]]]:
    begin = f"/api/v1/{noun}s/{{identity}}"
    return [one for one in stage.operations() if one[0] == begin or one[0].startswith(f"{begin}/")]


@on_sqlite
@pytest.mark.parametrize(
    ("noun", "states", "who"),
    [
        pytest.param(
            "outcome", ("draft", "published"), (*FEW, "member elsewhere", "reviewer"), id="outcome, in short"
        ),
        *(
            pytest.param(noun, STATES, (), id=noun, marks=pytest.mark.long)
            for noun in ("outcome", "expert", "demand")
        ),
    ],
)
def test_what_is_done_to_a_listing_is_done_by_whom_the_table_names_in_that_state(
    stage: Stage, noun: str, states: tuple[str, ...], who: tuple[str, ...]
) -> None:
    """Each operation on a listing of the organisation, in each state, by each kind of caller."""
    asked, wrong = 0, []
    for path, method, operation in _listing_operations(stage, noun):
        action = operation["x-action"]
        for state in states:
            for name, kind in stage.callers_of(action, who).items():
                response = stage.ask(kind, method, path, operation, stage.place(noun, state))
                code, asked = response.status_code, asked + 1
                if not kind.good:
                    right = code == 401
                elif lets(kind, action, state):
                    right = code not in (401, 403)
                elif not kind.signed_in and not admitted(kind, action):
                    right = code == 401
                else:
                    right = code == 403 if lets(kind, "listing.read", state) else code in (403, 404)
                if not right or code in BROKEN:
                    wrong.append((method, path, state, name, code, refusal(response)))
    assert not wrong, "\n".join(map(str, wrong))
    assert asked > (200 if who else 2000)


def test_every_state_and_role_of_the_table_is_tried(stage: Stage) -> None:
    named = {role for row in rows() for cell in RELATIONS for role in roles_of(row[cell])}
    tried = {role for kind in stage.callers.values() for role in (*kind.account, *kind.there)}
    assert named - {"anyone", "registered"} <= tried
