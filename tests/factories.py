"""Makes what tests need: runtimes, organisations, people with keys, payloads, callers. Asserts nothing."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from market.db import Database
from market.models import LISTINGS, Organisation, User
from market.models.memberships import ROLES
from market.runtime import Runtime, build
from market.services.people import keys
from market.services.rights import people
from market.services.rights.access import Principal
from market.settings import Settings
from tests import databases

NOUNS = tuple(LISTINGS)
_numbers = count(1)


class SettableClock:
    """A clock that stands still until a test moves it."""

    def __init__(self, now: datetime | None = None) -> None:
        self.now = now or datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        """Move on, for instance by `days=15` or `seconds=1`."""
        self.now += timedelta(**by)


@contextmanager
def opened(
    folder: Path, start: Path, clock: SettableClock, *, database: Database | None = None, **settings: Any
) -> Iterator[Runtime]:
    """A runtime as the service builds it, with its data in `folder`, which is made anew.

    `start` is the folder of data to begin with, as tests/databases.py or an earlier runtime left it. `settings` are
    those of Settings. `database` is one of this folder that was open before: what it has compiled need not be
    compiled again.
    """
    if database is None:
        databases.copy(folder, start)
    else:
        databases.renew(folder, start, database)
    settings = {"embedder": "none", "limits": False, **settings}  # their tests ask for them
    configured = Settings(data=str(folder), database_url=databases.url_of(folder), **settings)
    runtime = build(configured, writes_index=True, clock=clock)
    if database is not None:
        runtime = replace(runtime, db=database)
    try:
        yield runtime
    finally:
        if database is None:
            runtime.close()
        else:
            runtime.post.close()
            runtime.engine.close()


@dataclass(frozen=True)
class Person:
    """A user with a key."""

    id: uuid.UUID
    organisation_id: uuid.UUID | None
    key: str
    email: str


def add_organisation(runtime: Runtime, *, trusted: bool = True, **values: Any) -> uuid.UUID:
    """An organisation; a trusted one publishes without review. Returns its id."""
    number = next(_numbers)
    row = Organisation(
        **{
            "name_zh": f"第{number}研究院",
            "name_en": f"Institute No. {number}",
            "kind": "research_institute",
            "region": "120000",
            "trusted": trusted,
            **values,
        }
    )
    with runtime.db.writing() as session:
        session.add(row)
    return row.id


def add_person(
    runtime: Runtime,
    organisation_id: uuid.UUID | None = None,
    *,
    roles: tuple[str, ...] = ("member",),
    language: str = "zh",
    **values: Any,
) -> Person:
    """A user with a confirmed address, of an organisation where one is named, and with a key that does not end."""
    number = next(_numbers)
    there = tuple(role for role in roles if role in ROLES and organisation_id is not None)
    row = User(
        **{
            "email": f"person{number}@people.example",
            "name": f"Person {number}",
            "language": language,
            "email_verified_at": runtime.clock(),
            "roles": [role for role in roles if role not in there],
            **values,
        }
    )
    with runtime.db.writing() as session:
        session.add(row)
        session.flush()
        if organisation_id is not None:
            people.join(session, {row.id: (organisation_id, there)}, now=runtime.clock())
        key, _ = keys.create(session, row, now=runtime.clock())
    return Person(row.id, organisation_id, key, row.email)


def member_of(organisation_id: uuid.UUID, user_id: uuid.UUID) -> Principal:
    """A member, as services see them."""
    return Principal(user_id, memberships=frozenset({(organisation_id, "member")}), home=organisation_id)


def add_member(runtime: Runtime, *, trusted: bool = True, language: str = "zh", **organisation: Any) -> Person:
    """A member of a new organisation of their own."""
    return add_person(runtime, add_organisation(runtime, trusted=trusted, **organisation), language=language)


def add_key(
    runtime: Runtime, person: Person, *, expires_at: datetime | None = None, scopes: tuple[str, ...] = ()
) -> str:
    """Another key of the same person."""
    with runtime.db.writing() as session:
        user = session.get_one(User, person.id)
        return keys.create(session, user, now=runtime.clock(), expires_at=expires_at, scopes=scopes)[0]


def signed_in(runtime: Runtime, person: Person) -> Person:
    """The same person with a key as signing in gives it, made just now."""
    with runtime.db.writing() as session:
        user, now = session.get_one(User, person.id), runtime.clock()
        key, _ = keys.create(session, user, now=now, kind="sign_in", expires_at=now + timedelta(hours=12))
    return replace(person, key=key)


class Caller:
    """Somebody who calls the API with their key (a visitor without one), and speaks one language.

    Paths are below /api/v1 unless they begin with a slash.
    """

    def __init__(self, client: FlaskClient, person: Person | None = None, *, language: str = "en") -> None:
        self.client = client
        self.person = person
        self.language = language

    def speaking(self, language: str) -> Caller:
        """The same caller in another language."""
        return Caller(self.client, self.person, language=language)

    def get(self, path: str, headers: Mapping[str, str] | None = None, **query: Any) -> TestResponse:
        """GET with query parameters."""
        return self._call("GET", path, headers=headers, query_string=query or None)

    def post(
        self,
        path: str,
        body: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
        key: str = "",
        version: int | None = None,
    ) -> TestResponse:
        """POST JSON, based on `version` where one is given; `key` is the Idempotency-Key."""
        extra = {**({"Idempotency-Key": key} if key else {}), **_if_match(version)}
        return self._call("POST", path, {} if body is None else body, headers={**extra, **(headers or {})})

    def patch(self, path: str, body: Any, *, version: int | None = None) -> TestResponse:
        """PATCH JSON, based on `version`."""
        return self._call("PATCH", path, body, headers=_if_match(version))

    def delete(self, path: str, *, version: int | None = None) -> TestResponse:
        """DELETE, based on `version`."""
        return self._call("DELETE", path, headers=_if_match(version))

    def send(self, method: str, path: str, **options: Any) -> TestResponse:
        """Any request, its options as werkzeug's test client takes them."""
        return self._call(method, path, **options)

    def _call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
        **options: Any,
    ) -> TestResponse:
        sent = {"Accept-Language": self.language}
        if self.person is not None:
            sent["Authorization"] = f"Bearer {self.person.key}"
        if body is not None:
            options["data"] = json.dumps(body)
            options["content_type"] = "application/json"
        address = path if path.startswith("/") else f"/api/v1/{path}"
        headers = {**sent, **(headers or {})}
        return self.client.open(address, method=method, headers=headers, buffered=True, **options)


