"""Ranks every labelled set of a folder, has the judge beside it score the runs, and writes the table into the docs.

python -m benchmarks.evaluate SETS JUDGE: SETS holds a folder for each set, JUDGE is a script that prints a run's
figures as JSON. Peers are read from each set's task.json.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from itertools import zip_longest
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent.parent / "docs" / "matching.md"
BEGIN, END = "<!-- figures: make evaluate -->", "<!-- end of figures -->"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", type=Path)
    parser.add_argument("judge", type=Path)
    parser.add_argument("--runs", type=Path, default=Path("var/runs"))
    parser.add_argument("--only", nargs="*", default=())
    asked = parser.parse_args()
    rows = []
    for folder in sorted(path for path in asked.sets.iterdir() if (path / "task.json").exists()):
        if not asked.only or folder.name in asked.only:
            rows += judged(folder, asked.judge, asked.runs)
    table = "\n".join(
        ["| set | figure | mean | 95 % interval | ranked in | peers |", "|---|---|---|---|---|---|", *rows]
    )
    print(table)
    if not asked.only:
        keep(table)


def judged(folder: Path, judge: Path, runs: Path) -> list[str]:
    """The rows of one set; its peers stand in the first."""
    run = runs / f"{folder.name}.tsv"
    speed = output(
        "market", "evaluate", str(folder), "--run", str(run), "--vectors", str(runs / "vectors.db"), "--json"
    )
    figures = output(sys.executable, str(judge), str(folder), str(run), "--json")["figures"]
    task = json.loads((folder / "task.json").read_text(encoding="utf-8"))
    peers = ["; ".join(f"{name} {said}" for name, said in task.get("peers", {}).items())]
    each = f"{speed['ranking'] / max(speed['queries'], 1) * 1000:.0f} ms each"
    return [
        f"| {folder.name} | {name} | {one['mean']:.3f} | {one['low']:.3f} to {one['high']:.3f} | {each} | {said} |"
        for (name, one), said in zip_longest(figures.items(), peers, fillvalue="")
    ]


def output(*command: str) -> dict[str, Any]:
    """What a command prints, as JSON; its progress is shown."""
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def keep(table: str) -> None:
    """Put the table between its marks in the docs."""
    text = DOCS.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    DOCS.write_text(f"{before}{BEGIN}\n\n{table}\n\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
