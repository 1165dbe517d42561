"""GET, PATCH and DELETE of one listing, and the versions that guard them."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
from sqlmodel import func, select

from market.models import LISTINGS, AuditEntry, Job, Match, Notification, Signature, Work
from market.runtime import Runtime
from tests.factories import NOUNS, Caller, payload, post

CHANGES = {"outcome": {"trl": 8}, "expert": {"degree": "doctor"}, "demand": {"budget_to": 3_000_000}}
each_noun = pytest.mark.parametrize("noun", NOUNS)


@each_noun
def test_a_change_sets_the_fields_that_are_given(owner: Caller, noun: str) -> None:
    listing = post(owner, noun)
    response = owner.patch(f"{noun}s/{listing['id']}", CHANGES[noun], version=1)
    assert response.status_code == 200
    kept = {name: value for name, value in listing.items() if name not in ("updated_at", "version")}
    assert response.json == {**response.json, **kept, **CHANGES[noun], "version": 2}


@each_noun
def test_a_change_gives_the_next_version_as_etag(owner: Caller, noun: str) -> None:
    path = f"{noun}s/{post(owner, noun)['id']}"
    assert owner.patch(path, CHANGES[noun], version=1).headers["ETag"] == '"2"'
    assert owner.get(path).headers["ETag"] == '"2"'


@each_noun
def test_a_change_without_if_match_is_428(owner: Caller, noun: str) -> None:
    response = owner.patch(f"{noun}s/{post(owner, noun)['id']}", CHANGES[noun])
    assert (response.status_code, response.json["type"]) == (428, "/problems/version-required")


@each_noun
def test_a_change_of_an_older_version_is_412(owner: Caller, noun: str) -> None:
    path = f"{noun}s/{post(owner, noun)['id']}"
    owner.patch(path, CHANGES[noun], version=1)
    response = owner.patch(path, {"keywords": []}, version=1)
    assert (response.status_code, response.json["type"]) == (412, "/problems/stale-version")
    assert owner.get(path).json["keywords"] != []


@pytest.mark.parametrize("tag", ['"x"', "*", '"1", "2"', '""', "99999999999999999999", '"-1"', '"²"'])
def test_an_if_match_that_is_no_version_of_ours_is_412(owner: Caller, tag: str) -> None:
    path = f"outcomes/{post(owner, 'outcome')['id']}"
    response = owner.send(
        "PATCH", path, data='{"trl": 3}', content_type="application/json", headers={"If-Match": tag}
    )
    assert response.status_code == 412


def test_a_weak_etag_names_the_version_too(owner: Caller) -> None:
    path = f"outcomes/{post(owner, 'outcome')['id']}"
    response = owner.send(
        "PATCH", path, data='{"trl": 3}', content_type="application/json", headers={"If-Match": 'W/"1"'}
    )
    assert response.status_code == 200


@each_noun
def test_reading_again_what_has_not_changed_is_304(owner: Caller, noun: str) -> None:
    path = f"{noun}s/{post(owner, noun)['id']}"
    response = owner.get(path, headers={"If-None-Match": owner.get(path).headers["ETag"]})
    assert (response.status_code, response.data, response.headers["ETag"]) == (304, b"", '"1"')


@each_noun
def test_reading_again_what_has_changed_is_200(owner: Caller, noun: str) -> None:
    path = f"{noun}s/{post(owner, noun)['id']}"
    owner.patch(path, CHANGES[noun], version=1)
    response = owner.get(path, headers={"If-None-Match": '"1"'})
    assert (response.status_code, response.json["version"]) == (200, 2)


@each_noun
def test_deleting_takes_it_away(owner: Caller, noun: str) -> None:
    path = f"{noun}s/{post(owner, noun)['id']}"
    response = owner.delete(path, version=1)
    assert (response.status_code, response.data) == (204, b"")
    assert owner.get(path).status_code == 404


@each_noun
def test_deleting_without_if_match_is_428(owner: Caller, noun: str) -> None:
    path = f"{noun}s/{post(owner, noun)['id']}"
    assert owner.delete(path).status_code == 428
    assert owner.get(path).status_code == 200


@each_noun
def test_deleting_an_older_version_is_412(owner: Caller, noun: str) -> None:
    path = f"{noun}s/{post(owner, noun)['id']}"
    owner.patch(path, CHANGES[noun], version=1)
    assert owner.delete(path, version=1).status_code == 412
    assert owner.get(path).status_code == 200


@each_noun
def test_deleting_leaves_nothing_of_it_behind(
    runtime: Runtime, owner: Caller, stranger: Caller, drain: Callable[[], int], noun: str
) -> None:
    listings = {other: post(stranger if other == "demand" else owner, other) for other in NOUNS}
    drain()
    caller = stranger if noun == "demand" else owner
    identity = listings[noun]["id"]
    assert caller.get(f"{noun}s/{identity}/matches").json["items"]
    caller.delete(f"{noun}s/{identity}", version=1)
    drain()
    with runtime.db.reading() as session:
        assert session.get(Signature, uuid.UUID(identity)) is None
        of_it = getattr(Match, f"{noun}_id") == uuid.UUID(identity)
        assert session.exec(select(func.count()).select_from(Match).where(of_it)).one() == 0
        about = Notification.listing_id == uuid.UUID(identity)
        assert session.exec(select(func.count()).select_from(Notification).where(about)).one() == 0
        assert session.exec(select(func.count()).select_from(Job)).one() == 0
        if noun == "expert":
            assert session.exec(select(func.count()).select_from(Work)).one() == 0
    assert owner.get(f"{noun}s").json["total"] == 0


def test_the_works_of_an_expert_are_replaced_as_a_whole(runtime: Runtime, owner: Caller) -> None:
    listing = post(owner, "expert")
    works = [{"kind": "patent", "title": "新作"}]
    changed = owner.patch(f"experts/{listing['id']}", {"works": works}, version=1).json
    assert [(work["kind"], work["title"]) for work in changed["works"]] == [("patent", "新作")]
    with runtime.db.reading() as session:
        assert session.exec(select(func.count()).select_from(Work)).one() == 1


def test_a_change_without_works_keeps_them(owner: Caller) -> None:
    listing = post(owner, "expert")
    changed = owner.patch(f"experts/{listing['id']}", {"degree": "doctor"}, version=1).json
    assert changed["works"] == listing["works"]


@pytest.mark.parametrize(
    ("noun", "change", "pointer"),
    [
        ("demand", {"budget_from": 2_000_001}, "/budget_to"),
        ("demand", {"trl_to": 5}, "/trl_to"),
        ("outcome", {"title_zh": "", "title_en": ""}, "/title_zh"),
        ("expert", {"name_zh": "", "name_en": ""}, "/name_zh"),
    ],
)
def test_a_change_is_checked_against_what_is_stored(
    owner: Caller, noun: str, change: dict[str, object], pointer: str
) -> None:
    listing = post(owner, noun)
    response = owner.patch(f"{noun}s/{listing['id']}", change, version=1)
    assert response.status_code == 422
    assert [error["pointer"] for error in response.json["errors"]] == [pointer]


def test_a_region_rule_cannot_lose_its_region_by_a_change(owner: Caller) -> None:
    listing = post(owner, "demand")
    response = owner.patch(f"demands/{listing['id']}", {"region": ""}, version=1)
    assert response.status_code == 422


@each_noun
def test_what_is_closed_can_no_longer_be_changed(owner: Caller, noun: str) -> None:
    path = f"{noun}s/{post(owner, noun)['id']}"
    owner.post(f"{path}/actions/close")
    response = owner.patch(path, CHANGES[noun], version=2)
    assert (response.status_code, response.json["type"]) == (409, "/problems/closed")


@each_noun
def test_a_change_after_publication_is_reviewed_again_unless_trusted(
    newcomer: Caller, reviewer: Caller, noun: str
) -> None:
    path = f"{noun}s/{post(newcomer, noun)['id']}"
    reviewer.post(f"{path}/actions/approve", version=1)
    assert newcomer.patch(path, CHANGES[noun], version=2).json["state"] == "submitted"


def test_an_administrator_may_change_what_is_anothers(owner: Caller, administrator: Caller) -> None:
    path = f"outcomes/{post(owner, 'outcome')['id']}"
    assert administrator.patch(path, {"trl": 2}, version=1).json["trl"] == 2


@pytest.mark.parametrize("name", ["state", "version", "id", "submit", "organisation", "published_at", "owner_id"])
def test_a_change_cannot_reach_what_the_service_sets(owner: Caller, name: str) -> None:
    path = f"outcomes/{post(owner, 'outcome', submit=False)['id']}"
    response = owner.patch(path, {name: "published"}, version=1)
    assert response.status_code == 422
    assert response.json["errors"][0]["pointer"] == f"/{name}"


def test_every_kind_of_listing_is_covered_here() -> None:
    assert set(CHANGES) == set(LISTINGS)
    assert all(payload(noun) for noun in NOUNS)


def test_the_audit_trail_names_what_was_changed_and_never_the_text(runtime: Runtime, owner: Caller) -> None:
    listing = post(owner, "expert")
    change = {"works": [{"title": "不公开"}], "contact_phone": "022-5550"}
    owner.patch(f"experts/{listing['id']}", change, version=1)
    with runtime.db.reading() as session:
        entry = session.exec(select(AuditEntry).where(AuditEntry.action == "change")).one()
    assert entry.details == {"fields": ["contact_phone", "works"], "version": 2}
