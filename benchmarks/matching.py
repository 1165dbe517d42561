"""Matching: signing listings, candidates of a need, one new listing against all, and all demands once more."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
import rjieba
from sqlmodel import Session, col, delete, select

from benchmarks.corpus import Corpus, sizes_of
from benchmarks.measure import Call, Figure, Times, clock, latency, side_by_side
from benchmarks.recording import Place, Recorder, watching
from benchmarks.world import Phase, console, drain, forget_jobs, opened, some_ids, waiting
from market.matching import likeness
from market.matching.score import Scales
from market.matching.signatures import Particulars, Signature, signature_of
from market.models import Demand, Listing, Match
from market.models import Signature as Row
from market.outbox import JobName
from market.runtime import Runtime
from market.services.matching import candidates, matches, pairing, rematching, signing
from market.services.matching.pairing import Finder, Fitting
from market.services.search import indexing
from market.services.search.indexing import Reference
from search.embedded.vectors import batches

_NEEDS, _ROUNDS = 60, 4
_LISTINGS = 40
_SAMPLE = 200
_SIGNED, _SIGNED_AT_ONCE = 2_000, 200
_TOGETHER = 20  # listings that one finder looks at
_ALONE = "its searches and comparisons alone"

_PIECES: Mapping[str, Place] = {
    "whether all are few": (candidates, "all_of"),
    "candidates by roads": (candidates, "by_roads"),
    "reading signatures": (Finder, "_fetch"),
    "weighing features": (Finder, "_side_of"),
    "comparing": (likeness, "compare"),
    "pair scores": (Scales, "weigh"),
    "evidence": (Finder, "_told"),
}


def measure_signing(data: Path) -> list[Figure]:
    """Signatures of the corpus's listings, without vectors, on one core."""
    console.print("signatures")
    count, seconds, floor, notes = 0, 0.0, 0.0, []
    with opened(data) as runtime, runtime.db.reading() as session:
        for noun, share in (("outcome", 0.7), ("expert", 0.29), ("demand", 0.01)):
            listings = _listings(session, noun, round(_SIGNED * share))
            pairs = [
                (partial(signing.sign_all, session, some, ""), partial(_segment, texts))
                for some, texts in ((some, _texts(some)) for some in batches(listings, _SIGNED_AT_ONCE))
            ]
            signed, segmented = side_by_side(pairs, rounds=2)
            count += 2 * len(listings)
            seconds += sum(signed.ms) / 1000
            floor += sum(segmented.ms) / 1000
            notes.append(f"{noun}s {2000 * len(listings) / sum(signed.ms):,.0f}")
    return [
        Figure(
            name="sign", unit="listings/s", value=count / seconds, floor_name="jieba alone on the same texts",
            floor=count / floor, goal="≥ 2,000", note=", ".join(notes),
        )
    ]  # fmt: skip


def _listings(session: Session, noun: str, count: int) -> list[Listing]:
    ids = [uuid.UUID(one) for one in some_ids(session, noun, count)]
    return [*indexing.load(session, [(noun, identity) for identity in ids]).values()]


def _texts(listings: Sequence[Listing]) -> list[str]:
    return [text for one in listings for passages in indexing.texts_of(one) for text, _ in passages if text]


def _segment(texts: Sequence[str]) -> None:
    for text in texts:
        rjieba.cut_for_search(text, False)


def measure_candidates(data: Path) -> list[Figure]:
    """A 200-character need: choosing its key terms and asking for 200 outcomes."""
    console.print("candidates of a need")
    with opened(data) as runtime, runtime.db.reading() as session:
        rarity = runtime.scorings.current(session).scale.rarity
        pairs: list[tuple[Call, Call]] = []
        for text in _needs():
            recorder = Recorder(runtime.engine)
            find = partial(candidates.by_roads, mine=_need(text), kind="outcome", rarity=rarity, most=200)
            find(recorder)  # type: ignore[arg-type]
            pairs.append((partial(find, runtime.engine), recorder.search_again))
        found, bare = side_by_side(pairs, rounds=_ROUNDS)
    return [latency("candidates of a 200-character need", found, "engine call with ready terms", bare)]


def _need(text: str) -> Signature:
    return signature_of(Particulars("demand"), [[(text, 1.0)]])


def _needs() -> Iterator[str]:
    corpus = Corpus(sizes_of(1_000), seed="needs")
    texts = (corpus.demand(number)["problem_zh"] for number in range(_NEEDS * 10))
    return islice((text for text in texts if len(text) >= 180), _NEEDS)


def measure_listings(data: Path, *, outcomes: int) -> list[Figure]:
    """A new demand against all offers, and a new outcome against all demands: no pair of it is known before, only
    what the process remembers of the others, as a worker does."""
    goals = {"demand": f"≤ {10 if outcomes <= 10_000 else 50} ms"} if outcomes <= 100_000 else {}
    figures: list[Figure] = []
    with opened(data) as runtime:
        for noun, others in (("demand", "all offers"), ("outcome", "all open demands")):
            console.print(f"one new {noun} against {others}")
            figures += _of_new(runtime, noun, f"a new {noun} against {others}", goals.get(noun, ""))
        forget_jobs(runtime, [JobName.NOTIFY])
    return figures


