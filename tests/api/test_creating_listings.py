"""POST /outcomes, /experts, /demands: drafts, submissions, and what a reviewer does with them."""

from __future__ import annotations

import pytest
from sqlmodel import func, select

from market.models import AuditEntry, Work
from market.runtime import Runtime
from tests.factories import NOUNS, Caller, add_person, payload, post


def states(caller: Caller, noun: str, identity: str) -> str:
    return str(caller.get(f"{noun}s/{identity}").json["state"])


@pytest.mark.parametrize("noun", NOUNS)
def test_a_new_listing_is_a_draft(owner: Caller, noun: str) -> None:
    response = owner.post(f"{noun}s", payload(noun))
    assert (response.status_code, response.json["state"]) == (201, "draft")


@pytest.mark.parametrize("noun", NOUNS)
def test_the_answer_repeats_what_was_sent(owner: Caller, noun: str) -> None:
    sent = payload(noun)
    answer = owner.post(f"{noun}s", sent).json
    works = [{**work, "abstract": "", "identifier": ""} for work in sent.pop("works", [])]
    assert {name: answer[name] for name in sent} == sent
    assert answer.get("works", []) == works


@pytest.mark.parametrize("noun", NOUNS)
def test_the_answer_says_where_the_listing_is_and_which_version(owner: Caller, noun: str) -> None:
    response = owner.post(f"{noun}s", payload(noun))
    assert response.headers["Location"] == f"/api/v1/{noun}s/{response.json['id']}"
    assert response.headers["ETag"] == '"1"'
    assert owner.get(response.headers["Location"]).json == response.json


@pytest.mark.parametrize("noun", NOUNS)
def test_a_trusted_organisation_publishes_at_once(owner: Caller, noun: str) -> None:
    listing = post(owner, noun)
    assert listing["state"] == "published"
    assert listing["published_at"] is not None


@pytest.mark.parametrize("noun", NOUNS)
def test_an_organisation_that_is_not_trusted_waits_for_a_reviewer(newcomer: Caller, noun: str) -> None:
    listing = post(newcomer, noun)
    assert listing["state"] == "submitted"
    assert listing["published_at"] is None


@pytest.mark.parametrize("noun", NOUNS)
def test_a_reviewer_approves_and_the_owner_is_told(newcomer: Caller, reviewer: Caller, noun: str) -> None:
    listing = post(newcomer, noun)
    response = reviewer.post(f"{noun}s/{listing['id']}/actions/approve", version=1)
    assert (response.status_code, response.json["state"]) == (200, "published")
    told = newcomer.get("notifications").json["items"]
    assert [(row["kind"], row["listing_id"]) for row in told] == [("listing_approved", listing["id"])]


@pytest.mark.parametrize("noun", NOUNS)
def test_a_reviewer_rejects_with_a_reason_and_the_owner_is_told(
    newcomer: Caller, reviewer: Caller, noun: str
) -> None:
    listing = post(newcomer, noun)
    body = {"reason": "incomplete", "text": "请补充技术指标。"}
    assert reviewer.post(f"{noun}s/{listing['id']}/actions/reject", body).json["state"] == "rejected"
    own = newcomer.get(f"{noun}s/{listing['id']}").json
    assert (own["rejection_reason"], own["rejection_text"]) == ("incomplete", "请补充技术指标。")
    [row] = newcomer.get("notifications").json["items"]
    assert row["kind"] == "listing_rejected"
    assert "请补充技术指标。" in row["body"]


def test_the_notice_of_a_rejection_is_in_the_owners_language(
    runtime: Runtime, newcomer: Caller, reviewer: Caller
) -> None:
    english = Caller(
        newcomer.client, add_person(runtime, newcomer.person.organisation_id, language="en"), language="en"
    )
    listing = post(english, "outcome")
    reviewer.post(f"outcomes/{listing['id']}/actions/reject", {"reason": "incomplete"})
    [row] = english.get("notifications").json["items"]
    assert row["title"].startswith("Not published")
    assert row["language"] == "en"


def test_a_rejection_needs_a_reason(newcomer: Caller, reviewer: Caller) -> None:
    listing = post(newcomer, "outcome")
    response = reviewer.post(f"outcomes/{listing['id']}/actions/reject", {})
    assert response.status_code == 422
    assert response.json["errors"][0]["pointer"] == "/reason"


