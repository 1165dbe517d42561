"""`market`: the service from a terminal. Every command takes --json; long work shows its progress."""

from __future__ import annotations

import gc
import sys
from typing import NoReturn

import click

from market import logs
from market.cli import copying, data, evaluating, jobs, keys, learning, matching, search, serving, telling
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
    copying.copy_database,
    search.reindex,
    search.search,
    jobs.drain,
    data.stats,
    keys.keys,
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
    except MarketError as error:
        fail(f"{error.code}: {', '.join(f'{key}={value}' for key, value in error.details.items())}")
    sys.exit(0)
