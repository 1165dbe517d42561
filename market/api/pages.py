"""Pages for people, behind the links of messages. They fetch nothing, and nobody else learns their address."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import NamedTuple

from flask import Blueprint, Response

from market.api.calls import language
from market.db import AWAY
from market.delivery import rendering
from market.errors import NotFound, Unavailable
from schemas.messages import Message

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex",
}


class Page(NamedTuple):
    """What one says; `{about}` stands for what the link is about."""

    title: Message
    text: Message
    status: int = 200


_AWAY = Page(
    Message("Away for the moment", "暂不可用"),
    Message("Try again in a few seconds; doing it twice does no harm.", "请几秒后重试，重复操作无妨。"),
    503,
)

View = Callable[[str], Response]


def pages_under(prefix: str, name: str) -> Blueprint:
    """Routes of pages. Nothing is fetched, framed, kept or indexed, and no other page learns their address."""
    pages = Blueprint(name, __name__, url_prefix=prefix)
    pages.after_request(_careful)
    return pages


def _careful(response: Response) -> Response:
    response.headers.update(HEADERS)
    return response


def for_whoever_holds_the_token(nothing: Page) -> Callable[[View], View]:
    """Decorates a view of one token: `nothing` is shown for every token that leads nowhere."""

    def decorate(view: View) -> View:
        @wraps(view)
        def serve(token: str) -> Response:
            try:
                return view(token)
            except NotFound:
                return shown(nothing, language())
            except (Unavailable, *AWAY):
                return shown(_AWAY, language())

        serve.action = "signed.act"  # type: ignore[attr-defined]  # as every route declares it
        return serve

    return decorate


def shown(
    page: Page,
    asked: str,
    about: str = "",
    *,
    button: Message | None = None,
    asks: tuple[str, str] | None = None,
    why: str = "",
) -> Response:
    """A page in the language `asked`. `asks` is the (name, label) of a password to be given with the button; `why`
    says what was wrong with the one before."""
    html = rendering.page(
        asked,
        page.title.text(asked),
        "\n".join(filter(None, (page.text.format(about=about).text(asked), why))),
        button=button.text(asked) if button is not None else None,
        asks=asks,
    )
    return Response(html, 422 if why else page.status, mimetype="text/html")
