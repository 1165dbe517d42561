"""Demands 科研众包需求: what a company needs, and would pay for."""

from collections.abc import Mapping
from datetime import date
from typing import Any, ClassVar

from sqlalchemy import JSON, BigInteger, CheckConstraint
from sqlmodel import Field, Relationship, SQLModel

from market.models.base import at_most, either, in_order, not_negative, one_of
from market.models.listings import Listing, common_constraints
from market.models.organisations import Organisation
from market.vocabulary import vocabulary
from market.vocabulary.protection import MASKED


class Demand(Listing, SQLModel, table=True):
    """A crowdsourced research demand. `progress` runs beside `state`: open, in negotiation, awarded, solved ..."""

    NOUN: ClassVar[str] = "demand"
    EXPIRES: ClassVar[str] = "deadline"

    __tablename__ = "demands"
    __table_args__ = (
        *common_constraints("demands"),
        either("title_zh", "title_en"),
        at_most("title_zh", 256),
        at_most("title_en", 256),
        at_most("problem_zh", 10_000),
        at_most("problem_en", 10_000),
        at_most("background_zh", 10_000),
        at_most("background_en", 10_000),
        one_of("region_rule", vocabulary("region_rules").codes),
        one_of("progress", vocabulary("demand_progress").codes),
        CheckConstraint("trl_from IS NULL OR trl_from BETWEEN 1 AND 9", name="trl_from_level"),
        CheckConstraint("trl_to IS NULL OR trl_to BETWEEN 1 AND 9", name="trl_to_level"),
        in_order("trl_from", "trl_to"),
        in_order("budget_from", "budget_to"),
        not_negative("budget_from"),
        not_negative("budget_to"),
        not_negative("reward"),
    )

    title_zh: str = ""
    title_en: str = ""
    problem_zh: str = ""
    problem_en: str = ""
    background_zh: str = ""
    background_en: str = ""
    industries: list[str] = Field(default=[], sa_type=JSON)
    ipc: list[str] = Field(default=[], sa_type=JSON)
    indicators: list[dict[str, Any]] = Field(default=[], sa_type=JSON)
    trl_from: int | None = None
    trl_to: int | None = None
    cooperation_modes: list[str] = Field(default=[], sa_type=JSON)
    budget_from: int | None = Field(default=None, sa_type=BigInteger)  # CNY
    budget_to: int | None = Field(default=None, sa_type=BigInteger)  # CNY
    budget_negotiable: bool = False
    reward: int | None = Field(default=None, sa_type=BigInteger)  # CNY
    region: str = ""
    region_rule: str = "none"
    deadline: date | None = None
    intended: list[str] = Field(default=[], sa_type=JSON)
    organisation_masked: bool = False
    progress: str = "open"

    organisation: Organisation = Relationship(sa_relationship_kwargs={"lazy": "joined", "innerjoin": True})

    @property
    def protected(self) -> Mapping[str, str]:
        """As of every listing; a masked organisation 保密 is protected too."""
        if self.organisation_masked and "organisation" not in self.tiers:
            return {**super().protected, "organisation": MASKED}
        return super().protected

    @property
    def public_organisation(self) -> Organisation | None:
        """None where the organisation's name is protected."""
        return None if "organisation" in self.protected else self.organisation

    @property
    def matchable(self) -> bool:
        """Published, and still looking."""
        return self.published and self.progress == "open"
