"""create_app: the blueprints, the error table, and what is done for every request."""

from __future__ import annotations

from flask import Flask
from flask_smorest import Api
from werkzeug.exceptions import HTTPException

import schemas.answers
from market.api import (
    bounces,
    clicks,
    deliveries,
    demands,
    endpoints,
    exchange,
    experts,
    feeds,
    matches,
    moderation,
    notifications,
    outcomes,
    preferences,
    problems,
    requests,
    searching,
    streams,
    subscriptions,
    system,
)
from market.runtime import Runtime

_DOORS = (
    outcomes,
    experts,
    demands,
    searching,
    matches,
    subscriptions,
    notifications,
    preferences,
    endpoints,
    deliveries,
    bounces,
    exchange,
    moderation,
)
_DESCRIPTION = (
    "Research outcomes, experts and demands: posted, found, matched. 科技成果、专家与需求的发布、检索与匹配。"
)
_OPENAPI = {
    "API_TITLE": "Qiao 桥",
    "API_VERSION": "v1",
    "OPENAPI_VERSION": "3.1.0",
    "API_SPEC_OPTIONS": {"info": {"description": _DESCRIPTION}},
    "OPENAPI_URL_PREFIX": "/",
    "OPENAPI_JSON_PATH": "openapi.json",
    "OPENAPI_SWAGGER_UI_PATH": "docs",
    "OPENAPI_SWAGGER_UI_URL": "/docs/assets/",
    "OPENAPI_SWAGGER_UI_CONFIG": {"persistAuthorization": True, "tryItOutEnabled": True},
}


class _ProblemApi(Api):
    """flask-smorest, with errors as problem details."""

    ERROR_SCHEMA = schemas.answers.Problem

    def _register_responses(self) -> None:
        """The errors' own media type, in the documentation too."""
        self.DEFAULT_RESPONSE_CONTENT_TYPE = "application/problem+json"
        super()._register_responses()
        del self.DEFAULT_RESPONSE_CONTENT_TYPE

    def handle_http_exception(self, error: HTTPException) -> object:
        """Answer from the table of problems."""
        return problems.http(error)


def create_app(runtime: Runtime) -> Flask:
    """The WSGI application. Starts nothing: threads and processes belong to the doors."""
    app = Flask("market", static_folder=None)
    app.config.update(_OPENAPI, MAX_CONTENT_LENGTH=runtime.settings.body_limit)
    app.extensions["market"] = runtime
    api = _ProblemApi(app)
    api.spec.components.security_scheme("key", {"type": "http", "scheme": "bearer"})
    for module in _DOORS:
        api.register_blueprint(module.door)
    clicks.register(app)
    streams.register(app, api)
    feeds.register(app)
    system.register(app)
    requests.register(app)
    problems.register(app)
    return app
