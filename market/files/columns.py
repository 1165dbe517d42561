"""The columns that a table of listings can have, and which of them a file's header names. Reads no cells."""

from __future__ import annotations

import csv
import difflib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from market.files import messages
from schemas.messages import Message

KINDS: Mapping[str, str] = {"outcomes": "成果", "experts": "专家", "demands": "需求"}
FORMS = (
    "text", "code", "codes", "words", "trl", "money", "budget", "yes", "date", "indicators", "rights", "works",
    "tiers",
)  # fmt: skip
# A unit of money that a header may name, as in 预算（万元）.
SCALES = {"元": 1, "千元": 1000, "万": 10_000, "万元": 10_000, "百万元": 10**6, "亿": 10**8, "亿元": 10**8}
_CURRENCY = re.compile("人民币|rmb|cny|单位")
_LONGEST = 100  # characters that a header may have
_NEARNESS_OF = 20  # so many unknown headers are compared with the known ones
_NEAREST = 3  # columns that are named beside one
OTHERS = "*"
"""In a mapping: all headers that are not known, which lead to "" (left out), or to REFUSE."""
REFUSE = "refuse"
# A header that speaks of secrecy: what stands below may be what keeps a field from everybody's eyes.
_SECRECY = re.compile("披露|保密|密级|涉密|disclos|confidential|masked")


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its field, what it is called, and how its cells are written.

    `of` is the vocabulary of codes, the field of the flag that 面议 sets of money, and the noun of tiers.
    """

    name: str
    zh: str
    en: str
    form: str
    of: str
    aliases: tuple[str, ...]

    @property
    def written(self) -> bool:
        """Whether files of ours have it; a budget in one cell is only read, into two fields."""
        return self.form != "budget"

    @property
    def protects(self) -> bool:
        """Whether its cells keep something from everybody's eyes: no row comes in without them."""
        return self.form == "tiers" or self.name == "organisation_masked"

    def header(self, language: str) -> str:
        """What it is called in `language`: zh or en."""
        return self.zh if language == "zh" else self.en


@dataclass(frozen=True, slots=True)
class Matched:
    """A column of a file that is read: where it stands (from 0), what it is, and what its money is counted in."""

    index: int
    column: Column
    scale: int = 1


@dataclass(frozen=True, slots=True)
class HeaderFault:
    """A header that cannot be read: where it stands (from 0), why, and whether rows may not come in without it."""

    index: int
    message: Message
    stops: bool = False


