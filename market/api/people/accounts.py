"""Accounts: registered, confirmed, one's own, and any for administrators.

Routes that make or compare passwords hold no transaction open when they are called, and write in one of their own.
"""

from __future__ import annotations

import uuid
from typing import Any

from market.api import authentication, limits, paging
from market.api.calls import Call
from market.api.doors import Answer, Door
from market.api.examples import people as examples
from market.api.people import reauthentication
from market.api.people.reauthentication import made
from market.errors import Invalid
from market.models import User
from market.services.people import accounts, belonging, erasing, invitations, keys
from market.services.rights import people
from schemas.accounts import (
    AccountPage,
    AccountQuery,
    AccountRead,
    AccountUpdate,
    Address,
    Deactivation,
    Erasure,
    ErasureReport,
    MeRead,
    MeUpdate,
    NewPassword,
    Registration,
    Taken,
    Token,
)
from schemas.answers import Nothing
from schemas.messages import Message
from schemas.organisations import Acceptance, Joined

door = Door("accounts", __name__, url_prefix="/api/v1", description="Accounts 账户")

STAYS = (
    Message(
        "The audit trail keeps the account's id, which leads nowhere any more.",
        "审计日志仅保留账户编号，已无法指向您本人。",
    ),
    Message(
        "What others wrote or published is theirs to change, also where your name stands in it.",
        "他人撰写或发布的内容由其自行修改，包括其中出现的您的姓名。",
    ),
    Message("Backups keep what they hold until they are replaced.", "备份在被替换之前仍保留其中内容。"),
)
_TAKEN = Answer({"accepted": True}, 202)
_me, _account, _joined, _report = MeRead(), AccountRead(), Joined(), ErasureReport()


@door.route_to(
    "POST", "/accounts", action="account.register", body=Registration, body_example=examples.REGISTRATION,
    answer=Taken, example=examples.TAKEN, status=202, only_reads=True,
)  # fmt: skip
def register_account(call: Call, body: dict[str, Any]) -> Answer:
    """Make an account. The answer is the same whether the address has one already; a mail says how to go on."""
    kept = made(call, body.pop("password", ""), body["email"], body["name"], "/password")
    with call.runtime.db.writing() as session:
        mailed = "mail" in call.runtime.post.channels
        accounts.register(session, body, kept, mailed=mailed, now=call.runtime.clock())
    return _TAKEN


@door.route_to(
    "POST", "/accounts/actions/verify", action="account.register", body=Token, body_example=examples.TOKEN,
    answer=Taken, example=examples.TAKEN, summary="Confirm a mail address",
)  # fmt: skip
def verify_account(call: Call, body: dict[str, Any]) -> Answer:
    """Confirm a mail address by what its mail holds."""
    accounts.verify(call.session, call.runtime.links.read(body["token"]), now=call.runtime.clock())
    return Answer(_TAKEN.body)


@door.route_to(
    "POST", "/accounts/actions/forgot", action="account.register", body=Address, body_example=examples.ADDRESS,
    answer=Taken, example=examples.TAKEN, status=202,
)  # fmt: skip
def forgot_password(call: Call, body: dict[str, Any]) -> Answer:
    """Have a link mailed that sets a password. The answer is the same for every address."""
    reauthentication.require_passwords(call)
    accounts.forgot(call.session, body["email"], now=call.runtime.clock())
    return _TAKEN


@door.route_to(
    "POST", "/accounts/actions/reset", action="account.register", body=NewPassword,
    body_example=examples.NEW_PASSWORD,
    answer=Taken, example=examples.TAKEN, only_reads=True,
)  # fmt: skip
def reset_password(call: Call, body: dict[str, Any]) -> Answer:
    """Set a password by what a mail holds. All keys of the account end, those of programs too."""
    click = call.runtime.links.read(body["token"])
    user = call.session.get(User, click.user_id)
    known = (user.email, user.name) if user is not None else ("", "")
    kept = made(call, body["password"], *known, "/password")
    with call.runtime.db.writing() as session:
        accounts.reset(session, click, kept, now=call.runtime.clock())
    return Answer(_TAKEN.body)


