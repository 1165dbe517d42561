"""Matching: candidates of a need, and one new listing against all."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from sqlmodel import col, delete

from benchmarks.corpus import Corpus, sizes_of
from benchmarks.measure import Call, Figure, Times, clock, latency, side_by_side
from benchmarks.world import Phase, console, forget_jobs, opened, some_ids
from market.matching.signatures import Signature, bag, scripts, surface_forms
from market.models import Match
from market.outbox import JobName
from market.runtime import Runtime
from market.services import matches
from market.services.pairing import Finder
from search.engine import Engine, Frequencies, Page, Query

_NEEDS, _ROUNDS = 60, 4
_LISTINGS = 60
_SAMPLE = 200


class _Recorder:
    """The engine, and what was asked of it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.asked: list[tuple[str, Query]] = []

    def search(self, index: str, query: Query) -> Page:
        self.asked.append((index, query))
        return self._engine.search(index, query)

    def frequencies(self, index: str, terms: Any) -> Frequencies:
        return self._engine.frequencies(index, terms)

    def again(self) -> None:
        """Ask all of it once more."""
        for index, query in self.asked:
            self._engine.search(index, query)


def measure_candidates(data: Path) -> list[Figure]:
    """A 200-character need: choosing its key terms and asking for 200 outcomes."""
    console.print("candidates of a need")
    with opened(data) as runtime, runtime.db.reading() as session:
        pairs: list[tuple[Call, Call]] = []
        for text in _needs():
            need = Signature(
                noun="demand", languages=scripts([text]), words=bag([(text, 1.0)]), surfaces=surface_forms([text])
            )
            recorder = _Recorder(runtime.engine)
            Finder(session, recorder, candidates=200)._candidates(need, "outcome")  # type: ignore[arg-type]

            def find(need: Signature = need) -> None:
                Finder(session, runtime.engine, candidates=200)._candidates(need, "outcome")

            pairs.append((find, recorder.again))
        http, bare = side_by_side(pairs, rounds=_ROUNDS)
    return [latency("candidates of a 200-character need", http, "engine call with ready terms", bare)]


def _needs() -> Iterator[str]:
    corpus = Corpus(sizes_of(1_000), seed="needs")
    texts = (corpus.demand(number)["problem_zh"] for number in range(_NEEDS * 10))
    return islice((text for text in texts if len(text) >= 180), _NEEDS)


def measure_listings(data: Path) -> list[Figure]:
    """A new demand against all offers, and a new outcome against all demands, until the matches are kept."""
    figures: list[Figure] = []
    with opened(data) as runtime:
        for noun, others in (("demand", "all offers"), ("outcome", "all demands")):
            console.print(f"one new {noun} against {others}")
            with runtime.db.reading() as session:
                ids = [uuid.UUID(one) for one in some_ids(session, noun, _LISTINGS)]
            found: list[float] = []
            bare: list[float] = []
            for identity in ids:
                _forget(runtime, noun, identity)
                found.append(clock(partial(_match, runtime, noun, identity)))
                bare.append(clock(_candidate_queries(runtime, noun, identity)))
            figures.append(
                latency(f"match a new {noun} against {others}", Times.of(found), "candidate queries", Times.of(bare))
            )
        forget_jobs(runtime, [JobName.NOTIFY])
    return figures


def rematch(data: Path, phase: Phase, *, made: int) -> Figure:
    """All match jobs, beside what their candidate queries alone would have cost."""
    with opened(data) as runtime:
        seconds: list[float] = []
        for noun, share in (("outcome", 0.7), ("expert", 0.29), ("demand", 0.01)):
            with runtime.db.reading() as session:
                ids = some_ids(session, noun, round(_SAMPLE * share) or 1)
            seconds += [clock(_candidate_queries(runtime, noun, uuid.UUID(one))) for one in ids]
    return Figure(
        name="match all", unit="listings/s", value=phase.per_second, floor_name="candidate queries alone",
        floor=len(seconds) / sum(seconds), note=f"{phase.seconds:.1f} s; {made} matches",
    )  # fmt: skip


def _match(runtime: Runtime, noun: str, identity: uuid.UUID) -> None:
    settings = runtime.settings
    with runtime.db.reading() as session:
        finder = Finder(session, runtime.engine, candidates=settings.match_candidates)
        pairs = finder.pairs(noun, identity, least=settings.match_threshold)
    with runtime.db.writing() as session:
        now = runtime.clock()
        matches.keep(session, {(noun, identity): pairs}, notify_from=settings.notify_threshold, now=now)


def _candidate_queries(runtime: Runtime, noun: str, identity: uuid.UUID) -> Callable[[], None]:
    """The engine calls that matching this listing comes down to."""
    recorder = _Recorder(runtime.engine)
    with runtime.db.reading() as session:
        finder = Finder(session, recorder, candidates=runtime.settings.match_candidates)  # type: ignore[arg-type]
        finder.pairs(noun, identity, least=1.0)
    return recorder.again


def _forget(runtime: Runtime, noun: str, identity: uuid.UUID) -> None:
    """Make the listing new to matching."""
    with runtime.db.writing() as session:
        session.execute(delete(Match).where(col(getattr(Match, f"{noun}_id")) == identity))
