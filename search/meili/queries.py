"""Turns a Query into requests of the server. Values go into filters encoded, words as words, never as syntax."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from search.engine import AnyOf, Between, Filter, Not, Query
from search.highlighting import Wanted
from search.indexes import IndexSpec
from search.meili.documents import (
    EMBEDDER,
    GRAMS,
    ID,
    LATIN,
    SHORTEST_MISSPELT,
    STORE,
    TERMS,
    encode,
    spelled,
    unit,
    word,
)
from search.reading import Reading, Stretch, read, whole_words
from search.text import normalise, parts, stem

Body = dict[str, Any]
"""The body of one search request."""

MOST_WORDS = 10  # that the server reads; a phrase counts as one
FIRST_TYPO, SECOND_TYPO = SHORTEST_MISSPELT, 8  # letters from which a word may have one typo, and two
FEWEST_LOOSE = 3  # words of a question from which not all need to be found
ENOUGH = 0.6  # of the words that are known, where no document has all


@dataclass(frozen=True, slots=True)
class Attempt:
    """One way to ask: what goes to the server, and what to mark in what it finds."""

    body: Body
    wanted: Wanted


def narrowing(filters: Iterable[Filter]) -> list[str]:
    """The filters as the server's expressions, all of which must hold."""
    return [_expression(condition) for condition in filters]


def holding(terms: Iterable[str]) -> str:
    """Documents that hold at least one of these analysed terms."""
    return f"{TERMS} IN [{', '.join(_quoted(term) for term in terms)}]"


def paged(query: Query, *, filters: Sequence[str]) -> Body:
    """What every request of a query has: its page, filters, order and facets."""
    body: Body = {"offset": query.offset, "limit": query.limit, "attributesToRetrieve": _retrieved(query)}
    if filters:
        body["filter"] = [*filters]
    if query.facets:
        body["facets"] = [*query.facets]
    if query.sort is not None:
        body["sort"] = [f"{query.sort.field}:{'desc' if query.sort.descending else 'asc'}"]
    else:
        body["showRankingScore"] = True
    return body


def strict(spec: IndexSpec, reading: Reading) -> Attempt:
    """Every word is wanted, as it is; the last may be unfinished. None as a phrase: those have no synonyms."""
    words = [one if stretch.han else word(one) for stretch in reading.stretches for one in stretch.words]
    return _attempt(spec, _joined(reading.phrases, words), reading)


def otherwise(spec: IndexSpec, reading: Reading) -> list[Attempt]:
    """What to try, in this order, where the strict way finds nothing: Chinese cut otherwise, then typing errors."""
    attempts: list[Attempt] = []
    if any(stretch.han for stretch in reading.stretches):
        whole = [_run_as_it_stands(stretch) for stretch in reading.stretches]
        single = [_quoted_phrase(one) if s.han else word(one) for s in reading.stretches for one in s.words]
        attempts = [_attempt(spec, _joined(reading.phrases, words), reading) for words in (whole, single)]
    misspelt = _misspelt(reading)
    if misspelt:
        words = [one for stretch in reading.stretches for one in _plain(stretch)]
        attempts.append(_attempt(spec, _joined(reading.phrases, words), reading, similar=misspelt))
    return attempts


def distinct_words(reading: Reading) -> list[str]:
    """The analysed words of a question, each once."""
    return list(dict.fromkeys(one if s.han else stem(one) for s in reading.stretches for one in s.words))


