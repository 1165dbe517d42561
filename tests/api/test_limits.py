"""Limits: what answers say of them, whom they count together, and that a limiter in trouble harms nobody."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError
from werkzeug.test import TestResponse

from market.api import limits
from market.app import create_app
from market.rights.quotas import quotas
from market.runtime import Runtime
from market.services.trail import usage
from market.services.trail.usage import Meters
from market.worker.runner import drain
from tests.factories import Caller, SettableClock, add_key, add_member, add_person, post

pytestmark = pytest.mark.long

Limited = Callable[..., Runtime]


@pytest.fixture
def limited(runtime: Runtime) -> Limited:
    """This test's runtime as another process would have it, with limits switched on; `changes` as MARKET_QUOTAS."""

    def make(changes: str = "", **settings: Any) -> Runtime:
        return replace(
            runtime,
            settings=replace(runtime.settings, limits=True, quotas=changes, **settings),
            meters=Meters(quotas(changes)),
        )

    return make


@pytest.fixture
def serving(app: Any) -> Callable[[Runtime], Any]:
    """A client of the application that serves this runtime from now on."""

    def serve(runtime: Runtime) -> Any:
        app.extensions["market"] = runtime
        return app.test_client()

    return serve


def left(answer: TestResponse, policy: str) -> int:
    """What a RateLimit header says of a policy."""
    found = re.search(rf'"{policy}";r=(\d+);t=\d+', answer.headers["RateLimit"])
    assert found is not None, answer.headers["RateLimit"]
    return int(found[1])


def test_the_headers_count_down(limited: Limited, serving: Any) -> None:
    visitor = Caller(serving(limited("visitor.requests_per_minute=5, visitor.requests=100")))
    answers = [visitor.get("outcomes") for _ in range(3)]
    assert [left(answer, "minute") for answer in answers] == [4, 3, 2]
    assert [left(answer, "requests") for answer in answers] == [99, 98, 97]
    assert answers[0].headers["RateLimit-Policy"].startswith('"minute";q=5;w=60, "requests";q=100;w=86400')
    assert '"minute";r=2;t=60' in answers[2].headers["RateLimit"]


def test_who_asks_too_often_is_told_when_to_come_back_and_that_is_true(
    limited: Limited, serving: Any, clock: SettableClock
) -> None:
    visitor = Caller(serving(limited("visitor.requests_per_minute=2")))
    visitor.get("outcomes")
    clock.advance(seconds=20.5)
    visitor.get("outcomes")
    refused = visitor.get("outcomes")
    assert refused.status_code == 429
    assert refused.mimetype == "application/problem+json"
    assert refused.json["type"] == "/problems/too-many-requests"
    assert left(refused, "minute") == 0
    seconds = int(refused.headers["Retry-After"])
    assert str(seconds) in refused.json["detail"]
    clock.advance(seconds=seconds - 1)
    assert visitor.get("outcomes").status_code == 429
    clock.advance(seconds=1)
    assert visitor.get("outcomes").status_code == 200


def test_whoever_tries_passwords_in_vain_is_told_when_to_try_again(
    limited: Limited, serving: Any, clock: SettableClock
) -> None:
    visitor = Caller(serving(limited(bad_keys_per_minute=2)))
    tried = {"email": "nobody@people.example", "password": "kite-ladder-orange-mill"}
    assert [visitor.post("sign-in", tried).status_code for _ in range(3)] == [401, 401, 429]
    clock.advance(seconds=int(visitor.post("sign-in", tried).headers["Retry-After"]))
    assert visitor.post("sign-in", tried).status_code == 401


def test_a_quota_of_the_day_ends_with_the_day(limited: Limited, serving: Any, clock: SettableClock) -> None:
    visitor = Caller(serving(limited("visitor.searches=1")))
    assert visitor.get("outcomes").status_code == 200
    refused = visitor.get("outcomes")
    assert refused.status_code == 429
    assert '"searches"' in refused.json["detail"]
    assert visitor.get("vocabularies").status_code == 200
    clock.advance(seconds=int(refused.headers["Retry-After"]) - 2)
    assert visitor.get("outcomes").status_code == 429
    clock.advance(seconds=2)
    assert visitor.get("outcomes").status_code == 200


def test_writes_are_counted_apart_from_reading(limited: Limited, serving: Any) -> None:
    service = limited("registered.writes=1, verified.writes=1")
    caller = Caller(serving(service), add_member(service))
    post(caller, "outcome", submit=False)
    refused = caller.post("outcomes", {"title_zh": "再来一项"})
    assert (refused.status_code, left(refused, "writes")) == (429, 0)
    assert caller.get("outcomes").status_code == 200


