"""Examples of what reviewers ask and are answered; a test sends and compares them."""

from __future__ import annotations

from typing import Any

from market.api.examples.listings import READ

_ID = "0192f0c1-7a52-7c3e-9b1d-3f6a8e5d4c21"
_OTHER = "0192f0c1-8b10-7d44-8c2e-51f0a9b7e630"
_MOMENT = "2027-03-01T08:30:00+00:00"

REVIEW: dict[str, Any] = {
    "id": _OTHER,
    "type": "outcome",
    "listing": READ["outcome"],
    "version": 1,
    "submitted_at": _MOMENT,
    "age_seconds": 5400,
    "assigned_to": {"id": _ID, "name": "周敏"},
    "assigned_at": _MOMENT,
    "first_publication": True,
    "submitted_before": False,
    "duplicates": 1,
    "open_flags": 0,
    "open_reports": 0,
    "may_decide": True,
}
REVIEWS: dict[str, Any] = {"items": [REVIEW], "next": None}
SUMMARY: dict[str, Any] = {
    "waiting": 37,
    "by_type": {"outcome": 29, "expert": 6, "demand": 2},
    "assigned": 5,
    "age": {"half": 14_400, "nine_tenths": 100_800, "oldest": 216_000},
    "open_flags": 1,
    "open_reports": 3,
    "decided": {"approved": 112, "rejected": 9, "returned": 21},
}
BULK: dict[str, Any] = {
    "action": "reject",
    "reason": "incomplete",
    "text": "请补充技术指标。",
    "items": [{"type": "outcome", "id": _ID, "version": 1}, {"type": "demand", "id": _OTHER}],
}
BULK_DONE: dict[str, Any] = {
    "done": 1,
    "items": [
        {"type": "outcome", "id": _ID, "ok": True, "state": "rejected", "version": 2},
        {"type": "demand", "id": _OTHER, "ok": False, "problem": "not-in-this-state", "title": "当前状态不允许"},
    ],
}
REPORT_MADE: dict[str, Any] = {"id": _OTHER, "kind": "false_claims", "created_at": _MOMENT}
REPORT: dict[str, Any] = {
    **REPORT_MADE,
    "text": "检测报告编号查无此号。",
    "type": "outcome",
    "listing": READ["outcome"],
    "verdict": "",
    "answer": "",
    "resolved_at": None,
    "resolved_by": None,
}
REPORTS: dict[str, Any] = {"items": [REPORT], "next": None}
RESOLVED: dict[str, Any] = {
    **REPORT,
    "verdict": "suspended",
    "answer": "检测报告无法核实，请补充后再提交。",
    "resolved_at": _MOMENT,
    "resolved_by": _ID,
}
DUPLICATES: dict[str, Any] = {
    "items": [
        {
            "type": "outcome",
            "listing": READ["outcome"],
            "score": 0.87,
            "coincides": [{"what": "text", "value": ""}, {"what": "patent", "value": "201910123456"}],
        }
    ]
}
