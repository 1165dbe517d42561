"""Every kind of error as problem details (RFC 9457), in Chinese and English."""

from __future__ import annotations

import json
import re
import uuid
from typing import Any

import pytest
from flask.testing import FlaskClient

from market.api.problems.catalogue import KINDS
from market.runtime import Runtime
from tests.factories import Caller, Person, add_member, payload, post

HAN = re.compile(r"[\u4e00-\u9fff]")
OUTCOMES = "/api/v1/outcomes"


@pytest.fixture
def runtime(standing: Runtime) -> Runtime:
    """What is refused leaves nothing behind."""
    return standing


@pytest.fixture(scope="module")
def _member(standing: Runtime) -> Person:
    return add_member(standing)


@pytest.fixture
def owner(client: FlaskClient, _member: Person) -> Caller:
    return Caller(client, _member)


def check(response: Any, status: int, code: str, *, pointers: list[str] | None = None) -> dict[str, Any]:
    """The response is this problem, whole and well-formed."""
    body = dict(json.loads(response.data))
    assert response.status_code == status, body
    assert response.mimetype == "application/problem+json"
    assert (body["type"], body["status"]) == (f"/problems/{code}", status)
    assert body["title"]
    assert body["detail"]
    assert "{" not in body["detail"]
    assert body["request_id"] == response.headers["X-Request-Id"]
    assert set(body) <= {"type", "title", "status", "detail", "request_id", "errors"}
    if pointers is not None:
        assert [error["pointer"] for error in body["errors"]] == pointers
        assert all(error["message"] for error in body["errors"])
    return body


def raw(caller: Caller, data: bytes, content_type: str = "application/json", path: str = OUTCOMES) -> Any:
    return caller.send("POST", path, data=data, content_type=content_type)


