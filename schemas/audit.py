"""The audit trail as auditors ask for it and read it."""

from __future__ import annotations

from datetime import UTC

from marshmallow import Schema, fields

from schemas.base import Text, one_of
from schemas.queries import Page, PageQuery


class AuditQuery(PageQuery):
    """Which entries; the newest come first."""

    noun = Text(64, metadata={"description": "What kind of thing it was done to, like outcome 对象类型"})
    subject = fields.UUID(metadata={"description": "The id of what it was done to 对象编号"})
    actor = fields.UUID(metadata={"description": "The id of who did it 操作人编号"})
    actor_kind = fields.String(validate=one_of(("user", "system", "visitor")))
    action = Text(64, metadata={"description": "Like create, change, approve 操作"})
    since = fields.AwareDateTime(default_timezone=UTC, metadata={"description": "Then or later 起始时间（含）"})
    until = fields.AwareDateTime(default_timezone=UTC, metadata={"description": "Before then 截止时间（不含）"})


class AuditEntryRead(Schema):
    """One deed."""

    id = fields.UUID()
    created_at = fields.AwareDateTime()
    actor_kind = fields.String()
    actor_id = fields.UUID(allow_none=True)
    action = fields.String()
    noun = fields.String()
    subject_id = fields.UUID()
    details = fields.Dict(metadata={"description": "Names and codes of what changed, never texts"})
    request_id = fields.String(metadata={"description": "As the log's lines name the request"})


class AuditPage(Page):
    """A page of the trail."""

    items = fields.List(fields.Nested(AuditEntryRead))


class AuditHead(Schema):
    """The last seal of the chain. Whoever keeps it elsewhere can tell later that nothing before it was changed."""

    position = fields.Integer(metadata={"description": "How many entries are sealed"})
    hash = fields.String(metadata={"description": "SHA-256 over the whole chain, in hex"})
    unsealed = fields.Integer(metadata={"description": "Entries that are to be sealed within seconds"})
    oldest_unsealed = fields.AwareDateTime(allow_none=True)
