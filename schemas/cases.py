"""Cases of brokers, as they are assigned and read."""

from __future__ import annotations

from marshmallow import Schema, fields

from schemas.base import Strict, Text, one_of
from schemas.queries import KINDS, Page, PageQuery

STATES = ("open", "closed")


class CaseCreate(Strict):
    """Which broker is to look after which listing."""

    type = fields.String(required=True, validate=one_of(KINDS), metadata={"enum": [*KINDS]})
    id = fields.UUID(required=True)
    broker = fields.UUID(required=True, metadata={"description": "An account's id 技术经理人账户"})
    note = Text(2000, metadata={"description": "Shown to the broker 将告知技术经理人"})


class CaseQuery(PageQuery):
    """Cases that one may read."""

    state = fields.String(validate=one_of(STATES), metadata={"enum": [*STATES]})
    listing = fields.UUID()


class CaseBroker(Schema):
    """Who looks after it."""

    id = fields.UUID()
    name = fields.String()


class CaseRead(Schema):
    """A case as its broker and whoever assigns see it."""

    id = fields.UUID()
    type = fields.String(attribute="noun", metadata={"enum": [*KINDS]})
    listing_id = fields.UUID()
    listing = fields.Raw(metadata={"description": "In short; null where it is gone"})
    broker = fields.Nested(CaseBroker, allow_none=True)
    note = fields.String()
    created_at = fields.AwareDateTime()
    closed_at = fields.AwareDateTime(allow_none=True)
    closed_because = fields.String(
        metadata={
            "enum": ["", "listing_deleted"],
            "description": "Where nobody closed it 非由人工关闭时的原因",
        }
    )
    may_close = fields.Boolean()


class CasePage(Page):
    """A page of cases, newest first."""

    items = fields.List(fields.Nested(CaseRead))
