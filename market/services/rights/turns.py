"""The turn of a person: where they belong, and whether their account is open, is changed by one at a time, and by
nobody while they post. Whoever takes it has it before the turns of a house's people, and before rows of listings."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlmodel import Session, and_, col, or_, select

from market.db import dialect_of
from market.errors import Forbidden
from market.models import Membership, Organisation, User
from market.services.rights.access import Principal


def take_turn_of(session: Session, user_id: uuid.UUID) -> User | None:
    """The account as it is now, which nobody else changes until the transaction ends; whoever posts as this person is
    waited for, and waits. None where it is gone."""
    row = select(User).where(User.id == user_id).with_for_update(of=User, key_share=True)
    return session.exec(row.execution_options(populate_existing=True)).first()


def take_last_turn_of(session: Session, user_id: uuid.UUID) -> User | None:
    """As `take_turn_of`, for whoever deletes the account: what would refer to it waits as well."""
    row = select(User).where(User.id == user_id).with_for_update(of=User)
    return session.exec(row.execution_options(populate_existing=True)).first()


def posting_for(session: Session, actor: Principal, organisation_id: uuid.UUID, *, now: datetime) -> Organisation:
    """The organisation that the actor posts for. It and their account are held until the transaction ends, so that
    who closes either, or ends their belonging, comes before, and is seen, or after, and finds what was posted. Raises
    Forbidden for an actor who is no more what they came as."""
    if actor.user_id is not None and dialect_of(session) == "postgresql":
        # Before the next statement, which sees what it has waited for; writers of SQLite take turns anyway.
        held = select(User.id).where(User.id == actor.user_id).with_for_update(of=User, read=True)
        session.exec(held).first()
    here = and_(
        col(Membership.user_id) == col(User.id),
        col(Membership.organisation_id) == organisation_id,
        or_(col(Membership.until).is_(None), col(Membership.until) > now),
    )
    rows = (
        select(Organisation, User.active, Membership.roles)
        .select_from(Organisation)
        .outerjoin(User, and_(col(User.id) == actor.user_id, col(User.active)))
        .outerjoin(Membership, here)
        .where(Organisation.id == organisation_id)
        .with_for_update(of=Organisation, read=True)
    )
    organisation, active, roles = session.exec(rows.execution_options(populate_existing=True)).one()
    if actor.user_id is not None:
        came_as = actor.roles_in(organisation_id)
        if not active or not came_as <= {*(roles or ())}:
            raise Forbidden("role-missing", roles=", ".join(sorted(came_as or actor.roles)))
    return organisation
