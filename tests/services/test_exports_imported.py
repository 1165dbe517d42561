"""What is exported and imported again is what it was: for whoever may change it, and for nobody else."""

from __future__ import annotations

import pytest
from flask import Flask

from market.runtime import Runtime
from market.worker.runner import drain
from tests.factories import NOUNS, Caller, Person, add_member, add_person, post
from tests.services.files import counts, everything, faults, imported


def calls(app: Flask, person: Person) -> Caller:
    return Caller(app.test_client(), person)


@pytest.mark.parametrize("fmt", ["csv", "xlsx", "ndjson"])
@pytest.mark.parametrize("noun", NOUNS)
def test_a_whole_catalogue_comes_back_as_it_is(runtime: Runtime, app: Flask, noun: str, fmt: str) -> None:
    owner, staff = add_member(runtime), add_person(runtime, roles=("administrator",))
    for key in ("own", None):
        post(calls(app, owner), noun, external_key=key)
    if noun == "demand":
        post(calls(app, owner), noun, organisation_masked=True)
    drain(runtime)
    before = everything(runtime)
    for person in (staff, owner):
        file = calls(app, person).get(f"{noun}s/export", format=fmt).data
        done = imported(runtime, person, file, noun, name=f"all.{fmt}")
        assert (counts(done), faults(runtime, done.id)) == ((0, 0, len(before), 0), [])
    assert everything(runtime) == before


def test_the_id_of_a_listing_in_a_file_changes_it_and_leaves_its_key(runtime: Runtime, app: Flask) -> None:
    staff = add_person(runtime, roles=("administrator",))
    owner = add_member(runtime)
    made = post(calls(app, owner), "outcome", external_key="own")
    done = imported(
        runtime, staff, [{"key": made["id"], "title_zh": "新名", "kind": made["kind"], "field": made["field"]}]
    )
    assert counts(done) == (0, 1, 0, 0)
    assert everything(runtime)["outcome", "own"]["title_zh"] == "新名"


def test_a_stranger_makes_nothing_of_a_masked_demand(runtime: Runtime, app: Flask) -> None:
    owner, stranger = add_member(runtime), add_member(runtime)
    post(calls(app, owner), "demand", organisation_masked=True, external_key="SECRET-7")
    drain(runtime)
    before = everything(runtime)
    file = calls(app, stranger).get("demands/export", format="csv").data
    done = imported(runtime, stranger, file, "demand", name="d.csv")
    assert counts(done) == (0, 0, 0, 1)
    assert everything(runtime) == before
