"""One cell, both ways: what a person wrote for a field, and a field as a person writes it. Knows no rows."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from functools import lru_cache, partial
from typing import Any, TypeAlias

from market.files import compounds, lists, messages, protected
from market.files.columns import Column
from market.files.compounds import BadEntry, label
from market.files.money import NEGOTIABLE, amount, budget
from market.files.terms import NoTerm, code_of, codes_of, folded
from market.vocabulary import trl_from_stage
from schemas.messages import Message

Cell: TypeAlias = str | int | float | bool | date
Read: TypeAlias = Callable[[Cell], Any]

# A cell that starts so is a formula to a spreadsheet, in whatever width, and behind whatever is not seen.
_RISKY = ("=", "+", "-", "@", "\t", "\r", "\n")
_UNSEEN = {"Cc", "Cf", "Zl", "Zp", "Zs"}
_YES = {"是", "yes", "y", "true", "1", "有", "同意", "√", "✓", "☑"}
_NO = {"否", "no", "n", "false", "0", "无", "不同意", "×", "✗", "☐"}
_DATE = re.compile(
    r"([12][0-9]{3})(?:[-/.](1[0-2]|0?[1-9])[-/.](3[01]|[12][0-9]|0?[1-9])|年(1[0-2]|0?[1-9])月(3[01]|[12][0-9]|0?[1-9])日?"
    r"|(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01]))(?:[ T]?[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?(?:\.[0-9]+)?Z?)?"
)
_EPOCHS = {1900: date(1899, 12, 30), 1904: date(1904, 1, 1)}
# Numbers that are days though they are not shown so, from 1954 to 2173: 2027 is a year, and 202709 a month.
_DAYS = range(20_000, 100_000)
_MOST_DIGITS = 10**15
# Texts that name or number something: what a spreadsheet has made of them is not what they were.
_NUMBERS = {"key", "organisation", "owner", "contact_phone"}
_DECIMALS = re.compile(r"(?<=[0-9])[.．][0-9]+")
_SHORTENED = re.compile(r"[0-9](\.[0-9]+)?[Ee]\+[0-9]+")
_NO_RECORD = re.compile(
    "(?:[合总小共累]计|(?:sub|grand)?total|sum)(?:[:(].*)?|(?:附?注|备注|说明|notes?|remarks?)[0-9一二三四五]?:.*"
)
# The readers of these raise what `_told` makes a BadCell of.
_TELLING = {"code", "codes", "indicators", "rights", "works", "tiers"}
_LONG, _REMEMBERED = 200, 5000
_SHOWN = 40
# What is said in these is meant as it stands: 无 may be a name, is a no, and of whom a field is disclosed to, nobody.
_MEANT_AS_SAID = {"text", "yes", "tiers"}


class BadCell(Exception):
    """A cell that cannot be read; `message` tells why."""

    def __init__(self, message: Message, cell: Cell | None = None) -> None:
        """Remember what to tell; with a `cell`, of a message that shows its value."""
        self.message = message if cell is None else message.format(value=shown(cell))
        super().__init__(str(self.message))


def shown(cell: Cell) -> str:
    """A cell's value in a message: as it stands there, cut where it is long."""
    text = " ".join((f"{cell:.15g}" if type(cell) is float else str(cell)).split())
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def guarded(text: str) -> str:
    """A text that a spreadsheet takes for no formula: ' goes before what starts like one."""
    return f"'{text}" if _risky(text) else text


def unguarded(text: str) -> str:
    """The same without the one ' that `guarded` put there."""
    return text[1:] if text.startswith("'") and _risky(text) else text


def _risky(text: str) -> bool:
    """Whether a text starts like a formula; a ' before it makes no difference, so that one can be added and taken."""
    if text[:1].isalnum():
        return False
    for one in text:
        if unicodedata.normalize("NFKC", one).startswith(_RISKY):
            return True
        if one != "'" and unicodedata.category(one) not in _UNSEEN:
            return False
    return False


def reader(column: Column, *, words: Mapping[str, str] | None = None, scale: int = 1, epoch: int = 1900) -> Read:
    """How the cells of a column are read: cell -> what the schema takes; it raises BadCell.

    `words` leads from foreign words to what our cells would say; money is counted in `scale` yuan, and dates as
    numbers are days since `epoch`. Cells are no empty texts; one that says that there is nothing, as 无 or -,
    gives None, but for texts and where it is a term. Money gives NEGOTIABLE for 面议, a budget a pair.
    """
    coded = column.form in ("code", "codes")
    if coded and not words:
        return _remembered(column.form, column.of)
    read = _reader(column)
    if coded:
        read = partial(read, name=column.of)
    elif column.form in ("money", "budget"):
        read = partial(read, scale=scale)
    elif column.form == "tiers":
        read = partial(read, noun=column.of)
    elif column.form == "date":
        read = partial(read, epoch=epoch)
    if column.form in _TELLING:
        read = partial(_told, read=read)
    if column.form not in _MEANT_AS_SAID:
        read = partial(_or_nothing, read=read, terms=column.of if coded else "")
    if words:
        known = {folded(word): value for word, value in words.items()}
        listed = column.form in ("codes", "words")
        read = partial(_in_our_words, read=read, known=known, listed=listed)
    return read