def test_what_was_rejected_can_be_mended_and_submitted_again(newcomer: Caller, reviewer: Caller) -> None:
    listing = post(newcomer, "outcome")
    path = f"outcomes/{listing['id']}"
    rejected = reviewer.post(f"{path}/actions/reject", {"reason": "incomplete"}).json
    mended = newcomer.patch(path, {"trl": 8}, version=rejected["version"]).json
    assert mended["state"] == "rejected"
    again = newcomer.post(f"{path}/actions/submit").json
    assert (again["state"], again["rejection_reason"]) == ("submitted", "incomplete")  # until it is approved


@pytest.mark.parametrize("action", ["approve", "reject", "suspend", "restore"])
def test_a_member_may_not_do_a_reviewers_work(owner: Caller, newcomer: Caller, action: str) -> None:
    listing = post(newcomer, "outcome")
    body = {"reason": "incomplete"} if action == "reject" else {}
    response = newcomer.post(f"outcomes/{listing['id']}/actions/{action}", body)
    assert (response.status_code, response.json["type"]) == (403, "/problems/role-missing")


@pytest.mark.parametrize("noun", NOUNS)
def test_a_visitor_may_not_post(visitor: Caller, noun: str) -> None:
    response = visitor.post(f"{noun}s", payload(noun))
    assert (response.status_code, response.json["type"]) == (401, "/problems/unauthenticated")


def test_a_reviewer_may_not_post(reviewer: Caller) -> None:
    assert reviewer.post("outcomes", payload("outcome")).status_code == 403


def test_a_member_of_no_organisation_cannot_post(runtime: Runtime, visitor: Caller) -> None:
    nobody = Caller(visitor.client, add_person(runtime))
    response = nobody.post("outcomes", payload("outcome"))
    assert (response.status_code, response.json["type"]) == (409, "/problems/organisation-missing")


def test_an_expert_posts_their_own_profile(runtime: Runtime, owner: Caller) -> None:
    organisation = owner.person.organisation_id
    expert = Caller(owner.client, add_person(runtime, organisation, roles=("expert",)))
    listing = post(expert, "expert")
    assert expert.patch(f"experts/{listing['id']}", {"degree": "doctor"}, version=1).status_code == 200


def test_the_language_of_a_listing_follows_its_titles(owner: Caller) -> None:
    languages = [
        post(owner, "outcome", title_zh=zh, title_en=en)["language"]
        for zh, en in (("涂层", ""), ("", "Coating"), ("涂层", "Coating"))
    ]
    assert languages == ["zh", "en", "both"]


@pytest.mark.parametrize("noun", NOUNS)
def test_a_title_or_name_is_needed_in_one_language(owner: Caller, noun: str) -> None:
    heading = "name" if noun == "expert" else "title"
    response = owner.post(f"{noun}s", payload(noun, **{f"{heading}_zh": "", f"{heading}_en": " "}))
    assert response.status_code == 422
    assert response.json["errors"][0]["pointer"] == f"/{heading}_zh"


def test_nothing_is_kept_of_a_refused_listing(runtime: Runtime, owner: Caller) -> None:
    owner.post("experts", payload("expert", name_zh="", name_en=""))
    with runtime.db.reading() as session:
        assert session.exec(select(func.count()).select_from(Work)).one() == 0
        assert session.exec(select(func.count()).select_from(AuditEntry)).one() == 0


def test_works_of_an_expert_keep_their_order(owner: Caller) -> None:
    works = [{"kind": "paper", "title": f"第{number}篇"} for number in range(5)]
    listing = post(owner, "expert", works=works)
    assert [work["title"] for work in listing["works"]] == [work["title"] for work in works]


def test_an_external_key_is_taken_once_by_an_organisation(owner: Caller) -> None:
    post(owner, "outcome", external_key="A-1")
    response = owner.post("outcomes", payload("outcome", external_key="A-1"))
    assert response.status_code in (409, 422)


def test_two_organisations_may_use_the_same_external_key(owner: Caller, stranger: Caller) -> None:
    post(owner, "outcome", external_key="A-1")
    assert post(stranger, "outcome", external_key="A-1")["state"] == "published"


def test_each_deed_leaves_a_line_in_the_audit_trail(runtime: Runtime, newcomer: Caller, reviewer: Caller) -> None:
    listing = post(newcomer, "outcome")
    reviewer.post(f"outcomes/{listing['id']}/actions/approve", version=1)
    with runtime.db.reading() as session:
        entries = session.exec(select(AuditEntry).order_by(AuditEntry.id)).all()
    assert [(entry.action, entry.actor_id) for entry in entries] == [
        ("create", newcomer.person.id),
        ("submit", newcomer.person.id),
        ("approve", reviewer.person.id),
    ]
