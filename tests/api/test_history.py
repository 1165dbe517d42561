"""The history of a listing, what it said before, two versions side by side, and having an earlier one back."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import select

from market.models import AuditEntry, ListingVersion, Membership
from market.runtime import Runtime
from market.services.listings.comparing import differences, words
from tests.factories import NOUNS, Caller, add_person, payload, post


def history(caller: Caller, listing: dict[str, Any], **query: Any) -> list[dict[str, Any]]:
    response = caller.get(f"{listing['type']}s/{listing['id']}/history", **query)
    assert response.status_code == 200, response.text
    return list(response.json["items"])


def content(caller: Caller, listing: dict[str, Any], number: int) -> dict[str, Any]:
    response = caller.get(f"{listing['type']}s/{listing['id']}/versions/{number}")
    assert response.status_code == 200, response.text
    assert response.json["version"] == number
    return dict(response.json["content"])


@pytest.fixture
def lived(newcomer: Caller, reviewer: Caller) -> dict[str, Any]:
    """An outcome that was returned, mended, approved and changed: version 6."""
    listing = post(newcomer, "outcome", contact_name="沈一", contact_phone="022-5550")
    path = f"outcomes/{listing['id']}"
    reviewer.post(f"{path}/actions/return", {"text": "请补充检测报告。"})
    newcomer.patch(path, {"trl": 8, "summary_zh": "盐雾试验五千小时不起泡。"}, version=2)
    newcomer.post(f"{path}/actions/submit")
    reviewer.post(f"{path}/actions/approve", version=4)
    return dict(newcomer.patch(path, {"trl": 9, "keywords": ["防腐涂层", "风电"]}, version=5).json)


def test_a_history_says_who_did_what_and_when(newcomer: Caller, reviewer: Caller, lived: dict[str, Any]) -> None:
    rows = history(newcomer, lived)
    assert [(row["action"], row["before"], row["after"], row["version"]) for row in rows] == [
        ("change", "published", "submitted", 6),
        ("approve", "submitted", "published", 5),
        ("submit", "draft", "submitted", 4),
        ("change", "", "", 3),
        ("return", "submitted", "draft", 2),
        ("submit", "draft", "submitted", 1),
        ("create", "", "", 1),
    ]
    assert rows[3]["fields_changed"] == ["summary_zh", "trl"]
    assert rows[4]["text"] == "请补充检测报告。"
    assert {row["listing"] for row in rows} == {lived["id"]}


def test_whoever_it_belongs_to_sees_colleagues_by_name_and_reviewers_not(
    runtime: Runtime, client: FlaskClient, newcomer: Caller, reviewer: Caller, lived: dict[str, Any]
) -> None:
    assert newcomer.person
    colleague = Caller(client, add_person(runtime, newcomer.person.organisation_id))
    colleague.patch(f"outcomes/{lived['id']}", {"trl": 7}, version=6)
    seen = [(row["who"]["role"], bool(row["who"]["name"])) for row in history(newcomer, lived)]
    assert seen[0] == ("colleague", True)
    assert seen[2] == ("reviewer", False)
    assert seen[-1] == ("owner", True)
    assert all(row["who"]["name"] for row in history(reviewer, lived))
    with runtime.db.writing() as session:  # who has left is no colleague any more
        gone = session.exec(select(Membership).where(Membership.user_id == colleague.person.id)).one()
        session.delete(gone)
    assert history(newcomer, lived)[0]["who"] == {"role": "other", "name": ""}


def test_a_history_does_not_tell_who_reported_or_read_it(
    stranger: Caller, reviewer: Caller, newcomer: Caller, lived: dict[str, Any]
) -> None:
    reviewer.post(f"outcomes/{lived['id']}/actions/approve", version=6)
    assert stranger.post(f"outcomes/{lived['id']}/reports", {"kind": "spam"}).status_code == 201
    reviewer.get(f"outcomes/{lived['id']}")  # reads the contact: noted for auditors
    assert {row["action"] for row in history(newcomer, lived)} == {"create", "submit", "return", "change", "approve"}


def test_a_history_is_paged(newcomer: Caller, lived: dict[str, Any]) -> None:
    path = f"outcomes/{lived['id']}/history"
    first = newcomer.get(path, limit=4).json
    rest = newcomer.get(path, limit=4, cursor=first["next"]).json
    assert rest["next"] is None
    assert [row["id"] for row in (*first["items"], *rest["items"])] == [row["id"] for row in history(newcomer, lived)]


def test_what_it_said_is_kept_version_by_version(runtime: Runtime, newcomer: Caller, lived: dict[str, Any]) -> None:
    found = [content(newcomer, lived, number) for number in range(1, 7)]
    assert [one["trl"] for one in found] == [7, 7, 8, 8, 8, 9]
    assert found[0]["summary_zh"] == payload("outcome")["summary_zh"]
    assert found[0]["contact_name"] == "沈一"
    assert {name: found[0][name] for name in payload("outcome")} == payload("outcome")
    with runtime.db.reading() as session:  # what only moved on is not kept again
        assert sorted(row.version for row in session.exec(select(ListingVersion))) == [2, 5]
    for number in (0, 7):
        assert newcomer.get(f"outcomes/{lived['id']}/versions/{number}").status_code == 404


def test_works_are_kept_too(owner: Caller) -> None:
    expert = post(owner, "expert")
    owner.patch(f"experts/{expert['id']}", {"works": [{"title": "另一篇"}]}, version=1)
    assert content(owner, expert, 1)["works"][0]["title"] == payload("expert")["works"][0]["title"]
    assert [work["title"] for work in content(owner, expert, 2)["works"]] == ["另一篇"]


def test_an_extension_is_a_change_of_content(owner: Caller) -> None:
    listing = post(owner, "outcome", valid_until="2031-01-01")
    owner.post(f"outcomes/{listing['id']}/actions/extend", {"until": "2031-06-01"})
    assert [content(owner, listing, number)["valid_until"] for number in (1, 2)] == ["2031-01-01", "2031-06-01"]


def test_two_versions_stand_side_by_side(newcomer: Caller, lived: dict[str, Any]) -> None:
    found = newcomer.get(f"outcomes/{lived['id']}/diff", **{"from": 1, "to": 3}).json
    assert (found["from"], found["to"]) == (1, 3)
    by_name = {item["field"]: item for item in found["items"]}
    assert set(by_name) == {"summary_zh", "trl"}
    assert (by_name["trl"]["before"], by_name["trl"]["after"]) == (7, 8)
    ops = by_name["summary_zh"]["text"]
    assert {"op": "insert", "text": "五"} in ops or any(op["op"] == "delete" for op in ops)
    last = newcomer.get(f"outcomes/{lived['id']}/diff", **{"from": 5}).json
    [keywords] = [item for item in last["items"] if item["field"] == "keywords"]
    assert (keywords["removed"], keywords["added"]) == (["潮差区", "graphene"], ["风电"])
    assert newcomer.get(f"outcomes/{lived['id']}/diff", **{"from": 5, "to": 7}).status_code == 404


def test_versions_are_for_those_who_see_everything(
    runtime: Runtime, client: FlaskClient, visitor: Caller, stranger: Caller, reviewer: Caller, lived: dict[str, Any]
) -> None:
    auditor = Caller(client, add_person(runtime, roles=("auditor",)))
    paths = [f"outcomes/{lived['id']}/{rest}" for rest in ("history", "versions/1", "diff?from=1")]
    codes = {
        who: [caller.send("GET", path).status_code for path in paths]
        for who, caller in (
            ("visitor", visitor), ("stranger", stranger), ("reviewer", reviewer), ("auditor", auditor),
        )
    }  # fmt: skip
    assert codes == {
        "visitor": [401, 401, 401],
        "stranger": [404, 404, 404],
        "reviewer": [200, 200, 200],
        "auditor": [200, 404, 404],
    }


def test_whoever_reads_anothers_protected_words_in_a_version_is_noted(
    runtime: Runtime, owner: Caller, reviewer: Caller
) -> None:
    listing = post(owner, "outcome", contact_name="沈一")
    content(owner, listing, 1)
    content(reviewer, listing, 1)
    with runtime.db.reading() as session:
        [entry] = session.exec(select(AuditEntry).where(AuditEntry.action == "disclose")).all()
    assert reviewer.person
    assert (entry.actor_id, entry.details["fields"]) == (reviewer.person.id, ["contact"])


@pytest.mark.parametrize("noun", NOUNS)
def test_an_earlier_version_comes_back_as_a_new_one(owner: Caller, noun: str) -> None:
    listing = post(owner, noun, external_key="甲-1")
    path = f"{noun}s/{listing['id']}"
    last_day = "deadline" if noun == "demand" else "valid_until"
    heading = "name_zh" if noun == "expert" else "title_zh"
    changes = {
        heading: "改后",
        "keywords": [],
        "contact_name": "沈一",
        last_day: "2031-01-01",
        "external_key": "甲-2",
    }
    assert owner.patch(path, changes, version=1).status_code == 200
    again = owner.post(f"{path}/actions/restore-version", {"version": 1}).json
    assert again["version"] == 3
    assert {name: again[name] for name in (heading, "keywords", "contact_name", last_day, "external_key")} == {
        **{name: listing[name] for name in (heading, "keywords", "contact_name", last_day)},
        "external_key": "甲-2",  # what names it elsewhere stays
    }
    first = history(owner, listing)[0]
    assert (first["action"], first["restored"]) == ("change", 1)
    assert set(first["fields_changed"]) == {heading, "keywords", "contact_name", last_day}


def test_what_is_restored_does_not_lose_its_protection(owner: Caller, visitor: Caller) -> None:
    listing = post(owner, "outcome", advantages_zh="成本低三成")
    path = f"outcomes/{listing['id']}"
    owner.patch(path, {"tiers": {"advantages": "agreement"}, "advantages_zh": "成本低四成"}, version=1)
    assert owner.post(f"{path}/actions/restore-version", {"version": 1}).json["advantages_zh"] == "成本低三成"
    assert "advantages_zh" not in visitor.get(path).json


def test_what_is_restored_is_reviewed_like_any_change(
    newcomer: Caller, stranger: Caller, reviewer: Caller, lived: dict[str, Any]
) -> None:
    path = f"outcomes/{lived['id']}/actions"
    reviewer.post(f"{path}/approve", version=6)
    assert stranger.post(f"{path}/restore-version", {"version": 1}).status_code == 403
    assert reviewer.post(f"{path}/restore-version", {"version": 1}).status_code == 403
    assert newcomer.post(f"{path}/restore-version", {"version": 99}).status_code == 404
    assert newcomer.post(f"{path}/restore-version", {"version": 1}, headers={"If-Match": '"2"'}).status_code == 412
    assert newcomer.post(f"{path}/restore-version", {"version": 1}).json["state"] == "submitted"


def test_versions_go_with_their_listing(runtime: Runtime, newcomer: Caller, lived: dict[str, Any]) -> None:
    assert newcomer.delete(f"outcomes/{lived['id']}", version=6).status_code == 204
    with runtime.db.reading() as session:
        assert session.exec(select(ListingVersion)).all() == []


@given(before=st.text("甲乙丙ab 。.\n1", max_size=60), after=st.text("甲乙丙ab 。.\n1", max_size=60))
def test_pieces_of_a_text_make_both_texts(before: str, after: str) -> None:
    ops = words(before, after)
    assert "".join(text for op, text in ops if op != "insert") == before
    assert "".join(text for op, text in ops if op != "delete") == after
    assert all(one[0] != other[0] for one, other in pairwise(ops))


def test_words_and_chinese_characters_are_told_apart() -> None:
    assert words("现用 epoxy coating 一千小时。", "现用 epoxy paint 一千五百小时。") == [
        ("equal", "现用 epoxy "),
        ("delete", "coating"),
        ("insert", "paint"),
        ("equal", " 一千"),
        ("insert", "五百"),
        ("equal", "小时。"),
    ]


def test_long_texts_with_nothing_in_common_are_compared_at_once() -> None:
    before, after = "甲。" * 10_000, "乙丙" * 10_000
    assert words(before, after) == [("delete", before), ("insert", after)]


def test_what_only_one_side_has_is_null_on_the_other() -> None:
    assert differences({"a": 1}, {"b": [1]}) == [
        {"field": "a", "before": 1, "after": None},
        {"field": "b", "before": None, "after": [1]},
    ]