def _reader(column: Column) -> Callable[..., Any]:
    if column.name == "key":
        return _key
    return _number if is_number(column) else _READERS[column.form]


def is_number(column: Column) -> bool:
    """Whether a column names or numbers something, so that its texts have to be looked at as well."""
    return column.name in _NUMBERS


@lru_cache(maxsize=64)
def _remembered(form: str, name: str) -> Read:
    """Codes recur: what a cell meant is kept, as long as it was short."""
    told, known = partial(_told, read=partial(_READERS[form], name=name)), dict[Cell, Any]()

    def remember(cell: Cell) -> Any:
        found = known.get(cell)
        if found is None:
            found = _or_nothing(cell, read=told, terms=name)
            if isinstance(cell, str) and len(cell) < _LONG and len(known) < _REMEMBERED:
                known[cell] = found
        return list(found) if isinstance(found, list) else found

    return remember


def _told(cell: Cell, read: Read) -> Any:
    try:
        return read(cell)
    except (NoTerm, BadEntry) as error:
        raise BadCell(error.message) from None


def _or_nothing(cell: Cell, *, read: Read, terms: str) -> Any:
    """What the cell says, or None where that is that there is nothing; `terms`: a vocabulary that may call it so."""
    if isinstance(cell, str) and lists.is_nothing(cell) and not (terms and codes_of(terms, cell)):
        return None
    return read(cell)


def _in_our_words(cell: Cell, *, read: Read, known: Mapping[str, str], listed: bool) -> Any:
    text = _text(cell)
    whole = known.get(folded(text))
    if whole is None and listed:
        pieces = lists.words(text)
        ours = [known.get(folded(piece), piece) for piece in pieces]
        whole = lists.written(filter(None, ours)) if ours != pieces else None
    if whole == "":
        return None
    return read(cell if whole is None else whole)


def _text(cell: Cell) -> str:
    if isinstance(cell, str):
        return unguarded(cell) if cell[:1] == "'" else cell
    if isinstance(cell, bool):
        return "是" if cell else "否"
    if isinstance(cell, date):
        return cell.isoformat()
    if abs(cell) >= _MOST_DIGITS:
        raise BadCell(messages.DIGITS_LOST)
    # So many digits are shown: 0.3, and not 0.30000000000000004.
    return str(int(cell)) if cell == int(cell) else f"{cell:.15g}"


def _number(cell: Cell) -> str:
    if cell.__class__ is not str and isinstance(cell, (bool, date)):
        raise BadCell(messages.MADE_YES if isinstance(cell, bool) else messages.MADE_DAY)
    text = _text(cell)
    if "+" in text and _SHORTENED.fullmatch(text):
        raise BadCell(messages.DIGITS_LOST)
    return text


def _key(cell: Cell) -> str:
    text = _number(cell)
    plain = text if text.isascii() else unicodedata.normalize("NFKC", text)
    if _NO_RECORD.fullmatch("".join(plain.casefold().split())):
        raise BadCell(messages.NO_RECORD)
    return text


def _code(cell: Cell, *, name: str) -> str:
    return code_of(name, _text(cell))


# Pieces are parted further only where they are no term: 农、林、牧、渔业 is one.
_PARTS = (lists.ENDS, lists.STRONG, lists.COMMAS, lists.SLASHES)


def _codes(cell: Cell, *, name: str) -> list[str]:
    return list(dict.fromkeys(_resolved(_text(cell).strip(), name, _PARTS)))


def _resolved(text: str, name: str, parts: tuple[str, ...]) -> list[str]:
    plain = lists.plain(text)
    if not parts or len(codes_of(name, plain)) == 1:
        return [code_of(name, plain)]
    return [code for piece in lists.pieces(text, parts[0]) for code in _resolved(piece, name, parts[1:])]


def _words(cell: Cell) -> list[str]:
    return lists.words(_text(cell))


def _trl(cell: Cell) -> int:
    if not isinstance(cell, str):
        if isinstance(cell, (bool, date)) or cell != int(cell):
            raise BadCell(messages.NO_TRL, cell)
        return int(cell)  # the schema tells of levels that do not exist
    level = trl_from_stage(cell.lstrip("0"))
    if level is None:
        try:
            return int(code_of("trl", cell.strip()))
        except NoTerm:
            raise BadCell(messages.NO_TRL, cell) from None
    return level


