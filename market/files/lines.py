"""Rows of a file with one JSON object a line. Knows no tables."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO

import orjson
from marshmallow import ValidationError

from market.files import cells, lists, messages
from market.files.columns import by_header, columns_of, normalised
from market.files.faults import MOST_ROWS, Fault, Refused, Row
from market.files.terms import folded
from market.files.texts import LONGEST_LINE
from schemas.base import pointers
from schemas.messages import Message
from schemas.quick import loader
from schemas.rows import ROWS


def objects(source: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Lines that are not blank, with their numbers. A line that is too long comes cut, one byte beyond the limit."""
    source.seek(0)
    if source.read(3) != codecs.BOM_UTF8:
        source.seek(0)
    number, rows = 0, 0
    while line := source.readline(LONGEST_LINE + 2):
        number += 1
        if len(line) > LONGEST_LINE + 1 and not line.endswith(b"\n"):
            _skip_line(source)
        if not line.isspace():
            rows += 1
            if rows > MOST_ROWS:
                raise Refused(messages.TOO_MANY_ROWS.format(most=MOST_ROWS), number)
            yield number, line


def _skip_line(source: BinaryIO) -> None:
    while (rest := source.readline(LONGEST_LINE)) and not rest.endswith(b"\n"):
        pass


def read(
    kind: str,
    source: BinaryIO,
    *,
    mapping: Mapping[str, str] | None = None,
    words: Mapping[str, Mapping[str, str]] | None = None,
    start: int = 0,
) -> Iterator[Row | Fault]:
    """The rows after line `start`, each through its schema, and faults by JSON pointer."""
    load = loader(ROWS[kind]())
    ours = _translator(kind, mapping, words) if mapping or words else None
    for number, line in objects(source):
        if number <= start:
            continue
        if len(line.rstrip(b"\r\n")) > LONGEST_LINE:
            yield Fault(number, "", messages.TOO_LONG_LINE.format(most=LONGEST_LINE))
            continue
        try:
            data = orjson.loads(line)
            if ours and isinstance(data, dict):
                told = ours(data)
                if told:
                    yield from (Fault(number, pointer, message) for pointer, message in told)
                    continue
            yield Row(number, load(data))
        except orjson.JSONDecodeError as error:
            yield Fault(number, "", messages.NOT_JSON.format(why=str(error)[:100].replace("{", "").replace("}", "")))
        except ValidationError as error:
            for pointer, texts in pointers(error.messages).items():
                yield from (Fault(number, pointer, as_message(text)) for text in texts)


def as_message(text: Any) -> Message:
    """A message as it is; any other text the same in both languages."""
    return text if isinstance(text, Message) else Message(str(text), str(text))


def _translator(
    kind: str, mapping: Mapping[str, str] | None, words: Mapping[str, Mapping[str, str]] | None
) -> Callable[[dict[str, Any]], list[tuple[str, Message]]]:
    """Renames the fields of an object and puts our words for foreign ones, in place; gives what it could not read."""
    names = by_header(mapping)
    ours = {
        column.name: (
            cells.reader(column, words=words[column.name]),
            {folded(word) for word in words[column.name]},
        )
        for column in columns_of(kind)
        if words and column.name in words
    }

    def translate(data: dict[str, Any]) -> list[tuple[str, Message]]:
        told = []
        for name in list(data):
            field = names.get(normalised(name), name)
            value = data.pop(name)
            if field == "":
                continue
            read, known = ours.get(field, (None, set()))
            try:
                if read and _has_words(value, known):
                    value = read(lists.written(value) if isinstance(value, list) else value)
                if value is not None or field not in ours:
                    data[field] = value
            except cells.BadCell as error:
                told.append((f"/{field}", error.message))
        return told

    return translate


def _has_words(value: Any, known: set[str]) -> bool:
    """Whether a text, or any of a list of texts, is a foreign word."""
    if isinstance(value, str):
        return folded(value) in known
    return (
        isinstance(value, list)
        and all(isinstance(one, str) for one in value)
        and any(folded(one) in known for one in value)
    )
