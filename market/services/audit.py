"""The audit trail: one line for each deed, in the deed's own transaction."""

from __future__ import annotations

from typing import Any

from sqlmodel import Session

from market.models import AuditEntry, Listing
from market.services.access import Principal


def record(session: Session, actor: Principal, action: str, listing: Listing, **details: Any) -> None:
    """Write who did what. `details` never holds confidential text, only names of what changed."""
    session.add(
        AuditEntry(actor_id=actor.user_id, action=action, noun=listing.NOUN, subject_id=listing.id, details=details)
    )
