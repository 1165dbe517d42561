"""Who is calling, what they may see and what they may do, by the table of rights. Deny is the default."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from functools import lru_cache

from sqlalchemy import ColumnElement, and_, false, or_, true
from sqlmodel import col

from market.errors import Forbidden, NotFound, Unauthenticated
from market.models import Listing
from market.rights import ANYONE, REGISTERED, Rule, rules_of
from market.rights.table import Cell

_NOBODY: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller: a visitor when `user_id` is None. `roles` are those of the account, `memberships` pairs of an
    organisation and a role there, `cases` the listings a broker looks after, `scopes` what the key is for; if empty,
    for everything."""

    user_id: uuid.UUID | None = None
    roles: frozenset[str] = field(default_factory=frozenset)
    memberships: frozenset[tuple[uuid.UUID, str]] = field(default_factory=frozenset)
    home: uuid.UUID | None = None  # the organisation that what they post belongs to
    cases: frozenset[uuid.UUID] = field(default_factory=frozenset)
    verified: bool = False  # a member of an organisation that is verified
    confirmed: bool = False  # their address is, or an identity provider knows them
    scopes: frozenset[str] = field(default_factory=frozenset)
    language: str = "zh"

    @property
    def name(self) -> str:
        """Whose idempotency keys and cursors these are."""
        return str(self.user_id or "visitor")

    @property
    def held(self) -> frozenset[str]:
        """All roles, wherever they are held."""
        return self.roles | {role for _, role in self.memberships}

    def roles_in(self, organisation_id: uuid.UUID | None) -> frozenset[str]:
        """The roles held in an organisation."""
        return frozenset(role for one, role in self.memberships if one == organisation_id)

    def organisations_as(self, roles: frozenset[str]) -> frozenset[uuid.UUID]:
        """Where one of these roles is held."""
        return frozenset(one for one, role in self.memberships if role in roles)


VISITOR = Principal()
SYSTEM = Principal(roles=frozenset({"administrator"}))


@dataclass(frozen=True, slots=True)
class Relation:
    """How a caller stands to a thing: whether it is theirs, whose organisation's it is, whether it is assigned to
    them, and its state."""

    own: bool = False
    organisation_id: uuid.UUID | None = None
    assigned: bool = False
    state: str = ""


NONE = Relation()


def admit(principal: Principal, action: str) -> None:
    """Refuse whoever could take this action on nothing at all, before anything of the request is read."""
    rules = rules_of(action)
    if principal.scopes and not any(rule.scope in principal.scopes for rule in rules):
        raise Forbidden("scope-missing", scope=rules[0].scope)
    named = _names(principal) | principal.held
    if not any(rule.roles & named for rule in rules):
        if principal.user_id is None:
            raise Unauthenticated
        wanted = frozenset().union(*(rule.roles for rule in rules)) - {ANYONE, REGISTERED}
        raise Forbidden("role-missing", roles=", ".join(sorted(wanted)))


def allowed(principal: Principal, action: str, relation: Relation = NONE) -> bool:
    """Whether the table lets this caller take the action on a thing they stand to like this."""
    return any(
        (not principal.scopes or rule.scope in principal.scopes) and _lets(rule, principal, relation)
        for rule in rules_of(action)
        if rule.holds_in(relation.state)
    )


def _lets(rule: Rule, principal: Principal, relation: Relation) -> bool:
    names = _names(principal)
    there = principal.roles_in(relation.organisation_id) if relation.organisation_id is not None else _NOBODY
    near = ((rule.own, relation.own), (rule.organisation, bool(there)))
    binding = [cell for cell, stands in near if stands and cell.binds(there)]
    if binding:
        return all(cell.roles & (names | there) for cell in binding)
    return bool(
        rule.other.roles & names
        or (relation.own and rule.own.roles & names)
        or rule.organisation.roles & there
        or (relation.assigned and rule.assigned.roles & principal.held)
    )


@lru_cache(maxsize=4096)
def _names(principal: Principal) -> frozenset[str]:
    """What the table calls them, wherever they are: their account's roles, and that they have an account."""
    known = {ANYONE, REGISTERED} if principal.user_id is not None or principal == SYSTEM else {ANYONE}
    return principal.roles | known


