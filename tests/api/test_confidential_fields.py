"""Contact fields and masked names: a canary is planted, and no outsider may ever see it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from market.runtime import Runtime
from tests.factories import NOUNS, Caller, add_member, post

CANARY = "杜鹃佯啼"
CANARY_MAIL = "canary-kestrel@secret.example"
CONTACT = {"contact_name": CANARY, "contact_phone": f"022-{CANARY}", "contact_email": CANARY_MAIL}
HIDDEN = (*CONTACT, "external_key", "rejection_reason", "rejection_text")


@pytest.fixture
def masked(runtime: Runtime, visitor: Caller) -> Caller:
    """A member of an organisation that does not want to be named."""
    return Caller(visitor.client, add_member(runtime, name_zh=CANARY, name_en="Canary Kestrel Works"))


def answers_to(caller: Caller, noun: str, identity: str) -> list[str]:
    """Everything the API can tell this caller about a listing."""
    paths = [
        (f"{noun}s/{identity}", {}),
        (f"{noun}s", {"q": "防腐涂层", "highlight": "true", "facets": "organisation,field"}),
        (f"{noun}s", {"q": CANARY, "highlight": "true", "facets": "organisation"}),
        (f"{noun}s", {"q": CANARY_MAIL, "highlight": "true"}),
        ("search", {"q": "防腐涂层", "highlight": "true"}),
        ("search", {"q": CANARY, "highlight": "true"}),
        ("suggest", {"q": CANARY[:2]}),
        ("suggest", {"q": "canary"}),
        ("stats", {}),
    ]
    return [caller.get(path, **query).get_data(as_text=True) for path, query in paths]


@pytest.mark.parametrize("noun", NOUNS)
def test_outsiders_never_see_how_to_reach_the_owner(
    owner: Caller, stranger: Caller, visitor: Caller, drain: Callable[[], int], noun: str
) -> None:
    listing = post(owner, noun, **CONTACT)
    drain()
    told = [text for caller in (visitor, stranger) for text in answers_to(caller, noun, listing["id"])]
    assert not [text for text in told if CANARY in text or CANARY_MAIL in text]


@pytest.mark.parametrize("noun", NOUNS)
def test_outsiders_do_not_even_see_the_fields(owner: Caller, visitor: Caller, noun: str) -> None:
    shown = visitor.get(f"{noun}s/{post(owner, noun, **CONTACT, external_key='K-1')['id']}").json
    assert not set(HIDDEN) & set(shown)


@pytest.mark.parametrize("noun", NOUNS)
def test_owner_and_staff_see_the_contact(owner: Caller, reviewer: Caller, administrator: Caller, noun: str) -> None:
    path = f"{noun}s/{post(owner, noun, **CONTACT)['id']}"
    for caller in (owner, reviewer, administrator):
        assert {name: caller.get(path).json[name] for name in CONTACT} == CONTACT


@pytest.mark.parametrize("noun", NOUNS)
def test_nobody_finds_a_listing_by_its_contact(
    owner: Caller, visitor: Caller, drain: Callable[[], int], noun: str
) -> None:
    post(owner, noun, **CONTACT)
    drain()
    assert [visitor.get(f"{noun}s", q=text).json["total"] for text in (CANARY, CANARY_MAIL)] == [0, 0]


def test_the_other_side_of_a_match_learns_no_contact(
    owner: Caller, stranger: Caller, drain: Callable[[], int]
) -> None:
    outcome = post(owner, "outcome", **CONTACT)
    post(owner, "expert", **CONTACT)
    demand = post(stranger, "demand", **CONTACT)
    drain()
    told = [
        stranger.get(f"demands/{demand['id']}/matches"),
        owner.get(f"outcomes/{outcome['id']}/matches"),
        stranger.get("notifications"),
        owner.get("notifications"),
        stranger.post("match", {"text": "防腐涂层", "kind": "outcome"}),
        stranger.post("match", {"text": "防腐涂层", "kind": "expert"}),
        owner.post("match", {"text": "防腐涂层", "kind": "demand"}),
    ]
    assert all(answer.status_code == 200 and answer.json["items"] for answer in told)
    assert not [answer for answer in told if CANARY in answer.text or CANARY_MAIL in answer.text]


@pytest.mark.parametrize("noun", ["outcome", "demand"])
def test_the_contact_is_shown_to_whom_it_was_granted_and_to_nobody_else(
    owner: Caller, stranger: Caller, newcomer: Caller, noun: str
) -> None:
    path = f"{noun}s/{post(owner, noun, **CONTACT)['id']}"
    assert stranger.get(path).json["protected"] == {"contact": "agreement"}
    text = stranger.get("confidentiality").json
    consent = {"version": text["version"], "sha256": text["sha256"]}
    request = stranger.post(f"{path}/access-requests", {"text": "洽谈合作", "consent": consent}).json
    assert not set(CONTACT) & set(stranger.get(path).json)
    owner.post(f"access-requests/{request['id']}/actions/grant", {})
    assert {name: stranger.get(path).json[name] for name in CONTACT} == CONTACT
    assert not set(HIDDEN) & set(newcomer.get(path).json)
    told = [stranger.get("access-requests").text, owner.get("notifications").text, stranger.get(f"{noun}s").text]
    assert not [one for one in told if CANARY in one or CANARY_MAIL in one]


def test_a_masked_organisation_is_named_nowhere(
    masked: Caller, owner: Caller, visitor: Caller, drain: Callable[[], int]
) -> None:
    demand = post(masked, "demand", organisation_masked=True)
    outcome = post(owner, "outcome")
    drain()
    told = [text for caller in (visitor, owner) for text in answers_to(caller, "demand", demand["id"])]
    told += [
        owner.get(f"outcomes/{outcome['id']}/matches").get_data(as_text=True),
        owner.get("notifications").get_data(as_text=True),
        owner.post("match", {"text": "防腐涂层", "kind": "demand"}).get_data(as_text=True),
    ]
    identity = str(masked.person.organisation_id)
    assert not [text for text in told if CANARY in text or "Kestrel" in text or identity in text]


def test_a_masked_demand_is_not_found_by_its_organisation(
    masked: Caller, visitor: Caller, drain: Callable[[], int]
) -> None:
    post(masked, "demand", organisation_masked=True)
    drain()
    for query in ({"q": CANARY}, {"q": "Kestrel"}, {"organisation": str(masked.person.organisation_id)}):
        assert visitor.get("demands", **query).json["total"] == 0


def test_a_demand_that_is_masked_later_loses_its_name(
    masked: Caller, visitor: Caller, drain: Callable[[], int]
) -> None:
    demand = post(masked, "demand")
    drain()
    assert visitor.get("demands", q=CANARY).json["total"] == 1
    masked.patch(f"demands/{demand['id']}", {"organisation_masked": True}, version=1)
    drain()
    assert visitor.get("demands", q=CANARY).json["total"] == 0
    assert visitor.get(f"demands/{demand['id']}").json["organisation"] is None


def test_the_owner_of_a_masked_demand_still_sees_it_in_full(masked: Caller) -> None:
    demand = post(masked, "demand", organisation_masked=True, **CONTACT)
    assert masked.get(f"demands/{demand['id']}").json["contact_name"] == CANARY


def test_a_reason_of_rejection_is_for_the_owner_only(newcomer: Caller, reviewer: Caller, visitor: Caller) -> None:
    listing = post(newcomer, "outcome")
    path = f"outcomes/{listing['id']}"
    reviewer.post(f"{path}/actions/reject", {"reason": "incomplete", "text": CANARY})
    assert visitor.get(path).status_code == 404
    assert newcomer.get(path).json["rejection_text"] == CANARY


def test_a_metric_or_a_problem_repeats_no_text_of_a_listing(
    owner: Caller, visitor: Caller, drain: Callable[[], int]
) -> None:
    listing = post(owner, "outcome", **CONTACT)
    drain()
    refused = visitor.patch(f"outcomes/{listing['id']}", {"contact_name": CANARY}, version=1)
    assert CANARY not in refused.get_data(as_text=True)
    assert CANARY not in visitor.get("/metrics").get_data(as_text=True)
