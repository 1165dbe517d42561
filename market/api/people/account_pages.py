"""The pages behind the links of mails about accounts: opening one changes nothing, its button acts, without key or
cookies. Their tokens are those that the API takes too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from flask import Flask, Response, request
from sqlmodel import Session

from market.api.calls import runtime
from market.api.pages import Page, for_whoever_holds_the_token, pages_under, shown
from market.errors import Invalid
from market.models import User
from market.services.people import accounts, invitations, organisations, passwords
from market.services.telling import confirming
from market.services.telling.links import Click
from schemas.messages import Message

pages = pages_under("/click/account", "account_pages")


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a token would do, for whom, what about, and whether that takes a password."""

    deed: str
    user: User
    about: str
    takes_password: bool


_QUESTIONS: Mapping[str, Page] = {
    "verify": Page(
        Message("Confirm this address", "确认此邮箱"),
        Message(
            "An account here is to be yours. Confirm it only if you have made it.",
            "确认后，该账户即归您使用。仅在您本人注册时确认。",
        ),
    ),
    "reset": Page(
        Message("Set a password", "设置密码"),
        Message(
            "Whoever is signed in is signed out, and the keys of programs end, too.",
            "已登录的设备将退出，程序所用的密钥也将全部失效。",
        ),
    ),
    "join": Page(Message("Accept the invitation", "接受邀请"), Message("{about}", "{about}")),
}
_DONE: Mapping[str, Page] = {
    "verify": Page(
        Message("The address is confirmed", "邮箱已确认"), Message("You can sign in now.", "您现在可以登录。")
    ),
    "reset": Page(
        Message("The password is set", "密码已设置"), Message("You can sign in with it now.", "您现在可以用它登录。")
    ),
    "join": Page(Message("You have joined", "您已加入"), Message("{about}", "{about}")),
}
_NOTHING = Page(
    Message("This link leads nowhere", "链接无效"),
    Message(
        "It is cut off, was used already, or is too old. Ask for another mail.",
        "链接不完整、已使用或已过期，请重新申请邮件。",
    ),
    404,
)
_PASSWORD = Message("A password of at least {least} characters", "密码，至少 {least} 个字符").format(
    least=passwords.SHORTEST
)


@pages.get("/<token>")
@for_whoever_holds_the_token(_NOTHING)
def ask_account(token: str) -> Response:
    """What the link would do, and a button that does it."""
    with runtime().db.reading() as session:
        return _asked(_read(session, runtime().links.read(token)))


@pages.post("/<token>")
@for_whoever_holds_the_token(_NOTHING)
def act_account(token: str) -> Response:
    """Do it."""
    click, now = runtime().links.read(token), runtime().clock()
    with runtime().db.reading() as session:
        one = _read(session, click)
    kept, given = "", request.form.get("password", "")
    try:
        if given and runtime().settings.passwords:
            passwords.require(given, email=one.user.email, name=one.user.name, pointer="/password")
            kept = passwords.made(given)
        if one.deed == "reset" and not kept:
            return _asked(one)
        with runtime().db.writing() as session:
            _act(session, one.deed, click, kept, now=now)
    except Invalid as error:
        return _asked(one, refused=next(iter(error.fields.values()))[0])
    return shown(_DONE[one.deed], one.user.language, one.about)


def _act(session: Session, deed: str, click: Click, kept: str, *, now: datetime) -> None:
    if deed == "verify":
        accounts.verify(session, click, now=now)
    elif deed == "reset":
        accounts.reset(session, click, kept, now=now)
    else:
        invitations.accept_mailed(session, click, password=kept, now=now)


def _read(session: Session, click: Click) -> _Asked:
    """What it is about. Raises NotFound for a token that is not good now."""
    deed, user, invitation = confirming.read(session, click, confirming.DEEDS, now=runtime().clock())
    if invitation is None:
        return _Asked(deed, user, user.email, takes_password=deed == "reset")
    organisation = organisations.get(session, invitation.organisation_id)
    about = organisations.called(organisation, user.language)
    return _Asked(deed, user, about, takes_password=invitations.takes_password(session, user))


def _asked(one: _Asked, *, refused: str = "") -> Response:
    page, language = _QUESTIONS[one.deed], one.user.language
    wants = one.takes_password and runtime().settings.passwords
    field = ("password", _PASSWORD.text(language)) if wants else None
    why = refused.text(language) if isinstance(refused, Message) else refused
    return shown(page, language, one.about, button=page.title, asks=field, why=why)


def register(app: Flask) -> None:
    """Serve them."""
    app.register_blueprint(pages)
