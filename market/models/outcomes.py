"""Outcomes 科技成果: what a laboratory or company has, and offers."""

from datetime import date
from typing import Any, ClassVar

from sqlalchemy import JSON, BigInteger, CheckConstraint
from sqlmodel import Field, Relationship, SQLModel

from market.models.base import at_most, either, not_negative, one_of
from market.models.listings import Listing, common_constraints
from market.models.organisations import Organisation
from market.vocabulary import vocabulary


class Outcome(Listing, SQLModel, table=True):
    """A research outcome. Lists hold codes or plain strings; indicators are objects as the API shows them."""

    NOUN: ClassVar[str] = "outcome"

    __tablename__ = "outcomes"
    __table_args__ = (
        *common_constraints("outcomes"),
        either("title_zh", "title_en"),
        at_most("title_zh", 256),
        at_most("title_en", 256),
        at_most("summary_zh", 500),
        at_most("summary_en", 500),
        at_most("description_zh", 20_000),
        at_most("description_en", 20_000),
        at_most("advantages_zh", 2000),
        at_most("advantages_en", 2000),
        one_of("kind", vocabulary("outcome_kinds").codes),
        one_of("category", vocabulary("outcome_categories").codes),
        one_of("funding_source", vocabulary("funding_sources").codes),
        one_of("ip_status", vocabulary("ip_statuses").codes),
        CheckConstraint("trl IS NULL OR trl BETWEEN 1 AND 9", name="trl_level"),
        not_negative("price"),
    )

    title_zh: str = ""
    title_en: str = ""
    summary_zh: str = ""
    summary_en: str = ""
    description_zh: str = ""
    description_en: str = ""
    advantages_zh: str = ""
    advantages_en: str = ""
    owners: list[str] = Field(default=[], sa_type=JSON)
    inventors: list[str] = Field(default=[], sa_type=JSON)
    industries: list[str] = Field(default=[], sa_type=JSON)
    ipc: list[str] = Field(default=[], sa_type=JSON)
    kind: str = ""
    category: str = ""
    funding_source: str = ""
    trl: int | None = None
    ip_status: str = ""
    ip_rights: list[dict[str, Any]] = Field(default=[], sa_type=JSON)
    cooperation_modes: list[str] = Field(default=[], sa_type=JSON)
    price: int | None = Field(default=None, sa_type=BigInteger)  # CNY
    price_negotiable: bool = False
    indicators: list[dict[str, Any]] = Field(default=[], sa_type=JSON)
    region: str = ""
    awards: list[str] = Field(default=[], sa_type=JSON)
    valid_until: date | None = None

    organisation: Organisation = Relationship(sa_relationship_kwargs={"lazy": "joined", "innerjoin": True})
