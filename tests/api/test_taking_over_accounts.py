"""What is mailed to one address opens nothing of another's, and nobody learns by invitations who has an account."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlmodel import select

from market.models import ApiKey, User
from market.runtime import Runtime
from market.services.people import passwords
from tests.api.letters import PASSWORD, tokens
from tests.delivery.mail_server import MailServer
from tests.factories import Caller, Person, add_person

Drain = Callable[[], int]
VICTIM = "victim@campus.example"
KEPT = passwords.made(PASSWORD)


@pytest.fixture
def runtime(mailing: Runtime) -> Runtime:
    """One that sends mail."""
    return mailing


@pytest.fixture
def founder(runtime: Runtime, client: FlaskClient) -> Caller:
    """Anybody, with an organisation that they have just registered."""
    one = Caller(client, add_person(runtime, email="anybody@elsewhere.example"))
    assert one.post("organisations", {"name_zh": "无名机构", "kind": "enterprise"}).status_code == 201
    return one


@pytest.fixture
def mover(runtime: Runtime, client: FlaskClient) -> Caller:
    """Somebody with a password, whose address is confirmed."""
    return Caller(client, add_person(runtime, email="mover@elsewhere.example", password=KEPT))


def invite(founder: Caller, email: str, *roles: str) -> Any:
    place = founder.get("me").json["organisation"]["id"]
    made = founder.post(f"organisations/{place}/invitations", {"email": email, "roles": list(roles or ("member",))})
    assert made.status_code == 201, made.text
    return made


def move(caller: Caller, email: str = VICTIM) -> None:
    answer = caller.patch("me", {"email": email, "current_password": PASSWORD})
    assert answer.status_code == 200, answer.text


def account(runtime: Runtime, person: Person) -> User:
    with runtime.db.reading() as session:
        return session.exec(select(User).where(User.id == person.id)).one()


def test_an_invitation_that_was_mailed_confirms_no_address_that_came_after_it(
    runtime: Runtime, founder: Caller, mover: Caller, visitor: Caller, mails: MailServer, drain: Drain
) -> None:
    assert mover.person
    invite(founder, mover.person.email)
    [token] = tokens(mails, drain, mover.person.email)
    move(mover)
    answer = visitor.post("invitations/actions/accept", {"token": token, "password": PASSWORD})
    page = visitor.post(f"/click/account/{token}")
    assert (answer.status_code, page.status_code) == (404, 404)
    assert account(runtime, mover.person).email_verified_at is None


def test_an_invitation_is_mailed_to_nobody_but_the_invited(
    runtime: Runtime, founder: Caller, mover: Caller, visitor: Caller, mails: MailServer, drain: Drain
) -> None:
    assert mover.person
    invite(founder, mover.person.email)
    move(mover)
    for token in tokens(mails, drain, VICTIM):
        assert visitor.post("invitations/actions/accept", {"token": token}).status_code == 404


def test_by_a_token_that_is_handed_over_nobody_learns_who_has_an_account(
    runtime: Runtime, founder: Caller, visitor: Caller, administrator: Caller, client: FlaskClient
) -> None:
    known = [add_person(runtime, **values).email for values in ({}, {"email_verified_at": None}, {"password": KEPT})]
    closed = add_person(runtime)
    administrator.post(f"accounts/{closed.id}/actions/deactivate")
    answers = []
    for email in (*known, closed.email, VICTIM):
        body = {"token": invite(founder, email).json["token"], "password": PASSWORD}
        answers.append(visitor.post("invitations/actions/accept", body))
    assert {one.status_code for one in answers} == {401}
    assert len({(one.json["type"], one.json["detail"]) for one in answers}) == 1


def test_whoever_cannot_sign_in_yet_sets_a_password_by_the_mail_of_an_invitation(
    runtime: Runtime, founder: Caller, visitor: Caller, mails: MailServer, drain: Drain
) -> None:
    loaded = add_person(runtime, external_key="u-1")
    with runtime.db.writing() as session:
        [user] = session.exec(select(User).where(User.id == loaded.id))
        for row in session.exec(select(ApiKey).where(ApiKey.user_id == loaded.id)).all():
            session.delete(row)
        assert user.password == ""
    invite(founder, loaded.email)
    [token] = tokens(mails, drain, loaded.email)
    assert "password" in visitor.get(f"/click/account/{token}").text
    body = {"token": token, "password": PASSWORD}
    assert visitor.post("invitations/actions/accept", body).status_code == 200
    assert visitor.post("sign-in", {"email": loaded.email, "password": PASSWORD}).status_code == 200
