"""Organisations: registered, changed, verified, closed and opened again. Who belongs to one: belonging.py."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, or_, select, update

from market.db import take_turn
from market.errors import Conflict, Forbidden, Invalid, NotFound, Stale
from market.models import LISTINGS, Membership, Organisation
from market.models.base import new_id
from market.outbox import JobName, enqueue
from market.services.listings import listings
from market.services.rights import people
from market.services.rights.access import Principal, Relation, allowed, require_in
from market.services.telling import notifications
from market.services.telling.telling import tell
from market.services.trail import audit
from market.services.trail.audit import Deed
from market.vocabulary import credit_codes
from schemas import messages
from schemas.messages import Message

MOST = 10
"""Organisations that are not verified yet and of which one person is administrator."""
CODE_TAKEN = Message(
    "Another organisation has this code; ask its administrators to invite you, or the exchange.",
    "该代码已被其他机构使用，请由其管理员邀请您加入，或联系运营方。",
)
# Whoever answers for a name or a code has been asked about these.
_VERIFIED = ("name_zh", "name_en", "credit_code", "mail_domains", "kind")

# With a reason, so that whoever withdraws and submits it publishes nothing by themselves (listings.py).
_CLOSED: dict[str, Any] = {"rejection_reason": "other", "rejection_text": "机构已停用。The organisation was closed."}


def register(session: Session, actor: Principal, data: Mapping[str, Any], *, now: datetime) -> Organisation:
    """Add an organisation, neither verified nor trusted; the caller becomes its administrator. Raises Invalid for a
    credit code that another has, Conflict for too many."""
    assert actor.user_id is not None  # the table lets nobody else
    take_turn(session, "registering", str(actor.user_id))
    mine = actor.organisations_as(frozenset({"organisation_admin"}))
    unverified = select(Organisation.id).where(
        col(Organisation.id).in_(mine), Organisation.verification != "verified"
    )
    if len(session.exec(unverified).all()) >= MOST:
        raise Conflict("too-many-organisations", most=MOST)
    organisation = Organisation(**data, created_at=now)
    _check(session, organisation)
    session.add(organisation)
    session.flush()
    roles = ["member", "organisation_admin"]
    session.add(Membership(user_id=actor.user_id, organisation_id=organisation.id, roles=roles, created_at=now))
    audit.record(session, actor, "register", ("organisation", organisation.id), now=now)
    return organisation


def get(session: Session, identity: uuid.UUID) -> Organisation:
    """Raises NotFound."""
    return people.organisation(session, identity)


def get_to_change(
    session: Session, actor: Principal, identity: uuid.UUID, action: str, *, version: int | None = None
) -> Organisation:
    """The organisation, its row held until the transaction ends. Raises NotFound, Forbidden, Stale."""
    row = select(Organisation).where(Organisation.id == identity).with_for_update()
    organisation = session.exec(row.execution_options(populate_existing=True)).first()
    if organisation is None:
        raise NotFound(noun="organisation", id=str(identity))
    require_in(actor, action, identity)
    if version is not None and organisation.version != version:
        raise Stale(present=organisation.version, given=version)
    return organisation


def change(
    session: Session,
    actor: Principal,
    identity: uuid.UUID,
    data: Mapping[str, Any],
    *,
    version: int | None,
    now: datetime,
) -> Organisation:
    """Change it. What it was verified by is verified anew; a new name is shown by all its listings but those that
    are masked."""
    organisation = get_to_change(session, actor, identity, "organisation.change", version=version)
    changed = {name for name, value in data.items() if getattr(organisation, name) != value}
    for name in changed:
        setattr(organisation, name, data[name])
    _check(session, organisation)
    if changed & set(_VERIFIED) and organisation.verification != "unverified":
        organisation.verification, organisation.verified_at, organisation.verified_by = "unverified", None, None
        organisation.trusted = False
    if changed & {"name_zh", "name_en"}:
        session.add(organisation)
        session.flush()
        listings.touch_all_of(session, organisation, now=now)
    if changed:
        audit.record(session, actor, "change", ("organisation", identity), now=now, fields=sorted(changed))
    return _next_version(session, organisation)


def _check(session: Session, organisation: Organisation) -> None:
    if not (organisation.name_zh or organisation.name_en):
        raise Invalid({"/name_zh": [messages.HEADING_MISSING]})
    if organisation.credit_code:
        take_turn(session, "credit_code", organisation.credit_code)
        same = select(Organisation.id).where(Organisation.credit_code == organisation.credit_code)
        with session.no_autoflush:
            if session.exec(same.where(Organisation.id != organisation.id)).first() is not None:
                raise Invalid({"/credit_code": [CODE_TAKEN]})


def request_verification(session: Session, actor: Principal, identity: uuid.UUID, *, now: datetime) -> Organisation:
    """Ask for it. Raises Conflict where it was asked for already, or is verified."""
    organisation = get_to_change(session, actor, identity, "organisation.change")
    if organisation.verification not in ("unverified", "refused"):
        raise Conflict("not-in-this-state", action="request-verification", state=organisation.verification)
    return _decided(session, actor, organisation, "requested", now=now)


def verify(
    session: Session, actor: Principal, identity: uuid.UUID, *, trusted: bool | None, now: datetime
) -> Organisation:
    """Find that it is who it says it is, whether it asked or not; `trusted`: it publishes without review from now on,
    or no more. A reviewer never verifies their own. Its administrators are told."""
    organisation = get_to_change(session, actor, identity, "organisation.verify")
    _require_active(organisation)
    organisation.trusted = organisation.trusted if trusted is None else trusted
    organisation.verified_at, organisation.verified_by = now, actor.user_id
    _tell_administrators(session, organisation, "organisation_verified", now=now)
    return _decided(session, actor, organisation, "verified", now=now, trusted=organisation.trusted)


def refuse(session: Session, actor: Principal, identity: uuid.UUID, *, text: str, now: datetime) -> Organisation:
    """Find that it is not, or not shown to be; also of one that was verified. Its administrators are told why."""
    organisation = get_to_change(session, actor, identity, "organisation.verify")
    organisation.trusted, organisation.verified_at, organisation.verified_by = False, None, None
    _tell_administrators(session, organisation, "organisation_refused", now=now, reason=text)
    return _decided(session, actor, organisation, "refused", now=now)


def deactivate(session: Session, actor: Principal, identity: uuid.UUID, *, now: datetime) -> Organisation:
    """Close it: what it has published is suspended, and its people have no rights there. May be repeated."""
    organisation = get_to_change(session, actor, identity, "organisation.change")
    if not organisation.active:
        return organisation
    _tell_administrators(session, organisation, "organisation_closed", now=now)
    organisation.active = False
    for noun, model in LISTINGS.items():
        # What somebody is about to publish is waited for, and suspended too; whoever comes later finds it closed.
        theirs = select(model.id).where(col(model.organisation_id) == identity).order_by(col(model.id))
        session.exec(theirs.with_for_update()).all()
        public = (col(model.organisation_id) == identity, col(model.state) == "published")
        ids = session.exec(select(model.id).where(*public)).all()
        if ids:
            hidden = {"state": "suspended", "version": col(model.version) + 1, "updated_at": now}
            session.execute(update(model).where(*public).values({**hidden, **_CLOSED}))
        details = {"before": "published", "after": "suspended", "because": "organisation"}
        audit.record_all(session, actor, [Deed("suspend", (noun, one), details) for one in ids], now=now)
        enqueue(session, JobName.INDEX, [f"{noun}:{one}" for one in ids], now=now)
    audit.record(session, actor, "deactivate", ("organisation", identity), now=now)
    return _next_version(session, organisation)


def activate(session: Session, actor: Principal, identity: uuid.UUID, *, now: datetime) -> Organisation:
    """Open it again, by whoever may verify it. Its listings stay suspended until a reviewer restores them."""
    organisation = get_to_change(session, actor, identity, "organisation.verify")
    if not organisation.active:
        organisation.active = True
        audit.record(session, actor, "activate", ("organisation", identity), now=now)
        _next_version(session, organisation)
    return organisation


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for an organisation, and against it."""

    credit_code_valid: bool | None  # None: it gave none
    confirmed: Mapping[str, int]  # mail domain -> administrators who have confirmed an address there
    alike: Sequence[Organisation]  # others with a name of this one


