"""What the fields of a listing must be together, whoever writes them: the rules that span several. No session."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from market.models import Listing
from schemas import messages
from schemas.messages import Message

Get = Callable[[str], Any]
"""Gives the value of a field, None where there is no such field: of a listing, or of a mapping."""

_RANGES = (("trl_from", "trl_to"), ("budget_from", "budget_to"))


def together(model: type[Listing], get: Get) -> dict[str, list[Message]]:
    """What is wrong with the fields together, by JSON pointer; empty where nothing is."""
    zh, en = f"{model.HEADING}_zh", f"{model.HEADING}_en"
    if not get(zh) and not get(en):
        return {f"/{zh}": [messages.HEADING_MISSING]}
    if model.NOUN != "demand":
        return {}
    for low, high in _RANGES:
        first, last = get(low), get(high)
        if first is not None and last is not None and first > last:
            return {f"/{high}": [messages.RANGE_REVERSED]}
    if get("region_rule") in {"preferred", "required"} and not get("region"):
        return {"/region": [messages.REGION_NEEDED]}
    return {}


def language_of(model: type[Listing], get: Get) -> str:
    """zh, en or both, by what its title or name is given in."""
    zh, en = bool(get(f"{model.HEADING}_zh")), bool(get(f"{model.HEADING}_en"))
    return "both" if zh and en else "zh" if zh else "en"
