"""What outcomes, experts and demands share: owner, classification, life, version."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from market.clock import utc_now
from market.db import UtcDateTime
from market.models.base import Row, at_most, one_of
from market.models.organisations import Organisation
from market.vocabulary import vocabulary
from market.vocabulary.protection import protected

_MERGED = text("merged_into IS NOT NULL")


class Listing(Row, SQLModel):
    """The common columns. `NOUN` names the kind; `HEADING` the pair of columns a reader sees first;
    `EXPIRES` the date column that ends its life."""

    NOUN: ClassVar[str]
    HEADING: ClassVar[str] = "title"
    EXPIRES: ClassVar[str] = "valid_until"

    organisation_id: uuid.UUID = Field(foreign_key="organisations.id", index=True)
    owner_id: uuid.UUID | None = Field(default=None, foreign_key="users.id", index=True)
    external_key: str | None = None
    language: str = "zh"
    keywords: list[str] = Field(default=[], sa_type=JSON)
    field: str = ""
    disciplines: list[str] = Field(default=[], sa_type=JSON)
    contact_name: str = ""
    contact_phone: str = ""
    contact_email: str = ""
    state: str = "draft"
    rejection_reason: str = ""
    rejection_text: str = ""
    extended: bool = False
    warned: bool = False
    custody: str = "consented"  # of what was imported: unclaimed, claimed, consented
    tiers: dict[str, str] = Field(default={}, sa_type=JSON)  # protected field -> tier; the rest is public
    merged_into: uuid.UUID | None = None  # the listing that goes on for both
    published_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    updated_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
    version: int = 1

    @property
    def published(self) -> bool:
        """Whether the public may see it."""
        return self.state == "published"

    @property
    def matchable(self) -> bool:
        """Whether matches may be made with it."""
        return self.published

    @property
    def protected(self) -> Mapping[str, str]:
        """Each field that not everybody may see, with the tier from which on it is shown."""
        return protected(self.NOUN, self.tiers)

    @property
    def public_organisation(self) -> Organisation | None:
        """Whose it is, where that may be told."""
        organisation: Organisation = self.organisation  # type: ignore[attr-defined]  # each table's relationship
        return organisation

    @property
    def expires_on(self) -> date | None:
        """The last day of its life, where it has one."""
        day: date | None = getattr(self, self.EXPIRES)
        return day

    def heading(self, language: str) -> str:
        """Its title or name, in `language` where there is one, else in the other."""
        texts = {code: str(getattr(self, f"{self.HEADING}_{code}")) for code in ("zh", "en")}
        return texts[language] or texts["zh"] or texts["en"]


def common_constraints(table: str) -> tuple[Any, ...]:
    """The constraints and indexes on the common columns, for a table's __table_args__."""
    return (
        UniqueConstraint("organisation_id", "external_key", name=f"{table}_external_key"),
        CheckConstraint("version >= 1", name="version_positive"),
        CheckConstraint("state <> 'published' OR published_at IS NOT NULL", name="published_has_date"),
        one_of("language", ("zh", "en", "both")),
        one_of("field", vocabulary("fields").codes),
        one_of("state", vocabulary("listing_states").codes),
        one_of("rejection_reason", vocabulary("rejection_reasons").codes),
        one_of("custody", vocabulary("custody").codes),
        at_most("contact_name", 128),
        at_most("contact_phone", 64),
        at_most("contact_email", 254),
        at_most("rejection_text", 2000),
        Index(f"{table}_state", "state", "id"),
        Index(f"{table}_merged", "merged_into", sqlite_where=_MERGED, postgresql_where=_MERGED),
    )