def loose(spec: IndexSpec, reading: Reading, rarest: Sequence[str]) -> list[Attempt]:
    """Most of the known words, the rarest first; then whichever of them there are."""
    kept = Reading((), tuple(s for s in reading.stretches if set(distinct_words(Reading((), (s,)))) & {*rarest}))
    most = list(rarest[: max(2, -int(-ENOUGH * len(rarest) // 1))])
    every = _attempt(spec, _joined(reading.phrases, most), kept)
    some = _attempt(spec, _joined(reading.phrases, rarest), kept)
    some.body["matchingStrategy"] = "frequency"
    return [every, some]


def typing(spec: IndexSpec, text: str) -> list[Body]:
    """Texts that complete what is being typed: by words, then by characters."""
    reading = read(text)
    fields = [field.name for field in spec.text if field.suggest]
    if not reading.stretches:
        return []
    words = [_asked(stretch, one) for stretch in reading.stretches for one in stretch.words]
    words[-1] = normalise(reading.stretches[-1].words[-1])  # unfinished: it has no stem yet
    spelled_out = [_run_as_it_stands(stretch) for stretch in reading.stretches]
    return [
        {
            "q": _joined((), one),
            "matchingStrategy": "all",
            "attributesToSearchOn": [*fields, GRAMS],
            "attributesToRetrieve": ["id", *(f"{STORE}.{name}" for name in fields)],
        }
        for one in (words, spelled_out)
    ]


def hybrid(vector: Sequence[float], share: float) -> Body:
    """The part of a request that asks for neighbours of a vector, with their share of the order."""
    return {"vector": unit(vector), "hybrid": {"embedder": EMBEDDER, "semanticRatio": share}}


def named_by(ids: Iterable[str]) -> str:
    """Documents of these ids."""
    return _expression(AnyOf("id", tuple(ids)))


def _attempt(spec: IndexSpec, q: str, reading: Reading, *, similar: tuple[tuple[str, int], ...] = ()) -> Attempt:
    attributes = [*(field.name for field in spec.text), GRAMS, *([LATIN] if similar else [])]
    body = {"q": q, "matchingStrategy": "all", "attributesToSearchOn": attributes}
    return Attempt(body, _wanted(reading, similar))


def _wanted(reading: Reading, similar: tuple[tuple[str, int], ...]) -> Wanted:
    last = reading.stretches[-1] if reading.stretches else None
    beginnings = {last.words[-1]} if last is not None and last.words else set()
    words = set(distinct_words(reading))
    for stretch in reading.stretches:
        if not stretch.han and not stretch.text.isalnum():
            words.update(map(stem, parts(stretch.text)))
    return Wanted(frozenset(words), frozenset(beginnings), reading.phrases, similar)


def _asked(stretch: Stretch, one: str) -> str:
    if one in whole_words():
        return _quoted_phrase(one)
    return one if stretch.han else word(one)


def _run_as_it_stands(stretch: Stretch) -> str:
    return _quoted_phrase(stretch.text) if stretch.han else word(stretch.text)


def _plain(stretch: Stretch) -> Sequence[str]:
    """As typed, since endings are what a typing error spoils."""
    return stretch.words if stretch.han else parts(stretch.text)


def _misspelt(reading: Reading) -> tuple[tuple[str, int], ...]:
    """The Latin words that may hold a typing error, each with how many."""
    words = [part for s in reading.stretches if not s.han for part in parts(s.text)]
    return tuple(
        (one, 1 if len(one) < SECOND_TYPO else 2) for one in words if len(one) >= FIRST_TYPO and one.isalpha()
    )


def _joined(phrases: Sequence[str], words: Sequence[str]) -> str:
    """A text of at most as many words as the server reads. Words hold letters and digits only."""
    return " ".join([*map(_quoted_phrase, phrases), *words][:MOST_WORDS])


def _quoted_phrase(text: str) -> str:
    return f'"{spelled(text)}"'


def _expression(condition: Filter) -> str:
    match condition:
        case Not(inner):
            return f"NOT ({_expression(inner)})"
        case Between(field, None, None):
            return f"{field} EXISTS"
        case Between(field, low, high):
            ends = [f"{field} >= {low}"] if low is not None else []
            return " AND ".join(ends + ([f"{field} <= {high}"] if high is not None else []))
        case AnyOf(field, values):
            listed = (str(value) if isinstance(value, int) else f'"{encode(value)}"' for value in values)
            return f"{ID if field == 'id' else field} IN [{', '.join(listed)}]"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _retrieved(query: Query) -> list[str]:
    return ["id", "version", *(f"{STORE}.{name}" for name in dict.fromkeys(query.highlight))]
