"""A token that is handed over opens no account that is anybody's, where there is no mail to show whose it is."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlmodel import Session

from market.files.faults import Row
from market.models import ApiKey, Identity, Membership, Outcome, User
from market.runtime import Runtime
from market.services.files import loading
from market.services.people import accounts, invitations
from schemas.accounts import ACCOUNT_ROLES
from schemas.organisations import PLACES
from tests.api.letters import PASSWORD
from tests.factories import Caller, SettableClock, add_organisation, add_person

MAIL = "wang@campus.example"


@pytest.fixture
def founder(runtime: Runtime, client: FlaskClient) -> Caller:
    """Anybody, with an organisation that they have just registered."""
    one = Caller(client, add_person(runtime, email="anybody@elsewhere.example"))
    made = one.post("organisations", {"name_zh": "无名机构", "kind": "enterprise"})
    assert made.status_code == 201, made.text
    return one


def invite(founder: Caller, email: str = MAIL, *roles: str) -> Any:
    place = founder.get("me").json["organisation"]["id"]
    return founder.post(f"organisations/{place}/invitations", {"email": email, "roles": list(roles or ("member",))})


def accept(caller: Caller, made: Any, password: str = PASSWORD) -> Any:
    return caller.post("invitations/actions/accept", {"token": made.json["token"], "password": password})


def signs_in(visitor: Caller, email: str = MAIL) -> bool:
    return bool(visitor.post("sign-in", {"email": email, "password": PASSWORD}).status_code == 200)


def load(runtime: Runtime, *roles: str) -> None:
    place = add_organisation(runtime, external_key="org-1")
    row = {"key": "u-1", "email": MAIL, "name": "王", "language": "zh", "roles": list(roles), "organisation": "org-1"}
    with runtime.db.writing() as session:
        loaded = loading.store(session, "users", [Row(1, row)], now=runtime.clock())
    assert (place is not None, loaded.created, loaded.refusals) == (True, 1, [])


@pytest.mark.parametrize("role", sorted({*ACCOUNT_ROLES, *PLACES} - {"delegate"}))
def test_nobody_takes_a_loaded_account_by_inviting_it(
    runtime: Runtime, visitor: Caller, founder: Caller, role: str
) -> None:
    load(runtime, role)
    refused = accept(visitor, invite(founder))
    assert (refused.status_code, refused.json["type"]) == (401, "/problems/sign-in-first")
    assert not signs_in(visitor)


def test_nobody_takes_an_account_that_an_administrator_has_made(
    runtime: Runtime, visitor: Caller, founder: Caller
) -> None:
    with runtime.db.writing() as session:
        accounts.create(session, email=MAIL, name="王", language="zh", now=runtime.clock())
    assert accept(visitor, invite(founder)).status_code == 401
    assert not signs_in(visitor)


def test_whoever_has_no_account_gets_one_by_the_token(visitor: Caller, founder: Caller) -> None:
    first, second = invite(founder), invite(founder)
    assert accept(visitor, first).status_code == 200
    assert signs_in(visitor)
    assert accept(visitor, second, "another-long-password").status_code == 401, "now it is somebody's"


TRAITS: dict[str, Callable[[Session, User], object]] = {
    "role": lambda _, user: setattr(user, "roles", ["reviewer"]),
    "external_key": lambda _, user: setattr(user, "external_key", "u-1"),
    "name": lambda _, user: setattr(user, "name", "王"),
    "password": lambda _, user: setattr(user, "password", "kept"),
    "orcid": lambda _, user: setattr(user, "orcid", "0000-0002-1825-0097"),
    "confirmed": lambda _, user: setattr(user, "email_verified_at", user.created_at),
    "closed": lambda _, user: setattr(user, "active", False),
    "key": lambda session, user: session.add(
        ApiKey(user_id=user.id, digest="0", hint="qiao_0000", revoked_at=user.created_at)
    ),
    "identity": lambda session, user: session.add(
        Identity(user_id=user.id, issuer="https://id.example", subject="1")
    ),
    "membership": lambda session, user: session.add(
        Membership(user_id=user.id, organisation_id=_place(session), roles=["member"])
    ),
    "listing": lambda session, user: session.add(
        Outcome(owner_id=user.id, organisation_id=_place(session), title_zh="涂层")
    ),
}


def _place(session: Session) -> uuid.UUID:
    return uuid.UUID(str(session.info["place"]))


@pytest.mark.parametrize("trait", ["", *TRAITS])
def test_an_account_is_blank_only_while_it_has_nothing(runtime: Runtime, trait: str) -> None:
    place = add_organisation(runtime)
    with runtime.db.writing() as session:
        session.info["place"] = place
        user = accounts.create(session, email=MAIL, name="", language="zh", now=runtime.clock())
        if trait:
            TRAITS[trait](session, user)
            session.flush()
        assert invitations.blank(session, user) == (trait == "")


def test_an_account_that_was_made_for_an_invitation_goes_with_it_unless_it_was_used(
    runtime: Runtime, founder: Caller, clock: SettableClock
) -> None:
    load(runtime, "reviewer")
    assert [invite(founder, email).status_code for email in (MAIL, "new@campus.example")] == [201, 201]
    clock.advance(days=45)
    with runtime.db.writing() as session:
        invitations.forget(session, now=clock())
        assert accounts.by_email(session, MAIL) is not None
        assert accounts.by_email(session, "new@campus.example") is None


def test_inviting_a_delegate_does_not_tell_who_has_an_account(
    runtime: Runtime, client: FlaskClient, visitor: Caller, founder: Caller
) -> None:
    nowhere = Caller(client, add_person(runtime, email=MAIL))
    known, unknown = (invite(founder, email, "delegate") for email in (MAIL, "new@campus.example"))
    assert [known.status_code, unknown.status_code] == [201, 201]
    assert {*known.json} == {*unknown.json}
    refused = accept(nowhere, known, "")
    assert (refused.status_code, refused.json["errors"][0]["pointer"]) == (422, "/roles")
    assert nowhere.get("me").json["memberships"] == []


def test_an_invitation_outlives_an_account_that_had_its_address_without_showing_it(
    runtime: Runtime, visitor: Caller, founder: Caller
) -> None:
    made = invite(founder)
    with runtime.db.writing() as session:
        blank = accounts.by_email(session, MAIL)
        assert blank is not None
        session.delete(blank)
    assert accept(visitor, made).status_code == 200
