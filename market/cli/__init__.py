"""`market`: the service from a terminal. Every command takes --json; long work shows its progress."""

from __future__ import annotations

import gc
import sys
from importlib import import_module
from typing import NoReturn

import click
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError

from market import logs
from market.cli.output import fail
from market.errors import MarketError
from market.settings import SettingsError, from_environment
from search.engine import EngineUnavailable

# Where each command is. Only the module of the one that is asked for is read: all of them take a second.
_COMMANDS = {
    "accounts": "accounts:accounts",
    "audit": "audit:audit",
    "authz": "rights:authz",
    "bench": "serving:bench",
    "channels": "telling:channels",
    "copy-database": "copying:copy_database",
    "deliveries": "telling:deliveries",
    "digests": "telling:digests",
    "drain": "jobs:drain",
    "endpoints": "telling:endpoints",
    "evaluate": "evaluating:evaluate",
    "export": "exporting:export",
    "import": "importing:import_file",
    "init": "data:init",
    "jobs": "jobs:jobs",
    "keys": "keys:keys",
    "learn": "learning:learn",
    "load": "data:load",
    "match": "matching:match",
    "moderation": "moderation:moderation",
    "organisations": "accounts:organisations_group",
    "reindex": "search:reindex",
    "rematch": "learning:rematch",
    "search": "search:search",
    "serve": "serving:serve",
    "stats": "statistics:stats",
    "weights": "learning:weights",
    "worker": "serving:worker",
}


class _Commands(click.Group):
    """The commands by their names; see _COMMANDS."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        module, _, name = _COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(import_module(f"market.cli.{module}"), name)
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.pass_context
def market(context: click.Context) -> None:
    """Qiao 桥: a technology-transfer marketplace. Settings: docs/settings.md."""
    if context.invoked_subcommand != "endpoints":  # asks for them itself, but for what makes one of them
        context.obj = from_environment()
    logs.configure("warning" if context.invoked_subcommand not in ("serve", "worker") else context.obj.log_level)


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
