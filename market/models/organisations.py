"""Organisations 机构, the parties that own listings."""

from __future__ import annotations

from sqlmodel import Field, SQLModel

from market.models.base import Row, at_most, either, one_of
from market.vocabulary import vocabulary


class Organisation(Row, SQLModel, table=True):
    """A university, institute, enterprise ... A trusted one publishes without waiting for a reviewer."""

    __tablename__ = "organisations"
    __table_args__ = (
        either("name_zh", "name_en"),
        at_most("name_zh", 128),
        at_most("name_en", 256),
        at_most("summary_zh", 2000),
        at_most("summary_en", 2000),
        one_of("kind", vocabulary("organisation_kinds").codes),
    )

    external_key: str | None = Field(default=None, unique=True)
    name_zh: str = ""
    name_en: str = ""
    kind: str = "other"
    region: str = ""
    summary_zh: str = ""
    summary_en: str = ""
    trusted: bool = False
