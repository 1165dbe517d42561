"""audit: the trail listed, its chain verified, its head shown."""

from __future__ import annotations

import sys
import uuid
from datetime import UTC, datetime
from typing import Any

import click

from market.cli.output import json_option, opened, progress, say, show
from market.services.trail import audit as trail
from market.services.trail import sealing, verifying
from market.settings import Settings

_NOUN_AND_ID = "NOUN, ID or NOUN:ID"


@click.group()
def audit() -> None:
    """The audit trail: who did what, and whether anything of it was changed since."""


@audit.command()
@click.option("--from", "start", type=click.IntRange(1), default=1, help="Begin at this position.")
@click.option("--head", "anchor", default="", help="A hash that the log named; it must be in the chain.")
@json_option
@click.pass_obj
def verify(settings: Settings, start: int, anchor: str, as_json: bool) -> None:
    """Walk the chain of seals. Ends with status 1 and names the first entry that is not as it was sealed.

    Only with --head is it anchored: without, nothing shows that the chain was not cut off or written anew.
    """
    with (
        opened(settings) as runtime,
        runtime.db.reading() as session,
        progress(quiet=as_json) as bar,
    ):
        task = bar.add_task("verify", total=max(0, verifying.total(session) - start + 1))
        found = verifying.verify(
            session, start=start, anchor=anchor.strip().lower(), step=lambda more: bar.advance(task, more)
        )
        now = runtime.clock()
    age = round((now - found.oldest_unsealed).total_seconds(), 1) if found.oldest_unsealed else None
    said: dict[str, Any] = {
        "good": found.fault is None,
        "anchored": found.anchored,
        "verified": found.verified,
        "position": found.head.position,
        "head": found.head.hash,
        "unsealed": found.unsealed,
        "oldest_unsealed_seconds": age,
        "late": found.late,
        "first_late": [_late(one) for one in found.first_late],
        "fault": _fault(found.fault) if found.fault else None,
    }
    rows = [
        ("verified", found.verified),
        ("head", f"{found.head.position} {found.head.hash}"),
        ("unsealed", f"{found.unsealed}, the oldest for {age} s" if found.unsealed else 0),
        *([("sealed late: put in afterwards?", found.late)] if found.late else []),
        *((f"  position {one.position}", f"{one.entry_id}, {one.seconds} s late") for one in found.first_late),
        *([("first fault", _in_words(found.fault))] if found.fault else []),
    ]
    good = "good" if found.anchored else "good, not anchored: give a --head that the log has"
    show(said, as_json=as_json, columns=("audit trail", good if found.fault is None else "NOT GOOD"), rows=rows)
    if found.fault is not None:
        if as_json:
            say(_in_words(found.fault))
        sys.exit(1)


def _late(late: verifying.Late) -> dict[str, Any]:
    return {"position": late.position, "entry": str(late.entry_id), "seconds": late.seconds}


def _fault(fault: verifying.Fault) -> dict[str, Any]:
    return {
        "kind": fault.kind,
        "position": fault.position,
        "entry": str(fault.entry_id) if fault.entry_id else None,
        "said": fault.said,
    }


def _in_words(fault: verifying.Fault) -> str:
    entry = f", entry {fault.entry_id}" if fault.entry_id else ""
    return f"{fault.kind} at position {fault.position}{entry}: {fault.said}"


@audit.command()
@json_option
@click.pass_obj
def head(settings: Settings, as_json: bool) -> None:
    """The last seal. Keep it elsewhere: `market audit verify --head HASH` then finds a chain that was cut off."""
    with opened(settings) as runtime, runtime.db.reading() as session:
        last = sealing.head(session)
        waiting, oldest = sealing.unsealed(session)
    show(
        {"position": last.position, "hash": last.hash, "unsealed": waiting, "oldest_unsealed": oldest},
        as_json=as_json,
        columns=("position", "hash", "unsealed"),
        rows=[(last.position, last.hash, waiting)],
    )


@audit.command("list")
@click.option("--subject", default="", help=f"To what: {_NOUN_AND_ID}.")
@click.option("--actor", default="", help="Who: a user's id, or user, system, visitor.")
@click.option("--action", default="", help="What was done, as create or approve.")
@click.option(
    "--since", type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]), help="From then on (UTC)."
)
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="The newest so many.")
@json_option
@click.pass_obj
def list_entries(
    settings: Settings, subject: str, actor: str, action: str, since: datetime | None, limit: int, as_json: bool
) -> None:
    """List entries, the newest first."""
    noun, _, identity = subject.rpartition(":")
    subject_id = _uuid(identity)
    wanted = trail.Wanted(
        noun=noun or (identity if subject_id is None else ""),
        subject_id=subject_id,
        actor_id=_uuid(actor),
        actor_kind=actor if _uuid(actor) is None else "",
        action=action,
        since=since.replace(tzinfo=UTC) if since else None,
    )
    with opened(settings) as runtime, runtime.db.reading() as session:
        rows = trail.listed(session, wanted, limit=limit)
    show(
        [row.model_dump(mode="json") for row in rows],
        as_json=as_json,
        columns=("when", "who", "action", "noun", "subject", "details", "request"),
        rows=[
            (
                f"{row.created_at:%F %T}",
                row.actor_id or row.actor_kind,
                row.action,
                row.noun,
                row.subject_id,
                ", ".join(f"{name}={value}" for name, value in row.details.items()),
                row.request_id,
            )
            for row in rows
        ],
    )


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
