"""Erasure: of a person who has done everything nothing is left but an id that leads nowhere, and others' words."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import JSON, LargeBinary, String, TypeDecorator
from sqlmodel import Session, select

from market.errors import Conflict
from market.models import (
    METADATA,
    AccessRequest,
    Case,
    Claim,
    Expert,
    IdempotentAnswer,
    Identity,
    Import,
    ImportPart,
    Invitation,
    Job,
    ListingVersion,
    RelayMessage,
    Report,
    Review,
    Usage,
    User,
)
from market.runtime import Runtime
from market.services.people import erasing, surviving
from market.services.people.erasing import Erased
from market.services.rights.access import SYSTEM
from market.services.telling import endpoints
from tests.factories import Caller, Person, add_person, post, signed_in
from tests.services.mailbox import news

Drain = Callable[[], int]

NAME, MAIL, PHONE = "欧阳不遗", "ouyang.buyi@erased.example", "+86 22 5550 7319"


@pytest.fixture
def person(runtime: Runtime, owner: Caller) -> Person:
    return add_person(
        runtime, owner.person.organisation_id, roles=("member", "organisation_admin"), name=NAME, email=MAIL
    )


@pytest.fixture
def busy(
    runtime: Runtime, client: FlaskClient, person: Person, owner: Caller, stranger: Caller, drain: Drain
) -> dict[str, Any]:
    """Somebody who has done everything; gives what they posted."""
    me = Caller(client, person)
    contact = {"contact_name": NAME, "contact_email": MAIL, "contact_phone": PHONE}
    posted = {
        "outcome": post(me, "outcome", **contact),
        "expert": post(me, "expert", name_zh=NAME, name_en="Ouyang Buyi", **contact),
        "of_a_colleague": post(owner, "outcome", **contact),
        "demand": post(stranger, "demand"),
    }
    me.post("me/keys", {"label": f"{NAME}的密钥"}, key="of mine")
    me.post("subscriptions", {"noun": "outcome", "name": NAME, "query": "q=防腐"})
    me.patch("preferences", {"time_zone": "Europe/Berlin"})
    drain()
    news(runtime, [person], ["听说了"])
    with runtime.db.writing() as session:
        _beside(session, runtime, person, owner, stranger, posted)
    return posted


def _beside(
    session: Session, runtime: Runtime, person: Person, owner: Caller, stranger: Caller, posted: dict[str, Any]
) -> None:
    """What other parts of the house keep of people."""
    now, me, other = runtime.clock(), person.id, stranger.person.id
    outcome, expert = (uuid.UUID(posted[noun]["id"]) for noun in ("outcome", "expert"))
    demand = uuid.UUID(posted["demand"]["id"])
    consent = {"consent_version": "1", "consent_hash": "0", "consented_at": now}
    place = person.organisation_id

    def thread() -> dict[str, uuid.UUID]:
        return {"thread_id": uuid.uuid4(), "message_id": uuid.uuid4()}

    version = {"title_zh": "涂层", "contact_name": NAME, "contact_email": MAIL, "contact_phone": PHONE}
    session.add_all(
        [
            Identity(user_id=me, issuer="https://id.example", subject=MAIL),
            AccessRequest(noun="demand", listing_id=demand, requester_id=me, text=f"我是{NAME}", **consent),
            Claim(noun="expert", listing_id=expert, claimant_id=me, evidence="document", text=MAIL, state="approved"),
            RelayMessage(
                noun="demand", listing_id=demand, **thread(), sender_id=me, recipient_id=other, text=PHONE
            ),
            RelayMessage(
                noun="demand", listing_id=demand, **thread(), sender_id=other, recipient_id=me, text=NAME
            ),
            Report(noun="demand", listing_id=demand, reporter_id=me, kind="spam", text="重复"),
            Case(noun="outcome", listing_id=outcome, broker_id=me, assigned_by=owner.person.id, note=NAME),
            Invitation(
                organisation_id=place, email=MAIL, digest="0", roles=["member"], until=now + timedelta(days=1)
            ),
            Review(noun="expert", listing_id=expert, listing_version=1, organisation_id=place, text=NAME),
            ListingVersion(noun="outcome", listing_id=outcome, version=90, content=version),
            ListingVersion(noun="expert", listing_id=expert, version=90, content={"name_zh": NAME}),
            Usage(day=now.date(), subject=f"user:{me}", kind="requests", count=7),
            IdempotentAnswer(caller=str(me), key="k", fingerprint="", status=201, body=f"{{{MAIL}}}".encode()),
            Job(name="dispatch", key=str(me), state="dead", error=f"<{MAIL}> refused"),
            Job(name="index", key=f"outcome:{outcome}", state="dead", error=f"about {MAIL}"),
            Job(name="import", key=str(uuid.uuid4()), payload={"by": str(me)}),
        ]
    )  # fmt: skip
    assert endpoints.of_users(session, [me], mail=True, now=now)


def erase(runtime: Runtime, person: Person) -> Erased:
    with runtime.db.writing() as session:
        return erasing.erase(session, SYSTEM, session.get_one(User, person.id), now=runtime.clock())


def everything(runtime: Runtime) -> Iterator[tuple[str, str]]:
    """Every row of every table, as text."""
    with runtime.db.reading() as session:
        for table in METADATA.sorted_tables:
            for row in session.execute(table.select()):
                values = [v.decode(errors="replace") if isinstance(v, bytes | memoryview) else str(v) for v in row]
                yield table.name, " ".join(values)


def standing(runtime: Runtime, *needles: str) -> set[str]:
    """The tables in which any of these still stands."""
    return {name for name, row in everything(runtime) if any(needle.lower() in row.lower() for needle in needles)}


def test_of_whoever_has_done_everything_nothing_is_left(
    runtime: Runtime, person: Person, busy: dict[str, Any], visitor: Caller, drain: Drain
) -> None:
    assert len(standing(runtime, NAME, MAIL, PHONE)) > 12, "there is much to erase"
    assert "notifications" in standing(runtime, NAME), "whose profile matched, others were told by name"
    assert visitor.get("experts", q=NAME).json["total"] == 1
    erased = erase(runtime, person)
    drain()
    assert standing(runtime, NAME, MAIL, PHONE) == set()
    assert standing(runtime, str(person.id), person.id.hex) == {"audit_entries"}
    assert visitor.get("experts", q=NAME).json["total"] == 0
    assert surviving.in_index(runtime.engine, erased.subject) == {"outcome": 0, "expert": 0, "demand": 0}


def test_the_report_counts_what_went_and_says_what_is_left_and_why(
    runtime: Runtime, person: Person, busy: dict[str, Any]
) -> None:
    erased = erase(runtime, person)
    gone = {
        "users", "identities", "api_keys", "memberships", "preferences", "endpoints", "notifications", "inboxes",
        "subscriptions", "access_requests", "claims", "relay_messages", "cases", "invitations", "usage", "jobs",
        "idempotent_answers", "experts", "works", "listing_versions", "reviews",
    }  # fmt: skip
    assert gone <= {*erased.gone}
    assert (erased.gone["users"], erased.gone["relay_messages"]) == (1, 2)
    assert {"outcomes", "reports", "listing_versions", "jobs"} <= {*erased.changed}
    with runtime.db.reading() as session:
        found = surviving.in_database(session, erased.subject)
    assert {(one.table, one.what) for one in found} == {("audit_entries", "id")}
    assert all("trail" in one.why for one in found)


def test_what_was_theirs_stays_with_the_house_without_their_contact(
    runtime: Runtime, person: Person, busy: dict[str, Any], owner: Caller
) -> None:
    erase(runtime, person)
    for name in ("outcome", "of_a_colleague"):
        kept = owner.get(f"outcomes/{busy[name]['id']}").json
        assert (kept["contact_name"], kept["contact_email"], kept["contact_phone"]) == ("", "", "")
        assert kept["title_zh"] == busy[name]["title_zh"]
    assert owner.get(f"experts/{busy['expert']['id']}").status_code == 404


def test_another_persons_profile_that_they_posted_stays(
    runtime: Runtime, client: FlaskClient, person: Person, owner: Caller
) -> None:
    colleague = post(Caller(client, person), "expert")
    erase(runtime, person)
    assert owner.get(f"experts/{colleague['id']}").status_code == 200
    with runtime.db.reading() as session:
        assert [one.owner_id for one in session.exec(select(Expert))] == [None]


def test_the_search_for_what_is_left_finds_what_is_left(runtime: Runtime, person: Person, stranger: Caller) -> None:
    post(stranger, "outcome", inventors=[NAME])
    erased = erase(runtime, person)
    with runtime.db.reading() as session:
        found = {
            (one.table, one.column, one.what, one.rows) for one in surviving.in_database(session, erased.subject)
        }
    assert ("outcomes", "inventors", "name", 1) in found


def test_the_last_administrator_cannot_be_erased(runtime: Runtime) -> None:
    only = add_person(runtime, roles=("administrator",))
    with pytest.raises(Conflict, match="last-administrator"):
        erase(runtime, only)
    add_person(runtime, roles=("administrator",))
    assert erase(runtime, only).gone["users"] == 1


def test_the_report_names_houses_that_are_left_without_an_administrator(runtime: Runtime, person: Person) -> None:
    assert erase(runtime, person).headless == [str(person.organisation_id)]


def test_people_erase_themselves_with_their_password_or_address(
    runtime: Runtime, client: FlaskClient, person: Person
) -> None:
    me = Caller(client, signed_in(runtime, person))
    assert me.post("me/actions/erase", {}).status_code == 422
    assert me.post("me/actions/erase", {"confirm": "somebody@else.example"}).status_code == 422
    report = me.post("me/actions/erase", {"confirm": MAIL})
    assert report.status_code == 200, report.text
    assert {"users", "api_keys", "memberships"} <= {*report.json["gone"]}
    assert me.get("me").status_code == 401


def test_what_people_are_told_of_their_erasure_depends_on_nothing_that_others_have(
    runtime: Runtime, client: FlaskClient, owner: Caller
) -> None:
    secret = "鲲鹏泵轴封"
    told = []
    for guess in (secret, "不在任何地方"):
        post(owner, "demand", problem_zh=f"{secret}渗漏，求动密封方案。", tiers={"problem": "agreement"})
        one = signed_in(runtime, add_person(runtime, name=guess, email=f"{uuid.uuid4().hex}@guess.example"))
        answer = Caller(client, one).post("me/actions/erase", {"confirm": one.email})
        assert answer.status_code == 200, answer.text
        told.append({name: value for name, value in answer.json.items() if name != "account"})
    assert told[0] == told[1]
    assert not [name for name in told[0] if name in ("remains", "changed")]
    assert all(isinstance(kind, str) for kind in told[0]["gone"])


@pytest.mark.parametrize("name", ["{}", "匹配", "outcome", "涂层", "%", "a"])
def test_whatever_they_are_called_nothing_of_others_changes(
    runtime: Runtime, client: FlaskClient, owner: Caller, stranger: Caller, drain: Drain, name: str
) -> None:
    with_phone = {"contact_name": name, "contact_email": "somebody@people.example", "contact_phone": PHONE}
    post(owner, "demand", **with_phone)
    post(stranger, "outcome", **with_phone)
    news(runtime, [owner.person, stranger.person], ["新的匹配：涂层"])
    owner.post("subscriptions", {"noun": "outcome", "name": name, "query": "q=防腐"}, key="once")
    post(stranger, "outcome", title_zh="又一项涂层")
    leaver = add_person(runtime, name=name, email="leaver@people.example")
    with runtime.db.writing() as session:
        place = owner.person.organisation_id
        session.add(Job(name="index", key="outcome:x", state="dead", error=f"outcome {name} a匹配"))
        later = runtime.clock() + timedelta(days=1)
        session.add(
            Invitation(organisation_id=place, email="other@people.example", digest="0", roles=[], until=later)
        )
    before = sorted(others(runtime, leaver))
    assert {"jobs", "notifications", "idempotent_answers"} <= {table for table, _ in before}
    erase(runtime, leaver)
    assert sorted(others(runtime, leaver)) == before


def others(runtime: Runtime, person: Person) -> Iterator[tuple[str, str]]:
    """Every row that does not name somebody's account by its id; the trail grows."""
    for table, row in everything(runtime):
        if str(person.id) not in row and person.id.hex not in row and table not in ("audit_entries", "endpoints"):
            yield table, row