@door.route_to(
    "POST", "/invitations/actions/accept", action="account.register", body=Acceptance,
    body_example=examples.ACCEPTANCE, answer=Joined, example=examples.JOINED, only_reads=True,
)  # fmt: skip
def accept_invitation(call: Call, body: dict[str, Any]) -> Answer:
    """Join an organisation: signed in as whoever is invited, or by the token that came by mail."""
    name, now = body["name"], call.runtime.clock()
    kept = made(call, body["password"], "", name, "/password")
    handed_over = "." not in body["token"]  # that of a mail is signed
    with call.runtime.db.writing() as session:
        if handed_over:
            invitation = invitations.by_token(session, body["token"], now=now)
            mailed = "mail" in call.runtime.post.channels
            joined = invitations.accept(
                session, call.principal, invitation, name=name, password=kept, mailed=mailed, now=now
            )
        else:
            click = call.runtime.links.read(body["token"])
            joined = invitations.accept_mailed(session, click, name=name, password=kept, now=now)
        organisation = invitations.organisation_of(session, joined)
        return Answer(_joined.dump({"organisation": organisation, "roles": joined.roles, "until": joined.until}))


@door.route_to("GET", "/me", action="account.read", answer=MeRead, example=examples.ME)
def read_me(call: Call) -> Answer:
    """Who you are to this service."""
    user = call.session.get_one(User, call.principal.user_id)
    organisations = people.organisations_of(call.session, call.principal)
    return Answer(
        _me.dump(
            {
                **{name: getattr(user, name) for name in ("id", "name", "email", "language", "roles", "orcid")},
                "email_verified": user.email_verified_at is not None,
                "has_password": bool(user.password),
                "organisation": organisations[0] if organisations else None,
                "memberships": [
                    {"organisation": one, "roles": sorted(call.principal.roles_in(one.id))} for one in organisations
                ],
                "scopes": sorted(call.principal.scopes),
            }
        )
    )


@door.route_to(
    "PATCH", "/me", action="account.change", body=MeUpdate, body_example=examples.CHANGED_ME,
    answer=MeRead, example=examples.ME, only_reads=True,
)  # fmt: skip
def update_me(call: Call, body: dict[str, Any]) -> Answer:
    """Change your name, language, password or address; a new address is to be confirmed, and the one before is told.
    A new password signs you out elsewhere."""
    user = call.session.get_one(User, call.principal.user_id)
    key_id = keys.of_plain(call.session, authentication.plain_key()).id
    password, current = body.pop("password", None), body.pop("current_password", "")
    if password is not None:
        reauthentication.require(call, password["old"], "/password/old")
    elif body.get("email", user.email).lower() != user.email:
        reauthentication.require(call, current, "/current_password")
    kept = made(call, password["new"], user.email, user.name, "/password/new") if password is not None else ""
    with call.runtime.db.writing() as session:
        now = call.runtime.clock()
        if "email" in body and accounts.by_email(session, body["email"]) is not None:
            limits.failed()  # nobody learns that way who has an account
        changed = accounts.change(session, call.principal, body, now=now)
        if kept:
            accounts.set_password(session, call.principal, changed, kept, key_id=key_id, now=now)
    with call.runtime.db.reading() as session:
        return read_me(Call(session, call.principal, call.runtime, call.language))


@door.route_to(
    "POST", "/me/actions/deactivate", action="account.change", body=Deactivation, body_example=examples.ERASURE,
    answer=None, status=204, only_reads=True,
)  # fmt: skip
def deactivate_me(call: Call, body: dict[str, Any]) -> Answer:
    """Close your account: your keys end and you are told nothing more. An administrator can open it again."""
    reauthentication.require(call, body["password"], "/password")
    with call.runtime.db.writing() as session:
        user = session.get_one(User, call.principal.user_id)
        accounts.deactivate(session, call.principal, user, now=call.runtime.clock())
    return Answer(status=204)


