"""/healthz, /readyz and /metrics."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from market.app import create_app
from market.runtime import Runtime
from tests.factories import Caller, SettableClock, opened, post


def metrics(caller: Caller) -> dict[str, list[tuple[dict[str, str], float]]]:
    families = text_string_to_metric_families(caller.get("/metrics").text)
    found: dict[str, list[tuple[dict[str, str], float]]] = {}
    for family in families:
        for sample in family.samples:
            found.setdefault(sample.name, []).append((dict(sample.labels), sample.value))
    return found


def test_a_process_that_answers_is_alive(visitor: Caller) -> None:
    response = visitor.get("/healthz")
    assert (response.status_code, response.json) == (200, {"status": "ok"})


def test_a_service_with_all_its_parts_is_ready(visitor: Caller) -> None:
    response = visitor.get("/readyz")
    assert (response.status_code, response.json) == (
        200,
        {"status": "ok", "parts": {"database": "ok", "search": "ok", "worker": "ok"}},
    )


def test_a_missing_index_is_named(runtime: Runtime, visitor: Caller) -> None:
    shutil.rmtree(runtime.settings.search.removeprefix("embedded:"))
    response = visitor.get("/readyz")
    assert (response.status_code, response.json["status"]) == (503, "failing")
    assert response.json["parts"]["search"] != "ok"
    assert response.json["parts"]["database"] == "ok"


def test_a_database_that_was_never_made_is_named(tmp_path: Path, template: Path, clock: SettableClock) -> None:
    with opened(tmp_path / "data", template, clock) as runtime:
        with runtime.db.writing() as session:
            session.execute(text("PRAGMA foreign_keys=OFF"))
            session.execute(text("DROP TABLE organisations"))
        response = create_app(runtime).test_client().get("/readyz")
    assert response.status_code == 503
    assert "market init" in response.json["parts"]["database"]


def test_a_worker_that_is_missing_is_named(owner: Caller, visitor: Caller, clock: SettableClock) -> None:
    post(owner, "outcome")
    assert visitor.get("/readyz").status_code == 200
    clock.advance(minutes=6)
    response = visitor.get("/readyz")
    assert response.status_code == 503
    assert "is a worker running?" in response.json["parts"]["worker"]


def test_a_search_without_an_index_is_503_and_may_be_tried_again(runtime: Runtime, visitor: Caller) -> None:
    shutil.rmtree(runtime.settings.search.removeprefix("embedded:"))
    response = visitor.get("search", q="涂层")
    if response.status_code == 503:
        assert response.json["type"] == "/problems/search-unavailable"
        assert response.headers["Retry-After"]
    else:  # readers that were open already may go on with what they hold
        assert response.status_code == 200


def test_writes_are_taken_while_the_search_is_away(runtime: Runtime, owner: Caller) -> None:
    shutil.rmtree(runtime.settings.search.removeprefix("embedded:"))
    assert post(owner, "outcome")["state"] == "published"


def test_jobs_that_wait_are_counted(owner: Caller, visitor: Caller, clock: SettableClock) -> None:
    post(owner, "outcome")
    clock.advance(seconds=30)
    found = metrics(visitor)
    assert ({"name": "index", "state": "queued"}, 1.0) in found["qiao_outbox_jobs"]
    assert found["qiao_outbox_oldest_seconds"] == [({}, 30.0)]


def test_requests_are_counted_by_operation_and_never_by_address(visitor: Caller) -> None:
    before = count_of(metrics(visitor), "search_outcomes")
    visitor.get("outcomes", q="secret words")
    found = metrics(visitor)
    assert count_of(found, "search_outcomes") == before + 1
    assert "secret" not in visitor.get("/metrics").text


def count_of(found: dict[str, list[tuple[dict[str, str], float]]], operation: str) -> float:
    rows = found.get("qiao_requests_total", [])
    return sum(
        value for labels, value in rows if labels["operation"].endswith(operation) and labels["status"] == "200"
    )


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/openapi.json", "/docs"])
def test_a_page_of_the_system_needs_no_key(visitor: Caller, path: str) -> None:
    assert visitor.get(path).status_code == 200
