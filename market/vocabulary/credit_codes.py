"""Unified social credit codes 统一社会信用代码 (GB 32100-2015): 18 characters, the last checks the others."""

from __future__ import annotations

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
"""31 characters: no I, O, S, V or Z, which are taken for others."""
LENGTH = 18
_VALUES = {character: value for value, character in enumerate(ALPHABET)}
# 31 is prime and 3 a primitive root of it, so that no two neighbours weigh alike and none weighs nothing.
_WEIGHTS = tuple(pow(3, place, len(ALPHABET)) for place in range(LENGTH - 1))


def normalised(text: str) -> str:
    """As it is kept: upper case, without the spaces and hyphens that people part it with."""
    return text.upper().replace(" ", "").replace("-", "")


def check_character(body: str) -> str:
    """The eighteenth character for the first seventeen. Raises ValueError where these are not of the alphabet."""
    if len(body) != LENGTH - 1 or any(character not in _VALUES for character in body):
        raise ValueError("a credit code has seventeen characters before the last, of its own alphabet")
    total = sum(weight * _VALUES[character] for weight, character in zip(_WEIGHTS, body, strict=True))
    return ALPHABET[-total % len(ALPHABET)]


def valid(code: str) -> bool:
    """Whether it is a whole code whose last character fits."""
    known = len(code) == LENGTH and all(character in _VALUES for character in code)
    return known and check_character(code[:-1]) == code[-1]
