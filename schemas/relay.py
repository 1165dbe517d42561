"""Messages that are passed on, as either side writes and reads them. No field holds an address."""

from __future__ import annotations

from marshmallow import Schema, fields

from schemas.base import Strict, Text
from schemas.disclosure import Requester
from schemas.queries import Page, PageQuery


class MessageCreate(Strict):
    """What is written to the other side."""

    text = Text(4000, required=True)


class ThreadQuery(PageQuery):
    """A page of threads."""


class Writer(Requester):
    """Who began a thread."""


class ThreadRead(Schema):
    """A conversation about a listing."""

    id = fields.UUID()
    type = fields.String(attribute="noun", metadata={"enum": ["outcome", "expert", "demand"]})
    listing_id = fields.UUID()
    listing = fields.Raw(metadata={"description": "In short; null where it is not to be seen any more"})
    writer = fields.Nested(
        Writer,
        allow_none=True,
        metadata={"description": "Who began it; null where that was you 发起人，为您本人时为空"},
    )
    last_at = fields.AwareDateTime()
    unread = fields.Integer()
    closed_at = fields.AwareDateTime(allow_none=True)
    closed_because = fields.String(
        metadata={
            "enum": ["", "listing_deleted"],
            "description": "Where neither side closed it 非由双方关闭时的原因",
        }
    )


class MessageRead(Schema):
    """One message, yours or the other side's."""

    at = fields.AwareDateTime()
    mine = fields.Boolean()
    text = fields.String()
    read_at = fields.AwareDateTime(
        allow_none=True, metadata={"description": "When you read it; of your own always null 您的阅读时间"}
    )


class ThreadWhole(ThreadRead):
    """A conversation with its messages, the oldest first."""

    messages = fields.List(fields.Nested(MessageRead))


class ThreadPage(Page):
    """A page of threads, the one with the newest message first."""

    items = fields.List(fields.Nested(ThreadRead))
