"""Turns a Query into tantivy queries. Values are passed as terms, never as query syntax.

Reads term statistics from a searcher; finds nothing itself.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import tantivy
from tantivy import Occur

from search.embedded.schema import GRAMS, LATIN, TYPING, WORDS, weight_field, weights
from search.engine import AnyOf, Between, Filter, Not, Query, WeightedTerm
from search.highlighting import Wanted
from search.indexes import IndexSpec
from search.reading import LONGEST_TEXT, Reading, Stretch, read
from search.text import LONGEST_WORD, normalise, parts, runs, stem

MOST_ENDINGS = 100  # words that an unfinished one may become, the commonest first
SCORED_ENDINGS = 5  # of them that are weighed like whole words
SHORT_QUESTION = 4  # words up to which a title counts with its full weight
LONG_SHARE = 0.25  # of a title's extra weight in longer questions: else one title word beats a whole match
LONG_QUESTION = 12  # words from which a title counts no more than other text
PREFIX_SCORE, TYPO_SCORE, RUN_SHARE = 0.5, 0.5, 0.3
ENOUGH = 0.6  # of the words, where no document has all
FIRST_TYPO, SECOND_TYPO = 4, 8  # letters from which a word may have one typo, and two
LONGEST_RUN = 16  # Han characters that are also looked for as they stand
FEW_VALUES = 32  # looked up one by one; a set of them reads all that they lead to before anything is found
LEAST_NUMBER, GREATEST_NUMBER = -(2**63), 2**63 - 1  # that the index can hold


@dataclass(slots=True)
class Scope:
    """What queries are built against, and what they turn out to look for: that is marked in what is found."""

    spec: IndexSpec
    schema: tantivy.Schema
    searcher: tantivy.Searcher
    share: float = 1.0
    words: set[str] = field(default_factory=set)
    beginnings: set[str] = field(default_factory=set)
    similar: set[tuple[str, int]] = field(default_factory=set)


class Plan(NamedTuple):
    """The strict query, a looser one for when that finds nothing, whether they score, and what to mark.

    `around` is what filters and terms leave, where words are asked for: neighbours need not have them.
    """

    strict: tantivy.Query
    loose: tantivy.Query | None = None
    scored: bool = False
    wanted: Wanted = Wanted()
    around: tantivy.Query | None = None


def plan(scope: Scope, query: Query) -> Plan:
    """The plan of a checked query."""
    must = [silent_filter(scope.schema, condition) for condition in query.filters]
    if query.terms:
        must.append(_key_terms(scope, query.terms))
    around = all_of(must) if must else tantivy.Query.all_query()
    if not query.text.strip():
        return Plan(around, scored=bool(query.terms), wanted=_wanted(scope))
    reading = read(query.text)
    if not (reading.phrases or reading.stretches):
        return Plan(tantivy.Query.empty_query())
    scope.share = _title_share(len(reading.words))
    must += [_phrase(scope, GRAMS, phrase) for phrase in reading.phrases]
    last = len(reading.stretches) - 1
    words = [_stretch(scope, stretch, i == last) for i, stretch in enumerate(reading.stretches)]
    loose = _loose(scope, must, reading)
    return Plan(all_of([*must, *words]), loose, True, _wanted(scope, reading.phrases), around)


def typing(scope: Scope, text: str, filters: Sequence[Filter]) -> tantivy.Query | None:
    """Documents whose suggesting fields hold what is typed, the last word perhaps unfinished."""
    folded = normalise(text[:LONGEST_TEXT])
    pieces = [piece for piece in folded.split() if any(True for _ in runs(piece))]
    if not pieces:
        return None
    must = [silent_filter(scope.schema, condition) for condition in filters]
    must += [_phrase(scope, TYPING, piece) for piece in pieces[:-1]]
    return all_of([*must, _phrase(scope, TYPING, pieces[-1], unfinished=True)])


def all_of(queries: Sequence[tantivy.Query]) -> tantivy.Query:
    """Every query must match; their scores add up."""
    return queries[0] if len(queries) == 1 else tantivy.Query.boolean_query([(Occur.Must, q) for q in queries])


def any_of(queries: Sequence[tantivy.Query], least: int = 1) -> tantivy.Query:
    """At least so many queries must match; their scores add up."""
    if len(queries) == 1:
        return queries[0]
    return tantivy.Query.boolean_query([(Occur.Should, query) for query in queries], least)


def silent_filter(schema: tantivy.Schema, condition: Filter) -> tantivy.Query:
    """The query of a checked filter, which adds nothing to a score."""
    return tantivy.Query.const_score_query(_filter(schema, condition), 0.0)


def number_range(schema: tantivy.Schema, name: str, low: int | None, high: int | None) -> tantivy.Query:
    """Documents whose number lies in [low, high]; None leaves a side open."""
    low = LEAST_NUMBER if low is None else low
    high = GREATEST_NUMBER if high is None else high
    if low > high:
        return tantivy.Query.empty_query()
    return tantivy.Query.range_query(schema, name, tantivy.FieldType.Integer, low, high)


def without(query: tantivy.Query, excluded: tantivy.Query) -> tantivy.Query:
    """What the first finds and the second does not."""
    return tantivy.Query.boolean_query([(Occur.Must, query), (Occur.MustNot, excluded)])


def _filter(schema: tantivy.Schema, condition: Filter) -> tantivy.Query:
    match condition:
        case Not(inner):
            return without(tantivy.Query.all_query(), _filter(schema, inner))
        case Between(name, low, high):
            return number_range(schema, name, low, high)
        case AnyOf(name, (value,)):
            return tantivy.Query.term_query(schema, name, value, "basic")
        case AnyOf(name, values) if 1 < len(values) <= FEW_VALUES:
            return any_of([tantivy.Query.term_query(schema, name, value, "basic") for value in values])
        case AnyOf(name, values):
            return tantivy.Query.term_set_query(schema, name, list(values))


def _title_share(words: int) -> float:
    if words > LONG_QUESTION:
        return 0.0
    return 1.0 if words <= SHORT_QUESTION else LONG_SHARE


def _wanted(scope: Scope, phrases: tuple[str, ...] = ()) -> Wanted:
    return Wanted(frozenset(scope.words), frozenset(scope.beginnings), phrases, tuple(scope.similar))


def _key_terms(scope: Scope, terms: Sequence[WeightedTerm]) -> tantivy.Query:
    # One field holds every word, so a key term is one lookup, and no field's weight can drown the others.
    weighted = {normalise(term.text): term.weight for term in terms}
    scope.words.update(weighted)
    return any_of([tantivy.Query.boost_query(_term(scope, WORDS, text), weight) for text, weight in weighted.items()])


def _loose(scope: Scope, must: list[tantivy.Query], reading: Reading) -> tantivy.Query | None:
    """Most of the words the index knows; of one or two words, both were already asked for."""
    han = {word for s in reading.stretches for word in s.words if s.han and len(word) > 1}
    latin = {s.text for s in reading.stretches if not s.han}
    known = [_scored(scope, word) for word in sorted(han) if scope.searcher.doc_freq(WORDS, word)]
    known += [_latin_word(scope, word, last=False) for word in sorted(latin)]
    if len(han) + len(latin) < 3 or len(known) < 2:
        return None
    return all_of([*must, any_of(known, max(2, math.ceil(ENOUGH * len(known))))])


def _stretch(scope: Scope, stretch: Stretch, last: bool) -> tantivy.Query:
    if not stretch.han:
        return _latin_word(scope, stretch.words[0], last=last)
    words = all_of([_han_word(scope, word) for word in stretch.words])
    # Words may be cut otherwise in a document, above all short and unfinished ones: characters decide then.
    doubtful = last or any(len(word) == 1 for word in stretch.words)
    if not doubtful or not 2 <= len(stretch.text) <= LONGEST_RUN or stretch.words == (stretch.text,):
        return words
    return any_of([words, tantivy.Query.boost_query(_phrase(scope, GRAMS, stretch.text), RUN_SHARE)])


def _han_word(scope: Scope, word: str) -> tantivy.Query:
    scope.words.add(word)
    if scope.searcher.doc_freq(WORDS, word):
        return _scored(scope, word)
    return _phrase(scope, GRAMS, word)


def _latin_word(scope: Scope, word: str, *, last: bool) -> tantivy.Query:
    root = stem(word)
    scope.words.add(root)
    options = [_scored(scope, root)] if scope.searcher.doc_freq(WORDS, root) else []
    if not options and not word.isalnum():
        inner = [stem(part) for part in parts(word)]
        scope.words.update(inner)
        options.append(all_of([_scored(scope, part) for part in inner]))
    if last:
        options += _endings(scope, word)
    return any_of(options or [_misspelt(scope, word)])


def _endings(scope: Scope, word: str) -> list[tantivy.Query]:
    endings = [ending for ending, _ in scope.searcher.terms_with_prefix(LATIN, word, None, MOST_ENDINGS)]
    if not endings:
        return []
    scope.beginnings.add(word)
    # The commonest are scored as words, for the best of them to come first; the rest is only found.
    roots = dict.fromkeys(stem(ending) for ending in endings[:SCORED_ENDINGS])
    return [
        tantivy.Query.boost_query(any_of([_scored(scope, root) for root in roots]), PREFIX_SCORE),
        tantivy.Query.const_score_query(tantivy.Query.term_set_query(scope.schema, LATIN, endings), PREFIX_SCORE),
    ]


def _misspelt(scope: Scope, word: str) -> tantivy.Query:
    if len(word) < FIRST_TYPO or not word.isalpha():
        return tantivy.Query.empty_query()
    edits = 1 if len(word) < SECOND_TYPO else 2
    scope.similar.add((word, edits))
    fuzzy = tantivy.Query.fuzzy_term_query(scope.schema, LATIN, word, edits)
    return tantivy.Query.const_score_query(fuzzy, TYPO_SCORE)


def _scored(scope: Scope, word: str) -> tantivy.Query:
    """Documents with the word anywhere; the weights of their texts add to the score."""
    if not scope.share:
        return _term(scope, WORDS, word)
    extra = [
        (
            Occur.Should,
            tantivy.Query.boost_query(_term(scope, weight_field(weight), word), (weight - 1) * scope.share),
        )
        for weight in weights(scope.spec)
    ]
    return tantivy.Query.boolean_query([(Occur.Must, _term(scope, WORDS, word)), *extra])


def _phrase(scope: Scope, name: str, text: str, *, unfinished: bool = False) -> tantivy.Query:
    """Texts that hold the phrase as it stands. Han pairs overlap: it may begin and end inside words."""
    units: list[tuple[int, str]] = []
    position = 0
    stretches = list(runs(text))
    for i, (run, _, han) in enumerate(stretches):
        ends = i == len(stretches) - 1
        if not han:
            units.append((position, run[:LONGEST_WORD]))
            position += 1
            continue
        pairs = range(len(run) - 1 if ends and len(run) > 1 else len(run))
        units += [(position + j, run[j : j + 2]) for j in pairs]
        position += len(run)
    _, _, han = stretches[-1]
    if unfinished if not han else len(units[-1][1]) == 1:
        return _phrase_with_open_end(scope, name, units)
    if len(units) == 1:
        return _term(scope, name, units[0][1])
    return tantivy.Query.phrase_query(scope.schema, name, list(units))


def _phrase_with_open_end(scope: Scope, name: str, units: list[tuple[int, str]]) -> tantivy.Query:
    if len(units) > 1:
        return tantivy.Query.phrase_prefix_query(scope.schema, name, list(units))
    limit = None if len(units[0][1]) == 1 else MOST_ENDINGS
    endings = [ending for ending, _ in scope.searcher.terms_with_prefix(name, units[0][1], None, limit)]
    return tantivy.Query.const_score_query(tantivy.Query.term_set_query(scope.schema, name, endings), PREFIX_SCORE)


def _term(scope: Scope, name: str, text: str) -> tantivy.Query:
    return tantivy.Query.term_query(scope.schema, name, text)
