"""BibTeX -> entries with their fields as plain text. Says nothing of what an entry is to an expert."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from itertools import pairwise

from bibtexparser.entrypoint import parse_string
from bibtexparser.model import DuplicateFieldKeyBlock, Entry, String

from market.files.latex import plain
from schemas.messages import Message

# It would write pieces of what people sent into the log.
logging.getLogger("bibtexparser").setLevel(logging.CRITICAL + 1)

LONGEST_ENTRY = 64 * 1024  # characters
_LONGEST_VALUE = 20_000
_BEGIN = re.compile(r"^[ \t]*@[ \t]*\w+[ \t]*[{(]", re.MULTILINE)
_TOKEN = re.compile(r'"((?:[^"{}]|\{[^{}]*\})*)"|\{((?:[^{}]|\{[^{}]*\})*)\}|([^\s#"{}]+)')

TOO_LONG = Message(
    "The entry has more than {max} characters; is a bracket missing?", "条目超过 {max} 个字符，是否缺少括号？"
)
UNREADABLE = Message(
    "This is no BibTeX entry: a bracket, a comma or an equals sign is missing, or stands there too often.",
    "不是有效的 BibTeX 条目：缺少或多出括号、逗号或等号。",
)


@dataclass(frozen=True, slots=True)
class BibtexEntry:
    """One entry: its line from 1, kind and field names in lower case, values still LaTeX."""

    line: int
    key: str
    kind: str
    values: Mapping[str, str]

    def text(self, *names: str) -> str:
        """The first of these fields that has text, without its LaTeX."""
        texts = (plain(self.values.get(name, "")[:_LONGEST_VALUE]) for name in names)
        return next((text for text in texts if text.strip()), "")


@dataclass(frozen=True, slots=True)
class BadEntry:
    """An entry that cannot be read."""

    line: int
    key: str
    message: Message


def entries_of(text: str, *, only: Set[str] | None = None) -> Iterator[BibtexEntry | BadEntry]:
    """The entries in order, with @string definitions filled in; comments and preambles are passed over.

    `only` names the keys, in lower case, of those wanted; without it, all.

    The text is cut where a line begins an entry, so that a bracket that is missing spoils one entry only, and
    each step takes a bounded time.
    """
    begins = [match.start() for match in _BEGIN.finditer(text)]
    strings: dict[str, str] = {}
    line, counted = 1, 0
    for begin, end in pairwise([*begins, len(text)]):
        line += text.count("\n", counted, begin)
        counted = begin
        chunk = text[begin:end].strip()
        if only is not None and _key_of(chunk).lower() not in only:
            continue
        if len(chunk) > LONGEST_ENTRY:
            yield BadEntry(line, _key_of(chunk), TOO_LONG.format(max=LONGEST_ENTRY))
        else:
            yield from _read(chunk, line, strings)


def _read(chunk: str, line: int, strings: dict[str, str]) -> Iterator[BibtexEntry | BadEntry]:
    library = parse_string(chunk, parse_stack=[])
    for string in library.blocks:
        if isinstance(string, String) and isinstance(string.value, str):
            strings[string.key.lower()] = _value(string.value, strings)
    for block in library.blocks:
        entry = block.ignore_error_block if isinstance(block, DuplicateFieldKeyBlock) else block
        if isinstance(entry, Entry):
            yield _entry(entry, line, strings)
    if any(not isinstance(block, DuplicateFieldKeyBlock) for block in library.failed_blocks):
        yield BadEntry(line, _key_of(chunk), UNREADABLE)


def _entry(entry: Entry, line: int, strings: Mapping[str, str]) -> BibtexEntry:
    values: dict[str, str] = {}
    for field in entry.fields:
        values.setdefault(field.key.lower(), _value(str(field.value), strings))
    return BibtexEntry(line, entry.key[:100], entry.entry_type.lower(), values)


def _value(raw: str, strings: Mapping[str, str]) -> str:
    """What stands between the outer braces or quotes; names of @string are replaced, parts after # appended."""
    raw = raw.strip()
    if raw.startswith("{"):
        return raw[1:-1] if raw.endswith("}") else raw[1:]
    if raw.startswith('"') and '"' not in raw[1:-1]:
        return raw[1:-1]
    found = _TOKEN.findall(raw[:_LONGEST_VALUE])
    parts = (quoted or braced or strings.get(name.lower(), name) for quoted, braced, name in found)
    return "".join(parts)[:_LONGEST_VALUE]  # definitions that double each other come to an end


def _key_of(chunk: str) -> str:
    found = re.match(r"@[ \t]*\w+[ \t]*[{(]\s*([^\s,{}()]{1,100})", chunk)
    return found[1] if found else ""
