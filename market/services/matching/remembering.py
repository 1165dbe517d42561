"""Reads what matching needs of listings, and remembers it as long as the database has the same."""

from __future__ import annotations

import threading
import uuid
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlmodel import Session, col

from market.db import listed
from market.matching.likeness import Ready, Scale
from market.matching.signatures import FORMAT, Signature, unpack
from market.models import Signature as Row

MOST = 192 << 20
"""Bytes that a process remembers: some fifteen thousand listings."""

_BESIDE = 4_000  # bytes of the objects around a listing's arrays, about

# Of the body only its length: that is known without reading it.
_STAMP = (Row.version, Row.model, func.length(Row.body), func.length(Row.vectors))


class _Kept(NamedTuple):
    stamp: tuple[Any, ...]
    scale: Scale
    ready: Ready
    size: int


class Signatures:
    """Listings ready to be compared, as the database has them now. To ask whether one is still the same takes a tenth
    of the time that reading, unpacking and weighing it take, so the last ones are remembered. Safe for many threads.
    """

    def __init__(self, *, most: int = MOST) -> None:
        """`most`: bytes that may be remembered."""
        self.size = 0
        self._most = most
        self._lock = threading.Lock()
        self._kept: OrderedDict[uuid.UUID, _Kept] = OrderedDict()

    def of(self, session: Session, ids: Sequence[uuid.UUID], scale: Scale) -> list[Ready | None]:
        """Each of these listings; None where it has no signature of the present format."""
        found = self._unchanged(session, ids, scale)
        missing = [place for place, one in enumerate(found) if one is None]
        for place, one in _read(session, [ids[place] for place in missing], scale):
            found[missing[place]] = one
        self._remember(ids, found)
        return [None if one is None else one.ready for one in found]

    def _unchanged(self, session: Session, ids: Sequence[uuid.UUID], scale: Scale) -> list[_Kept | None]:
        with self._lock:
            kept = [self._kept.get(one) for one in ids]
        known = [(place, one) for place, one in enumerate(kept) if one is not None]
        found: list[_Kept | None] = [None] * len(ids)
        for nth, *stamp in _rows(session, [ids[place] for place, _ in known], *_STAMP):
            place, one = known[nth]
            if one.stamp == tuple(stamp):
                found[place] = one
        old = [(place, one) for place, one in enumerate(found) if one is not None and one.scale is not scale]
        anew = Ready.by(scale, [one.ready.signature for _, one in old])
        for (place, one), ready in zip(old, anew, strict=True):
            found[place] = one._replace(scale=scale, ready=ready)
        return found

    def _remember(self, ids: Sequence[uuid.UUID], found: Sequence[_Kept | None]) -> None:
        with self._lock:
            for identity, one in zip(ids, found, strict=True):
                if one is None or not _settled(one.ready.signature):
                    continue
                before = self._kept.get(identity)
                self.size += one.size - (0 if before is None else before.size)
                self._kept[identity] = one
                self._kept.move_to_end(identity)
            while self.size > self._most:
                self.size -= self._kept.popitem(last=False)[1].size


def _settled(signature: Signature) -> bool:
    """Whether its stamp will change with it: where the vectors of some texts are still to be made, it will not."""
    return signature.vectors is None or bool(signature.vectors.any(axis=1).all())


def _read(session: Session, ids: Sequence[uuid.UUID], scale: Scale) -> Iterator[tuple[int, _Kept]]:
    read = [
        (
            place,
            tuple(stamp),
            2 * (len(body) + len(vectors or b"")) + _BESIDE,
            unpack(body, digests=digests, vectors=vectors, model=stamp[1]),
        )
        for place, body, digests, vectors, *stamp in _rows(session, ids, Row.body, Row.digests, Row.vectors, *_STAMP)
    ]
    ready = Ready.by(scale, [signature for *_, signature in read])
    for (place, stamp, size, _), one in zip(read, ready, strict=True):
        yield place, _Kept(stamp, scale, one, size)


def _rows(session: Session, ids: Sequence[uuid.UUID], *columns: Any) -> Iterable[Any]:
    """These columns of each that has a signature of the present format, after its place."""
    if not ids:
        return ()
    wanted = listed(session, ids)
    rows = select(wanted.c.place, *columns).join_from(wanted, Row, col(Row.listing_id) == wanted.c.id)
    return session.execute(rows.where(col(Row.format) == FORMAT))
