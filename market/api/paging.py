"""Page cursors: opaque, signed, and good only for the list that gave them."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson
from flask import request
from itsdangerous import BadSignature, URLSafeSerializer

from market.errors import BadCursor

_SALT = "page"
_NOT_PART_OF_THE_LIST = {"cursor", "limit", "highlight", "facets"}


def encode(secret: str, position: Any) -> str:
    """A cursor for `position` (anything JSON can hold) in the list of this request."""
    return str(_serializer(secret).dumps([_list(), position]))


def decode(secret: str, cursor: str | None) -> Any:
    """The position a cursor holds; None without one. Raises BadCursor for forged ones and those of other lists."""
    if not cursor:
        return None
    try:
        of_list, position = _serializer(secret).loads(cursor)
    except (BadSignature, ValueError, TypeError):
        raise BadCursor from None
    if of_list != _list():
        raise BadCursor
    return position


def _list() -> str:
    """What makes two requests ask for the same list: path, filters and order."""
    arguments = sorted((k, v) for k, v in request.args.items(multi=True) if k not in _NOT_PART_OF_THE_LIST)
    return hashlib.sha256(orjson.dumps([request.path, arguments])).hexdigest()[:16]


def _serializer(secret: str) -> URLSafeSerializer:
    return URLSafeSerializer(secret, salt=_SALT)
