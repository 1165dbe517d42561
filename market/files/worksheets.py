"""One worksheet's XML as rows of cells, in a stream and within bounds. Knows no columns of ours."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import IO, Any, TypeAlias
from xml.parsers import expat

from market.files import messages
from market.files.faults import MOST_COLUMNS, MOST_ROWS, Refused, Trouble

SheetRow: TypeAlias = tuple[int, list[Any]]

_CHUNK = 1 << 16
_LONGEST_TOKEN = 4 * 1024 * 1024
_LONGEST_CELL = 1024 * 1024
_DEEPEST = 64
_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")
_LAST_DAY = 2_958_465  # 31 December 9999


@dataclass(frozen=True, slots=True)
class Book:
    """What a worksheet's cells refer to: shared texts, styles that show dates, and where days are counted from.

    `numbered` are the styles that show whole numbers as numbers of records: CG0012 is ("CG", 4).
    """

    strings: Sequence[str]
    date_styles: frozenset[str]
    epoch: int
    numbered: Mapping[str, tuple[str, int]]


def parser() -> expat.XMLParserType:
    """A parser that reads no document type, so that no entity can grow."""
    made = expat.ParserCreate()
    made.buffer_text = True

    def refuse(*_: object) -> None:
        raise Refused(messages.UNREADABLE.format(why="DOCTYPE"))

    made.StartDoctypeDeclHandler = refuse
    return made


def feed(made: expat.XMLParserType, stream: IO[bytes]) -> Iterator[None]:
    """Feed a parser, with a pause after each chunk. Refused where one token will not end, or the XML is broken."""
    fed = 0
    try:
        while chunk := stream.read(_CHUNK):
            made.Parse(chunk, False)
            fed += len(chunk)
            if fed - made.CurrentByteIndex > _LONGEST_TOKEN:
                raise Refused(messages.UNREADABLE.format(why="XML"))
            yield
        made.Parse(b"", True)
    except expat.ExpatError as error:
        raise Refused(messages.UNREADABLE.format(why=f"XML: {expat.ErrorString(error.code)}")) from None
    yield


def rows(stream: IO[bytes], book: Book) -> Iterator[SheetRow]:
    """The rows that hold anything, with the numbers a person sees. Refused beyond 200,000 of them or 300 columns."""
    made, found = parser(), list[SheetRow]()
    _listen(made, book, found)
    seen = 0
    for _ in feed(made, stream):
        for row in found:
            seen += 1
            if seen > MOST_ROWS + 1:
                raise Refused(messages.TOO_MANY_ROWS.format(most=MOST_ROWS), row[0])
            yield row
        found.clear()


def _listen(made: expat.XMLParserType, book: Book, found: list[SheetRow]) -> None:  # noqa: PLR0915
    """Collect rows as the parser tells them. One function, since it is called for each element of a sheet."""
    strings, known = book.strings, len(book.strings)
    columns: dict[str, int] = {}
    cells: list[Any] = []
    texts: list[str] = []
    row = column = others = length = 0
    in_row = in_cell = in_text = in_phonetic = is_formula = False
    reference = kind = style = ""
    names: dict[str, str] = {}

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal row, column, others, in_row, in_cell, in_text, in_phonetic, is_formula
        nonlocal reference, kind, style, length
        local = names.get(name) or names.setdefault(name, name.rpartition(":")[2])
        if local == "c":
            if in_cell or not in_row:
                raise broken()
            in_cell, is_formula = True, False
            reference, kind, style = attributes.get("r", ""), attributes.get("t", "n"), attributes.get("s", "")
            texts.clear()
        elif local in ("v", "t"):
            if in_text:
                raise broken()
            in_text, length = in_cell and not in_phonetic, 0
            others += 1
            if others > _DEEPEST:
                raise broken()
        elif local == "row":
            if in_row:
                raise broken()
            in_row, row, column = True, numbered(attributes.get("r"), row), -1
        else:
            others += 1
            if others > _DEEPEST or len(names) > 1000:
                raise broken()
            if local == "f":
                is_formula = True
            elif local == "rPh":
                in_phonetic = True

    def characters(text: str) -> None:
        nonlocal length
        if in_text:
            texts.append(text)
            length += len(text)
            if length > _LONGEST_CELL:
                raise broken()

    def end(name: str) -> None:  # noqa: PLR0912
        nonlocal others, in_row, in_cell, in_text, in_phonetic, column, cells
        local = names[name]
        if local in ("v", "t"):
            in_text = False
            others -= 1
        elif local == "c":
            in_cell = False
            letters = reference.rstrip("0123456789")
            column = columns.get(letters, -1) if letters else column + 1
            if column < 0:
                column = columns[letters] = _index(letters)
            if texts or is_formula:
                text = texts[0] if len(texts) == 1 else "".join(texts)
                value: Any
                if kind == "s" and text.isdecimal() and len(text) < 9 and int(text) < known:
                    value = strings[int(text)]  # most cells are so; _value would give the same
                else:
                    value = _value(text, kind, style, book) if texts else Trouble(messages.NO_VALUE)
                if column >= MOST_COLUMNS:
                    raise Refused(messages.TOO_MANY_COLUMNS.format(most=MOST_COLUMNS), row)
                if column >= len(cells):
                    cells.extend([""] * (column - len(cells)))
                    cells.append(value)
                else:
                    cells[column] = value
        elif local == "row":
            in_row = False
            if cells:
                found.append((row, cells))
                cells = []
        else:
            others -= 1
            if local == "rPh":
                in_phonetic = False

    def numbered(text: str | None, before: int) -> int:
        number = int(text) if text and text.isascii() and text.isdigit() and len(text) < 8 else before + 1
        if number <= before:
            raise broken()
        return number

    made.StartElementHandler, made.EndElementHandler, made.CharacterDataHandler = start, end, characters


def broken() -> Refused:
    """A worksheet that is none."""
    return Refused(messages.UNREADABLE.format(why="XML"))


def _index(letters: str) -> int:
    """The column (from 0) that a spreadsheet calls so; far beyond the last one where it is no name."""
    if not re.fullmatch("[A-Za-z]{1,3}", letters):
        raise broken()
    index = 0
    for one in letters.upper():
        index = index * 26 + ord(one) - 64
    return index - 1


def _value(text: str, kind: str, style: str, book: Book) -> Any:
    """What a cell holds: text, number, yes or no, date, or trouble."""
    if kind == "s":
        index = int(text) if text.isascii() and text.isdigit() and len(text) < 9 else -1
        if not 0 <= index < len(book.strings):
            raise broken()
        return book.strings[index]
    if kind == "n":
        value = _number(text, is_date=style in book.date_styles, epoch=book.epoch)
        return _as_shown(value, *book.numbered[style]) if style in book.numbered else value
    if kind == "b":
        return text.strip() in ("1", "true")
    if kind == "e":
        return Trouble(messages.CELL_ERROR.format(error=text.strip()[:20].replace("{", "").replace("}", "")))
    if kind == "d":
        return text.strip()
    return unescaped(text)


def _number(text: str, *, is_date: bool, epoch: int) -> Any:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        return Trouble(messages.CELL_ERROR.format(error="NaN"))
    if is_date and 1 <= value <= _LAST_DAY:
        if epoch == 1904:
            return _shifted(date(1904, 1, 1), int(value))
        # Before 1 March 1900 a spreadsheet counts a day that there was not.
        return _shifted(date(1899, 12, 31 if value < 60 else 30), int(value))
    return int(value) if value.is_integer() else value


def _as_shown(value: Any, before: str, width: int) -> Any:
    """A whole number as a text, where its format adds something that a person sees."""
    if type(value) is not int or value < 0 or not (before or len(str(value)) < width):
        return value
    return f"{before}{value:0{width}}"


def _shifted(day: date, days: int) -> Any:
    try:
        return day + timedelta(days=days)
    except OverflowError:
        return Trouble(messages.NO_DATE.format(value=days))


def unescaped(text: str) -> str:
    """A text with what a workbook writes as _x000D_."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text
