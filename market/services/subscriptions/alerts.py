"""Which subscriptions a listing answers, and who may be told of it. Tells nobody itself."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import orjson
from marshmallow import ValidationError
from sqlalchemy import (
    ColumnElement,
    Date,
    Select,
    String,
    Text,
    Uuid,
    any_,
    bindparam,
    cast,
    column,
    func,
    or_,
    select,
    true,
)
from sqlalchemy.dialects import postgresql
from sqlmodel import Session, col

from market.db import dialect_of, listed
from market.models import Listing, Membership, Subscription, User
from market.rights import rules_of
from market.services.search import indexing
from market.services.subscriptions.subscriptions import Floats, standing_of, unpack
from schemas.subscriptions import search_of
from search.engine import Document
from search.indexes import INDEXES
from search.standing import Contents, Standing, keys_of, required

NEAR = 0.4
"""How near a question must be in meaning: 0 is the cosine of unlike texts and 1 that of the same. With the local
embedder's questions of key words, 32 of the 42 pairs of fixtures/ that fit best are as near, and 6 of 2,167 others;
from 0.35 on it is 33 and 23, from 0.45 on 24 and 1."""

INSIDE = frozenset().union(*(rule.organisation.roles for rule in rules_of("listing.disclose")))
"""Who an organisation's listings are no news to. Its experts and brokers hear of them as strangers do: by what they
are not told they would learn whose a masked demand is."""

Found = tuple[Listing, Document, Sequence[float] | None]
"""A listing, its document, and the one vector that stands for it."""

_COMPILED = 1 << 15  # searches that a process remembers, understood; some 2 KB each
_DIGITS = 5  # of a figure of nearness


@dataclass(frozen=True, slots=True)
class Hit:
    """A subscription that a listing answers."""

    subscription_id: uuid.UUID
    user_id: uuid.UUID
    noun: str
    listing_id: uuid.UUID
    rhythm: str


@dataclass(frozen=True, slots=True, eq=False)
class _Meanings:
    """The subscriptions of a kind of listing that have a vector, as they were at a moment; rows of zeros for vectors
    of another model."""

    as_of: tuple[Any, ...]
    ids: list[uuid.UUID]
    standings: list[Standing]
    by_word: Mapping[str, Sequence[int]]  # places, by a word that must stand in a listing far in meaning
    matrix: Floats


_lock = threading.Lock()
_remembered: WeakKeyDictionary[Any, dict[tuple[str, str], _Meanings]] = WeakKeyDictionary()


def hits(session: Session, found: Iterable[Found], *, model: str, unlike: float, now: datetime) -> list[Hit]:
    """Which subscriptions these listings answer, whoever may be told of them: active people, of published listings
    that are not their own or their organisation's (as `INSIDE` has it); not what is paused or expired.

    `model` made the listings' vectors, `unlike` is the mean cosine of unlike texts by it; subscriptions with a vector
    of another model go by their words.
    """
    told: list[Hit] = []
    for listing, document, vector in found:
        if not listing.published:
            continue
        noun = listing.NOUN
        contents = Contents(INDEXES[indexing.index_of(noun)], document)
        rows = _by_keys(session, listing, contents, now)
        answered = [row for row in rows if judged(contents, _kept(noun, row[3]), near=False)]
        meant = _by_meaning(session, noun, contents, vector, model, unlike)
        answered += _live(session, listing, meant, now)
        told += [Hit(uuid.UUID(row[0]), uuid.UUID(row[1]), noun, listing.id, row[2]) for row in answered]
    return told


def judged(contents: Contents, standing: Standing, *, near: bool) -> bool:
    """The one judgement: every filter holds, and either the words stand there or the meaning is near."""
    return standing.admits(contents) and (near or standing.stands_in(contents))


def nearness(matrix: Floats, vector: Sequence[float], unlike: float) -> Any:
    """Which rows are near in meaning."""
    # Not by BLAS: its threads take longer to wake than so few products take, and its last bits change with the shape.
    cosines = np.einsum("ij,j->i", matrix, np.asarray(vector, np.float32))
    return np.round((cosines - unlike) / (1 - unlike), _DIGITS) > NEAR


@lru_cache(maxsize=_COMPILED)
def _kept(noun: str, query: str) -> Standing:
    """A search as the database has it, understood. One that is no longer valid, for a code is gone, finds nothing."""
    try:
        return standing_of(search_of(noun, orjson.loads(query)))
    except ValidationError:
        return Standing(impossible=True)


# By keys


def _by_keys(session: Session, listing: Listing, contents: Contents, now: datetime) -> Sequence[Any]:
    """(id, person, rhythm, query) of those of which the listing holds both keys."""
    dialect = dialect_of(session)
    keys = ["", *keys_of(contents)]
    values = {
        "keys": orjson.dumps(keys).decode() if dialect == "sqlite" else keys,
        "noun": listing.NOUN,
        **_for_whom(listing, now),
    }
    return session.connection().execute(_candidates(dialect), values).all()


@lru_cache
def _candidates(dialect: str) -> Select[Any]:
    """Made once. All keys are one value of the statement. Only the first is looked up in the index: with both, each
    pair of them would be."""
    held: Any
    if dialect == "sqlite":
        each = func.json_each(bindparam("keys", type_=String)).table_valued(column("value", String))
        held = select(each.c.value)
        first, second = col(Subscription.first_key).in_(held), func.coalesce(Subscription.second_key, "").in_(held)
    else:
        texts: Any = postgresql.ARRAY(String)
        held = any_(bindparam("keys", type_=texts))
        first, second = col(Subscription.first_key) == held, func.coalesce(Subscription.second_key, "") == held
    return _live_ones().where(col(Subscription.noun) == bindparam("noun"), first, second)


def _live_ones() -> Select[Any]:
    """Subscriptions that tell something now, of people who may be told of the listing."""
    today, owner = bindparam("today", type_=Date), bindparam("owner", type_=Uuid)
    organisation = bindparam("organisation", type_=Uuid)
    roles = cast(col(Membership.roles), Text)
    there = select(col(Membership.id)).where(
        col(Membership.user_id) == col(User.id), col(Membership.organisation_id) == organisation,
        or_(*(roles.contains(f'"{role}"') for role in sorted(INSIDE))),
    )  # fmt: skip
    elsewhere: ColumnElement[bool] = ~there.exists()
    # As texts: most candidates are only looked at, and making ids of all takes longer than finding them.
    columns: tuple[Any, ...] = (
        cast(Subscription.id, Text), cast(Subscription.user_id, Text), col(Subscription.rhythm),
        cast(Subscription.query, Text),
    )  # fmt: skip
    return (
        select(*columns)
        .join_from(Subscription, User, col(User.id) == col(Subscription.user_id))
        .where(col(Subscription.paused).is_not(true()))
        .where(or_(col(Subscription.expires_on).is_(None), col(Subscription.expires_on) >= today))
        .where(col(User.active), elsewhere, or_(owner.is_(None), col(User.id) != owner))
    )


def _for_whom(listing: Listing, now: datetime) -> dict[str, Any]:
    return {"today": now.date(), "owner": listing.owner_id, "organisation": listing.organisation_id}


# By meaning


def _by_meaning(
    session: Session, noun: str, contents: Contents, vector: Sequence[float] | None, model: str, unlike: float
) -> list[uuid.UUID]:
    """Subscriptions with a vector that the listing answers, in words or in meaning."""
    meanings = _meanings(session, noun, model)
    if not meanings.ids:
        return []
    near: set[int] = set()
    if vector is not None and meanings.matrix.shape[1] == len(vector):
        near.update(np.flatnonzero(nearness(meanings.matrix, vector, unlike)).tolist())
    worded = {place for key in keys_of(contents) & meanings.by_word.keys() for place in meanings.by_word[key]}
    return [
        meanings.ids[place]
        for place in sorted(near | worded)
        if judged(contents, meanings.standings[place], near=place in near)
    ]


def _live(session: Session, listing: Listing, ids: Sequence[uuid.UUID], now: datetime) -> list[Any]:
    """(id, person, rhythm) of those of them that tell something now."""
    if not ids:
        return []
    wanted = listed(session, ids)
    rows = _live_ones().join(wanted, col(Subscription.id) == wanted.c.id)
    return [*session.connection().execute(rows, _for_whom(listing, now))]


def _meanings(session: Session, noun: str, model: str) -> _Meanings:
    """As the database has them, read anew only where their number or their latest change is another."""
    having = (col(Subscription.noun) == noun, col(Subscription.vector).is_not(None))
    counted = select(func.count(), func.max(Subscription.updated_at)).where(*having)
    as_of = tuple(session.connection().execute(counted).one())
    with _lock:
        known = _remembered.setdefault(session.get_bind(), {})
        found = known.get((noun, model))
        if found is None or found.as_of != as_of:
            found = known[noun, model] = _read(session, noun, model, as_of, having)
        return found


def _read(session: Session, noun: str, model: str, as_of: tuple[Any, ...], having: Iterable[Any]) -> _Meanings:
    columns = (
        col(Subscription.id), cast(Subscription.query, Text), col(Subscription.vector), col(Subscription.model),
    )  # fmt: skip
    rows = session.connection().execute(select(*columns).where(*having).order_by(col(Subscription.id))).all()
    vectors = {row[0]: unpack(row[2]) for row in rows if row[3] == model and row[2] is not None}
    width = next((len(vector) for vector in vectors.values()), 0)
    matrix = np.zeros((len(rows), width), np.float32)
    for place, row in enumerate(rows):
        if row[0] in vectors:
            matrix[place] = vectors[row[0]]
    standings = [_kept(noun, row[1]) for row in rows]
    by_word: dict[str, list[int]] = {}
    for place, one in enumerate(standings):
        # Whoever asks for meaning has asked with words.
        by_word.setdefault(max((key for key in required(one) if key.startswith("w:")), key=len), []).append(place)
    return _Meanings(as_of, [row[0] for row in rows], standings, by_word, matrix)
