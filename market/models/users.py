"""Users, the roles of their accounts, how they sign in, and the keys that speak for them."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import JSON, UniqueConstraint
from sqlmodel import Field, SQLModel

from market.db import UtcDateTime
from market.models.base import Row, at_most, one_of


class User(Row, SQLModel, table=True):
    """A person, or a program. `roles` are those of the account; those in organisations are their memberships'."""

    __tablename__ = "users"
    __table_args__ = (
        at_most("name", 128),
        at_most("email", 254),
        at_most("orcid", 19),
        one_of("language", ("zh", "en")),
    )

    external_key: str | None = Field(default=None, unique=True)
    email: str = Field(unique=True)
    name: str
    language: str = "zh"
    roles: list[str] = Field(default=[], sa_type=JSON)
    active: bool = True
    email_verified_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    orcid: str = ""  # as an identity provider has vouched for it
    password: str = ""  # argon2id hash; empty: signs in otherwise, or by keys alone
    password_failures: int = 0  # in a row
    password_locked_until: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Identity(Row, SQLModel, table=True):
    """That an OpenID provider knows this account as `subject`."""

    __tablename__ = "identities"
    __table_args__ = (UniqueConstraint("issuer", "subject"),)

    user_id: uuid.UUID = Field(foreign_key="users.id", index=True, ondelete="CASCADE")
    issuer: str
    subject: str


class ApiKey(Row, SQLModel, table=True):
    """A key's hash and its life. The key itself is shown once and kept nowhere."""

    __tablename__ = "api_keys"
    __table_args__ = (at_most("label", 128), one_of("kind", ("key", "sign_in")))

    user_id: uuid.UUID = Field(foreign_key="users.id", index=True, ondelete="CASCADE")
    digest: str = Field(unique=True)  # SHA-256 of the key, in hex
    hint: str  # its first characters, to tell keys apart
    label: str = ""
    kind: str = "key"  # sign_in: given to a person who has signed in, for some hours
    scopes: list[str] = Field(default=[], sa_type=JSON)  # what it may be used for; empty: for all its user may do
    expires_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    last_used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
