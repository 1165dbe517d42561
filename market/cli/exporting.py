"""export: all that a search finds, as a file."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any
from urllib.parse import parse_qsl

import click
from marshmallow import ValidationError
from sqlmodel import Session

from market.api.files.exports import shown
from market.api.presenting import PRESENTERS
from market.cli.output import fail, json_option, opened, progress, say
from market.files import writing
from market.models import Listing
from market.runtime import Runtime
from market.services.disclosure import disclosing
from market.services.disclosure.disclosing import Sight
from market.services.files import exporting
from market.services.rights.access import SYSTEM
from market.settings import Settings
from market.vocabulary.protection import EVERYTHING
from schemas.base import pointers
from schemas.exports import EXPORTS

_ALL = Sight(EVERYTHING, "staff")


@click.command()
@click.argument("kind", type=click.Choice([f"{noun}s" for noun in EXPORTS]))
@click.option("--format", "fmt", type=click.Choice(writing.FORMATS), default="csv", show_default=True)
@click.option(
    "--query", default="", help="As a search has it: 'q=涂层&region=120000'. Without: all that is published."
)
@click.option("--labels/--codes", default=True, help="In csv and xlsx: labels, or codes under names of fields.")
@click.option("--language", type=click.Choice(["zh", "en"]), default="zh", show_default=True)
@click.option("--whole", is_flag=True, help="With what is protected too.")
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="The file; else standard output."
)
@json_option
@click.pass_obj
def export(
    settings: Settings,
    kind: str,
    fmt: writing.Format,
    query: str,
    labels: bool,
    language: str,
    whole: bool,
    output: Path | None,
    as_json: bool,
) -> None:
    """Export all outcomes, experts or demands that a search finds, at most 10,000: what everybody may see of them.

    With --whole every field, which the audit trail notes for each listing. --json is --format ndjson.
    """
    noun = kind.removesuffix("s")
    asked = _asked(noun, query)
    fmt = "ndjson" if as_json else fmt
    if fmt == "xlsx" and output is None and sys.stdout.isatty():
        fail("A workbook is nothing for a terminal: name a file with -o.")
    with opened(settings) as runtime, _open(output) as file, progress(quiet=as_json) as bar:
        with runtime.db.reading() as session:
            selection = exporting.select(
                session, runtime.engine, SYSTEM, noun, asked, embedder=runtime.embedder
            )  # fmt: skip
        task = bar.add_task(f"export {kind}", total=len(selection.ids))
        told: Callable[[int], None] = partial(bar.advance, task)
        sight = partial(_whole, runtime) if whole else partial(shown, noun, SYSTEM)
        rows = exporting.rows(runtime.db, SYSTEM, selection, sight, on_rows=told)
        for piece in writing.write(fmt, kind, rows, language=language, labels=labels, base=runtime.links.base):
            file.write(piece)
    if selection.truncated:
        say(f"More was found than the {len(selection.ids)} rows exported; narrow the search.")


def _whole(runtime: Runtime, _: Session, listings: Sequence[Listing]) -> list[dict[str, Any]]:
    """Every field, after it is noted what of it is not for everybody."""
    noted = [one for listing in listings if (one := disclosing.disclosed(listing, _ALL))]
    with runtime.db.writing() as session:
        for one in noted:
            disclosing.note(session, SYSTEM, one, now=runtime.clock())
    return [PRESENTERS[listing.NOUN].whole(SYSTEM, listing, _ALL) for listing in listings]


def _asked(noun: str, query: str) -> dict[str, object]:
    try:
        return dict(EXPORTS[noun]().load(dict(parse_qsl(query.removeprefix("?"), keep_blank_values=True))))
    except ValidationError as error:
        told = "; ".join(f"{pointer.strip('/')}: {texts[0]}" for pointer, texts in pointers(error.messages).items())
        fail(f"--query: {told}")


@contextmanager
def _open(path: Path | None) -> Iterator[IO[bytes]]:
    """The file, which takes its name only when it is whole; or standard output."""
    if path is None:
        yield sys.stdout.buffer
        return
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("wb") as file:
            yield file
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