def relation_to(principal: Principal, listing: Listing) -> Relation:
    """How a caller stands to a listing."""
    own = principal.user_id is not None and listing.owner_id == principal.user_id
    return Relation(own, listing.organisation_id, listing.id in principal.cases, listing.state)


def may(principal: Principal, action: str, listing: Listing) -> bool:
    """Whether the caller may take this action on this listing."""
    return allowed(principal, action, relation_to(principal, listing))


def require(principal: Principal, action: str, listing: Listing) -> None:
    """As `may`; raises Forbidden, or NotFound to whoever may not even see the listing."""
    if may(principal, action, listing):
        return
    if not may(principal, "listing.read", listing):
        raise NotFound(noun=listing.NOUN, id=str(listing.id))
    raise Forbidden("not-owner")


def require_confirmed(principal: Principal) -> None:
    """That they have shown who they are. Raises Forbidden, which says how."""
    if not principal.confirmed:
        raise Forbidden("address-unconfirmed")


def require_in(principal: Principal, action: str, organisation_id: uuid.UUID) -> None:
    """That the caller may take this action in an organisation. Raises Forbidden, with the roles it takes."""
    if not allowed(principal, action, Relation(organisation_id=organisation_id)):
        wanted = frozenset().union(*(rule.roles for rule in rules_of(action))) - {ANYONE, REGISTERED}
        raise Forbidden("role-missing", roles=", ".join(sorted(wanted)))


def visible_to(model: type[Listing], principal: Principal) -> ColumnElement[bool]:
    """The SQL filter that every load of a listing goes through: what the table says of listing.read."""
    clauses = [_clause(rule, model, principal) for rule in rules_of("listing.read")]
    return or_(false(), *(one for one in clauses if one is not None))


def _clause(rule: Rule, model: type[Listing], principal: Principal) -> ColumnElement[bool] | None:
    """What the row lets this caller see; None: nothing."""
    state = _in_state(model, rule.states) if rule.states else true()
    if rule.other.roles & _names(principal):
        return state
    relations = _relations(rule, model, principal)
    return and_(or_(*relations), state) if relations else None


def _in_state(model: type[Listing], states: frozenset[str]) -> ColumnElement[bool]:
    column = col(model.state)
    return column.in_(sorted(states)) if len(states) > 1 else column == next(iter(states))


def _relations(rule: Rule, model: type[Listing], principal: Principal) -> list[ColumnElement[bool]]:
    clauses: list[ColumnElement[bool]] = []
    if principal.user_id is not None and rule.own.roles & _names(principal):
        clauses.append(col(model.owner_id) == principal.user_id)
    organisations = principal.organisations_as(rule.organisation.roles)
    if organisations:
        clauses.append(col(model.organisation_id).in_(sorted(organisations)))
    if principal.cases and rule.assigned.roles & principal.held:
        clauses.append(col(model.id).in_(sorted(principal.cases)))
    return clauses


def _always(name: str) -> Cell:
    """The cell of listing.read that holds in every state."""
    cells = [getattr(rule, name) for rule in rules_of("listing.read") if not rule.states]
    return Cell(frozenset().union(*(cell.roles for cell in cells)))


@lru_cache(maxsize=4096)
def reader_tags(principal: Principal) -> tuple[str, ...]:
    """The search engine's side of `visible_to`: a document is found by those who hold one of its tags. What is only
    assigned to a broker is among their cases, not in searches."""
    tags = ["public"]
    if principal.roles & _always("other").roles:
        tags.append("staff")
    if principal.user_id is not None:
        tags.append(f"user:{principal.user_id}")
    organisations = principal.organisations_as(_always("organisation").roles)
    return (*tags, *(f"organisation:{one}" for one in sorted(organisations)))


def readers_of(listing: Listing) -> list[str]:
    """The tags a listing's document carries."""
    tags = ["staff", f"organisation:{listing.organisation_id}"]
    if listing.owner_id is not None:
        tags.append(f"user:{listing.owner_id}")
    if listing.published:
        tags.append("public")
    return tags