def test_an_address_that_they_have_not_shown_to_be_theirs_empties_no_contact_and_ends_no_invitation(
    runtime: Runtime, client: FlaskClient, owner: Caller
) -> None:
    theirs = "director@institute.example"
    contact = {"contact_name": "所长", "contact_email": theirs, "contact_phone": PHONE}
    listing = post(owner, "outcome", **contact)
    pretender = add_person(runtime, email=theirs, email_verified_at=None, name="所长")
    with runtime.db.writing() as session:
        later = runtime.clock() + timedelta(days=1)
        place = owner.person.organisation_id
        session.add(Invitation(organisation_id=place, email=theirs, digest="0", roles=["member"], until=later))
    erase(runtime, pretender)
    kept = owner.get(f"outcomes/{listing['id']}").json
    assert {name: kept[name] for name in contact} == contact
    assert kept["version"] == listing["version"]
    with runtime.db.reading() as session:
        assert session.exec(select(Invitation.email)).all() == [theirs]


def test_a_contact_is_theirs_where_their_confirmed_address_is_or_their_name_in_their_own_listing(
    runtime: Runtime, client: FlaskClient, person: Person, owner: Caller
) -> None:
    me = Caller(client, person)
    cases = {
        "named": (me, {"contact_name": NAME, "contact_phone": PHONE}, ("", "")),
        "phone alone": (me, {"contact_name": "陈立", "contact_phone": PHONE}, ("陈立", PHONE)),
        "namesake": (owner, {"contact_name": NAME, "contact_phone": PHONE}, (NAME, PHONE)),
        "address": (owner, {"contact_name": "值班", "contact_email": MAIL.upper()}, ("值班", "")),
        "somebody else's": (owner, {"contact_name": "陈立", "contact_email": "c@x.example"}, ("陈立", "")),
    }
    posted = {case: post(caller, "outcome", **contact) for case, (caller, contact, _) in cases.items()}
    erase(runtime, person)
    for case, (_, contact, (name, phone)) in cases.items():
        kept = owner.get(f"outcomes/{posted[case]['id']}").json
        assert (kept["contact_name"], kept["contact_phone"]) == (name, phone), case
        mail = contact.get("contact_email", "")
        assert kept["contact_email"] == ("" if mail.lower() == MAIL else mail), case


