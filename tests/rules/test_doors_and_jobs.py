"""Rules of the house about what comes in: every route says who may call it, every job has somebody who does it."""

from __future__ import annotations

import re
from typing import get_args

from flask import Flask

from market.api.catalogue import KINDS
from market.api.doors import Who
from market.outbox import JobName
from market.services.access import STAFF
from market.services.lives import DEMAND_ACTIONS, LISTING_ACTIONS
from market.vocabulary import vocabulary
from market.worker.handlers import HANDLERS, PERIODIC

# Served to whoever asks: documentation, and what machines ask to know how the service is.
OPEN_TO_ALL = {
    "system.home",
    "system.healthz",
    "system.readyz",
    "system.metrics",
    "system.explain",
    "system.assets",
    "api-docs.openapi_json",
    "api-docs.openapi_swagger_ui",
}


def test_every_route_declares_who_may_call_it(app: Flask) -> None:
    undeclared = {
        name for name, view in app.view_functions.items() if getattr(view, "who", None) not in get_args(Who)
    }
    assert undeclared == OPEN_TO_ALL


STORES_NOTHING = {"/api/v1/search-keys"}  # a visitor's key sees what a visitor sees
# A mail's reader and a mail provider have no key: what they send is signed, for this one deed, and checked first.
SIGNED = {"/click/<path:token>", "/api/v1/bounces"}


def test_whatever_changes_something_is_closed_to_visitors(app: Flask) -> None:
    for rule in app.url_map.iter_rules():
        if rule.methods & {"POST", "PATCH", "PUT", "DELETE"} and rule.rule not in STORES_NOTHING | SIGNED:
            assert app.view_functions[rule.endpoint].who != "anyone", rule


def test_every_action_of_a_life_has_its_route(app: Flask) -> None:
    routes = {rule.rule for rule in app.url_map.iter_rules()}
    for plural in ("outcomes", "experts", "demands"):
        actions = {**LISTING_ACTIONS, **(DEMAND_ACTIONS if plural == "demands" else {})}
        wanted = {f"/api/v1/{plural}/<uuid:identity>/actions/{action}" for action in actions}
        served = {route for route in routes if re.fullmatch(f"/api/v1/{plural}/.*/actions/.*", route)}
        assert served == wanted


def test_a_life_speaks_only_of_states_that_exist() -> None:
    for actions, states in ((LISTING_ACTIONS, "listing_states"), (DEMAND_ACTIONS, "demand_progress")):
        named = {state for one in actions.values() for state in (*one.sources, one.to)}
        assert named <= set(vocabulary(states).codes)


def test_staff_are_roles_that_exist() -> None:
    assert set(vocabulary("roles").codes) >= STAFF


def test_every_job_has_a_handler() -> None:
    assert set(HANDLERS) == set(JobName)


def test_periodic_jobs_are_jobs() -> None:
    assert set(PERIODIC) <= set(JobName)


def test_every_kind_of_problem_speaks_both_languages() -> None:
    for code, kind in KINDS.items():
        for message in (kind.title, kind.advice):
            assert str(message).strip(), code
            assert message.zh.strip(), code
        assert set(re.findall(r"{(\w+)}", str(kind.advice))) == set(re.findall(r"{(\w+)}", kind.advice.zh)), code
        assert re.search("[\u4e00-\u9fff]", kind.title.zh), code
