"""Standing queries: which of many kept queries one document answers. The other way round than an index.

A document is read once. A query requires things of it, of which two are kept as its keys, so that most queries need
not be looked at; what is left is checked exactly. Words are finished here: none is a beginning, a typing error, or
left out. Names of one thing (search/thesaurus.tsv) count as one another, whole names only. Knows no engine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

import rjieba

from search import naming
from search.engine import AnyOf, Between, Document, Filter, Not, Query
from search.indexes import IndexSpec
from search.reading import Stretch, read
from search.stopwords import STOP_WORDS
from search.text import LONGEST_WORD, normalise, parts, runs, stem, stretches

LONGEST_RUN = 16  # Han characters that may also stand as they are, where their words are cut otherwise
_NOTHING: frozenset[str | int] = frozenset()
_FIRST_HAN = "\u3005"


@dataclass(frozen=True, eq=False)
class Contents:
    """What a document holds. `line` has its texts as runs parted by spaces, each text between bars."""

    spec: IndexSpec
    document: Document
    synonyms: bool = True

    @cached_property
    def words(self) -> frozenset[str]:
        """The analysed words of every text, and the domain words that the segmenter would cut to pieces."""
        return frozenset(self._read[0])

    @cached_property
    def line(self) -> str:
        """The normalised texts, for what must stand as it is."""
        return self._read[1]

    @cached_property
    def concepts(self) -> frozenset[str]:
        """What it names, by any of its names."""
        if not self.synonyms:
            return frozenset()
        return frozenset((*naming.in_chinese(self.line, self.words), *naming.in_latin(self._read[2], self.words)))

    @cached_property
    def values(self) -> dict[str, frozenset[str | int]]:
        """Keywords and numbers, by field."""
        found: dict[str, frozenset[str | int]] = {"id": frozenset((str(self.document["id"]),))}
        for name in self.spec.keywords:
            found[name] = frozenset(_texts(self.document, name))
        for name in self.spec.numbers:
            number = self.document.get(name)
            if isinstance(number, int):
                found[name] = frozenset((number,))
        return found

    @cached_property
    def _read(self) -> tuple[set[str], str, str]:
        words: set[str] = set()
        lines, stems = ["|"], ["|"]
        for text in self.spec.text:
            for value in _texts(self.document, text.name):
                for han, latin in stretches(normalise(value)):
                    if han:
                        words.update(rjieba.cut_for_search(han, False))
                        lines.append(han)
                        stems.append("|")
                        continue
                    root = stem(latin)
                    words.add(root)
                    if not latin.isalnum():
                        words.update(stem(part[:LONGEST_WORD]) for part in parts(latin))
                    lines.append(latin[:LONGEST_WORD])
                    if latin not in STOP_WORDS:
                        stems.append(root)
                lines.append("|")
                stems.append("|")
        line = " ".join(lines)
        words.update(naming.whole_words_in(line))
        return words, line, " ".join(stems)


@dataclass(frozen=True, slots=True)
class Term:
    """A word, or words that name one thing: all of them must stand in a document, or another of its names."""

    words: tuple[str, ...]
    concepts: frozenset[str] = frozenset()

    def stands_in(self, contents: Contents) -> bool:
        """Whether a document holds it."""
        return not self.concepts.isdisjoint(contents.concepts) or contents.words.issuperset(self.words)


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a question: its terms; or, where `run` is not empty, these characters as they stand."""

    text: str
    terms: tuple[Term, ...]
    run: str = ""

    def stands_in(self, contents: Contents) -> bool:
        """Whether a document holds it."""
        if self.run and self.run in contents.line:
            return True
        return all(term.stands_in(contents) for term in self.terms)


@dataclass(frozen=True, slots=True)
class Standing:
    """A query, understood. `words` are those that nothing can stand for."""

    phrases: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()
    filters: tuple[Filter, ...] = ()
    impossible: bool = False  # it has a text without any word
    words: frozenset[str] = field(init=False)
    _others: tuple[Part, ...] = field(init=False)
    _lines: tuple[str, ...] = field(init=False)
    _chosen: tuple[tuple[str, frozenset[str | int]], ...] = field(init=False)
    _conditions: tuple[Filter, ...] = field(init=False)

    def __post_init__(self) -> None:
        """Sort what is required by how quickly it is looked up."""
        plain = [one for one in self.parts if not one.run and not any(term.concepts for term in one.terms)]
        found = {
            "words": frozenset(word for one in plain for term in one.terms for word in term.words),
            "_others": tuple(one for one in self.parts if one not in plain),
            "_lines": tuple(map(_as_in_a_line, self.phrases)),
            "_chosen": tuple((one.field, frozenset(one.values)) for one in self.filters if isinstance(one, AnyOf)),
            "_conditions": tuple(one for one in self.filters if not isinstance(one, AnyOf)),
        }
        for name, value in found.items():
            object.__setattr__(self, name, value)

    def admits(self, contents: Contents) -> bool:
        """Whether every filter holds."""
        values = contents.values
        for name, wanted in self._chosen:
            if wanted.isdisjoint(values.get(name, _NOTHING)):
                return False
        return all(_holds(condition, contents) for condition in self._conditions)

    def stands_in(self, contents: Contents) -> bool:
        """Whether every word and phrase stands in the document."""
        return (
            not self.impossible
            and self.words <= contents.words
            and all(part.stands_in(contents) for part in self._others)
            and all(line in contents.line for line in self._lines)
        )


