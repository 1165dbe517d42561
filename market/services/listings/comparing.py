"""Two contents side by side: which fields differ, and in texts which words and characters. Knows no database."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any

# Where two texts are compared in one go, the product of their pieces; beyond, the time would be felt.
_MOST = 1_000_000
# A character of Chinese and all that is no letter stand alone; other words stay whole, as do spaces.
_PIECE = re.compile(r"[A-Za-zÀ-ɏ]+|[0-9]+|\s+|.", re.DOTALL)
_SENTENCE = re.compile(r"[^。！？；\n.!?;]*[。！？；\n.!?;]*", re.DOTALL)

Op = tuple[str, str]
"""equal, delete or insert, and a text. Equal and deleted ones make the text before, equal and inserted the next."""


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The fields that differ, by name: each with `before` and `after`; texts with `text`, lists with `added` and
    `removed`. Fields that only one side has are null on the other."""
    found: list[dict[str, Any]] = []
    for name in sorted({*before, *after}):
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        one: dict[str, Any] = {"field": name, "before": old, "after": new}
        if isinstance(old, str) and isinstance(new, str) and name.endswith(("_zh", "_en")):
            one["text"] = [{"op": op, "text": text} for op, text in words(old, new)]
        elif isinstance(old, list) and isinstance(new, list):
            one["removed"] = [entry for entry in old if entry not in new]
            one["added"] = [entry for entry in new if entry not in old]
        found.append(one)
    return found


def words(before: str, after: str) -> list[Op]:
    """What was kept, deleted and inserted, in order: sentence by sentence, and in those that differ by words and
    Chinese characters. Long texts that have little in common are compared less finely."""
    return _joined(_compared(_SENTENCE.findall(before), _SENTENCE.findall(after), finer=True))


def _compared(old: Sequence[str], new: Sequence[str], *, finer: bool) -> Iterator[Op]:
    start, ends = _alike(old, new)
    yield from (("equal", one) for one in old[:start])
    middle_old, middle_new = old[start : len(old) - ends], new[start : len(new) - ends]
    if not finer and len(middle_old) * len(middle_new) > _MOST:
        yield from (("delete", one) for one in middle_old)
        yield from (("insert", one) for one in middle_new)
    elif len(middle_old) * len(middle_new) > _MOST:
        yield from _replaced(middle_old, middle_new, finer=True)
    else:
        for op, i, j, k, m in SequenceMatcher(None, middle_old, middle_new).get_opcodes():
            if op == "equal":
                yield from (("equal", one) for one in middle_old[i:j])
            else:
                yield from _replaced(middle_old[i:j], middle_new[k:m], finer=finer)
    yield from (("equal", one) for one in old[len(old) - ends :])


def _replaced(old: Sequence[str], new: Sequence[str], *, finer: bool) -> Iterator[Op]:
    if finer and old and new:
        yield from _compared(_PIECE.findall("".join(old)), _PIECE.findall("".join(new)), finer=False)
        return
    yield from (("delete", one) for one in old)
    yield from (("insert", one) for one in new)


def _alike(old: Sequence[str], new: Sequence[str]) -> tuple[int, int]:
    """How many pieces both begin with, and how many, of those left, both end with."""
    most = min(len(old), len(new))
    start = next((place for place in range(most) if old[place] != new[place]), most)
    most -= start
    end = next((place for place in range(most) if old[-1 - place] != new[-1 - place]), most)
    return start, end


def _joined(ops: Iterator[Op]) -> list[Op]:
    """Neighbours of one kind in one piece."""
    found: list[tuple[str, list[str]]] = []
    for op, text in ops:
        if not text:
            continue
        if found and found[-1][0] == op:
            found[-1][1].append(text)
        else:
            found.append((op, [text]))
    return [(op, "".join(texts)) for op, texts in found]
