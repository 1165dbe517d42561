"""What ends with a listing that is deleted: claims to it, messages about it, brokers' cases of it. The rows stay, and
say why; nothing of them is open any more. Called by the job that follows every deletion."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select, update

from market.db import take_turn
from market.models import AuditEntry, Case, Claim, RelayMessage, User
from market.services.claims import holding
from market.services.rights import principals
from market.services.rights.access import SYSTEM, Relation, allowed
from market.services.telling import wording
from market.services.telling.telling import News, tell
from market.services.trail import audit
from market.services.trail.audit import Deed

LISTING_DELETED = "listing_deleted"
"""Why something was closed, where nobody closed it."""


def end_with(session: Session, gone: Collection[uuid.UUID], *, now: datetime) -> None:
    """End what is open about listings that are there no more. Claimants and brokers are told. May be
    repeated."""
    if not gone:
        return
    news = _claims(session, gone, now=now)
    _threads(session, gone, now=now)
    news += _cases(session, gone, now=now)
    tell(session, news, now=now)


def _claims(session: Session, gone: Collection[uuid.UUID], *, now: datetime) -> list[News]:
    open_ones = select(Claim).where(col(Claim.listing_id).in_(gone), Claim.state == "open").order_by(col(Claim.id))
    for listing_id in sorted({claim.listing_id for claim in session.exec(open_ones)}):
        take_turn(session, "claims", str(listing_id))
    # What was read before the turn came may be old.
    claims = session.exec(open_ones.execution_options(populate_existing=True)).all()
    news = [
        one
        for claim in claims
        for one in holding.refuse(session, claim, None, LISTING_DELETED, decided_by=None, now=now)
    ]
    details = {"reason": LISTING_DELETED}
    deeds = [Deed("refuse_claim", ("claim", one.id), {**details, "listing": str(one.listing_id)}) for one in claims]
    audit.record_all(session, SYSTEM, deeds, now=now)
    return news


def _threads(session: Session, gone: Collection[uuid.UUID], *, now: datetime) -> None:
    still_open = col(RelayMessage.listing_id).in_(gone), col(RelayMessage.closed_at).is_(None)
    threads = sorted(set(session.exec(select(RelayMessage.thread_id).where(*still_open))))
    for thread in threads:
        take_turn(session, "thread", str(thread))
    session.execute(update(RelayMessage).where(*still_open).values(closed_at=now))
    _closed(session, "thread", threads, now=now)


def _cases(session: Session, gone: Collection[uuid.UUID], *, now: datetime) -> list[News]:
    still_open = select(Case).where(col(Case.listing_id).in_(gone), col(Case.closed_at).is_(None))
    cases = session.exec(still_open.order_by(col(Case.id)).with_for_update()).all()
    for case in cases:
        case.closed_at = now
        session.add(case)
    _closed(session, "case", [case.id for case in cases], now=now)
    brokers = {user.id: user for user in _still_brokers(session, {case.broker_id for case in cases}, now=now)}
    return [_news(case, brokers[case.broker_id]) for case in cases if case.broker_id in brokers]


def _still_brokers(session: Session, ids: Iterable[uuid.UUID], *, now: datetime) -> Iterator[User]:
    """Those who may read a closed case of theirs: whoever is broker no more, or has no open account, is not told."""
    for identity in sorted(ids):
        principal = principals.of_user(session, identity, now=now)
        if principal is not None and allowed(principal, "case.read", Relation(assigned=True)):
            yield session.get_one(User, identity)


def _news(case: Case, broker: User) -> News:
    """What it was called is gone with the listing."""
    what = wording.ENDS[LISTING_DELETED][broker.language != "zh"]
    return News(broker, "case_closed", f"case_closed:{case.id}", details={"what": what, "title": "—"})


def _closed(session: Session, what: str, ids: Sequence[uuid.UUID], *, now: datetime) -> None:
    deeds = [Deed("close", (what, one), {"reason": LISTING_DELETED}) for one in ids]
    audit.record_all(session, SYSTEM, deeds, now=now)


def reasons(session: Session, what: str, ids: Collection[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Why these cases or threads were closed, where it was not by one of their sides; as the trail has it."""
    if not ids:
        return {}
    closed: Any = select(AuditEntry.subject_id, AuditEntry.details).where(
        AuditEntry.noun == what, AuditEntry.action == "close", col(AuditEntry.subject_id).in_(ids)
    )
    return {one: str(details["reason"]) for one, details in session.execute(closed) if details.get("reason")}
