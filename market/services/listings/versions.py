"""Versions 历史版本: what a listing said before each change, kept in the transaction of the change."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from marshmallow import Schema
from sqlmodel import Session, col, delete, select

from market.db import append
from market.errors import NotFound
from market.models import Listing, ListingVersion
from market.models.base import new_id
from schemas.demands import DemandCreate
from schemas.experts import ExpertCreate
from schemas.outcomes import OutcomeCreate

# What is said while posting, and is no field of the listing.
_NO_CONTENT = ("submit", "organisation_id")
SCHEMAS: Mapping[str, type[Schema]] = {"outcome": OutcomeCreate, "expert": ExpertCreate, "demand": DemandCreate}
_DUMPS = {noun: schema(exclude=_NO_CONTENT) for noun, schema in SCHEMAS.items()}


def content_of(listing: Listing) -> dict[str, Any]:
    """Every field of the listing that its owner can write, contact and works too, as JSON has them."""
    return dumped(listing.NOUN, listing)


def dumped(noun: str, columns: Listing | Mapping[str, Any]) -> dict[str, Any]:
    """The same of a listing, or of its columns as a mapping, an expert's with `works` beside them."""
    content: dict[str, Any] = _DUMPS[noun].dump(columns)
    return content


def row_of(
    noun: str, listing_id: uuid.UUID, version: int, content: dict[str, Any], *, now: datetime
) -> dict[str, Any]:
    """The row of a version, for whoever inserts many without objects."""
    return {
        "id": new_id(),
        "created_at": now,
        "noun": noun,
        "listing_id": listing_id,
        "version": version,
        "content": content,
    }


def keep(session: Session, listing: Listing, before: dict[str, Any], *, now: datetime) -> list[str]:
    """Keep what a listing said `before` it was changed, as its present version, which is not the next one yet. Gives
    the names of the fields that differ; where none does, nothing is kept."""
    present = content_of(listing)
    changed = sorted(name for name in present if present[name] != before.get(name))
    if changed:
        append(session, ListingVersion, [row_of(listing.NOUN, listing.id, listing.version, before, now=now)])
    return changed


def at(session: Session, listing: Listing, version: int) -> dict[str, Any]:
    """What the listing said in a version, from 1 to the present one. Raises NotFound for others.

    Kept are those that were followed by another content: what a version said is what the next of these said.
    """
    if not 1 <= version <= listing.version:
        raise NotFound(noun="version", id=str(version))
    kept = select(ListingVersion).where(
        ListingVersion.listing_id == listing.id, col(ListingVersion.version) >= version
    )
    row = session.exec(kept.order_by(col(ListingVersion.version)).limit(1)).first()
    return content_of(listing) if row is None else row.content


def forget(session: Session, listing_id: uuid.UUID) -> None:
    """Delete them with their listing."""
    session.execute(delete(ListingVersion).where(col(ListingVersion.listing_id) == listing_id))
