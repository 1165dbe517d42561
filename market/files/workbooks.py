"""A workbook (.xlsx): whether it is safe to open, its sheets, its texts and styles. Reads no rows of ours."""

from __future__ import annotations

import re
import struct
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, BinaryIO

from market.files import messages
from market.files.faults import Refused
from market.files.worksheets import Book, broken, feed, parser, unescaped

MOST_MEMBERS, MOST_UNPACKED, DENSEST = 1000, 200 * 10**6, 100
MOST_STRINGS, MOST_STRING_BYTES = 2_000_000, 160 * 10**6
MOST_MERGED = 10_000
_SMALL_PART = 16 * 10**6

# Built-in number formats that show a day; 27 to 36 and 50 to 58 do so in East Asian installations.
_DATE_FORMATS = {*range(14, 23), *range(27, 37), *range(50, 59)}
_QUOTED = re.compile(r"\"[^\"]*\"|\\.|_.|\*.|\[[^\]]*\]")
# 0000 or "CG"0000: a number of a record, not an amount.
_NUMBERING = re.compile(r'(?:"([A-Za-z0-9-]{1,32})")?(0{1,32})')
_OFFICE = (b"E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e\0", b"EncryptedPackage")


@dataclass(frozen=True, slots=True)
class Sheet:
    """A worksheet: its name, its part of the package, and whether people see it."""

    name: str
    part: str
    visible: bool


@dataclass(frozen=True, slots=True)
class Workbook:
    """An open workbook."""

    package: zipfile.ZipFile
    sheets: tuple[Sheet, ...]
    book: Book


