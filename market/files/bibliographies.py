"""Bibliographies (BibTeX, CSL-JSON, ORCID) -> works of an expert, as schemas.experts.WorkFields takes them.

Whatever the bytes: faults instead of exceptions, within bounded time. Asks nobody on the network.
"""

from __future__ import annotations

import html
import re
import time
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import orjson
from marshmallow import ValidationError

from market.files import bibtex, citations
from market.files.bibtex import BadEntry, BibtexEntry
from market.files.citations import Found
from schemas.base import pointers
from schemas.experts import WorkFields
from schemas.messages import Message

Format = Literal["auto", "bibtex", "csl", "orcid"]
FORMATS: tuple[Format, ...] = ("auto", "bibtex", "csl", "orcid")

LARGEST = 5 * 1024 * 1024  # bytes
MOST = 200  # works of an expert
_MOST_FAULTS = 100
_MOST_PARTS = 200_000  # objects and lists of JSON: what 5 MB of entries that say anything stay far below
_SECONDS = 1.2  # for all entries together; each takes a fraction of it

TOO_LARGE = Message("The file has more than {max} MB.", "文件超过 {max} MB。")
NOT_TEXT = Message("Neither UTF-8 nor GB18030 text.", "不是 UTF-8 或 GB18030 编码的文本。")
NOT_JSON = Message("Not JSON: {reason}", "不是有效的 JSON：{reason}")
TOO_MANY_PARTS = Message(
    "The JSON has more than {max} objects and lists; give fewer entries at once.",
    "JSON 中的对象与数组超过 {max} 个；请减少单次提交的条目。",
)
NO_WORKS = Message(
    "No bibliography is in it: BibTeX, CSL-JSON and ORCID's JSON are read.",
    "未找到文献条目；支持 BibTeX、CSL-JSON 与 ORCID 的 JSON。",
)
NO_TITLE = Message("The entry has no title.", "条目没有标题。")
TOO_MANY = Message(
    "An expert has at most {max} works; this one and what follows were left out.",
    "每位专家最多 {max} 项成果，此条及其后的条目未读取。",
)
TOO_SLOW = Message(
    "Reading took too long; this entry and what follows were left out. Give fewer entries at once.",
    "读取超时，此条及其后的条目未读取；请减少单次提交的条目。",
)
MORE_FAULTS = Message("More entries could not be read than are listed.", "另有未列出的条目无法读取。")

_DOI = re.compile(r"\b10\.[0-9]{4,9}/[^\s\"<>]+")
_YEAR = re.compile(r"(?<![0-9])(1[89][0-9]{2}|2[01][0-9]{2})(?![0-9])")
_TAG = re.compile(r"</?[A-Za-z][^<>]{0,200}>")
_UNTEXT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")

