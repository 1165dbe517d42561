"""kill -9 at each point where it could hurt: what was committed comes out right, what was not is not there."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest

from market.app import create_app
from market.runtime import Runtime
from tests.factories import Person, add_organisation, add_person, payload
from tests.reliability.conftest import (
    Installation,
    Nursery,
    all_pairs,
    assert_sound,
    matched,
    runs,
    stock,
    wait_until,
)
from tests.services.stock import inbox, indexed, jobs, matches, signed, stored


def nothing_indexed(runtime: Runtime) -> bool:
    return not any(indexed(runtime).values()) and not signed(runtime)


def in_the_index_only(runtime: Runtime) -> bool:
    return any(indexed(runtime).values()) and not signed(runtime) and not matches(runtime)


def indexed_and_signed(runtime: Runtime) -> bool:
    return bool(signed(runtime)) and not matches(runtime) and any(job.name == "match" for job in jobs(runtime))


def matched_untold(runtime: Runtime) -> bool:
    return bool(matches(runtime)) and not inbox(runtime) and any(job.name == "notify" for job in jobs(runtime))


def told(runtime: Runtime) -> bool:
    return bool(inbox(runtime)) and not any(job.name == "notify" for job in jobs(runtime))


# Where the worker dies, and what must be there at that moment and no more.
POINTS: dict[str, Callable[[Runtime], bool]] = {
    "put": in_the_index_only,
    "before index": in_the_index_only,
    "after index": indexed_and_signed,
    "before match": indexed_and_signed,
    "after match": matched_untold,
    "before notify": matched_untold,
    "after notify": told,
}


def kill_worker(nursery: Nursery, installation: Installation, point: str) -> None:
    """A worker that dies at the point."""
    pid = nursery.start(installation, point=point)
    wait_until(lambda: not runs(pid), seconds=30, what=f"the worker dies at: {point}")


@pytest.mark.parametrize("point", POINTS)
def test_a_worker_killed_there_leaves_only_what_was_committed(
    nursery: Nursery, installation: Installation, point: str
) -> None:
    with installation.opened() as runtime:
        stock(runtime)
        assert nothing_indexed(runtime)
    kill_worker(nursery, installation, point)
    with installation.opened() as runtime:
        assert POINTS[point](runtime)


@pytest.mark.parametrize("point", POINTS)
def test_after_a_worker_was_killed_there_the_next_one_makes_everything_right(
    nursery: Nursery, installation: Installation, point: str
) -> None:
    with installation.opened() as runtime:
        stock(runtime)
    kill_worker(nursery, installation, point)
    with installation.recovered() as runtime:
        assert jobs(runtime) == []
        assert matched(runtime) == all_pairs(runtime)
        assert_sound(runtime)


def test_a_worker_killed_at_every_point_in_turn_still_gets_everything_done(
    nursery: Nursery, installation: Installation
) -> None:
    with installation.opened() as runtime:
        stock(runtime, demands=2, outcomes=2, experts=2)
    settings = {"job_lease_seconds": 0.05}  # so that the next takes over at once
    for point in POINTS:
        pid = nursery.start(installation, point=point, settings=settings)
        # Once its kind of job is all done, the point is never reached.
        for _ in range(100):
            if not runs(pid):
                break
            time.sleep(0.01)
        nursery.end(pid)
    with installation.recovered() as runtime:
        assert matched(runtime) == all_pairs(runtime)
        assert_sound(runtime)


def poster(installation: Installation) -> Person:
    """A member who may post, beside a demand that fits and is indexed already."""
    with installation.recovered() as runtime:
        stock(runtime, outcomes=0, experts=0)
        person = add_person(runtime, add_organisation(runtime))
    with installation.recovered():
        return person


def post(nursery: Nursery, installation: Installation, person: Person, point: str) -> None:
    """A POST whose process may die at the point."""
    pid = nursery.start(
        installation, "post", point=point, key=person.key, idempotency_key="once",
        body=payload("outcome", submit=True), answer=str(installation.folder / "answer"),
    )  # fmt: skip
    wait_until(lambda: not runs(pid), seconds=30, what="the poster ends")


def post_again(runtime: Runtime, person: Person) -> dict[str, object]:
    """What the client does that got no answer: the same request with the same key."""
    response = create_app(runtime).test_client().post(
        "/api/v1/outcomes", json=payload("outcome", submit=True),
        headers={"Authorization": f"Bearer {person.key}", "Idempotency-Key": "once"},
    )  # fmt: skip
    assert response.status_code == 201
    return dict(response.json)


def test_a_post_that_is_not_disturbed_is_answered(nursery: Nursery, installation: Installation) -> None:
    person = poster(installation)
    post(nursery, installation, person, "")
    answer = json.loads((installation.folder / "answer").read_text())
    with installation.recovered() as runtime:
        assert stored(runtime)["outcome"] == {answer["id"]: 1}


def test_a_post_killed_before_its_commit_left_nothing(nursery: Nursery, installation: Installation) -> None:
    person = poster(installation)
    post(nursery, installation, person, "before post")
    assert not (installation.folder / "answer").exists()
    with installation.recovered() as runtime:
        assert stored(runtime)["outcome"] == {}
        assert matches(runtime) == {}
        assert_sound(runtime)


def test_a_post_killed_before_its_commit_can_be_repeated(nursery: Nursery, installation: Installation) -> None:
    person = poster(installation)
    post(nursery, installation, person, "before post")
    with installation.opened() as runtime:
        answer = post_again(runtime, person)
    with installation.recovered() as runtime:
        assert {*stored(runtime)["outcome"]} == {answer["id"]}
        assert matched(runtime) == all_pairs(runtime)
        assert_sound(runtime)


def test_a_post_killed_after_its_commit_is_indexed_matched_and_told(
    nursery: Nursery, installation: Installation
) -> None:
    person = poster(installation)
    post(nursery, installation, person, "after post")
    assert not (installation.folder / "answer").exists()
    with installation.recovered() as runtime:
        assert len(stored(runtime)["outcome"]) == 1
        assert matched(runtime) == all_pairs(runtime)
        assert_sound(runtime)


def test_a_post_killed_after_its_commit_answers_the_repeated_request_without_doing_it_twice(
    nursery: Nursery, installation: Installation
) -> None:
    person = poster(installation)
    post(nursery, installation, person, "after post")
    with installation.opened() as runtime:
        answer = post_again(runtime, person)
        assert {*stored(runtime)["outcome"]} == {answer["id"]}
