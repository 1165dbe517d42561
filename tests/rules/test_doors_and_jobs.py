"""Rules of the house about what comes in: every route says who may call it, every job has somebody who does it."""

from __future__ import annotations

import re

from flask import Flask

from market.api.problems.catalogue import KINDS
from market.outbox import JobName
from market.rights import ANYONE, TABLE, rules_of
from market.services.listings.lives import DEMAND_ACTIONS, LISTING_ACTIONS
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


def test_every_route_names_its_action_in_the_table_of_rights(app: Flask) -> None:
    undeclared = {name for name, view in app.view_functions.items() if getattr(view, "action", None) not in TABLE}
    assert undeclared == OPEN_TO_ALL


# Not the action of a route, but asked on the way.
ASKED_BY_SERVICES = {"listing.disclose"}


def test_every_row_of_the_table_of_rights_is_about_something_that_is_served(app: Flask) -> None:
    served = {getattr(view, "action", "") for view in app.view_functions.values()}
    assert TABLE.keys() - served == ASKED_BY_SERVICES


def test_whoever_is_nearer_to_a_listing_sees_no_less_of_it() -> None:
    assert not [rule for rule in rules_of("listing.read") for cell in (rule.own, rule.organisation) if cell.last]


# What whoever has no key may send: a search key stores nothing; to make an account or sign in one needs none; what a
# mail's reader or a mail provider sends is signed for this one deed.
WITHOUT_A_KEY = {"listing.search", "account.register", "signed.act"}


def test_whatever_changes_something_is_closed_to_visitors(app: Flask) -> None:
    for rule in app.url_map.iter_rules():
        if rule.methods & {"POST", "PATCH", "PUT", "DELETE"}:
            action = app.view_functions[rule.endpoint].action
            assert action in WITHOUT_A_KEY or not any(ANYONE in one.roles for one in rules_of(action)), rule


def test_every_action_of_a_life_has_its_route(app: Flask) -> None:
    routes = {rule.rule for rule in app.url_map.iter_rules()}
    for plural in ("outcomes", "experts", "demands"):
        actions = {**LISTING_ACTIONS, **(DEMAND_ACTIONS if plural == "demands" else {})}
        wanted = {f"/api/v1/{plural}/<uuid:identity>/actions/{action}" for action in actions}
        served = {route for route in routes if re.fullmatch(f"/api/v1/{plural}/.*/actions/.*", route)}
        assert wanted <= served


def test_a_life_speaks_only_of_states_that_exist() -> None:
    for actions, states in ((LISTING_ACTIONS, "listing_states"), (DEMAND_ACTIONS, "demand_progress")):
        named = {state for one in actions.values() for state in (*one.sources, one.to)}
        assert named <= set(vocabulary(states).codes)


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
