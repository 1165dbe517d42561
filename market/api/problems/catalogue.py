"""Every kind of problem: its status, its title, and what to do about it, in Chinese and English."""

from __future__ import annotations

from dataclasses import dataclass

from market.api.problems import (
    claims,
    disclosure,
    files,
    general,
    listings,
    moderation,
    people,
    rights,
    search,
    subscriptions,
    telling,
)
from schemas.messages import Message


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem: its status, its title, and what to do about it; details fill the braces."""

    status: int
    title: Message
    advice: Message


def _kind(status: int, en: str, zh: str, advice_en: str, advice_zh: str) -> Kind:
    return Kind(status, Message(en, zh), Message(advice_en, advice_zh))


_PARTS = (general, rights, listings, people, search, subscriptions, telling, disclosure, moderation, claims, files)
KINDS: dict[str, Kind] = {code: _kind(*words) for part in _PARTS for code, words in part.WORDS.items()}
