"""The pages behind the links of messages: opening one changes nothing, its button acts, without key or cookies."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Flask, Response

from market.api.calls import runtime
from market.api.pages import Page, for_whoever_holds_the_token, pages_under, shown
from market.services.matching import clicks
from market.services.matching.clicks import Asked, Done
from market.vocabulary import vocabulary
from schemas.messages import Message

one_click = pages_under("/click", "clicks")

_ALL_KINDS = Message("everything but security notices", "除安全提醒外的全部通知")

# What is asked; the title is on the button too.
_QUESTIONS: Mapping[str, Page] = {
    "interest": Page(Message("I am interested", "我感兴趣"), Message("{about}", "{about}")),
    "dismiss": Page(Message("Dismiss this match", "忽略此匹配"), Message("{about}", "{about}")),
    "snooze": Page(Message("Remind me in a week", "一周后提醒我"), Message("{about}", "{about}")),
    "unsubscribe": Page(
        Message("Stop these mails", "停止这类邮件"), Message("Mails about: {about}", "邮件内容：{about}")
    ),
}
_ANSWERS: Mapping[Done, Page] = {
    "interested": Page(
        Message("They are told that you are interested", "已告知对方您感兴趣"),
        Message(
            "{about}\nIf they are interested too, you are in contact.", "{about}\n若对方也感兴趣，双方即可联系。"
        ),
    ),
    "in_contact": Page(
        Message("You are in contact", "双方已可联系"),
        Message("{about}\nBoth sides are interested.", "{about}\n双方均已表示感兴趣。"),
    ),
    "dismissed": Page(
        Message("Dismissed", "已忽略"),
        Message("{about}\nYou will not be told of it again.", "{about}\n不会再就此通知您。"),
    ),
    "snoozed": Page(
        Message("Put off", "已推迟"),
        Message("{about}\nYou will be reminded in a week.", "{about}\n将于一周后提醒您。"),
    ),
    "unsubscribed": Page(
        Message("These mails have ended", "已停止这类邮件"),
        Message(
            "No more mails about: {about}. Your inbox has them still.", "不再发送邮件：{about}。站内通知仍会保留。"
        ),
    ),
    "too_late": Page(
        Message("It was left as it is", "未作更改"),
        Message("{about}\nThe two sides have gone on already.", "{about}\n双方的进展已不允许此操作。"),
        409,
    ),
    "gone": Page(
        Message("This match is gone", "此匹配已失效"),
        Message(
            "{about}\nIt was withdrawn, or you do not answer for its listing any more. Nothing was changed.",
            "{about}\n匹配已撤销，或您已无权处理该发布。未作任何更改。",
        ),
        410,
    ),
}
_NOTHING = Page(
    Message("This link leads nowhere", "链接无效"),
    Message("It is cut off, or what it was about is gone.", "链接不完整，或其内容已不存在。"),
    404,
)


@one_click.get("/<path:token>")
@for_whoever_holds_the_token(_NOTHING)
def ask(token: str) -> Response:
    """What the link would do, and a button that does it. Scanners of mail open links: this changes nothing."""
    with runtime().db.reading() as session:
        one = clicks.asked(session, runtime().links.read(token), now=runtime().clock())
        if not clicks.open_still(session, one):
            return shown(_ANSWERS["gone"], one.user.language, _about(one))
        question = _QUESTIONS[one.action]
        return shown(question, one.user.language, _about(one), button=question.title)


@one_click.post("/<path:token>")
@for_whoever_holds_the_token(_NOTHING)
def act(token: str) -> Response:
    """Do it, and say what was done. Mail readers send List-Unsubscribe=One-Click (RFC 8058); it is not needed."""
    with runtime().db.writing() as session:
        one = clicks.asked(session, runtime().links.read(token), now=runtime().clock())
        done = clicks.act(session, one, now=runtime().clock())
        return shown(_ANSWERS[done], one.user.language, _about(one))


def _about(one: Asked) -> str:
    if one.notification is not None:
        return one.notification.title
    if one.kind:
        return vocabulary("notification_kinds").label(one.kind, one.user.language)
    return _ALL_KINDS.text(one.user.language)


def register(app: Flask) -> None:
    """Serve them."""
    app.register_blueprint(one_click)
