"""Accounts, signing in, keys and erasure, as they come in and go out."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validates_schema

from schemas import messages
from schemas.answers import Me
from schemas.base import Strict, Text, Whole, codes, many, one_of
from schemas.messages import Message
from schemas.queries import Page, PageQuery

LANGUAGES = ("zh", "en")
ACCOUNT_ROLES = ("administrator", "reviewer", "auditor", "broker", "service_partner")
"""Roles that an account itself can have; the others are held in organisations."""

ONE_LINE = Message("Must be on one line.", "只能为一行。")
NAME_OR_PASSWORD = Message(
    "Give your password, or your mail address as `confirm`.", "请提供密码，或以 confirm 提供邮箱。"
)


class Mail(fields.Email):
    """A mail address of at most 254 characters."""

    def __init__(self, **kwargs: Any) -> None:
        """Required unless said otherwise."""
        kwargs = {"required": True, **kwargs}
        super().__init__(metadata={"maxLength": 254, **kwargs.pop("metadata", {})}, **kwargs)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> str:
        return str(super()._deserialize(Text(254).deserialize(value), *args, **kwargs))


class Line(Text):
    """A text on one line."""

    def checked(self, text: str) -> str:
        """As of any text, and without breaks."""
        text = super().checked(text)
        if "\n" in text or "\t" in text:
            raise ValidationError(ONE_LINE)
        return text


class Password(fields.String):
    """Taken as it is typed, spaces and all; its rules are those of market/services/passwords.py."""

    def __init__(self, **kwargs: Any) -> None:
        """Never shown."""
        metadata = {"format": "password", "writeOnly": True, "maxLength": 1024, **kwargs.pop("metadata", {})}
        super().__init__(validate=_short_enough, metadata=metadata, **kwargs)


def _short_enough(text: str) -> None:
    if len(text) > 1024:
        raise ValidationError(Message("At most {max} characters.", "最多 {max} 个字符。").format(max=1024))


def _language(**options: Any) -> fields.String:
    return fields.String(validate=one_of(LANGUAGES), **options)


class Registration(Strict):
    """A new account."""

    email = Mail()
    name = Line(128, required=True)
    language = _language(load_default="zh")
    password = Password(metadata={"description": "Without it: sign in otherwise, or set one by mail 可选"})


class Token(Strict):
    """What a mail's link holds."""

    token = Text(2000, required=True)


class Address(Strict):
    """Whose password is forgotten."""

    email = Mail()


class NewPassword(Token):
    """What a mail's link holds, and the password to set."""

    password = Password(required=True)


class PasswordChange(Strict):
    """`old` where there is one."""

    old = Password(load_default="")
    new = Password(required=True)


class MeUpdate(Strict):
    """What is named is changed. A new address or password takes the password there is, or a sign-in just now."""

    name = Line(128)
    language = _language()
    password = fields.Nested(PasswordChange)
    email = Mail(required=False)
    current_password = Password(load_default="", metadata={"description": "To change the address 更改邮箱时填写"})

    @validates_schema
    def check_name(self, data: dict[str, Any], **_: Any) -> None:
        """Nobody is without one."""
        if data.get("name") == "":
            raise ValidationError(messages.BLANK, "name")


class Taken(Schema):
    """The request is taken; what became of it is told by mail, to whom it may concern."""

    accepted = fields.Boolean()


class SignIn(Strict):
    """A mail address and its password."""

    email = Mail()
    password = Password(required=True)


class SignedIn(Schema):
    """A key for some hours, in this answer only; none where a provider was added to an account."""

    key = fields.String(allow_none=True)
    expires_at = fields.AwareDateTime(allow_none=True)
    linked = fields.String(metadata={"description": "The provider that was added 已关联的身份提供方"})


class Redirect(Schema):
    """Where a browser is to go."""

    url = fields.String()


class IdentityAdd(Strict):
    """An identity provider of this installation; whoever has a password gives it."""

    provider = Text(32, required=True)
    password = Password(load_default="")


