"""Exports: a search -> ids in its order -> rows as they are now, in batches. Knows no format and counts no quota."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from market.db import Database
from market.models import LISTINGS, Listing
from market.services.listings import listings
from market.services.rights.access import Principal
from market.services.search import searching
from search.embedding import Embedder
from search.engine import Engine

Shown = Callable[[Session, Sequence[Listing]], Sequence[Mapping[str, Any]]]

_PAGE = 1_000  # hits at a time, as many as an engine gives
_BATCH = 200  # rows at a time
# How a search is shown, which a file has nothing of.
_SHOWING = ("facets", "highlight", "limit", "format", "labels")


@dataclass(frozen=True, slots=True)
class Selection:
    """What is exported: ids in order; `truncated` where more was found than an export, or its limit, holds."""

    noun: str
    ids: tuple[uuid.UUID, ...]
    truncated: bool


def select(
    session: Session,
    engine: Engine,
    principal: Principal,
    noun: str,
    asked: Mapping[str, Any],
    *,
    embedder: Embedder | None = None,
    most: int | None = None,
) -> Selection:
    """Everything that a search finds for this caller, up to its `limit`, and to `most` where that is given. `asked`
    has passed its export schema.

    All is found before anything is sent, so that what goes wrong can still be answered. Raises as searches do.
    """
    most = min(asked["limit"], searching.DEEPEST, searching.DEEPEST if most is None else most)
    narrowed = {name: value for name, value in asked.items() if name not in _SHOWING}
    found: dict[uuid.UUID, None] = {}  # a listing that moves meanwhile is found on two pages
    offset: int | None = 0
    total = 0
    while offset is not None and len(found) < most:
        page = searching.run(
            session, engine, principal, noun, narrowed, embedder=embedder, offset=offset, limit=_PAGE
        )  # fmt: skip
        found.update((uuid.UUID(hit.id), None) for hit, _ in page.hits)
        offset, total = page.next_offset, page.total
    return Selection(noun, tuple(found)[:most], truncated=total > most)


def rows(
    db: Database,
    principal: Principal,
    selection: Selection,
    shown: Shown,
    *,
    on_rows: Callable[[int], None],
    batch: int = _BATCH,
) -> Iterator[Mapping[str, Any]]:
    """The listings of a selection, as `shown` shows them to the caller; what they may not see any more is left out.

    Each `batch` is read in a transaction of its own: a slow reader holds none open. `on_rows` hears of each batch
    how many rows it has, before they are given; what it raises ends the export.
    """
    model = LISTINGS[selection.noun]
    for begin in range(0, len(selection.ids), batch):
        wanted = list(selection.ids[begin : begin + batch])
        with db.reading() as session:
            present = listings.of_ids(session, principal, model, wanted)
            read = shown(session, [present[identity] for identity in wanted if identity in present])
        on_rows(len(read))
        yield from read
