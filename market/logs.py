"""Logging: one JSON line an event, or readable lines at a terminal; also for what libraries say."""

from __future__ import annotations

import logging
import re
import sys
from typing import Any

import structlog
from structlog.typing import EventDict, Processor

# PostgreSQL tells in a DETAIL which values it refused, and in a CONTEXT where: what people wrote.
_DETAILS = re.compile(
    r"^(?:DETAIL|CONTEXT): .*?(?=^\[SQL: |^\(Background on |^The above exc|^During handling |^Traceback |\Z)",
    re.MULTILINE | re.DOTALL,
)


def told(error: BaseException) -> str:
    """An error in words that may be logged and kept: without the values that a database quotes."""
    return f"{type(error).__name__}: {_DETAILS.sub('', str(error)).rstrip()}"


def configure(level: str) -> None:
    """Set it up once for the process; `level` is debug, info, warning or error."""
    numeric = logging.getLevelNamesMapping().get(level.upper(), logging.INFO)
    renderer: Processor = (
        # Its own way to show an exception would print the variables too.
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if sys.stderr.isatty()
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _without_details,
    ]
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(numeric),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    _libraries_too(shared, renderer, max(numeric, logging.WARNING))


def _libraries_too(shared: list[Processor], renderer: Processor, level: int) -> None:
    """What libraries log and warn of comes out in the same form."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)
    logging.captureWarnings(capture=True)


def _without_details(_: Any, __: str, event: EventDict) -> EventDict:
    if "exception" in event:
        event["exception"] = _DETAILS.sub("", event["exception"])
    return event