def _if_match(version: int | None) -> dict[str, str]:
    return {} if version is None else {"If-Match": f'"{version}"'}


_PAYLOADS: Mapping[str, Mapping[str, Any]] = {
    "outcome": {
        "title_zh": "海上风电塔筒长效防腐涂层",
        "title_en": "Long-life anti-corrosion coating for offshore wind towers",
        "summary_zh": "石墨烯改性环氧防腐涂层，盐雾试验四千小时不起泡，适用于潮差区钢结构。",
        "summary_en": "Graphene epoxy coating for steel in the tidal zone, 4,000 h of salt spray.",
        "keywords": ["防腐涂层", "潮差区", "graphene"],
        "field": "new_materials",
        "industries": ["C26"],
        "kind": "new_material",
        "trl": 7,
        "ip_status": "granted",
        "cooperation_modes": ["licence", "joint_development"],
        "price": 1_800_000,
        "indicators": [{"name": "耐盐雾时间", "direction": "at_least", "value": 4000, "unit": "h"}],
        "region": "120000",
    },
    "expert": {
        "name_zh": "林知远",
        "name_en": "Lin Zhiyuan",
        "professional_title": "professor",
        "directions_zh": "潮差区钢结构腐蚀机理与防腐涂层",
        "directions_en": "Corrosion of steel in the tidal zone and anti-corrosion coatings",
        "field": "new_materials",
        "keywords": ["防腐涂层", "潮差区"],
        "works": [{"kind": "paper", "title": "潮差区防腐涂层起泡失效的电化学研究", "year": 2025}],
        "regions_served": ["120000", "110000"],
        "cooperation": ["diagnosis", "joint_development"],
    },
    "demand": {
        "title_zh": "潮差区钢结构防腐涂层两年内起泡脱落",
        "title_en": "Anti-corrosion coating of tidal-zone steel blisters within two years",
        "problem_zh": "码头钢桩潮差区防腐涂层两年内起泡脱落，现用环氧体系盐雾一千小时即失效，求二十年免维护方案。",
        "keywords": ["防腐涂层", "潮差区"],
        "field": "new_materials",
        "trl_from": 6,
        "trl_to": 9,
        "budget_to": 2_000_000,
        "cooperation_modes": ["licence"],
        "indicators": [{"name": "耐盐雾时间", "direction": "at_least", "value": 3000, "unit": "h"}],
        "region": "120000",
        "region_rule": "preferred",
    },
}


def payload(noun: str, **changes: Any) -> dict[str, Any]:
    """What the API takes for a listing of this kind, a draft unless `submit=True`.

    The three kinds as they stand fit each other well enough to be matched and told about.
    """
    return {**json.loads(json.dumps(_PAYLOADS[noun])), **changes}


def post(caller: Caller, noun: str, *, submit: bool = True, **changes: Any) -> dict[str, Any]:
    """Post a listing through the API, and give what it answers."""
    response = caller.post(f"{noun}s", payload(noun, submit=submit, **changes))
    assert response.status_code == 201, response.text
    return dict(response.json or {})