def test_keys_are_limited_apart_from_each_other_and_share_the_day_of_their_user(
    limited: Limited, serving: Any
) -> None:
    service = limited("registered.requests_per_minute=2, registered.requests=3, verified.requests=3")
    client, person = serving(service), add_member(service)
    first, second = Caller(client, person), Caller(client, replace(person, key=add_key(service, person)))
    assert [first.get("outcomes").status_code for _ in range(3)] == [200, 200, 429]
    assert second.get("outcomes").status_code == 200
    refused = second.get("outcomes")
    assert (refused.status_code, left(refused, "requests")) == (429, 0)
    assert Caller(client, add_member(service)).get("outcomes").status_code == 200


def test_the_administrator_meets_no_limit(limited: Limited, serving: Any) -> None:
    service = limited()
    answer = Caller(serving(service), add_person(service, roles=("administrator",))).get("outcomes")
    assert answer.status_code == 200
    assert "RateLimit" not in answer.headers


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_machines_that_watch_the_service_are_not_limited(limited: Limited, serving: Any, path: str) -> None:
    client = serving(limited("visitor.requests_per_minute=1"))
    answers = [client.get(path) for _ in range(3)]
    assert all(answer.status_code != 429 and "RateLimit" not in answer.headers for answer in answers)


def test_pages_and_feeds_count_by_address_whatever_key_comes_with_them(limited: Limited, serving: Any) -> None:
    client = serving(limited("visitor.requests_per_minute=2"))
    sent = {"Authorization": "Bearer nonsense"}
    answers = [client.get(path, headers=sent) for path in ("/problems/invalid", "/no/such", "/feeds/x.atom")]
    assert [answer.status_code for answer in answers] == [200, 404, 429]


def test_bad_keys_are_refused_before_the_database_is_asked(
    limited: Limited, serving: Any, clock: SettableClock
) -> None:
    service = limited(bad_keys_per_minute=3)
    client, person = serving(service), add_member(service)
    bad = Caller(client, replace(person, key="qiao_" + "x" * 36))
    assert [bad.get("outcomes").status_code for _ in range(4)] == [401, 401, 401, 429]
    away = replace(service, db=_Away())  # type: ignore[arg-type]
    client = serving(away)
    refused = Caller(client, person).get("outcomes")
    assert (refused.status_code, refused.json["type"]) == (429, "/problems/too-many-requests")
    elsewhere = {"REMOTE_ADDR": "203.0.113.9"}
    serving(service)
    sent = {"Authorization": f"Bearer {person.key}"}
    assert client.get("/api/v1/outcomes", headers=sent, environ_overrides=elsewhere).status_code == 200
    clock.advance(seconds=int(refused.headers["Retry-After"]))
    assert Caller(client, person).get("outcomes").status_code == 200


class _Away:
    """A database that is away."""

    @contextmanager
    def reading(self) -> Iterator[None]:
        raise OperationalError("", None, Exception("away"))
        yield

    writing = reading


def asked_from(client: Any, address: str, forwarded: str = "") -> int:
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    answer = client.get("/api/v1/outcomes", headers=headers, environ_overrides={"REMOTE_ADDR": address})
    return int(answer.status_code)


def test_a_forwarded_address_from_nobody_trusted_is_ignored(limited: Limited, serving: Any) -> None:
    client = serving(limited("visitor.requests_per_minute=2"))
    found = [asked_from(client, "203.0.113.1", f"198.51.100.{number}") for number in range(3)]
    assert found == [200, 200, 429]


def test_behind_trusted_proxies_the_address_counts_that_the_first_of_them_saw(limited: Limited) -> None:
    client = create_app(limited("visitor.requests_per_minute=1", proxies=2)).test_client()
    assert asked_from(client, "10.0.0.1", "198.51.100.1, 10.0.0.2") == 200
    assert asked_from(client, "10.0.0.1", "198.51.100.2, 10.0.0.2") == 200
    # What a caller adds in front of what the proxies write is not believed.
    assert asked_from(client, "10.0.0.1", "192.0.2.77, 198.51.100.1, 10.0.0.2") == 429


@pytest.mark.parametrize(
    ("first", "second", "together"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("203.0.113.1", "203.0.113.2", False),
        ("203.0.113.1", "::ffff:203.0.113.1", True),
    ],
)
def test_an_ipv6_network_of_64_bits_counts_as_one(
    limited: Limited, serving: Any, first: str, second: str, together: bool
) -> None:
    client = serving(limited("visitor.requests_per_minute=1"))
    assert [asked_from(client, first), asked_from(client, second)] == [200, 429 if together else 200]


