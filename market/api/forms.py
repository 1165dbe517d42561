"""Forms with a file (multipart/form-data): read within their own limit, loaded as every other body."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson
from flask import request
from marshmallow import Schema, ValidationError
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import RequestEntityTooLarge, UnsupportedMediaType

from market.errors import Invalid
from schemas.base import pointers
from schemas.imports import Uploaded

_BESIDE = 64 * 1024  # bytes of the other fields, and of what parts them


def load(schema: Schema, limit: int) -> tuple[Any, bytes]:
    """The form through its schema, its files as `Uploaded`, none of more than `limit` bytes; and what makes two such
    forms the same, however they are parted."""
    request.max_content_length = limit + _BESIDE
    request.max_form_memory_size = limit  # a field of text may be the file too
    if request.mimetype != "multipart/form-data":
        raise UnsupportedMediaType
    files = {name: _read(file, limit) for name, file in request.files.items()}
    given: dict[str, Any] = {**request.form.to_dict(), **files}
    try:
        return schema.load(given), _canonical(given)
    except ValidationError as error:
        raise Invalid(pointers(error.messages)) from error


def _read(file: FileStorage, limit: int) -> Uploaded:
    with file.stream as stream:
        content = stream.read(limit + 1)
    if len(content) > limit:
        raise RequestEntityTooLarge
    return Uploaded(file.filename or "", content)


def _canonical(given: dict[str, Any]) -> bytes:
    """A file by its digest: clients part the same form differently each time."""
    fields = {
        name: [one.name, hashlib.sha256(one.content).hexdigest()] if isinstance(one, Uploaded) else one
        for name, one in given.items()
    }
    return orjson.dumps(fields, option=orjson.OPT_SORT_KEYS)
