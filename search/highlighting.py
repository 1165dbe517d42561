"""Finds the passage of an original text that shows best why it was found, and marks the words in it.

Works on text alone, so that every engine can use it. Never makes HTML.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from search.engine import Highlight, Mark
from search.text import HAN, is_han, normalise, parts, runs, stem

FRAGMENT = 160
"""Characters of a passage, about: it begins and ends at a word where one is near."""

WORD_START, WORD_END = rf"(?<![^\W{HAN}])", rf"(?![^\W{HAN}])"
"""Patterns of the edges of a Latin word, which may stand right beside Han characters."""

_BREAK = re.compile(rf"[^\w]|(?<=[{HAN}])")


@dataclass(frozen=True)
class Wanted:
    """What to mark: analysed words, beginnings of words, whole phrases, words within some edits (typos)."""

    words: frozenset[str] = frozenset()
    beginnings: frozenset[str] = frozenset()
    phrases: tuple[str, ...] = ()
    similar: tuple[tuple[str, int], ...] = ()

    @cached_property
    def spans(self) -> re.Pattern[str] | None:
        """Han words and phrases, longest first: in Chinese a word is where its characters are."""
        texts = {re.escape(word) for word in self.words | self.beginnings if is_han(word)}
        texts |= {_phrase_pattern(phrase) for phrase in self.phrases}
        ordered = sorted(filter(None, texts), key=lambda text: (-len(text), text))
        return re.compile("|".join(ordered)) if ordered else None

    def holds(self, word: str) -> bool:
        """Whether a normalised Latin word is to be marked."""
        return (
            stem(word) in self.words
            or any(word.startswith(beginning) for beginning in self.beginnings)
            or any(is_within(word, other, edits) for other, edits in self.similar)
        )


def highlight(field: str, text: str, wanted: Wanted) -> Highlight | None:
    """The densest passage of about FRAGMENT characters with its marks, or None where nothing is found."""
    marks = find_marks(text, wanted)
    if not marks:
        return None
    start, end = _passage(text, marks)
    inside = tuple((a - start, min(b, end) - start) for a, b in marks if start <= a < end)
    return Highlight(field, text[start:end], inside)


def find_marks(text: str, wanted: Wanted) -> list[Mark]:
    """Every place that is wanted, as offsets into the text, in order; those that touch are one."""
    normalised = normalise(text)
    found = list(_latin_marks(normalised, wanted))
    if wanted.spans:
        found += [match.span() for match in wanted.spans.finditer(normalised)]
    merged: list[Mark] = []
    for start, end in sorted(found):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def is_within(word: str, other: str, edits: int) -> bool:
    """Whether two words differ by at most `edits` insertions, deletions, replacements or swaps of neighbours.

    Optimal string alignment distance (Damerau 1964).
    """
    if abs(len(word) - len(other)) > edits:
        return False
    before, previous, row = [0], [0], list(range(len(other) + 1))
    for i, a in enumerate(word, 1):
        before, previous, row = previous, row, [i]
        for j, b in enumerate(other, 1):
            cost = min(previous[j] + 1, row[j - 1] + 1, previous[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and word[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        if min(row) > edits:
            return False
    return row[-1] <= edits


def _latin_marks(normalised: str, wanted: Wanted) -> Iterator[Mark]:
    if not (wanted.similar or any(not is_han(word) for word in wanted.words | wanted.beginnings)):
        return
    for run, start, han in runs(normalised):
        if han:
            continue
        if wanted.holds(run):
            yield start, start + len(run)
        elif not run.isalnum():
            offset = 0
            for part in parts(run):
                offset = run.index(part, offset)
                if wanted.holds(part):
                    yield start + offset, start + offset + len(part)
                offset += len(part)


def _phrase_pattern(phrase: str) -> str:
    found = list(runs(phrase))
    if not found:
        return ""
    pattern = r"[\W_]*".join(re.escape(run) for run, _, _ in found)
    # A Latin word of a phrase is a whole word; Han characters need no edge.
    head = "" if found[0][2] else WORD_START
    tail = "" if found[-1][2] else WORD_END
    return head + pattern + tail


def _passage(text: str, marks: Sequence[Mark]) -> Mark:
    if len(text) <= FRAGMENT:
        return 0, len(text)
    first, last, most = 0, 0, 0
    j = 0
    for i, (start, _) in enumerate(marks):
        while j < len(marks) and marks[j][1] <= start + FRAGMENT:
            j += 1
        if j - i > most:
            first, last, most = i, max(j - 1, i), j - i
    covered = min(marks[last][1] - marks[first][0], FRAGMENT)
    start = max(0, min(marks[first][0] - (FRAGMENT - covered) // 2, len(text) - FRAGMENT))
    return _to_word(text, start, marks[first][0]), min(start + FRAGMENT, len(text))


def _to_word(text: str, start: int, latest: int) -> int:
    # Begin after a space or a mark of punctuation, if there is one before the first word found.
    if start == 0:
        return 0
    match = _BREAK.search(text, start, latest)
    return match.end() if match else start
