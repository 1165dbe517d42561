"""Which fields of a row are protected, as a cell, both ways: `技术难题: 协议后; 预算: 注册用户`. Knows no rows."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache

from market.files import lists, messages
from market.files.columns import KINDS, columns_of, normalised
from market.files.compounds import BadEntry
from market.files.terms import NoTerm, code_of, folded
from market.vocabulary import protection, vocabulary
from schemas.messages import Message

# What people write beside codes and labels.
_TIERS = {"协议后": "agreement", "承诺后": "agreement", "注册": "registered", "认证": "verified"}
_CONTACT = "联系方式"
_PARTING = re.compile("[:：=＝]")


def tiers(text: str, noun: str) -> dict[str, str]:
    """`field: tier`, parted by semicolons or lines, as field -> tier; BadEntry for whatever is not plainly that.

    What cannot be understood must never end as a field that everybody sees: so there is no guessing here, and a field
    that is named twice with different tiers is none that can be understood.
    """
    found: dict[str, str] = {}
    for number, piece in enumerate(lists.pieces(text, lists.ENDS), start=1):
        try:
            field, tier = _pair(piece, noun)
        except NoTerm as error:
            raise BadEntry(number, error.message) from None
        if found.setdefault(field, tier) != tier:
            raise BadEntry(
                number, messages.TWO_TIERS.format(name=Message(named(noun, field, "en"), named(noun, field, "zh")))
            )
    return found


def _pair(piece: str, noun: str) -> tuple[str, str]:
    parts = _PARTING.split(piece)
    if len(parts) != 2:
        raise NoTerm(messages.NO_TIER)
    field = _fields(noun).get(normalised(parts[0]))
    offered = protection.choices(noun, field) if field else ()
    if field is None or not offered:
        raise NoTerm(messages.NOT_PROTECTABLE.format(name=repr(parts[0].strip()[:64]), known=_offered(noun)))
    word = parts[1].strip()
    tier = _TIERS.get(folded(word)) or code_of("tiers", word)
    if tier not in offered:
        terms = [vocabulary("tiers").terms[code] for code in offered]
        choices = Message(", ".join(term.en for term in terms), "、".join(term.zh for term in terms))
        raise NoTerm(messages.TIER_OF_FIELD.format(name=repr(parts[0].strip()[:64]), choices=choices))
    return field, tier


@lru_cache(maxsize=len(KINDS))
def _fields(noun: str) -> Mapping[str, str]:
    """Every way to write a field that goes with a tier, normalised: its name, and all headers of its columns."""
    columns = {column.name: column for column in columns_of(f"{noun}s")}
    known: dict[str, str] = {normalised(_CONTACT): "contact"}
    for field, attributes in protection.FIELDS[noun].items():
        named = [columns[name] for name in (field, *attributes) if name in columns]
        for column in named:
            known |= dict.fromkeys(map(normalised, (column.name, column.zh, column.en, *column.aliases)), field)
    return known | {normalised(field): field for field in protection.FIELDS[noun]}


def _offered(noun: str) -> Message:
    zh, en = ([named(noun, field, language) for field in protectable(noun)] for language in ("zh", "en"))
    return Message(", ".join(en), "、".join(zh))


def protectable(noun: str) -> tuple[str, ...]:
    """The fields that can be given a tier."""
    return tuple(field for field in protection.FIELDS[noun] if protection.choices(noun, field))


def named(noun: str, field: str, language: str) -> str:
    """What a field with a tier is called, in zh or en; its name where that could be understood otherwise."""
    text = _label(noun, field, language)
    return text if _fields(noun).get(normalised(text)) == field and not _PARTING.search(text) else field


def _label(noun: str, field: str, language: str) -> str:
    columns = {column.name: column for column in columns_of(f"{noun}s")}
    if field in columns:
        return columns[field].header(language)
    if language == "en":
        return field.capitalize()
    both = columns.get(f"{field}_zh")
    return both.zh if both else _CONTACT


def tiers_text(
    held: Mapping[str, str], noun: str, language: str, shown: Callable[[str, str], str], *, labels: bool
) -> str:
    """Tiers as `tiers` reads them; `shown` writes a code of a vocabulary."""
    order = {field: place for place, field in enumerate(protection.FIELDS[noun])}
    rows = sorted(held.items(), key=lambda pair: order.get(pair[0], len(order)))
    return "; ".join(
        f"{named(noun, field, language) if labels and field in order else field}: {shown('tiers', tier)}"
        for field, tier in rows
    )
