"""What may be asked of lists and searches. Parameters are named after the fields of the search index."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validates_schema
from webargs.fields import DelimitedList

from schemas import messages
from schemas.base import Code, Strict, Text, WholeParameter, comma, one_of
from schemas.common import CNY_MOST

FACETS = {
    "outcome": ("field", "disciplines", "industries", "region", "kind", "category", "funding_source", "ip_status",
                "cooperation_modes", "organisation", "trl", "state"),
    "expert": ("field", "disciplines", "regions_served", "cooperation", "professional_title", "degree",
               "availability", "organisation", "state"),
    "demand": ("field", "disciplines", "industries", "region", "region_rule", "cooperation_modes", "organisation",
               "progress", "state"),
}  # fmt: skip


def _facets(noun: str) -> DelimitedList:
    known = FACETS[noun]

    def check(names: list[str]) -> None:
        for name in names:
            if name not in known:
                raise ValidationError(messages.NOT_A_FACET.format(name=name, known=", ".join(known)))

    return DelimitedList(
        fields.String(),
        validate=check,
        metadata={"description": f"Count these: {', '.join(known)}"},
    )


def _codes(name: str) -> DelimitedList:
    return comma(Code(name, required=True))


def _money() -> WholeParameter:
    return WholeParameter(0, CNY_MOST, metadata={"description": "CNY 人民币元"})


def _level() -> WholeParameter:
    return WholeParameter(1, 9)


def _sorts(*names: str) -> fields.String:
    return fields.String(validate=one_of(names), load_default=names[0])


class PageQuery(Strict):
    """One page of a list."""

    limit = WholeParameter(1, 100, load_default=20)
    cursor = fields.String(metadata={"description": "From the answer before: next 下一页"})


class Page(Schema):
    """What is said of each page of a list, beside its `items`."""

    next = fields.String(allow_none=True, metadata={"description": "The cursor of the next page; null 末页为 null"})


class ListingQuery(PageQuery):
    """What all searches share."""

    q = Text(500, metadata={"description": 'Words, "exact phrases" 检索词，引号内为短语'})
    field = _codes("fields")
    disciplines = _codes("disciplines")
    organisation = comma(fields.UUID())
    semantic = fields.Boolean(
        load_default=False, metadata={"description": "Also by meaning, not by words alone 同时按语义检索"}
    )
    state = _codes("listing_states")
    published_from = fields.Date()
    published_to = fields.Date()
    highlight = fields.Boolean(load_default=False, metadata={"description": "Mark the words found 标出命中词"})


class OutcomeQuery(ListingQuery):
    """Search among outcomes."""

    industries = _codes("industries")
    region = _codes("regions")
    kind = _codes("outcome_kinds")
    category = _codes("outcome_categories")
    funding_source = _codes("funding_sources")
    ip_status = _codes("ip_statuses")
    ip_kinds = _codes("ip_kinds")
    cooperation_modes = _codes("cooperation_modes")
    trl_from = _level()
    trl_to = _level()
    price_from = _money()
    price_to = _money()
    facets = _facets("outcome")
    sort = _sorts("relevance", "newest", "price", "-price", "trl", "-trl")


class ExpertQuery(ListingQuery):
    """Search among experts."""

    regions_served = _codes("regions")
    cooperation = _codes("expert_cooperation")
    professional_title = _codes("professional_titles")
    degree = _codes("degrees")
    availability = _codes("availabilities")
    facets = _facets("expert")
    sort = _sorts("relevance", "newest", "-works_count")


class DemandQuery(ListingQuery):
    """Search among demands. Ranges find what overlaps them."""

    industries = _codes("industries")
    region = _codes("regions")
    region_rule = _codes("region_rules")
    cooperation_modes = _codes("cooperation_modes")
    progress = _codes("demand_progress")
    trl_from = _level()
    trl_to = _level()
    budget_from = _money()
    budget_to = _money()
    deadline_from = fields.Date()
    deadline_to = fields.Date()
    facets = _facets("demand")
    sort = _sorts("relevance", "newest", "deadline", "-budget_to", "-reward")


KINDS = ("outcome", "expert", "demand")


class EverywhereQuery(Strict):
    """Search in all three at once."""

    q = Text(500, required=True)
    kinds = DelimitedList(fields.String(validate=one_of(KINDS)), load_default=KINDS, metadata={"default": [*KINDS]})
    limit = WholeParameter(1, 100, load_default=10, metadata={"description": "Hits of each kind 每类条数"})
    highlight = fields.Boolean(load_default=False)


class SuggestQuery(Strict):
    """What completes the words being typed."""

    q = Text(100, required=True)
    kinds = DelimitedList(fields.String(validate=one_of(KINDS)), load_default=KINDS, metadata={"default": [*KINDS]})
    limit = WholeParameter(1, 20, load_default=10)


class LivePosition(Strict):
    """From where on a caller wants to hear of what comes, and how long to wait."""

    after = WholeParameter(0, 10**15)
    seconds = WholeParameter(0, 60)


class MatchQuery(PageQuery):
    """The matches of a listing, best first."""

    kind = fields.String(validate=one_of(("outcome", "expert")))
    state = Code("match_states")


class FlagQuery(PageQuery):
    """Flags, oldest first: those that wait, or those with a verdict."""

    state = fields.String(validate=one_of(("open", "resolved")), load_default="open")


class TextMatch(Strict):
    """A need or an offer that is not stored, to be matched at once."""

    text = Text(20_000, required=True)
    kind = fields.String(
        required=True,
        validate=one_of(KINDS),
        metadata={"description": "What is sought: outcome and expert for a need, demand for an offer"},
    )
    field = Code("fields")
    region = Code("regions")
    budget_from = WholeParameter(0, CNY_MOST)
    budget_to = WholeParameter(0, CNY_MOST)
    trl_from = WholeParameter(1, 9)
    trl_to = WholeParameter(1, 9)
    limit = WholeParameter(1, 100, load_default=10)

    @validates_schema
    def check_ranges(self, data: dict[str, Any], **_: Any) -> None:
        """Ranges have their ends in order."""
        for name in ("budget", "trl"):
            low, high = data.get(f"{name}_from"), data.get(f"{name}_to")
            if low is not None and high is not None and low > high:
                raise ValidationError(messages.RANGE_REVERSED, f"{name}_to")
