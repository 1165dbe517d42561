"""The pages behind the links of messages: opening one changes nothing, its button acts, without key or cookies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import NamedTuple

from flask import Blueprint, Flask, Response, request

from market.api.calls import language, runtime
from market.db import AWAY
from market.delivery import rendering
from market.errors import NotFound
from market.services import clicks
from market.services.clicks import Asked, Done
from market.vocabulary import vocabulary
from schemas.messages import Message

one_click = Blueprint("clicks", __name__, url_prefix="/click")

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex",
}


class _Page(NamedTuple):
    title: Message
    text: Message
    status: int = 200


_ALL_KINDS = Message("everything but security notices", "除安全提醒外的全部通知")

# What is asked; the title is on the button too.
_QUESTIONS: Mapping[str, _Page] = {
    "interest": _Page(Message("I am interested", "我感兴趣"), Message("{about}", "{about}")),
    "dismiss": _Page(Message("Dismiss this match", "忽略此匹配"), Message("{about}", "{about}")),
    "snooze": _Page(Message("Remind me in a week", "一周后提醒我"), Message("{about}", "{about}")),
    "unsubscribe": _Page(
        Message("Stop these mails", "停止这类邮件"), Message("Mails about: {about}", "邮件内容：{about}")
    ),
}
_ANSWERS: Mapping[Done, _Page] = {
    "interested": _Page(
        Message("They are told that you are interested", "已告知对方您感兴趣"),
        Message(
            "{about}\nIf they are interested too, you are in contact.", "{about}\n若对方也感兴趣，双方即可联系。"
        ),
    ),
    "in_contact": _Page(
        Message("You are in contact", "双方已可联系"),
        Message("{about}\nBoth sides are interested.", "{about}\n双方均已表示感兴趣。"),
    ),
    "dismissed": _Page(
        Message("Dismissed", "已忽略"),
        Message("{about}\nYou will not be told of it again.", "{about}\n不会再就此通知您。"),
    ),
    "snoozed": _Page(
        Message("Put off", "已推迟"),
        Message("{about}\nYou will be reminded in a week.", "{about}\n将于一周后提醒您。"),
    ),
    "unsubscribed": _Page(
        Message("These mails have ended", "已停止这类邮件"),
        Message(
            "No more mails about: {about}. Your inbox has them still.", "不再发送邮件：{about}。站内通知仍会保留。"
        ),
    ),
    "too_late": _Page(
        Message("It was left as it is", "未作更改"),
        Message("{about}\nThe two sides have gone on already.", "{about}\n双方的进展已不允许此操作。"),
        409,
    ),
    "gone": _Page(
        Message("This match is gone", "此匹配已失效"),
        Message(
            "{about}\nIt was withdrawn, or you do not answer for its listing any more. Nothing was changed.",
            "{about}\n匹配已撤销，或您已无权处理该发布。未作任何更改。",
        ),
        410,
    ),
}
_NOTHING = _Page(
    Message("This link leads nowhere", "链接无效"),
    Message("It is cut off, or what it was about is gone.", "链接不完整，或其内容已不存在。"),
    404,
)
_AWAY = _Page(
    Message("Away for the moment", "暂不可用"),
    Message("Try again in a few seconds; doing it twice does no harm.", "请几秒后重试，重复操作无妨。"),
    503,
)

View = Callable[[str], Response]


def _for_whoever_holds_the_token(view: View) -> View:
    """The view, with a page for every token that leads nowhere."""

    @wraps(view)
    def serve(token: str) -> Response:
        try:
            return view(token)
        except NotFound:
            return _shown(_NOTHING, language())
        except AWAY:
            return _shown(_AWAY, language())

    serve.who = "anyone"  # type: ignore[attr-defined]  # as every route declares it
    return serve


@one_click.get("/<path:token>")
@_for_whoever_holds_the_token
def ask(token: str) -> Response:
    """What the link would do, and a button that does it. Scanners of mail open links: this changes nothing."""
    with runtime().db.reading() as session:
        one = clicks.asked(session, runtime().links.read(token))
        if not clicks.open_still(session, one):
            return _shown(_ANSWERS["gone"], one.user.language, _about(one))
        question = _QUESTIONS[one.action]
        return _shown(question, one.user.language, _about(one), button=question.title)


@one_click.post("/<path:token>")
@_for_whoever_holds_the_token
def act(token: str) -> Response:
    """Do it, and say what was done. Mail readers send List-Unsubscribe=One-Click (RFC 8058); it is not needed."""
    with runtime().db.writing() as session:
        one = clicks.asked(session, runtime().links.read(token))
        done = clicks.act(session, one, now=runtime().clock())
        return _shown(_ANSWERS[done], one.user.language, _about(one))


def _about(one: Asked) -> str:
    if one.notification is not None:
        return one.notification.title
    if one.kind:
        return vocabulary("notification_kinds").label(one.kind, one.user.language)
    return _ALL_KINDS.text(one.user.language)


def _shown(page: _Page, language: str, about: str = "", *, button: Message | None = None) -> Response:
    html = rendering.page(
        language,
        page.title.text(language),
        page.text.format(about=about).text(language),
        button=button.text(language) if button is not None else None,
    )
    return Response(html, page.status, mimetype="text/html")


def _careful(response: Response) -> Response:
    """Nothing is fetched, framed, kept or indexed, and no other page learns the address."""
    if request.blueprint == one_click.name:
        response.headers.update(_HEADERS)
    return response


def register(app: Flask) -> None:
    """Serve them. Before what is registered for all requests, whose headers are then replaced."""
    app.register_blueprint(one_click)
    app.after_request(_careful)
