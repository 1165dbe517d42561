"""The statements behind the statistics: what of the public's view falls into which group. Each is one GROUP BY.

Knows no labels and shapes no answers: services/statistics.py does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any

from sqlalchemy import ColumnElement, Select, Text, and_, case, cast, func, literal_column, or_, select, union
from sqlmodel import Session, col

from market.db import dialect_of
from market.models import LISTINGS, Demand, Expert, Listing, Match, Organisation, Outcome

CHINA = timezone(timedelta(hours=8))
"""Days and months are China's, which has had one time without summer time since 1991."""
FEWEST = 3
"""Of fewer demands than this neither sums are shown nor how they fare."""
STAGES = ("found", "seen", "interested", "in_contact")

_UNSEEN = ("", "new")
_INTERESTED = ("interested", "in_contact", "closed")
_IN_CONTACT = ("in_contact", "closed")


@dataclass(frozen=True, slots=True)
class Period:
    """From the first day to the last, both counted; None: without end."""

    since: date | None = None
    until: date | None = None

    def holds(self, column: Any) -> list[ColumnElement[bool]]:
        """That a moment lies in it."""
        clauses = []
        if self.since is not None:
            clauses.append(column >= datetime.combine(self.since, time(), CHINA).astimezone(UTC))
        if self.until is not None:
            end = datetime.combine(self.until + timedelta(days=1), time(), CHINA).astimezone(UTC)
            clauses.append(column < end)
        return clauses


ALWAYS = Period()


@dataclass(slots=True)
class Tally:
    """What was counted of one group. `budget` is the sum of the budgets that `budgets` demands make public."""

    counts: dict[str, int] = field(default_factory=dict)
    progress: dict[str, int] = field(default_factory=dict)
    budgets: int = 0
    budget: int = 0
    stages: dict[str, int] = field(default_factory=dict)
    demands_matched: int = 0

    def add(self, other: Tally) -> None:
        """Make it the tally of both."""
        for mine, theirs in (
            (self.counts, other.counts),
            (self.progress, other.progress),
            (self.stages, other.stages),
        ):
            for name, number in theirs.items():
                mine[name] = mine.get(name, 0) + number
        self.budgets += other.budgets
        self.budget += other.budget
        self.demands_matched += other.demands_matched


Groups = dict[Any, Tally]
"""Tallies by what they are grouped by: one value, or a tuple of them."""


def published(model: type[Listing], period: Period) -> list[ColumnElement[bool]]:
    """What the public may see of a kind, published in the period."""
    return [col(model.state) == "published", *period.holds(col(model.published_at))]


def month_of(session: Session, moment: Any) -> ColumnElement[str]:
    """The month of a moment as 2026-03. Its constants are written out: a grouped expression has no parameters."""
    if dialect_of(session) == "sqlite":
        # Without fractions, which it rounds: the last microsecond of a month would be of the next.
        whole = func.substr(moment, literal_column("1"), literal_column("19"))
        return func.strftime(literal_column("'%Y-%m'"), whole, literal_column("'+8 hours'"))
    return func.to_char(func.timezone(literal_column("'Asia/Shanghai'"), moment), literal_column("'YYYY-MM'"))


def listings(session: Session, noun: str, keys: tuple[Any, ...], period: Period) -> Groups:
    """Published listings of a kind by these columns of theirs; of experts also by their organisation's."""
    model = LISTINGS[noun]
    figures: list[Any] = [func.count()]
    if model is Demand:
        figures += _budgets()
    statement = select(*keys, *figures).select_from(model).where(*published(model, period)).group_by(*keys)
    if model is Expert and any(getattr(key, "class_", None) is Organisation for key in keys):
        statement = statement.join(Organisation, col(Organisation.id) == Expert.organisation_id)
    groups: Groups = {}
    for row in session.execute(statement):
        values = tuple(row)[len(keys) :]
        tally = Tally({f"{noun}s": values[0]})
        if model is Demand:
            tally.budgets, tally.budget = int(values[1]), int(values[2])
        groups[_key(row, keys)] = tally
    return groups