def understand(query: Query) -> Standing:
    """A query's text and filters; its key terms and vector, its order and page have no meaning here."""
    if not query.text.strip():
        return Standing(filters=query.filters)
    reading = read(query.text)
    found = tuple(_parts(reading.stretches))
    return Standing(reading.phrases, found, query.filters, impossible=not (reading.phrases or found))


def answers(contents: Contents, standing: Standing) -> bool:
    """Whether the document answers the query."""
    return standing.admits(contents) and standing.stands_in(contents)


def required(standing: Standing) -> list[str]:
    """The keys of all that a document must hold to answer."""
    found = [f"f:{name}={value}" for name, wanted in standing._chosen if len(wanted) == 1 for value in wanted]
    found += [f"w:{word}" for word in _required_words(standing)]
    return [*dict.fromkeys(found)]


def keys(standing: Standing, rarity: Callable[[str], float]) -> tuple[str, str]:
    """The two rarest of what is required; an empty text where there is no more. `rarity` tells which share of all
    documents holds a key, roughly; from 1 on it is none."""
    told = ((rarity(key), -len(key), key) for key in required(standing))
    rarest = [key for share, _, key in sorted(told) if share < 1]
    first, second, *_ = [*rarest, "", ""]
    return first, second


def keys_of(contents: Contents) -> set[str]:
    """Every key that a document holds. Of its concepts, it holds the words of all their names; and it holds each Han
    character, for what may be cut otherwise."""
    words = {f"w:{word}" for word in contents.words}
    words.update(f"w:{one}" for one in set(contents.line) if one >= _FIRST_HAN)
    for concept in contents.concepts:
        words |= naming.keys_of(concept)
    words.update(f"f:{name}={value}" for name, values in contents.values.items() for value in values)
    return words


def texts(standing: Standing) -> tuple[str, ...]:
    """Texts of which a search finds, together, at least whatever answers; a search itself may know no synonyms."""
    sure = [f'"{phrase}"' for phrase in standing.phrases]
    sure += [one.text for one in standing.parts if not any(term.concepts for term in one.terms)]
    if sure or not standing.parts:
        return (" ".join(sure),)
    part = standing.parts[0]
    return tuple(
        dict.fromkeys(
            (part.text, *(name for term in part.terms for one in term.concepts for name in naming.names(one)))
        )
    )


def _required_words(standing: Standing) -> Iterator[str]:
    for part in standing.parts:
        for term in part.terms:
            for word in term.words:
                yield from word if part.run else (word,)
    for phrase in standing.phrases:
        for run, _, han in runs(phrase):
            if han or len(run) < LONGEST_WORD:  # a longer one is cut, and its end with it
                yield from run if han else (stem(run),)


def _parts(found: Iterable[Stretch]) -> Iterator[Part]:
    latin: list[str] = []
    for stretch in found:
        if not stretch.han:
            latin.append(stretch.words[0])
            continue
        yield from _latin_parts(latin)
        latin = []
        # As live search does: words of one character may stand in longer words of a document.
        open_to_doubt = any(len(word) == 1 for word in stretch.words)
        run = stretch.text if open_to_doubt and 2 <= len(stretch.text) <= LONGEST_RUN else ""
        if run:
            yield Part(run, tuple(_terms(stretch.words)), run)
        else:
            yield from (Part("".join(term.words), (term,)) for term in _terms(stretch.words))
    yield from _latin_parts(latin)


def _latin_parts(words: list[str]) -> Iterator[Part]:
    place = 0
    for term in _terms([stem(word) for word in words]):
        yield Part(" ".join(words[place : place + len(term.words)]), (term,))
        place += len(term.words)


def _terms(words: Iterable[str]) -> Iterator[Term]:
    """The words in order, those together that name one thing; the longest name first."""
    left = tuple(words)
    while left:
        for count in range(min(len(left), naming.LONGEST_NAME), 0, -1):
            concepts = naming.meant_by(left[:count])
            if concepts or count == 1:
                yield Term(left[:count], concepts)
                left = left[count:]
                break


def _as_in_a_line(phrase: str) -> str:
    """How a phrase stands in a line: Han may begin and end inside a run, Latin words are whole."""
    found = [(run if han else run[:LONGEST_WORD], han) for run, _, han in runs(phrase)]
    text = " ".join(run for run, _ in found)
    return f"{'' if found[0][1] else ' '}{text}{'' if found[-1][1] else ' '}"


def _holds(condition: Filter, contents: Contents) -> bool:
    match condition:
        case Not(inner):
            return not _holds(inner, contents)
        case AnyOf(name, wanted):
            return not contents.values.get(name, _NOTHING).isdisjoint(wanted)
        case Between(name, low, high):
            numbers = contents.values.get(name, _NOTHING)
            return any((low is None or low <= int(one)) and (high is None or int(one) <= high) for one in numbers)


def _texts(document: Document, name: str) -> list[str]:
    value = document.get(name)
    if value is None or isinstance(value, int):
        return []
    return [value] if isinstance(value, str) else [text for text in value if isinstance(text, str)]