def test_every_column_that_can_hold_a_text_is_searched_for_what_is_left() -> None:
    subject = surviving.Subject(uuid.uuid4(), MAIL, NAME, frozenset({PHONE}))
    kinds = (String, JSON, LargeBinary)
    passed_over = []
    searched: dict[str, int] = {}
    for table in METADATA.sorted_tables:
        for column in table.columns:
            plain = column.type.impl_instance if isinstance(column.type, TypeDecorator) else column.type
            asked = [what for what, _ in surviving._conditions(column, subject, "sqlite")]
            if isinstance(plain, kinds):
                searched[type(column.type).__name__] = searched.get(type(column.type).__name__, 0) + 1
                if asked != ["email", "name", "phone", "id"]:
                    passed_over.append(f"{table.name}.{column.name}")
    assert passed_over == []
    assert {"AutoString", "JSON"} <= {*searched}
    assert searched["AutoString"] > 100


def test_the_search_finds_them_in_texts_in_json_and_in_bytes(runtime: Runtime, person: Person, owner: Caller) -> None:
    post(owner, "outcome", title_zh=f"{NAME}涂层", inventors=[NAME])
    with runtime.db.writing() as session:
        session.add(IdempotentAnswer(caller="x", key="k", fingerprint="", status=201, body=NAME.encode()))
    erased = erase(runtime, person)
    with runtime.db.reading() as session:
        found = {(one.table, one.column) for one in surviving.in_database(session, erased.subject)}
    assert {("outcomes", "title_zh"), ("outcomes", "inventors"), ("idempotent_answers", "body")} <= found


