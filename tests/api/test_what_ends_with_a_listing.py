"""Claims, messages and cases of a listing that is deleted: they end, say why, and stay to be read."""

from __future__ import annotations

import uuid

import pytest
from alembic import command
from flask.testing import FlaskClient
from sqlmodel import select

from market import schema
from market.models import AuditEntry, Case, Membership, Notification, Signature, User
from market.runtime import Runtime
from market.services.claims import ending
from market.worker.runner import drain as run_all_jobs
from tests.api.claiming import by_document, house, imported, kinds, problem, the_expert
from tests.factories import Caller, add_person
from tests.services.files import begin, row, undone, work


def delete(administrator: Caller, identity: str) -> None:
    version = administrator.get(f"outcomes/{identity}").json["version"]
    assert administrator.delete(f"outcomes/{identity}", version=version).status_code == 204


@pytest.fixture
def claimant(runtime: Runtime, client: FlaskClient) -> Caller:
    return Caller(client, the_expert(runtime, house(runtime)), language="en")


@pytest.fixture
def broker(runtime: Runtime, client: FlaskClient) -> Caller:
    return Caller(client, add_person(runtime, roles=("broker",)))


def surrounded(
    identity: str, claimant: Caller, writer: Caller, broker: Caller, administrator: Caller
) -> tuple[str, str, str]:
    """A claim, a thread and a case of an outcome, all open; gives their addresses."""
    claim = by_document(claimant, identity, "outcome")
    thread = writer.post(f"outcomes/{identity}/messages", {"text": "请问是否可许可？"}).json
    assert broker.person is not None
    body = {"type": "outcome", "id": identity, "broker": str(broker.person.id)}
    case = administrator.post("cases", body).json
    return f"claims/{claim['id']}", f"messages/{thread['id']}", f"cases/{case['id']}"


def test_what_is_open_about_a_deleted_listing_ends_with_a_reason_and_can_still_be_read(
    runtime: Runtime, claimant: Caller, stranger: Caller, broker: Caller, administrator: Caller, reviewer: Caller
) -> None:
    identity = imported(runtime, house(runtime), "outcome")
    claim, thread, _ = surrounded(identity, claimant, stranger, broker, administrator)
    delete(administrator, identity)
    run_all_jobs(runtime)
    told = claimant.get(claim).json
    assert (told["state"], told["listing"], told["may_decide"]) == ("refused", None, False)
    assert "被删除" in told["answer"]
    assert told["decided_at"] is not None
    assert kinds(claimant)[0] == "claim_decided"
    read = stranger.get(thread).json
    assert (read["closed_because"], read["listing"], len(read["messages"])) == ("listing_deleted", None, 1)
    assert problem(stranger.post(thread, {"text": "还在吗"})) == "thread-closed"
    assert broker.get("cases", state="open").json["items"] == []
    [closed] = broker.get("cases", state="closed").json["items"]
    assert (closed["closed_because"], closed["listing"], closed["may_close"]) == ("listing_deleted", None, False)
    listed = reviewer.get("claims", side="to_decide").json["items"]
    assert [(one["state"], one["may_decide"]) for one in listed] == [("refused", False)]
    assert problem(reviewer.post(f"{claim}/actions/approve", {})) in ("not-found", "not-in-this-state")
    with runtime.db.reading() as session:
        deeds = session.exec(select(AuditEntry).where(AuditEntry.actor_kind == "system")).all()
    reasons = {(one.noun, one.action) for one in deeds if one.details.get("reason") == "listing_deleted"}
    assert reasons == {("claim", "refuse_claim"), ("thread", "close"), ("case", "close")}


def test_ending_twice_changes_nothing_and_what_was_closed_before_keeps_its_own_end(
    runtime: Runtime, claimant: Caller, stranger: Caller, broker: Caller, administrator: Caller, reviewer: Caller
) -> None:
    identity = imported(runtime, house(runtime), "outcome")
    claim, thread, case = surrounded(identity, claimant, stranger, broker, administrator)
    assert reviewer.post(f"{claim}/actions/refuse", {"text": "材料不足"}).status_code == 200
    assert stranger.post(f"{thread}/actions/close").status_code == 200
    assert broker.post(f"{case}/actions/close").status_code == 200
    before = [stranger.get(thread).json, broker.get(case).json["closed_at"], claimant.get(claim).json["answer"]]
    delete(administrator, identity)
    for _ in range(2):
        run_all_jobs(runtime)
        with runtime.db.writing() as session:
            ending.end_with(session, [uuid.UUID(identity)], now=runtime.clock())
    after = [stranger.get(thread).json, broker.get(case).json["closed_at"], claimant.get(claim).json["answer"]]
    assert after == [{**before[0], "listing": None}, *before[1:]]
    assert broker.get(case).json["closed_because"] == after[0]["closed_because"] == ""


