"""What the schemas of outcomes, experts and demands share."""

from __future__ import annotations

import re
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from schemas import messages
from schemas.base import Code, Number, Strict, Text, codes, many, words

CNY_MOST = 10**12
OWNERS_ONLY = ("external_key", "rejection_reason", "rejection_text", "tiers")
"""Shown to the owner and to staff only, whatever the tiers."""
CONFIDENTIAL = ("contact_name", "contact_phone", "contact_email", *OWNERS_ONLY)
"""In no list and in no document, whatever the tiers."""

_IPC = re.compile(r"[A-H][0-9]{2}[A-Z](\s?[0-9]{1,4}/[0-9]{2,6})?")


class IpcSymbol(Text):
    """A symbol of the International Patent Classification, from subclass to subgroup."""

    def __init__(self) -> None:
        """At most sixteen characters."""
        super().__init__(16, required=True)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> str:
        symbol = super()._deserialize(value, *args, **kwargs).upper()
        if not _IPC.fullmatch(symbol):
            raise ValidationError(messages.BAD_IPC)
        return symbol.replace(" ", "")


class Indicator(Strict):
    """A technical indicator: a name, a value with its direction, a unit."""

    name = Text(64, required=True)
    direction = Code("indicator_directions", required=True)
    value = Number(required=True)
    value_to = Number()
    unit = Text(32)

    @validates_schema
    def check_range(self, data: dict[str, Any], **_: Any) -> None:
        """'between' has two ends in order; the others have one."""
        upper = data.get("value_to")
        if data["direction"] == "between":
            if upper is None or upper < data["value"]:
                raise ValidationError(messages.VALUE_TO_NEEDED, "value_to")
        elif upper is not None:
            raise ValidationError(messages.VALUE_TO_UNUSED, "value_to")


class ListingFields(Strict):
    """Fields that every listing has."""

    keywords = words(64, 20)
    field = Code("fields")
    disciplines = codes("disciplines", 5)
    contact_name = Text(128)
    contact_phone = Text(64)
    contact_email = Text(254, validate=validate.Email())
    external_key = Text(128, allow_none=True)


class OrganisationReference(Schema):
    """Whose it is; absent where the organisation is masked."""

    id = fields.UUID()
    name_zh = fields.String()
    name_en = fields.String()


class ListingMeta(Schema):
    """What the service adds to a listing."""

    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        """Listings are objects, never mappings: not asking is half the time of a dump."""
        return getattr(obj, attr, default)

    id = fields.UUID()
    type = fields.String(attribute="NOUN", metadata={"enum": ["outcome", "expert", "demand"]})
    organisation = fields.Nested(OrganisationReference, attribute="public_organisation", allow_none=True)
    language = fields.String(metadata={"enum": ["zh", "en", "both"]})
    state = Code("listing_states")
    custody = Code("custody")
    rejection_reason = Code("rejection_reasons")
    rejection_text = fields.String()
    extended = fields.Boolean()
    protected = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        metadata={"description": "What you do not see, with the tier it takes 未向您披露的字段及所需层级"},
    )
    published_at = fields.AwareDateTime(allow_none=True)
    created_at = fields.AwareDateTime()
    updated_at = fields.AwareDateTime()
    version = fields.Integer()


def indicators() -> fields.List[Any]:
    """Up to thirty indicators."""
    return many(fields.Nested(Indicator), 30, distinct=False)


def posted_for() -> fields.UUID:
    """Which organisation a new listing is for, where one belongs to several or publishes for another."""
    return fields.UUID(metadata={"description": "Without it: your own organisation 缺省为本机构"})
