"""What may be asked of the statistics, and the shape in which they are published."""

from __future__ import annotations

from datetime import date
from typing import Any

from marshmallow import Schema, ValidationError, fields, validates_schema

from schemas import messages
from schemas.base import Strict, WholeParameter, one_of

WHATS = ("outcomes", "experts", "demands", "matches")
FORMATS = ("json", "csv", "svg", "png")
LEVELS = ("province", "city")

_FIRST, _LAST = date(2000, 1, 1), date(2199, 12, 31)


def _day(description: str) -> fields.Date:
    def check(day: date) -> None:
        if not _FIRST <= day <= _LAST:
            raise ValidationError(messages.OUT_OF_RANGE.format(min=_FIRST, max=_LAST))

    return fields.Date(validate=check, metadata={"description": description})


class StatisticsQuery(Strict):
    """A period: listings by when they were published, matches by when they were found, organisations by when they
    came."""

    since = _day("The first day, China time 起始日（北京时间）")
    until = _day("The last day, counted too 截止日（含当日）")

    @validates_schema
    def check_period(self, data: dict[str, Any], **_: Any) -> None:
        """It does not end before it begins."""
        if "since" in data and "until" in data and data["since"] > data["until"]:
            raise ValidationError(messages.RANGE_REVERSED, "until")


class ConversionQuery(StatisticsQuery):
    """In which format."""

    format = fields.String(
        validate=one_of(FORMATS), load_default="json", metadata={"description": "svg and png are charts 图表"}
    )


class GroupsQuery(ConversionQuery):
    """What is counted, and how many groups are shown."""

    what = fields.String(validate=one_of((*WHATS, "all")), load_default="all")
    top = WholeParameter(1, 100, load_default=20, metadata={"description": "The largest groups 数量最多的组数"})


class RegionsQuery(GroupsQuery):
    """Provinces, or cities and districts."""

    level = fields.String(validate=one_of(LEVELS), load_default="province")


class MonthsQuery(GroupsQuery):
    """The latest months."""

    top = WholeParameter(1, 240, load_default=24, metadata={"description": "The latest months 最近月数"})


class BudgetRead(Schema):
    """Between which amounts the sum of public budgets lies. null where fewer than three demands state one."""

    demands = fields.Integer(metadata={"description": "How many state one 写明预算的需求数"})
    band = fields.String()
    label = fields.String()


class ConversionRead(Schema):
    """How far the matches ever found have come; each stage counts those beyond it. `rates` are shares of those found,
    null where none was."""

    found = fields.Integer()
    seen = fields.Integer(metadata={"description": "By either side 任一方已查看"})
    interested = fields.Integer(metadata={"description": "At least one side is 至少一方有意向"})
    in_contact = fields.Integer()
    rates = fields.Dict(keys=fields.String(), values=fields.Float(allow_none=True))


class Statistics(Schema):
    """What the exchange holds, counted from the database, of what the public may see."""

    organisations = fields.Integer()
    organisations_publishing = fields.Integer(
        metadata={"description": "With a published listing that bears their name 有公开署名发布的机构数"}
    )
    outcomes = fields.Integer()
    experts = fields.Integer()
    demands = fields.Integer()
    open_demands = fields.Integer()
    demands_by_progress = fields.Dict(keys=fields.String(), values=fields.Integer())
    matches = fields.Integer(metadata={"description": "That hold now 当前有效的匹配"})
    conversion = fields.Nested(
        ConversionRead, allow_none=True, metadata={"description": "null where fewer than three demands are matched"}
    )
    budget = fields.Nested(BudgetRead, allow_none=True)
    by_field = fields.Dict(keys=fields.String(), values=fields.Dict(keys=fields.String(), values=fields.Integer()))
    by_region = fields.Dict(keys=fields.String(), values=fields.Integer())
    since = fields.Date(allow_none=True)
    until = fields.Date(allow_none=True)
    counted_at = fields.AwareDateTime()


class CountsRead(Schema):
    """What was counted, as far as it was asked for."""

    outcomes = fields.Integer()
    experts = fields.Integer()
    demands = fields.Integer()
    matches = fields.Integer()
    budget = fields.Nested(BudgetRead, allow_none=True)
    conversion = fields.Nested(
        ConversionRead,
        allow_none=True,
        metadata={
            "description": "null for an organisation, where fewer than three demands are matched, and where those of "
            "such a group would be told by subtraction"
        },
    )
    rate = fields.Float(allow_none=True, metadata={"description": "Of a stage: its share of those found 占比"})


class GroupRead(CountsRead):
    """A group with its labels. `code` is a vocabulary's, an organisation's id, a month or a stage; empty: unknown."""

    code = fields.String()
    label = fields.String()
    zh = fields.String()
    en = fields.String()


class GroupsRead(Schema):
    """The groups shown, of how many there are, and all together."""

    dimension = fields.String()
    what = fields.List(fields.String())
    since = fields.Date(allow_none=True)
    until = fields.Date(allow_none=True)
    counted_at = fields.AwareDateTime()
    groups = fields.Integer()
    items = fields.List(fields.Nested(GroupRead))
    total = fields.Nested(CountsRead)
