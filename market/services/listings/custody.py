"""Custody 认领状态: on whose word a listing stands (unclaimed, claimed, consented); consent taken back stays so.

Knows claims, and changes none: claims.py does.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlmodel import Session, col, select

from market.errors import Conflict
from market.models import Claim, Listing
from market.services.rights.access import Principal, visible_to

UNCLAIMED, CLAIMED, CONSENTED = "unclaimed", "claimed", "consented"


def of_import(actor: Principal, organisation_id: uuid.UUID | None, noun: str) -> str:
    """The custody of what an actor brings in for an organisation (None: one that is not there yet). What the
    organisation's own people bring stands on their word; demands are not claimed."""
    own = organisation_id is not None and bool(actor.roles_in(organisation_id))
    return CONSENTED if own or noun == "demand" else UNCLAIMED


def standing(session: Session, listing: Listing) -> Claim | None:
    """The approved claim that a listing is held by."""
    approved = select(Claim).where(Claim.listing_id == listing.id, Claim.state == "approved")
    return session.exec(approved.order_by(col(Claim.decided_at).desc(), col(Claim.id).desc())).first()


def approved(session: Session, ids: Sequence[uuid.UUID]) -> frozenset[uuid.UUID]:
    """Those of the listings that are held by a claim."""
    held = select(Claim.listing_id).where(Claim.state == "approved", col(Claim.listing_id).in_(ids))
    return frozenset(session.exec(held))


def require_consent(session: Session, listing: Listing) -> None:
    """That nobody has taken back their consent to its being public. Raises Conflict."""
    if listing.custody != CLAIMED:
        return
    claim = standing(session, listing)
    if claim is not None and claim.consent_withdrawn_at is not None:
        raise Conflict("consent-withdrawn")


def listed(
    session: Session,
    actor: Principal,
    model: type[Listing],
    state: str,
    *,
    organisation_id: uuid.UUID | None,
    after: uuid.UUID | None,
    limit: int,
) -> Sequence[Listing]:
    """The listings of a kind in this custody, in order of id from after `after`; those of one organisation only where
    it is named."""
    rows = select(model).where(visible_to(model, actor), model.custody == state, model.state != "closed")
    if organisation_id is not None:
        rows = rows.where(model.organisation_id == organisation_id)
    if after is not None:
        rows = rows.where(col(model.id) > after)
    return session.exec(rows.order_by(col(model.id)).limit(limit)).all()