def test_every_table_that_names_a_listing_is_thought_of() -> None:
    named = {table.name for table, _ in erasing._about_listings([])}
    known = {
        "cases",
        "claims",
        "access_requests",
        "relay_messages",
        "reviews",
        "listing_versions",
        "reports",
        "flags",
    }
    assert named >= known | {"notifications"}


def test_what_others_were_answered_with_their_address_goes_and_what_goes_by_itself_is_said_to(
    runtime: Runtime, person: Person, owner: Caller
) -> None:
    bodies = {"theirs": MAIL.upper(), "longer": f"x{MAIL}.cn", "name": NAME}
    with runtime.db.writing() as session:
        session.add_all(
            IdempotentAnswer(caller="x", key=key, fingerprint="", status=201, body=f'{{"email":"{one}"}}'.encode())
            for key, one in bodies.items()
        )
        own, other = (Import(noun="outcome", user_id=one, name=f"{NAME}.csv", digest="", bytes=1)
                      for one in (person.id, owner.person.id if owner.person else None))  # fmt: skip
        session.add_all([own, other])
        session.flush()
        session.add(ImportPart(import_id=other.id, place=0, content=f"名称,邮箱\n涂层,{MAIL}".encode()))
    erased = erase(runtime, person)
    with runtime.db.reading() as session:
        assert {*session.exec(select(IdempotentAnswer.key))} == {"longer", "name"}
        assert sorted(session.exec(select(Import.name))) == ["", f"{NAME}.csv"]
        found = {(one.table, one.what): one.why for one in surviving.in_database(session, erased.subject)}
    assert "within 24 hours" in found["idempotent_answers", "name"]
    assert "goes by itself" in found["import_parts", "email"]
    assert "file" in found["imports", "name"]


def test_answers_that_name_an_address_nobody_has_shown_to_be_theirs_stay(runtime: Runtime, owner: Caller) -> None:
    pretender = add_person(runtime, email=MAIL, email_verified_at=None)
    with runtime.db.writing() as session:
        session.add(IdempotentAnswer(caller="x", key="k", fingerprint="", status=201, body=MAIL.encode()))
    erase(runtime, pretender)
    with runtime.db.reading() as session:
        assert [*session.exec(select(IdempotentAnswer.key))] == ["k"]