REFUSED: list[tuple[str, str, Any, list[str]]] = [
    ("an unknown field", "outcome", {"colour": "red"}, ["/colour"]),
    ("a field of another kind", "outcome", {"budget_to": 5}, ["/budget_to"]),
    ("a number for a text", "outcome", {"title_zh": 5}, ["/title_zh"]),
    ("a text for a number", "outcome", {"trl": "7"}, ["/trl"]),
    ("a fraction for a whole number", "outcome", {"trl": 7.5}, ["/trl"]),
    ("true for a number", "outcome", {"trl": True}, ["/trl"]),
    ("a text for a list", "outcome", {"keywords": "防腐"}, ["/keywords"]),
    ("an object for a text", "outcome", {"title_zh": {"a": 1}}, ["/title_zh"]),
    ("null for a text", "outcome", {"title_zh": None}, ["/title_zh"]),
    ("a list in a list", "outcome", {"keywords": [["a"]]}, ["/keywords/0"]),
    ("a text too long", "outcome", {"title_zh": "字" * 257}, ["/title_zh"]),
    ("a keyword too long", "outcome", {"keywords": ["a", "b" * 65]}, ["/keywords/1"]),
    ("too many keywords", "outcome", {"keywords": [str(number) for number in range(21)]}, ["/keywords"]),
    ("a keyword twice", "outcome", {"keywords": ["a", "a"]}, ["/keywords"]),
    ("a blank keyword", "outcome", {"keywords": [" "]}, ["/keywords/0"]),
    ("an unknown code", "outcome", {"field": "cooking"}, ["/field"]),
    ("an unknown code in a list", "outcome", {"cooperation_modes": ["licence", "gift"]}, ["/cooperation_modes/1"]),
    ("a level of ten", "outcome", {"trl": 10}, ["/trl"]),
    ("a negative price", "outcome", {"price": -1}, ["/price"]),
    ("a price beyond all measure", "outcome", {"price": 10**30}, ["/price"]),
    ("an infinite indicator", "outcome", {"indicators": [{"name": "a", "direction": "at_least", "value": 10**16}]},
     ["/indicators/0/value"]),
    ("a range without its end", "outcome", {"indicators": [{"name": "a", "direction": "between", "value": 1}]},
     ["/indicators/0/value_to"]),
    ("an indicator without a name", "outcome", {"indicators": [{"direction": "at_most", "value": 1}]},
     ["/indicators/0/name"]),
    ("a day that is none", "outcome", {"valid_until": "2027-02-30"}, ["/valid_until"]),
    ("a moment for a day", "outcome", {"valid_until": "soon"}, ["/valid_until"]),
    ("an IPC symbol that is none", "outcome", {"ipc": ["Z99"]}, ["/ipc/0"]),
    ("a mail address that is none", "outcome", {"contact_email": "nobody"}, ["/contact_email"]),
    ("NUL in a text", "outcome", {"title_zh": "涂\x00层"}, ["/title_zh"]),
    ("a control character in a text", "outcome", {"summary_zh": "a\x1bb"}, ["/summary_zh"]),
    ("an ORCID with a wrong check character", "expert", {"orcid": "0000-0002-1825-0098"}, ["/orcid"]),
    ("a work without a title", "expert", {"works": [{"kind": "paper"}]}, ["/works/0/title"]),
    ("a work in the far future", "expert", {"works": [{"title": "a", "year": 9999}]}, ["/works/0/year"]),
    ("a reversed range of levels", "demand", {"trl_from": 9, "trl_to": 3}, ["/trl_to"]),
    ("a reversed budget", "demand", {"budget_from": 9, "budget_to": 3}, ["/budget_to"]),
    ("a region rule without a region", "demand", {"region_rule": "required", "region": ""}, ["/region"]),
    ("two errors at once", "demand", {"trl_from": 0, "reward": -1}, ["/reward", "/trl_from"]),
    ("a pointer that must be escaped", "outcome", {"a/b~c": 1}, ["/a~1b~0c"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("noun", "change", "pointers"), [one[1:] for one in REFUSED], ids=[one[0] for one in REFUSED]
)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_field_that_is_not_valid_is_named(
    owner: Caller, noun: str, change: dict[str, Any], pointers: list[str], language: str
) -> None:
    response = owner.speaking(language).post(f"{noun}s", payload(noun, **change))
    body = check(response, 422, "invalid")
    assert sorted(error["pointer"] for error in body["errors"]) == pointers
    for text in (body["title"], body["detail"], *(error["message"] for error in body["errors"])):
        assert bool(HAN.search(text)) is (language == "zh"), text


@pytest.mark.parametrize(
    "data", [b"{", b"", b"nope", b'{"a": }', b"\xff\xfe", b'{"a": NaN}', b'{"title_zh": "\\ud800"}']
)
def test_a_body_that_is_not_json_is_400(owner: Caller, data: bytes) -> None:
    if data == b"":
        check(raw(owner, data), 422, "invalid", pointers=["/title_zh"])
    else:
        check(raw(owner, data), 400, "bad-json")


@pytest.mark.parametrize("data", [b"[]", b"5", b'"text"', b"null", b"true"])
def test_a_body_that_is_no_object_is_422(owner: Caller, data: bytes) -> None:
    check(raw(owner, data), 422, "invalid", pointers=[""])


@pytest.mark.parametrize("depth", [100, 10_000, 200_000])
def test_json_of_any_depth_is_refused_quietly(owner: Caller, depth: int) -> None:
    response = raw(owner, b'{"keywords": ' + b"[" * depth + b"]" * depth + b"}")
    assert response.status_code in (400, 422)


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]
)
def test_a_body_of_another_kind_is_415(owner: Caller, content_type: str) -> None:
    check(raw(owner, json.dumps(payload("outcome")).encode(), content_type), 415, "unsupported-media-type")


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "application/merge-patch+json"])
def test_json_by_another_name_is_taken(owner: Caller, content_type: str) -> None:
    assert raw(owner, json.dumps(payload("outcome")).encode(), content_type).status_code == 201


def test_a_body_above_the_limit_is_413(owner: Caller) -> None:
    body = check(raw(owner, b'{"title_zh": "' + b"a" * 1024 * 1024 + b'"}'), 413, "too-large")
    assert "1048576" in body["detail"]


def test_an_id_that_is_none_is_404(visitor: Caller) -> None:
    check(visitor.get("outcomes/not-an-id"), 404, "no-such-page")


@pytest.mark.parametrize("noun", ["outcome", "expert", "demand", "organisation"])
def test_an_unknown_id_is_404(visitor: Caller, noun: str) -> None:
    body = check(visitor.get(f"{noun}s/{uuid.uuid4()}"), 404, "not-found")
    assert noun in body["detail"]


def test_an_unknown_match_is_404(owner: Caller) -> None:
    check(owner.post(f"matches/{uuid.uuid4()}/actions/see"), 404, "not-found")


@pytest.mark.parametrize("path", ["nothing", "/nothing", "/api/v2/outcomes", "outcomes/"])
def test_an_unknown_address_is_404(visitor: Caller, path: str) -> None:
    check(visitor.get(path), 404, "no-such-page")


def test_a_method_of_no_use_here_is_405(owner: Caller) -> None:
    response = owner.send("PUT", "outcomes")
    check(response, 405, "method-not-allowed")
    assert set(response.headers["Allow"].split(", ")) >= {"GET", "POST"}


