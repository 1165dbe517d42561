"""A message as a mail's subject, plain text and HTML; and the pages behind its links. What they tell is only text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache
from typing import NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from market.delivery.messages import Action, Entry, Group, Message
from market.delivery.phrases import phrases

LONGEST_SUBJECT = 200
"""Characters; a listing's title may be longer, but no reader shows more."""

COLUMNS = 76
"""Of a line of plain text; a Chinese character takes two."""

# Marks that turn the direction of what follows: a title could show the end of an address as its beginning.
_TURNING = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_DROPPED = re.compile(f"[{_TURNING}\ufeff]")
_SURROGATES = re.compile("[\ud800-\udfff]")
_BREAKS = re.compile("\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_BLANKS = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")
_WEB = re.compile(r"https?://[!#-;=?-~]+", re.IGNORECASE)  # printable ASCII without quotes and angle brackets
_OWN = re.compile(r"/(?!/)[!#-;=?-\[\]-~]*")  # a path of this site; browsers read // and /\ as another host
_PIECES = re.compile(r"\s+|[^\s\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U000323af]+|.")
_JOINER = frozenset("\u200d\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff")
_OPENING = frozenset("（《〈「『【〔“‘([")
_CLOSING = frozenset("，。、；：？！）》〉」』】〕”’…—％,.;:?!)]")


class Rendered(NamedTuple):
    """A mail's texts, all of them free of control characters and of marks that turn the direction of writing."""

    subject: str
    text: str
    html: str


def render(message: Message) -> Rendered:
    """The message in its recipient's language. The two bodies say the same."""
    cleaned = _cleaned(message)
    words = phrases(message.language)
    given = {"message": cleaned, "words": words, "acts": any(entry.actions for entry in cleaned.entries)}
    return Rendered(
        cleaned.subject,
        _templates().get_template("mail.txt.jinja").render(given),
        _templates().get_template("mail.html.jinja").render(given),
    )


def page(
    language: str,
    title: str,
    text: str,
    *,
    button: str | None = None,
    action_url: str | None = None,
    fields: Iterable[tuple[str, str]] = (),
    asks: tuple[str, str] | None = None,
) -> str:
    """A page that stands alone, without script or anything fetched; with `button`, a form that posts the `fields`
    and, under its label, the password that it `asks` for, as (name, label).

    It is posted to `action_url`, or else to where the page itself came from. Raises ValueError for a URL that is
    neither http, https nor a path of this site.
    """
    if action_url is not None and not web_url(action_url) and not _OWN.fullmatch(action_url):
        raise ValueError("a form is posted to an http or https URL, or to a path")
    return (
        _templates()
        .get_template("page.html.jinja")
        .render(
            words=phrases(language),
            title=one_line(title),
            text=_paragraphs(text),
            button=None if button is None else one_line(button),
            action_url=action_url,
            fields=tuple(fields),
            asks=asks,
        )
    )


def one_line(text: str, longest: int = 0) -> str:
    """The text as one clean line; cut to `longest` characters where that is given, and never inside one that a
    reader sees as one."""
    line = _BLANKS.sub(" ", _SURROGATES.sub("\ufffd", _DROPPED.sub("", text))).strip()
    if not longest or len(line) <= longest:
        return line
    end = longest - 1
    while end and (_joins(line[end]) or line[end - 1] == "\u200d"):
        end -= 1
    return line[:end].rstrip() + "…"


def web_url(url: str) -> str:
    """The URL, or nothing where it is not an http or https one in plain ASCII."""
    return url if _WEB.fullmatch(url) else ""


def wrapped(text: str, indent: int = 0) -> str:
    """The lines of a text, broken at COLUMNS where words or Chinese characters allow it, and indented."""
    margin = " " * indent
    lines = [line for whole in text.split("\n") for line in _broken(whole, COLUMNS - indent)]
    return "\n".join(margin + line for line in lines)


def _broken(text: str, columns: int) -> Iterator[str]:
    line = ""
    for piece in _unbreakable(text):
        if line and _width(line) + _width(piece.rstrip()) > columns:
            yield line.rstrip()
            line = ""
        line += piece if line else piece.lstrip()
    yield line.rstrip()


def _unbreakable(text: str) -> Iterator[str]:
    """Words, and Chinese characters with the marks that may not begin or end a line."""
    piece = ""
    for part in _PIECES.findall(text):
        if piece and part[0] not in _CLOSING and piece[-1] not in _OPENING:
            yield piece
            piece = ""
        piece += part
    yield piece


def _width(text: str) -> int:
    return sum(0 if _joins(one) else 1 + (unicodedata.east_asian_width(one) in "WF") for one in text)


def _joins(character: str) -> bool:
    """Whether a character only changes the one before it: accents, variants, skin tones, the joiner of emoji."""
    return character in _JOINER or unicodedata.category(character).startswith("M")


def _paragraphs(text: str) -> list[str]:
    """The lines of a text that hold anything, each of them clean."""
    return [line for line in map(one_line, _BREAKS.split(text)) if line]


def _cleaned(message: Message) -> Message:
    return replace(
        message,
        recipient=one_line(message.recipient, 60),
        subject=one_line(message.subject, LONGEST_SUBJECT),
        groups=tuple(_clean_group(group) for group in message.groups),
        preferences_url=web_url(message.preferences_url),
        unsubscribe_url=web_url(message.unsubscribe_url),
    )


def _clean_group(group: Group) -> Group:
    entries = tuple(_clean_entry(entry) for entry in group.entries)
    return Group(one_line(group.title), web_url(group.url), entries)


def _clean_entry(entry: Entry) -> Entry:
    return replace(
        entry,
        title=one_line(entry.title),
        body="\n".join(_paragraphs(entry.body)),
        url=web_url(entry.url),
        actions=tuple(Action(one_line(action.label), action.url) for action in entry.actions if web_url(action.url)),
    )


@cache
def _templates() -> Environment:
    found = Environment(
        loader=PackageLoader("market.delivery"),
        autoescape=select_autoescape(("html.jinja",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    found.filters["wrapped"] = wrapped
    return found
