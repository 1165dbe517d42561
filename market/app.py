"""create_app: the blueprints, the error table, and what is done for every request."""

from __future__ import annotations

from flask import Flask
from flask_smorest import Api
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

import schemas.answers
from market.api import exchange, limits, requests, system
from market.api.claims import cases, claims, relay
from market.api.disclosure import access_requests
from market.api.figures import statistics
from market.api.files import exports, imports
from market.api.listings import demands, experts, history, outcomes, works
from market.api.matching import clicks, flags, matches
from market.api.moderation import merging, reports, reviews
from market.api.people import account_pages, accounts, belonging, keys, organisations, sign_in
from market.api.problems import handling
from market.api.search import searching
from market.api.subscriptions import feeds, subscriptions
from market.api.telling import bounces, deliveries, endpoints, notifications, preferences, streams
from market.api.trail import audit
from market.runtime import Runtime

_DOORS = (
    outcomes,
    experts,
    works,
    demands,
    searching,
    access_requests,
    claims,
    relay,
    cases,
    matches,
    subscriptions,
    notifications,
    preferences,
    endpoints,
    deliveries,
    bounces,
    exchange,
    accounts,
    sign_in,
    keys,
    organisations,
    belonging,
    statistics,
    flags,
    reviews,
    reports,
    merging,
    history,
    imports,
    audit,
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
        return handling.http(error)


def create_app(runtime: Runtime) -> Flask:
    """The WSGI application. Starts nothing: threads and processes belong to the doors."""
    app = Flask("market", static_folder=None)
    app.config.update(_OPENAPI, MAX_CONTENT_LENGTH=runtime.settings.body_limit)
    app.extensions["market"] = runtime
    if runtime.settings.proxies:  # of what is forwarded, only the caller's address counts
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]  # as Flask has it done
            app.wsgi_app, x_for=runtime.settings.proxies, x_proto=0
        )
    api = _ProblemApi(app)
    api.spec.components.security_scheme("key", {"type": "http", "scheme": "bearer"})
    for module in _DOORS:
        api.register_blueprint(module.door)
    account_pages.register(app)
    clicks.register(app)
    streams.register(app, api)
    exports.register(api)
    feeds.register(app)
    system.register(app)
    requests.register(app)
    limits.register(app)
    handling.register(app)
    return app
