"""Every setting, with its default. The only reader of the environment. docs/settings.md explains each."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Settings:
    """Set each from the environment as MARKET_<NAME>, for instance MARKET_PORT=8080."""

    environment: str = "development"
    data: str = "var"
    database_url: str = ""  # empty: sqlite in the data folder
    search_url: str = ""  # empty: embedded in the data folder
    search_key: str = ""  # a search server's master key, or an admin key of it
    search_prefix: str = "qiao_"  # begins the name of every index on a search server
    search_timeout_seconds: float = 2.0
    search_front: bool = False  # keep the indexes that browsers ask directly
    search_public_url: str = ""  # where browsers reach the search server; empty: search_url
    search_key_minutes: int = 15  # for how long a browser's key is good
    embedder: str = (
        "auto"  # local, none, auto (local where it can run), or the http(s) address of an OpenAI-compatible server
    )
    embedder_key: str = ""
    embedder_model: str = ""  # as the server calls it
    embedder_dimensions: int = 0  # of a server's vectors
    embedder_timeout_seconds: float = 10.0
    secret: str = ""  # empty: made once and kept in the data folder (development only)
    encryption_keys: str = ""  # parted by commas, the first encrypts; empty: as with the secret
    host: str = "127.0.0.1"
    port: int = 8000
    threads: int = 4
    streams: int = 16  # live connections a process keeps open at once, each on a thread of its own
    public_url: str = ""  # where people reach the service; empty: http://host:port
    page_url: str = ""  # a listing's page, with {noun} and {id}; empty: the API's own
    worker_host: str = "127.0.0.1"
    worker_port: int = 0  # where the worker answers /healthz, /readyz and /metrics; 0: nowhere
    log_level: str = "info"
    body_limit: int = 1024 * 1024  # bytes
    import_limit: int = 20_000_000  # bytes of a file to be imported
    limits: bool = True  # how often and how much callers may ask: market/rights/quotas.tsv
    quotas: str = ""  # changes of that table, parted by commas: visitor.experts=100, registered.exports=-
    bad_keys_per_minute: int = 20  # from one address, before it has to wait
    proxies: int = 0  # trusted reverse proxies in front, each of which adds to X-Forwarded-For
    sqlite_busy_seconds: float = 10.0
    postgres_pool_size: int = 8  # connections to read with, and as many to write with
    postgres_pool_seconds: float = 10.0
    postgres_connect_seconds: int = 5
    postgres_statement_seconds: float = 30.0
    postgres_lock_seconds: float = 10.0
    postgres_idle_seconds: float = 300.0
    postgres_prepare: bool = True
    job_listen: bool = True
    job_lease_seconds: float = 60.0
    job_attempts: int = 8
    job_batch: int = 200
    job_poll_seconds: float = 0.2
    match_threshold: float = 0.3
    notify_threshold: float = 0.5
    match_candidates: int = 300
    rematch_margin: float = 0.05
    improvement: float = 0.1  # by how much a match's score must rise for its sides to be told again
    expiry_warning_days: int = 14
    deadline_warning_days: int = 7
    mail_url: str = ""  # smtp://user:password@host:port or smtps://; empty: no mail
    mail_from: str = ""
    bounce_secret: str = ""  # signs what the mail provider tells of bounces; empty: nothing is taken
    send_timeout_seconds: float = 15.0
    send_threads: int = 64  # messages a worker has in flight at once
    send_to_loopback: bool = False  # webhooks and robots on this machine: for tests and trials
    passwords: bool = True  # people may sign in with passwords
    sign_in_hours: float = 12.0  # for how long the key is good that whoever signs in is given
    sign_in_page: str = ""  # your site's page for people who come back from an identity provider; empty: JSON
    oidc_providers: str = ""  # JSON: docs/accounts.md
    oidc_timeout_seconds: float = 10.0
    oidc_loopback: bool = False  # identity providers on this machine, on plain http: for tests and trials
    apprise_schemes: str = ""  # parted by commas; empty: the list in docs/settings.md

    def __post_init__(self) -> None:
        if self.environment not in {"development", "production"}:
            raise SettingsError("MARKET_ENVIRONMENT is 'development' or 'production'.")
        if self.environment == "production" and len(self.secret) < 32:
            raise SettingsError(
                "MARKET_SECRET must be set in production, to at least 32 random characters, the same on every host."
            )
        if self.environment == "production" and not self.encryption_keys:
            raise SettingsError(
                "MARKET_ENCRYPTION_KEYS must be set in production, the same on every host; "
                "`market endpoints new-key` makes one."
            )
        if self.mail_url and not self.mail_from:
            raise SettingsError("MARKET_MAIL_FROM must be set where MARKET_MAIL_URL is: whom mails come from.")

    @property
    def database(self) -> str:
        """The database's URL."""
        return self.database_url or f"sqlite:///{Path(self.data).absolute() / 'market.db'}"

    @property
    def base_url(self) -> str:
        """Where people reach the service, without a slash at the end."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")

    @property
    def search(self) -> str:
        """The search engine's URL."""
        return self.search_url or f"embedded:{Path(self.data).absolute() / 'search'}"


_TRUTHS = {"true": True, "false": False, "1": True, "0": False, "on": True, "off": False}


def _truth(text: str) -> bool:
    if text.lower() not in _TRUTHS:
        raise ValueError(text)
    return _TRUTHS[text.lower()]


_PARSERS: dict[str, Callable[[str], object]] = {"str": str, "int": int, "float": float, "bool": _truth}


class SettingsError(ValueError):
    """A setting that cannot be used; the message says what to set."""


def hand_down(**values: object) -> None:
    """Have the processes that this one starts see these settings, in place of what the environment said."""
    os.environ.update({f"MARKET_{name.upper()}": str(value) for name, value in values.items()})


def from_environment(environment: Mapping[str, str] | None = None) -> Settings:
    """The settings as the environment gives them.

    Raises SettingsError for a MARKET_ variable that is no setting (a typing error would else be silent) or
    has a value of the wrong type.
    """
    variables = os.environ if environment is None else environment
    known = {f"MARKET_{field.name.upper()}": field for field in fields(Settings)}
    values: dict[str, object] = {}
    for name, text in variables.items():
        if not name.startswith("MARKET_"):
            continue
        if name not in known:
            raise SettingsError(f"{name} is no setting; docs/settings.md lists them all.")
        field = known[name]
        try:
            values[field.name] = _PARSERS[str(field.type)](text)
        except ValueError:
            raise SettingsError(f"{name} must be of type {field.type}, not {text!r}.") from None
    return Settings(**values)  # type: ignore[arg-type]  # each was parsed as its field says
