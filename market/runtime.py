"""The only wiring place: from settings to the parts that do the work."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from market.clock import Clock, utc_now
from market.db import Database
from market.measured import MeasuredEngine
from market.settings import Settings, SettingsError
from search.embedded import EmbeddedEngine
from search.engine import Engine
from search.meili import MeiliEngine


@dataclass(frozen=True, slots=True)
class Runtime:
    """What a door needs to serve: passed along, never looked up."""

    settings: Settings
    db: Database
    engine: Engine
    clock: Clock
    secret: str  # signs cursors

    def close(self) -> None:
        """Give connections, files and locks back."""
        self.engine.close()
        self.db.close()


def build(settings: Settings, *, writes_index: bool = False, clock: Clock = utc_now) -> Runtime:
    """Wire the parts together. `writes_index`: this process is the one that writes the search index.

    Raises EngineLocked where another process writes it already.
    """
    Path(settings.data).mkdir(parents=True, exist_ok=True)
    return Runtime(
        settings=settings,
        db=Database(settings.database, settings),
        engine=MeasuredEngine(_engine(settings, writes_index=writes_index)),
        clock=clock,
        secret=settings.secret or _kept_secret(Path(settings.data) / "secret"),
    )


def _engine(settings: Settings, *, writes_index: bool) -> Engine:
    """Where the search engine is chosen, by the scheme of its URL."""
    scheme, _, rest = settings.search.partition(":")
    if scheme == "embedded":
        return EmbeddedEngine(Path(rest), writable=writes_index)
    if scheme in ("http", "https"):
        return MeiliEngine(
            settings.search,
            settings.search_key,
            prefix=settings.search_prefix,
            seconds=settings.search_timeout_seconds,
            writable=writes_index,
            browsed=settings.search_front,
            public_url=settings.search_public_url,
        )
    raise SettingsError(f"MARKET_SEARCH_URL starts with embedded: (then a folder) or http://, not {scheme}:")


def _kept_secret(path: Path) -> str:
    """The secret of a development installation, made once; web and worker may both come first."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text()
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(32))
    return path.read_text()
