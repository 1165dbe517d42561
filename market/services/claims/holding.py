"""Who holds what was claimed: it is turned over to a claimant; consent to its being shown is given and taken back.

Whoever decides on claims is asked in claims.py; here is what follows, in the same transaction.
"""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlmodel import Session, col, select, update

from market.db import take_turn
from market.errors import Conflict, Invalid
from market.models import Claim, Expert, Listing, Membership, Organisation, Review, User
from market.services.listings import custody, listings
from market.services.listings.lives import LISTING_ACTIONS
from market.services.people import belonging
from market.services.rights.access import Principal, Relation, allowed, require
from market.services.telling import wording
from market.services.telling.telling import News
from market.services.trail import audit
from schemas import messages


def organisation_of(listing: Listing) -> Organisation:
    """Whose it is, told or not."""
    organisation: Organisation = listing.organisation  # type: ignore[attr-defined]  # each table's relationship
    return organisation


def is_held(listing: Listing, user_id: uuid.UUID) -> bool:
    """Whether somebody else has it already, so that a claim to it is disputed."""
    if listing.owner_id is not None and isinstance(listing, Expert):
        return listing.owner_id != user_id
    return listing.custody != custody.UNCLAIMED


def is_theirs(session: Session, listing: Listing, user_id: uuid.UUID, organisation_id: uuid.UUID | None) -> bool:
    """Whether there is nothing to claim: it is this person's by a claim, or it is of this organisation of theirs."""
    if isinstance(listing, Expert):
        claim = custody.standing(session, listing)
        return listing.owner_id == user_id and claim is not None and claim.claimant_id == user_id
    return listing.custody != custody.UNCLAIMED and listing.organisation_id == organisation_id


def stands(session: Session, actor: Principal, claim: Claim, listing: Listing) -> bool:
    """Whether the listing is held by this claim of the caller's."""
    present = custody.standing(session, listing)
    if present is None or present.id != claim.id:
        return False
    if isinstance(listing, Expert):
        return listing.owner_id in (None, actor.user_id)  # nobody's: they have left the organisation
    return bool(actor.roles_in(listing.organisation_id)) and listing.organisation_id == claim.organisation_id


def turn_over(
    session: Session, actor: Principal, claim: Claim, listing: Listing, *, decided_by: uuid.UUID | None, now: datetime
) -> list[News]:
    """Approve a claim: a profile is its claimant's, who becomes an expert of the organisation; an outcome is its
    organisation's people's. Every other claim to it ends. Gives what is to be told; the listing's row is held."""
    before, held = listing.custody, listing.owner_id
    news = _end_others(session, claim, listing, decided_by=decided_by, now=now)
    claim.state, claim.decided_by, claim.decided_at = "approved", decided_by, now
    session.add(claim)
    user = session.get_one(User, claim.claimant_id)
    if claim.organisation_id not in (None, listing.organisation_id):
        _move(session, listing, claim.organisation_id)
    listing.owner_id = user.id if isinstance(listing, Expert) else None
    show_consent(listing, given=bool(claim.consent_version))
    audit.record(
        session, actor, "approve_claim", listing, now=now, version=listing.version + 1, claim=str(claim.id),
        evidence=claim.evidence, consent=claim.consent_version, before=before, after=listing.custody,
    )  # fmt: skip
    listings.next_version(session, actor, listing, before=listing.state, now=now)
    if isinstance(listing, Expert):
        _join(session, actor, user, listing.organisation_id, now=now)
    news.append(_news(claim, listing, user, "approved"))
    loser = session.get(User, held) if held not in (None, user.id) else None
    if loser is not None and loser.active:
        news.append(_news(claim, listing, loser, "handed_over"))
    return news


def _end_others(
    session: Session, claim: Claim, listing: Listing, *, decided_by: uuid.UUID | None, now: datetime
) -> list[News]:
    """What else was claimed, and the claim it was held by until now."""
    others = select(Claim).where(Claim.listing_id == listing.id, Claim.id != claim.id)
    news: list[News] = []
    for other in session.exec(others).all():
        if other.state == "open":
            news += refuse(session, other, listing, "overtaken", decided_by=decided_by, now=now)
        elif other.state == "approved":
            other.state = "withdrawn" if other.claimant_id == claim.claimant_id else "refused"
            session.add(other)
    return news


