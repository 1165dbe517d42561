"""Makes files for the tests of reading: workbooks from their XML, and all that goes wrong. Asserts nothing."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import orjson

from market.files.faults import Fault, Row, letter
from market.files.reading import read

HEADER = ["成果编号", "成果名称", "技术成熟度", "价格", "有效期至"]
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"


def found(content: bytes, name: str = "file.csv", kind: str = "outcomes", **more: Any) -> list[Row | Fault]:
    return list(read(kind, io.BytesIO(content), name=name, **more))


def rows(content: bytes, name: str = "file.csv", kind: str = "outcomes", **more: Any) -> list[dict[str, Any]]:
    return [one.data for one in found(content, name, kind, **more) if isinstance(one, Row)]


def faults(content: bytes, name: str = "file.csv", kind: str = "outcomes", **more: Any) -> list[tuple[int, str]]:
    return [(one.line, one.column) for one in found(content, name, kind, **more) if isinstance(one, Fault)]


def told(content: bytes, name: str = "file.csv", kind: str = "outcomes", **more: Any) -> list[str]:
    return [str(one.message) for one in found(content, name, kind, **more) if isinstance(one, Fault)]


def table(*lines: str, encoding: str = "utf-8") -> bytes:
    return "".join(f"{line}\r\n" for line in lines).encode(encoding)


def ndjson(*objects: Any) -> bytes:
    return b"".join(orjson.dumps(one) + b"\n" for one in objects)


def cell(place: str, value: Any, style: int = 0) -> str:
    """A cell; a text that starts with < is XML of its own."""
    if isinstance(value, str) and value.startswith("<"):
        return value
    if isinstance(value, bool):
        return f'<c r="{place}" t="b"><v>{int(value)}</v></c>'
    if isinstance(value, (int, float)):
        return f'<c r="{place}" s="{style}"><v>{value}</v></c>'
    return f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{escape(str(value))}</t></is></c>'


def sheet(lines: Sequence[Sequence[Any]], *, merged: Sequence[str] = (), dates: bool = False) -> str:
    """The XML of a worksheet; with `dates` every number is shown as a day."""
    written = "".join(
        f'<row r="{number}">'
        + "".join(
            cell(f"{letter(index)}{number}", value, int(dates)) for index, value in enumerate(line) if value != ""
        )
        + "</row>"
        for number, line in enumerate(lines, start=1)
    )
    ranges = "".join(f'<mergeCell ref="{name}"/>' for name in merged)
    after = f'<mergeCells count="{len(merged)}">{ranges}</mergeCells>' if merged else ""
    return f'<?xml version="1.0"?><worksheet xmlns="{_MAIN}"><sheetData>{written}</sheetData>{after}</worksheet>'


def workbook(
    *sheets: str,
    names: Sequence[str] = (),
    hidden: Sequence[int] = (),
    strings: str = "",
    epoch: int = 1900,
    code: str = "yyyy-mm-dd",
    more: Mapping[str, bytes] | None = None,
) -> bytes:
    """A workbook of these worksheets; style 1 shows days in the format `code`."""
    listed, relations = "", ""
    parts: dict[str, bytes] = {}
    for number, xml in enumerate(sheets, start=1):
        name = names[number - 1] if names else f"Sheet{number}"
        state = ' state="hidden"' if number in hidden else ""
        listed += f'<sheet name="{name}" sheetId="{number}"{state} r:id="rId{number}"/>'
        relations += _relation(f"rId{number}", "worksheet", f"worksheets/sheet{number}.xml")
        parts[f"xl/worksheets/sheet{number}.xml"] = xml.encode()
    relations += _relation("rIdA", "styles", "styles.xml")
    if strings:
        relations += _relation("rIdB", "sharedStrings", "sharedStrings.xml")
        parts["xl/sharedStrings.xml"] = f'<sst xmlns="{_MAIN}">{strings}</sst>'.encode()
    properties = '<workbookPr date1904="1"/>' if epoch == 1904 else ""
    main = _relation("rId1", "officeDocument", "xl/workbook.xml")
    parts["_rels/.rels"] = f'<Relationships xmlns="{_RELATIONS}">{main}</Relationships>'.encode()
    parts["xl/workbook.xml"] = (
        f'<workbook xmlns="{_MAIN}" xmlns:r="{_RELATION}">{properties}<sheets>{listed}</sheets></workbook>'.encode()
    )
    parts["xl/_rels/workbook.xml.rels"] = f'<Relationships xmlns="{_RELATIONS}">{relations}</Relationships>'.encode()
    parts["xl/styles.xml"] = (
        f'<styleSheet xmlns="{_MAIN}"><numFmts><numFmt numFmtId="170" formatCode={quoteattr(code)}/></numFmts>'
        '<cellXfs><xf numFmtId="0"/><xf numFmtId="170"/></cellXfs></styleSheet>'
    ).encode()
    return package({**parts, **(more or {})})


def _relation(name: str, kind: str, target: str) -> str:
    return f'<Relationship Id="{name}" Type="{_RELATION}/{kind}" Target="{target}"/>'


def package(parts: Mapping[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in parts.items():
            made.writestr(name, content)
    return file.getvalue()


def simple(*lines: Sequence[Any], **more: Any) -> bytes:
    """A workbook of one sheet with the usual header."""
    return workbook(sheet([HEADER, *lines], **more))


def compound(*names: str) -> bytes:
    """The beginning of an old office file that has streams of these names."""
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504) + b"".join(name.encode("utf-16-le") for name in names)


def zip_bomb() -> bytes:
    return workbook(sheet([HEADER]), more={"xl/media/image1.png": bytes(150 * 10**6)})


def zip_that_unpacks_to_too_much() -> bytes:
    """Its directory says that it is big; the bytes never were there."""
    content = bytearray(simple(["o-1", "x"]))
    at = content.rfind(b"PK\1\2")
    struct.pack_into("<I", content, at + 24, 2**31)
    return bytes(content)


def locked_zip() -> bytes:
    content = bytearray(simple(["o-1", "x"]))
    at = content.find(b"PK\1\2")
    content[at + 8] |= 1
    return bytes(content)


def zip_of_many_parts() -> bytes:
    return workbook(sheet([HEADER]), more={f"xl/media/{number}": b"" for number in range(2000)})


def entity_bomb() -> bytes:
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    bomb = f'<!DOCTYPE a [<!ENTITY e0 "lol">{entities}]>' + sheet([HEADER, ["&e9;", "x"]]).split("?>", 1)[1]
    return workbook(bomb)


def deep_sheet() -> bytes:
    return workbook(sheet([HEADER, ["".join(f'<a i="{number}">' for number in range(100_000)), ""]]))


HOSTILE: dict[str, tuple[str, bytes]] = {}


def hostile() -> dict[str, tuple[str, bytes]]:
    """Name -> (file name, bytes): files none of which has a row to take."""
    if HOSTILE:
        return HOSTILE
    wide = table(",".join(["成果编号", "成果名称", *(f"c{number}" for number in range(10**6))]), "1,2")
    HOSTILE.update(
        {
            "empty": ("a.csv", b""),
            "only blanks": ("a.csv", b" \r\n \r\n"),
            "only headers": ("a.csv", table(",".join(HEADER))),
            "only headers in a workbook": ("a.xlsx", simple()),
            "a million columns": ("a.csv", wide),
            "a thousand columns": (
                "a.csv",
                table(",".join(["成果编号", *(f"c{number}" for number in range(1000))]), "1,2"),
            ),
            "a million columns in a workbook": (
                "a.xlsx",
                workbook(sheet([HEADER]).replace("</row>", f"{cell('XFD1', 'x')}</row>")),
            ),
            "a zip bomb": ("a.xlsx", zip_bomb()),
            "a zip that unpacks to too much": ("a.xlsx", zip_that_unpacks_to_too_much()),
            "a zip of many parts": ("a.xlsx", zip_of_many_parts()),
            "a locked zip": ("a.xlsx", locked_zip()),
            "half a zip": ("a.xlsx", simple(["o-1", "x"])[:-300]),
            "a zip that is no workbook": ("a.xlsx", package({"a.txt": b"x"})),
            "a binary workbook": ("a.xlsx", package({"xl/workbook.bin": b"x"})),
            "a document": ("a.xlsx", package({"word/document.xml": b"<a/>"})),
            "entities": ("a.xlsx", entity_bomb()),
            "deep XML": ("a.xlsx", deep_sheet()),
            "deep values": (
                "a.xlsx",
                workbook(sheet([HEADER, ["<v>" + "".join(f'<v i="{n}">' for n in range(10**5)), ""]])),
            ),
            "a locked workbook": ("a.xlsx", compound("EncryptionInfo", "EncryptedPackage")),
            "an old workbook": ("a.xls", compound("Workbook")),
            "a page that says it is a workbook": ("a.xls", b"<html><table><tr><td>1</td></tr></table></html>"),
            "a picture": ("a.csv", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 16),
            "zeros": ("a.csv", bytes(5000)),
            "UTF-16 without its mark": ("a.csv", table(",".join(HEADER), "1,x", encoding="utf-16-le")),
            "a quote without end": ("a.csv", table(",".join(HEADER), '1,"' + "x" * 10**6)),
            "a line without end": ("a.csv", table(",".join(HEADER), "1," + "x" * 3 * 10**6)),
            "other headers": ("a.csv", table("a,b,c", "1,2,3")),
            "deep JSON": ("a.ndjson", b'{"key": ' + b"[" * 500_000),
            "a list of objects": ("a.json", b'[{"key": "1"}]'),
            "NUL in JSON": ("a.ndjson", b'{"key": "a\\u0000"}\n{"key": "a\x00"}\n'),
            "half characters": ("a.ndjson", b'{"key": "\\ud800"}\n'),
            "a long line of JSON": ("a.ndjson", b'{"key": "' + b"x" * 5 * 10**6 + b'"}'),
            "no JSON": ("a.ndjson", b"key,title\n1,2\n"),
        }
    )
    return HOSTILE
