"""What machines and newcomers ask: is it alive, is it ready, its figures, its documentation, its problems."""

from __future__ import annotations

from pathlib import Path

import flask_swagger_ui
from flask import Blueprint, Flask, Response, jsonify, redirect, send_from_directory
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import REGISTRY, GaugeMetricFamily
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import select
from werkzeug.wrappers import Response as BaseResponse

from market import outbox
from market.api.calls import runtime
from market.api.catalogue import KINDS
from market.errors import NotFound
from market.models import Organisation
from search.engine import EngineUnavailable

system = Blueprint("system", __name__)

# The pages of Swagger UI come with their package: nothing is fetched from elsewhere.
_ASSETS = Path(flask_swagger_ui.__file__).parent / "dist"
_BACKLOG_TOO_OLD = 300.0  # seconds


@system.get("/")
def home() -> BaseResponse:
    """The documentation is the home page."""
    return redirect("/docs")


@system.get("/healthz")
def healthz() -> Response:
    """Whether this process answers."""
    return jsonify(status="ok")


@system.get("/readyz")
def readyz() -> tuple[Response, int]:
    """Whether it can do its work, part by part: 503 names the part that cannot."""
    parts = {"database": "ok", "search": "ok", "worker": "ok"}
    service = runtime()
    try:
        with service.db.reading() as session:
            session.exec(select(Organisation.id).limit(1)).first()
            waiting = outbox.oldest_due(session, now=service.clock())
        if waiting > _BACKLOG_TOO_OLD:
            parts["worker"] = f"the oldest job has waited {waiting:.0f} s; is a worker running?"
    except SQLAlchemyError as error:
        parts["database"] = f"{type(error).__name__}; has `market init` been run?"
    try:
        service.engine.ready()
    except EngineUnavailable as error:
        parts["search"] = str(error)
    well = set(parts.values()) == {"ok"}
    return jsonify(status="ok" if well else "failing", parts=parts), 200 if well else 503


@system.get("/metrics")
def metrics() -> Response:
    """For Prometheus: this process's counters, and the state of the outbox as the database has it."""
    service = runtime()
    with service.db.reading() as session:
        backlog = outbox.backlog(session)
        waiting = outbox.oldest_due(session, now=service.clock())
    jobs = GaugeMetricFamily("qiao_outbox_jobs", "Jobs by name and state.", labels=["name", "state"])
    for (name, state), count in sorted(backlog.items()):
        jobs.add_metric([name, state], count)
    oldest = GaugeMetricFamily("qiao_outbox_oldest_seconds", "For how long the oldest due job waits.", waiting)
    registry = CollectorRegistry()
    registry.register(_Fixed([jobs, oldest]))
    return Response(generate_latest(REGISTRY) + generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


class _Fixed:
    """A collector of metrics that were read just now."""

    def __init__(self, families: list[GaugeMetricFamily]) -> None:
        self._families = families

    def collect(self) -> list[GaugeMetricFamily]:
        return self._families


@system.get("/problems/<code>")
def explain(code: str) -> Response:
    """What a problem's `type` means, in both languages."""
    if code not in KINDS:
        raise NotFound(noun="problem", id=code)
    kind = KINDS[code]
    return jsonify(
        type=f"/problems/{code}",
        status=kind.status,
        title={"zh": kind.title.zh, "en": str(kind.title)},
        advice={"zh": kind.advice.zh, "en": str(kind.advice)},
    )


@system.get("/docs/assets/<path:name>")
def assets(name: str) -> Response:
    """The scripts and styles of the documentation page."""
    return send_from_directory(_ASSETS, name, max_age=86_400)


def register(app: Flask) -> None:
    """Serve all of it."""
    app.register_blueprint(system)
