"""`market`: the service from a terminal. Every command takes --json; long work shows its progress."""

from __future__ import annotations

import gc
import sys
from typing import NoReturn

import click
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError

from market import logs
from market.cli import (
    accounts,
    audit,
    copying,
    data,
    evaluating,
    exporting,
    importing,
    jobs,
    keys,
    learning,
    matching,
    moderation,
    rights,
    search,
    serving,
    statistics,
    telling,
)
from market.cli.output import fail
from market.errors import MarketError
from market.settings import SettingsError, from_environment
from search.engine import EngineUnavailable


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.pass_context
def market(context: click.Context) -> None:
    """Qiao 桥: a technology-transfer marketplace. Settings: docs/settings.md."""
    if context.invoked_subcommand != "endpoints":  # asks for them itself, but for what makes one of them
        context.obj = from_environment()
    logs.configure("warning" if context.invoked_subcommand not in ("serve", "worker") else context.obj.log_level)


for _command in (
    serving.serve,
    serving.worker,
    data.init,
    data.load,
    exporting.export,
    importing.import_file,
    copying.copy_database,
    search.reindex,
    search.search,
    jobs.drain,
    statistics.stats,
    keys.keys,
    accounts.accounts,
    accounts.organisations_group,
    rights.authz,
    jobs.jobs,
    matching.match,
    evaluating.evaluate,
    learning.learn,
    learning.weights,
    learning.rematch,
    telling.channels,
    telling.deliveries,
    telling.digests,
    telling.endpoints,
    audit.audit,
    moderation.moderation,
    serving.bench,
):
    market.add_command(_command)


def main() -> NoReturn:
    """Run, and say in one line what a person can do about an error."""
    # Batches make many objects that all live to the batch's end: looking for garbage among them less often takes
    # an eighth off a load.
    gc.set_threshold(50_000, 20, 50)
    try:
        market()
    except (SettingsError, EngineUnavailable) as error:
        fail(str(error))
    except (OperationalError, ProgrammingError) as error:
        if not _is_without_tables(error):
            raise
        fail("The database has no tables: run `market init` first, or go to the folder in which the data are.")
    except MarketError as error:
        fail(f"{error.code}: {', '.join(f'{key}={value}' for key, value in error.details.items())}")
    sys.exit(0)


def _is_without_tables(error: DBAPIError) -> bool:
    """As the drivers of both databases say it."""
    return "no such table" in str(error.orig) or type(error.orig).__name__ == "UndefinedTable"
