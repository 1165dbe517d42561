"""One caller of each kind that the table of rights speaks of; and what its rows say, read without our own code."""

from __future__ import annotations

import csv
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

import pytest
from flask.testing import FlaskClient

from market.models.memberships import ROLES as THERE
from market.runtime import Runtime
from market.services.people import keys
from tests.factories import Caller, Person, add_key, add_organisation, add_person

on_sqlite = pytest.mark.parametrize("server", ["sqlite"], indirect=True)
"""For what takes long, and where the database makes no difference."""
RELATIONS = ("own", "organisation", "assigned", "other")
ACCOUNT_ROLES = ("administrator", "reviewer", "auditor", "service_partner", "broker", "expert")


@dataclass(frozen=True)
class Kind:
    """A caller: the roles of their account, in the owner's organisation, in another; and whether the key is good."""

    caller: Caller
    account: frozenset[str] = frozenset()
    there: frozenset[str] = frozenset()
    elsewhere: frozenset[str] = frozenset()
    signed_in: bool = True
    good: bool = True
    scopes: frozenset[str] = frozenset()


def everybody(runtime: Runtime, client: FlaskClient, organisation: uuid.UUID) -> Mapping[str, Kind]:
    """A visitor, each role of an account, each role in `organisation`, members elsewhere, keys that are not good."""
    found = {"visitor": Kind(Caller(client), signed_in=False)}
    for role in ACCOUNT_ROLES:
        person = add_person(runtime, roles=(role,))
        found[role] = Kind(Caller(client, person), account=frozenset({role}))
    for role in THERE:
        person = add_person(runtime, organisation, roles=(role,))
        found[f"{role} there"] = Kind(Caller(client, person), there=frozenset({role}))
    elsewhere = add_person(runtime, add_organisation(runtime), roles=("member", "organisation_admin"))
    found["member elsewhere"] = Kind(Caller(client, elsewhere), elsewhere=frozenset({"member", "organisation_admin"}))
    found["nobody special"] = Kind(Caller(client, add_person(runtime, roles=())))
    revoked = add_person(runtime, organisation, roles=("member",))
    with runtime.db.writing() as session:
        keys.revoke(session, revoked.key[:9], now=runtime.clock())
    found["revoked key"] = Kind(Caller(client, revoked), good=False)
    reads = add_person(runtime, organisation, roles=("member",))
    only = Person(reads.id, organisation, add_key(runtime, reads, scopes=("read",)), reads.email)
    found["key to read"] = Kind(Caller(client, only), there=frozenset({"member"}), scopes=frozenset({"read"}))
    return found


def rows() -> list[dict[str, str]]:
    """The table as it stands in its file."""
    with (files("market.rights") / "table.tsv").open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines, dialect="excel-tab", quoting=csv.QUOTE_NONE))


def roles_of(cell: str) -> set[str]:
    """The names in a cell: where it is somebody's last word, those after the `!`."""
    return set(cell.rpartition("!")[2].split()) - {"-"}


def is_about(cell: str, there: frozenset[str]) -> bool:
    """Whether a cell of the organisation is about somebody with these roles there: those before a `!`, or any."""
    return bool(there & (set(cell.rpartition("!")[0].split()) or there))


def admitted(kind: Kind, action: str) -> bool:
    """Whether this caller passes the door of an action."""
    held = {"anyone", *(("registered",) if kind.signed_in else ()), *kind.account, *kind.there, *kind.elsewhere}
    mine = [row for row in rows() if row["action"] == action]
    if kind.scopes and not any(row["scope"] in kind.scopes for row in mine):
        return False
    named = set().union(*(roles_of(row[cell]) for row in mine for cell in RELATIONS))
    return bool(named & held)


def lets(kind: Kind, action: str, state: str, *, own: bool = False) -> bool:
    """Whether the table lets this caller do it to a listing of the organisation in this state."""
    account = {"anyone", *(("registered",) if kind.signed_in else ()), *kind.account}
    for row in rows():
        if row["action"] != action or (row["states"] != "*" and state not in row["states"].split()):
            continue
        if kind.scopes and row["scope"] not in kind.scopes:
            continue
        near = [(row["own"], own), (row["organisation"], is_about(row["organisation"], kind.there))]
        closed = [roles_of(cell) for cell, stands in near if stands and "!" in cell]
        if closed:
            if all(names & (account | kind.there) for names in closed):
                return True
            continue
        if (
            roles_of(row["other"]) & account
            or (own and roles_of(row["own"]) & account)
            or roles_of(row["organisation"]) & kind.there
        ):
            return True
    return False
