"""The only wiring place: from settings to the parts that do the work."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sqlmodel import Session

from market.clock import Clock, utc_now
from market.db import Database
from market.delivery.choosing import channels_of
from market.delivery.webhooks import check_secret
from market.identity.choosing import providers_of
from market.identity.contract import Provider
from market.measured import MeasuredEmbedder, MeasuredEngine
from market.rights.quotas import quotas
from market.services.figures.keeping import Figures
from market.services.files.readings import Readings
from market.services.matching.pairing import Finder
from market.services.matching.remembering import Signatures
from market.services.matching.scoring import Scoring, Scorings
from market.services.telling.endpoints import Post
from market.services.telling.links import Links
from market.services.trail.usage import Meters
from market.settings import Settings, SettingsError
from market.vault import Vault, VaultError, new_key
from search.embedded import EmbeddedEngine
from search.embedding import Embedder, EmbedderMissing, embedder_of
from search.engine import Engine
from search.indexes import INDEXES, with_vectors
from search.meili import MeiliEngine


@dataclass(frozen=True, slots=True)
class Runtime:
    """What a door needs to serve: passed along, never looked up."""

    settings: Settings
    db: Database
    engine: Engine
    embedder: Embedder | None
    scorings: Scorings
    signatures: Signatures
    post: Post
    links: Links
    meters: Meters
    readings: Readings
    figures: Figures
    providers: Mapping[str, Provider]  # where people may sign in
    clock: Clock
    secret: str  # signs cursors and links

    def finder(self, session: Session, scoring: Scoring | None = None) -> Finder:
        """What finds pairs, by the scoring in use unless said otherwise."""
        used = scoring or self.scorings.current(session)
        return Finder(session, self.engine, used, self.signatures, candidates=self.settings.match_candidates)

    def close(self) -> None:
        """Give connections, files and locks back."""
        self.engine.close()
        if self.embedder is not None:
            self.embedder.close()
        self.post.close()
        for provider in self.providers.values():
            provider.close()
        self.db.close()


def build(settings: Settings, *, writes_index: bool = False, clock: Clock = utc_now) -> Runtime:
    """Wire the parts together. `writes_index`: this process is the one that writes the search index.

    Raises EngineLocked where another process writes it already.
    """
    Path(settings.data).mkdir(parents=True, exist_ok=True)
    providers = _providers(settings)
    found = _embedder(settings)
    embedder = MeasuredEmbedder(found) if found is not None else None
    secret = settings.secret or _kept(settings, "secret", lambda: secrets.token_urlsafe(32))
    return Runtime(
        settings=settings,
        db=Database(settings.database, settings),
        engine=MeasuredEngine(_engine(settings, embedder, writes_index=writes_index)),
        embedder=embedder,
        scorings=Scorings(embedder.model if embedder is not None else ""),
        signatures=Signatures(),
        post=_post(settings),
        links=Links(settings.base_url, settings.page_url, secret),
        meters=_meters(settings),
        readings=Readings(),
        figures=Figures(),
        providers=providers,
        clock=clock,
        secret=secret,
    )


def _meters(settings: Settings) -> Meters:
    try:
        return Meters(quotas(settings.quotas))
    except ValueError as error:
        raise SettingsError(f"MARKET_QUOTAS: {error}") from error


def _providers(settings: Settings) -> dict[str, Provider]:
    try:
        return providers_of(
            settings.oidc_providers, seconds=settings.oidc_timeout_seconds, loopback=settings.oidc_loopback
        )
    except ValueError as error:
        raise SettingsError(f"MARKET_OIDC_PROVIDERS: {error}") from error


def _post(settings: Settings) -> Post:
    if settings.bounce_secret:
        try:
            check_secret(settings.bounce_secret)
        except ValueError as error:
            raise SettingsError(f"MARKET_BOUNCE_SECRET: {error}") from error
    keys = settings.encryption_keys or _kept(settings, "encryption-key", new_key)
    try:
        return Post(channels_of(settings), Vault([key.strip() for key in keys.split(",") if key.strip()]))
    except VaultError as error:
        raise SettingsError(f"MARKET_ENCRYPTION_KEYS: {error}") from error
    except ValueError as error:
        raise SettingsError(f"MARKET_MAIL_URL or MARKET_MAIL_FROM: {error}") from error


def _embedder(settings: Settings) -> Embedder | None:
    if settings.embedder == "auto":
        with suppress(EmbedderMissing):
            return embedder_of("local")
        return None
    if settings.embedder.startswith("http") and settings.embedder_dimensions < 1:
        raise SettingsError("MARKET_EMBEDDER_DIMENSIONS: how many numbers a vector of the embedder's server has")
    try:
        return embedder_of(
            settings.embedder,
            key=settings.embedder_key,
            model=settings.embedder_model,
            dimensions=settings.embedder_dimensions,
            timeout=settings.embedder_timeout_seconds,
        )
    except (ValueError, EmbedderMissing) as error:
        raise SettingsError(f"MARKET_EMBEDDER: {error}") from error


def _engine(settings: Settings, embedder: Embedder | None, *, writes_index: bool) -> Engine:
    """Where the search engine is chosen, by the scheme of its URL."""
    specs = INDEXES if embedder is None else with_vectors(embedder.model, embedder.dimensions)
    scheme, _, rest = settings.search.partition(":")
    if scheme == "embedded":
        return EmbeddedEngine(Path(rest), writable=writes_index, specs=specs)
    if scheme in ("http", "https"):
        return MeiliEngine(
            settings.search,
            settings.search_key,
            prefix=settings.search_prefix,
            seconds=settings.search_timeout_seconds,
            writable=writes_index,
            browsed=settings.search_front,
            public_url=settings.search_public_url,
            specs=specs,
        )
    raise SettingsError(f"MARKET_SEARCH_URL starts with embedded: (then a folder) or http://, not {scheme}:")


def _kept(settings: Settings, name: str, make: Callable[[], str]) -> str:
    """A secret of a development installation, made once; web and worker may both come first."""
    path = Path(settings.data) / name
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text()
    with os.fdopen(descriptor, "w") as file:
        file.write(make())
    return path.read_text()
