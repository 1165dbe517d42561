"""`python -m benchmarks [10k|100k|1m] [--json] [--only NAME ...]`: makes listings, measures, reports."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks import (
    database_server,
    importing,
    matching,
    nearness,
    placement,
    report,
    requests,
    rights,
    search_server,
    searches,
    subscriptions,
    telling,
    world,
)
from benchmarks.corpus import CENTRE, Corpus, Sizes, sizes_of
from benchmarks.measure import Figure, in_child
from benchmarks.world import Phase, console
from market.outbox import JobName

SIZES = {"10k": 10_000, "100k": 100_000, "1m": 1_000_000}
PARTS = (
    "import", "index", "match", "sign", "search", "candidates", "listing", "rematch", "nearest",
    "subscriptions", "telling", "rights", "post", "get",
)  # fmt: skip
SPECIAL = ("imports", "centre", "placement", "server", "postgresql")
CENTRE_PARTS = ("import", "index", "match", "sign", "listing", "rematch")
_CENTRE_GOAL, _CENTRE_REMATCH_GOAL = 90.0, 5.0


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure how fast the product is.")
    parser.add_argument("size", nargs="?", choices=SIZES, default="10k", help="listings (default: 10k)")
    parser.add_argument("--json", action="store_true", dest="as_json", help="print JSON instead of a table")
    parser.add_argument(
        "--only", nargs="+", choices=(*PARTS, *SPECIAL), default=[], metavar="NAME",
        help=f"only these: {', '.join((*PARTS, *SPECIAL))}; whatever they need is done first",
    )  # fmt: skip
    arguments = parser.parse_args()
    run(arguments.size, arguments.only, as_json=arguments.as_json)


def run(size: str, only: Sequence[str], *, as_json: bool) -> None:
    """Measure the parts, or all of them, and report."""
    label = "-".join(["centre"] if "centre" in only else [size, *only])
    sizes = CENTRE if "centre" in only else sizes_of(SIZES[size])
    parts = {*CENTRE_PARTS} if "centre" in only else {*only} or {*PARTS}
    title = f"{sizes.outcomes:,} outcomes, {sizes.experts:,} experts, {sizes.demands:,} demands"
    began = time.perf_counter()
    with world.workplace() as folder:
        figures = _measure(Path(folder), sizes, parts, centre="centre" in only)
    if size == "100k" and not only:
        figures += _growth(figures, report.earlier(Path("var/bench-10k.json")))
    about = {
        "listings": {"outcomes": sizes.outcomes, "experts": sizes.experts, "demands": sizes.demands},
        "seconds": round(time.perf_counter() - began, 1),
    }
    data = report.as_data(title, about, figures)
    report.write(Path(f"var/bench-{label}.json"), data)
    if as_json:
        report.print_json(data)
    else:
        report.print_table(title, figures)
        console.print(f"Took {about['seconds']} s; written to var/bench-{label}.json")


def _measure(folder: Path, sizes: Sizes, parts: set[str], *, centre: bool) -> list[Figure]:
    data, rows = folder / "data", folder / "rows"
    data.mkdir()
    with world.progress(quiet=False) as bar:
        task = bar.add_task("write listings", total=sizes.all)
        Corpus(sizes).write(rows, tick=lambda count: bar.advance(task, count))
    loaded = in_child(world.load, data, rows)
    figures = [
        Figure(name="import", unit="rows/s", value=loaded.per_second, floor_name="executemany INSERT of the lines",
               floor=loaded.floor_per_second, note=f"{loaded.seconds:.1f} s"),
    ]  # fmt: skip
    indexed = in_child(world.index, data)
    figures += _index_figures(indexed, sizes)
    if "match" in parts:
        figures += _matched(data, loaded, indexed, goal=_CENTRE_GOAL if centre else None)
    with world.opened(data) as runtime:
        world.count_features(runtime)
        world.forget_jobs(runtime)
    rematch_goal = f"≤ {_CENTRE_REMATCH_GOAL:.0f} s" if centre else ""
    steps: dict[str, Callable[[], list[Figure]]] = {
        "sign": lambda: matching.measure_signing(data),
        "search": lambda: searches.measure(data, rows),
        "candidates": lambda: matching.measure_candidates(data),
        "listing": lambda: matching.measure_listings(data, outcomes=sizes.outcomes),
        "rematch": lambda: matching.measure_rematch(data, goal=rematch_goal),
        "nearest": lambda: nearness.measure(sizes.outcomes),
        "subscriptions": lambda: subscriptions.measure(data),
        "telling": lambda: telling.measure(folder / "telling"),
        "rights": lambda: rights.measure(data, rows),
        "get": lambda: requests.measure_gets(data),
        "post": lambda: requests.measure_posts(data),
        "imports": lambda: importing.measure(folder / "imports"),
        "postgresql": lambda: database_server.measure(data),
        "placement": lambda: placement.measure(data, rows),
        "server": lambda: search_server.measure(data, rows),
    }
    for name, step in steps.items():
        if name in parts:
            figures += step()
    return figures


def _index_figures(indexed: Phase, sizes: Sizes) -> list[Figure]:
    ready_made = f"engine.put of {min(sizes.all, world.READY_MADE)} ready-made"
    return [
        Figure(
            name="index", unit="docs/s", value=indexed.per_second, floor_name=ready_made,
            floor=indexed.floor_per_second, note=f"{indexed.seconds:.1f} s",
        ),
        Figure(name="index on disk", unit="MB", value=indexed.bytes_on_disk / 1e6),
        _memory("indexing", indexed),
    ]  # fmt: skip


def _memory(doing: str, phase: Phase) -> Figure:
    return Figure(
        name=f"memory of the worker while {doing}", unit="MB", value=phase.peak_memory / 1e6, note="peak RSS"
    )


def _matched(data: Path, loaded: Phase, indexed: Phase, *, goal: float | None) -> list[Figure]:
    """Match everything, then tell whom it concerns; and the way from files to matches as a whole."""
    matched = in_child(world.match, data, JobName.MATCH)
    with world.opened(data) as runtime:
        made = world.count_matches(runtime)
    told = in_child(world.match, data, JobName.NOTIFY)
    whole = matching.rematch(data, matched, made=made)
    phases = {
        "import": loaded.seconds, "index": indexed.seconds, "match": matched.seconds, "notify": told.seconds,
    }  # fmt: skip
    least = loaded.count / loaded.floor_per_second + indexed.count / indexed.floor_per_second
    least += matched.count / (whole.floor or 1)
    told_note = f"{told.seconds:.1f} s for {told.count}"
    return [
        whole,
        _memory("matching", matched),
        Figure(name="notify", unit="matches/s", value=told.per_second, note=told_note),
        Figure(
            name="end to end", unit="s", value=sum(phases.values()), floor_name="the floors of its phases",
            floor=least, goal=f"≤ {goal:.0f} s" if goal else "",
            note=", ".join(f"{name} {seconds:.1f}" for name, seconds in phases.items()),
        ),
        Figure(
            name="per listing", unit="ms", value=1000 * sum(phases.values()) / indexed.count, note="end to end"
        ),
    ]  # fmt: skip


def _growth(figures: Sequence[Figure], small: dict[str, object] | None) -> list[Figure]:
    """How much longer a listing takes among ten times as many."""
    kept = {figure["name"]: figure for figure in small["figures"]} if small else {}  # type: ignore[attr-defined]
    mine = next(figure for figure in figures if figure.name == "per listing")
    if "per listing" not in kept:
        return []
    value = mine.value / kept["per listing"]["value"]
    return [Figure(name="per listing, at 100k against 10k", unit="x", value=value, note=f"10k: {small['at']}")]  # type: ignore[index]


if __name__ == "__main__":
    main()
