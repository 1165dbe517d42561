"""Messages for the tests of robots, webhooks and Apprise."""

from __future__ import annotations

from datetime import UTC, datetime

from market.delivery.messages import Entry, Group, Message, MessageKind

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
BODY = "nobody-is-sent-this"


def entry(number: int = 1, title: str = "A new match", kind: str = "match_found") -> Entry:
    """One notification."""
    return Entry(
        id=f"n{number}",
        kind=kind,
        title=title,
        body=BODY,
        url=f"https://qiao.example/matches/m{number}",
        at=NOW,
        noun="demands",
        listing_id=f"d{number}",
        match_id=f"m{number}",
    )


def message(*titles: str, kind: MessageKind = "event", language: str = "en", group: str = "") -> Message:
    """A message with an entry for each title."""
    entries = tuple(entry(number, title) for number, title in enumerate(titles, start=1))
    subject = "有新消息" if language == "zh" else "News for you"
    groups = (Group(group, "https://qiao.example/demands/d1", entries),) if entries else ()
    return Message("msg_1", kind, language, "Wang", subject, groups)
