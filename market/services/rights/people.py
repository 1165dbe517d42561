"""Organisations and users: found and listed."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime

from sqlmodel import Session, col, or_, select

from market.errors import NotFound
from market.models import Membership, Organisation, User
from market.services.rights.access import Principal


def organisation(session: Session, identity: uuid.UUID) -> Organisation:
    """Raises NotFound."""
    found = session.get(Organisation, identity)
    if found is None:
        raise NotFound(noun="organisation", id=str(identity))
    return found


def organisation_called(session: Session, identity: str) -> Organisation:
    """By id, or by the key it was loaded with. Raises NotFound."""
    named = col(Organisation.external_key) == identity
    with suppress(ValueError):
        named = or_(named, col(Organisation.id) == uuid.UUID(identity))
    found = session.exec(select(Organisation).where(named)).first()
    if found is None:
        raise NotFound(noun="organisation", id=identity)
    return found


def organisations(
    session: Session, *, q: str = "", verification: str = "", after: uuid.UUID | None = None, limit: int
) -> Sequence[Organisation]:
    """Organisations that are not closed, in order of id: whose name holds `q`, in this state of verification."""
    rows = select(Organisation).where(col(Organisation.active))
    if verification:
        rows = rows.where(Organisation.verification == verification)
    if q:
        rows = rows.where(
            or_(
                col(Organisation.name_zh).icontains(q, autoescape=True),
                col(Organisation.name_en).icontains(q, autoescape=True),
            )
        )
    if after is not None:
        rows = rows.where(col(Organisation.id) > after)
    return session.exec(rows.order_by(col(Organisation.id)).limit(limit)).all()


def names(session: Session, ids: Iterable[uuid.UUID], language: str) -> dict[str, str]:
    """Organisations' names by id, in the language asked for where there is one."""
    rows = session.exec(select(Organisation).where(col(Organisation.id).in_(list(ids))))
    return {
        str(row.id): (row.name_zh or row.name_en) if language == "zh" else (row.name_en or row.name_zh)
        for row in rows
    }


def organisations_of(session: Session, principal: Principal) -> Sequence[Organisation]:
    """The organisations a caller belongs to, their home first."""
    rows = session.exec(
        select(Organisation).where(col(Organisation.id).in_({one for one, _ in principal.memberships}))
    ).all()
    return sorted(rows, key=lambda row: (row.id != principal.home, row.id))


def members(session: Session, organisation_id: uuid.UUID, roles: frozenset[str]) -> list[User]:
    """Whoever has one of these roles in an organisation, and an account that is open."""
    there = (
        select(User, Membership.roles)
        .where(Membership.user_id == User.id, Membership.organisation_id == organisation_id, col(User.active))
        .order_by(col(User.id))
    )
    return [user for user, held in session.exec(there) if roles & set(held)]


def join(session: Session, homes: Mapping[uuid.UUID, tuple[uuid.UUID, Collection[str]]], *, now: datetime) -> None:
    """Have each user hold these roles in an organisation, and no others there. May be repeated."""
    known = {
        (row.user_id, row.organisation_id): row
        for row in session.exec(select(Membership).where(col(Membership.user_id).in_(homes)))
    }
    for user_id, (organisation_id, roles) in homes.items():
        row = known.get((user_id, organisation_id))
        if row is None:
            row = Membership(user_id=user_id, organisation_id=organisation_id, created_at=now)
        row.roles = sorted(roles)
        session.add(row)


def user(session: Session, identity: str) -> User:
    """A user by mail address or by the key it was loaded with. Raises NotFound."""
    found = session.exec(
        select(User).where(or_(col(User.email) == identity, col(User.external_key) == identity))
    ).first()
    if found is None:
        raise NotFound(noun="user", id=identity)
    return found
