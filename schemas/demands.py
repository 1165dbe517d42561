"""Demands 科研众包需求, as they come in and go out."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validates_schema

from schemas import messages
from schemas.base import Code, Text, Whole, codes, many, words
from schemas.common import CNY_MOST, IpcSymbol, ListingFields, ListingMeta, indicators, posted_for
from schemas.disclosure import Tiers


class DemandFields(ListingFields):
    """What a company says of its need."""

    title_zh = Text(256)
    title_en = Text(256)
    problem_zh = Text(10_000)
    problem_en = Text(10_000)
    background_zh = Text(10_000)
    background_en = Text(10_000)
    industries = codes("industries", 5)
    ipc = many(IpcSymbol(), 10)
    indicators = indicators()
    trl_from = Whole(1, 9, allow_none=True)
    trl_to = Whole(1, 9, allow_none=True)
    cooperation_modes = codes("cooperation_modes", 8)
    budget_from = Whole(0, CNY_MOST, allow_none=True, metadata={"description": "CNY 人民币元"})
    budget_to = Whole(0, CNY_MOST, allow_none=True, metadata={"description": "CNY 人民币元"})
    budget_negotiable = fields.Boolean()
    reward = Whole(0, CNY_MOST, allow_none=True, metadata={"description": "CNY 人民币元"})
    region = Code("regions")
    region_rule = Code("region_rules", required=False)
    deadline = fields.Date(allow_none=True)
    intended = words(128, 20)
    organisation_masked = fields.Boolean()
    tiers = Tiers("demand")

    @validates_schema
    def check_region(self, data: dict[str, Any], **_: Any) -> None:
        """A rule about a region names one."""
        if data.get("region_rule") in {"preferred", "required"} and data.get("region") == "":
            raise ValidationError(messages.REGION_NEEDED, "region")


class DemandCreate(DemandFields):
    """A new demand."""

    submit = fields.Boolean(metadata={"description": "Submit at once 立即提交"})
    organisation_id = posted_for()


class DemandRead(DemandFields, ListingMeta):
    """A demand as its readers see it."""

    progress = Code("demand_progress")


SUMMARY = (
    "id", "type", "title_zh", "title_en", "keywords", "field", "industries", "trl_from", "trl_to",
    "cooperation_modes", "budget_from", "budget_to", "budget_negotiable", "reward", "region", "region_rule",
    "deadline", "organisation", "organisation_masked", "progress", "state", "published_at", "version",
)  # fmt: skip