def _budgets() -> list[Any]:
    """How many state a budget that everybody may see, and the sum of what they would pay at most."""
    stated = func.coalesce(col(Demand.budget_to), col(Demand.budget_from))
    open_to_all = and_(stated.is_not(None), cast(col(Demand.tiers), Text).not_like("%budget%"))
    return [
        func.coalesce(func.sum(case((open_to_all, 1), else_=0)), 0),
        func.coalesce(func.sum(case((open_to_all, stated), else_=0)), 0),
    ]


def matches(
    session: Session,
    key: Any,
    period: Period,
    *where: ColumnElement[bool],
    joined: Sequence[type[Listing]] = (),
    fares: bool = True,
) -> Groups:
    """Matches between published listings by one column of them or of the listings `joined`; None: all together.

    `matches` counts those that hold; the stages count all that were ever found, as far as each has come. Without
    `fares` the tallies do not say of how many demands the matches are.
    """
    keys = () if key is None else (key,)
    figures = [_how_many(col(Match.active)), func.count(), *_stages()]
    if fares:
        figures.append(func.count(col(Match.demand_id).distinct()))
    statement = _public_pairs(select(*keys, *figures), joined).where(*period.holds(col(Match.created_at)), *where)
    groups: Groups = {}
    for row in session.execute(statement.group_by(*keys)):
        active, *rest = tuple(row)[len(keys) :]
        counted = dict(zip(STAGES, map(int, rest), strict=False))
        demands = int(rest[len(STAGES)]) if len(rest) > len(STAGES) else 0
        groups[_key(row, keys)] = Tally({"matches": int(active)}, stages=counted, demands_matched=demands)
    return groups


def _stages() -> list[Any]:
    sides = (col(Match.demand_state), col(Match.offer_state))
    return [
        _how_many(or_(*(side.not_in(_UNSEEN) for side in sides))),
        _how_many(or_(*(side.in_(_INTERESTED) for side in sides))),
        _how_many(or_(*(side.in_(_IN_CONTACT) for side in sides))),
    ]


def _how_many(condition: Any) -> Any:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)


def _public_pairs(statement: Select[Any], joined: Sequence[type[Listing]]) -> Select[Any]:
    """Only where everybody may see both sides, and the two see the same: else a figure would tell of what one keeps
    to itself. What is published is looked up by lists of ids, which both databases make once; a row is read only of
    `joined`, by whose columns it is grouped."""
    sides: dict[type[Listing], Any] = {
        model: col(getattr(Match, f"{model.NOUN}_id")) for model in (Demand, Outcome, Expert)
    }
    seen = {
        model: side.in_(select(col(model.id)).where(col(model.state) == "published")) for model, side in sides.items()
    }
    statement = statement.select_from(Match).where(seen[Demand], or_(seen[Outcome], seen[Expert]))
    statement = statement.where(col(Match.offer_parts).is_(None))
    for model in joined:
        statement = statement.join(model, col(model.id) == sides[model], isouter=model is not Demand)
    return statement


def _key(row: Any, keys: tuple[Any, ...]) -> Any:
    return row[0] if len(keys) == 1 else tuple(row)[: len(keys)]


def organisations(session: Session, period: Period) -> tuple[int, int]:
    """How many came in the period, and how many published something in it that bears their name."""
    everyone = select(func.count()).select_from(Organisation).where(*period.holds(col(Organisation.created_at)))
    owners = []
    for model in LISTINGS.values():
        owner = select(col(model.organisation_id)).where(*published(model, period))
        owners.append(owner.where(~col(Demand.organisation_masked)) if model is Demand else owner)
    publishing = select(func.count()).select_from(union(*owners).subquery())
    return session.execute(everyone).scalar_one(), session.execute(publishing).scalar_one()


def names(session: Session, ids: list[Any]) -> Mapping[Any, tuple[str, str]]:
    """The Chinese and the English name of organisations; either may be empty."""
    columns = (col(Organisation.id), col(Organisation.name_zh), col(Organisation.name_en))
    return {row[0]: (row[1], row[2]) for row in session.execute(select(*columns).where(columns[0].in_(ids)))}
