"""Bytes of a text file as decoded records: which encoding, which delimiter, where quotes break. Knows no columns."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO, TypeAlias

from market.files import messages
from market.files.faults import MOST_COLUMNS, Fault, Refused
from schemas.messages import Message

Record: TypeAlias = tuple[int, list[str]]

LONGEST_LINE = 1024 * 1024
DELIMITERS = ",;\t"
_CHUNK = 1 << 16
_CHINESE = re.compile(r"[ -￿]+")
# Read as GB18030, a letter with an accent takes the Latin letter after it along: für is f黵, and its second byte a
# letter. Of Chinese characters few have such a byte, and hardly any of them stands alone beside Latin letters. What
# could be either (p型GaN, Größe, dégâts) says nothing.
_RUNS = re.compile(r"[^\0-\x7f]+")
_NEARLY_ALL = 9  # so many of these for each that is Chinese
_ENOUGH = 1000  # characters to judge by


def encoding_of(source: BinaryIO) -> str:
    """The encoding of a whole file: utf-8-sig, utf-16 or gb18030. Refused, by line, where it has none or two, or has
    another one that only looks like GB18030."""
    source.seek(0)
    head = source.read(4)
    if head[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        _first_bad_line(source, "utf-16", refuse=True)
        return "utf-16"
    if _first_bad_line(source, "utf-8") is None:
        return "utf-8-sig"
    _refuse_mixed(source)
    _first_bad_line(source, "gb18030", refuse=True)
    _refuse_western(source)
    return "gb18030"


def _first_bad_line(source: BinaryIO, encoding: str, *, refuse: bool = False) -> int | None:
    source.seek(0)
    decoder, line, before = codecs.getincrementaldecoder(encoding)("strict"), 1, ""
    while True:
        chunk = source.read(_CHUNK)
        try:
            text = decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            line += _line_ends(bytes(error.object[: error.start]).decode(error.encoding), before)
            if refuse:
                raise Refused(messages.NO_ENCODING, line) from None
            return line
        line += _line_ends(text, before)
        if not chunk:
            return None
        before = text[-1:] or before


def _line_ends(text: str, before: str) -> int:
    """How many lines end in a text, with LF, CR LF or CR alone; `before` is the character before it."""
    ends = text.count("\n")
    if "\r" in text:
        ends += text.count("\r") - text.count("\r\n")
    return ends - 1 if before == "\r" and text.startswith("\n") else ends


def _raw_lines(source: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Lines that are no ASCII, with their numbers: in UTF-8 and GB18030 no character has a byte that ends a line."""
    with _decoded(source, "latin-1") as text:
        for number, line in enumerate(iter(lambda: text.readline(LONGEST_LINE), ""), start=1):
            if not line.isascii():
                yield number, line.encode("latin-1")


def _refuse_mixed(source: BinaryIO) -> None:
    """A line of UTF-8 among lines that are not, or the other way round."""
    before = ""
    for number, line in _raw_lines(source):
        here = _encoding_of_line(line)
        if here and before and here != before:
            raise Refused(messages.MIXED.format(here=here, before=before), number)
        before = before or here


def _refuse_western(source: BinaryIO) -> None:
    """A file of Latin letters, some with accents, in an encoding of Western Europe."""
    first = western = chinese = 0
    for number, line in _raw_lines(source):
        text = line.decode("gb18030", "replace")
        for found in _RUNS.finditer(text):
            around = text[found.start() - 1 : found.start()] + text[found.end() : found.end() + 1]
            latin = sum(one.isalpha() for one in around)
            if found[0].encode("gb18030")[1::2].isalpha():
                western += len(found[0]) == 1 and latin > 0
            elif len(found[0]) > 1 or latin < 2:
                chinese += len(found[0])
        first = first or (number if western else 0)
        if western + chinese > _ENOUGH:
            break
    if western and western >= _NEARLY_ALL * chinese:
        raise Refused(messages.NO_ENCODING, first)


def _encoding_of_line(line: bytes) -> str:
    """GB18030 where it is no UTF-8; nothing where it is too short to tell: 联通 in GBK is UTF-8 as well."""
    try:
        foreign = [character for character in line.decode() if ord(character) > 127]
    except UnicodeDecodeError:
        return "GB18030"
    return "UTF-8" if len(foreign) > 2 and all(map(_CHINESE.fullmatch, foreign)) else ""


@contextmanager
def _decoded(source: BinaryIO, encoding: str) -> Iterator[io.TextIOWrapper]:
    """The text of a file, which is left open afterwards."""
    source.seek(0)
    text = io.TextIOWrapper(source, encoding=encoding, newline="")
    try:
        yield text
    finally:
        text.detach()


def _lines(text: io.TextIOWrapper, first: list[int]) -> Iterator[str]:
    """Physical lines, none too long. `first` holds at which line the record began."""
    number = 0
    while line := text.readline(LONGEST_LINE):
        number += 1
        if len(line) >= LONGEST_LINE:
            raise Refused(messages.TOO_LONG_LINE.format(most=LONGEST_LINE), first[0])
        yield line


def delimiter_of(source: BinaryIO, encoding: str, score: Callable[[Sequence[str]], int]) -> str:
    """The delimiter with which the first lines have most of what `score` counts, or else most cells."""
    with _decoded(source, encoding) as text:
        try:
            first = [line for line, _ in zip(_lines(text, [1]), range(12), strict=False)]
        except Refused:
            return ","
    if found := re.fullmatch(r"sep=(.)\s*", first[0] if first else "", re.IGNORECASE):
        return found[1] if found[1] in DELIMITERS else ","

    def worth(delimiter: str) -> tuple[int, int]:
        try:
            records = [record[:MOST_COLUMNS] for record in csv.reader(first, delimiter=delimiter)]
        except csv.Error:
            return 0, 0
        return max(map(score, records), default=0), max(map(len, records), default=0)

    return max(DELIMITERS, key=worth)


def records(source: BinaryIO, encoding: str, delimiter: str) -> Iterator[Record | Fault]:
    """The records of a CSV file with the physical lines where they begin; what has broken quotes is a fault.

    Refused where nothing after a line can be trusted: a quote that is never closed, a line that is too long.
    """
    first = [1]
    with _decoded(source, encoding) as text:
        found = csv.reader(_lines(text, first), delimiter=delimiter, strict=True)
        while True:
            first[0] = found.line_num + 1
            try:
                record = next(found, None)
            except csv.Error as error:
                told = _broken(error)
                if found.line_num != first[0] or told is messages.OPEN_QUOTE:
                    raise Refused(messages.OPEN_QUOTE, first[0]) from None
                yield Fault(first[0], "", told)
                continue
            if record is None:
                return
            if len(record) > MOST_COLUMNS and any(record[MOST_COLUMNS:]):
                raise Refused(messages.TOO_MANY_COLUMNS.format(most=MOST_COLUMNS), first[0])
            if first[0] == 1 and re.fullmatch(r"sep=.?", record[0] if record else "", re.IGNORECASE):
                continue
            yield first[0], record


def _broken(error: csv.Error) -> Message:
    return messages.BROKEN_QUOTES if "expected after" in str(error) else messages.OPEN_QUOTE
