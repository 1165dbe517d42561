"""What is told, before any channel has put it into its own form. Thin: titles and links, nothing confidential."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

MessageKind = Literal["event", "digest", "test"]
"""One thing told at once; several told together; or a trial that tells nothing."""


@dataclass(frozen=True, slots=True)
class Action:
    """What can be done with one click: opening `url` shows a page, and only its button acts."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One notification: its id, its kind (a code of notification_kinds), its words, and the page it leads to."""

    id: str
    kind: str
    title: str
    body: str
    url: str
    at: datetime
    noun: str = ""  # of the listing it is about
    listing_id: str = ""
    match_id: str = ""
    actions: tuple[Action, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """The entries about one listing, best first; `title` is empty where they are about none."""

    title: str
    url: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Message:
    """What one delivery tells one person. The id is the delivery's, the same in every attempt."""

    id: str
    kind: MessageKind
    language: str  # zh or en
    recipient: str  # a name, to greet
    subject: str
    groups: tuple[Group, ...] = ()
    preferences_url: str = ""
    unsubscribe_url: str = ""

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All entries, in order."""
        return tuple(entry for group in self.groups for entry in group.entries)