QUERIES: list[tuple[str, dict[str, str], str]] = [
    ("outcomes", {"colour": "red"}, "/query/colour"),
    ("outcomes", {"budget_from": "1"}, "/query/budget_from"),
    ("outcomes", {"field": "cooking"}, "/query/field/0"),
    ("outcomes", {"field": "new_energy,cooking"}, "/query/field/1"),
    ("outcomes", {"trl_from": "x"}, "/query/trl_from"),
    ("outcomes", {"trl_from": "10"}, "/query/trl_from"),
    ("outcomes", {"price_to": "-1"}, "/query/price_to"),
    ("outcomes", {"price_to": "1e5"}, "/query/price_to"),
    ("outcomes", {"published_from": "yesterday"}, "/query/published_from"),
    ("outcomes", {"organisation": "ours"}, "/query/organisation/0"),
    ("outcomes", {"sort": "colour"}, "/query/sort"),
    ("outcomes", {"facets": "field,colour"}, "/query/facets"),
    ("outcomes", {"highlight": "perhaps"}, "/query/highlight"),
    ("outcomes", {"q": "字" * 501}, "/query/q"),
    ("outcomes", {"q": "a\x00b"}, "/query/q"),
    ("outcomes", {"readers": "staff"}, "/query/readers"),
    ("demands", {"deadline_to": "2027-13-01"}, "/query/deadline_to"),
    ("experts", {"works_count": "3"}, "/query/works_count"),
    ("search", {"q": "a", "sort": "newest"}, "/query/sort"),
    ("suggest", {"q": "字" * 101}, "/query/q"),
    ("vocabularies", {"name": "a" * 65}, "/query/name"),
]


@pytest.mark.parametrize(("path", "query", "pointer"), QUERIES)
def test_a_parameter_that_is_not_valid_is_named(
    visitor: Caller, path: str, query: dict[str, str], pointer: str
) -> None:
    check(visitor.get(path, **query), 422, "invalid", pointers=[pointer])


def test_errors_of_parameters_are_in_chinese_too(visitor: Caller) -> None:
    for path, query, pointer in QUERIES:
        body = check(visitor.speaking("zh").get(path, **query), 422, "invalid", pointers=[pointer])
        assert all(HAN.search(error["message"]) for error in body["errors"]), body


def test_a_stale_version_is_told(owner: Caller) -> None:
    path = f"outcomes/{post(owner, 'outcome')['id']}"
    check(owner.patch(path, {"trl": 8}, version=9), 412, "stale-version")
    check(owner.patch(path, {"trl": 8}), 428, "version-required")


def test_a_visitor_learns_nothing_of_how_a_body_would_be_judged(visitor: Caller) -> None:
    check(visitor.post("outcomes", {"colour": "red"}), 401, "unauthenticated")


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("zh", "zh"), ("zh-CN", "zh"), ("zh-TW,zh;q=0.8", "zh"), ("zh-Hans-CN", "zh"), ("en", "en"), ("en-GB", "en"),
        ("fr", "en"), ("", "en"), ("*", "en"), ("fr, zh;q=0.5", "zh"), ("en;q=0.3, zh;q=0.9", "zh"),
        ("zh;q=0.1, en", "en"), ("x" * 3000, "en"), (";;;,,,", "en"),
    ],
)  # fmt: skip
def test_the_language_follows_what_the_client_accepts(visitor: Caller, header: str, language: str) -> None:
    body = check(visitor.get("me", headers={"Accept-Language": header}), 401, "unauthenticated")
    assert bool(HAN.search(body["detail"])) is (language == "zh")


def test_without_a_wish_for_a_language_the_answer_is_english(visitor: Caller) -> None:
    body = visitor.client.get("/api/v1/me").json
    assert body["title"] == "A key is needed"


@pytest.mark.parametrize("code", KINDS)
def test_every_kind_of_problem_explains_itself_in_both_languages(visitor: Caller, code: str) -> None:
    shown = visitor.get(f"/problems/{code}").json
    assert shown["status"] == KINDS[code].status
    assert HAN.search(shown["title"]["zh"])
    assert not HAN.search(shown["title"]["en"])
    assert shown["advice"]["zh"]
    assert shown["advice"]["en"]


def test_a_kind_of_problem_that_is_none_is_404(visitor: Caller) -> None:
    check(visitor.get("/problems/nothing"), 404, "not-found")


@pytest.mark.parametrize("given", ["trace-1.a_b", "a b", "<script>", "x" * 65, "编号", ""])
def test_the_id_of_a_request_is_ours_whatever_its_caller_calls_it(visitor: Caller, given: str) -> None:
    response = visitor.get("me", headers={"X-Request-Id": given.encode().decode("latin-1")})
    told = check(response, 401, "unauthenticated")["request_id"]
    assert response.headers.getlist("X-Request-Id") == [str(uuid.UUID(told))]


def test_every_answer_carries_the_headers_that_keep_browsers_careful(visitor: Caller) -> None:
    for path in ("stats", "nothing", "/docs", "/healthz"):
        headers = visitor.get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'self'" in headers["Content-Security-Policy"]
