"""Organisations and users: found and listed."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence

from sqlmodel import Session, col, or_, select

from market.errors import NotFound
from market.models import Organisation, User


def organisation(session: Session, identity: uuid.UUID) -> Organisation:
    """Raises NotFound."""
    found = session.get(Organisation, identity)
    if found is None:
        raise NotFound(noun="organisation", id=str(identity))
    return found


def organisations(
    session: Session, *, q: str = "", after: uuid.UUID | None = None, limit: int
) -> Sequence[Organisation]:
    """Organisations in order of id, those whose name holds `q`."""
    rows = select(Organisation)
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


def user(session: Session, identity: str) -> User:
    """A user by mail address or by the key it was loaded with. Raises NotFound."""
    found = session.exec(
        select(User).where(or_(col(User.email) == identity, col(User.external_key) == identity))
    ).first()
    if found is None:
        raise NotFound(noun="user", id=identity)
    return found
