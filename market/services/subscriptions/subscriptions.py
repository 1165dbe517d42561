"""Subscriptions 订阅: searches that people keep. Made, changed, removed; how listings find them is in alerts.py."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlmodel import Session, col, func, select, update

from market.db import take_turn
from market.errors import Conflict, Invalid, NotFound, Unauthenticated
from market.models import Subscription, User
from market.services.rights.access import Principal
from market.services.search.indexing import index_of
from market.services.search.searching import filters_of, meaning_of
from schemas import messages
from schemas.subscriptions import Search
from search import naming, standing
from search.embedding import Embedder
from search.engine import Engine, EngineUnavailable, Query
from search.text import is_han

MOST = 200
"""Subscriptions of one person."""

BY_MEANING = "v:"
"""The first key of those that are found by their vectors; no listing holds it."""

_TOKEN = 32  # bytes of a feed's secret
_NAME = 128
_LEAST_OF_A_CHARACTER = 0.05  # of all documents hold it, in one word or another
# Which share of all listings has one value of a field, roughly. All that are looked at are published.
_SHARES = {
    "id": 0.0, "organisation": 0.005, "disciplines": 0.05, "industries": 0.05, "region": 0.1, "regions_served": 0.1,
    "field": 0.15, "ip_kinds": 0.2, "state": 1.0,
}  # fmt: skip
_USUAL_SHARE = 0.25

Floats = NDArray[np.float32]


def create(
    session: Session,
    engine: Engine,
    embedder: Embedder | None,
    principal: Principal,
    search: Search,
    data: Mapping[str, Any],
    *,
    now: datetime,
) -> Subscription:
    """Keep a search. Raises Conflict where the caller keeps too many, or meaning is wanted and not compared here;
    Unavailable where the embedder is away; Invalid for a last day that is over."""
    user_id = _caller(principal)
    row = Subscription(
        user_id=user_id,
        noun=search.noun,
        name=data.get("name") or name_of(search),
        rhythm=data.get("rhythm", "instant"),
        expires_on=data.get("expires_on"),
        created_at=now,
        updated_at=now,
    )
    _check_day(row, now)
    take_turn(session, "subscriptions", str(user_id))
    kept = session.exec(select(func.count()).where(col(Subscription.user_id) == user_id)).one()
    if kept >= MOST:
        raise Conflict("too-many-subscriptions", most=MOST)
    _ask(session, engine, embedder, row, search, now=now)
    session.add(row)
    session.flush()
    return row


def get(session: Session, principal: Principal, identity: uuid.UUID) -> Subscription:
    """One of the caller's own. Raises NotFound for another's, as if there were none."""
    row = session.get(Subscription, identity)
    if row is None or row.user_id != _caller(principal):
        raise NotFound(noun="subscription", id=str(identity))
    return row


def of_caller(
    session: Session, principal: Principal, *, before: uuid.UUID | None, limit: int
) -> Sequence[Subscription]:
    """The caller's own, newest first, from below the id `before`."""
    rows = select(Subscription).where(Subscription.user_id == _caller(principal))
    if before is not None:
        rows = rows.where(col(Subscription.id) < before)
    return session.exec(rows.order_by(col(Subscription.id).desc()).limit(limit)).all()


def change(
    session: Session,
    engine: Engine,
    embedder: Embedder | None,
    row: Subscription,
    data: Mapping[str, Any],
    *,
    search: Search | None = None,
    now: datetime,
) -> Subscription:
    """Change what is given: name, rhythm, paused, expires_on; and what is searched for. Raises what `create` does."""
    for name in ("name", "rhythm", "paused", "expires_on"):
        if name in data:
            setattr(row, name, data[name])
    if "expires_on" in data:
        _check_day(row, now)
    row.updated_at = _moment(session, row, now) if row.vector is not None else now
    if search is not None:
        _ask(session, engine, embedder, row, search, now=now)
    session.add(row)
    return row


def remove(session: Session, row: Subscription) -> None:
    """Forget it."""
    session.delete(row)


def give_feed(session: Session, row: Subscription) -> str:
    """A new token for its feed, which cannot be had again; the one before is good no more."""
    token = secrets.token_urlsafe(_TOKEN)
    row.feed_digest = _digest(token)
    session.add(row)
    return token


def end_feed(session: Session, row: Subscription) -> None:
    """Its feed's address is good no more."""
    row.feed_digest = None
    session.add(row)


def by_token(session: Session, token: str) -> Subscription:
    """Whose feed this is. Raises NotFound for a token that is none, and where its person is no longer active."""
    rows = select(Subscription).join(User, col(User.id) == col(Subscription.user_id))
    row = session.exec(rows.where(Subscription.feed_digest == _digest(token), col(User.active))).first()
    if row is None:
        raise NotFound(noun="feed", id="")
    return row


def rests(row: Subscription, now: datetime) -> bool:
    """Whether it tells nothing now: paused, or its last day is over."""
    return row.paused or (row.expires_on is not None and row.expires_on < now.date())


