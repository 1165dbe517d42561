"""Reads table.tsv: for each action the scope a key needs and, by relation and state, the roles that may take it.

A row's cells name roles: in `own` those of whoever the thing belongs to, in `organisation` roles held in its
organisation, in `assigned` roles of whom it is assigned to, in `other` roles of the account, whatever the relation.
`registered` is everybody with an account, `anyone` visitors too. Cells add to each other; one with `!` is the last
word for that relation, so that nobody approves what is their own; with roles before the `!`, only for whoever has one
of these in the organisation. What no row allows is refused.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType

from market.vocabulary import vocabulary

ANYONE, REGISTERED = "anyone", "registered"
RELATIONS = ("own", "organisation", "assigned", "other")
COLUMNS = ("action", "scope", "states", *RELATIONS, "what")


@dataclass(frozen=True, slots=True)
class Cell:
    """The roles of one relation; `last`: nothing of `other` is added, for whoever is there with one of the roles
    `about` (empty: with any)."""

    roles: frozenset[str]
    last: bool = False
    about: frozenset[str] = frozenset()

    def binds(self, there: frozenset[str]) -> bool:
        """Whether it is the last word for somebody in that relation, with these roles in the organisation."""
        return self.last and (not self.about or not self.about.isdisjoint(there))


@dataclass(frozen=True, slots=True)
class Rule:
    """One row. `states` empty: in every state."""

    action: str
    scope: str
    states: frozenset[str]
    own: Cell
    organisation: Cell
    assigned: Cell
    other: Cell
    what: str

    def holds_in(self, state: str) -> bool:
        """Whether the row is about things in this state."""
        return not self.states or state in self.states

    @property
    def roles(self) -> frozenset[str]:
        """All roles that it names."""
        return self.own.roles | self.organisation.roles | self.assigned.roles | self.other.roles


def _cell(text: str) -> Cell:
    before, last, after = text.rpartition("!")
    roles, about = (frozenset(names.split()) - {"-"} for names in (after, before))
    unknown = (roles | about) - {ANYONE, REGISTERED, *vocabulary("roles").codes}
    if unknown:
        raise ValueError(f"table.tsv names roles that do not exist: {', '.join(sorted(unknown))}")
    return Cell(roles, bool(last), about)


def _rule(row: Mapping[str, str]) -> Rule:
    states = frozenset() if row["states"] == "*" else frozenset(row["states"].split())
    if states - {*vocabulary("listing_states").codes}:
        raise ValueError(f"table.tsv: {row['action']} names states that do not exist")
    if row["scope"] not in vocabulary("scopes"):
        raise ValueError(f"table.tsv: {row['action']} names the scope {row['scope']}, which does not exist")
    cells = {name: _cell(row[name]) for name in RELATIONS}
    return Rule(row["action"], row["scope"], states, what=row["what"], **cells)


def _read() -> Mapping[str, tuple[Rule, ...]]:
    found: dict[str, tuple[Rule, ...]] = {}
    with (files("market.rights") / "table.tsv").open(encoding="utf-8") as lines:
        rows = csv.DictReader(lines, dialect="excel-tab", quoting=csv.QUOTE_NONE, strict=True)
        if tuple(rows.fieldnames or ()) != COLUMNS:
            raise ValueError(f"table.tsv must have the columns {', '.join(COLUMNS)}")
        for row in rows:
            rule = _rule(row)
            found[rule.action] = (*found.get(rule.action, ()), rule)
    return MappingProxyType(found)


TABLE = _read()


def rules_of(action: str) -> tuple[Rule, ...]:
    """The rows of an action; KeyError for one that is not in the table."""
    return TABLE[action]
