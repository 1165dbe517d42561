"""Outcomes 科技成果, as they come in and go out."""

from __future__ import annotations

from marshmallow import fields

from schemas.base import Code, Strict, Text, Whole, codes, many, words
from schemas.common import CNY_MOST, IpcSymbol, ListingFields, ListingMeta, indicators, posted_for
from schemas.disclosure import Tiers


class IntellectualPropertyRight(Strict):
    """One right: its kind and number."""

    kind = Code("ip_kinds", required=True)
    number = Text(64)


class OutcomeFields(ListingFields):
    """What its owner says of an outcome."""

    title_zh = Text(256)
    title_en = Text(256)
    summary_zh = Text(500)
    summary_en = Text(500)
    description_zh = Text(20_000)
    description_en = Text(20_000)
    advantages_zh = Text(2000)
    advantages_en = Text(2000)
    owners = words(128, 20)
    inventors = words(128, 50)
    industries = codes("industries", 5)
    ipc = many(IpcSymbol(), 10)
    kind = Code("outcome_kinds")
    category = Code("outcome_categories")
    funding_source = Code("funding_sources")
    trl = Whole(1, 9, allow_none=True)
    ip_status = Code("ip_statuses")
    ip_rights = many(fields.Nested(IntellectualPropertyRight), 30, distinct=False)
    cooperation_modes = codes("cooperation_modes", 8)
    price = Whole(0, CNY_MOST, allow_none=True, metadata={"description": "CNY 人民币元"})
    price_negotiable = fields.Boolean()
    indicators = indicators()
    region = Code("regions")
    awards = words(256, 20)
    valid_until = fields.Date(allow_none=True)
    tiers = Tiers("outcome")


class OutcomeCreate(OutcomeFields):
    """A new outcome."""

    submit = fields.Boolean(metadata={"description": "Submit at once 立即提交"})
    organisation_id = posted_for()


class OutcomeRead(OutcomeFields, ListingMeta):
    """An outcome as its readers see it."""


SUMMARY = (
    "id", "type", "title_zh", "title_en", "summary_zh", "summary_en", "keywords", "field", "industries", "trl",
    "ip_status", "cooperation_modes", "price", "price_negotiable", "region", "organisation", "state",
    "published_at", "version",
)  # fmt: skip
