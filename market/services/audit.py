"""The audit trail: one line for each deed, in the deed's own transaction."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlmodel import Session

from market.db import append
from market.models import AuditEntry, Listing
from market.models.base import new_id
from market.services.access import Principal


def record(
    session: Session, actor: Principal, action: str, listing: Listing, *, now: datetime, **details: Any
) -> None:
    """Write who did what. `details` never holds confidential text, only names of what changed."""
    entry = {
        "id": new_id(),
        "created_at": now,
        "actor_id": actor.user_id,
        "action": action,
        "noun": listing.NOUN,
        "subject_id": listing.id,
        "details": details,
    }
    append(session, AuditEntry, [entry])
