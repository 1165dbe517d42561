"""A mark in each field that can be protected, of each noun, at each tier: who may not see it never does, anywhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from flask.testing import FlaskClient
from sqlmodel import select
from structlog.testing import LogCapture

from market.app import create_app
from market.models import LISTINGS, AuditEntry, Delivery, Match, Notification
from market.services.search import indexing
from market.vocabulary.protection import FIELDS
from market.worker.runner import drain
from search.indexes import INDEXES
from tests.api.secrets import CLOSED, Secrets, filled, word
from tests.factories import NOUNS, Caller, SettableClock, opened

WORDS = ("防腐涂层", "coating", "潮差区 起泡", "steel tidal", "机密", "secret")
FACETS = {
    "outcome": "field,region,kind,organisation,trl,state",
    "expert": "field,regions_served,professional_title,organisation,state",
    "demand": "field,region,organisation,progress,state",
}


@pytest.fixture(scope="module")
def logged() -> Iterator[list[Any]]:
    before, capture = structlog.get_config(), LogCapture()
    structlog.configure(processors=[capture], wrapper_class=structlog.make_filtering_bound_logger(0))
    yield capture.entries
    structlog.configure(**before)


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory, template: Path, logged: list[Any]) -> Iterator[Secrets]:
    """Only to be read."""
    folder = tmp_path_factory.mktemp("secrets")
    with opened(folder, template, SettableClock(), match_threshold=0.01, notify_threshold=0.01) as runtime:
        client: FlaskClient = create_app(runtime).test_client()
        yield from filled(runtime, client, lambda: drain(runtime))


def paths(secrets: Secrets) -> Iterator[tuple[str, dict[str, Any]]]:
    """Where anybody may look."""
    for (noun, _), listing in secrets.listings.items():
        yield f"{noun}s/{listing['id']}", {}
    for noun in NOUNS:
        shown = {"highlight": "true", "facets": FACETS[noun], "limit": 100}
        yield f"{noun}s", shown
        for words in WORDS:
            yield f"{noun}s", {"q": words, **shown}
    for words in WORDS:
        yield "search", {"q": words, "highlight": "true"}
        yield "suggest", {"q": words[:3]}
    for mark in secrets.marks:
        yield f"{mark.noun}s", {"q": mark.text, "highlight": "true", "facets": FACETS[mark.noun]}
        yield "suggest", {"q": mark.text[:5]}
        if mark.field in ("price", "budget"):
            yield f"{mark.noun}s", {f"{mark.field}_from": int(mark.text), f"{mark.field}_to": int(mark.text)}
    for page in (
        "stats",
        "vocabularies",
        "/openapi.json",
        "/metrics",
        "confidentiality",
        "outcomes/0",
    ):
        yield page, {}


def for_members(secrets: Secrets) -> Iterator[tuple[str, dict[str, Any]]]:
    """Where somebody with an account may look, too."""
    for noun in NOUNS:
        for fmt in ("csv", "ndjson", "jsonld"):
            yield f"{noun}s/export", {"format": fmt}
    for page in ("notifications", "access-requests", "me"):
        yield page, {}


@pytest.mark.parametrize("level", [0, 1, 2, 3])
def test_no_look_shows_what_takes_a_higher_tier(secrets: Secrets, level: int) -> None:
    """Of all readers together some nine hundred looks, each compared with every mark that is above the reader."""
    reader = secrets.readers[level]
    for path, query in (*paths(secrets), *(for_members(secrets) if level else ())):
        answer = reader.get(path, **query)
        assert answer.status_code == (404 if path == "outcomes/0" else 200), path
        assert secrets.leaks(answer.get_data(as_text=True), level) == [], (path, query)
        if query.get("q") in secrets.texts:
            assert answer.json.get("total", 0) == 0, query
    assert 4 * len([*paths(secrets)]) > 500


def test_not_even_those_who_see_it_find_it_by_what_is_protected(secrets: Secrets) -> None:
    for mark in secrets.marks:
        assert secrets.staff.get(f"{mark.noun}s", q=mark.text).json["total"] == 0, mark
        assert secrets.staff.get("suggest", q=mark.text[:6]).json["items"] == [], mark
        if mark.field in ("price", "budget"):
            within = {f"{mark.field}_from": int(mark.text), f"{mark.field}_to": int(mark.text)}
            assert secrets.staff.get(f"{mark.noun}s", **within).json["total"] == 0


@pytest.mark.parametrize("level", [1, 2, 3])
def test_whoever_has_reached_the_tier_sees_it(secrets: Secrets, level: int) -> None:
    for (noun, tier), listing in secrets.listings.items():
        mine = [mark for mark in secrets.marks if mark.noun == noun and mark.rank <= level and tier != "public"]
        answer = secrets.readers[level].get(f"{noun}s/{listing['id']}")
        shown = [mark for mark in mine if mark.text in answer.text]
        reached = tier in CLOSED and CLOSED.index(tier) + 1 <= level
        hidden = 1 if noun == "expert" else 0  # its contact
        assert len(shown) == (len(FIELDS[noun]) - hidden if reached else 0), (noun, tier)
        assert set(answer.json["protected"]) == (set() if reached or tier == "public" else {*FIELDS[noun]} - (
            {"contact"} if noun == "expert" else set()
        ))  # fmt: skip


def test_whoever_looks_after_it_sees_everything(secrets: Secrets) -> None:
    for (noun, tier), listing in secrets.listings.items():
        if tier == "public":
            continue
        text = secrets.staff.get(f"{noun}s/{listing['id']}").text
        rank = CLOSED.index(tier) + 1
        mine = [mark for mark in secrets.marks if mark.noun == noun and mark.rank in (rank, 4)]
        assert sum(mark.text in text for mark in mine) >= len(FIELDS[noun])


def test_the_other_side_of_a_match_learns_nothing_protected(secrets: Secrets) -> None:
    seen = 0
    for noun, other in secrets.others.items():
        told = other.get(f"{noun}s/{secrets.listings[noun, 'public']['id']}/matches", limit=100)
        seen += len(told.json["items"])
        assert secrets.leaks(told.text, 0) == []
        assert secrets.leaks(other.get("notifications", limit=100).text, 0) == []
    assert seen >= 9  # so there was something to be told


def test_matching_a_text_tells_nothing_of_protected_texts(secrets: Secrets) -> None:
    reader = secrets.readers[2]

    def scores(text: str, noun: str) -> dict[str, float]:
        answer = reader.post("match", {"text": f"潮差区防腐涂层起泡 {text}", "kind": noun})
        assert secrets.leaks(answer.text, 0) == []
        return {item["listing"]["id"]: item["score"] for item in answer.json["items"]}

    nowhere = {noun: scores(word(999), noun) for noun in NOUNS}
    assert all(len(found) > 3 for found in nowhere.values())
    asked = [mark for mark in secrets.marks if mark.text.startswith("yy")]
    assert len(asked) > 40
    for mark in asked:
        assert scores(mark.text, mark.noun) == nowhere[mark.noun], mark


def test_feeds_and_previews_tell_nothing_protected(secrets: Secrets) -> None:
    reader, visitor = secrets.readers[2], secrets.readers[0]
    for noun in NOUNS:
        for query in ({"q": "涂层"}, {"q": "coating"}, {"field": "new_materials"}):
            preview = reader.post("subscriptions/preview", {"noun": noun, "query": query})
            assert preview.status_code == 200
            assert secrets.leaks(preview.text, 0) == []
            made = reader.post("subscriptions", {"noun": noun, "query": query, "feed": True}).json
            feed = visitor.get("/feeds/" + made["feed"].rpartition("/")[2])
            assert feed.status_code == 200
            assert secrets.leaks(feed.text, 0) == []
    for mark in secrets.marks:
        preview = reader.post("subscriptions/preview", {"noun": mark.noun, "query": {"q": mark.text}})
        assert preview.json["count"] == 0


def test_documents_and_the_index_hold_nothing_protected(secrets: Secrets) -> None:
    runtime = secrets.runtime
    with runtime.db.reading() as session:
        for noun, model in LISTINGS.items():
            for listing in session.exec(select(model)):
                document = indexing.document(listing)
                assert secrets.leaks(json.dumps(document, ensure_ascii=False, default=str), 0) == []
                assert set(INDEXES[f"{noun}s"].public) & {"readers", "price", "budget_to", "reward"} == set()
    words = [mark.text for mark in secrets.marks]
    for index in INDEXES:
        assert set(runtime.engine.frequencies(index, words).counts.values()) <= {0}


def test_what_is_told_noted_and_kept_of_pairs_holds_nothing_protected(secrets: Secrets) -> None:
    with secrets.runtime.db.reading() as session:
        for model in (Match, Notification, Delivery, AuditEntry):
            for row in session.exec(select(model)):
                assert secrets.leaks(row.model_dump_json(), 0) == [], model


def test_logs_and_problems_repeat_nothing_protected(secrets: Secrets, logged: list[Any]) -> None:
    for (noun, tier), listing in secrets.listings.items():
        if tier != "public":
            path = f"{noun}s/{listing['id']}"
            for caller in (secrets.readers[0], secrets.readers[2]):
                assert secrets.leaks(caller.patch(path, {"tiers": {}}, version=1).text, 0) == []
                assert secrets.leaks(caller.post(f"{path}/actions/close").text, 0) == []
    assert len(logged) > 50
    assert secrets.leaks(repr(logged), 0) == []


def test_reading_as_an_own_caller_leaves_no_note(secrets: Secrets) -> None:
    def notes() -> int:
        with secrets.runtime.db.reading() as session:
            return len(session.exec(select(AuditEntry).where(AuditEntry.action == "disclose")).all())

    listing = secrets.listings["demand", "agreement"]
    before = notes()
    assert Caller.get(secrets.owner, f"demands/{listing['id']}").json["tiers"]
    assert notes() == before
    secrets.staff.get(f"demands/{listing['id']}")
    assert notes() == before + 1
