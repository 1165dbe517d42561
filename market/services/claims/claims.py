"""Claims 认领: a person says that an imported profile is theirs, or that an outcome is their organisation's.

Evidence that speaks for itself decides at once, all else a reviewer; holding.py turns over what was approved.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, false, or_, true
from sqlmodel import Session, col, func, select

from market.db import take_turn
from market.errors import Conflict, Forbidden, Invalid, NotFound
from market.models import LISTINGS, Claim, Listing, Organisation, User
from market.rights import consent, rules_of
from market.services.claims import evidence, holding
from market.services.listings import listings
from market.services.rights import people
from market.services.rights.access import Principal, Relation, allowed, require, visible_to
from market.services.telling import notifications
from market.services.telling.telling import News, tell
from market.services.trail import audit
from schemas.messages import Message

MOST_OPEN = 20
"""Claims of one person that wait for a decision."""

ORCID_NEEDED = Message(
    "Sign in with ORCID first, as the person whose iD the profile names; or send a document.",
    "请先以资料所载 ORCID 本人身份登录，或提交证明材料。",
)
NOT_YOURS = Message("An organisation that you are a member of.", "应为您所属的机构。")
WHERE_TO = Message(
    "It would move to another organisation: name it, to say that you agree.", "将转至其他机构，请填写该机构以示同意。"
)
_MEMBERS = frozenset({"member", "organisation_admin"})


@dataclass(frozen=True, slots=True)
class Shown:
    """A claim with what is shown beside it; no listing where the caller may not see it any more."""

    claim: Claim
    listing: Listing | None
    claimant: User | None
    organisation: Organisation | None
    may_decide: bool


def make(
    session: Session,
    actor: Principal,
    model: type[Listing],
    identity: uuid.UUID,
    data: Mapping[str, Any],
    *,
    now: datetime,
) -> Claim:
    """Claim a listing; approved at once where the evidence holds and nobody else has it.

    `data` has passed its schema. The organisation's administrators and whoever has the listing are told. Raises
    NotFound, Conflict, and Invalid where evidence is named that is not there.
    """
    assert actor.user_id is not None  # visitors may not claim
    take_turn(session, "claimant", str(actor.user_id))
    take_turn(session, "claims", str(identity))
    listing = listings.get_to_change(session, actor, model, identity, version=None)
    require(actor, "claim.make", listing)
    user = session.get_one(User, actor.user_id)
    target = _target(actor, listing, data.get("organisation_id"))
    _require_new(session, user, listing, target)
    agreed = data.get("consent")
    if agreed is not None:
        _require_present(agreed)
    found = evidence.examine(session, actor, user, listing, holding.organisation_of(listing), data["evidence"])
    if data["evidence"] == "orcid" and not found.holds:
        raise Invalid({"/evidence": [ORCID_NEEDED]})
    against = [
        *(["disputed"] if holding.is_held(listing, user.id) else []),
        *(["would_move"] if target not in (None, listing.organisation_id) else []),
    ]
    claim = Claim(
        noun=model.NOUN,
        listing_id=listing.id,
        claimant_id=user.id,
        organisation_id=target,
        evidence=data["evidence"],
        finding=[*found.codes, *against],
        text=data.get("text", ""),
        created_at=now,
    )
    if agreed is not None:
        _consented(claim, now=now)
    session.add(claim)
    session.flush()
    audit.record(
        session, actor, "claim", ("claim", claim.id), now=now,
        noun=model.NOUN, listing=str(listing.id), evidence=claim.evidence, finding=claim.finding,
    )  # fmt: skip
    news = _news_of_claim(session, claim, listing)
    if found.holds and not against:
        news += holding.turn_over(session, actor, claim, listing, decided_by=None, now=now)
    tell(session, news, now=now)
    return claim


def _target(actor: Principal, listing: Listing, wanted: uuid.UUID | None) -> uuid.UUID | None:
    """The organisation that the listing shall be of; for a person's profile None is where it is now."""
    if wanted is not None:
        if _MEMBERS.isdisjoint(actor.roles_in(wanted)):
            raise Invalid({"/organisation_id": [NOT_YOURS]})
        return wanted
    if listing.NOUN == "expert":
        return None
    mine = actor.organisations_as(_MEMBERS)
    if not mine:
        raise Conflict("organisation-missing")
    if listing.organisation_id in mine:
        return listing.organisation_id
    return actor.home if actor.home in mine else min(mine)


def _require_new(session: Session, user: User, listing: Listing, target: uuid.UUID | None) -> None:
    if listing.state == "closed":
        raise Conflict("closed")
    if holding.is_theirs(session, listing, user.id, target):
        raise Conflict("yours-already")
    waiting = select(Claim.listing_id).where(Claim.claimant_id == user.id, Claim.state == "open")
    if session.exec(waiting.where(Claim.listing_id == listing.id)).first() is not None:
        raise Conflict("claimed-already")
    if session.exec(select(func.count()).select_from(waiting.subquery())).one() >= MOST_OPEN:
        raise Conflict("too-many-claims", most=MOST_OPEN)


