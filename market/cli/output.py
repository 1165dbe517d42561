"""How commands speak: a table to people, JSON to programs, progress to whoever waits."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn, TypeVar

import click
import orjson
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from market.runtime import Runtime, build
from market.settings import Settings

Command = TypeVar("Command", bound=Callable[..., Any])

_errors = Console(stderr=True)


def json_option(command: Command) -> Command:
    """--json, for every command."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)


def show(
    data: Any,
    *,
    as_json: bool,
    columns: Sequence[str] = (),
    rows: Sequence[Sequence[Any]] = (),
    title: str = "",
) -> None:
    """Print `data` as JSON, or `rows` as a table under `columns`."""
    if as_json:
        sys.stdout.buffer.write(orjson.dumps(data, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
        return
    table = Table(title=title or None, title_justify="left", header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")  # what is there to be copied, as an id, is never cut
    for row in rows:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    Console().print(table)


def say(text: str) -> None:
    """A line to the person, beside the data."""
    _errors.print(text, highlight=False)


def fail(text: str) -> NoReturn:
    """Say what is wrong and end with status 1."""
    # Never wrapped: a path or a command in it is there to be copied.
    _errors.print(f"[bold red]market:[/] {escape(text)}", highlight=False, soft_wrap=True)
    sys.exit(1)


@contextmanager
def progress(*, quiet: bool) -> Iterator[Progress]:
    """A progress bar on standard error, none where JSON was asked for."""
    with Progress(
        TextColumn("{task.description:<24}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=_errors,
        disable=quiet,
    ) as bar:
        yield bar


@contextmanager
def opened(settings: Settings, *, writes_index: bool = False) -> Iterator[Runtime]:
    """The runtime for one command."""
    runtime = build(settings, writes_index=writes_index)
    try:
        yield runtime
    finally:
        runtime.close()
