"""What is shown of what was found: highlighted passages and suggestions, from original texts. Knows no engine."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from search.engine import Highlight, Suggestion
from search.highlighting import WORD_START, Wanted, highlight
from search.indexes import IndexSpec
from search.text import is_han, normalise

Originals = Mapping[str, Sequence[str]]
"""The texts of a document as they were written, by field."""

MOST_VALUES = 3  # highlighted of a field with several


def highlights(originals: Originals, wanted: Wanted, fields: Sequence[str]) -> Iterator[Highlight]:
    """The passages of these fields in which something wanted stands."""
    for field in dict.fromkeys(fields):
        found = (highlight(field, text, wanted) for text in originals.get(field, ()))
        marked = [passage for passage in found if passage is not None]
        yield from marked[:MOST_VALUES]


def suggestions(
    spec: IndexSpec, documents: Iterable[tuple[str, Originals]], typed: Sequence[str]
) -> tuple[Suggestion, ...]:
    """The distinct texts of suggesting fields that hold every typed run; those that begin so first, then short ones.

    `documents` are ids with their texts.
    """
    # A Latin word is typed from its beginning; Han characters stand anywhere.
    patterns = [re.compile(re.escape(run) if is_han(run) else WORD_START + re.escape(run)) for run in typed]
    found: dict[str, tuple[tuple[bool, int], Suggestion]] = {}
    for name, originals in documents:
        for field in spec.text:
            for text in originals.get(field.name, ()) if field.suggest else ():
                folded = normalise(text)
                if folded not in found and all(pattern.search(folded) for pattern in patterns):
                    rank = (not folded.startswith(typed[0]), len(text))
                    found[folded] = (rank, Suggestion(text, field.name, name))
    return tuple(suggestion for _, suggestion in sorted(found.values(), key=lambda pair: pair[0]))
