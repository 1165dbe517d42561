"""Organisations 机构, the parties that own listings."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import JSON
from sqlmodel import Field, SQLModel

from market.db import UtcDateTime
from market.models.base import Row, at_most, either, one_of
from market.vocabulary import vocabulary


class Organisation(Row, SQLModel, table=True):
    """A university, institute, enterprise ... A trusted one publishes without waiting for a reviewer. Of a verified
    one it is known that it is who it says, and its people see what is disclosed to such."""

    __tablename__ = "organisations"
    __table_args__ = (
        either("name_zh", "name_en"),
        at_most("name_zh", 128),
        at_most("name_en", 256),
        at_most("summary_zh", 2000),
        at_most("summary_en", 2000),
        at_most("credit_code", 18),
        one_of("kind", vocabulary("organisation_kinds").codes),
        one_of("verification", vocabulary("verification_states").codes),
    )

    external_key: str | None = Field(default=None, unique=True)
    name_zh: str = ""
    name_en: str = ""
    kind: str = "other"
    region: str = ""
    summary_zh: str = ""
    summary_en: str = ""
    trusted: bool = False
    credit_code: str | None = Field(default=None, unique=True, index=True)  # 统一社会信用代码
    mail_domains: list[str] = Field(default=[], sa_type=JSON)
    verification: str = "unverified"
    verified_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    verified_by: uuid.UUID | None = None  # no foreign key: the verdict outlives the account
    active: bool = True
    version: int = 1
