"""/openapi.json and /docs: valid, with examples that hold, and served from here alone."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator
from typing import Any

import marshmallow
import pytest
from flask import Flask
from openapi_spec_validator import OpenAPIV31SpecValidator

from market.api.doors import security_of
from market.api.problems.catalogue import KINDS
from schemas import (
    accounts,
    answers,
    cases,
    claims,
    demands,
    disclosure,
    experts,
    exports,
    imports,
    moderation,
    organisations,
    outcomes,
    queries,
    relay,
    subscriptions,
    telling,
)
from tests.factories import Caller

METHODS = ("get", "post", "patch", "delete", "put")
EVENTS = "text/event-stream"  # has no end
BODIES = {
    "register_account": accounts.Registration,
    "verify_account": accounts.Token,
    "forgot_password": accounts.Address,
    "reset_password": accounts.NewPassword,
    "accept_invitation": organisations.Acceptance,
    "update_me": accounts.MeUpdate,
    "deactivate_me": accounts.Deactivation,
    "erase_me": accounts.Erasure,
    "update_account": accounts.AccountUpdate,
    "sign_in": accounts.SignIn,
    "add_identity": accounts.IdentityAdd,
    "create_key": accounts.KeyCreate,
    "register_organisation": organisations.OrganisationCreate,
    "update_organisation": organisations.OrganisationFields,
    "verify_organisation": organisations.Verification,
    "refuse_organisation": organisations.Refusal,
    "update_person": organisations.PersonUpdate,
    "create_invitation": organisations.InvitationCreate,
    "take_works": exports.WorksGiven,
    "update_preferences": telling.PreferencesUpdate,
    "create_endpoint": telling.EndpointCreate,
    "update_endpoint": telling.EndpointUpdate,
    "take_bounce": telling.Bounce,
    "snooze_notification": answers.Snooze,
    "create_subscription": subscriptions.SubscriptionCreate,
    "update_subscription": subscriptions.SubscriptionUpdate,
    "preview_subscription": subscriptions.SubscriptionPreview,
    "create_outcome": outcomes.OutcomeCreate,
    "create_expert": experts.ExpertCreate,
    "create_demand": demands.DemandCreate,
    "update_outcome": outcomes.OutcomeFields,
    "update_expert": experts.ExpertFields,
    "update_demand": demands.DemandFields,
    "resolve_flag": answers.FlagVerdict,
    "resolve_report": moderation.ReportVerdict,
    "assign_review": moderation.Assignment,
    "release_review": moderation.Releasing,
    "moderate_many": moderation.Bulk,
    "dismiss_match": answers.Dismissal,
    **{f"claim_{noun}": claims.ClaimCreate for noun in ("outcome", "expert")},
    "approve_claim": claims.ClaimApproval,
    "refuse_claim": claims.ClaimRefusal,
    "consent_to_claim": claims.ClaimConsent,
    **{f"write_to_{noun}": relay.MessageCreate for noun in ("outcome", "expert", "demand")},
    "answer_message": relay.MessageCreate,
    "assign_case": cases.CaseCreate,
    **{f"ask_for_{noun}": disclosure.AccessRequestCreate for noun in ("outcome", "expert", "demand")},
    "grant_access": disclosure.AccessGrant,
    "refuse_access": disclosure.AccessAnswer,
    "revoke_access": disclosure.AccessAnswer,
    "match_text": queries.TextMatch,
    "create_import": imports.ImportCreate,
}
OF_ACTIONS: dict[str, type[marshmallow.Schema]] = {
    "approve": moderation.Approval,
    "reject": moderation.Rejection,
    "return": moderation.Return,
    "suspend": moderation.Suspension,
    "extend": answers.Extension,
    "merge": moderation.Merge,
    "restore-version": moderation.Restoring,
    "report": moderation.ReportCreate,
}


@pytest.fixture
def document(visitor: Caller) -> dict[str, Any]:
    response = visitor.get("/openapi.json")
    assert response.status_code == 200
    return dict(response.json)


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield path, method, item[method]


def example(content: dict[str, Any]) -> Any:
    """The example of the first media type; None where there is none."""
    media = next(iter(content.values()))
    return media.get("example", next(iter(media.get("examples", {}).values()), {}).get("value"))


def test_the_document_is_valid_openapi_31(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []


def test_every_operation_is_named_once_and_says_what_it_does(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(names) == len(set(names)) > 40
    assert all(operation.get("summary") or operation.get("description") for _, _, operation in operations(document))


def test_every_answer_with_a_body_has_an_example(document: dict[str, Any]) -> None:
    without = [
        operation["operationId"]
        for _, _, operation in operations(document)
        for status, answer in operation["responses"].items()
        if status.startswith("2") and "content" in answer and example(answer["content"]) is None
    ]
    assert without == []


def test_every_body_has_an_example(document: dict[str, Any]) -> None:
    without = [
        operation["operationId"]
        for _, _, operation in operations(document)
        if "requestBody" in operation and example(operation["requestBody"]["content"]) is None
    ]
    assert without == []


def test_every_body_that_is_given_as_an_example_passes_its_schema(document: dict[str, Any]) -> None:
    for _, _, operation in operations(document):
        if "requestBody" not in operation:
            continue
        name = operation["operationId"]
        action = OF_ACTIONS.get(name.partition("_")[0])
        schema: type[marshmallow.Schema] = BODIES.get(name) or action or answers.Nothing
        schema().load(example(operation["requestBody"]["content"]))


def test_examples_of_answers_have_the_fields_that_are_declared(document: dict[str, Any]) -> None:
    for _, _, operation in operations(document):
        for status, answer in operation["responses"].items():
            if not status.startswith("2") or "content" not in answer:
                continue
            media = answer["content"].get("application/json")
            if media is None:  # events, and files
                continue
            schema = media["schema"]
            if "$ref" in schema:
                schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
            assert set(example(answer["content"])) <= set(schema["properties"]), operation["operationId"]


@pytest.mark.parametrize("noun", ["outcome", "expert", "demand"])
def test_the_example_of_a_new_listing_is_taken_and_answered_as_shown(
    owner: Caller, document: dict[str, Any], noun: str
) -> None:
    operation = document["paths"][f"/api/v1/{noun}s"]["post"]
    response = owner.post(f"{noun}s", example(operation["requestBody"]["content"]))
    assert response.status_code == 201, response.text
    assert set(example(operation["responses"]["201"]["content"])) <= set(response.json)


def test_errors_are_documented_as_problem_details(document: dict[str, Any]) -> None:
    for _, _, operation in operations(document):
        named = json.dumps(operation["responses"])
        assert "default" in operation["responses"] or "4" in named
    assert "application/problem+json" in json.dumps(document["components"].get("responses", {}))


def test_every_operation_declares_its_key(document: dict[str, Any]) -> None:
    for _, _, operation in operations(document):
        assert operation["security"] == security_of(operation["x-action"])
    assert document["components"]["securitySchemes"]["key"]["scheme"] == "bearer"


def test_what_is_documented_is_what_is_served(app: Flask, document: dict[str, Any]) -> None:
    served = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in app.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
        if rule.rule.startswith("/api/")
    }
    assert {(path, method) for path, method, _ in operations(document)} == served


def test_every_operation_that_reads_answers_a_caller_without_an_error(
    administrator: Caller, document: dict[str, Any]
) -> None:
    for path, method, operation in operations(document):
        if method != "get" or EVENTS in operation["responses"].get("200", {}).get("content", {}):
            continue
        query = {"q": "涂层"} if path.endswith(("/search", "/suggest")) else {}
        response = administrator.get(path.replace("{identity}", str(uuid.uuid4())), **query)
        assert response.status_code in (200, 403, 404), (operation["operationId"], response.text)


def test_the_document_names_no_other_host(document: dict[str, Any]) -> None:
    assert not re.findall(r"https?://(?!(?:www\.)?example)[^\s\"]+", json.dumps(document))


def test_the_documentation_page_takes_nothing_from_elsewhere(visitor: Caller) -> None:
    page = visitor.get("/docs")
    assert page.status_code == 200
    sources = re.findall(r"""(?:src|href)\s*=\s*["']([^"']+)["']""", page.text)
    assert len(sources) >= 3
    assert not [source for source in sources if source.startswith(("http:", "https:", "//"))]
    for source in sources:
        asset = visitor.get(source)
        assert (asset.status_code, len(asset.data) > 100) == (200, True), source


def test_scripts_and_styles_of_the_documentation_load_nothing_from_elsewhere(visitor: Caller) -> None:
    page = visitor.get("/docs").text
    assert "/openapi.json" in page
    style = visitor.get("/docs/assets/swagger-ui.css").text
    assert not re.findall(r"url\(\s*[\"']?(?:https?:)?//|@import", style)


@pytest.mark.parametrize(
    "path", ["/docs/assets/nothing.js", "/docs/assets/../../../settings.py", "/docs/assets/%2e%2e/x"]
)
def test_nothing_but_assets_is_served_beside_the_page(visitor: Caller, path: str) -> None:
    assert visitor.get(path).status_code == 404


def test_the_home_page_leads_to_the_documentation(visitor: Caller) -> None:
    response = visitor.get("/")
    assert (response.status_code, response.headers["Location"]) == (302, "/docs")


def test_every_kind_of_problem_has_a_page(visitor: Caller) -> None:
    assert all(visitor.get(f"/problems/{code}").status_code == 200 for code in KINDS)
