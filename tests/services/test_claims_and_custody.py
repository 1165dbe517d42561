"""What evidence is worth, whose word an import stands on, and that a listing is turned over whole or not at all."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event
from sqlmodel import select

from market.errors import Conflict
from market.models import AuditEntry, Claim, Expert, Job, Membership, Notification, Organisation, RelayMessage, User
from market.runtime import Runtime
from market.services.claims import claims, evidence
from market.services.listings import custody
from market.services.people import erasing
from market.services.rights import principals
from market.services.rights.access import SYSTEM, Principal
from market.services.telling import notifications
from tests.api.claiming import DOMAIN, NAME, by_document, claim, house, imported, stored, the_expert
from tests.factories import Caller, add_organisation, add_person, member_of

ADDRESSES = [
    ("lin@haihe.example", ["haihe.example"], "mail_of_organisation"),
    ("lin@HAIHE.Example", ["haihe.example"], "mail_of_organisation"),
    ("lin@lab.haihe.example", ["haihe.example"], "mail_of_organisation"),
    ("lin@a.b.haihe.example", ["other.example", "haihe.example"], "mail_of_organisation"),
    ("lin@海河.example", ["xn--ovw5p.example"], "mail_of_organisation"),
    ("lin@xn--ovw5p.example", ["海河.example"], "mail_of_organisation"),
    ("lin@ku.dk", ["ku.dk"], "mail_of_organisation"),
    ("lin@nothaihe.example", ["haihe.example"], "mail_elsewhere"),
    ("lin@haihe.example.evil.example", ["haihe.example"], "mail_elsewhere"),
    ("lin@example", ["haihe.example"], "mail_elsewhere"),
    ("lin@haihe.example", [], "mail_elsewhere"),
    ("lin@", ["haihe.example"], "mail_elsewhere"),
    ("lin@ha ihe", ["ha ihe"], "mail_elsewhere"),
    # Domains that many share are nobody's.
    ("lin@nankai.edu.cn", ["edu.cn"], "mail_elsewhere"),
    ("lin@bank.tj.cn", ["tj.cn"], "mail_elsewhere"),
    ("lin@haihe.co.uk", ["co.uk"], "mail_elsewhere"),
    ("lin@haihe.com", ["com"], "mail_elsewhere"),
    ("lin@haihe.公司.cn", ["公司.cn"], "mail_elsewhere"),
    ("lin@haihe.xn--55qx5d.cn", ["公司.cn"], "mail_elsewhere"),
    ("lin@haihe.or.jp", ["or.jp"], "mail_elsewhere"),
    ("lin@haihe.ne.jp", ["ne.jp"], "mail_elsewhere"),
    ("lin@haihe.github.io", ["github.io"], "mail_elsewhere"),
    ("lin@haihe.k12.ca.us", ["k12.ca.us"], "mail_elsewhere"),
    ("lin@haihe.ck", ["haihe.ck"], "mail_elsewhere"),
    ("lin@lab.haihe.or.jp", ["haihe.or.jp"], "mail_of_organisation"),
    ("lin@cas.cn", ["cas.cn"], "mail_of_organisation"),
    # Whoever asks gets an address there.
    ("lin@qq.com", ["qq.com"], "mail_public"),
    ("lin@vip.qq.com", ["qq.com"], "mail_public"),
    ("lin@gmail.com", ["gmail.com", "haihe.example"], "mail_public"),
]


@pytest.mark.parametrize(("email", "domains", "found"), ADDRESSES)
def test_an_address_is_the_organisations_by_its_domain_or_one_below(
    email: str, domains: list[str], found: str
) -> None:
    assert evidence.address(email, domains) == found


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("林知远", "林 知远", True),
        ("Lin Zhiyuan", "lin  ZHIYUAN", True),
        ("Lin Zhi-Yuan", "Lin Zhiyuan", True),
        ("Ｌｉｎ　Ｚｈｉｙｕａｎ", "Lin Zhiyuan", True),
        ("José Núñez", "Jose Nunez", True),
        ("Zhiyuan Lin", "Lin Zhiyuan", False),
        ("林知远", "林知遠", False),
    ],
)
def test_names_are_compared_without_what_people_write_in_two_ways(one: str, other: str, same: bool) -> None:
    assert (evidence.plain(one) == evidence.plain(other)) is same


# Who claims an expert's profile of their own organisation: (what is different about them, found).
PEOPLE: list[tuple[dict[str, Any], tuple[str, ...], bool]] = [
    ({}, ("mail_of_organisation", "name_equal", "address_equal"), True),
    ({"name": "LIN zhiyuan"}, ("mail_of_organisation", "name_equal", "address_equal"), True),
    ({"email": "LIN@haihe.example"}, ("mail_of_organisation", "name_equal", "address_equal"), True),
    ({"email": "student@haihe.example"}, ("mail_of_organisation", "name_equal", "address_differs"), False),
    ({"email": "lin@lab.haihe.example"}, ("mail_of_organisation", "name_equal", "address_differs"), False),
    ({"email_verified_at": None}, ("mail_unconfirmed", "name_equal", "address_differs"), False),
    ({"email": "lin@qq.com"}, ("mail_public", "name_equal", "address_differs"), False),
    ({"email": "lin@elsewhere.example"}, ("mail_elsewhere", "name_equal", "address_differs"), False),
    ({"name": "林知"}, ("mail_of_organisation", "name_differs", "address_equal"), False),
    ({"name": "—"}, ("mail_of_organisation", "name_differs", "address_equal"), False),
]
LIN = "lin@haihe.example"


def examined(runtime: Runtime, person: Any, identity: str, noun: str, kind: str) -> evidence.Finding:
    with runtime.db.reading() as session:
        listing = stored(runtime, identity, noun)
        actor = principals.of_user(session, person.id, now=runtime.clock())
        assert actor is not None
        user = session.get_one(User, person.id)
        return evidence.examine(session, actor, user, listing, listing.organisation, kind)  # type: ignore[attr-defined]


@pytest.mark.parametrize(("changes", "codes", "holds"), PEOPLE)
def test_a_profile_is_claimed_by_mail_by_whoever_has_its_name_and_the_address_it_names(
    runtime: Runtime, changes: dict[str, Any], codes: tuple[str, ...], holds: bool
) -> None:
    identity = imported(runtime, house(runtime), contact_email=LIN)
    found = examined(runtime, the_expert(runtime, **{"email": LIN, **changes}), identity, "expert", "mail_domain")
    assert (found.codes, found.holds) == (codes, holds)


@pytest.mark.parametrize(("contact", "found"), [("", "address_differs"), (LIN, "address_shared")])
def test_an_address_that_no_profile_or_several_name_decides_nothing(
    runtime: Runtime, contact: str, found: str
) -> None:
    identity = imported(runtime, house(runtime), contact_email=contact)
    imported(runtime, add_organisation(runtime), contact_email="Lin@Haihe.example", name_zh="周衡", name_en="")
    finding = examined(runtime, the_expert(runtime, email=LIN), identity, "expert", "mail_domain")
    assert (finding.codes[2], finding.holds) == (found, False)


def test_of_two_profiles_of_one_name_a_person_decides(runtime: Runtime) -> None:
    organisation = house(runtime)
    first, _ = imported(runtime, organisation), imported(runtime, organisation, name_en="")
    found = examined(runtime, the_expert(runtime), first, "expert", "mail_domain")
    assert (found.codes[1], found.holds) == ("name_shared", False)


@pytest.mark.parametrize(
    ("there", "changes", "holds"),
    [
        (True, {}, True),
        (True, {"email_verified_at": None}, False),
        (True, {"email": "lin@163.com"}, False),
        (False, {}, False),
    ],
)
def test_an_outcome_is_claimed_by_mail_by_a_member_of_its_organisation(
    runtime: Runtime, there: bool, changes: dict[str, Any], holds: bool
) -> None:
    organisation = house(runtime)
    identity = imported(runtime, organisation, "outcome")
    person = the_expert(runtime, organisation if there else add_organisation(runtime), **changes)
    assert examined(runtime, person, identity, "outcome", "mail_domain").holds is holds


@pytest.mark.parametrize(
    ("profile", "account", "holds"),
    [
        ("0000-0002-1825-0097", "0000-0002-1825-0097", True),
        ("0000-0002-1825-0097", "0000-0001-5109-3700", False),
        ("0000-0002-1825-0097", "", False),
        ("", "", False),
        ("", "0000-0002-1825-0097", False),
    ],
)
def test_an_orcid_counts_where_its_provider_has_vouched_for_the_same(
    runtime: Runtime, profile: str, account: str, holds: bool
) -> None:
    identity = imported(runtime, house(runtime), orcid=profile)
    person = add_person(runtime, roles=(), orcid=account)
    assert examined(runtime, person, identity, "expert", "orcid").holds is holds


def test_no_document_speaks_for_itself_and_a_closed_organisations_domain_neither(runtime: Runtime) -> None:
    organisation = house(runtime)
    person = the_expert(runtime)
    identity = imported(runtime, organisation, of=person)
    with runtime.db.writing() as session:
        session.get_one(Organisation, organisation).active = False
    assert not examined(runtime, person, identity, "expert", "document").holds
    assert not examined(runtime, person, identity, "expert", "mail_domain").holds


def test_an_import_stands_on_the_word_of_the_organisations_own_people(runtime: Runtime) -> None:
    mine, other = uuid.uuid4(), uuid.uuid4()
    member = member_of(mine, uuid.uuid4())
    staff = Principal(uuid.uuid4(), roles=frozenset({"administrator"}))
    told = [
        custody.of_import(actor, one, "expert") for actor in (member, staff, SYSTEM) for one in (mine, other, None)
    ]
    assert told == ["consented", *["unclaimed"] * 8]
    assert custody.of_import(staff, mine, "demand") == "consented"


def test_a_file_consents_for_nobody(runtime: Runtime) -> None:
    row = stored(runtime, imported(runtime, house(runtime), consented=True))
    assert isinstance(row, Expert)
    assert (row.custody, row.consented, row.state) == ("unclaimed", False, "published")


class Killed(Exception):
    pass


def everything(runtime: Runtime) -> list[Any]:
    with runtime.db.reading() as session:
        tables = (Expert, Claim, Membership, Notification, AuditEntry, Job)
        return [sorted(row.model_dump_json() for row in session.exec(select(table))) for table in tables]


def test_a_listing_is_turned_over_whole_or_not_at_all(runtime: Runtime, client: FlaskClient) -> None:
    """The decision dies before its first statement, its second, and so on: nothing of it is ever there."""
    organisation = house(runtime)
    identity = imported(runtime, organisation)
    wanted = by_document(Caller(client, the_expert(runtime)), identity)
    by_document(Caller(client, the_expert(runtime)), identity)
    reviewer = Principal(add_person(runtime, roles=("reviewer",)).id, roles=frozenset({"reviewer"}))
    before, died = everything(runtime), 0
    while True:
        try:
            decide(runtime, reviewer, uuid.UUID(wanted["id"]), die_at=died)
            break
        except Killed:
            died += 1
            assert everything(runtime) == before
    assert died > 8
    expert = stored(runtime, identity)
    assert isinstance(expert, Expert)
    assert (str(expert.owner_id), expert.custody, expert.version) == (str(claimant(runtime, wanted)), "claimed", 2)
    with runtime.db.reading() as session:
        assert sorted(session.exec(select(Claim.state))) == ["approved", "refused"]


def test_of_two_claims_approved_at_the_same_moment_one_holds(runtime: Runtime, client: FlaskClient) -> None:
    identity = imported(runtime, house(runtime))
    rows = [by_document(Caller(client, the_expert(runtime)), identity) for _ in range(2)]
    reviewers = [Principal(add_person(runtime, roles=("reviewer",)).id, roles=frozenset({"reviewer"})) for _ in rows]
    ready = threading.Barrier(2)

    def approve(number: int) -> str:
        ready.wait(10)
        with runtime.db.writing() as session:
            try:
                claims.decide(
                    session, reviewers[number], uuid.UUID(rows[number]["id"]), "approve", {}, now=runtime.clock()
                )
            except Conflict:
                return "late"
        return "approved"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(approve, range(2))) == ["approved", "late"]
    with runtime.db.reading() as session:
        states = {one.claimant_id: one.state for one in session.exec(select(Claim))}
    owner = stored(runtime, identity).owner_id
    assert owner is not None
    assert (sorted(states.values()), states[owner]) == (["approved", "refused"], "approved")


def test_whoever_is_erased_leaves_no_claim_no_message_and_no_profile(runtime: Runtime, client: FlaskClient) -> None:
    person, other = the_expert(runtime), Caller(client, add_person(runtime, roles=()))
    identity = imported(runtime, house(runtime), of=person)
    mine = Caller(client, person)
    assert claim(mine, identity).json["state"] == "approved"
    sent = other.post(f"experts/{identity}/messages", {"text": "您好"}).json
    mine.post(f"messages/{sent['id']}", {"text": "请讲"})
    with runtime.db.writing() as session:
        erased = erasing.erase(session, SYSTEM, session.get_one(User, person.id), now=runtime.clock())
    assert (erased.gone["claims"], erased.gone["relay_messages"], erased.gone["experts"]) == (1, 2, 1)
    with runtime.db.reading() as session:
        assert not [*session.exec(select(Claim)), *session.exec(select(RelayMessage)), *session.exec(select(Expert))]


def claimant(runtime: Runtime, row: dict[str, Any]) -> uuid.UUID:
    with runtime.db.reading() as session:
        return session.get_one(Claim, uuid.UUID(row["id"])).claimant_id


def decide(runtime: Runtime, actor: Principal, identity: uuid.UUID, *, die_at: int) -> None:
    left = [die_at]

    def count(*_: Any) -> None:
        if left[0] == 0:
            raise Killed
        left[0] -= 1

    with runtime.db.writing() as session:
        connection = session.connection()
        event.listen(connection, "before_cursor_execute", count)
        try:
            claims.decide(session, actor, identity, "approve", {}, now=runtime.clock())
            session.flush()
        finally:
            event.remove(connection, "before_cursor_execute", count)


def test_who_was_told_was_told_once_and_nothing_of_what_was_written(
    runtime: Runtime, client: FlaskClient, drain: Callable[[], int]
) -> None:
    organisation = house(runtime)
    admin = Caller(client, add_person(runtime, organisation, roles=("organisation_admin", "member")))
    identity = imported(runtime, organisation)
    drain()
    by_document(Caller(client, the_expert(runtime)), identity)
    told = [row for row in admin.get("notifications").json["items"] if row["kind"] == "claim_made"]
    assert [row["listing_id"] for row in told] == [identity]
    assert "任职证明" not in admin.get("notifications").text
    with runtime.db.reading() as session:
        trail = [row.model_dump_json() for row in session.exec(select(AuditEntry))]
        news = [row.model_dump_json() for row in session.exec(select(Notification))]
    assert not [text for text in (*trail, *news) if "任职证明" in text or DOMAIN in text]
    assert NAME not in "".join(trail)


def test_an_assigned_broker_of_the_exchange_hears_of_mutual_interest_and_nobody_whose_role_has_ended(
    runtime: Runtime, client: FlaskClient
) -> None:
    organisation = house(runtime)
    admin = Caller(client, add_person(runtime, organisation, roles=("organisation_admin",)))
    identity = imported(runtime, organisation, "outcome")
    everywhere, retired = (add_person(runtime, roles=("broker",)) for _ in range(2))
    own = add_person(runtime, organisation, roles=("broker",))
    for one in (everywhere, retired, own):
        body = {"type": "outcome", "id": identity, "broker": str(one.id)}
        assert admin.post("cases", body).status_code == 201
    with runtime.db.writing() as session:
        user = session.get_one(User, retired.id)
        user.roles = []
        session.add(user)
    with runtime.db.reading() as session:
        told = [user.id for user in notifications.brokers(session, stored(runtime, identity, "outcome"))]
    assert sorted(told) == sorted([everywhere.id, own.id])
