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


class Match(Row, SQLModel, table=True):
    """One pair. Each side has its own state; `active` is false once the pair no longer holds."""

    __tablename__ = "matches"
    __table_args__ = (
        CheckConstraint("(outcome_id IS NULL) <> (expert_id IS NULL)", name="one_offer"),
        CheckConstraint("score BETWEEN 0 AND 1", name="score_range"),
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
    score: float
    parts: list[dict[str, Any]] = Field(default=[], sa_type=JSON)
    active: bool = True
    told_score: float | None = None  # the score when people were last told; None: they were not
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

    @property
    def dismissed(self) -> bool:
        """Whether either side has turned it down: such a pair stays quiet."""
        return "dismissed" in (self.demand_state, self.offer_state)