@door.route_to(
    "POST", "/me/actions/erase", action="account.change", body=Erasure, body_example=examples.ERASURE,
    answer=ErasureReport, example=examples.ERASURE_REPORT, only_reads=True,
)  # fmt: skip
def erase_me(call: Call, body: dict[str, Any]) -> Answer:
    """Erase you, at once and for good; the answer says what kinds of things went, and what stays and why."""
    user = reauthentication.require(call, body.get("password", ""), "/password")
    if "password" not in body and body["confirm"].lower() != user.email.lower():
        raise Invalid({"/confirm": [Message("Not your mail address.", "不是您的邮箱。")]})
    with call.runtime.db.writing() as session:
        mine = session.get_one(User, call.principal.user_id)
        erased = erasing.erase(session, call.principal, mine, now=call.runtime.clock())
    told = {"account": erased.subject.user_id, "gone": sorted(erased.gone), "headless": erased.headless}
    return Answer(_report.dump({**told, "stays": [one.text(call.language) for one in STAYS]}))


@door.route_to(
    "DELETE", "/me/memberships/<uuid:organisation_id>", action="account.change", answer=None, status=204
)  # fmt: skip
def leave_organisation(call: Call, organisation_id: uuid.UUID) -> Answer:
    """Leave an organisation. What you have posted there stays with it."""
    mine = call.principal.user_id
    assert mine is not None  # the table lets nobody else
    belonging.leave(call.session, call.principal, organisation_id, mine, now=call.runtime.clock())
    return Answer(status=204)


@door.route_to(
    "GET", "/accounts", action="account.administer", query=AccountQuery, answer=AccountPage,
    example={"items": [examples.ACCOUNT], "next": None},
)  # fmt: skip
def list_accounts(call: Call, query: dict[str, Any]) -> Answer:
    """Accounts, the oldest first."""
    page = paging.page(
        query,
        lambda after, limit: accounts.listed(
            call.session, q=query.get("q", ""), role=query.get("role", ""), active=query.get("active"), after=after,
            limit=limit,
        ),
    )  # fmt: skip
    return page.answer(_account.dump(page.rows, many=True))


@door.route_to(
    "GET", "/accounts/<uuid:identity>", action="account.administer", answer=AccountRead, example=examples.ACCOUNT
)
def read_account(call: Call, identity: uuid.UUID) -> Answer:
    """One account."""
    return Answer(_account.dump(accounts.get(call.session, identity)))


@door.route_to(
    "PATCH", "/accounts/<uuid:identity>", action="account.administer", body=AccountUpdate,
    body_example={"roles": ["reviewer"]}, answer=AccountRead, example=examples.ACCOUNT,
)  # fmt: skip
def update_account(call: Call, identity: uuid.UUID, body: dict[str, Any]) -> Answer:
    """Give an account its roles, and no others."""
    user = accounts.get(call.session, identity)
    roles = body.get("roles", user.roles)
    return Answer(
        _account.dump(accounts.give_roles(call.session, call.principal, user, roles, now=call.runtime.clock()))
    )


@door.route_to(
    "POST", "/accounts/<uuid:identity>/actions/deactivate", action="account.administer", body=Nothing,
    body_example={}, answer=AccountRead, example=examples.ACCOUNT,
)  # fmt: skip
def deactivate_account(call: Call, identity: uuid.UUID, body: dict[str, Any]) -> Answer:  # noqa: ARG001
    """Close an account: its keys end at once, and nothing is sent to it any more."""
    user = accounts.get(call.session, identity)
    accounts.deactivate(call.session, call.principal, user, now=call.runtime.clock())
    return Answer(_account.dump(user))


@door.route_to(
    "POST", "/accounts/<uuid:identity>/actions/activate", action="account.administer", body=Nothing,
    body_example={}, answer=AccountRead, example=examples.ACCOUNT,
)  # fmt: skip
def activate_account(call: Call, identity: uuid.UUID, body: dict[str, Any]) -> Answer:  # noqa: ARG001
    """Open an account again."""
    user = accounts.get(call.session, identity)
    accounts.activate(call.session, call.principal, user, now=call.runtime.clock())
    return Answer(_account.dump(user))
