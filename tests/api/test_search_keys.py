"""POST /search-keys: a browser may ask the search server itself, for what its caller may see, for a while."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from market.runtime import Runtime
from market.worker import runner
from tests import databases
from tests.factories import Caller, SettableClock, add_member, opened, post
from tests.servers import GivenServer, MeiliServer, any_meilisearch

pytestmark = pytest.mark.long

CANARY = "只有所有者知道的事"


@pytest.fixture(scope="module")
def search_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MeiliServer | GivenServer]:
    with any_meilisearch(tmp_path_factory.mktemp("meilisearch")) as server:
        yield server


@pytest.fixture
def runtime(
    search_server: MeiliServer | GivenServer, tmp_path: Path, template: Path, clock: SettableClock
) -> Iterator[Runtime]:
    """A service that keeps public indexes on a real server."""
    with opened(
        tmp_path / "data", template, clock,
        search_url=search_server.url, search_key=search_server.key, search_timeout_seconds=20.0, search_front=True,
        search_prefix=f"{tmp_path.name.lower()}_", search_public_url="https://example.com/search",
    ) as built:  # fmt: skip
        yield built
    databases.drop(tmp_path / "data")


def ask(server: MeiliServer | GivenServer, key: dict[str, Any], kind: str, **body: Any) -> dict[str, Any]:
    """As a browser does."""
    address = f"{server.url}/indexes/{key['indexes'][kind]}/search"
    request = urllib.request.Request(address, json.dumps(body).encode(), method="POST")
    request.add_header("Authorization", f"Bearer {key['key']}")
    request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, timeout=20) as answer:
        return dict(json.loads(answer.read()))


def titles(found: dict[str, Any]) -> set[str]:
    return {hit["title_zh"] for hit in found["hits"]}


def test_a_visitors_key_finds_what_is_published_and_nothing_that_is_not(
    runtime: Runtime, owner: Caller, visitor: Caller, search_server: MeiliServer
) -> None:
    post(owner, "outcome", title_zh="公开的涂层", contact_name=CANARY)
    post(owner, "outcome", title_zh="草稿中的涂层", submit=False)
    runner.drain(runtime)
    answer = visitor.post("search-keys")
    assert answer.status_code == 201
    assert answer.json["url"] == "https://example.com/search"
    assert answer.json["indexes"].keys() == {"outcomes", "experts", "demands"}
    found = ask(search_server, answer.json, "outcomes", q="涂层", attributesToRetrieve=["*"])
    assert titles(found) == {"公开的涂层"}
    assert not {"readers", "state", "contact_name"} & found["hits"][0].keys()
    assert CANARY not in json.dumps(found, ensure_ascii=False)


def test_a_members_key_also_finds_the_drafts_of_their_organisation(
    app: Flask, runtime: Runtime, owner: Caller, stranger: Caller, search_server: MeiliServer
) -> None:
    post(owner, "outcome", title_zh="草稿中的涂层", submit=False)
    runner.drain(runtime)
    colleague, other = (caller.post("search-keys").json for caller in (owner, stranger))
    assert titles(ask(search_server, colleague, "outcomes", q="涂层")) == {"草稿中的涂层"}
    assert titles(ask(search_server, other, "outcomes", q="涂层")) == set()


def test_a_masked_demand_does_not_tell_whose_it_is(
    runtime: Runtime, client: Any, visitor: Caller, search_server: MeiliServer
) -> None:
    person = add_member(runtime, name_zh="不愿具名的企业", name_en="An Undisclosed Company")
    post(Caller(client, person), "demand", organisation_masked=True)
    runner.drain(runtime)
    key = visitor.post("search-keys").json
    found = ask(search_server, key, "demands", q="", attributesToRetrieve=["*"], facets=["*"])
    assert found["estimatedTotalHits"] == 1
    told = json.dumps(found, ensure_ascii=False)
    assert "不愿具名" not in told
    assert str(person.organisation_id) not in told
    assert str(person.id) not in told


def test_a_key_opens_nothing_but_the_public_indexes(
    runtime: Runtime, owner: Caller, visitor: Caller, search_server: MeiliServer
) -> None:
    post(owner, "outcome")
    runner.drain(runtime)
    key = visitor.post("search-keys").json
    private = {"indexes": {"outcomes": key["indexes"]["outcomes"].removesuffix("_front")}, "key": key["key"]}
    with pytest.raises(urllib.error.HTTPError) as refused:
        ask(search_server, private, "outcomes", q="")
    assert refused.value.code == 403
    refused.value.close()


def test_a_key_says_for_how_long_it_is_good(runtime: Runtime, visitor: Caller, clock: SettableClock) -> None:
    runner.drain(runtime)
    until = visitor.post("search-keys").json["expires_at"]
    assert 14 * 60 <= (clock.now.fromisoformat(until) - clock.now).total_seconds() <= 15 * 60


def test_where_no_search_server_is_asked_there_are_no_keys(
    app: Flask, tmp_path: Path, template: Path, clock: SettableClock
) -> None:
    with opened(tmp_path / "embedded", template, clock) as plain:
        app.extensions["market"] = plain
        answer = Caller(app.test_client()).post("search-keys")
    databases.drop(tmp_path / "embedded")
    assert (answer.status_code, answer.json["type"]) == (501, "/problems/search-keys-unsupported")
