"""Keys of rows: which listing one means by its id, and whether it came on an earlier line of the file already."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import select
from sqlmodel import Session, col

from market.db import listed
from market.files.faults import Row
from market.models import Listing
from market.services.files.parties import Parties, Party
from schemas.messages import Message

ANOTHERS = Message(
    "The key is the id of a listing of another organisation; nothing was changed.",
    "该编号是其他机构的记录的标识，未作更改。",
)
AGAIN = Message(
    "The same row, with the same key, stands on line {line}; this one was passed by.",
    "第{line}行已有编号和内容相同的记录，已跳过本行。",
)
OTHERWISE = Message(
    "Line {line} has the same key and says something else; only that line was taken.",
    "第{line}行已使用该编号且内容不同，只采用了该行。",
)

_ID = re.compile("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_LENGTH = 36
_LINES = 32  # bits that a line's number takes beside the digest of what it says
_MASK = (1 << _LINES) - 1

Seen = dict[int, int]
"""Of each key that was taken, as a digest: the digest of its row, and its line. A long file takes little memory."""


@dataclass(frozen=True, slots=True)
class Meant:
    """A listing whose id stands where a key is expected."""

    id: uuid.UUID
    organisation_id: uuid.UUID
    external_key: str | None


def meant(session: Session, model: type[Listing], keys: Iterable[str]) -> dict[str, Meant]:
    """The listings of this kind whose ids these keys are, by key: exports write the id where they show no key."""
    ids = {key: uuid.UUID(key) for key in keys if len(key) == _LENGTH and _ID.fullmatch(key)}
    if not ids:
        return {}
    wanted = listed(session, [*{*ids.values()}])
    columns: tuple[Any, ...] = (model.id, model.organisation_id, model.external_key)
    rows = session.execute(select(*columns).join(wanted, col(model.id) == wanted.c.id))
    found = {row.id: Meant(row.id, row.organisation_id, row.external_key) for row in rows}
    return {key: found[identity] for key, identity in ids.items() if identity in found}


def whose(
    row: Row, named: Parties, meant: Mapping[str, Meant], homes: Mapping[uuid.UUID, Party | Message]
) -> Party | Message:
    """The organisation that the row names, else the one whose the listing of this id is; or why it is none."""
    name = row.data.get("organisation", "")
    found = named.organisations[name]
    if not name and row.data["key"] in meant:
        return homes.get(meant[row.data["key"]].organisation_id, found)
    return found


def digests(row: Row, whose: Party) -> tuple[int, int]:
    """What a row is remembered by: its key within its organisation, and what it says with its line."""
    said = hash(orjson.dumps(row.data, option=orjson.OPT_SORT_KEYS))
    return hash((whose.id or whose.name, row.data["key"])), said << _LINES | row.line


def earlier(seen: Seen, key: int, said: int) -> tuple[bool, Message] | None:
    """Where an earlier line took this key: whether it says the same, and what is to be told of that."""
    before = seen.get(key)
    if before is None or before & _MASK == said & _MASK:  # the line itself: its batch is tried once more
        return None
    same = before >> _LINES == said >> _LINES
    return same, (AGAIN if same else OTHERWISE).format(line=before & _MASK)


def up_to(seen: Seen, line: int) -> Seen:
    """What was taken on the lines up to this one."""
    return {key: said for key, said in seen.items() if said & _MASK <= line}
