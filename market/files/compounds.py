"""Indicators, rights and works as lines of text, both ways: a small strict form each. Knows no columns."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from market.files import lists, messages
from market.files.terms import NoTerm, code_of
from market.vocabulary import vocabulary
from schemas.messages import Message


class BadEntry(Exception):
    """An entry (from 1) that cannot be read, and why."""

    def __init__(self, number: int, message: Message) -> None:
        """Remember both."""
        super().__init__(str(message))
        self.message = messages.entry(number, message)


_DIRECTIONS = {
    "≥": "at_least", ">=": "at_least", "⩾": "at_least",
    "不低于": "at_least", "不小于": "at_least", "不少于": "at_least",
    "≤": "at_most", "<=": "at_most", "⩽": "at_most", "不高于": "at_most", "不大于": "at_most", "不超过": "at_most",
    "=": "exactly", ":": "exactly", "：": "exactly", "＝": "exactly", "介于": "between",
}  # fmt: skip
_SIGNS = {"at_least": "≥", "at_most": "≤", "exactly": "=", "between": "="}
_NUMBER = r"[-+]?(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?"
_OPERATOR = re.compile("|".join(map(re.escape, sorted(_DIRECTIONS, key=len, reverse=True))))
_VALUE = re.compile(rf"\s*({_NUMBER})(?:\s*[~～–—至-]\s*({_NUMBER}))?\s*(.*)", re.DOTALL)
# The digit after the year tells the kind of a Chinese patent; 8 and 9 came in by way of the PCT.
_PATENT = re.compile("(?:ZL|CN)? ?[0-9]{4}([12389])[0-9]{7}(?:[.]?[0-9X])?")
_PATENTS = {
    "1": "invention_patent", "8": "invention_patent", "2": "utility_model", "9": "utility_model",
    "3": "design_patent",
}  # fmt: skip
_IN_NAMES = "\n;；≥≤⩾⩽=＝:：><"
_IN_UNITS = "\n;；"


def indicators(text: str) -> list[dict[str, Any]]:
    """`name ≥ value unit`, parted by semicolons or lines; BadEntry for what is not."""
    return [_indicator(number, piece) for number, piece in enumerate(lists.pieces(text, lists.ENDS), start=1)]


def _indicator(number: int, piece: str) -> dict[str, Any]:
    operator = _OPERATOR.search(piece)
    while operator and "\\" in piece and _is_kept(piece, operator.start()):
        operator = _OPERATOR.search(piece, operator.end())
    value = _VALUE.fullmatch(piece, operator.end()) if operator else None
    if operator is None or value is None or not piece[: operator.start()].strip():
        raise BadEntry(number, messages.NO_INDICATOR)
    direction = _DIRECTIONS[operator[0]]
    if value[2] is not None:
        if direction not in ("exactly", "between"):
            raise BadEntry(number, messages.NO_INDICATOR)
        direction = "between"
    found: dict[str, Any] = {"name": lists.plain(piece[: operator.start()]).strip(), "direction": direction}
    found["value"] = _number(value[1])
    if value[2] is not None:
        found["value_to"] = _number(value[2])
    if value[3].strip():
        found["unit"] = lists.plain(value[3]).strip()
    return found


def _is_kept(text: str, at: int) -> bool:
    """Whether an odd number of backslashes stands before."""
    before = text[:at]
    return (len(before) - len(before.rstrip("\\"))) % 2 == 1


def _number(text: str) -> int | float:
    bare = text.replace(",", "")
    return int(bare) if re.fullmatch(r"[-+]?[0-9]{1,15}", bare) else float(bare)


def indicators_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """Indicators as `indicators` reads them."""
    return "; ".join(_indicator_text(row) for row in rows)


def _indicator_text(row: Mapping[str, Any]) -> str:
    upper = row.get("value_to")
    value = f"{_figure(row['value'])}{'' if upper is None else f'~{_figure(upper)}'}"
    unit = lists.kept(row.get("unit") or "", _IN_UNITS)
    # A unit that could be more of the number is kept from it.
    unit = f"\\{unit}" if re.match(r"[0-9.+~～–—至-]", unit) else unit
    return f"{_named(row['name'])} {_SIGNS[row['direction']]} {value} {unit}".strip()


def _named(name: str) -> str:
    """A name whose words for directions do not end it."""
    kept = lists.kept(name, _IN_NAMES)
    return re.sub("(不低于|不小于|不少于|不高于|不大于|不超过|介于)", r"\\\1", kept)


def _figure(value: float) -> str:
    return str(int(value)) if float(value).is_integer() and abs(value) < 10**15 else repr(float(value))


def rights(text: str) -> list[dict[str, Any]]:
    """`发明专利:ZL2023...`, parted by semicolons or lines; BadEntry for a kind that is none."""
    return [_right(number, piece) for number, piece in enumerate(lists.pieces(text, lists.ENDS), start=1)]


def _right(number: int, piece: str) -> dict[str, Any]:
    if patent := _PATENT.fullmatch(piece):
        return {"kind": _PATENTS[patent[1]], "number": piece}
    kind, *rest = re.split("[:：]", piece, maxsplit=1)
    identifier = lists.plain(rest[0]).strip() if rest else ""
    return {"kind": _code(number, "ip_kinds", kind)} | ({"number": identifier} if identifier else {})


def rights_text(rows: Sequence[Mapping[str, Any]], shown: Callable[[str, str], str]) -> str:
    """Rights as `rights` reads them; `shown` writes a code of a vocabulary."""
    return "; ".join(_right_text(row, shown) for row in rows)


def _right_text(row: Mapping[str, Any], shown: Callable[[str, str], str]) -> str:
    kind, number = shown("ip_kinds", row["kind"]), row.get("number")
    return f"{kind}:{lists.kept(number, _IN_UNITS)}" if number else kind


def works(text: str) -> list[dict[str, Any]]:
    """`title | year | identifier | kind | abstract`, a line each, the last ones may lack; BadEntry for others."""
    return [_work(number, line) for number, line in enumerate(lists.pieces(text, lists.LINES), start=1)]


def _work(number: int, line: str) -> dict[str, Any]:
    parts = _parts(line)
    if len(parts) > 5 or not parts[0]:
        raise BadEntry(number, messages.WORK_PARTS)
    title, year, identifier, kind, abstract = [*parts, "", "", "", ""][:5]
    found: dict[str, Any] = {"title": title}
    if year:
        if not re.fullmatch(r"[0-9]{4}年?", year):
            raise BadEntry(number, messages.NO_YEAR)
        found["year"] = int(year[:4])
    if kind:
        found["kind"] = _code(number, "work_kinds", kind)
    return found | {name: value for name, value in (("identifier", identifier), ("abstract", abstract)) if value}


def _parts(line: str) -> list[str]:
    """What stands between bars, empty parts too."""
    found = [""]
    for piece in re.findall(r"\\.|[|｜]|[^\\|｜]+|\\", line, re.DOTALL):
        if piece in lists.BARS:
            found.append("")
        else:
            found[-1] += piece
    return [lists.plain(part.strip()) for part in found]


def works_text(rows: Sequence[Mapping[str, Any]], shown: Callable[[str, str], str]) -> str:
    """Works as `works` reads them; `shown` writes a code of a vocabulary."""
    text = "\n".join(_work_text(row, shown) for row in rows)
    return f"{text} |" if lists.is_nothing(text) else text


def _work_text(row: Mapping[str, Any], shown: Callable[[str, str], str]) -> str:
    kind = shown("work_kinds", row["kind"]) if row.get("kind") else ""
    parts = [row["title"], str(row.get("year") or ""), row.get("identifier") or "", kind, row.get("abstract") or ""]
    while not parts[-1]:
        parts.pop()
    return " | ".join(lists.kept(part, "\n|｜") for part in parts)


def _code(number: int, name: str, text: str) -> str:
    try:
        return code_of(name, lists.plain(text).strip())
    except NoTerm as error:
        raise BadEntry(number, error.message) from None


def label(name: str, code: str, language: str) -> str:
    """The label of a code; the code itself where the vocabulary has it no more."""
    return vocabulary(name).label(code, language) if code in vocabulary(name) else code