def refuse(
    session: Session,
    claim: Claim,
    listing: Listing | None,
    ruling: str,
    *,
    decided_by: uuid.UUID | None,
    now: datetime,
) -> list[News]:
    """Refuse a claim, in the words of `wording.RULINGS` where nobody has answered. Gives what is to be told."""
    user = session.get_one(User, claim.claimant_id)
    if not claim.answer:
        claim.answer = wording.RULINGS[ruling][user.language != "zh"].format(text="").strip()
    claim.state, claim.decided_by, claim.decided_at = "refused", decided_by, now
    session.add(claim)
    return [_news(claim, listing, user, ruling)]


def _news(claim: Claim, listing: Listing | None, user: User, ruling: str) -> News:
    """Whoever may not see the listing any more does not read what it is called now."""
    what = wording.RULINGS[ruling][user.language != "zh"].format(text=claim.answer if ruling == "refused" else "")
    shown = listing if listing is not None and (ruling == "approved" or listing.published) else None
    details = {"what": what.strip(), "title": "—"}
    return News(user, "claim_decided", f"claim_decided:{claim.id}", shown, details=details)


def _move(session: Session, listing: Listing, organisation_id: uuid.UUID | None) -> None:
    """To another organisation, where its key must be free."""
    model = type(listing)
    if listing.external_key is not None:
        same = model.organisation_id == organisation_id, model.external_key == listing.external_key
        if session.exec(select(model.id).where(*same)).first() is not None:
            raise Invalid({"/organisation_id": [messages.KEY_TAKEN]})
    organisation = session.get_one(Organisation, organisation_id)
    listing.organisation_id = organisation.id
    listing.organisation = organisation
    open_one = update(Review).where(col(Review.listing_id) == listing.id, col(Review.decision) == "")
    session.execute(open_one.values(organisation_id=organisation_id))


def _join(session: Session, actor: Principal, user: User, organisation_id: uuid.UUID, *, now: datetime) -> None:
    there = select(Membership.id).where(Membership.user_id == user.id, Membership.organisation_id == organisation_id)
    if session.exec(there).first() is None:
        belonging.join(session, actor, user, organisation_id, ("expert",), until=None, now=now)


def show_consent(listing: Listing, *, given: bool) -> None:
    """Have a claimed listing say whether whoever claimed it agrees to its being shown."""
    listing.custody = custody.CONSENTED if given else custody.CLAIMED
    if isinstance(listing, Expert):
        listing.consented = given


def take_back(session: Session, actor: Principal, identity: uuid.UUID, *, now: datetime) -> Expert:
    """Withdraw one's consent to one's profile being shown: from this moment on it is not public, and nobody but
    oneself makes it so again. Raises NotFound, Forbidden, and Conflict where there is no consent."""
    take_turn(session, "claims", str(identity))  # as whoever consents does, before the row is held
    expert = listings.get_to_change(session, actor, Expert, identity, version=None)
    claim = custody.standing(session, expert)
    mine = claim is not None and stands(session, actor, claim, expert) and claim.claimant_id == actor.user_id
    if not allowed(actor, "claim.consent", Relation(own=mine)):
        require(actor, "claim.consent", expert)
    if not expert.consented or claim is None or not mine:
        raise Conflict("not-in-this-state", action="withdraw-consent", state=expert.custody)
    claim.consent_withdrawn_at = now
    session.add(claim)
    show_consent(expert, given=False)
    before = expert.state
    if before in LISTING_ACTIONS["withdraw"].sources:
        expert.state = "withdrawn"
    audit.record(
        session, actor, "withdraw_consent", expert, now=now, version=expert.version + 1,
        claim=str(claim.id), consent=claim.consent_version, before=before, after=expert.state,
    )  # fmt: skip
    listings.next_version(session, actor, expert, before=before, now=now)
    return expert
