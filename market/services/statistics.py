"""What the exchange holds: counted from the database, of what the public may see."""

from __future__ import annotations

from typing import Any

from sqlmodel import Session, col, func, select

from market.models import LISTINGS, Demand, Match, Organisation, Outcome


def count(session: Session) -> dict[str, Any]:
    """Organisations, published listings by kind, field and region, open demands, matches that hold."""
    by_field: dict[str, dict[str, int]] = {}
    totals: dict[str, int] = {}
    for noun, model in LISTINGS.items():
        rows = session.exec(
            select(model.field, func.count()).where(col(model.state) == "published").group_by(col(model.field))
        ).all()
        totals[f"{noun}s"] = sum(number for _, number in rows)
        for code, number in rows:
            by_field.setdefault(code, {})[f"{noun}s"] = number
    regions = session.exec(
        select(Outcome.region, func.count()).where(col(Outcome.state) == "published").group_by(col(Outcome.region))
    ).all()
    open_demands = session.exec(
        select(func.count()).select_from(Demand).where(Demand.state == "published", Demand.progress == "open")
    ).one()
    return {
        "organisations": session.exec(select(func.count()).select_from(Organisation)).one(),
        **totals,
        "open_demands": open_demands,
        "matches": session.exec(select(func.count()).select_from(Match).where(col(Match.active))).one(),
        "by_field": by_field,
        "by_region": dict(regions),
    }