def _require_present(agreed: Mapping[str, str]) -> None:
    if (agreed["version"], agreed["sha256"]) != (consent.VERSION, consent.SHA256):
        raise Conflict("showing-consent-outdated", version=consent.VERSION)


def _consented(claim: Claim, *, now: datetime) -> None:
    claim.consent_version, claim.consent_hash = consent.VERSION, consent.SHA256
    claim.consented_at, claim.consent_withdrawn_at = now, None


def _news_of_claim(session: Session, claim: Claim, listing: Listing) -> list[News]:
    """For the organisation's administrators, and whoever has the listing now; nothing of what was written."""
    told = people.members(session, listing.organisation_id, frozenset({"organisation_admin"}))
    if listing.owner_id is not None:
        told = [*told, *notifications.recipients(session, listing)]
    event = f"claim_made:{claim.id}"
    return [News(user, "claim_made", event, listing) for user in told if user.id != claim.claimant_id]


def decide(
    session: Session, actor: Principal, identity: uuid.UUID, deed: str, data: Mapping[str, Any], *, now: datetime
) -> Shown:
    """Approve a claim, which turns the listing over and refuses all others to it; or refuse it. The claimant is told,
    and whoever had the listing. Raises NotFound, Forbidden for one's own, Conflict, and Invalid where the listing
    would move to an organisation that the decision does not name."""
    claim, listing = _held(session, actor, identity)
    if not _may_decide(actor, claim, listing):
        raise Forbidden("forbidden")
    if listing is None:
        raise NotFound(noun=claim.noun, id=str(claim.listing_id))
    _require_open(claim, deed)
    claim.answer = data.get("text", "")
    if deed == "approve":
        _require_agreed(claim, listing, data.get("organisation_id"), active=_is_active(session, claim.claimant_id))
        _require_open_house(session, claim, listing)
        news = holding.turn_over(session, actor, claim, listing, decided_by=actor.user_id, now=now)
    else:
        audit.record(session, actor, "refuse_claim", ("claim", claim.id), now=now, listing=str(listing.id))
        news = holding.refuse(session, claim, listing, "refused", decided_by=actor.user_id, now=now)
    tell(session, news, now=now)
    return _beside(session, actor, [claim])[0]


def _is_active(session: Session, user_id: uuid.UUID) -> bool:
    """Whether an account is open; it is held, so that who closes it comes before or after."""
    row = select(User.active).where(User.id == user_id).with_for_update(of=User, read=True)
    return bool(session.exec(row).first())


def _require_open(claim: Claim, deed: str) -> None:
    if claim.state != "open":
        raise Conflict("not-in-this-state", action=deed, state=claim.state)


def _require_agreed(claim: Claim, listing: Listing, named: uuid.UUID | None, *, active: bool) -> None:
    if listing.state == "closed":
        raise Conflict("closed")
    if claim.noun == "outcome" and claim.organisation_id is None:
        raise Conflict("organisation-missing")
    if not active:
        raise Conflict("claimant-gone")
    if claim.organisation_id not in (None, listing.organisation_id) and named != claim.organisation_id:
        raise Invalid({"/organisation_id": [WHERE_TO]})


def _require_open_house(session: Session, claim: Claim, listing: Listing) -> None:
    """That an organisation to which the listing moves is open; it is held, so that who closes it comes before, or
    after, and finds the listing."""
    if claim.organisation_id in (None, listing.organisation_id):
        return
    row = select(Organisation.active).where(Organisation.id == claim.organisation_id)
    if not session.exec(row.with_for_update(of=Organisation, read=True)).one():
        raise Conflict("organisation-closed")


def withdraw(session: Session, actor: Principal, identity: uuid.UUID, *, now: datetime) -> Shown:
    """Take back one's own claim that waits for a decision. Raises NotFound, Forbidden, Conflict."""
    claim, _ = _held(session, actor, identity)
    if claim.claimant_id != actor.user_id:
        raise Forbidden
    _require_open(claim, "withdraw")
    claim.state = "withdrawn"
    session.add(claim)
    audit.record(session, actor, "withdraw_claim", ("claim", claim.id), now=now, listing=str(claim.listing_id))
    return _beside(session, actor, [claim])[0]


def agree(
    session: Session, actor: Principal, identity: uuid.UUID, agreed: Mapping[str, str], *, now: datetime
) -> Shown:
    """Consent to what one has claimed being shown. May be repeated, and names the present text each time. Raises
    NotFound, Forbidden for another's claim, and Conflict where it does not hold."""
    claim, listing = _held(session, actor, identity)
    if claim.claimant_id != actor.user_id:
        raise Forbidden
    if listing is None or not holding.stands(session, actor, claim, listing):
        raise Conflict("not-in-this-state", action="consent", state=claim.state)
    _require_present(agreed)
    _consented(claim, now=now)
    session.add(claim)
    holding.show_consent(listing, given=True)
    audit.record(session, actor, "consent", listing, now=now, claim=str(claim.id), consent=claim.consent_version)
    listings.next_version(session, actor, listing, before=listing.state, now=now)
    return _beside(session, actor, [claim])[0]


