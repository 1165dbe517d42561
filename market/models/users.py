"""Users, the roles they hold, and the API keys that speak for them."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import JSON
from sqlmodel import Field, SQLModel

from market.db import UtcDateTime
from market.models.base import Row, at_most, one_of


class User(Row, SQLModel, table=True):
    """A person, or a program of an organisation. May hold several roles."""

    __tablename__ = "users"
    __table_args__ = (
        at_most("name", 128),
        at_most("email", 254),
        one_of("language", ("zh", "en")),
    )

    external_key: str | None = Field(default=None, unique=True)
    email: str = Field(unique=True)
    name: str
    language: str = "zh"
    roles: list[str] = Field(default=[], sa_type=JSON)
    organisation_id: uuid.UUID | None = Field(default=None, foreign_key="organisations.id", index=True)
    active: bool = True


class ApiKey(Row, SQLModel, table=True):
    """A key's hash and its life. The key itself is shown once and kept nowhere."""

    __tablename__ = "api_keys"
    __table_args__ = (at_most("label", 128),)

    user_id: uuid.UUID = Field(foreign_key="users.id", index=True, ondelete="CASCADE")
    digest: str = Field(unique=True)  # SHA-256 of the key, in hex
    hint: str  # its first characters, to tell keys apart
    label: str = ""
    expires_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    last_used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