def test_two_processes_share_the_quota_of_a_day_once_they_have_told(limited: Limited, serving: Any) -> None:
    one, other = limited("visitor.requests=6"), limited("visitor.requests=6")
    for service, times in ((one, 2), (other, 3)):
        visitor = Caller(serving(service))
        assert [visitor.get("outcomes").status_code for _ in range(times)] == [200] * times
    assert limits.flush(one)
    assert limits.flush(other)
    assert left(Caller(serving(other)).get("outcomes"), "requests") == 0
    assert Caller(serving(other)).get("outcomes").status_code == 429
    limits.flush(other)
    visitor = Caller(serving(one))
    visitor.get("outcomes")
    limits.flush(one)
    assert visitor.get("outcomes").status_code == 429


def test_a_quota_survives_a_restart(limited: Limited, serving: Any) -> None:
    service = limited("visitor.requests=2")
    visitor = Caller(serving(service))
    assert [visitor.get("outcomes").status_code for _ in range(2)] == [200, 200]
    limits.keep_flushing(service)()
    assert Caller(serving(limited("visitor.requests=2"))).get("outcomes").status_code == 429


def test_with_the_database_away_counts_are_kept_for_later(limited: Limited, serving: Any) -> None:
    service = limited()
    Caller(serving(service)).get("outcomes")
    assert not limits.flush(replace(service, db=_Away()))  # type: ignore[arg-type]
    Caller(serving(service)).get("outcomes")
    assert limits.flush(service)
    with service.db.reading() as session:
        counted = usage.of_subject(session, usage.day_of(service.clock()), "address:127.0.0.1")
    assert counted == {"requests": 2, "searches": 2}


def test_a_limiter_that_fails_lets_pass(limited: Limited, serving: Any) -> None:
    service = replace(limited(), meters=None)  # type: ignore[arg-type]
    assert Caller(serving(service)).get("outcomes").status_code == 200


def experts(service: Runtime, client: Any, count: int) -> list[str]:
    """So many published profiles that can be found; their ids."""
    owner = Caller(client, add_member(service))
    made = [post(owner, "expert", name_zh=f"林{number}", name_en="")["id"] for number in range(count)]
    drain(service)
    return made


def test_a_visitor_sees_only_so_many_experts_a_day_however_they_are_asked_for(
    runtime: Runtime, limited: Limited, serving: Any, clock: SettableClock
) -> None:
    ids = experts(runtime, serving(runtime), 7)
    client = serving(limited("visitor.experts=5"))
    visitor = Caller(client)
    first = visitor.get("experts", limit=3)
    assert left(first, "experts") == 2
    shown = [item["id"] for item in first.json["items"]]
    assert visitor.get(f"experts/{shown[0]}").status_code == 200  # seen already
    more = [one for one in ids if one not in shown]
    assert [visitor.get(f"experts/{one}").status_code for one in more[:3]] == [200, 200, 429]
    refused = visitor.get("experts", limit=3, cursor=first.json["next"])
    assert (refused.status_code, refused.json["type"]) == (429, "/problems/too-many-profiles")
    assert "Sign in" in refused.json["detail"]
    assert visitor.get("search", q="林").status_code == 429
    assert visitor.get("experts", limit=3).status_code == 200  # those seen already may be seen again
    assert Caller(client, add_person(runtime, roles=("reviewer",))).get("experts", limit=7).status_code == 200
    clock.advance(seconds=int(refused.headers["Retry-After"]))
    assert visitor.get("experts", limit=3, cursor=first.json["next"]).status_code == 200


def test_an_export_ends_where_the_quota_of_the_day_does(runtime: Runtime, limited: Limited, serving: Any) -> None:
    experts(runtime, serving(runtime), 4)
    client = serving(limited("registered.exports=6, registered.experts=5"))
    caller = Caller(client, add_person(runtime))
    first, second = (caller.get("experts/export", format="ndjson", limit=most) for most in (3, 10))
    assert [len(answer.text.splitlines()) for answer in (first, second)] == [3, 2]
    assert second.headers["X-Truncated"] == "true"
    assert caller.get("experts/export", format="ndjson").json["type"] == "/problems/too-many-profiles"
    assert caller.get("outcomes/export", format="ndjson").status_code == 200


def test_limits_are_off_where_the_settings_say_so(runtime: Runtime, visitor: Caller) -> None:
    answer = visitor.get("outcomes")
    assert answer.status_code == 200
    assert "RateLimit" not in answer.headers
    assert limits.flush(runtime)
