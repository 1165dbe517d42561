"""authz: the table of rights, and why somebody may do something or may not."""

from __future__ import annotations

import uuid
from typing import Any

import click

from market.cli.output import fail, json_option, opened, show
from market.errors import NotFound
from market.models import LISTINGS, Listing, Organisation
from market.rights import Rule
from market.rights.table import RELATIONS, TABLE, Cell
from market.services.rights import access, people, principals
from market.services.rights.access import VISITOR, Principal, Relation
from market.settings import Settings

# So that the whole stands in the eighty columns of a terminal.
_SHORT = {
    "organisation_admin": "org_admin",
    "administrator": "admin",
    "registered": "account",
    "service_partner": "partner",
}


@click.group()
def authz() -> None:
    """Who may do what."""


@authz.command()
@click.option("--action", default="", help="Only actions that begin like this.")
@json_option
@click.pass_obj
def table(_: Settings, action: str, as_json: bool) -> None:
    """Print the table of rights: for each action, with the scope of a key below it, by relation who may take it.

    `own`: whose it is; `its people`: those of its organisation, by their roles there; `others`: by the roles of their
    accounts. `only`: whoever stands like this is asked nothing else. `account`: everybody who has one.
    """
    rules = [rule for rules in TABLE.values() for rule in rules if rule.action.startswith(action)]
    if not rules:
        fail(f"No action begins with {action}.")
    columns = ("action", "own", "its people", "assigned", "others")
    show(
        [_plain(rule) for rule in rules],
        as_json=as_json,
        columns=columns,
        rows=[(_named(rule), *(_said(getattr(rule, one), "\n") for one in RELATIONS)) for rule in rules],
    )


def _plain(rule: Rule) -> dict[str, Any]:
    cells = {name: getattr(rule, name) for name in RELATIONS}
    return {
        "action": rule.action,
        "scope": rule.scope,
        "states": sorted(rule.states),
        **{
            name: {"roles": sorted(cell.roles), "only": cell.last, "about": sorted(cell.about)}
            for name, cell in cells.items()
        },
        "what": rule.what,
    }


def _named(rule: Rule) -> str:
    return "\n  ".join([rule.action, *(f"({state})" for state in sorted(rule.states)), f"key: {rule.scope}"])


def _said(cell: Cell, between: str = ", ") -> str:
    roles = between.join(_SHORT.get(role, role) for role in sorted(cell.roles)) or "-"
    if not cell.last:
        return roles
    about = [f"{between.join(_SHORT.get(role, role) for role in sorted(cell.about))}:"] if cell.about else []
    return between.join([*about, f"only {roles if cell.roles else 'nobody'}"])


@authz.command()
@click.argument("email")
@click.argument("action")
@click.option("--listing", default="", help="What it is about, as type:id, for instance outcome:0192...")
@click.option("--organisation", default="", help="In which organisation, by id or the key it was loaded with.")
@json_option
@click.pass_obj
def check(settings: Settings, email: str, action: str, listing: str, organisation: str, as_json: bool) -> None:
    """Say whether EMAIL (or `visitor`) may take ACTION, and why."""
    if action not in TABLE:
        fail(f"{action} is no action; `market authz table` lists them.")
    with opened(settings) as runtime, runtime.db.reading() as session:
        caller: Principal | None = VISITOR
        if email != "visitor":
            user = people.user(session, email)
            caller = principals.of_user(session, user.id, now=runtime.clock())
        relation = access.NONE
        if listing:
            noun, _, identity = listing.partition(":")
            relation = access.relation_to(caller or VISITOR, _listing(session, noun, identity))
        elif organisation:
            place: Organisation = people.organisation_called(session, organisation)
            relation = Relation(organisation_id=place.id)
    told = _judged(caller, action, relation)
    show(
        told,
        as_json=as_json,
        columns=("question", "answer"),
        rows=[(key, _text(value)) for key, value in told.items()],
    )
    if not told["allowed"]:
        raise SystemExit(1)


def _listing(session: Any, noun: str, identity: str) -> Listing:
    try:
        found: Listing | None = session.get(LISTINGS[noun], uuid.UUID(identity))
    except (KeyError, ValueError):
        fail("A listing is named like outcome:0192f0c1-7a52-7c3e-9b1d-3f6a8e5d4c21.")
    if found is None:
        raise NotFound(noun=noun, id=identity)
    return found


def _judged(caller: Principal | None, action: str, relation: Relation) -> dict[str, Any]:
    if caller is None:
        return {"allowed": False, "why": "The account is closed."}
    there = sorted(caller.roles_in(relation.organisation_id)) if relation.organisation_id is not None else []
    allowed = access.allowed(caller, action, relation)
    return {
        "allowed": allowed,
        "why": _why(caller, action, relation, there, allowed=allowed),
        "roles of the account": sorted(caller.roles),
        "roles there": there,
        "own": relation.own,
        "assigned": relation.assigned,
        "state": relation.state,
    }


def _why(caller: Principal, action: str, relation: Relation, there: list[str], *, allowed: bool) -> str:
    rules = [rule for rule in TABLE[action] if rule.holds_in(relation.state)]
    if not rules:
        return f"No row of {action} is about the state {relation.state}."
    names = {*caller.roles, "anyone", *(["registered"] if caller.user_id is not None else [])}
    stands = {"own": relation.own, "organisation": bool(there), "assigned": relation.assigned, "other": True}
    held = {"own": names, "organisation": {*there}, "assigned": caller.held, "other": names}
    for rule in rules:
        shut = [name for name in RELATIONS if getattr(rule, name).binds(frozenset(there)) and stands[name]]
        if shut and not allowed:
            return f"The cell `{shut[0]}` is the last word: {_said(getattr(rule, shut[0]))}."
        for name in RELATIONS:
            matching = sorted(getattr(rule, name).roles & held[name]) if stands[name] else []
            if allowed and matching:
                return f"The cell `{name}` names {', '.join(matching)}."
    wanted = {name: _said(getattr(rule, name)) for rule in rules for name in RELATIONS if getattr(rule, name).roles}
    return "None of: " + "; ".join(f"{name}: {said}" for name, said in wanted.items()) + "."


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(value) if isinstance(value, list) else str(value)
