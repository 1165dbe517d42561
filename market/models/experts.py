"""Experts 专家 and their works."""

import uuid
from datetime import date
from typing import ClassVar

from sqlalchemy import JSON, CheckConstraint
from sqlmodel import Field, Relationship, SQLModel

from market.models.base import at_most, either, new_id, one_of
from market.models.listings import Listing, common_constraints
from market.models.organisations import Organisation
from market.vocabulary import vocabulary


class Expert(Listing, SQLModel, table=True):
    """A person who can help. The contact columns are never public."""

    NOUN: ClassVar[str] = "expert"
    HEADING: ClassVar[str] = "name"

    __tablename__ = "experts"
    __table_args__ = (
        *common_constraints("experts"),
        either("name_zh", "name_en"),
        at_most("name_zh", 64),
        at_most("name_en", 128),
        at_most("position", 128),
        at_most("directions_zh", 1000),
        at_most("directions_en", 2000),
        at_most("biography_zh", 5000),
        at_most("biography_en", 10_000),
        one_of("professional_title", vocabulary("professional_titles").codes),
        one_of("degree", vocabulary("degrees").codes),
        one_of("availability", vocabulary("availabilities").codes),
        at_most("orcid", 19),
    )

    name_zh: str = ""
    name_en: str = ""
    professional_title: str = ""
    position: str = ""
    degree: str = ""
    directions_zh: str = ""
    directions_en: str = ""
    biography_zh: str = ""
    biography_en: str = ""
    regions_served: list[str] = Field(default=[], sa_type=JSON)
    cooperation: list[str] = Field(default=[], sa_type=JSON)
    availability: str = ""
    orcid: str = ""
    consented: bool = False
    valid_until: date | None = None

    organisation: Organisation = Relationship(sa_relationship_kwargs={"lazy": "joined", "innerjoin": True})
    works: list["Work"] = Relationship(
        sa_relationship_kwargs={
            "order_by": "Work.position",
            "cascade": "all, delete-orphan",
            "lazy": "selectin",
            "passive_deletes": True,
        }
    )


class Work(SQLModel, table=True):
    """A paper, patent or project of an expert; the best of them speak for the expert in matching."""

    __tablename__ = "works"
    __table_args__ = (
        at_most("title", 512),
        at_most("abstract", 5000),
        at_most("identifier", 256),
        one_of("kind", vocabulary("work_kinds").codes),
        CheckConstraint("year IS NULL OR year BETWEEN 1800 AND 2200", name="year_plausible"),
    )

    id: uuid.UUID = Field(default_factory=new_id, primary_key=True)
    expert_id: uuid.UUID | None = Field(
        default=None, foreign_key="experts.id", index=True, ondelete="CASCADE", nullable=False
    )
    position: int = 0
    kind: str = "paper"
    title: str
    abstract: str = ""
    year: int | None = None
    identifier: str = ""
