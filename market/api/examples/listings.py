"""Examples of listings and what they said before; others are made of these."""

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
    "credit_code": None,
    "verification": "verified",
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
    "return": {"text": "请补充第三方检测报告。"},
    "suspend": {"reason": "implausible", "text": "指标与检测报告不符。"},
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


HISTORY: dict[str, Any] = {
    "items": [
        {
            "id": _OTHER,
            "at": _MOMENT,
            "who": {"role": "reviewer", "name": ""},
            "action": "return",
            "before": "submitted",
            "after": "draft",
            "fields_changed": [],
            "version": 3,
            "restored": None,
            "reason": "",
            "text": "请补充第三方检测报告。",
            "listing": _ID,
        }
    ],
    "next": None,
}
VERSION: dict[str, Any] = {"version": 2, "content": {"title_zh": "海上风电塔筒长效防腐涂层", "trl": 7}}
DIFF: dict[str, Any] = {
    "from": 2,
    "to": 3,
    "items": [
        {
            "field": "summary_zh",
            "before": "盐雾试验三千小时不起泡。",
            "after": "盐雾试验四千小时不起泡。",
            "text": [
                {"op": "equal", "text": "盐雾试验"},
                {"op": "delete", "text": "三"},
                {"op": "insert", "text": "四"},
                {"op": "equal", "text": "千小时不起泡。"},
            ],
        },
        {"field": "trl", "before": 6, "after": 7},
    ],
}
