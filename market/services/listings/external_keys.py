"""An organisation's own key names one listing of a kind; whoever uses it at the same moment is waited for."""

from __future__ import annotations

import uuid

from sqlmodel import Session, select

from market.db import share_turn, take_turn
from market.errors import Invalid
from market.models import Listing
from schemas import messages


def take_turn_of(session: Session, organisation_id: uuid.UUID, model: type[Listing], key: str | None) -> None:
    """Wait for whoever uses the key, and for imports. To be called before a listing's row is held: an import has its
    turn first, and then the rows. May be repeated."""
    if key:
        share_turn(session, "import", model.NOUN)  # which brings many keys at once
        take_turn(session, "external_key", model.NOUN, str(organisation_id), key)


def refuse_taken(session: Session, organisation_id: uuid.UUID, model: type[Listing], key: str | None) -> None:
    """That the key is free; it stays so until the transaction ends. Raises Invalid."""
    take_turn_of(session, organisation_id, model, key)
    of_it = select(model.id).where(model.organisation_id == organisation_id, model.external_key == key)
    if key and session.exec(of_it).first() is not None:
        raise Invalid({"/external_key": [messages.KEY_TAKEN]})