@contextmanager
def reading() -> Iterator[None]:
    """Turns what a broken package raises into Refused."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, NotImplementedError, struct.error) as error:
        raise Refused(messages.UNREADABLE.format(why=type(error).__name__)) from None
    except (RuntimeError, OSError, UnicodeError, ValueError, OverflowError) as error:
        why = "encrypted" if "encrypted" in str(error) else type(error).__name__
        raise Refused(messages.UNREADABLE.format(why=why)) from None


def refuse_old(source: BinaryIO) -> None:
    """Says what a compound file is: a workbook with a password, or one of the old kind."""
    source.seek(0)
    content = source.read(MOST_UNPACKED)
    raise Refused(messages.ENCRYPTED if any(name in content for name in _OFFICE) else messages.OLD_EXCEL)


def open_package(source: BinaryIO) -> zipfile.ZipFile:
    """The package, once its directory shows that it is bounded. Refused otherwise, before anything is unpacked."""
    _check_directory(source)
    with reading():
        package = zipfile.ZipFile(source)
        members = package.infolist()
    if any(member.flag_bits & 1 for member in members):
        raise Refused(messages.ENCRYPTED)
    if any(member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for member in members):
        raise Refused(messages.UNREADABLE.format(why="zip"))
    unpacked, packed = sum(one.file_size for one in members), sum(one.compress_size for one in members)
    if unpacked > MOST_UNPACKED:
        raise Refused(messages.TOO_BIG_INSIDE.format(most=MOST_UNPACKED // 10**6))
    if unpacked > DENSEST * max(packed, 1):
        raise Refused(messages.TOO_DENSE.format(most=DENSEST))
    return package


def _check_directory(source: BinaryIO) -> None:
    """The end of the package tells how many members there are, before a list of them is made."""
    size = source.seek(0, 2)
    source.seek(max(0, size - 22 - 65_535))
    tail = source.read()
    at = tail.rfind(b"PK\5\6")
    if at < 0 or len(tail) < at + 22:
        raise Refused(messages.UNREADABLE.format(why="zip"))
    count, length = struct.unpack_from("<HI", tail, at + 10)
    if count > MOST_MEMBERS or length > MOST_MEMBERS * 512:
        raise Refused(messages.TOO_MANY_PARTS.format(most=MOST_MEMBERS))
    source.seek(0)


def open_workbook(source: BinaryIO) -> Workbook:
    """The sheets of a workbook, and what their cells refer to. Refused where it is no .xlsx, or holds too much."""
    package = open_package(source)
    with reading():
        names = set(package.namelist())
        main = _main_part(package, names)
        folder = main.rpartition("/")[0]
        targets = _relations(package, f"{folder}/_rels/{main.rpartition('/')[2]}.rels", folder)
        sheets, epoch = _sheets(package, main, targets)
        strings = next((part for kind, part in targets.values() if kind == "sharedStrings" and part in names), None)
        styles = next((part for kind, part in targets.values() if kind == "styles" and part in names), None)
        return Workbook(
            package,
            tuple(sheet for sheet in sheets if sheet.part in names),
            _book(_strings(package, strings), _formats(package, styles), epoch),
        )


def _main_part(package: zipfile.ZipFile, names: set[str]) -> str:
    found = _relations(package, "_rels/.rels", "") if "_rels/.rels" in names else {}
    main = next((part for kind, part in found.values() if kind == "officeDocument"), "xl/workbook.xml")
    if main not in names or not main.endswith(".xml") or not main.startswith("xl/"):
        raise Refused(messages.OTHER_OFFICE)
    return main


def _walk(package: zipfile.ZipFile, part: str, start: Callable[[str, dict[str, str]], None]) -> None:
    """Tell the elements of a small part by their local names, with their attributes by theirs."""
    if package.getinfo(part).file_size > _SMALL_PART:
        raise broken()
    made = parser()
    deep = 0

    def first(name: str, attributes: dict[str, str]) -> None:
        nonlocal deep
        deep += 1
        if deep > 100:
            raise broken()
        start(name.rpartition(":")[2], attributes)

    def end(_: str) -> None:
        nonlocal deep
        deep -= 1

    made.StartElementHandler, made.EndElementHandler = first, end
    with package.open(part) as stream:
        for _ in feed(made, stream):
            pass


def _relations(package: zipfile.ZipFile, part: str, folder: str) -> dict[str, tuple[str, str]]:
    """Relation -> (the kind, the part it leads to); what lies outside the package is left out."""
    found: dict[str, tuple[str, str]] = {}

    def start(name: str, attributes: dict[str, str]) -> None:
        if name == "Relationship" and attributes.get("TargetMode") != "External":
            target = attributes.get("Target", "")
            full = target[1:] if target.startswith("/") else f"{folder}/{target}".lstrip("/")
            found[attributes.get("Id", "")] = (attributes.get("Type", "").rpartition("/")[2], full)

    _walk(package, part, start)
    return found


def _sheets(package: zipfile.ZipFile, main: str, targets: dict[str, tuple[str, str]]) -> tuple[list[Sheet], int]:
    sheets: list[Sheet] = []
    epoch = 1900

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal epoch
        if name == "sheet":
            relation = next((value for key, value in attributes.items() if key.endswith(":id")), "")
            kind, part = targets.get(relation, ("", ""))
            if kind == "worksheet":
                sheets.append(
                    Sheet(attributes.get("name", ""), part, attributes.get("state", "visible") == "visible")
                )
        elif name == "workbookPr" and attributes.get("date1904") in ("1", "true"):
            epoch = 1904

    _walk(package, main, start)
    return sheets, epoch


def _book(strings: list[str], formats: Mapping[str, tuple[str, str | None]], epoch: int) -> Book:
    days = frozenset(style for style, one in formats.items() if _shows_days(*one))
    numbered = {
        style: (found[1] or "", len(found[2]))
        for style, (_, code) in formats.items()
        if code and (found := _NUMBERING.fullmatch(code)) and (found[1] or len(found[2]) > 1)
    }
    return Book(strings, days, epoch, numbered)


def _formats(package: zipfile.ZipFile, part: str | None) -> dict[str, tuple[str, str | None]]:
    """The styles of cells (as cells name them), and the number and code of the format of each."""
    if part is None:
        return {}
    formats: dict[str, str] = {}
    used: list[str] = []
    in_cells = False

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal in_cells
        if name == "numFmt":
            formats[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")
        elif name in ("cellXfs", "cellStyles", "dxfs"):
            in_cells = name == "cellXfs"
        elif name == "xf" and in_cells:
            used.append(attributes.get("numFmtId", "0"))

    _walk(package, part, start)
    return {str(index): (one, formats.get(one)) for index, one in enumerate(used)}


def _shows_days(number: str, code: str | None) -> bool:
    if code is None:
        return number.isdigit() and len(number) < 4 and int(number) in _DATE_FORMATS
    bare = _QUOTED.sub("", code.partition(";")[0][:200]).casefold()
    return "general" not in bare and ("y" in bare or "d" in bare or "年" in code)


def _strings(package: zipfile.ZipFile, part: str | None) -> list[str]:
    """The shared texts, without the readings that stand above characters."""
    if part is None:
        return []
    made, found = parser(), list[str]()
    texts: list[str] = []
    taken = deep = phonetic = 0
    in_text = False

    def start(name: str, _: dict[str, str]) -> None:
        nonlocal deep, phonetic, in_text
        deep += 1
        local = name.rpartition(":")[2]
        if local == "t":
            in_text = not phonetic
        elif local == "rPh":
            phonetic += 1
        if deep > 20:
            raise broken()

    def end(name: str) -> None:
        nonlocal deep, phonetic, in_text, taken
        deep -= 1
        local = name.rpartition(":")[2]
        if local == "t":
            in_text = False
        elif local == "rPh":
            phonetic -= 1
        elif local == "si":
            text = unescaped("".join(texts))
            texts.clear()
            found.append(text)
            taken += sys.getsizeof(text) + 8
            if taken > MOST_STRING_BYTES or len(found) > MOST_STRINGS:
                raise Refused(messages.TOO_MUCH_TEXT)

    def characters(text: str) -> None:
        nonlocal taken
        if in_text:
            texts.append(text)
            taken += len(text)
            if taken > MOST_STRING_BYTES:
                raise Refused(messages.TOO_MUCH_TEXT)

    made.StartElementHandler, made.EndElementHandler, made.CharacterDataHandler = start, end, characters
    with package.open(part) as stream:
        for _ in feed(made, stream):
            pass
    return found


@dataclass(frozen=True, slots=True)
class Merged:
    """A merged range: its name, and its first and last row (from 1) and column (from 0)."""

    name: str
    rows: tuple[int, int]
    columns: tuple[int, int]


_ROW = re.compile(rb"<(?:[A-Za-z0-9]+:)?row[ />]")
_MERGED = re.compile(
    rb"<(?:[A-Za-z0-9]+:)?mergeCell [^>]{0,99}?ref=[\"']([A-Z]{1,3})([0-9]{1,7}):([A-Z]{1,3})([0-9]{1,7})[\"']"
)


def surveyed(stream: IO[bytes]) -> tuple[int, list[Merged]]:
    """How many rows a worksheet has, and its merged ranges, which stand behind them. Reads all of it once."""
    count, carry, merged = 0, b"", list[Merged]()
    while chunk := stream.read(1 << 18):
        window = carry + chunk
        # What lies wholly in the carry was counted before.
        count += sum(found.end() > len(carry) for found in _ROW.finditer(window))
        if b"mergeCell " in window:
            for found in _MERGED.finditer(window):
                if found.end() > len(carry):
                    merged.append(_merged(*(part.decode() for part in found.groups())))
        if len(merged) > MOST_MERGED:
            raise Refused(messages.TOO_MANY_MERGED.format(most=MOST_MERGED))
        carry = window[-256:]
    return count, merged


def _merged(left: str, top: str, right: str, bottom: str) -> Merged:
    def index(letters: str) -> int:
        total = 0
        for one in letters:
            total = total * 26 + ord(one) - 64
        return total - 1

    return Merged(f"{left}{top}:{right}{bottom}", (int(top), int(bottom)), (index(left), index(right)))
