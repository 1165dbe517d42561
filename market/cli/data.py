"""init, load: the data as a whole."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from itertools import islice
from pathlib import Path

import click
from sqlmodel import col, func, select

from market import schema
from market.cli import jobs
from market.cli.output import fail, json_option, opened, progress, say, show
from market.files.faults import Row
from market.models import Organisation, User
from market.runtime import Runtime
from market.services.files import loading
from market.services.files.loading import Loaded
from market.services.people import keys
from market.services.rights import principals
from market.settings import Settings

_BATCH = 1000
_DEMO_ROLES = ("administrator", "reviewer", "member", "expert")


@click.command()
@click.option(
    "--demo",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="On the first run, load this folder and make a key for each role.",
)
@json_option
@click.pass_obj
def init(settings: Settings, demo: Path | None, as_json: bool) -> None:
    """Make the database and bring its schema up to date. May be repeated: data stay."""
    with opened(settings) as runtime:
        schema.migrate(runtime.db)
        with runtime.db.reading() as session:
            empty = session.exec(select(func.count()).select_from(Organisation)).one() == 0
    shown: dict[str, str] = {}
    if demo is not None:
        if settings.environment == "production":
            fail("--demo is for development: production has no demo accounts.")
        if empty:
            with opened(settings, writes_index=True) as runtime:
                report = load_folder(runtime, demo, quiet=as_json)
                _complain(report)
                jobs.drain_with_progress(runtime, quiet=as_json, background=False)  # the worker makes vectors
        with opened(settings) as runtime:
            shown = _demo_keys(runtime, Path(settings.data) / "demo-keys.json")
    show(
        {"database": runtime.db.name, "keys": shown},
        as_json=as_json,
        columns=("role", "API key (for this installation only)"),
        rows=[*shown.items()] or [("", "market keys create makes one")],
    )


def _demo_keys(runtime: Runtime, path: Path) -> dict[str, str]:
    """A key for the first user of each role, made once; kept in a file that only its owner reads."""
    if path.exists():
        return dict(json.loads(path.read_text()))
    made: dict[str, str] = {}
    with runtime.db.writing() as session:
        now = runtime.clock()
        users = session.exec(select(User).order_by(col(User.external_key))).all()
        found = [(user, principals.of_user(session, user.id, now=now)) for user in users]
        for role in _DEMO_ROLES:
            user = next((one for one, principal in found if principal and role in principal.held), None)
            if user is not None:
                made[role] = keys.create(session, user, now=now, label=f"demo {role}")[0]
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(made, file)
    return made


@click.command()
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@json_option
@click.pass_obj
def load(settings: Settings, path: Path, as_json: bool) -> None:
    """Load NDJSON from PATH: a folder, or one file named organisations, users, outcomes, experts or demands.

    Rows are brought up to date by their key. Bad rows are reported by line, and the rest goes in. A running
    worker indexes and matches them; without one, run `market drain`.
    """
    with opened(settings) as runtime:
        report = load_folder(runtime, path, quiet=as_json)
    refused = _complain(report) if not as_json else sum(len(one.refusals) for one in report.values())
    show(
        {kind: asdict(loaded) for kind, loaded in report.items()},
        as_json=as_json,
        columns=("kind", "created", "changed", "unchanged", "refused"),
        rows=[
            (kind, one.created, one.changed, one.unchanged, len({refusal.line for refusal in one.refusals}))
            for kind, one in report.items()
        ],
    )
    if refused:
        raise SystemExit(1)


def load_folder(runtime: Runtime, path: Path, *, quiet: bool) -> dict[str, Loaded]:
    """Load every known file of a folder, in the order in which they refer to each other."""
    if path.is_file() and path.stem not in loading.ORDER:
        fail(f"{path.name} is none of: {', '.join(f'{kind}.ndjson' for kind in loading.ORDER)}.")
    files = {path.stem: path} if path.is_file() else {kind: path / f"{kind}.ndjson" for kind in loading.ORDER}
    report: dict[str, Loaded] = {}
    with progress(quiet=quiet) as bar:
        for kind, file in files.items():
            if not file.exists():
                continue
            with file.open("rb") as lines:
                total = sum(1 for _ in lines)
                lines.seek(0)
                task = bar.add_task(f"load {kind}", total=total)
                report[kind] = Loaded()
                rows = loading.parse(kind, lines, report[kind])
                while batch := list(islice(rows, _BATCH)):
                    _store(runtime, kind, batch, report[kind])
                    bar.update(task, completed=batch[-1].line)
                bar.update(task, completed=total)
    return report


def _store(runtime: Runtime, kind: str, batch: list[Row], loaded: Loaded) -> None:
    """The batch in one transaction; where a row spoils it, row by row."""
    try:
        with runtime.db.writing() as session:
            loaded.add(loading.store(session, kind, batch, now=runtime.clock()))
    except Exception:  # row by row tells which one, and why
        with runtime.db.writing() as session:
            for row in batch:
                loading.store_singly(session, kind, row, now=runtime.clock(), loaded=loaded)


def _complain(report: dict[str, Loaded]) -> int:
    refusals = [(kind, refusal) for kind, loaded in report.items() for refusal in loaded.refusals]
    for kind, refusal in refusals[:50]:
        say(f"{kind} line {refusal.line} {refusal.pointer}: {refusal.message}")
    if len(refusals) > 50:
        say(f"... and {len(refusals) - 50} more; --json lists all.")
    return len(refusals)
