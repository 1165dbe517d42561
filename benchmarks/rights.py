"""Rights and tiers: what the authorisation filter costs a search, and protected fields a read of a listing."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, delete, insert, select
from sqlmodel import Session, col

from benchmarks import servers
from benchmarks.client import Connection, succeed
from benchmarks.measure import Call, Figure, Times, latency, side_by_side
from benchmarks.questions import LIMIT, questions
from benchmarks.world import console, member_key, opened, some_ids
from market.api.presenting import PRESENTERS
from market.models import Outcome, User
from market.models.base import new_id
from market.runtime import Runtime
from market.services.disclosure import disclosing
from market.services.listings import listings
from market.services.rights import principals
from market.services.rights.access import Principal
from market.services.search import searching
from schemas.queries import OutcomeQuery

_STATES = "published,draft,withdrawn"
_ROUNDS, _READ, _READ_ROUNDS = 6, 200, 15
_TIERS = dict.fromkeys(("description", "advantages", "indicators", "price", "inventors", "keywords"), "registered")
_AS_THEY_ARE = select(col(Outcome.id), col(Outcome.version)).where(
    col(Outcome.id).in_(bindparam("ids", expanding=True))
)


def measure(data: Path, rows: Path) -> list[Figure]:
    """In one process, as a member who owns listings; and over HTTP, with what is noted."""
    with opened(data) as runtime:
        member, stranger = _people(runtime)
        figures = [*_search(runtime, member, rows)]
        with _twins(runtime) as twins:
            figures += [_read(runtime, stranger, twins), *_http(runtime, data, twins)]
    return figures


def _people(runtime: Runtime) -> tuple[Principal, Principal]:
    """A member with listings of their own, and somebody with an account alone."""
    with runtime.db.reading() as session:
        user = session.exec(select(User).where(col(User.external_key) == "user-0")).scalar_one()
        member = principals.of_user(session, user.id, now=runtime.clock())
    assert member is not None
    return member, Principal(new_id())


def _search(runtime: Runtime, member: Principal, rows: Path) -> Iterator[Figure]:
    """The whole search, beside one that asks the engine the same without its filter by reader, and the database for
    the same rows without its filter by caller: of what is published, and of listings in every state."""
    console.print("rights: searches")
    asked = [dict(one.parameters) for some in questions(rows).values() for one in some]
    for name, more in (("search as a member, with rights", {}), ("the same in three states", {"state": _STATES})):
        with runtime.db.reading() as session:
            pairs = [_pair(session, runtime, member, {**one, **more}) for one in asked]
            times = _either_way(pairs, rounds=_ROUNDS)
        yield _figure(name, *times, "the same, unfiltered", "" if more else "≤ 1.2 x")


def _either_way(pairs: list[tuple[Call, Call]], *, rounds: int) -> tuple[Times, Times]:
    """Half of the rounds in the other order: whichever of a pair comes second finds the caches filled."""
    first, second = side_by_side(pairs, rounds=rounds // 2)
    later, earlier = side_by_side([(other, one) for one, other in pairs], rounds=rounds // 2)
    return Times(tuple(sorted(first.ms + earlier.ms))), Times(tuple(sorted(second.ms + later.ms)))


def _pair(session: Session, runtime: Runtime, member: Principal, parameters: Mapping[str, str]) -> tuple[Call, Call]:
    asked, engine = OutcomeQuery().load(dict(parameters)), runtime.engine
    heard = searching.query_of(member, "outcome", asked, limit=LIMIT)
    bare = replace(heard, filters=searching.filters_of("outcome", asked))

    def unfiltered() -> list[Any]:
        searching.query_of(member, "outcome", asked, limit=LIMIT)  # to make a query takes either as long
        page = engine.search("outcomes", bare)
        ids = [UUID(hit.id) for hit in page.hits]
        found = {str(row[0]): row[1] for row in session.connection().execute(_AS_THEY_ARE, {"ids": ids})}
        return [(hit, found[hit.id]) for hit in page.hits if hit.id in found]

    return partial(searching.run, session, engine, member, "outcome", asked, limit=LIMIT), unfiltered


@contextmanager
def _twins(runtime: Runtime) -> Iterator[list[tuple[str, str]]]:
    """Pairs of outcomes that are alike but for six protected fields, which the first has."""
    table = Outcome.__table__  # type: ignore[attr-defined]
    with runtime.db.writing() as session:
        ids = some_ids(session, "outcome", _READ)
        made: list[tuple[str, str]] = []
        for row in session.execute(select(table).where(table.c.id.in_([UUID(one) for one in ids]))).mappings().all():
            pair = new_id(), new_id()
            for identity, tiers in zip(pair, (_TIERS, {}), strict=True):
                values = {
                    **row,
                    "id": identity,
                    "external_key": f"twin-{identity}",
                    "tiers": tiers,
                    "state": "published",
                }
                session.execute(insert(table), [values])
            made.append((str(pair[0]), str(pair[1])))
    random.Random(1).shuffle(made)
    yield made
    with runtime.db.writing() as session:
        gone = [UUID(one) for pair in made for one in pair]
        session.execute(delete(table).where(table.c.id.in_(gone)))


def _read(runtime: Runtime, reader: Principal, twins: list[tuple[str, str]]) -> Figure:
    """From the database to what is answered, by somebody who has reached the tier; without noting it."""
    console.print("rights: reads")
    presenter = PRESENTERS["outcome"]
    with runtime.db.reading() as session:

        def read(identity: str) -> Any:
            session.expunge_all()
            listing = listings.get(session, reader, Outcome, UUID(identity))
            seen = disclosing.sight(session, reader, listing, now=runtime.clock())
            return presenter.whole(reader, listing, seen), disclosing.disclosed(listing, seen)

        pairs = [(partial(read, one), partial(read, other)) for one, other in twins]
        times = side_by_side(pairs, rounds=_READ_ROUNDS)
    return _figure("read an outcome, six fields in tiers", *times, "the same, nothing protected", "≤ 1.05 x")


def _http(runtime: Runtime, data: Path, twins: list[tuple[str, str]]) -> Iterator[Figure]:
    """What it costs that a disclosure is on disk before it is answered."""
    console.print("rights: reads over HTTP")
    key = member_key(runtime)
    with servers.market(data, worker=False, MARKET_LIMITS="off") as port, Connection(port, key=key) as connection:

        def get(identity: str) -> Any:
            return succeed(connection.get(f"/api/v1/outcomes/{identity}"))

        pairs = [(partial(get, one), partial(get, other)) for one, other in twins]
        times = side_by_side(pairs, rounds=3)
    yield _figure("GET an outcome, disclosed and noted", *times, "the same, nothing protected", "")


def _figure(name: str, times: Times, floor: Times, floor_name: str, goal: str) -> Figure:
    return latency(name, times, floor_name, floor, goal=goal)
