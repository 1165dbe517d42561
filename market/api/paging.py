"""Pages of lists, and their cursors: opaque, signed, and good only for the list that gave them."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any, Generic, TypeVar

import orjson
from flask import request
from itsdangerous import BadSignature, URLSafeSerializer

from market.api.calls import runtime
from market.api.doors import Answer
from market.errors import BadCursor

Row = TypeVar("Row")

_SALT = "page"
_NOT_PART_OF_THE_LIST = {"cursor", "limit", "highlight", "facets"}


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Some rows of a list, and the cursor to those after them; None at its end."""

    rows: Sequence[Row]
    next: str | None

    def answer(self, items: Iterable[Any], **beside: Any) -> Answer:
        """The rows in their outer shape, with what else there is to say of the list."""
        return Answer({"items": list(items), **beside, "next": self.next}, next_cursor=self.next)


def page(
    query: Mapping[str, Any],
    find: Callable[[Any, int], Iterable[Row]],
    *,
    place: Callable[[Row], Any] = attrgetter("id"),
) -> Page[Row]:
    """The page that a PageQuery asks for. `find(position, limit)` gives at most `limit` rows that come after the
    position, None being the beginning; `place` says a row's own: an id, a moment and an id, or a number."""
    limit = query["limit"]
    found = list(find(_position(decode(query.get("cursor"))), limit + 1))
    following = encode(_kept(place(found[limit - 1]))) if len(found) > limit else None
    return Page(found[:limit], following)


def _kept(position: Any) -> Any:
    """A position as JSON."""
    if isinstance(position, uuid.UUID):
        return position.hex
    if isinstance(position, tuple):
        moment, identity = position
        return [moment.isoformat(), identity.hex]
    return position


def _position(kept: Any) -> Any:
    """A position out of JSON."""
    if isinstance(kept, str):
        return uuid.UUID(kept)
    if isinstance(kept, list):
        moment, identity = kept
        return datetime.fromisoformat(moment), uuid.UUID(identity)
    return kept


def encode(position: Any) -> str:
    """A cursor for `position` (anything JSON can hold) in the list of this request."""
    return str(_serializer().dumps([_list(), position]))


def decode(cursor: str | None) -> Any:
    """The position a cursor holds; None without one. Raises BadCursor for forged ones and those of other lists."""
    if not cursor:
        return None
    try:
        of_list, position = _serializer().loads(cursor)
    except (BadSignature, ValueError, TypeError):
        raise BadCursor from None
    if of_list != _list():
        raise BadCursor
    return position


def _list() -> str:
    """What makes two requests ask for the same list: path, filters and order."""
    arguments = sorted((k, v) for k, v in request.args.items(multi=True) if k not in _NOT_PART_OF_THE_LIST)
    return hashlib.sha256(orjson.dumps([request.path, arguments])).hexdigest()[:16]


def _serializer() -> URLSafeSerializer:
    return URLSafeSerializer(runtime().secret, salt=_SALT)
