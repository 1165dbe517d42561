"""Reasons in words: a part as a label with evidence, a whole match as one sentence, in Chinese or English."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from market.vocabulary import vocabulary

_LABELS = {
    "text": ("用词相合", "Shared words"),
    "field": ("技术领域", "Field"),
    "disciplines": ("学科", "Discipline"),
    "industries": ("行业", "Industry"),
    "trl": ("技术就绪度", "Readiness level"),
    "budget": ("价格与预算", "Price and budget"),
    "region": ("地区", "Region"),
    "modes": ("合作方式", "Way of cooperation"),
    "indicators": ("技术指标", "Technical indicators"),
    "freshness": ("时间相近", "Close in time"),
}
_VOCABULARIES = {
    "field": ("fields",),
    "disciplines": ("disciplines",),
    "industries": ("industries",),
    "region": ("regions",),
    "modes": ("cooperation_modes", "expert_cooperation"),
}


def label(name: str, language: str) -> str:
    """What a part is called."""
    return _LABELS[name][0 if language == "zh" else 1]


def evidence(part: Mapping[str, Any], language: str) -> list[str]:
    """What made the part, with codes turned into labels."""
    return [_word(part["name"], item, language) for item in part["evidence"]]


def _word(name: str, item: str, language: str) -> str:
    for vocabulary_name in _VOCABULARIES.get(name, ()):
        terms = vocabulary(vocabulary_name)
        if item in terms:
            return terms.label(item, language)
    return item


def sentence(parts: Sequence[Mapping[str, Any]], language: str) -> str:
    """The up to three strongest reasons that speak for the pair, in one sentence."""
    speaking = [part for part in parts if part["contribution"] > 0][:3]
    clauses = [_clause(part, language) for part in speaking]
    if language == "zh":
        return ("；".join(clauses) or "总体相近") + "。"
    joined = "; ".join(clauses) or "close on the whole"
    return joined[0].upper() + joined[1:] + "."


def _clause(part: Mapping[str, Any], language: str) -> str:
    items = evidence(part, language)
    chinese = language == "zh"
    match part["name"]:
        case "text":
            words = [item for item in items if not item.startswith("《")][:5]
            listed = "、".join(words) if chinese else ", ".join(words)
            return f"都涉及{listed}" if chinese else f"both speak of {listed}"
        case "field" | "disciplines" | "industries":
            return (
                f"{label(part['name'], language)}：{items[0]}"
                if chinese
                else f"same or near {label(part['name'], language).lower()} ({items[0]})"
            )
        case "trl":
            return (
                f"技术就绪度 {items[0]} 合所需 {items[1]}"
                if chinese
                else f"readiness level {items[0]} fits the wanted {items[1]}"
            )
        case "budget":
            return (
                f"价格 {items[0]} 元在预算 {items[1]} 元内"
                if chinese
                else f"price CNY {items[0]} fits the budget {items[1]}"
            )
        case "indicators":
            return f"指标相合（{items[0]}）" if chinese else f"indicators agree ({items[0]})"
        case "modes":
            return f"可{items[0]}" if chinese else f"ways of cooperation agree ({items[0].lower()})"
        case _:
            return (
                f"{label(part['name'], language)}：{items[-1]}"
                if chinese
                else f"{label(part['name'], language).lower()}: {items[-1]}"
            )
