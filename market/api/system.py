"""What machines and newcomers ask: is it alive, is it ready, its figures, its documentation, its problems."""

from __future__ import annotations

from pathlib import Path

import flask_swagger_ui
from flask import Blueprint, Flask, Response, jsonify, redirect, request, send_from_directory
from prometheus_client import CONTENT_TYPE_LATEST
from werkzeug.wrappers import Response as BaseResponse

from market import monitoring
from market.api.calls import runtime
from market.api.problems.catalogue import KINDS
from market.errors import NotFound

system = Blueprint("system", __name__)

# The pages of Swagger UI come with their package: nothing is fetched from elsewhere.
_ASSETS = Path(flask_swagger_ui.__file__).parent / "dist"


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
    """Whether it can do its work, part by part: 503 names the part that cannot. `?parts=` asks only for some."""
    asked = request.args.get("parts", "").split(",")
    parts = monitoring.readiness(runtime())
    body, status = monitoring.report({name: said for name, said in parts.items() if name in asked} or parts)
    return jsonify(body), status


@system.get("/metrics")
def metrics() -> Response:
    """For Prometheus: this process's counters, and the state of the outbox as the database has it."""
    return Response(monitoring.exposition(runtime()), content_type=CONTENT_TYPE_LATEST)


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
