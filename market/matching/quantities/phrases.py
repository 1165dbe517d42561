"""The words beside a figure that say how it is meant and what it measures; phrases.tsv lists them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

_LONGEST_NAME = 24
_MOST_WORDS = 5
_NO_LETTER = "(?![A-Za-z])"


def _listed() -> Mapping[str, list[str]]:
    with Path(__file__).with_name("phrases.tsv").open(encoding="utf-8") as lines:
        rows = [line.rstrip("\n").split("\t") for line in lines if line.strip() and not line.startswith("#")]
    return {kind: words.split("|") for kind, words in rows}


def _meanings(place: str) -> dict[str, str]:
    kinds = [kind for kind in _WORDS if kind.startswith(place)]
    return {phrase: kind.removeprefix(f"{place} ") for kind in kinds for phrase in _WORDS[kind]}


def _comparisons() -> dict[str, str]:
    """Above, above or equal, not above: with a no, a comparison means its opposite."""
    opposite = {"at_least": "at_most", "at_most": "at_least"}
    found: dict[str, str] = {}
    for word, meaning in _meanings("comparison").items():
        found.update(dict.fromkeys((word, f"{word}等于", f"{word}或等于", f"{word}、等于"), meaning))
        found.update((no + word, opposite[meaning]) for no in _WORDS["no"])
    return found


def _longest_first(phrases: Iterable[str]) -> str:
    """One alternative a phrase; an English one ends where a word does."""
    written = sorted(phrases, key=len, reverse=True)
    return "|".join(re.escape(one) + _NO_LETTER * (one.isascii() and one[-1].isalpha()) for one in written)


_WORDS = _listed()
_STOP_WORDS, _LINKS = frozenset(_WORDS["stop"]), frozenset(_WORDS["link"])
_VERBS = tuple(_WORDS["verb"])
_HEADS_ZH, _HEADS_EN = tuple(_WORDS["head_zh"]), frozenset(_WORDS["head_en"])
_SYMBOL = re.compile(r"(?=.*[A-Z])[A-Za-z]{1,3}[0-9.]{0,3}\Z")  # Ra, D50, PM2.5
# Turned round, what ends at a figure begins at one place: no search, however long the text before it.
_MEANT_BEFORE = {phrase[::-1]: meaning for phrase, meaning in (_meanings("before") | _comparisons()).items()}
_MEANT_AFTER = _meanings("after")
# In ASCII: otherwise a dotless ı counts as an i, and no phrase is found for what was matched.
_READ_BEFORE = re.compile(rf"[ :]{{0,2}}({_longest_first(_MEANT_BEFORE)})", re.IGNORECASE | re.ASCII)
_INSIDE = "内(?![径部存外壁置容腔圈层涂衬])"
_READ_AFTER = re.compile(f" ?(?:({_longest_first(_MEANT_AFTER)})|{_INSIDE})")
_NEUTRAL = [*_WORDS["filler"], *_WORDS["before about"], *_WORDS["before between"]]
_FILLER = re.compile(rf"(?:{_longest_first(word[::-1] for word in _NEUTRAL)}|[ :\-=*])+", re.IGNORECASE)
_BREAK = re.compile(r"[,;:!?()\[\]{}|\n\r\"'“”‘’《》<>≥≤=、。~&]|\. ")
_HAN, _LETTER = re.compile(r"[\u3400-\U0003ffff]"), re.compile(r"[^\W\d_]")
# 饱和度, 普及率 and the like hold a conjunction that is none.
_CUT = re.compile(f"{_longest_first(_WORDS['cut'])}|(?<!饱)和|(?<!普)及")


def before(turned: str) -> tuple[str, int]:
    """What the words before a figure make of it, given turned round, and how many characters they take."""
    match = _READ_BEFORE.match(turned)
    return (_MEANT_BEFORE[match[1].lower()], match.end()) if match else ("", 0)


def after(text: str, start: int) -> tuple[str, int]:
    """What the words after a figure make of it, and where they end."""
    match = _READ_AFTER.match(text, start)
    if match is None:
        return "", start
    return _MEANT_AFTER[match[1]] if match[1] else "at_most", match.end()


def name(text: str) -> str:
    """What a text before a figure and its phrase calls the quantity; empty where that is not clear."""
    filler = _FILLER.match(text[::-1])
    text = text[: len(text) - filler.end()] if filler else text
    if text.endswith(")"):  # 抗拉强度（Rm）
        text = text[: max(text.rfind("("), 0)].rstrip()
    segment = _BREAK.split(text)[-1].strip(" -*+/.·")
    if _HAN.search(segment):
        segment = _CUT.split(segment)[-1].strip()
        clear = len(segment) <= _LONGEST_NAME and _LETTER.search(segment) and not segment.endswith(_VERBS)
        return segment if clear else ""
    return _english(segment.split(" "))


def _english(words: list[str]) -> str:
    while words and words[-1].lower() in _LINKS:
        words = words[:-1]
    if words and words[-1].lower() in _VERBS:
        return ""
    taken: list[str] = []
    for word in reversed(words[-_MOST_WORDS - 1 :]):
        if word.lower() in _STOP_WORDS or not word[:1].isalpha():
            break
        taken.append(word)
    while taken and taken[-1].lower() == "of":
        taken.pop()
    # Six words that run on are a sentence, no name.
    return " ".join(reversed(taken)) if len(taken) <= _MOST_WORDS else ""


def is_measure(called: str) -> bool:
    """Whether a name is plainly one of something measured, and not a thing that happened to stand before a figure."""
    head = called.partition(" of ")[0].lower()
    return head.endswith(_HEADS_ZH) or head.rpartition(" ")[2] in _HEADS_EN or _SYMBOL.match(called) is not None