_BIBTEX_KINDS = {
    "patent": "patent", "standard": "standard", "software": "software", "book": "book", "mvbook": "book",
    "collection": "book", "mvcollection": "book", "proceedings": "book", "report": "paper", "project": "project",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Skipped:
    """An entry that was left out, or a file: its key (or id), its line from 1 (0 where there are none), and why."""

    key: str
    line: int
    message: Message


def works_of(source: bytes, *, name: str = "", fmt: Format = "auto") -> tuple[list[dict[str, Any]], list[Skipped]]:
    """The works in a bibliography, in order, each once, at most 200; and what was left out and why.

    `name` is the file's, whose ending helps to tell the format where `fmt` says auto. Two entries with one DOI,
    or with one title and year, are one work; what the first lacks is taken from the second.
    """
    if len(source) > LARGEST:
        return [], [Skipped("", 0, TOO_LARGE.format(max=LARGEST // 1024 // 1024))]
    text = _decoded(source)
    if text is None:
        return [], [Skipped("", 0, NOT_TEXT)]
    works, faults = _Works(), list[Skipped]()
    end = time.monotonic() + _SECONDS
    for found in _entries(text, name.lower(), fmt, end):
        stop = works.full() or (TOO_SLOW if time.monotonic() > end else None)
        if stop is not None or len(faults) >= _MOST_FAULTS:
            faults.append(Skipped(found.key, found.line, stop or MORE_FAULTS))
            break
        fault = found if isinstance(found, Skipped) else works.take(found)
        if fault is not None:
            faults.append(fault)
    return works.kept, faults


def joined(present: Iterable[Mapping[str, Any]], found: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The present works and after them those of `found` that are others, 200 in all; what a present one lacks is
    taken from `found`. Works are as works_of gives them."""
    works = _Works()
    for work in (*present, *found):
        if works.full() is None or works.knows(work):
            works.add(dict(work))
    return works.kept


def _decoded(source: bytes) -> str | None:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return source.decode(encoding).replace("\r\n", "\n").replace("\r", "\n")
        except UnicodeDecodeError:
            continue
    return None


def _entries(text: str, name: str, fmt: Format, end: float) -> Iterator[Found | Skipped]:
    as_json = fmt in ("csl", "orcid") or (
        fmt == "auto" and not name.endswith((".bib", ".bibtex")) and text.lstrip()[:1] in ("{", "[")
    )
    found = _from_json(text) if as_json else _from_bibtex(text, end)
    first = next(found, None)
    yield first if first is not None else Skipped("", 0, NO_WORKS)
    yield from found


def _from_json(text: str) -> Iterator[Found | Skipped]:
    if text.count("{") + text.count("[") > _MOST_PARTS:  # before they cost a hundred times their size in memory
        yield Skipped("", 0, TOO_MANY_PARTS.format(max=_MOST_PARTS))
        return
    try:
        data = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        yield Skipped("", error.lineno, NOT_JSON.format(reason=error.msg))
        return
    yield from citations.works_in(data)


def _from_bibtex(text: str, end: float) -> Iterator[Found | Skipped]:
    # Proceedings that stand there for a crossref are nobody's work, and stand after what refers to them.
    parents = {key.strip().lower() for key in re.findall(r"crossref\s*=\s*[{\"]([^{}\"\n]{1,100})", text, re.I)}
    years: dict[str, str] = {}
    for entry in bibtex.entries_of(text, only=parents) if parents else ():
        if time.monotonic() > end:
            break
        if isinstance(entry, BibtexEntry):
            years[entry.key.lower()] = entry.text("year", "date")
    for entry in bibtex.entries_of(text):
        if isinstance(entry, BadEntry):
            yield Skipped(entry.key, entry.line, entry.message)
        elif entry.key.lower() not in parents or entry.kind not in ("proceedings", "book", "collection"):
            yield _of_bibtex(entry, years)


def _of_bibtex(entry: BibtexEntry, years: dict[str, str]) -> Found:
    identifier = entry.text("doi") or (entry.text("number") if entry.kind == "patent" else "")
    return Found(
        key=entry.key,
        line=entry.line,
        kind=_BIBTEX_KINDS.get(entry.kind, "paper"),
        title=entry.text("title"),
        abstract=entry.text("abstract"),
        year=entry.text("year", "date") or years.get(entry.text("crossref").strip().lower(), ""),
        identifier=identifier or entry.text("url", "isbn", "howpublished"),
    )


class _Works:
    """Those kept, and by what they are known again."""

    def __init__(self) -> None:
        self.kept: list[dict[str, Any]] = []
        self._known: dict[tuple[str, ...], dict[str, Any]] = {}
        self._schema = WorkFields()

    def full(self) -> Message | None:
        """Why no more are taken."""
        return TOO_MANY.format(max=MOST) if len(self.kept) >= MOST else None

    def take(self, found: Found) -> Skipped | None:
        """Keep it, or add to the one that it is; or say what is wrong with it."""
        given = {
            "kind": found.kind,
            "title": _line(found.title)[:512],
            "abstract": _line(found.abstract)[:5000],
            "year": _year(found.year),
            "identifier": _identifier(found.identifier),
        }
        if not given["title"]:
            return Skipped(found.key, found.line, NO_TITLE)
        try:
            work = self._schema.load(given)
        except ValidationError as error:
            message = next(text for texts in pointers(error.messages).values() for text in texts)
            return Skipped(found.key, found.line, message if isinstance(message, Message) else NO_TITLE)
        self.add(work)
        return None

    def knows(self, work: Mapping[str, Any]) -> bool:
        """Whether it is one of them."""
        return any(key in self._known for key in _keys(work))

    def add(self, work: dict[str, Any]) -> None:
        """Keep a work that passed its schema, or fill in the one that it is."""
        keys = _keys(work)
        known = next((self._known[key] for key in keys if key in self._known), None)
        if known is None:
            self.kept.append(work)
            known = work
        else:
            known.update({name: value for name, value in work.items() if not known[name]})
        self._known.update(dict.fromkeys(keys, known))


def _keys(work: Mapping[str, Any]) -> list[tuple[str, ...]]:
    folded = "".join(
        character for character in unicodedata.normalize("NFKC", work["title"]).casefold() if character.isalnum()
    )
    doi = _DOI.search(work["identifier"])
    return [*([("doi", doi[0].lower())] if doi else []), ("title", folded or work["title"], str(work["year"]))]


def _line(text: str) -> str:
    """Without markup and control characters, on one line."""
    if "<" in text or "&" in text:
        text = html.unescape(_TAG.sub("", text))
    return " ".join(_UNTEXT.sub(" ", text).split())


def _year(text: str) -> int | None:
    found = _YEAR.search(unicodedata.normalize("NFKC", text))
    return int(found[0]) if found else None


def _identifier(text: str) -> str:
    """A DOI without the address that resolves it; else the number or address as it is, if it is not too long."""
    text = _line(text)
    doi = _DOI.search(text)
    if doi:
        return doi[0].rstrip(".,;)")[:256]
    return text if len(text) <= 256 else ""