class ProviderRead(Schema):
    """Where people may sign in."""

    name = fields.String()
    url = fields.String()


class WaysIn(Schema):
    """How one can sign in here."""

    passwords = fields.Boolean()
    providers = fields.List(fields.Nested(ProviderRead))


class Callback(Schema):
    """What a provider sends a browser back with; parameters that we do not know are its own affair."""

    class Meta:
        """Providers add what they like."""

        unknown = "exclude"

    code = fields.String(load_default="")
    state = fields.String(load_default="")
    iss = fields.String(load_default="")
    error = fields.String(load_default="")


class IdentityRead(Schema):
    """One way in through a provider."""

    id = fields.UUID()
    issuer = fields.String()
    created_at = fields.AwareDateTime()


class IdentityList(Schema):
    """One's ways in through providers."""

    items = fields.List(fields.Nested(IdentityRead))


class KeyCreate(Strict):
    """A key for a program."""

    label = Line(128, load_default="")
    scopes = codes("scopes", 8)
    days = Whole(1, 3650, allow_none=True, metadata={"description": "Without it: until revoked 缺省为长期有效"})


class KeyRead(Schema):
    """A key, never whole."""

    id = fields.UUID()
    hint = fields.String(metadata={"description": "Its first characters 开头几位"})
    label = fields.String()
    kind = fields.String(metadata={"enum": ["key", "sign_in"]})
    scopes = fields.List(fields.String())
    created_at = fields.AwareDateTime()
    expires_at = fields.AwareDateTime(allow_none=True)
    last_used_at = fields.AwareDateTime(allow_none=True)


class KeyMade(KeyRead):
    """A new key: `key` is in this answer only."""

    key = fields.String(allow_none=True)


class KeyList(Schema):
    """One's keys that are good now."""

    items = fields.List(fields.Nested(KeyRead))


class MeRead(Me):
    """The caller, as they see themselves."""

    email_verified = fields.Boolean()
    orcid = fields.String(metadata={"description": "As ORCID has vouched for it 经 ORCID 认证"})
    has_password = fields.Boolean()


class AccountRead(Schema):
    """An account, as an administrator sees it."""

    id = fields.UUID()
    email = fields.String()
    name = fields.String()
    language = fields.String()
    roles = fields.List(fields.String())
    active = fields.Boolean()
    email_verified_at = fields.AwareDateTime(allow_none=True)
    created_at = fields.AwareDateTime()


class AccountPage(Page):
    """A page of accounts."""

    items = fields.List(fields.Nested(AccountRead))


class AccountQuery(PageQuery):
    """Accounts by a part of name or address, by role, open or closed."""

    q = Text(100)
    role = fields.String(validate=one_of(ACCOUNT_ROLES))
    active = fields.Boolean()


class AccountUpdate(Strict):
    """The roles of the account itself."""

    roles = many(fields.String(validate=one_of(ACCOUNT_ROLES)), len(ACCOUNT_ROLES))


class Deactivation(Strict):
    """Close my account; whoever has a password gives it."""

    password = Password(load_default="")


class Erasure(Strict):
    """Erase me, for good."""

    password = Password()
    confirm = Text(254, metadata={"description": "Your mail address, where you have no password 无密码时填写邮箱"})

    @validates_schema
    def check_one(self, data: dict[str, Any], **_: Any) -> None:
        """One of both."""
        if len(data) != 1:
            raise ValidationError(NAME_OR_PASSWORD, "confirm")


class ErasureReport(Schema):
    """What was erased. It holds nothing that depends on what others have: whoever asks chose the name to look for."""

    account = fields.UUID()
    gone = fields.List(
        fields.String(), metadata={"description": "Kinds of what was yours and is gone 已删除的数据类别"}
    )
    headless = fields.List(
        fields.UUID(), metadata={"description": "Organisations left without administrator 无管理员的机构"}
    )
    stays = fields.List(fields.String(), metadata={"description": "What is kept, and why 保留内容及原因"})
