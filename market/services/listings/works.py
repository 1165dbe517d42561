"""Works of an expert out of a bibliography. Reads no files: what was found in one is given."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session

from market.files.bibliographies import joined
from market.models import Expert
from market.services.listings import listings
from market.services.rights.access import Principal

_FIELDS = ("kind", "title", "abstract", "year", "identifier")


def take(
    session: Session,
    actor: Principal,
    identity: uuid.UUID,
    works: Sequence[Mapping[str, Any]],
    *,
    replace: bool,
    version: int | None,
    now: datetime,
) -> Expert:
    """Give an expert these works, instead of the present ones or beside them; what is there already is not doubled.

    As any change: Raises NotFound, Forbidden, Conflict and Stale. May be repeated.
    """
    expert = listings.get_to_change(session, actor, Expert, identity, version=version)
    present = [] if replace else [{name: getattr(work, name) for name in _FIELDS} for work in expert.works]
    data = {"works": joined(present, works)}
    return listings.change(session, actor, Expert, identity, data, version=version, now=now)