def get(session: Session, actor: Principal, identity: uuid.UUID) -> Shown:
    """One that the caller has made, or may read as the organisation's administrator or staff; else NotFound."""
    claim = session.get(Claim, identity)
    if claim is None or not _may_read(actor, claim, _listing(session, claim)):
        raise NotFound(noun="claim", id=str(identity))
    return _beside(session, actor, [claim])[0]


def listed(
    session: Session, actor: Principal, *, side: str, state: str, before: uuid.UUID | None, limit: int
) -> list[Shown]:
    """Those that the caller has made (`mine`), or of others what they may read (`to_decide`), newest first, from
    before the id `before`; `state` empty: all."""
    rows = select(Claim)
    mine = col(Claim.claimant_id) == actor.user_id
    rows = rows.where(mine) if side == "mine" else rows.where(~mine, _readable(actor))
    if state:
        rows = rows.where(Claim.state == state)
    if before is not None:
        rows = rows.where(col(Claim.id) < before)
    return _beside(session, actor, session.exec(rows.order_by(col(Claim.id).desc()).limit(limit)).all())


def _readable(actor: Principal) -> ColumnElement[bool]:
    """The claims to listings whose claims the table lets this caller read."""
    if allowed(actor, "claim.read", Relation()):
        return true()
    roles = frozenset().union(*(rule.organisation.roles for rule in rules_of("claim.read")))
    organisations = sorted(actor.organisations_as(roles))
    clauses: list[ColumnElement[bool]] = [false()]
    for noun, model in LISTINGS.items():
        ids = select(model.id).where(col(model.organisation_id).in_(organisations))
        clauses.append(and_(col(Claim.noun) == noun, col(Claim.listing_id).in_(ids)))
    return or_(*clauses)


def _held(session: Session, actor: Principal, identity: uuid.UUID) -> tuple[Claim, Listing | None]:
    """A claim the caller may read, with its listing; both held until the transaction ends, and all other claims to
    that listing wait."""
    listing_id = session.exec(select(Claim.listing_id).where(Claim.id == identity)).first()
    take_turn(session, "claims", str(listing_id))
    fresh = {"populate_existing": True}  # what was read before the turn came may be old
    claim = session.exec(select(Claim).where(Claim.id == identity).execution_options(**fresh)).first()
    if claim is None:
        raise NotFound(noun="claim", id=str(identity))
    model = LISTINGS[claim.noun]
    row = select(model).where(model.id == claim.listing_id).with_for_update(of=model, key_share=True)
    listing = session.exec(row.execution_options(**fresh)).first()
    if not _may_read(actor, claim, listing):
        raise NotFound(noun="claim", id=str(identity))
    return claim, listing


def _listing(session: Session, claim: Claim) -> Listing | None:
    found: Listing | None = session.get(LISTINGS[claim.noun], claim.listing_id)
    return found


def _may_read(actor: Principal, claim: Claim, listing: Listing | None) -> bool:
    house = listing.organisation_id if listing is not None else None
    return allowed(actor, "claim.read", Relation(claim.claimant_id == actor.user_id, house))


def _may_decide(actor: Principal, claim: Claim, listing: Listing | None) -> bool:
    """Nobody decides on what they have claimed, or would lose, or what would come to or leave their organisation."""
    own = actor.user_id in (claim.claimant_id, listing.owner_id if listing is not None else None)
    houses = (listing.organisation_id if listing is not None else None, claim.organisation_id)
    return all(allowed(actor, "claim.decide", Relation(own, house)) for house in houses)


def _beside(session: Session, actor: Principal, claims: Sequence[Claim]) -> list[Shown]:
    """With listings, people and organisations, one query a kind."""
    known: dict[uuid.UUID, Listing] = {}
    for noun in {claim.noun for claim in claims}:
        model = LISTINGS[noun]
        ids = [claim.listing_id for claim in claims if claim.noun == noun]
        known.update({one.id: one for one in session.exec(select(model).where(col(model.id).in_(ids)))})
    seen = _visible(session, actor, claims)
    claimants = _by_id(session, User, {claim.claimant_id for claim in claims})
    houses = _by_id(session, Organisation, {one.organisation_id for one in claims if one.organisation_id})
    return [
        Shown(
            claim,
            known.get(claim.listing_id) if claim.listing_id in seen else None,
            claimants.get(claim.claimant_id),
            houses.get(claim.organisation_id) if claim.organisation_id else None,
            claim.state == "open" and _may_decide(actor, claim, known.get(claim.listing_id)),
        )
        for claim in claims
    ]


def _visible(session: Session, actor: Principal, claims: Sequence[Claim]) -> set[uuid.UUID]:
    found: set[uuid.UUID] = set()
    for noun in {claim.noun for claim in claims}:
        model = LISTINGS[noun]
        ids = [claim.listing_id for claim in claims if claim.noun == noun]
        found.update(session.exec(select(model.id).where(col(model.id).in_(ids), visible_to(model, actor))))
    return found


def _by_id(session: Session, model: Any, ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Any]:
    return {one.id: one for one in session.exec(select(model).where(col(model.id).in_(list(ids))))}
