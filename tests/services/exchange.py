"""The data of fixtures/ as an exchange: loads them, and reads matches by the keys that relevance.json uses."""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from sqlmodel import select

import search
from market.cli.data import load_folder
from market.models import LISTINGS, Match
from market.runtime import Runtime
from market.worker.runner import drain

FIXTURES = Path(search.__file__).parents[1] / "fixtures"

KeyPair = tuple[str, str]
"""The keys of a demand and of an outcome or expert."""


def fill(runtime: Runtime, *kinds: str) -> None:
    """Load these files of fixtures/, then index and match what they held."""
    with tempfile.TemporaryDirectory() as folder:
        for kind in kinds:
            shutil.copy(FIXTURES / f"{kind}.ndjson", folder)
        report = load_folder(runtime, Path(folder), quiet=True)
    assert not any(loaded.refusals for loaded in report.values()), report
    drain(runtime)


def labels(name: str) -> list[dict[str, Any]]:
    """The `pairs` or the `traps` of relevance.json."""
    rows: list[dict[str, Any]] = json.loads((FIXTURES / "relevance.json").read_text())[name]
    return rows


def pair_of(label: dict[str, Any]) -> KeyPair:
    """The keys of a labelled pair."""
    return label["demand"], label.get("outcome") or label["expert"]


@dataclass
class Exchange:
    """Matches that hold, by the keys of the two listings."""

    runtime: Runtime

    @cached_property
    def keys(self) -> dict[str, str]:
        """Keys by id."""
        with self.runtime.db.reading() as session:
            return {
                str(identity): str(key)
                for model in LISTINGS.values()
                for identity, key in session.execute(select(model.id, model.external_key))
            }

    @cached_property
    def scores(self) -> dict[KeyPair, float]:
        """The score of each match that holds."""
        with self.runtime.db.reading() as session:
            rows = session.exec(select(Match).where(Match.active)).all()
        return {(self.keys[str(row.demand_id)], self.keys[str(row.offer_id)]): row.demand_score for row in rows}

    def ranked(self, demand: str, kind: str) -> list[str]:
        """The keys of a demand's outcomes or experts, best first."""
        found = [
            (score, offer)
            for (wanted, offer), score in self.scores.items()
            if wanted == demand and offer.startswith(kind)
        ]
        return [offer for _, offer in sorted(found, key=lambda pair: (-pair[0], pair[1]))]

    def rank(self, pair: KeyPair) -> int | None:
        """From 1, among the demand's matches of the offer's kind; None where they are not matched."""
        demand, offer = pair
        ranked = self.ranked(demand, offer.partition("-")[0])
        return ranked.index(offer) + 1 if offer in ranked else None