def _of_new(runtime: Runtime, noun: str, name: str, goal: str) -> list[Figure]:
    with runtime.db.reading() as session:
        references = [(noun, uuid.UUID(one)) for one in some_ids(session, noun, _LISTINGS)]
    _found(runtime, references[-1])  # fills the caches
    seconds: dict[str, list[float]] = {}
    read = 0
    for reference in references:
        _forget(runtime, reference)
        with watching(_PIECES) as spent:
            fitting, whole, ids = _found(runtime, reference)
        bodies, select_seconds = _bodies(runtime, ids)
        recorder = _recorded(runtime, [reference])
        searches = clock(recorder.search_again)
        read += len(bodies)
        times = {
            "whole": whole,
            **spent,
            "the rest": whole - sum(spent.values()),
            "kept": clock(partial(_keep, runtime, reference, fitting)),
            "searches": searches,
            "alone": searches + clock(recorder.compare_again),
            "sum": clock(lambda bodies=bodies: int(np.frombuffer(bodies, np.uint8).sum(dtype=np.uint64))),
            "select": select_seconds,
        }
        for piece, one in times.items():
            seconds.setdefault(piece, []).append(one)
    of = {piece: Times.of(ones) for piece, ones in seconds.items()}
    floors = {"alone": _ALONE, "select": "SELECT of the same signatures", "sum": "numpy's sum of their bytes"}
    if noun == "demand":
        floors = {"searches": "its candidate searches alone", **floors}
    figures = [latency(name, of["whole"], floor_name, of[floor], goal=goal) for floor, floor_name in floors.items()]
    note = f"{read / len(references) / 1e6:.2f} MB of signatures, most remembered from the listings before"
    return [
        replace(figures[0], note=note),
        *(replace(figure, goal="") for figure in figures[1:]),
        *(
            latency(f"  {piece}", of[piece], note=f"{of[piece].mean / of['whole'].mean:.0%} of it")
            for piece in (*_PIECES, "the rest")
            if of[piece].mean > 0
        ),
        latency("  and to keep what was found", of["kept"]),
    ]


def _found(runtime: Runtime, reference: Reference) -> tuple[Fitting, float, list[uuid.UUID]]:
    """What a finder that remembers nothing finds, in how many seconds, and whose signatures it reads for that."""
    fitting: list[Fitting] = []
    with runtime.db.reading() as session:
        finder = runtime.finder(session)
        seconds = clock(lambda: fitting.append(finder.pairs(*reference, least=runtime.settings.match_threshold)))
    return fitting[0], seconds, list(finder._listings)


def _bodies(runtime: Runtime, ids: Sequence[uuid.UUID]) -> tuple[bytes, float]:
    """Signatures as they are kept, and the seconds that the database takes to give them."""
    bodies: list[bytes] = []
    with runtime.db.reading() as session:
        rows = select(Row.body).where(col(Row.listing_id).in_(ids))
        seconds = clock(lambda: bodies.extend(session.exec(rows)))
    return b"".join(bodies), seconds


def _keep(runtime: Runtime, reference: Reference, fitting: Fitting) -> None:
    with runtime.db.writing() as session:
        now = runtime.clock()
        found, least = {reference: fitting}, runtime.settings.notify_threshold
        matches.keep(session, found, versions=pairing.versions(session, found), notify_from=least, now=now)


def _recorded(runtime: Runtime, references: Sequence[Reference]) -> Recorder:
    """The searches and comparisons that matching these listings comes down to."""
    recorder = Recorder(runtime.engine)
    with runtime.db.reading() as session, recorder.listening():
        finder = replace(runtime, engine=recorder).finder(session)  # type: ignore[arg-type]
        finder.read_ahead(references)
        for reference in references:
            finder.pairs(*reference, least=runtime.settings.match_threshold)
    return recorder


def _forget(runtime: Runtime, reference: Reference) -> None:
    """Make the listing new to matching."""
    noun, identity = reference
    with runtime.db.writing() as session:
        session.execute(delete(Match).where(col(getattr(Match, f"{noun}_id")) == identity))


def measure_rematch(data: Path, *, goal: str = "") -> list[Figure]:
    """All open demands matched again, as the worker does it after what scores depend on has changed."""
    console.print("all open demands once more")
    with opened(data, writes_index=True) as runtime:
        forget_jobs(runtime)
        with runtime.db.writing() as session:
            total = rematching.start(session, "growth", now=runtime.clock()).total
        seconds = 0.0
        while waiting(runtime, [JobName.REMATCH]):
            seconds += drain(runtime, JobName.REMATCH, quiet=True).seconds
        forget_jobs(runtime)
        with runtime.db.reading() as session:
            open_ones = select(Demand.id).where(Demand.state == "published", Demand.progress == "open")
            some = [("demand", identity) for identity in session.exec(open_ones.limit(2 * _TOGETHER))]
        floor = _alone(runtime, some) * total / max(len(some), 1)
    note = f"{total} demands, {1000 * seconds / max(total, 1):.1f} ms each"
    return [
        Figure(name="rematch of all open demands", unit="s", value=seconds, floor_name=_ALONE, floor=floor,
               goal=goal, note=note)
    ]  # fmt: skip


def rematch(data: Path, phase: Phase, *, made: int) -> Figure:
    """All match jobs, beside what their searches and comparisons alone would have cost."""
    count, seconds = 0, 0.0
    with opened(data) as runtime:
        for noun, share in (("outcome", 0.7), ("expert", 0.29), ("demand", 0.01)):
            with runtime.db.reading() as session:
                ids = some_ids(session, noun, round(_SAMPLE * share) or 1)
            count += len(ids)
            seconds += _alone(runtime, [(noun, uuid.UUID(one)) for one in ids])
    return Figure(
        name="match all", unit="listings/s", value=phase.per_second, floor_name=_ALONE, floor=count / seconds,
        note=f"{phase.seconds:.1f} s; {made} matches",
    )  # fmt: skip


def _alone(runtime: Runtime, references: Sequence[Reference]) -> float:
    """Seconds of the searches and comparisons that matching these listings comes down to."""
    return sum(clock(_recorded(runtime, some).again) for some in batches(references, _TOGETHER))