def normalised(header: str) -> str:
    """A header without case, width, space and punctuation."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", header).casefold())


@lru_cache(maxsize=1)
def _all() -> Mapping[str, tuple[Column, ...]]:
    found: dict[str, list[Column]] = {kind: [] for kind in KINDS}
    with (files("market.files") / "columns.tsv").open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines, dialect="excel-tab", quoting=csv.QUOTE_NONE, strict=True):
            aliases = tuple(filter(None, row["aliases"].split("|")))
            column = Column(row["name"], row["zh"], row["en"], row["form"], row["of"], aliases)
            for kind in row["kinds"].split():
                found[kind].append(column)
    return {kind: tuple(columns) for kind, columns in found.items()}


def columns_of(kind: str) -> tuple[Column, ...]:
    """The columns of outcomes, experts or demands, in the order of a file; KeyError for other kinds."""
    return _all()[kind]


@lru_cache(maxsize=len(KINDS))
def _named(kind: str) -> Mapping[str, Column]:
    """Every way to write a header, normalised; a column's own names win over another's aliases."""
    columns = columns_of(kind)
    known = {normalised(alias): column for column in columns for alias in column.aliases}
    return known | {normalised(name): column for column in columns for name in (column.en, column.zh, column.name)}


def match_header(
    kind: str, headers: Sequence[str], mapping: Mapping[str, str] | None = None
) -> tuple[list[Matched], list[HeaderFault]]:
    """Which columns of `kind` the headers name, and what is wrong with the others.

    `mapping` leads from a header, as it stands in the file, to the name of a column of ours, or to "" where it is
    to be left out; it goes before everything else. Its OTHERS stands for every header that is not known. Empty
    headers name nothing.
    """
    known = {column.name: column for column in columns_of(kind)}
    given, others = by_header(mapping), (mapping or {}).get(OTHERS)
    matched: dict[str, Matched] = {}
    faults: list[HeaderFault] = []
    unknown = 0
    for index, header in enumerate(headers):
        if not header.strip():
            continue
        one, name = _find(kind, header), given.get(normalised(header))
        secrecy = _SECRECY.search(normalised(header)) is not None
        if name == "":
            continue
        if name is not None and name not in known:
            told = messages.BAD_MAPPING.format(name=name[:64], kind=kind, kind_zh=KINDS[kind])
            faults.append(HeaderFault(index, told, stops=secrecy))
            continue
        column = known[name] if name else one
        if column is None:
            if others == "" and not secrecy:
                continue
            unknown += 1
            told = _unknown(kind, header, look=unknown <= _NEARNESS_OF)
            faults.append(HeaderFault(index, told, stops=secrecy or others is not None))
        elif column.name in matched:
            other = headers[matched[column.name].index].strip()
            told = messages.COLUMN_TWICE.format(other=other[:64], name=column.name)
            faults.append(HeaderFault(index, told, stops=secrecy or column.protects))
        else:
            matched[column.name] = Matched(index, column, _scale(header) if column.form in ("money", "budget") else 1)
    return list(matched.values()), faults


def by_header(mapping: Mapping[str, str] | None) -> dict[str, str]:
    """What a mapping says of single headers, normalised."""
    return {normalised(header): name for header, name in (mapping or {}).items() if header != OTHERS}


def score(kind: str, headers: Sequence[str], mapping: Mapping[str, str] | None = None) -> int:
    """How many columns of `kind` these headers name, were they headers."""
    given = by_header(mapping)
    names: set[str] = set()
    for header in headers:
        if header and len(header) <= _LONGEST:
            column = _find(kind, header)
            names.add(given.get(normalised(header), column.name if column else ""))
    return len(names - {""})


def _find(kind: str, header: str) -> Column | None:
    """The column that a header names, with or without what stands in brackets or what its money is counted in."""
    known = _named(kind)
    bare = re.sub(r"[(\[【].*?[)\]】]", "", unicodedata.normalize("NFKC", header))
    for text in (header, bare, bare.replace("*", "")):
        name = normalised(text)
        for tried in (name, *(name.removesuffix(unit) for unit in SCALES if name.endswith(unit))):
            if tried in known:
                return known[tried]
    return None


def _scale(header: str) -> int:
    """What the money under a header is counted in: 10,000 for 预算（万元）."""
    text = unicodedata.normalize("NFKC", header).casefold()
    for part in (*re.findall(r"[(\[【](.*?)[)\]】]", text), re.split(r"[/\s_-]", text)[-1]):
        unit = normalised(_CURRENCY.sub("", part))
        if unit in SCALES:
            return SCALES[unit]
    return next(
        (scale for unit, scale in sorted(SCALES.items(), key=lambda one: -len(one[0])) if text.endswith(unit)), 1
    )


def _unknown(kind: str, header: str, *, look: bool) -> Message:
    """That there is no such column, and which are called nearly so, the nearest first."""
    shown = header.strip()[:64]
    known = _named(kind)
    # A column has many names: of more than the nearest few those of other columns are wanted, too.
    near = difflib.get_close_matches(normalised(shown), list(known), n=4 * _NEAREST, cutoff=0.4) if look else []
    columns = list(dict.fromkeys(known[name] for name in near))[:_NEAREST]
    if not columns:
        return messages.UNKNOWN_COLUMN_ALONE.format(header=shown)
    zh = "、".join(f"“{column.zh}”（{column.name}）" for column in columns)
    en = ", ".join(f'"{column.en}" ({column.name})' for column in columns)
    return messages.UNKNOWN_COLUMN.format(header=shown, near=Message(en, zh))
