"""Nothing that changes beside a masked demand, and nothing that is refused, tells strangers whose it is."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from market.models import Demand
from market.rights import confidentiality
from market.runtime import Runtime
from market.services.telling import notifications
from tests.api.claiming import kinds, problem
from tests.factories import Caller, SettableClock, add_organisation, add_person, post

AGREED = {"version": confidentiality.VERSION, "sha256": confidentiality.SHA256}


@pytest.fixture
def house(runtime: Runtime) -> uuid.UUID:
    return add_organisation(runtime)


@pytest.fixture
def head(runtime: Runtime, client: FlaskClient, house: uuid.UUID) -> Caller:
    return Caller(client, add_person(runtime, house, roles=("organisation_admin", "member")))


@pytest.fixture
def author(runtime: Runtime, client: FlaskClient, house: uuid.UUID) -> Caller:
    """Who has posted an outcome, a demand, and a masked one."""
    return Caller(client, add_person(runtime, house))


def posted(author: Caller) -> dict[str, str]:
    """The addresses of what they post."""
    return {
        "outcome": f"outcomes/{post(author, 'outcome')['id']}",
        "named": f"demands/{post(author, 'demand')['id']}",
        "masked": f"demands/{post(author, 'demand', organisation_masked=True)['id']}",
    }


def moments(visitor: Caller, paths: dict[str, str]) -> dict[str, tuple[Any, int]]:
    shown = {name: visitor.get(path).json for name, path in paths.items()}
    return {name: (one["updated_at"], one["version"]) for name, one in shown.items()}


def test_an_organisations_new_name_changes_only_what_shows_it(
    head: Caller, author: Caller, visitor: Caller, house: uuid.UUID, clock: SettableClock
) -> None:
    paths = posted(author)
    before = moments(visitor, paths)
    clock.advance(hours=1)
    assert head.patch(f"organisations/{house}", {"name_zh": "新研究院"}, version=1).status_code == 200
    after = moments(visitor, paths)
    assert {name for name in paths if after[name] != before[name]} == {"outcome", "named"}
    assert visitor.get(paths["outcome"]).json["organisation"]["name_zh"] == "新研究院"
    assert author.get(paths["masked"]).json["organisation"]["name_zh"] == "新研究院"


def test_whoever_leaves_changes_nothing_that_strangers_see(
    head: Caller, author: Caller, visitor: Caller, house: uuid.UUID, clock: SettableClock, drain: Callable[[], int]
) -> None:
    paths = posted(author)
    before = moments(visitor, paths)
    clock.advance(hours=1)
    assert author.person is not None
    assert head.delete(f"organisations/{house}/people/{author.person.id}").status_code == 204
    drain()
    assert moments(visitor, paths) == before
    # The index has followed all the same: what was theirs is found by them no more.
    assert author.get("demands", state="published,withdrawn").json["total"] == 2
    assert head.post(f"{paths['masked']}/actions/withdraw").status_code == 200
    drain()
    found = [caller.get("demands", state="withdrawn").json["total"] for caller in (head, author)]
    assert found == [1, 0]


def test_whom_a_masked_demand_is_matched_with_is_counted_for_nobody(
    author: Caller, owner: Caller, stranger: Caller, visitor: Caller, clock: SettableClock, drain: Callable[[], int]
) -> None:
    for one in (author, owner, stranger):
        post(one, "outcome")

    def counted(path: str) -> list[int]:
        return sorted(row["matches"] for row in visitor.get(path, what="matches").json["items"])

    # Of its own organisation's offers none is matched: all others' counts would grow, and that one's not.
    masked = post(author, "demand", organisation_masked=True)
    drain()
    assert counted("stats/organisation") in ([], [0, 0, 0])
    assert counted("stats/field") == [2]
    assert visitor.get("stats/organisation", what="matches").json["total"]["matches"] == 2
    body = {"organisation_masked": False}
    assert author.patch(f"demands/{masked['id']}", body, version=1).status_code == 200
    drain()
    clock.advance(hours=1)  # figures are kept for a while
    assert counted("stats/organisation") == [1, 1, 2]


def test_of_a_houses_brokers_only_who_looks_after_its_masked_demand_hears_of_it(
    runtime: Runtime, head: Caller, author: Caller, house: uuid.UUID
) -> None:
    assigned, other = (add_person(runtime, house, roles=("broker",)) for _ in range(2))
    heard = []
    for masked in (True, False):
        identity = post(author, "demand", organisation_masked=masked)["id"]
        body = {"type": "demand", "id": identity, "broker": str(assigned.id)}
        assert head.post("cases", body).status_code == 201
        with runtime.db.reading() as session:
            listing = session.get_one(Demand, uuid.UUID(identity))
            heard.append({user.id for user in notifications.brokers(session, listing)})
    assert heard == [{assigned.id}, {assigned.id, other.id}]


@pytest.mark.parametrize(("role", "knows"), [("expert", False), ("broker", False), ("member", True), (None, False)])
def test_only_who_sees_all_of_a_masked_demand_learns_that_it_is_their_houses(
    runtime: Runtime,
    client: FlaskClient,
    author: Caller,
    house: uuid.UUID,
    drain: Callable[[], int],
    role: str | None,
    knows: bool,
) -> None:
    asker = Caller(client, add_person(runtime, house if role else None, roles=(role,) if role else ()))
    assert asker.post("subscriptions", {"noun": "demand", "query": {"q": "防腐涂层"}}).status_code == 201
    masked = post(author, "demand", organisation_masked=True)
    drain()
    assert ("subscription_hit" in kinds(asker)) is not knows
    preview = asker.post("subscriptions/preview", {"noun": "demand", "query": {"q": "防腐涂层"}}).json
    assert preview["count"] == (0 if knows else 1)
    assert (asker.get(f"demands/{masked['id']}").json["organisation"] is not None) is knows
    asked = asker.post(f"demands/{masked['id']}/access-requests", {"text": "可评估", "consent": AGREED})
    assert (problem(asked) if knows else asked.status_code) == ("not-owner" if knows else 201), asked.text
