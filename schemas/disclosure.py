"""Protected fields and requests to see them: the tiers that an owner gives, the consent, what is decided."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError, fields

from market.vocabulary import protection
from schemas import messages
from schemas.base import Code, Strict, Text, one_of
from schemas.queries import Page, PageQuery

SIDES = ("mine", "to_decide")


class Tiers(fields.Dict):
    """Field -> tier of one noun's listings; null or public ends a protection, what is not named stays as it is."""

    def __init__(self, noun: str) -> None:
        """`noun` decides which fields can be protected."""
        self.noun = noun
        known = ", ".join(name for name in protection.FIELDS[noun] if protection.choices(noun, name))
        super().__init__(
            keys=fields.String(),
            values=fields.String(allow_none=True, metadata={"enum": [*protection.TIERS, None]}),
            metadata={"description": f"From which tier on a field is shown 字段披露层级: {known}"},
        )

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> dict[str, str | None]:
        if not isinstance(value, Mapping):
            raise self.make_error("invalid")
        refused = {str(name)[:64]: [told] for name, tier in value.items() if (told := self._refusal(name, tier))}
        if refused:
            raise ValidationError(refused)
        return {str(name): tier for name, tier in value.items()}

    def _refusal(self, name: object, tier: object) -> messages.Message | None:
        known = protection.choices(self.noun, str(name))
        if not known:
            offered = ", ".join(one for one in protection.FIELDS[self.noun] if protection.choices(self.noun, one))
            return messages.NOT_PROTECTABLE.format(known=offered)
        if tier is not None and tier not in known:
            return messages.ONE_OF.format(choices=", ".join(known))
        return None


class Confidentiality(Schema):
    """What is consented to; `sha256` is of `zh`, two line feeds, and `en`, in UTF-8."""

    version = fields.String()
    sha256 = fields.String()
    zh = fields.String()
    en = fields.String()


class Consent(Strict):
    """That a text was read and is agreed to: the one that /confidentiality shows now."""

    version = Text(32, required=True)
    sha256 = Text(64, required=True)


class AccessRequestCreate(Strict):
    """A request to see what is protected."""

    text = Text(2000, required=True, metadata={"description": "Who you are and what for 申请理由"})
    consent = fields.Nested(Consent, required=True)


class AccessGrant(Strict):
    """Until when it may be seen, and a word to whoever asked."""

    until = fields.AwareDateTime(
        error_messages={"invalid": messages.NO_MOMENT, "invalid_awareness": messages.NO_MOMENT},
        metadata={"description": "At most a year ahead; without it: for 90 days 最长一年，缺省 90 天"},
    )
    text = Text(2000)


class AccessAnswer(Strict):
    """A word to whoever asked."""

    text = Text(2000)


class AccessRequestQuery(PageQuery):
    """Requests that one has made, or that one decides on."""

    side = fields.String(validate=one_of(SIDES), load_default=SIDES[0], metadata={"enum": [*SIDES]})
    state = Code("access_states")


class Requester(Schema):
    """Who asks, for which organisation, and how far that is more than their word."""

    name = fields.String()
    organisation_zh = fields.String()
    organisation_en = fields.String()
    organisation_verification = Code(
        "verification_states",
        metadata={"description": "Whether the exchange has checked who the organisation is 机构是否经平台认证"},
    )
    email_verified = fields.Boolean(
        metadata={"description": "Whether their mail address is confirmed to be theirs 邮箱是否已确认"}
    )


class ConsentRead(Schema):
    """What was consented to, and when."""

    version = fields.String(attribute="consent_version")
    sha256 = fields.String(attribute="consent_hash")
    at = fields.AwareDateTime(attribute="consented_at")


class AccessRequestRead(Schema):
    """A request as both sides see it."""

    id = fields.UUID()
    type = fields.String(attribute="noun", metadata={"description": "The kind of the listing"})
    listing_id = fields.UUID()
    listing = fields.Raw(metadata={"description": "In short; null where it is not to be seen any more"})
    requester = fields.Nested(Requester, allow_none=True)
    state = Code("access_states")
    text = fields.String()
    consent = fields.Nested(ConsentRead)
    answer = fields.String()
    decided_at = fields.AwareDateTime(allow_none=True)
    until = fields.AwareDateTime(allow_none=True)
    created_at = fields.AwareDateTime()
    version = fields.Integer()


class AccessRequestPage(Page):
    """A page of requests, newest first."""

    items = fields.List(fields.Nested(AccessRequestRead))
