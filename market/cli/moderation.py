"""moderation: what waits for reviewers."""

from __future__ import annotations

from typing import Any

import click

from market.cli.output import json_option, opened, show
from market.models import LISTINGS
from market.services.moderation import waiting
from market.services.moderation.waiting import Asked, Waiting
from market.services.rights.access import SYSTEM
from market.settings import Settings


@click.group()
def moderation() -> None:
    """See what waits for reviewers."""


@moderation.command()
@click.option("--noun", type=click.Choice([*LISTINGS]), help="Only these.")
@click.option("--older-than-hours", type=click.IntRange(0), help="Only what has waited so long.")
@click.option("--unassigned", is_flag=True, help="Only what nobody looks at.")
@click.option("--newest", is_flag=True, help="The newest first.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True)
@json_option
@click.pass_obj
def queue(
    settings: Settings,
    noun: str | None,
    older_than_hours: int | None,
    unassigned: bool,
    newest: bool,
    limit: int,
    as_json: bool,
) -> None:
    """List the submissions that wait, the oldest first."""
    asked = Asked(
        noun=noun,
        assigned="none" if unassigned else None,
        older_than_hours=older_than_hours,
        newest_first=newest,
    )
    with opened(settings) as runtime, runtime.db.reading() as session:
        now = runtime.clock()
        found = waiting.queue(session, SYSTEM, asked, after=None, limit=limit, now=now)
        rows = [_row(one, seconds=(now - one.review.created_at).total_seconds()) for one in found]
    show(
        rows,
        as_json=as_json,
        columns=("review", "type", "title", "waits", "looked at by", "again", "duplicates", "flags", "reports"),
        rows=[
            (
                row["id"], row["type"], row["title"][:40], _waits(row["age_seconds"]), row["assigned_to"],
                "yes" if row["submitted_before"] else "", row["duplicates"], row["open_flags"], row["open_reports"],
            )
            for row in rows
        ],
    )  # fmt: skip


def _row(one: Waiting, *, seconds: float) -> dict[str, Any]:
    return {
        "id": str(one.review.id),
        "type": one.review.noun,
        "listing": str(one.listing.id),
        "title": one.listing.heading("zh"),
        "version": one.review.listing_version,
        "age_seconds": max(0, int(seconds)),
        "assigned_to": one.assigned.name if one.assigned is not None else None,
        "first_publication": one.first,
        "submitted_before": one.again,
        "duplicates": one.review.duplicates,
        "open_flags": one.flags,
        "open_reports": one.reports,
    }


def _waits(seconds: int) -> str:
    hours = seconds / 3600
    return f"{hours / 24:.1f} d" if hours >= 24 else f"{hours:.1f} h"


@moderation.command()
@json_option
@click.pass_obj
def summary(settings: Settings, as_json: bool) -> None:
    """Say how much waits, and for how long."""
    with opened(settings) as runtime, runtime.db.reading() as session:
        found = dict(waiting.summary(session, SYSTEM, now=runtime.clock()))
    ages = {name: age for name, age in found["age"].items() if age is not None}
    rows = [
        ("waiting", found["waiting"]),
        *((f"  {noun}s", number) for noun, number in found["by_type"].items()),
        ("looked at by somebody", found["assigned"]),
        *((f"{name.replace('_', ' ')} waits at most" if name != "oldest" else "the oldest waits", _waits(age))
          for name, age in ages.items()),
        ("open flags", found["open_flags"]),
        ("open reports", found["open_reports"]),
        *((f"{decision} in 7 days", number) for decision, number in sorted(found["decided"].items())),
    ]  # fmt: skip
    show(found, as_json=as_json, columns=("what", "count"), rows=rows)