def _yes(cell: Cell) -> bool:
    if isinstance(cell, bool):
        return cell
    text = folded(_text(cell))
    if text in _YES or text in _NO:
        return text in _YES
    raise BadCell(messages.NO_YES, cell)


def _date(cell: Cell, *, epoch: int) -> str:
    try:
        if isinstance(cell, date):
            return (cell.date() if isinstance(cell, datetime) else cell).isoformat()
        if type(cell) is int and cell in _DAYS:
            return (_EPOCHS[epoch] + timedelta(days=cell)).isoformat()
        text = unicodedata.normalize("NFKC", _text(cell)).strip()
        found = _DATE.fullmatch(text if "年" not in text else text.replace(" ", ""))
        if found:
            month, day = (next(filter(None, found.group(*ends))) for ends in ((2, 4, 6), (3, 5, 7)))
            return date(int(found[1]), int(month), int(day)).isoformat()
    except (ValueError, OverflowError):
        pass
    raise BadCell(messages.NO_DATE, cell)


def _money(cell: Cell, *, scale: int) -> Any:
    text = _text(cell)
    found = amount(text, scale=scale)
    if found is None:
        _refuse_doubtful(text, scale)
        is_range = isinstance(budget(text, scale=scale), tuple)
        raise BadCell(messages.ONE_AMOUNT if is_range else _has_decimals(text) or messages.NO_AMOUNT, cell)
    return found


def _refuse_doubtful(text: str, scale: int) -> None:
    """A figure that its header would make a billion or more. Raises BadCell."""
    bare = budget(text) if scale != 1 else None
    if isinstance(bare, tuple):
        yuan = max(end for end in bare if end is not None) * scale
        raise BadCell(messages.UNIT_DOUBTFUL.format(yuan=f"{yuan:,}", scale=f"{scale:,}"))


def _has_decimals(text: str) -> Message | None:
    """That yuan must be whole, where nothing else is wrong with an amount or its range."""
    whole = _DECIMALS.sub("", text)
    return messages.WHOLE_YUAN if whole != text and budget(whole) is not None else None


def _budget(cell: Cell, *, scale: int) -> Any:
    text = _text(cell)
    found = budget(text, scale=scale)
    if found is None:
        _refuse_doubtful(text, scale)
        raise BadCell(_has_decimals(text) or messages.NO_BUDGET, cell)
    return found


_READERS: dict[str, Callable[..., Any]] = {
    "text": _text,
    "code": _code,
    "codes": _codes,
    "words": _words,
    "trl": _trl,
    "money": _money,
    "budget": _budget,
    "yes": _yes,
    "date": _date,
    "indicators": lambda cell: compounds.indicators(_text(cell)),
    "rights": lambda cell: compounds.rights(_text(cell)),
    "works": lambda cell: compounds.works(_text(cell)),
    "tiers": lambda cell, noun: protected.tiers(_text(cell), noun),
}


def written(column: Column, value: Any, *, language: str, labels: bool = True) -> str | int:
    """A field's value as a cell that `reader` reads as the same; "" for nothing. Formulas are not guarded here.

    Codes are shown by their labels in `language` (zh or en), or as they are without `labels`.
    """
    if value is None or value in ("", [], {}):
        return ""

    def shown(name: str, code: str) -> str:
        text = label(name, code, language) if labels else code
        return text if labels and _is_clear(name, text, code) else code

    found: str | int
    match column.form:
        case "code":
            found = shown(column.of, value)
        case "codes":
            found = "; ".join(shown(column.of, code) for code in value)
        case "rights":
            found = compounds.rights_text(value, shown)
        case "works":
            found = compounds.works_text(value, shown)
        case "tiers":
            found = protected.tiers_text(value, column.of, language, shown, labels=labels)
        case form:
            found = _written_plainly(form, value, language)
    return found


def _written_plainly(form: str, value: Any, language: str) -> str | int:
    if form in ("trl", "money"):
        return int(value)
    if form == "words":
        return lists.written(value)
    if form == "indicators":
        return compounds.indicators_text(value)
    if form == "yes":
        return ("是" if value else "否") if language == "zh" else ("yes" if value else "no")
    return str(value.isoformat()) if isinstance(value, date) else str(value)


def _is_clear(name: str, text: str, code: str) -> bool:
    """Whether a label means this code only, alone and among others."""
    try:
        return code_of(name, text) == code and not set(text) & set(lists.ENDS)
    except NoTerm:
        return False


__all__ = ["NEGOTIABLE", "BadCell", "Cell", "Read", "guarded", "reader", "unguarded", "written"]
