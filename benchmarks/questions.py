"""What is asked of the search: questions of eight kinds, from words that stand in the listings."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlencode

import orjson
from sqlmodel import Session

from market.services.rights.access import VISITOR
from market.services.search import searching
from schemas.queries import OutcomeQuery
from search.engine import Query

PATH = "/api/v1/outcomes"
DEEP = "技术"
"""Stands in most Chinese listings: the results go on for long."""

LIMIT = 20
_EACH = 30


@dataclass(frozen=True, slots=True)
class Question:
    """Parameters of the API."""

    parameters: Mapping[str, str]

    @property
    def path(self) -> str:
        """As it is asked over HTTP."""
        return f"{PATH}?{urlencode({**self.parameters, 'limit': str(LIMIT)})}"

    def query(self, *, offset: int = 0) -> Query:
        """As the service asks the engine, with the filters of a visitor."""
        asked = OutcomeQuery().load(dict(self.parameters))
        listener: Any = _Listener()
        try:
            searching.run(Session(), listener, VISITOR, "outcome", asked, offset=offset, limit=LIMIT)
        except _Heard as heard:
            return heard.query
        raise AssertionError("the service asked the engine nothing")


class _Heard(Exception):
    """What the engine was asked."""

    def __init__(self, query: Query) -> None:
        self.query = query
        super().__init__()


class _Listener:
    """Takes the place of the engine, hears what it is asked, and answers nothing."""

    def search(self, _: str, query: Query) -> NoReturn:
        raise _Heard(query)


def questions(rows: Path, *, seed: str = "questions") -> dict[str, list[Question]]:
    """Questions by kind, from the keywords of some outcomes; other ones for another seed."""
    dice = random.Random(seed)
    with (rows / "outcomes.ndjson").open("rb") as lines:
        listings = [orjson.loads(line) for line in islice(lines, 2_000)]
    dice.shuffle(listings)
    makers = {
        "one word": lambda _, words: {"q": words[0]},
        "two words": lambda _, words: {"q": " ".join(words[:2])},
        "three words": lambda _, words: {"q": " ".join(words[:3])},
        "filter + 3 facets": lambda row, words: {
            "q": words[0], "field": row["field"], "trl_from": "3", "region": row["region"],
            "facets": "kind,industries,trl",
        },
        "prefix": lambda _, words: {"q": _unfinished(words)},
        "typo": lambda _, words: {"q": _misspelt(words, dice)},
        "by price": lambda _, words: {"q": words[0], "sort": "price"},
    }  # fmt: skip
    made: dict[str, list[Question]] = {}
    for kind, make in makers.items():
        found: dict[str, Question] = {}
        for row in listings:
            words = [word for word in row["keywords"] if " " not in word and "-" not in word]
            parameters = make(row, words) if len(words) >= 3 else {}
            if parameters.get("q"):
                found.setdefault(parameters["q"], Question(parameters))
            if len(found) == _EACH:
                break
        made[kind] = [*found.values()]
    return made


def _unfinished(words: Iterable[str]) -> str:
    """A word without its end: what is there while a person types."""
    return next((word[: max(2, len(word) * 2 // 3)] for word in words if len(word) >= 4), "")


def _misspelt(words: Iterable[str], dice: random.Random) -> str:
    """A Latin word with two letters exchanged."""
    for word in words:
        if word.isascii() and word.isalpha() and len(word) >= 6:
            at = dice.randrange(1, len(word) - 2)
            if word[at] != word[at + 1]:
                return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return ""
