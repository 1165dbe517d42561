"""What others were merged into: it goes on for them, and is not deleted under them. Reads only; merging.py merges."""

from __future__ import annotations

import uuid
from collections.abc import Collection

from sqlmodel import Session, col, select

from market.db import listed
from market.errors import Conflict
from market.models import Listing


def winners(session: Session, model: type[Listing], ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Those of the listings that others go on in. All are held until the transaction ends, in the order of their ids,
    so that whoever merges one more into them comes before or after."""
    if not ids:
        return set()
    wanted = listed(session, list(ids))
    held = select(model.id).join(wanted, col(model.id) == wanted.c.id).order_by(col(model.id))
    session.exec(held.with_for_update(of=model, key_share=True)).all()
    wanted = listed(session, list(ids))
    into = col(model.merged_into)
    return {one for one in session.exec(select(into).join(wanted, into == wanted.c.id).distinct()) if one is not None}


def require_none(session: Session, listing: Listing) -> None:
    """That nothing was merged into a listing. Raises Conflict."""
    if winners(session, type(listing), [listing.id]):
        raise Conflict("others-merged-into-it")