def evidence(session: Session, actor: Principal, identity: uuid.UUID) -> Evidence:
    """For whoever verifies. Raises NotFound, Forbidden."""
    organisation = people.organisation(session, identity)
    if not allowed(actor, "organisation.verify", Relation(organisation_id=identity)):
        raise Forbidden("not-your-own")
    administrators = people.members(session, identity, frozenset({"organisation_admin"}))
    domains = [one.email.rpartition("@")[2].lower() for one in administrators if one.email_verified_at is not None]
    confirmed = {
        domain: sum(one == domain or one.endswith(f".{domain}") for one in domains)
        for domain in organisation.mail_domains
    }
    names = [(column, getattr(organisation, column)) for column in ("name_zh", "name_en")]
    same = or_(
        *(col(getattr(Organisation, column)).ilike(_escaped(name), escape="/") for column, name in names if name)
    )
    alike = session.exec(select(Organisation).where(same, Organisation.id != identity).limit(20)).all()
    code = organisation.credit_code
    return Evidence(credit_codes.valid(code) if code else None, confirmed, alike)


def _escaped(text: str) -> str:
    return text.replace("/", "//").replace("%", "/%").replace("_", "/_")


def _require_active(organisation: Organisation) -> None:
    if not organisation.active:
        raise Conflict("not-in-this-state", action="verify", state="inactive")


def _decided(
    session: Session, actor: Principal, organisation: Organisation, state: str, *, now: datetime, **details: Any
) -> Organisation:
    before, organisation.verification = organisation.verification, state
    audit.record(
        session,
        actor,
        "verification",
        ("organisation", organisation.id),
        now=now,
        before=before,
        after=state,
        **details,
    )
    return _next_version(session, organisation)


def _tell_administrators(
    session: Session, organisation: Organisation, notice: str, *, now: datetime, **details: str
) -> None:
    news = []
    for user in people.members(session, organisation.id, frozenset({"organisation_admin"})):
        name = called(organisation, user.language)
        news.append(notifications.news_of_account(user, notice, f"{notice}:{new_id()}", name=name, **details))
    tell(session, news, now=now)


def called(organisation: Organisation, language: str) -> str:
    """Its name, in this language where it has one there."""
    names = (organisation.name_zh, organisation.name_en)
    return next(filter(None, names if language == "zh" else reversed(names)))


def _next_version(session: Session, organisation: Organisation) -> Organisation:
    organisation.version += 1
    session.add(organisation)
    return organisation


def told_of(actor: Principal, organisation: Organisation) -> bool:
    """Whether the caller sees what is for its administrators, and for whoever verifies."""
    relation = Relation(organisation_id=organisation.id)
    return any(allowed(actor, action, relation) for action in ("organisation.change", "organisation.verify"))
