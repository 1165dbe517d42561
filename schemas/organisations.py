"""Organisations and who belongs to them, as they come in and go out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError, fields

from market.vocabulary import credit_codes
from schemas.accounts import LANGUAGES, Line, Mail, Password
from schemas.answers import OrganisationRead
from schemas.base import Code, Strict, Text, many, one_of
from schemas.messages import Message
from schemas.queries import Page, PageQuery

PLACES = ("organisation_admin", "member", "delegate", "expert", "broker")
"""Roles one can have in an organisation."""

BAD_CODE = Message(
    "Not a unified social credit code: its check character does not fit.", "不是有效的统一社会信用代码：校验位不符。"
)
BAD_DOMAIN = Message("Must be a mail domain like example.org.", "应为邮箱域名，如 example.org。")
NO_ROLE = Message("Give at least one.", "至少填写一项。")

_DOMAIN = re.compile(r"(?=.{4,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])")


class CreditCode(Text):
    """A unified social credit code, with its check character."""

    def __init__(self, **kwargs: Any) -> None:
        """Eighteen characters; nothing where there is none."""
        super().__init__(40, allow_none=True, metadata={"example": "91350100M000100Y43"}, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        code = credit_codes.normalised(super()._deserialize(value, attr, data, **kwargs))
        if code and not credit_codes.valid(code):
            raise ValidationError(BAD_CODE)
        return code or None


class MailDomain(Text):
    """A domain of mail addresses, in ASCII."""

    def __init__(self) -> None:
        """At most 253 characters."""
        super().__init__(253, required=True)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        domain = super()._deserialize(value, attr, data, **kwargs).lower().removeprefix("@")
        if not _DOMAIN.fullmatch(domain):
            raise ValidationError(BAD_DOMAIN)
        return domain


class OrganisationFields(Strict):
    """What is said of an organisation."""

    name_zh = Line(128)
    name_en = Line(256)
    kind = Code("organisation_kinds", required=False)
    region = Code("regions")
    summary_zh = Text(2000)
    summary_en = Text(2000)
    credit_code = CreditCode()
    mail_domains = many(MailDomain(), 10)


class OrganisationCreate(OrganisationFields):
    """A new organisation: a name in one language at least, and its kind."""

    kind = Code("organisation_kinds", required=True)


class OrganisationWhole(OrganisationRead):
    """An organisation; what is for its administrators and for staff is absent for others."""

    trusted = fields.Boolean(metadata={"description": "For its administrators and staff 仅管理方可见"})
    active = fields.Boolean()
    verified_at = fields.AwareDateTime(allow_none=True)
    mail_domains = fields.List(
        fields.String(), metadata={"description": "For its administrators and staff 仅管理方可见"}
    )


class OrganisationQuery(PageQuery):
    """Organisations by a part of their name, by their verification."""

    q = Text(100)
    verification = Code("verification_states")


class OrganisationPage(Page):
    """A page of organisations."""

    items = fields.List(fields.Nested(OrganisationRead))


class Verification(Strict):
    """It is who it says. `trusted`: what it posts needs no review; absent, that stays."""

    trusted = fields.Boolean()


class Refusal(Strict):
    """Why it is not verified; its administrators are told."""

    text = Text(1000, required=True)


class EvidenceRead(Schema):
    """What speaks for an organisation, and against it."""

    credit_code_valid = fields.Boolean(allow_none=True)
    confirmed = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        metadata={
            "description": "Mail domain: administrators with a confirmed address there 域名下已确认邮箱的管理员数"
        },
    )
    alike = fields.List(fields.Nested(OrganisationRead))


class Delegation(Schema):
    """For whom else somebody publishes, and until when."""

    organisation = fields.Nested(OrganisationRead)
    until = fields.AwareDateTime(allow_none=True)


class PersonRead(Schema):
    """Somebody of an organisation."""

    id = fields.UUID()
    name = fields.String()
    email = fields.String()
    email_verified = fields.Boolean()
    active = fields.Boolean()
    roles = fields.List(fields.String())
    until = fields.AwareDateTime(allow_none=True, metadata={"description": "End of a delegation 代发布期限"})
    since = fields.AwareDateTime()
    delegations = fields.List(fields.Nested(Delegation))


class PersonList(Schema):
    """Everybody of an organisation."""

    items = fields.List(fields.Nested(PersonRead))


def _some(values: list[str]) -> None:
    if not values:
        raise ValidationError(NO_ROLE)


def _places() -> fields.List[Any]:
    listed = many(fields.String(validate=one_of(PLACES)), len(PLACES))
    listed.validators.append(_some)
    listed.required = True
    return listed


class PersonUpdate(Strict):
    """Their roles from now on; `until` of a delegation."""

    roles = _places()
    until = fields.AwareDateTime(allow_none=True, load_default=None)


class InvitationCreate(Strict):
    """Whom to invite."""

    email = Mail()
    roles = _places()
    language = fields.String(validate=one_of(LANGUAGES), load_default="zh")


class InvitationRead(Schema):
    """An invitation, without its token."""

    id = fields.UUID()
    email = fields.String()
    roles = fields.List(fields.String())
    language = fields.String()
    until = fields.AwareDateTime()
    created_at = fields.AwareDateTime()
    accepted_at = fields.AwareDateTime(allow_none=True)
    revoked_at = fields.AwareDateTime(allow_none=True)


class InvitationMade(InvitationRead):
    """A new one: `token` is in this answer only."""

    token = fields.String(allow_none=True)


class InvitationList(Schema):
    """All that are kept, the newest first."""

    items = fields.List(fields.Nested(InvitationRead))


class Acceptance(Strict):
    """The token of an invitation; name and password for whoever has no account yet."""

    token = Text(2000, required=True)
    name = Line(128, load_default="")
    password = Password(load_default="")


class Joined(Schema):
    """Where one belongs now, and as what."""

    organisation = fields.Nested(OrganisationRead)
    roles = fields.List(fields.String())
    until = fields.AwareDateTime(allow_none=True)
