"""Saved searches: which of 100,000 one new listing answers, beside judging it by all of them one after another."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from sqlmodel import Session, select

from benchmarks.corpus import SEED, TOPICS, Writer
from benchmarks.measure import Figure, Times, clock, latency
from benchmarks.world import console, opened, some_ids
from market.db import append
from market.models import Subscription, User
from market.models.base import new_id
from market.runtime import Runtime
from market.services.search import indexing
from market.services.subscriptions import alerts, subscriptions
from market.services.subscriptions.alerts import Found
from market.services.subscriptions.subscriptions import BY_MEANING, pack, standing_of
from market.vocabulary import vocabulary
from schemas.subscriptions import Search, search_of
from search.indexes import OUTCOMES
from search.standing import Contents, Standing, answers, keys, keys_of, required

COUNT = 100_000
DIMENSIONS = 384
_LISTINGS = 200
_ALL_OF = 20  # of the listings are judged by every search
_MEANT = 0.03
_LIKE = 0.6  # the cosine of unlike texts, so that a random vector is near to none
_GOAL = "≤ 20 ms at p95, ≤ 1/50 of all"
_MODEL = "benchmark"


def measure(data: Path) -> list[Figure]:
    """Keep the searches, then find those that new outcomes answer. The listings are read before."""
    console.print(f"{COUNT:,} subscriptions")
    with opened(data) as runtime:
        searches = [*_searches(COUNT)]
        understood = [standing_of(search) for search in searches]
        _keep(runtime, searches, understood)
        with runtime.db.reading() as session:
            found = _found(session)
            hits = partial(alerts.hits, session, model=_MODEL, unlike=_LIKE, now=runtime.clock())
            cold = Times.of(clock(partial(hits, [one])) for one in found)
            warm = Times.of(clock(partial(hits, [one])) for one in found)
            answered = [len(hits([one])) for one in found]
        everything = Times.of(clock(partial(_by_all, one, understood)) for one in found[:_ALL_OF])
        reading = Times.of(clock(partial(_read, one)) for one in found)
    note = f"{sum(answered) / len(answered):.0f} answered on average, {max(answered)} at most; "
    note += f"no search understood before: {cold.p50:.1f}, p95 {cold.p95:.1f}"
    return [
        latency(
            "subscriptions that a listing answers", warm, "every search in turn", everything, goal=_GOAL, note=note
        ),
        replace(latency("of that reading the listing", reading), note="words, concepts and keys"),
    ]


def _by_all(found: Found, understood: Sequence[Standing]) -> int:
    contents = Contents(OUTCOMES, found[1])
    return sum(answers(contents, one) for one in understood)


def _read(found: Found) -> set[str]:
    return keys_of(Contents(OUTCOMES, found[1]))


def _found(session: Session) -> list[Found]:
    dice = np.random.default_rng(SEED)
    ids = [uuid.UUID(one) for one in some_ids(session, "outcome", _LISTINGS)]
    loaded = indexing.load(session, [("outcome", one) for one in ids]).values()
    return [(one, indexing.document(one), _unit(dice).tolist()) for one in loaded]


def _unit(dice: np.random.Generator) -> Any:
    row = dice.standard_normal(DIMENSIONS)
    return row / np.linalg.norm(row)


def _searches(count: int) -> Iterator[Search]:
    """One to three words of a topic, as frequent as in the listings; half of them narrowed by one or two filters."""
    writer, dice = Writer("subscriptions"), random.Random(f"{SEED} subscriptions")
    filters: Sequence[tuple[str, Sequence[Any]]] = (
        ("field", vocabulary("fields").codes),
        ("region", [term.code for term in vocabulary("regions") if term.parent is None][:8]),
        ("cooperation_modes", vocabulary("cooperation_modes").codes),
        ("kind", vocabulary("outcome_kinds").codes),
        ("trl_from", range(2, 9)),
        ("price_to", (100_000, 1_000_000, 5_000_000)),
    )
    for number in range(count):
        draft = writer.start(int(TOPICS * dice.random() ** 1.5))
        language = int(dice.random() < 0.3)
        words = [draft.word(dice.choice("mpdakts"))[language] for _ in range(dice.choice((1, 1, 2, 2, 2, 3)))]
        query: dict[str, Any] = {"q": " ".join(dict.fromkeys(words))}
        if number % 2:
            query |= {name: dice.choice(values) for name, values in dice.sample(filters, dice.choice((1, 1, 2)))}
        if dice.random() < _MEANT:
            query["semantic"] = True
        yield search_of("outcome", query)


def _keep(runtime: Runtime, searches: Sequence[Search], understood: Sequence[Standing]) -> None:
    """Straight into the table, with the keys that the service would choose."""
    dice = np.random.default_rng(SEED + 1)
    rarity = subscriptions.rarity_of(runtime.engine, "outcome", {key for one in understood for key in required(one)})
    with runtime.db.writing() as session:
        people = session.exec(select(User.id)).all()
        rows = []
        for number, (search, one) in enumerate(zip(searches, understood, strict=True)):
            first, second = (BY_MEANING, "") if search.semantic else keys(one, rarity)
            rows.append(
                {
                    "id": new_id(), "created_at": runtime.clock(), "updated_at": runtime.clock(),
                    "user_id": people[number % len(people)], "noun": "outcome", "name": "",
                    "query": dict(search.wire), "first_key": first, "second_key": second, "rhythm": "instant",
                    "paused": False, "expires_on": None, "feed_digest": None,
                    "vector": pack(_unit(dice)) if search.semantic else None,
                    "model": _MODEL if search.semantic else "",
                }
            )  # fmt: skip
        append(session, Subscription, rows)
