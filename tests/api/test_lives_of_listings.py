"""Every action from every state, for every kind of listing: what services/lives.py allows, and nothing else."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import func, select

from market.app import create_app
from market.models import LISTINGS, Job
from market.runtime import Runtime
from market.services.listings.lives import DEMAND_ACTIONS, LISTING_ACTIONS
from market.vocabulary import vocabulary
from tests.factories import NOUNS, Caller, SettableClock, add_member, add_person, opened, payload, post

STATES = vocabulary("listing_states").codes
PROGRESS = vocabulary("demand_progress").codes
TODAY = datetime.now(UTC).date()
BODIES = {
    "reject": {"reason": "incomplete"},
    "return": {"text": "请补充。"},
    "suspend": {"reason": "other"},
    "extend": {"until": (TODAY + timedelta(days=60)).isoformat()},
}


@dataclass
class Stage:
    """One runtime for all combinations, since each makes a listing of its own."""

    runtime: Runtime
    owner: Caller
    newcomer: Caller
    reviewer: Caller

    def place(self, noun: str, *, owner: Caller | None = None, **values: object) -> uuid.UUID:
        """A listing in any state, put there directly."""
        model = LISTINGS[noun]
        person = (owner or self.owner).person
        row = model(organisation_id=person.organisation_id, owner_id=person.id, **payload(noun, works=[]))
        setattr(row, row.EXPIRES, TODAY + timedelta(days=30))
        row.published_at = self.runtime.clock()
        for name, value in values.items():
            setattr(row, name, value)
        with self.runtime.db.writing() as session:
            session.add(row)
        return row.id

    def caller(self, right: str) -> Caller:
        """Whoever may take the action."""
        return self.reviewer if right == "listing.moderate" else self.owner


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, template: Path) -> Iterator[Stage]:
    with opened(tmp_path_factory.mktemp("lives"), template, SettableClock()) as runtime:
        client = create_app(runtime).test_client()
        yield Stage(
            runtime,
            Caller(client, add_member(runtime)),
            Caller(client, add_member(runtime, trusted=False)),
            Caller(client, add_person(runtime, roles=("reviewer",))),
        )


ALLOWED = [
    (noun, action, state)
    for noun in NOUNS
    for action, transition in LISTING_ACTIONS.items()
    for state in sorted(transition.sources)
]
REFUSED = [
    (noun, action, state)
    for noun in NOUNS
    for action, transition in LISTING_ACTIONS.items()
    for state in STATES
    if state not in transition.sources
]


@pytest.mark.parametrize(("noun", "action", "state"), ALLOWED)
def test_an_action_leads_where_it_should(stage: Stage, noun: str, action: str, state: str) -> None:
    transition = LISTING_ACTIONS[action]
    identity = stage.place(noun, state=state)
    path = f"{noun}s/{identity}/actions/{action}"
    response = stage.caller(transition.right).post(path, BODIES.get(action), version=1)
    wanted = "published" if action == "submit" else transition.to  # its organisation is trusted
    assert (response.status_code, response.json["state"], response.json["version"]) == (200, wanted, 2)
    with stage.runtime.db.reading() as session:
        jobs = select(func.count()).select_from(Job).where(Job.key == f"{noun}:{identity}")
        assert session.exec(jobs).one() == 1


@pytest.mark.parametrize(("noun", "action", "state"), REFUSED)
def test_an_action_is_refused_elsewhere(stage: Stage, noun: str, action: str, state: str) -> None:
    path = f"{noun}s/{stage.place(noun, state=state)}"
    caller = stage.caller(LISTING_ACTIONS[action].right)
    response = caller.post(f"{path}/actions/{action}", BODIES.get(action), version=1)
    assert (response.status_code, response.json["type"]) == (409, "/problems/not-in-this-state")
    unchanged = stage.reviewer.get(path).json
    assert (unchanged["state"], unchanged["version"]) == (state, 1)


@pytest.mark.parametrize("action", DEMAND_ACTIONS)
@pytest.mark.parametrize("progress", PROGRESS)
def test_a_demand_makes_progress_only_as_it_should(stage: Stage, action: str, progress: str) -> None:
    transition = DEMAND_ACTIONS[action]
    identity = stage.place("demand", state="published", progress=progress)
    response = stage.owner.post(f"demands/{identity}/actions/{action}")
    if progress in transition.sources:
        assert (response.status_code, response.json["progress"]) == (200, transition.to)
        assert response.json["state"] == "published"
    else:
        assert (response.status_code, response.json["type"]) == (409, "/problems/not-in-this-state")


@pytest.mark.parametrize("state", [state for state in STATES if state != "published"])
@pytest.mark.parametrize("action", DEMAND_ACTIONS)
def test_a_demand_makes_no_progress_unless_published(stage: Stage, action: str, state: str) -> None:
    source = min(DEMAND_ACTIONS[action].sources)
    identity = stage.place("demand", state=state, progress=source)
    assert stage.owner.post(f"demands/{identity}/actions/{action}").status_code == 409


@pytest.mark.parametrize("noun", ["outcome", "expert"])
@pytest.mark.parametrize("action", DEMAND_ACTIONS)
def test_only_demands_make_progress(stage: Stage, noun: str, action: str) -> None:
    identity = stage.place(noun, state="published")
    assert stage.owner.post(f"{noun}s/{identity}/actions/{action}").status_code == 404


@pytest.mark.parametrize("noun", NOUNS)
def test_an_extension_moves_the_last_day(stage: Stage, noun: str) -> None:
    path = f"{noun}s/{stage.place(noun, state='published')}/actions/extend"
    answer = stage.owner.post(path, BODIES["extend"]).json
    assert (answer[LISTINGS[noun].EXPIRES], answer["extended"]) == (BODIES["extend"]["until"], True)


def test_an_extension_is_possible_once_only(stage: Stage) -> None:
    path = f"outcomes/{stage.place('outcome', state='published', extended=True)}/actions/extend"
    response = stage.owner.post(path, BODIES["extend"])
    assert (response.status_code, response.json["type"]) == (409, "/problems/extended-already")


def test_what_has_no_end_cannot_be_extended(stage: Stage) -> None:
    path = f"outcomes/{stage.place('outcome', state='published', valid_until=None)}/actions/extend"
    response = stage.owner.post(path, BODIES["extend"])
    assert (response.status_code, response.json["type"]) == (409, "/problems/no-end-date")


@pytest.mark.parametrize("days", [-1, 0, 30, 30 + 367])
def test_an_extension_lies_after_the_last_day_and_within_a_year(stage: Stage, days: int) -> None:
    path = f"outcomes/{stage.place('outcome', state='published')}"
    until = (TODAY + timedelta(days=days)).isoformat()
    response = stage.owner.post(f"{path}/actions/extend", {"until": until})
    assert (response.status_code, response.json["errors"][0]["pointer"]) == (422, "/until")
    assert stage.owner.get(path).json["extended"] is False


@pytest.mark.parametrize("noun", NOUNS)
def test_what_was_not_trusted_is_reviewed_again_when_extended_after_its_end(stage: Stage, noun: str) -> None:
    identity = stage.place(noun, owner=stage.newcomer, state="expired")
    answer = stage.newcomer.post(f"{noun}s/{identity}/actions/extend", BODIES["extend"]).json
    assert answer["state"] == "submitted"


def test_an_action_may_name_the_version_it_is_based_on(stage: Stage) -> None:
    path = f"outcomes/{stage.place('outcome', state='published', version=3)}/actions/withdraw"
    assert stage.owner.post(path, headers={"If-Match": '"2"'}).status_code == 412
    assert stage.owner.post(path, headers={"If-Match": '"3"'}).status_code == 200


def test_an_action_needs_no_body(stage: Stage) -> None:
    path = f"outcomes/{stage.place('outcome', state='published')}/actions/withdraw"
    assert stage.owner.send("POST", path).status_code == 200


def test_an_unknown_action_is_no_address(stage: Stage) -> None:
    response = stage.owner.post(f"outcomes/{stage.place('outcome')}/actions/burn")
    assert (response.status_code, response.json["type"]) == (404, "/problems/no-such-page")


def test_a_republished_listing_keeps_the_day_it_was_first_published(stage: Stage) -> None:
    listing = post(stage.owner, "outcome")
    path = f"outcomes/{listing['id']}/actions"
    stage.owner.post(f"{path}/withdraw")
    assert stage.owner.post(f"{path}/submit").json["published_at"] == listing["published_at"]
