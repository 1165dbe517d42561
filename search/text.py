"""Turns text into comparable words: normalise, segment, stem. Offsets always point into the original text.

Every engine and the matcher share it, so that one word has one form everywhere. Stores nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import opencc
import rjieba
import snowballstemmer

from search.stopwords import STOP_WORDS

ANALYSER_VERSION = 1
"""Raise it when the same text gives other words: indexes on disk are then filled afresh."""

LONGEST_WORD = 64
"""Characters of a Latin word that are kept: longer ones are encoded data, not words."""

HAN = "\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
_LETTER = rf"[^\W_{HAN}]"
_RUNS = re.compile(
    rf"([{HAN}]+)"
    # pm2.5, gb/t and r&d are one word, and so are c++ and c#
    rf"|({_LETTER}+(?:[./&]{_LETTER}+)*(?:(?:\+\+|\#)(?!{_LETTER}))?)"
)
_PARTS = re.compile(rf"{_LETTER}+")
_ASCII_WORD = re.compile(r"[a-z]{3,}\Z")

Run = tuple[str, int, bool]
"""A stretch of normalised text, its start, and whether it is Han (else one Latin word)."""


class Token(NamedTuple):
    """A word in its analysed form, and where it stands in the original: [start, end) in characters."""

    text: str
    start: int
    end: int


def _fold_table() -> dict[int, str]:
    """Each character's plainest form of the same length: NFKC, lower case, then simplified."""
    # Scripts without case or variants are left out, for a quick start: Hangul, all beyond the CJK planes.
    codes = (*range(0x20, 0xAC00), *range(0xF900, 0x10000), *range(0x20000, 0x20000 + 0xA6E0))
    plain = {code: _plain(chr(code)) for code in codes}
    # One call for all: each call of the converter costs more than a thousand characters do.
    convert = opencc.OpenCC("t2s").convert
    # Twice, since a few simplified forms are themselves simplified further.
    simplified = convert(convert("\n".join(plain.values()))).split("\n")
    table = {code: folded for code, folded in zip(plain, simplified, strict=True) if folded != chr(code)}
    # Neither is text, and both break what lies below: control characters separate, surrogates have no UTF-8.
    table.update(dict.fromkeys((*range(0x20), *range(0x7F, 0xA0)), " "))
    table.update(dict.fromkeys(range(0xD800, 0xE000), "\ufffd"))
    return table


def _plain(character: str) -> str:
    """The character in compatible form and lower case, as far as each step leaves one character."""
    for step in (_compatible, str.lower, _compatible):
        folded = step(character)
        if len(folded) == 1 and folded != "\n":
            character = folded
    return character


def _compatible(character: str) -> str:
    return unicodedata.normalize("NFKC", character)


_FOLD = _fold_table()


def normalise(text: str) -> str:
    """The text with width, case and script variants folded; every character stays in its place."""
    return text.translate(_FOLD)


def runs(normalised: str) -> Iterator[Run]:
    """Han stretches and Latin words (numbers and other alphabets included), in order."""
    for match in _RUNS.finditer(normalised):
        yield match[0], match.start(), match[1] is not None


def stretches(normalised: str) -> list[tuple[str, str]]:
    """The same without their starts, at once: (Han, Latin), of which one is empty."""
    return _RUNS.findall(normalised)


@lru_cache(maxsize=1 << 16)
def stem(word: str) -> str:
    """The English stem of a plain word (Snowball's English, Porter2); numbers and formulas as they are."""
    if len(word) > LONGEST_WORD:
        return word[:LONGEST_WORD]
    return str(_stemmer.stemWord(word)) if _ASCII_WORD.match(word) else word


_stemmer = snowballstemmer.stemmer("english")


def index_tokens(text: str) -> list[Token]:
    """The words of a text as documents hold them: a long word together with the shorter ones inside it."""
    tokens = []
    for run, start, is_han in runs(normalise(text)):
        if is_han:
            tokens += [Token(w, start + i, start + j) for w, i, j in rjieba.tokenize(run, "search", False)]
        else:
            tokens.append(Token(stem(run), start, start + len(run)))
            if not run.isalnum():
                tokens += [
                    Token(stem(part[0]), start + part.start(), start + part.end()) for part in _PARTS.finditer(run)
                ]
    return tokens


def query_tokens(text: str) -> list[Token]:
    """The words of a text as a question means them: the longest reading of each, none inside another."""
    tokens = []
    for run, start, is_han in runs(normalise(text)):
        if is_han:
            tokens += [Token(w, start + i, start + j) for w, i, j in rjieba.tokenize(run, "default", False)]
        else:
            tokens.append(Token(stem(run), start, start + len(run)))
    return tokens


def parts(word: str) -> list[str]:
    """The plain words inside a compound one: gb/t holds gb and t."""
    return _PARTS.findall(word)


def is_han(word: str) -> bool:
    """Whether a word of the analyser is Chinese; it never mixes scripts."""
    match = _RUNS.match(word)
    return match is not None and match[1] is not None


def terms(text: str) -> list[str]:
    """Analysed terms that carry meaning, in order, with repeats: for weighing one text against others.

    Han words of two characters or more and stemmed Latin words, without stop words and bare numbers.
    """
    return [term for term, _ in terms_as_written(text)]


def terms_as_written(text: str) -> list[tuple[str, str]]:
    """The same, each with the (normalised) word it was made of."""
    found: list[tuple[str, str]] = []
    for run, _, is_han_run in runs(normalise(text)):
        if is_han_run:
            found += [(w, w) for w in rjieba.cut(run, False) if len(w) > 1 and w not in STOP_WORDS]
        elif len(run) > 1 and run not in STOP_WORDS and not run.replace(".", "").isdigit():
            found.append((stem(run), run))
    return found
