"""Messages as lines of text for chats, where titles that people wrote must stay text, whatever the chat can read."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from market.delivery.messages import Message

LONGEST_TITLE = 200
"""Characters; a longer one is cut."""

_FULL_WIDTH = {ord(sign): chr(ord(sign) + 0xFEE0) for sign in "[]()*_`>#<&|~@\\"}
"""The chats' dialects of Markdown agree on no way to escape. The full-width forms look alike and mean nothing."""

_SCHEME = re.compile(r":(?=//)")
_DOMAIN = re.compile(r"(?<=\w)\.(?=[^\W\d_])")  # chats make links of bare names; 2.0 stays as it is
_OTHER = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


@dataclass(frozen=True, slots=True)
class Line:
    """Inert text, of an entry with its page or of a heading."""

    text: str
    url: str = ""
    entry: bool = False


def inert(text: str, longest: int = LONGEST_TITLE) -> str:
    """The text in one line, in which nothing is a link, a mention, a tag or a mark, or turns its direction."""
    shown = "".join(" " if unicodedata.category(sign) in _OTHER else sign for sign in text)
    shown = " ".join(shown.split())
    shown = _DOMAIN.sub("．", _SCHEME.sub("：", shown)).translate(_FULL_WIDTH)
    return shown if len(shown) <= longest else shown[: longest - 1].rstrip() + "…"


def linked(url: str) -> str:
    """The URL so that it can stand between round brackets; empty where it is none of the web."""
    return quote(url, safe="%/:?#&=+,;@$'.-_~!") if url.startswith(("https://", "http://")) else ""


def heading(message: Message) -> str:
    """The first line. It always holds the name, which a robot that asks for a keyword can be given."""
    return f"Qiao 桥 · {inert(message.subject)}"


def lines(message: Message) -> list[Line]:
    """One line an entry; before them, where there are several, what listing they are about."""
    if message.kind == "test":
        told = "这是一条测试消息，设置正确。" if message.language == "zh" else "This is a test: messages arrive here."
        return [Line(told)]
    found: list[Line] = []
    several = len(message.entries) > 1
    for group in message.groups:
        if several and group.title and group.entries:
            found.append(Line(inert(group.title)))
        found += [Line(inert(entry.title), linked(entry.url), entry=True) for entry in group.entries]
    return found


def fitting(message: Message, fits: Callable[[Sequence[Line]], bool]) -> list[Line]:
    """As many lines as fit, cut between entries; the last then says how many are left out."""
    whole = lines(message)
    if fits(whole):
        return whole
    count = len(message.entries)
    most, least = count, 0
    while least < most:
        middle = (least + most + 1) // 2
        if fits(_first(whole, middle, count, message.language)):
            least = middle
        else:
            most = middle - 1
    return _first(whole, least, count, message.language)


def _first(whole: Sequence[Line], kept: int, count: int, language: str) -> list[Line]:
    found: list[Line] = []
    waiting: list[Line] = []  # a heading is shown only with an entry
    for line in whole:
        waiting.append(line)
        if line.entry:
            if kept == 0:
                break
            kept -= 1
            found += waiting
            waiting = []
    left = count - sum(1 for line in found if line.entry)
    return [*found, Line(f"还有 {left} 条" if language == "zh" else f"+{left} more")]
