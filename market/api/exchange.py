"""The exchange as a whole: its vocabularies."""

from __future__ import annotations

from typing import Any

from market.api.calls import Call
from market.api.doors import Answer, Door
from market.api.examples import exchange as examples
from market.vocabulary import VOCABULARIES
from schemas.answers import VocabulariesQuery, VocabulariesRead

door = Door("exchange", __name__, url_prefix="/api/v1", description="The exchange as a whole 概览")


@door.route_to(
    "GET", "/vocabularies", action="exchange.read", query=VocabulariesQuery, answer=VocabulariesRead,
    example=examples.VOCABULARIES,
)  # fmt: skip
def list_vocabularies(call: Call, query: dict[str, Any]) -> Answer:
    """Every controlled vocabulary: stable codes with Chinese and English labels."""
    wanted = query.get("name")
    shown = [one for one in VOCABULARIES.values() if wanted in (None, one.name)]
    items = [
        {
            "name": one.name,
            "label": one.zh if call.language == "zh" else one.en,
            "zh": one.zh,
            "en": one.en,
            "terms": [
                {
                    "code": term.code,
                    "label": term.label(call.language),
                    "zh": term.zh,
                    "en": term.en,
                    "parent": term.parent,
                }
                for term in one
            ],
        }
        for one in shown
    ]
    return Answer({"items": items})
