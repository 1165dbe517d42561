"""Makes principals: of whoever holds a key, or of a person as they are now. Reads only."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, bindparam, union_all
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, or_, select

from market.models import LISTINGS, ApiKey, Case, Identity, Membership, Organisation, User
from market.services.rights.access import Principal

# Whom an organisation's being verified speaks for: not whoever only works for it now and then.
_MEMBERS = frozenset({"member", "organisation_admin"})
DELEGATE = "delegate"
"""Whoever has this role somewhere does not belong there: what they post is the house's, not theirs."""


def _people() -> Select[Any]:
    """A person, once for each of their memberships that hold now, the oldest first."""
    here = and_(
        col(Membership.user_id) == col(User.id),
        or_(col(Membership.until).is_(None), col(Membership.until) > bindparam("now")),
    )
    elsewhere = select(Identity.id).where(Identity.user_id == User.id).exists()
    columns: tuple[Any, ...] = (
        User.id, User.roles, User.language, Membership.organisation_id, col(Membership.roles).label("there"),
        Organisation.verification, or_(col(User.email_verified_at).is_not(None), elsewhere).label("confirmed"),
    )  # fmt: skip
    standing = and_(col(Organisation.id) == col(Membership.organisation_id), col(Organisation.active))
    return (
        select_columns(*columns)
        .select_from(User)
        .outerjoin(Membership, here)
        .outerjoin(Organisation, standing)
        .where(col(User.active))
        .order_by(col(Membership.id))
    )


_OF_USER = _people().where(col(User.id) == bindparam("user"))
# Made once: every request with a key runs it.
_OF_KEY = (
    _people()
    .add_columns(col(ApiKey.id).label("key"), col(ApiKey.last_used_at), col(ApiKey.scopes))
    .join(ApiKey, col(ApiKey.user_id) == col(User.id))
    .where(col(ApiKey.digest) == bindparam("digest"), col(ApiKey.revoked_at).is_(None))
    .where(or_(col(ApiKey.expires_at).is_(None), col(ApiKey.expires_at) > bindparam("now")))
)


def of_key(session: Session, digest: str, *, now: datetime) -> tuple[Principal, uuid.UUID, datetime | None] | None:
    """Who speaks with the key of this digest, with its id and when it was last used; None where no key is good."""
    rows = session.connection().execute(_OF_KEY, {"digest": digest, "now": now}).all()
    if not rows:
        return None
    return _made(session, rows, scopes=frozenset(rows[0].scopes)), rows[0].key, rows[0].last_used_at


def of_user(session: Session, user_id: uuid.UUID, *, now: datetime) -> Principal | None:
    """A person as they are now, without a key; None where there is none, or their account is closed."""
    rows = session.connection().execute(_OF_USER, {"user": user_id, "now": now}).all()
    return _made(session, rows) if rows else None


def _made(session: Session, rows: Sequence[Any], *, scopes: frozenset[str] = frozenset()) -> Principal:
    # Of an organisation that is closed the verification is missing, and with it everything one was there.
    standing = [row for row in rows if row.verification is not None]
    principal = Principal(
        user_id=rows[0].id,
        roles=frozenset(rows[0].roles),
        memberships=frozenset((row.organisation_id, role) for row in standing for role in row.there),
        home=next((row.organisation_id for row in standing if DELEGATE not in row.there), None),
        cases=frozenset(),
        verified=any(row.verification == "verified" and not _MEMBERS.isdisjoint(row.there) for row in standing),
        confirmed=bool(rows[0].confirmed),
        scopes=scopes,
        language=rows[0].language,
    )
    if "broker" not in principal.held:
        return principal
    return _with_cases(session, principal)


def _with_cases(session: Session, principal: Principal) -> Principal:
    """With the listings they look after: as a broker of the exchange any, else those of houses whose broker they are,
    so that a case counts no more once the role has ended."""
    mine = Case.broker_id == principal.user_id, col(Case.closed_at).is_(None)
    if "broker" in principal.roles:
        found = session.exec(select(Case.listing_id).where(*mine)).all()
    else:
        houses = sorted(principal.organisations_as(frozenset({"broker"})))
        theirs = [
            select(Case.listing_id)
            .join(model, col(model.id) == col(Case.listing_id))
            .where(*mine, Case.noun == noun, col(model.organisation_id).in_(houses))
            for noun, model in LISTINGS.items()
        ]
        found = session.connection().execute(union_all(*theirs)).scalars().all()
    return replace(principal, cases=frozenset(found))
