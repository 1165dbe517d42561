"""Experts 专家 and their works, as they come in and go out."""

from __future__ import annotations

import re
from typing import Any

from marshmallow import ValidationError, fields

from schemas import messages
from schemas.base import Code, Strict, Text, Whole, codes, many
from schemas.common import ListingFields, ListingMeta, posted_for
from schemas.disclosure import Tiers


class Orcid(Text):
    """An ORCID iD, in groups of four, with the check character of ISO 7064 MOD 11-2."""

    def __init__(self) -> None:
        """Nineteen characters."""
        super().__init__(19)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, *args, **kwargs).upper()
        if text and not (re.fullmatch(r"([0-9]{4}-){3}[0-9]{3}[0-9X]", text) and _check(text) == text[-1]):
            raise ValidationError(messages.BAD_ORCID)
        return text


def _check(orcid: str) -> str:
    total = 0
    for digit in orcid.replace("-", "")[:-1]:
        total = (total + int(digit)) * 2
    rest = (12 - total % 11) % 11
    return "X" if rest == 10 else str(rest)


class WorkFields(Strict):
    """A paper, patent or project."""

    kind = Code("work_kinds")
    title = Text(512, required=True)
    abstract = Text(5000)
    year = Whole(1800, 2200, allow_none=True)
    identifier = Text(256)


class ExpertFields(ListingFields):
    """What is said of an expert."""

    name_zh = Text(64)
    name_en = Text(128)
    professional_title = Code("professional_titles")
    position = Text(128)
    degree = Code("degrees")
    directions_zh = Text(1000)
    directions_en = Text(2000)
    biography_zh = Text(5000)
    biography_en = Text(10_000)
    works = many(fields.Nested(WorkFields), 200, distinct=False)
    regions_served = codes("regions", 34)
    cooperation = codes("expert_cooperation", 5)
    availability = Code("availabilities")
    orcid = Orcid()
    valid_until = fields.Date(allow_none=True)
    tiers = Tiers("expert")


class ExpertCreate(ExpertFields):
    """A new profile."""

    submit = fields.Boolean(metadata={"description": "Submit at once 立即提交"})
    organisation_id = posted_for()


class ExpertRead(ExpertFields, ListingMeta):
    """A profile as its readers see it."""

    consented = fields.Boolean(
        metadata={"description": "The person has agreed to be shown, with their claim 本人认领时已同意展示"}
    )


SUMMARY = (
    "id", "type", "name_zh", "name_en", "professional_title", "position", "degree", "directions_zh",
    "directions_en", "keywords", "field", "regions_served", "cooperation", "availability", "organisation",
    "state", "published_at", "version",
)  # fmt: skip
