"""Reasons in words: a part as a label with evidence, a whole match as one sentence, in Chinese or English."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from market.vocabulary import vocabulary
from search.text import is_han

_LABELS = {
    "words": ("用词相合", "Shared words"),
    "meaning": ("含义相近", "Near in meaning"),
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


AWAITED = ("正在重新匹配，理由稍后给出。", "Being matched anew; the reasons follow.")
"""What is said in their place while a listing has changed and its matches have not."""


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
    """The up to three strongest reasons that speak for the pair, in one sentence; shared words come first. Where none
    does, what little there is."""
    speaking = [part for part in parts if part["contribution"] > 0]
    speaking.sort(key=lambda part: (part["name"] != "words", -part["contribution"]))
    clauses = [_clause(part, language) for part in speaking[:3]] or [_little(parts, language)]
    if language == "zh":
        return "；".join(clauses) + "。"
    joined = "; ".join(clauses)
    return joined[0].upper() + joined[1:] + "."


def _little(parts: Sequence[Mapping[str, Any]], language: str) -> str:
    words = next((_listed(evidence(part, language), language) for part in parts if part["name"] == "words"), "")
    if words:
        return f"只共有这些词：{words}" if language == "zh" else f"little more in common than {words}"
    return "少有相合之处" if language == "zh" else "little in common"


# Of the evidence, {0} is the first and {1} the last.
_CLAUSES = {
    "words": ("都涉及{words}", "both speak of {words}"),
    "meaning": ("含义相近{works}", "near in meaning{works}"),
    "field": ("同属{0}领域", "same field: {0}"),
    "disciplines": ("学科相近：{0}", "near disciplines: {0}"),
    "industries": ("行业相近：{0}", "near industries: {0}"),
    "trl": ("技术就绪度 {0} 合所需 {1}", "readiness level {0} fits the wanted {1}"),
    "budget": ("价格 {0} 元在预算 {1} 元内", "price CNY {0} is within the budget {1}"),
    "region": ("地区合适：{1}", "the region suits: {1}"),
    "modes": ("合作方式相合：{0}", "ways of cooperation agree: {0}"),
    "indicators": ("指标相合：{0}", "indicators agree: {0}"),
    "freshness": ("发布时间相近", "published close in time"),
}
# What speaks for a pair without meeting the wish must not be said to meet it.
_NEARLY = {
    "trl": ("技术就绪度 {0} 接近所需 {1}", "readiness level {0} is near the wanted {1}"),
    "budget": ("价格 {0} 元略高于预算 {1} 元", "price CNY {0} is just above the budget {1}"),
    "indicators": ("指标接近：{0}", "indicators come near: {0}"),
}


def _clause(part: Mapping[str, Any], language: str) -> str:
    items = evidence(part, language)
    clauses = _NEARLY if part["score"] < 1 and part["name"] in _NEARLY else _CLAUSES
    template = clauses[part["name"]][0 if language == "zh" else 1]
    if part["name"] == "words" and not _listed(items, language):
        template = ("用字相近", "worded alike")[0 if language == "zh" else 1]
    works = f"：{items[0]}" if items and language == "zh" else f": {items[0]}" if items else ""
    first, last = (items[0], items[-1]) if items else ("", "")
    return template.format(first, last, words=_listed(items, language), works=works)


def _listed(items: Sequence[str], language: str) -> str:
    """Up to five words, those of the reader's own script first; titles of works are left to the reasons."""
    words = [item for item in items if not item.startswith("《")]
    own = sorted(words, key=lambda word: is_han(word) != (language == "zh"))
    return ("、" if language == "zh" else ", ").join(own[:5])
