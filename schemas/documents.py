"""Listing -> search document: which attribute fills which field of its index (search/indexes.py)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from marshmallow import Schema, fields, post_dump

from market.vocabulary import protection, vocabulary

_EPOCH = date(1970, 1, 1)
# Where a protected field would stand in documents, if not under the names of its attributes.
_ELSEWHERE = {"keywords": ("keywords_text",), "works": ("works", "works_count"), "ip_rights": ("ip_kinds",)}


def epoch_day(day: date | None) -> int | None:
    """Days since 1970-01-01."""
    return (day - _EPOCH).days if day else None


def epoch_second(moment: datetime | None) -> int | None:
    """Seconds since 1970-01-01 UTC."""
    return int(moment.timestamp()) if moment else None


def with_ancestors(name: str, codes: Iterable[str]) -> list[str]:
    """The codes with all that stand above them, so that a search for C finds C26 too."""
    terms = vocabulary(name)
    found: dict[str, None] = {}
    for code in codes:
        if code in terms:
            found.update(dict.fromkeys(terms.ancestors(code)))
    return list(found)


class Same(fields.Field[Any]):
    """The attribute as it is; nothing where it is empty."""

    def _serialize(self, value: Any, *_: Any, **__: Any) -> Any:
        return value if value not in ("", []) else None


class Ancestry(fields.Field[Any]):
    """Codes of a hierarchical vocabulary with their ancestors; one code counts as a list of one."""

    def __init__(self, name: str) -> None:
        """`name` is the vocabulary's."""
        self.name_of_vocabulary = name
        super().__init__()

    def _serialize(self, value: Any, *_: Any, **__: Any) -> list[str]:
        return with_ancestors(self.name_of_vocabulary, [value] if isinstance(value, str) else value)


class Day(fields.Field[Any]):
    """A date as a number."""

    def _serialize(self, value: date | None, *_: Any, **__: Any) -> int | None:
        return epoch_day(value)


class Second(fields.Field[Any]):
    """A moment as a number."""

    def _serialize(self, value: datetime | None, *_: Any, **__: Any) -> int | None:
        return epoch_second(value)


class Names(fields.Field[Any]):
    """An organisation's names in both languages; none where it is masked."""

    def _serialize(self, value: Any, *_: Any, **__: Any) -> list[str]:
        return [name for name in (value.name_zh, value.name_en) if name] if value else []


def _public(listing: Any, field: str) -> list[Any]:
    """A list where everybody may see it, else none."""
    return [] if field in listing.protected else getattr(listing, field)


def left_out(noun: str, protected: Iterable[str]) -> list[str]:
    """Under which names protected fields would stand in documents."""
    return [name for field in protected for name in _ELSEWHERE.get(field) or protection.FIELDS[noun].get(field, ())]


class ListingDocument(Schema):
    """Fields that every index has. `readers` is added by the service, which knows who may see what.

    What is protected is no part of a document: whatever reads documents (searches, facets, alerts) cannot tell it.
    """

    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        """Listings are objects, never mappings: not asking is half the time of a dump."""
        return getattr(obj, attr, default)

    @post_dump(pass_original=True)
    def leave_out(self, data: dict[str, Any], original: Any, **_: Any) -> dict[str, Any]:
        """Drop what is protected."""
        for name in left_out(original.NOUN, original.protected):
            data.pop(name, None)
        return data

    id = fields.UUID()
    version = fields.Integer()
    keywords_text = Same(attribute="keywords")
    organisation_name = Names(attribute="public_organisation")
    organisation = fields.Function(
        lambda listing: str(listing.public_organisation.id) if listing.public_organisation else None
    )
    field = Same()
    disciplines = Ancestry("disciplines")
    state = Same()
    published_at = Second()
    updated_at = Second()


class OutcomeDocument(ListingDocument):
    """A document of the index of outcomes."""

    title_zh = Same()
    title_en = Same()
    summary_zh = Same()
    summary_en = Same()
    description_zh = Same()
    description_en = Same()
    advantages_zh = Same()
    advantages_en = Same()
    people = fields.Function(lambda outcome: [*_public(outcome, "owners"), *_public(outcome, "inventors")])
    industries = Ancestry("industries")
    region = Ancestry("regions")
    kind = Same()
    category = Same()
    funding_source = Same()
    ip_status = Same()
    ip_kinds = fields.Function(lambda outcome: sorted({right["kind"] for right in outcome.ip_rights}))
    ipc = Same()
    cooperation_modes = Same()
    trl = Same()
    price = Same()
    valid_until = Day()


class ExpertDocument(ListingDocument):
    """A document of the index of experts; the works are searched as one text field."""

    name_zh = Same()
    name_en = Same()
    directions_zh = Same()
    directions_en = Same()
    biography_zh = Same()
    biography_en = Same()
    works = fields.Function(lambda expert: [f"{work.title}\n{work.abstract}".strip() for work in expert.works])
    position = Same()
    regions_served = Ancestry("regions")
    cooperation = Same()
    professional_title = Same()
    degree = Same()
    availability = Same()
    works_count = fields.Function(lambda expert: len(expert.works))
    valid_until = Day()


class DemandDocument(ListingDocument):
    """A document of the index of demands."""

    title_zh = Same()
    title_en = Same()
    problem_zh = Same()
    problem_en = Same()
    background_zh = Same()
    background_en = Same()
    industries = Ancestry("industries")
    ipc = Same()
    region = Ancestry("regions")
    region_rule = Same()
    cooperation_modes = Same()
    progress = Same()
    trl_from = Same()
    trl_to = Same()
    budget_from = Same()
    budget_to = Same()
    reward = Same()
    deadline = Day()


DOCUMENTS: dict[str, ListingDocument] = {
    "outcome": OutcomeDocument(),
    "expert": ExpertDocument(),
    "demand": DemandDocument(),
}