def renew(session: Session, embedder: Embedder, *, limit: int = 100) -> list[dict[str, Any]]:
    """New vectors of some that have one of another model, to be kept with `keep_renewed`; until then their words
    alone count. Nothing is left to do when none comes. Raises EmbedderUnavailable, BadVectors."""
    rows = (
        select(Subscription.id, Subscription.query)
        .where(col(Subscription.vector).is_not(None), Subscription.model != embedder.model)
        .order_by(col(Subscription.id))
        .limit(limit)
    )
    found = session.exec(rows).all()
    if not found:
        return []
    vectors = embedder.embed([str(query.get("q", "")) for _, query in found], role="query")
    return [
        {"id": identity, "query": query, "vector": pack(vector), "model": embedder.model}
        for (identity, query), vector in zip(found, vectors, strict=True)
    ]


def keep_renewed(session: Session, made: Iterable[Mapping[str, Any]], *, now: datetime) -> int:
    """Store vectors, unless the search was changed meanwhile. Says how many were stored."""
    stored = 0
    for one in made:
        row = session.exec(select(Subscription).where(Subscription.id == one["id"]).with_for_update()).first()
        if row is None or row.vector is None or row.query != one["query"]:
            continue
        moment = _moment(session, row, now)
        values = {"vector": one["vector"], "model": one["model"], "updated_at": moment}
        session.execute(update(Subscription).where(col(Subscription.id) == row.id).values(values))
        stored += 1
    return stored


def name_of(search: Search) -> str:
    """What to call a search that was given no name."""
    wire = dict(search.wire)
    told = [str(wire.pop("q", "")), *(f"{name}={value}" for name, value in wire.items() if name != "semantic")]
    return " ".join(one for one in told if one)[:_NAME] or search.noun


def standing_of(search: Search) -> standing.Standing:
    """The search as a standing query."""
    text = search.asked.get("q", "")
    return standing.understand(Query(text=text, filters=filters_of(search.noun, search.asked)))


def pack(vector: Sequence[float] | Floats) -> bytes:
    """A vector as it is kept: half precision, which changes a cosine by less than a thousandth."""
    return np.asarray(vector, np.float16).tobytes()


def unpack(packed: bytes) -> Floats:
    """The inverse."""
    return np.frombuffer(packed, np.float16).astype(np.float32)


def _ask(
    session: Session, engine: Engine, embedder: Embedder | None, row: Subscription, search: Search, *, now: datetime
) -> None:
    """Let it search for this from now on."""
    row.query = dict(search.wire)
    if search.semantic:
        row.vector = pack(meaning_of(embedder, search.asked["q"]))
        row.model = embedder.model if embedder is not None else ""
        row.updated_at = _moment(session, row, now)
    else:
        row.vector, row.model = None, ""
    row.first_key, row.second_key = keys_of(engine, search)


def keys_of(engine: Engine, search: Search) -> tuple[str, str]:
    """What a listing must hold for the search to be looked at. Near in meaning may be whatever passes the filters, so
    that those which ask for meaning are found by their vectors, which are all compared, and not by keys."""
    if search.semantic:
        return BY_MEANING, ""
    one = standing_of(search)
    return standing.keys(one, rarity_of(engine, search.noun, standing.required(one)))


def rarity_of(engine: Engine, noun: str, keys: Iterable[str]) -> Callable[[str], float]:
    """Which share of the listings holds a key; by the length of the words where the engine cannot tell."""
    words = {key[2:]: naming.counted_as(key[2:]) for key in keys if key.startswith("w:")}
    try:
        counted = engine.frequencies(index_of(noun), {piece for pieces in words.values() for piece in pieces})
        total = max(counted.total, 1)
        shares = {word: min(counted.counts[piece] for piece in pieces) / total for word, pieces in words.items()}
    except EngineUnavailable:
        shares = {word: 0.1 / len(word) for word in words}

    def rarity(key: str) -> float:
        if key.startswith("f:"):
            return _SHARES.get(key[2:].partition("=")[0], _USUAL_SHARE)
        word = key[2:]
        return max(shares[word], _LEAST_OF_A_CHARACTER) if len(word) == 1 and is_han(word) else min(shares[word], 0.9)

    return rarity


def _moment(session: Session, row: Subscription, now: datetime) -> datetime:
    """When a subscription with a vector was changed: later than any other of its kind, so that whoever remembers
    their vectors sees by the latest moment that something has changed."""
    take_turn(session, "subscriptions by meaning", row.noun)
    latest = session.exec(
        select(func.max(Subscription.updated_at)).where(
            Subscription.noun == row.noun, col(Subscription.vector).is_not(None)
        )
    ).one()
    return max(now, latest + timedelta(microseconds=1)) if latest is not None else now


def _check_day(row: Subscription, now: datetime) -> None:
    if row.expires_on is not None and row.expires_on < now.date():
        raise Invalid({"/expires_on": [messages.PAST]})


def _caller(principal: Principal) -> uuid.UUID:
    if principal.user_id is None:
        raise Unauthenticated
    return principal.user_id


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
