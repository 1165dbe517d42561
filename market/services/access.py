"""Who is calling, what they may see and what they may do. Deny is the default."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, false, or_, true
from sqlmodel import col

from market.errors import Forbidden, NotFound, Unauthenticated
from market.models import Listing

STAFF = frozenset({"administrator", "reviewer"})


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller: a visitor when `user_id` is None."""

    user_id: uuid.UUID | None = None
    organisation_id: uuid.UUID | None = None
    roles: frozenset[str] = field(default_factory=frozenset)
    language: str = "zh"

    @property
    def staff(self) -> bool:
        """Whether they moderate."""
        return bool(self.roles & STAFF)

    @property
    def name(self) -> str:
        """Whose idempotency keys and cursors these are."""
        return str(self.user_id or "visitor")


VISITOR = Principal()
SYSTEM = Principal(roles=frozenset({"administrator"}))


def owns(principal: Principal, listing: Listing) -> bool:
    """Members own the listings of their organisation; an expert owns the profile that is theirs."""
    if principal.user_id is None:
        return False
    if listing.owner_id == principal.user_id:
        return True
    return "member" in principal.roles and listing.organisation_id == principal.organisation_id


def sees_all_of(principal: Principal, listing: Listing) -> bool:
    """Whether contact, reasons of rejection and the like are shown."""
    return principal.staff or owns(principal, listing)


def visible_to(model: type[Listing], principal: Principal) -> ColumnElement[bool]:
    """The SQL filter that every load of a listing goes through."""
    if principal.staff:
        return true()
    clauses: list[ColumnElement[bool]] = [col(model.state) == "published"]
    if principal.user_id is not None:
        clauses.append(col(model.owner_id) == principal.user_id)
    if principal.organisation_id is not None and "member" in principal.roles:
        clauses.append(col(model.organisation_id) == principal.organisation_id)
    return or_(false(), *clauses)


def reader_tags(principal: Principal) -> tuple[str, ...]:
    """The search engine's side of `visible_to`: a document is found by those who hold one of its tags."""
    tags = ["public"]
    if principal.staff:
        tags.append("staff")
    if principal.user_id is not None:
        tags.append(f"user:{principal.user_id}")
    if principal.organisation_id is not None and "member" in principal.roles:
        tags.append(f"organisation:{principal.organisation_id}")
    return tuple(tags)


def readers_of(listing: Listing) -> list[str]:
    """The tags a listing's document carries."""
    tags = ["staff", f"organisation:{listing.organisation_id}"]
    if listing.owner_id is not None:
        tags.append(f"user:{listing.owner_id}")
    if listing.published:
        tags.append("public")
    return tags


def require_owner(principal: Principal, listing: Listing) -> None:
    """Owners and administrators only. Who may not even see the listing is told that there is none."""
    if owns(principal, listing) or "administrator" in principal.roles:
        return
    if listing.published or principal.staff:
        raise Forbidden("not-owner")
    raise NotFound(noun=listing.NOUN, id=str(listing.id))


def require_role(principal: Principal, roles: frozenset[str]) -> None:
    """One of these roles. The administrator may do whatever any role may."""
    if principal.user_id is None and principal is not SYSTEM:
        raise Unauthenticated
    if not principal.roles & (roles | {"administrator"}):
        raise Forbidden("role-missing", roles=", ".join(sorted(roles)))
