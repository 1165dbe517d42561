"""drain, jobs: the outbox."""

from __future__ import annotations

import uuid

import click
from sqlmodel import col, select

from market import outbox
from market.cli.output import json_option, opened, progress, show
from market.models import Job
from market.runtime import Runtime
from market.settings import Settings
from market.worker import runner


@click.command()
@json_option
@click.pass_obj
def drain(settings: Settings, as_json: bool) -> None:
    """Run jobs until none is left. Where the service runs, its worker does so by itself."""
    with opened(settings, writes_index=True) as runtime:
        ran = drain_with_progress(runtime, quiet=as_json)
    show({"ran": ran}, as_json=as_json, columns=("jobs run",), rows=[(ran,)])


def drain_with_progress(runtime: Runtime, *, quiet: bool, background: bool = True) -> int:
    """Run jobs until none is due, with a bar for each kind of job as it comes up; `background`: vectors too."""
    ran = 0
    tasks: dict[str, tuple[object, int]] = {}
    with progress(quiet=quiet) as bar:
        while True:
            with runtime.db.reading() as session:
                waiting = {name: n for (name, state), n in outbox.backlog(session).items() if state == "queued"}
            waiting = {name: n for name, n in waiting.items() if background or name not in outbox.BACKGROUND}
            for name in {*tasks, *waiting}:
                left = waiting.get(name, 0)
                task, total = tasks.get(name) or (bar.add_task(name, total=left), left)
                tasks[name] = (task, max(total, left))
                bar.update(task, total=max(total, left), completed=max(total, left) - left)  # type: ignore[arg-type]
            done = runner.run_once(runtime, background=background)
            if done == 0:
                return ran
            ran += done


@click.group()
def jobs() -> None:
    """See and replay jobs."""


@jobs.command("list")
@click.option("--state", type=click.Choice(["queued", "running", "dead"]), help="Only these.")
@click.option("--limit", default=50, show_default=True)
@json_option
@click.pass_obj
def list_jobs(settings: Settings, state: str | None, limit: int, as_json: bool) -> None:
    """List jobs that wait, run or have been given up, with their errors."""
    with opened(settings) as runtime, runtime.db.reading() as session:
        chosen = select(Job).order_by(col(Job.id)).limit(limit)
        rows = session.exec(chosen.where(Job.state == state) if state else chosen).all()
    show(
        [row.model_dump(mode="json", exclude={"lease", "payload"}) for row in rows],
        as_json=as_json,
        columns=("id", "job", "key", "state", "attempts", "run at", "error"),
        rows=[(r.id, r.name, r.key, r.state, r.attempts, f"{r.run_at:%F %T}", r.error[:80]) for r in rows],
    )


@jobs.command()
@click.argument("ids", nargs=-1, type=click.UUID)
@json_option
@click.pass_obj
def replay(settings: Settings, ids: tuple[uuid.UUID, ...], as_json: bool) -> None:
    """Queue dead jobs again: those named, or all."""
    with opened(settings) as runtime, runtime.db.writing() as session:
        count = outbox.replay(session, now=runtime.clock(), ids=ids or None)
    show({"replayed": count}, as_json=as_json, columns=("replayed",), rows=[(count,)])
