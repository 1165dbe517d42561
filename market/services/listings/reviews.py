"""Reviews 审核: of a listing one is open exactly while it is submitted; who looks at it, and how it was decided."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, delete, select, update

from market.db import append
from market.errors import Conflict
from market.models import LISTINGS, Listing, Report, Review, User
from market.models.base import new_id
from market.services.rights.access import Principal

ASSIGNED_FOR = timedelta(hours=24)
"""An assignment that is older counts as none for others."""

_SUBMITTED = "submitted"
_DECISIONS = {"approve": "approved", "reject": "rejected", "return": "returned", "merge": "merged"}


@dataclass(frozen=True, slots=True)
class Ruling:
    """The action that led a listing on, with the reason and the text that go with it."""

    action: str = ""
    reason: str = ""
    text: str = ""


def follow(
    session: Session, actor: Principal, listing: Listing, *, before: str, ruling: Ruling, now: datetime
) -> None:
    """Open or close the review of a listing that was in the state `before`; its version is the present one. To be
    called by whatever changes a listing's state or content, in the same transaction. May be repeated.
    """
    if listing.state == _SUBMITTED:
        if before == _SUBMITTED:  # it was changed while it waited
            _of_open(session, listing, listing_version=listing.version, duplicates=None)
        else:
            open_all(session, [listing], now=now)
    elif before == _SUBMITTED:
        decision = _DECISIONS.get(ruling.action, "withdrawn")
        _of_open(
            session, listing, decision=decision, reason=ruling.reason, text=ruling.text,
            decided_by=actor.user_id, decided_at=now,
        )  # fmt: skip


def _of_open(session: Session, listing: Listing, **values: Any) -> None:
    ours = (col(Review.listing_id) == listing.id, col(Review.decision) == "")
    session.execute(update(Review).where(*ours).values(**values).execution_options(synchronize_session="fetch"))


def open_all(session: Session, submitted: Iterable[Listing], *, now: datetime) -> None:
    """Open the reviews of listings that have just been submitted, in one statement; of none may one be open."""
    append(
        session,
        Review,
        [row_of(one.NOUN, one.id, one.organisation_id, version=one.version, now=now) for one in submitted],
    )


def row_of(
    noun: str, listing_id: uuid.UUID, organisation_id: uuid.UUID, *, version: int, now: datetime
) -> dict[str, Any]:
    """The row of a review that is open, for whoever inserts many without objects."""
    return {
        "id": new_id(),
        "created_at": now,
        "noun": noun,
        "listing_id": listing_id,
        "listing_version": version,
        "organisation_id": organisation_id,
        "decision": "",
        "reason": "",
        "text": "",
    }


def stands(assigned_at: datetime | None, *, now: datetime) -> bool:
    """Whether an assignment of that moment counts for others."""
    return assigned_at is not None and now - assigned_at < ASSIGNED_FOR


def guard(session: Session, actor: Principal, listing: Listing, *, force: bool, now: datetime) -> None:
    """That nobody else is looking at the open review of a listing, unless `force`. Raises Conflict, with who is."""
    if force:
        return
    held = select(Review, User.name).join(User, col(User.id) == Review.assigned_to)
    found = session.exec(held.where(Review.listing_id == listing.id, Review.decision == "")).first()
    if found is None:
        return
    review, name = found
    if review.assigned_to != actor.user_id and stands(review.assigned_at, now=now):
        raise Conflict("assigned-to-another", name=name)


def of_listing(session: Session, listing_id: uuid.UUID) -> Review | None:
    """The open one."""
    return session.exec(select(Review).where(Review.listing_id == listing_id, Review.decision == "")).first()


def nouns_waiting(session: Session) -> frozenset[str]:
    """The kinds of which a review is open."""
    of_kind = {noun: select(Review.id).where(Review.decision == "", Review.noun == noun) for noun in LISTINGS}
    return frozenset(noun for noun, rows in of_kind.items() if session.exec(rows.limit(1)).first() is not None)


def forget(session: Session, listing_id: uuid.UUID) -> None:
    """Delete the reviews of a listing, and the reports about it, with the listing itself."""
    for model in (Review, Report):
        session.execute(delete(model).where(col(model.listing_id) == listing_id))


def note_duplicates(session: Session, counted: Mapping[uuid.UUID, int]) -> None:
    """Keep how many likely duplicates each listing has, where it waits for a review."""
    for listing_id, number in counted.items():
        ours = (col(Review.listing_id) == listing_id, col(Review.decision) == "")
        session.execute(update(Review).where(*ours).values(duplicates=number))
