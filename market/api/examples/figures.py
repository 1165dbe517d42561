"""What the statistics look like, for the documentation."""

from __future__ import annotations

from typing import Any

_COUNTED = {"since": None, "until": None, "counted_at": "2026-11-23T06:20:00+00:00"}
_CONVERSION = {
    "found": 812, "seen": 304, "interested": 96, "in_contact": 31,
    "rates": {"found": 1.0, "seen": 0.3744, "interested": 0.1182, "in_contact": 0.0382},
}  # fmt: skip
_BUDGET = {"demands": 17, "band": "10m_100m", "label": "CNY 10 to 100 million"}

TOTALS: dict[str, Any] = {
    "organisations": 420,
    "organisations_publishing": 371,
    "outcomes": 8575,
    "experts": 3836,
    "demands": 21,
    "open_demands": 14,
    "demands_by_progress": {
        "open": 14, "in_negotiation": 4, "awarded": 2, "solved": 1, "cancelled": 0, "failed": 0,
    },
    "matches": 630,
    "conversion": _CONVERSION,
    "budget": _BUDGET,
    "by_field": {"new_materials": {"outcomes": 1204, "experts": 511, "demands": 4}},
    "by_region": {"120000": 5120},
    **_COUNTED,
}  # fmt: skip


def groups(dimension: str, code: str, zh: str, en: str) -> dict[str, Any]:
    """An answer with one group."""
    counts: dict[str, Any] = {
        "outcomes": 5120, "experts": 2100, "demands": 12, "matches": 380,
        "budget": _BUDGET, "conversion": None if dimension == "organisation" else _CONVERSION,
    }  # fmt: skip
    return {
        "dimension": dimension,
        "what": ["outcomes", "experts", "demands", "matches"],
        **_COUNTED,
        "groups": 9,
        "items": [{"code": code, "label": en, "zh": zh, "en": en, **counts}],
        "total": {**counts, "outcomes": 8575},
    }


CONVERSION: dict[str, Any] = {
    "dimension": "conversion",
    "what": ["matches"],
    **_COUNTED,
    "groups": 4,
    "items": [{"code": "seen", "label": "Seen by either side", "zh": "已查看", "en": "Seen by either side",
               "matches": 304, "rate": 0.3744}],
    "total": {"matches": 630, "rate": None},
}  # fmt: skip
GROUPS: dict[str, dict[str, Any]] = {
    "region": groups("region", "120000", "天津市", "Tianjin"),
    "field": groups("field", "new_materials", "新材料", "New materials"),
    "organisation": groups(
        "organisation", "0190b6b0-0000-7000-8000-000000000001", "海河先进材料研究院", "Haihe Institute of Materials"
    ),
    "month": groups("month", "2026-03", "2026-03", "2026-03"),
}