def test_a_broker_is_told_once_of_a_case_that_ends_and_nothing_of_the_listing(
    runtime: Runtime,
    client: FlaskClient,
    claimant: Caller,
    stranger: Caller,
    broker: Caller,
    administrator: Caller,
    reviewer: Caller,
) -> None:
    assert reviewer.person is not None, "whom the message goes to"
    identity = imported(runtime, house(runtime), "outcome", title_zh="深海防腐涂层")
    surrounded(identity, claimant, stranger, broker, administrator)
    theirs = Caller(client, add_person(runtime, roles=("broker",)))
    assert theirs.person is not None
    given_back = {"type": "outcome", "id": identity, "broker": str(theirs.person.id)}
    case = administrator.post("cases", given_back).json
    assert theirs.post(f"cases/{case['id']}/actions/close").status_code == 200
    delete(administrator, identity)
    for _ in range(2):
        run_all_jobs(runtime)
        with runtime.db.writing() as session:
            ending.end_with(session, [uuid.UUID(identity)], now=runtime.clock())
    told = [one for one in broker.get("notifications").json["items"] if one["kind"] == "case_closed"]
    assert [(one["title"], one["body"], one["listing_id"]) for one in told] == [
        ("跟进已结束：—", "原因：所跟进的记录已被删除。", None)
    ]
    assert "case_closed" not in kinds(theirs), "what was closed before is no news"
    assert "case_closed" not in kinds(claimant) + kinds(stranger)


@pytest.mark.parametrize("ended", ["role", "account", "membership"])
def test_whoever_is_broker_no_more_is_not_told(
    runtime: Runtime, client: FlaskClient, administrator: Caller, ended: str
) -> None:
    organisation = house(runtime)
    identity = imported(runtime, organisation, "outcome")
    there = organisation if ended == "membership" else None
    broker = Caller(client, add_person(runtime, there, roles=("broker",)))
    assert broker.person is not None
    body = {"type": "outcome", "id": identity, "broker": str(broker.person.id)}
    assert administrator.post("cases", body).status_code == 201
    with runtime.db.writing() as session:
        user = session.get_one(User, broker.person.id)
        user.roles, user.active = [] if ended == "role" else user.roles, ended != "account"
        for membership in session.exec(select(Membership).where(Membership.user_id == user.id)).all():
            session.delete(membership)
    delete(administrator, identity)
    run_all_jobs(runtime)
    with runtime.db.reading() as session:
        mine = select(Notification.kind).where(Notification.recipient_id == broker.person.id)
        assert "case_closed" not in session.exec(mine).all()
        assert session.exec(select(Case.closed_at)).one() is not None


def test_a_broker_of_the_listings_house_is_told_in_their_language(
    runtime: Runtime, client: FlaskClient, administrator: Caller
) -> None:
    organisation = house(runtime)
    identity = imported(runtime, organisation, "outcome")
    broker = Caller(client, add_person(runtime, organisation, roles=("broker",), language="en"))
    assert broker.person is not None
    body = {"type": "outcome", "id": identity, "broker": str(broker.person.id)}
    assert administrator.post("cases", body).status_code == 201
    delete(administrator, identity)
    run_all_jobs(runtime)
    newest = broker.get("notifications").json["items"][0]
    assert (newest["kind"], newest["body"]) == ("case_closed", "What you looked after was deleted.")


def test_what_brokers_were_told_goes_with_the_kind_and_all_else_stays(
    runtime: Runtime, broker: Caller, administrator: Caller
) -> None:
    identity = imported(runtime, house(runtime), "outcome")
    assert broker.person is not None
    body = {"type": "outcome", "id": identity, "broker": str(broker.person.id)}
    assert administrator.post("cases", body).status_code == 201
    delete(administrator, identity)
    run_all_jobs(runtime)
    assert kinds(broker) == ["case_closed", "case_assigned"]
    with runtime.db.migrating() as connection:
        command.downgrade(schema._config(connection), "0016")
    schema.migrate(runtime.db)
    assert schema.differences(runtime.db) == []
    assert kinds(broker) == ["case_assigned"]


def test_undoing_an_import_ends_them_as_well(
    runtime: Runtime, claimant: Caller, stranger: Caller, broker: Caller, administrator: Caller
) -> None:
    assert claimant.person is not None
    imported_ = begin(runtime, None, [row("outcome", "k-1")], only=claimant.person.organisation_id)
    work(runtime)
    run_all_jobs(runtime)
    [identity] = [item["id"] for item in administrator.get("outcomes").json["items"]]
    claim, thread, case = surrounded(identity, claimant, stranger, broker, administrator)
    assert claimant.post(f"{claim}/actions/withdraw").status_code == 200, "what is claimed is left"
    assert undone(runtime, None, imported_).state == "undone"
    run_all_jobs(runtime)
    assert stranger.get(thread).json["closed_because"] == "listing_deleted"
    assert broker.get(case).json["closed_because"] == "listing_deleted"
    with runtime.db.reading() as session:
        assert session.exec(select(Signature)).all() == []
