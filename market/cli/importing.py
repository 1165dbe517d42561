"""import: a file of outcomes, experts or demands, taken in by this process or left to the worker."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import orjson
from marshmallow import ValidationError

from market.api.files.imports import as_csv
from market.cli.output import fail, json_option, opened, progress, say, show
from market.errors import Invalid
from market.models import Import
from market.outbox import JobName
from market.runtime import Runtime
from market.services.files import findings, importing, parties, undoing
from market.services.files.importing import ENDED, Order
from market.services.files.parties import Party
from market.services.rights.access import SYSTEM
from market.settings import Settings
from market.worker import runner
from schemas.base import pointers
from schemas.imports import NOUNS, ImportCreate, Uploaded

_COLUMNS = ("id", "kind", "file", "state", "rows", "created", "changed", "unchanged", "refused")
_TOLD = 20


@click.command("import")
@click.argument("kind", type=click.Choice([f"{noun}s" for noun in NOUNS]), required=False)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=False)
@click.option("--organisation", help="Whose all of it is, by key, credit code or name; else a column says so.")
@click.option(
    "--mapping", type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help='JSON: {"header": "field"}, or {"mapping": {...}, "words": {"field": {"word": "code"}}}.',
)  # fmt: skip
@click.option("--create-organisations", "create", is_flag=True, help="Make organisations that nobody knows.")
@click.option("--dry-run", is_flag=True, help="Only say what would become of each row.")
@click.option("--detach", is_flag=True, help="Leave it to the worker.")
@click.option("--errors", type=click.Path(dir_okay=False, path_type=Path), help="Write what is wrong here, as CSV.")
@click.option("--language", type=click.Choice(["zh", "en"]), default="zh", show_default=True)
@click.option("--list", "lists", is_flag=True, help="List the latest imports.")
@click.option("--resume", type=click.UUID, metavar="ID", help="Go on with one that was interrupted.")
@click.option("--cancel", type=click.UUID, metavar="ID", help="Take in no more of one.")
@click.option("--undo", type=click.UUID, metavar="ID", help="Take one back.")
@json_option
@click.pass_obj
def import_file(settings: Settings, /, as_json: bool, **given: Any) -> None:
    """Import outcomes, experts or demands from FILE: .xlsx, .csv, or one JSON object a line.

    Rows are brought up to date by their key; what is wrong is told by line and column, and the rest goes in.
    """
    with opened(settings) as runtime:
        if given["lists"]:
            _list(runtime, as_json=as_json)
            return
        identity = _which(runtime, given)
        if not given["detach"]:
            _follow(runtime, identity, quiet=as_json)
        row = _read(runtime, identity)
        if given["errors"] is not None:
            with runtime.db.reading() as session:
                given["errors"].write_bytes(as_csv(findings.read(session, identity), given["language"]))
        _show([row], as_json=as_json, one=True)
        if not as_json:
            _complain(runtime, row, given)
    if row.state == "failed" or row.refused:
        raise SystemExit(1)


def _which(runtime: Runtime, given: dict[str, Any]) -> uuid.UUID:
    """The import that is meant, begun, cancelled or to be undone as was asked."""
    now = runtime.clock()
    with runtime.db.writing() as session:
        if given["resume"] is not None:
            return importing.get(session, SYSTEM, given["resume"]).id
        if given["cancel"] is not None:
            return importing.cancel(session, SYSTEM, given["cancel"], now=now).id
        if given["undo"] is not None:
            return undoing.begin(session, SYSTEM, given["undo"], now=now).id
        if given["kind"] is None or given["file"] is None:
            fail("Name what is in the file and the file: market import outcomes FILE.")
        order = _order(given, _organisation(runtime, given["organisation"]))
        try:
            return importing.begin(session, SYSTEM, order, now=now).id
        except Invalid as error:
            fail("; ".join(str(text) for texts in error.fields.values() for text in texts))


def _order(given: dict[str, Any], only: uuid.UUID | None) -> Order:
    noun = given["kind"].removesuffix("s")
    form: dict[str, Any] = {"noun": noun, "file": Uploaded(given["file"].name, given["file"].read_bytes())}
    if given["mapping"] is not None:
        try:
            table = orjson.loads(given["mapping"].read_bytes())
        except orjson.JSONDecodeError as error:
            fail(f"{given['mapping']}: {error}")
        form |= table if isinstance(table, dict) and {*table} <= {"mapping", "words"} else {"mapping": table}
    try:
        loaded = ImportCreate().load(form)
    except ValidationError as error:
        fail("; ".join(f"{where.strip('/')}: {texts[0]}" for where, texts in pointers(error.messages).items()))
    return Order(
        noun, loaded["file"].name, loaded["file"].content, only, loaded.get("mapping", {}), loaded.get("words", {}),
        dry_run=given["dry_run"], create_organisations=given["create"],
    )  # fmt: skip


def _organisation(runtime: Runtime, name: str | None) -> uuid.UUID | None:
    if name is None:
        return None
    with runtime.db.reading() as session:
        found = parties.find(
            session, SYSTEM, [name], (), only=None, create=False, dry_run=True, now=runtime.clock()
        ).organisations[name]
    if not isinstance(found, Party):
        fail(str(found))
    return found.id


def _follow(runtime: Runtime, identity: uuid.UUID, *, quiet: bool) -> None:
    """Take it in here, batch by batch, or look on while a worker does."""
    with progress(quiet=quiet) as bar:
        task = bar.add_task("import", total=None)
        try:
            while (row := _read(runtime, identity)).state not in ENDED:
                through = row.created + row.changed + row.unchanged + row.refused
                bar.update(task, description=row.state, total=max(row.rows, through) or None, completed=through)
                if not runner.run_key(runtime, JobName.IMPORT, str(identity)):
                    time.sleep(runtime.settings.job_poll_seconds)
        except KeyboardInterrupt:
            say(f"Interrupted: market import --resume {identity} goes on with it, and so does a worker; "
                f"market import --cancel {identity} ends it.")  # fmt: skip
            raise SystemExit(130) from None


def _read(runtime: Runtime, identity: uuid.UUID) -> Import:
    with runtime.db.reading() as session:
        return importing.get(session, SYSTEM, identity)


def _list(runtime: Runtime, *, as_json: bool) -> None:
    with runtime.db.reading() as session:
        _show(importing.listed(session, SYSTEM, limit=50), as_json=as_json)


def _show(rows: Sequence[Import], *, as_json: bool, one: bool = False) -> None:
    names = ("id", "noun", "name", "state", "rows", "created", "changed", "unchanged", "refused")
    more = ("why", "dry_run", "done", "organisation_id", "created_at", "finished_at")
    data = [{name: getattr(row, name) for name in (*names, *more)} for row in rows]
    cells = [[each[name] for name in names] for each in data]
    if one:
        show(data[0], as_json=as_json, columns=("import", ""), rows=[*zip(_COLUMNS, cells[0], strict=True)])
    else:
        show(data, as_json=as_json, columns=_COLUMNS, rows=cells)


def _complain(runtime: Runtime, row: Import, given: dict[str, Any]) -> None:
    with runtime.db.reading() as session:
        told = findings.tally(session, row.id, limit=_TOLD + 1)
    for one in told[:_TOLD]:
        again = f" (and {one.times - 1:,} more like this)" if one.times > 1 else ""
        say(f"line {one.line} {one.column}: {one.zh if given['language'] == 'zh' else one.en}{again}")
    if len(told) > _TOLD:
        say("... and more; --errors FILE has all.")
