"""What pairs are scored by: signatures of listings, how common each feature is, learnt weights; and rematches."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, LargeBinary
from sqlmodel import Field, SQLModel

from market.clock import utc_now
from market.db import UtcDateTime
from market.models.base import Row


class Signature(SQLModel, table=True):
    """What matching needs of a listing, made when it was indexed, so that no pair reads whole listings.

    `digests` tell the texts that `vectors` are made of, by the embedder `model`; both are empty until it has.
    """

    __tablename__ = "signatures"

    listing_id: uuid.UUID = Field(primary_key=True)
    noun: str = Field(index=True)
    version: int
    format: int  # market/matching/signatures.py packs and unpacks the rest
    body: bytes = Field(sa_type=LargeBinary)
    digests: bytes = Field(sa_type=LargeBinary)
    model: str = ""
    vectors: bytes | None = Field(default=None, sa_type=LargeBinary)


class CensusTaken(SQLModel, table=True):
    """In how many texts each feature stands; one row, taken anew when the exchange has grown."""

    __tablename__ = "census"

    id: int = Field(default=1, primary_key=True)
    version: int
    listings: int
    offers: int
    demands: int
    model: str  # whose vectors of unlike texts have the cosine `unlike`; empty where there were none
    unlike: float
    body: bytes = Field(sa_type=LargeBinary)
    taken_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)


class Weighting(SQLModel, table=True):
    """Weights that were learnt, with the report that speaks for them; at most one is in use."""

    __tablename__ = "weightings"

    version: int = Field(primary_key=True)
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
    in_use: bool
    weights: dict[str, Any] = Field(sa_type=JSON)
    report: dict[str, Any] = Field(sa_type=JSON)


class Rematch(Row, SQLModel, table=True):
    """One going through all open demands, to match them again; `position` is the last one that was."""

    __tablename__ = "rematches"

    reason: str
    listings: int = 0  # how many the exchange held
    total: int
    done: int = 0
    position: uuid.UUID | None = None
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
