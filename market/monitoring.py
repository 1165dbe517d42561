"""What web and worker tell whoever watches them: is every part ready, and the figures for Prometheus.

Knows no HTTP: api/system.py and worker/status.py serve it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from weakref import WeakSet

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import REGISTRY, GaugeMetricFamily, Metric
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import QueuePool
from sqlmodel import Session, select

from market import outbox, schema
from market.measured import MeasuredEmbedder
from market.models import Organisation
from market.runtime import Runtime
from market.services.trail import workers
from search.engine import EngineUnavailable

_UNKNOWN = "not known: the database comes first"
_BACKLOG_TOO_OLD = 300.0  # seconds
_WELL = frozenset({"ok", "none"})
_MAY_LIMP = frozenset({"embedder"})  # without these the service does its work, only less well

_used: WeakSet[Engine] = WeakSet()  # this process's ways to the database, one to read and one to write


@event.listens_for(Engine, "engine_connect")
def _note(connection: Connection) -> None:
    _used.add(connection.engine)


def readiness(runtime: Runtime) -> dict[str, str]:
    """Each part with "ok", "none" where there need be none, or what it lacks and what to do about it, without any
    confidential content."""
    parts = {"database": "ok", "schema": _UNKNOWN, "search": "ok", "worker": _UNKNOWN, "embedder": _embedder(runtime)}
    try:
        with runtime.db.reading() as session:
            parts["schema"] = schema.pending(session) or "ok"
            session.exec(select(Organisation.id).limit(1)).first()
            parts["worker"] = _worker(runtime, session) or "ok"
    except SQLAlchemyError as error:
        reached = parts["schema"] != _UNKNOWN
        hint = "has `market init` been run?" if reached else "is it running, and is MARKET_DATABASE_URL right?"
        parts["database"] = f"{type(error).__name__}; {hint}"
    try:
        runtime.engine.ready()
    except EngineUnavailable as error:
        parts["search"] = str(error)
    return parts


def report(parts: Mapping[str, str]) -> tuple[dict[str, object], int]:
    """The parts as they are answered, with the HTTP status: 503 where one is missing that nothing goes without."""
    missing = {part for part, said in parts.items() if said not in _WELL}
    status = "failing" if missing - _MAY_LIMP else "degraded" if missing else "ok"
    return {"status": status, "parts": parts}, 503 if status == "failing" else 200


def _embedder(runtime: Runtime) -> str:
    """As this process's last call of it went: to ask for a vector each time would cost more than it tells."""
    if runtime.embedder is None:
        return "none"
    failed = runtime.embedder.last_error if isinstance(runtime.embedder, MeasuredEmbedder) else ""
    return f"{failed}; new texts are matched by their words alone meanwhile" if failed else "ok"


def _worker(runtime: Runtime, session: Session) -> str:
    now = runtime.clock()
    waiting = outbox.oldest_due(session, now=now)
    if workers.count(session, now=now) == 0:
        backlog = f", and the oldest job has waited {waiting:.0f} s" if waiting else ""
        return f"no worker shows itself{backlog}; is a worker running?"
    if waiting > _BACKLOG_TOO_OLD:
        return f"the oldest job has waited {waiting:.0f} s; are there enough workers?"
    return ""


def exposition(runtime: Runtime) -> bytes:
    """This process's metrics, and the state of database and outbox as it is now, as Prometheus reads them.

    Answers also while the database is away: that is when somebody looks.
    """
    registry = CollectorRegistry()
    registry.register(_Asked(runtime))
    return generate_latest(REGISTRY) + generate_latest(registry)


class _Asked:
    """A collector of what is looked up when it is asked for."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def collect(self) -> Iterator[Metric]:
        runtime = self._runtime
        ready = GaugeMetricFamily("qiao_ready", "1 where a part can do its work, as /readyz says.", labels=["part"])
        parts = readiness(runtime)
        for part, said in parts.items():
            ready.add_metric([part], said in _WELL)
        yield ready
        if (parts["database"], parts["schema"]) == ("ok", "ok"):  # else it would be waited for once more
            with suppress(SQLAlchemyError), runtime.db.reading() as session:
                yield from _outbox(runtime, session)
        yield from _connections()


def _outbox(runtime: Runtime, session: Session) -> list[Metric]:
    now = runtime.clock()
    jobs = GaugeMetricFamily("qiao_outbox_jobs", "Jobs by name and state.", labels=["name", "state"])
    for (name, state), number in sorted(outbox.backlog(session).items()):
        jobs.add_metric([name, state], number)
    oldest = outbox.oldest_due(session, now=now)
    return [
        jobs,
        GaugeMetricFamily("qiao_outbox_oldest_seconds", "For how long the oldest due job waits.", oldest),
        GaugeMetricFamily("qiao_workers", "Workers that show themselves.", workers.count(session, now=now)),
    ]


def _connections() -> list[Metric]:
    pools = [engine.pool for engine in _used if isinstance(engine.pool, QueuePool)]
    connections = GaugeMetricFamily(
        "qiao_database_connections", "This process's connections to the database.", labels=["state"]
    )
    connections.add_metric(["in_use"], sum(pool.checkedout() for pool in pools))
    connections.add_metric(["idle"], sum(pool.checkedin() for pool in pools))
    kept = GaugeMetricFamily(
        "qiao_database_connections_kept",
        "How many it may keep; PostgreSQL's pools never open more.",
        sum(pool.size() for pool in pools),
    )
    return [connections, kept]
