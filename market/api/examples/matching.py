"""Examples of matches, advice and flags."""

from __future__ import annotations

from typing import Any

from market.api.examples.listings import READ

_ID = "0192f0c1-7a52-7c3e-9b1d-3f6a8e5d4c21"
_OTHER = "0192f0c1-8b10-7d44-8c2e-51f0a9b7e630"
_MOMENT = "2027-03-01T08:30:00+00:00"

_REASONS = [
    {
        "name": "words",
        "label": "用词相合",
        "score": 0.71,
        "weight": 12.0,
        "contribution": 3.12,
        "evidence": ["防腐", "涂层", "盐雾"],
    }
]
MATCH: dict[str, Any] = {
    "id": _OTHER,
    "score": 0.91,
    "sentence": "都涉及防腐、涂层、盐雾。",
    "reasons": _REASONS,
    "type": "outcome",
    "listing": READ["outcome"],
    "state": "new",
    "other_state": "",
    "reason": "",
    "created_at": _MOMENT,
    "updated_at": _MOMENT,
}
MATCHES = {"items": [MATCH], "next": None}
TEXT_MATCH = {
    "text": "码头钢桩潮差区涂层起泡脱落，求长效防腐方案",
    "kind": "outcome",
    "budget_to": 2_000_000,
}
TEXT_MATCHES = {
    "items": [{key: MATCH[key] for key in ("type", "score", "sentence", "reasons", "listing")}],
    "meaning_compared": True,
}
ADVICE = {
    "completeness": 0.82,
    "candidates": 64,
    "items": [
        {
            "field": "indicators",
            "label": "技术指标",
            "why": "最接近的 64 项中有 32 项写明了此项，填写后可据以区分。",
            "gain": 0.4,
            "measured": True,
            "known": 32,
        },
        {
            "field": "deadline",
            "label": "截止日期",
            "why": "不影响匹配分值，但供方据此判断能否按期完成。",
            "gain": 0.01,
            "measured": False,
            "known": 0,
        },
    ],
}
FLAG: dict[str, Any] = {
    "id": _OTHER,
    "kind": "copied_demand",
    "type": "outcome",
    "listing": READ["outcome"],
    "demand": READ["demand"],
    "verdict": "",
    "created_at": _MOMENT,
    "resolved_at": None,
    "resolved_by": None,
}
FLAGS = {"items": [FLAG], "next": None}
RESOLVED_FLAG = {**FLAG, "verdict": "copied", "resolved_at": _MOMENT, "resolved_by": _ID}
