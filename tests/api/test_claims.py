"""Claims: what speaks for itself decides at once, all else a reviewer; consent to be shown, and taking it back."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlmodel import select

from market.models import AuditEntry
from market.runtime import Runtime
from market.services.claims.claims import MOST_OPEN
from market.services.people import organisations
from market.services.rights.access import SYSTEM
from tests.api.claiming import (
    NAME,
    act,
    bring,
    by_document,
    claim,
    consent,
    house,
    imported,
    kinds,
    problem,
    roles,
    stored,
    the_expert,
)
from tests.factories import Caller, add_member, add_organisation, add_person, post


@pytest.fixture
def expert(runtime: Runtime, client: FlaskClient) -> Caller:
    return Caller(client, the_expert(runtime))


def test_the_consent_has_a_version_and_a_hash(visitor: Caller) -> None:
    told = visitor.get("consent").json
    assert told["sha256"] == hashlib.sha256(f"{told['zh']}\n\n{told['en']}".encode()).hexdigest()
    # Whoever changes a word gives the text a new version: consents name it.
    assert (told["version"], told["sha256"][:16]) == ("2026-1", "c658113384c36b2a")


def test_what_is_imported_is_unclaimed_and_says_so(runtime: Runtime, visitor: Caller, owner: Caller) -> None:
    identity = imported(runtime, house(runtime))
    shown = visitor.get(f"experts/{identity}").json
    assert (shown["custody"], shown["consented"]) == ("unclaimed", False)
    assert post(owner, "outcome")["custody"] == "consented"


def test_nobody_says_by_the_api_that_somebody_consents(owner: Caller) -> None:
    profile = post(owner, "expert")
    for refused in (
        owner.patch(f"experts/{profile['id']}", {"consented": True}, version=profile["version"]),
        owner.post("experts", {"name_zh": "某", "consented": True}),
        owner.patch(f"experts/{profile['id']}", {"custody": "unclaimed"}, version=profile["version"]),
    ):
        assert refused.status_code == 422
    assert profile["consented"] is False


def test_a_profile_is_turned_over_at_once_to_whom_its_evidence_speaks_for(
    runtime: Runtime, expert: Caller, visitor: Caller, drain: Callable[[], int]
) -> None:
    organisation = house(runtime)
    identity = imported(runtime, organisation, of=expert.person)
    made = claim(expert, identity, consent=consent(expert))
    assert (made.status_code, made.json["state"]) == (201, "approved"), made.text
    assert [one["code"] for one in made.json["finding"]] == ["mail_of_organisation", "name_equal", "address_equal"]
    row = stored(runtime, identity)
    assert expert.person is not None
    assert (row.owner_id, row.custody, row.version) == (expert.person.id, "consented", 2)
    assert roles(runtime, expert.person, organisation) == ["expert"]
    assert visitor.get(f"experts/{identity}").json["consented"] is True
    assert expert.patch(f"experts/{identity}", {"availability": "limited"}, version=2).status_code == 200
    assert kinds(expert) == ["claim_decided"]
    drain()


def test_a_mailbox_at_the_university_is_not_enough_to_be_its_professor(
    runtime: Runtime, client: FlaskClient, reviewer: Caller, expert: Caller
) -> None:
    identity = imported(runtime, house(runtime), of=expert.person)
    student = Caller(client, the_expert(runtime))  # calls themselves what the profile is called
    made = claim(student, identity)
    assert (made.status_code, made.json["state"]) == (201, "open"), made.text
    row = stored(runtime, identity)
    assert (row.owner_id, row.custody) == (None, "unclaimed")
    [seen] = reviewer.get("claims", side="to_decide", state="open").json["items"]
    assert [one["code"] for one in seen["finding"]] == ["mail_of_organisation", "name_equal", "address_differs"]
    assert claim(expert, identity).json["state"] == "approved"


def test_an_orcid_decides_at_once_and_another_is_told_to_sign_in(runtime: Runtime, client: FlaskClient) -> None:
    identity = imported(runtime, add_organisation(runtime), orcid="0000-0002-1825-0097")
    stranger = Caller(client, add_person(runtime, roles=(), orcid="0000-0001-5109-3700"))
    refused = claim(stranger, identity, evidence="orcid")
    assert (refused.status_code, refused.json["errors"][0]["pointer"]) == (422, "/evidence")
    assert "0000-0002" not in refused.text
    person = add_person(runtime, roles=(), orcid="0000-0002-1825-0097")
    assert claim(Caller(client, person), identity, evidence="orcid").json["state"] == "approved"
    row = stored(runtime, identity)
    assert (row.owner_id, row.custody) == (person.id, "claimed")


def test_an_outcome_is_its_organisations_peoples(runtime: Runtime, client: FlaskClient) -> None:
    organisation = house(runtime)
    identity = imported(runtime, organisation, "outcome")
    member, colleague = (Caller(client, the_expert(runtime, organisation)) for _ in range(2))
    assert claim(member, identity, "outcome").json["state"] == "approved"
    row = stored(runtime, identity, "outcome")
    assert (row.owner_id, row.organisation_id, row.custody) == (None, organisation, "claimed")
    assert colleague.patch(f"outcomes/{identity}", {"trl": 8}, version=2).status_code == 200
    assert problem(claim(colleague, identity, "outcome")) == "yours-already"


def test_what_does_not_speak_for_itself_waits_with_what_was_found(
    runtime: Runtime, client: FlaskClient, reviewer: Caller
) -> None:
    identity = imported(runtime, house(runtime))
    other = Caller(client, the_expert(runtime, name="周衡"))
    made = claim(other, identity)
    assert made.json["state"] == "open"
    [row] = reviewer.get("claims", side="to_decide", state="open").json["items"]
    assert [one["code"] for one in row["finding"]] == ["mail_of_organisation", "name_differs", "address_differs"]
    assert (row["claimant"]["name"], row["may_decide"], row["listing"]["id"]) == ("周衡", True, identity)
    assert stored(runtime, identity).custody == "unclaimed"
    refused = act(reviewer, row, "refuse", text="并非本人")
    assert (refused.json["state"], refused.json["answer"]) == ("refused", "并非本人")
    assert problem(act(reviewer, row, "approve")) == "not-in-this-state"
    assert kinds(other) == ["claim_decided"]
    assert stored(runtime, identity).owner_id is None


def test_nobody_decides_on_a_claim_of_their_own(runtime: Runtime, client: FlaskClient, reviewer: Caller) -> None:
    organisation = house(runtime)
    identity = imported(runtime, organisation)
    for role in ("reviewer", "administrator"):
        person = add_person(runtime, roles=(role,))
        mine = by_document(Caller(client, person), identity)
        assert mine["may_decide"] is False
        for deed, body in (("approve", {}), ("refuse", {"text": "否"})):
            assert act(Caller(client, person), mine, deed, **body).status_code == 403
    colleague = Caller(client, add_person(runtime, organisation, roles=("reviewer", "member")))
    member = Caller(client, add_person(runtime, organisation))
    assert act(colleague, mine, "approve").status_code == 403  # it is of their organisation
    assert act(member, mine, "approve").status_code == 403
    assert act(Caller(client, add_member(runtime)), mine, "withdraw").status_code == 404
    assert act(reviewer, mine, "approve").status_code == 200


def test_of_competing_claims_one_is_approved_and_all_others_end_with_a_reason(
    runtime: Runtime, client: FlaskClient, reviewer: Caller, expert: Caller
) -> None:
    identity = imported(runtime, house(runtime), of=expert.person)
    others = [Caller(client, add_person(runtime, roles=())) for _ in range(3)]
    rows = [by_document(one, identity) for one in others]
    assert act(others[2], rows[2], "withdraw").json["state"] == "withdrawn"
    assert problem(claim(others[0], identity)) == "claimed-already"
    assert claim(expert, identity).json["state"] == "approved"
    states = [one.get(f"claims/{row['id']}").json for one, row in zip(others, rows, strict=True)]
    assert [one["state"] for one in states] == ["refused", "refused", "withdrawn"]
    assert states[0]["answer"]
    assert [kinds(one) for one in others] == [["claim_decided"], ["claim_decided"], []]
    assert problem(act(reviewer, rows[0], "approve")) == "not-in-this-state"


def test_a_dispute_waits_for_a_reviewer_and_both_are_told(
    runtime: Runtime, client: FlaskClient, reviewer: Caller, expert: Caller
) -> None:
    organisation = house(runtime)
    identity = imported(runtime, organisation, of=expert.person)
    first = claim(expert, identity, consent=consent(expert)).json
    second = Caller(client, the_expert(runtime))
    wanted = claim(second, identity)
    assert wanted.json["state"] == "open"
    assert wanted.json["finding"][-1]["code"] == "disputed"
    assert kinds(expert)[0] == "claim_made"
    assert expert.get("claims", side="to_decide").json["items"] == []
    assert act(reviewer, wanted.json, "approve", text="已核实").json["state"] == "approved"
    row = stored(runtime, identity)
    assert second.person is not None
    assert (row.owner_id, row.custody, row.consented) == (second.person.id, "claimed", False)  # type: ignore[attr-defined]
    assert kinds(expert)[0] == kinds(second)[0] == "claim_decided"
    assert expert.get(f"claims/{first['id']}").json["state"] == "refused"
    assert problem(act(expert, first, "consent", consent=consent(expert))) == "not-in-this-state"


def test_an_outcome_moves_where_claimant_and_reviewer_agree(
    runtime: Runtime, client: FlaskClient, reviewer: Caller
) -> None:
    identity = imported(runtime, house(runtime), "outcome")
    elsewhere = add_organisation(runtime)
    member = Caller(client, add_person(runtime, elsewhere))
    wanted = by_document(member, identity, "outcome")
    assert wanted["organisation_id"] == str(elsewhere)
    unnamed = act(reviewer, wanted, "approve")
    assert (unnamed.status_code, unnamed.json["errors"][0]["pointer"]) == (422, "/organisation_id")
    assert act(reviewer, wanted, "approve", organisation_id=str(elsewhere)).status_code == 200
    row = stored(runtime, identity, "outcome")
    assert (row.organisation_id, row.owner_id, row.custody) == (elsewhere, None, "claimed")
    assert member.patch(f"outcomes/{identity}", {"trl": 8}, version=2).status_code == 200
    nobody = Caller(client, add_person(runtime, roles=()))
    assert problem(claim(nobody, identity, "outcome")) == "organisation-missing"
    other = Caller(client, add_member(runtime))
    foreign = claim(other, identity, "outcome", evidence="document", text="证明", organisation_id=str(elsewhere))
    assert foreign.json["errors"][0]["pointer"] == "/organisation_id"


def test_nothing_moves_to_an_organisation_that_is_closed(
    runtime: Runtime, client: FlaskClient, reviewer: Caller
) -> None:
    target = add_organisation(runtime)
    member = Caller(client, add_person(runtime, target))
    identity = imported(runtime, house(runtime), "outcome")
    wanted = by_document(member, identity, "outcome")
    with runtime.db.writing() as session:
        organisations.deactivate(session, SYSTEM, target, now=runtime.clock())
    answer = act(reviewer, wanted, "approve", organisation_id=str(target))
    assert (answer.status_code, problem(answer)) == (409, "organisation-closed")
    assert stored(runtime, identity, "outcome").organisation_id != target


def test_consent_is_recorded_with_text_and_moment_at_the_claim_or_later(
    runtime: Runtime, expert: Caller, visitor: Caller
) -> None:
    identity = imported(runtime, house(runtime), of=expert.person)
    agreed = consent(visitor)
    outdated = claim(expert, identity, consent={**agreed, "version": "2025-1"})
    assert problem(outdated) == "showing-consent-outdated"
    made = claim(expert, identity).json
    assert (made["state"], made["consent"], stored(runtime, identity).custody) == ("approved", None, "claimed")
    assert problem(act(expert, made, "consent", consent={**agreed, "sha256": "0"})) == "showing-consent-outdated"
    given = act(expert, made, "consent", consent=agreed).json["consent"]
    assert (given["version"], given["sha256"], given["withdrawn_at"]) == (*agreed.values(), None)
    assert given["at"].startswith(f"{runtime.clock():%Y-%m-%dT%H:%M}")
    assert stored(runtime, identity).custody == "consented"
    with runtime.db.reading() as session:
        trail = session.exec(select(AuditEntry).where(AuditEntry.action == "consent")).one()
    assert trail.details == {"claim": made["id"], "consent": agreed["version"]}


def test_consent_taken_back_hides_the_profile_until_its_person_consents_again(
    runtime: Runtime, client: FlaskClient, visitor: Caller, reviewer: Caller, expert: Caller
) -> None:
    organisation = house(runtime)
    identity = imported(runtime, organisation, of=expert.person)
    made = claim(expert, identity, consent=consent(expert)).json
    colleague = Caller(client, add_person(runtime, organisation))
    path = f"experts/{identity}/actions"
    assert problem(colleague.post(f"{path}/withdraw-consent")) == "not-owner"
    done = expert.post(f"{path}/withdraw-consent")
    assert (done.status_code, done.json["state"], done.json["custody"]) == (200, "withdrawn", "claimed"), done.text
    assert visitor.get(f"experts/{identity}").status_code == 404
    assert problem(expert.post(f"{path}/withdraw-consent")) == "not-in-this-state"
    for caller in (colleague, expert):
        assert problem(caller.post(f"{path}/submit")) == "consent-withdrawn"
    shown = expert.get(f"claims/{made['id']}").json["consent"]
    assert shown["withdrawn_at"] is not None
    assert problem(act(colleague, made, "consent", consent=consent(expert))) == "not-found"
    assert act(expert, made, "consent", consent=consent(expert)).status_code == 200
    # The organisation is trusted; its experts' own word is not the organisation's.
    assert expert.post(f"{path}/submit").json["state"] == "submitted"
    waiting = stored(runtime, identity).version
    assert reviewer.post(f"{path}/approve", version=waiting).json["state"] == "published"
    assert visitor.get(f"experts/{identity}").json["consented"] is True
    history = [row["action"] for row in expert.get(f"experts/{identity}/history").json["items"]]
    assert history[:5] == ["approve", "submit", "consent", "withdraw_consent", "approve_claim"]


def test_who_has_left_the_organisation_still_takes_back_their_consent(
    runtime: Runtime, visitor: Caller, expert: Caller
) -> None:
    identity = imported(runtime, house(runtime), of=expert.person)
    claim(expert, identity, consent=consent(expert))
    with runtime.db.writing() as session:
        row = session.merge(stored(runtime, identity))
        row.owner_id = None
    assert expert.post(f"experts/{identity}/actions/withdraw-consent").json["state"] == "withdrawn"
    assert visitor.get(f"experts/{identity}").status_code == 404


def test_whose_profile_it_is_already_claims_it_to_consent(runtime: Runtime, client: FlaskClient) -> None:
    organisation = house(runtime)
    person = Caller(client, the_expert(runtime, organisation))
    mine = post(person, "expert", contact_email=person.person.email)  # type: ignore[union-attr]  # no visitor
    made = claim(person, mine["id"], consent=consent(person))
    assert made.json["state"] == "approved"
    assert person.get(f"experts/{mine['id']}").json["consented"] is True
    assert problem(claim(person, mine["id"])) == "yours-already"


def test_claims_are_read_by_who_made_them_who_decides_and_the_organisations_administrators(
    runtime: Runtime, client: FlaskClient, reviewer: Caller, stranger: Caller
) -> None:
    organisation = house(runtime)
    identity = imported(runtime, organisation)
    maker = Caller(client, add_person(runtime, roles=()))
    row = by_document(maker, identity)
    admin = Caller(client, add_person(runtime, organisation, roles=("organisation_admin",)))
    member = Caller(client, add_person(runtime, organisation))
    sees = {"maker": maker, "reviewer": reviewer, "admin": admin, "stranger": stranger, "member": member}
    found = {name: caller.get(f"claims/{row['id']}").status_code for name, caller in sees.items()}
    assert found == {"maker": 200, "reviewer": 200, "admin": 200, "stranger": 404, "member": 404}
    listed = {name: len(one.get("claims", side="to_decide").json["items"]) for name, one in sees.items()}
    assert listed == {"maker": 0, "reviewer": 1, "admin": 1, "stranger": 0, "member": 0}
    assert admin.get(f"claims/{row['id']}").json["may_decide"] is False


@pytest.mark.parametrize(
    "body", [{}, {"evidence": "document"}, {"evidence": "document", "text": " "}, {"evidence": "x"}]
)
def test_a_claim_without_its_evidence_is_refused(runtime: Runtime, expert: Caller, body: dict[str, str]) -> None:
    identity = imported(runtime, house(runtime))
    assert expert.post(f"experts/{identity}/claims", body).status_code == 422


def test_what_nobody_may_see_or_what_is_closed_is_not_claimed(
    runtime: Runtime, owner: Caller, expert: Caller
) -> None:
    draft = post(owner, "expert", submit=False)
    assert claim(expert, draft["id"]).status_code == 404
    closed = post(owner, "expert")
    owner.post(f"experts/{closed['id']}/actions/close")
    assert claim(expert, closed["id"]).status_code == 404
    assert problem(claim(owner, closed["id"], evidence="document", text="证明")) == "closed"
    assert expert.post(f"demands/{draft['id']}/claims", {"evidence": "mail_domain"}).status_code == 404


def test_only_so_many_claims_of_one_person_wait(runtime: Runtime, client: FlaskClient) -> None:
    organisation = house(runtime)
    maker = Caller(client, add_person(runtime, roles=()))
    ids = [imported(runtime, organisation) for _ in range(MOST_OPEN + 1)]
    rows = [by_document(maker, one) for one in ids[:-1]]
    assert problem(claim(maker, ids[-1])) == "too-many-claims"
    act(maker, rows[0], "withdraw")
    by_document(maker, ids[-1])
    page = maker.get("claims", limit=MOST_OPEN).json
    assert (len(page["items"]), page["next"] is not None) == (MOST_OPEN, True)
    assert len(maker.get("claims", limit=MOST_OPEN, cursor=page["next"]).json["items"]) == 1


def test_reviewers_list_what_nobody_has_claimed(runtime: Runtime, reviewer: Caller, expert: Caller) -> None:
    organisation, elsewhere = house(runtime), house(runtime)
    first = imported(runtime, organisation, name_zh=NAME, of=expert.person)
    second = imported(runtime, elsewhere)
    ids = [item["listing"]["id"] for item in reviewer.get("custody", type="expert").json["items"]]
    assert ids == [first, second]
    claim(expert, first)
    left = reviewer.get("custody", organisation=str(organisation)).json["items"]
    held = reviewer.get("custody", custody="claimed").json["items"]
    assert (left, [item["listing"]["id"] for item in held]) == ([], [first])
    assert expert.get("custody").status_code == 403


def test_a_claimed_profile_is_not_changed_by_the_next_import(runtime: Runtime, expert: Caller) -> None:
    organisation = house(runtime)
    identity = imported(runtime, organisation, key="A-1", of=expert.person)
    assert bring(runtime, organisation, "expert", key="A-1", position="研究员").changed == 1
    claim(expert, identity)
    again = bring(runtime, organisation, "expert", key="A-1", position="所长")
    assert (again.created, again.changed, again.unchanged, len(again.notes)) == (0, 0, 1, 1)
    assert stored(runtime, identity).position == "研究员"  # type: ignore[attr-defined]
