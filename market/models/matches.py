"""Matches 匹配 of a demand with an outcome or an expert."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, UniqueConstraint
from sqlmodel import Field, SQLModel

from market.clock import utc_now
from market.db import UtcDateTime
from market.models.base import Row, one_of
from market.vocabulary import vocabulary

SIDES = ("demand", "offer")

SOUGHT = ("interested", "in_contact")
"""States of a side that wants the pair, which the other side may then know."""


class Match(Row, SQLModel, table=True):
    """One pair. Each side has its own state; `active` is false once the pair no longer holds.

    And each has its own score: by all that it knows, which is all of its own listing and what the other shows to
    everybody. 0 where that is too little, so that for this side there is no match. What either keeps to itself is
    thus in no figure that the other sees.
    """

    __tablename__ = "matches"
    __table_args__ = (
        CheckConstraint("(outcome_id IS NULL) <> (expert_id IS NULL)", name="one_offer"),
        CheckConstraint("demand_score BETWEEN 0 AND 1 AND offer_score BETWEEN 0 AND 1", name="score_range"),
        UniqueConstraint("demand_id", "outcome_id"),
        UniqueConstraint("demand_id", "expert_id"),
        one_of("demand_state", vocabulary("match_states").codes),
        one_of("offer_state", vocabulary("match_states").codes),
        one_of("demand_reason", vocabulary("dismissal_reasons").codes),
        one_of("offer_reason", vocabulary("dismissal_reasons").codes),
    )

    demand_id: uuid.UUID = Field(foreign_key="demands.id", ondelete="CASCADE")
    outcome_id: uuid.UUID | None = Field(default=None, foreign_key="outcomes.id", index=True, ondelete="CASCADE")
    expert_id: uuid.UUID | None = Field(default=None, foreign_key="experts.id", index=True, ondelete="CASCADE")
    demand_score: float
    offer_score: float
    demand_parts: list[dict[str, Any]] = Field(default=[], sa_type=JSON)
    offer_parts: list[dict[str, Any]] | None = Field(default=None, sa_type=JSON(none_as_null=True))  # None: the same
    active: bool = True
    demand_told: float | None = None  # the score when this side was last told; None: it was not
    offer_told: float | None = None
    demand_state: str = "new"
    offer_state: str = "new"
    demand_reason: str = ""
    offer_reason: str = ""
    updated_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)

    @property
    def offer_kind(self) -> str:
        """What stands against the demand: outcome or expert."""
        return "outcome" if self.outcome_id else "expert"

    @property
    def offer_id(self) -> uuid.UUID:
        """The outcome's or the expert's id."""
        identity = self.outcome_id or self.expert_id
        assert identity is not None  # the one_offer constraint
        return identity

    def score_of(self, side: str) -> float:
        """The score as one side sees it."""
        return self.demand_score if side == "demand" else self.offer_score

    def parts_of(self, side: str) -> list[dict[str, Any]]:
        """What the score is made of, as one side sees it."""
        return self.demand_parts if side == "demand" or self.offer_parts is None else self.offer_parts

    def told_of(self, side: str) -> float | None:
        """The score when this side was last told; None where it was not."""
        return self.demand_told if side == "demand" else self.offer_told

    def shown_to(self, side: str) -> bool:
        """Whether there is a match for this side: its own score says so, or somebody wants the pair."""
        return self.score_of(side) > 0 or self.demand_state in SOUGHT or self.offer_state in SOUGHT

    @property
    def dismissed(self) -> bool:
        """Whether either side has turned it down: such a pair stays quiet."""
        return "dismissed" in (self.demand_state, self.offer_state)
