"""match: a free text against what the exchange holds."""

from __future__ import annotations

import click

from market.cli.output import json_option, opened, show
from market.matching import reasons
from market.services.matching import pairing
from market.services.rights.access import VISITOR
from market.settings import Settings


@click.command()
@click.argument("text")
@click.option(
    "--kind", "kinds", multiple=True, type=click.Choice(["outcome", "expert", "demand"]),
    default=("outcome", "expert"), show_default=True, help="What is sought.",
)  # fmt: skip
@click.option("--limit", default=5, show_default=True, help="How many of each kind.")
@click.option("--language", type=click.Choice(["zh", "en"]), default="zh", show_default=True)
@json_option
@click.pass_obj
def match(settings: Settings, text: str, kinds: tuple[str, ...], limit: int, language: str, as_json: bool) -> None:
    """Match TEXT, a need or an offer, and say why each fits."""
    found = []
    with opened(settings) as runtime, runtime.db.reading() as session:
        finder = runtime.finder(session)
        for kind in kinds:
            asked = {"text": text, "kind": kind, "limit": limit}
            for pair, listing in pairing.of_text(finder, runtime.embedder, VISITOR, asked):
                parts = [part.as_row() for part in pair.score.parts]
                found.append(
                    {
                        "type": kind,
                        "id": str(listing.id),
                        "score": pair.score.value,
                        "title": listing.heading(language),
                        "why": reasons.sentence(parts, language),
                        "reasons": parts,
                    }
                )
    show(
        found,
        as_json=as_json,
        columns=("score", "kind", "title", "why"),
        rows=[(f"{one['score']:.0%}", one["type"], one["title"], one["why"]) for one in found],
    )
