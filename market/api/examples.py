"""One example for every operation of the OpenAPI document. A test sends and compares them, so they stay true."""

from __future__ import annotations

from typing import Any

_ID = "0192f0c1-7a52-7c3e-9b1d-3f6a8e5d4c21"
_OTHER = "0192f0c1-8b10-7d44-8c2e-51f0a9b7e630"
_MOMENT = "2027-03-01T08:30:00+00:00"

ORGANISATION: dict[str, Any] = {
    "id": _OTHER,
    "name_zh": "海河材料研究院",
    "name_en": "Haihe Institute of Materials",
    "kind": "research_institute",
    "region": "120000",
    "summary_zh": "从事防腐与表面工程研究。",
    "summary_en": "Works on corrosion protection and surface engineering.",
}
_REFERENCE = {key: ORGANISATION[key] for key in ("id", "name_zh", "name_en")}

CREATE: dict[str, dict[str, Any]] = {
    "outcome": {
        "title_zh": "海上风电塔筒长效防腐涂层",
        "title_en": "Long-life anti-corrosion coating for offshore wind towers",
        "summary_zh": "石墨烯改性环氧涂层，盐雾试验四千小时不起泡。",
        "keywords": ["防腐涂层", "海上风电", "graphene"],
        "field": "new_materials",
        "industries": ["C26"],
        "kind": "new_material",
        "trl": 7,
        "ip_status": "granted",
        "cooperation_modes": ["licence", "joint_development"],
        "price": 1_800_000,
        "indicators": [{"name": "耐盐雾时间", "direction": "at_least", "value": 4000, "unit": "h"}],
        "region": "120000",
        "submit": True,
    },
    "expert": {
        "name_zh": "林知远",
        "name_en": "Lin Zhiyuan",
        "professional_title": "professor",
        "directions_zh": "海洋环境腐蚀机理与防护涂层",
        "field": "new_materials",
        "keywords": ["腐蚀", "涂层"],
        "works": [{"kind": "paper", "title": "干湿交替区涂层失效的电化学研究", "year": 2025}],
        "regions_served": ["120000", "110000"],
        "cooperation": ["diagnosis", "joint_development"],
        "submit": True,
    },
    "demand": {
        "title_zh": "潮差区钢结构涂层两年内起泡脱落",
        "problem_zh": "码头钢桩潮差区涂层两年内起泡脱落，现用环氧体系盐雾一千小时即失效，求二十年免维护方案。",
        "keywords": ["防腐涂层", "潮差区"],
        "field": "new_materials",
        "trl_from": 6,
        "trl_to": 9,
        "budget_to": 2_000_000,
        "cooperation_modes": ["licence"],
        "indicators": [{"name": "耐盐雾时间", "direction": "at_least", "value": 3000, "unit": "h"}],
        "region": "120000",
        "region_rule": "preferred",
        "deadline": "2028-06-30",
        "submit": True,
    },
}

UPDATE: dict[str, dict[str, Any]] = {
    "outcome": {"trl": 8, "price": 2_000_000},
    "expert": {"availability": "limited"},
    "demand": {"budget_to": 2_500_000},
}

ACTION: dict[str, dict[str, Any]] = {
    "reject": {"reason": "incomplete", "text": "请补充技术指标。"},
    "extend": {"until": "2028-12-31"},
}

_META = {
    "id": _ID,
    "organisation": _REFERENCE,
    "language": "zh",
    "state": "published",
    "published_at": _MOMENT,
    "created_at": _MOMENT,
    "updated_at": _MOMENT,
    "version": 1,
}
READ: dict[str, dict[str, Any]] = {
    noun: {
        **_META,
        "type": noun,
        **({"progress": "open"} if noun == "demand" else {}),
        **{key: value for key, value in fields.items() if key != "submit"},
    }
    for noun, fields in CREATE.items()
}


def page(item: dict[str, Any]) -> dict[str, Any]:
    """A page of a search."""
    return {
        "items": [{**item, "score": 7.31}],
        "total": 1,
        "facets": {"field": [{"value": "new_materials", "label": "新材料", "count": 1}]},
        "next": None,
    }


HITS = {"items": [{**READ["outcome"], "score": 7.31}], "totals": {"outcome": 1, "expert": 0, "demand": 0}}
SUGGESTIONS = {"items": [{"text": "防腐涂层", "type": "outcome", "id": _ID}]}

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

NOTIFICATION: dict[str, Any] = {
    "id": _ID,
    "position": 7,
    "kind": "match_found",
    "title": "新的匹配：海上风电塔筒长效防腐涂层",
    "body": "与您的“潮差区钢结构涂层两年内起泡脱落”匹配度 91%：都涉及防腐、涂层、盐雾。",
    "language": "zh",
    "listing_type": "demand",
    "listing_id": _ID,
    "match_id": _OTHER,
    "created_at": _MOMENT,
    "read_at": None,
}
NEWS = {"items": [NOTIFICATION], "position": 7}
INBOX = {"items": [NOTIFICATION], "unread": 1, "next": None}

SEARCH_KEY = {
    "url": "https://example.com:7700",
    "key": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJhcGlLZXlVaWQiOiIuLi4ifQ.c2lnbmF0dXJl",
    "indexes": {"outcomes": "qiao_outcomes_1f0c9a7be2d4_front", "experts": "...", "demands": "..."},
    "expires_at": "2026-03-02T09:15:00+00:00",
}

VOCABULARIES = {
    "items": [
        {
            "name": "fields",
            "label": "高新技术领域",
            "zh": "高新技术领域",
            "en": "High-tech fields",
            "terms": [
                {
                    "code": "new_materials",
                    "label": "新材料",
                    "zh": "新材料",
                    "en": "New materials",
                    "parent": None,
                }
            ],
        }
    ]
}
STATISTICS = {
    "organisations": 420,
    "outcomes": 8575,
    "experts": 3836,
    "demands": 21,
    "open_demands": 21,
    "matches": 630,
    "by_field": {"new_materials": {"outcomes": 1204, "experts": 511, "demands": 4}},
    "by_region": {"120000": 5120},
}
ME = {
    "id": _ID,
    "name": "陈立",
    "email": "chen@haihe.example",
    "language": "zh",
    "roles": ["member"],
    "organisation": ORGANISATION,
}
