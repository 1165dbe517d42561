"""Examples of the inbox, preferences, endpoints, deliveries and bounces."""

from __future__ import annotations

from typing import Any

_ID = "0192f0c1-7a52-7c3e-9b1d-3f6a8e5d4c21"
_MATCH = "0192f0c1-8b10-7d44-8c2e-51f0a9b7e630"
_ENDPOINT = "0192f0c1-9d34-7a10-8f4b-6c2e1d0a9b87"
_MOMENT = "2027-03-01T08:30:00+00:00"

NOTIFICATION: dict[str, Any] = {
    "id": _ID,
    "position": 7,
    "kind": "match_found",
    "title": "新的匹配：海上风电塔筒长效防腐涂层",
    "body": "与您的“潮差区钢结构涂层两年内起泡脱落”匹配度 91%：都涉及防腐、涂层、盐雾。",
    "language": "zh",
    "listing_type": "demand",
    "listing_id": _ID,
    "match_id": _MATCH,
    "created_at": _MOMENT,
    "read_at": None,
}
NEWS = {"items": [NOTIFICATION], "position": 7}
INBOX = {"items": [NOTIFICATION], "unread": 1, "next": None}

PREFERENCES: dict[str, Any] = {
    "rhythms": {
        "match_found": {
            "mail": "daily",
            "webhook": "instant",
            "wecom": "instant",
            "dingtalk": "instant",
            "feishu": "instant",
            "apprise": "instant",
        }
    },
    "time_zone": "Asia/Shanghai",
    "quiet_from": "22:00",
    "quiet_to": "07:30",
    "digest_at": "08:00",
    "digest_day": 0,
    "daily_cap": 10,
    "language": "zh",
}
CHANGED_PREFERENCES: dict[str, Any] = {
    "rhythms": {"match_found": {"mail": "weekly", "wecom": "off"}},
    "quiet_from": "22:00",
    "quiet_to": "07:30",
    "daily_cap": 10,
}

NEW_ENDPOINT: dict[str, Any] = {
    "channel": "webhook",
    "address": "https://example.org/qiao",
    "name": "研究院系统",
    "events": ["match_found", "mutual_interest"],
}
ENDPOINT: dict[str, Any] = {
    "id": _ENDPOINT,
    "channel": "webhook",
    "name": "研究院系统",
    "shown": "https://example.org",
    "events": ["match_found", "mutual_interest"],
    "failing_since": None,
    "disabled_for": "",
    "disabled_at": None,
    "previous_until": None,
    "created_at": _MOMENT,
    "updated_at": _MOMENT,
}
ENDPOINTS: dict[str, Any] = {"items": [ENDPOINT]}
MADE_ENDPOINT: dict[str, Any] = {**ENDPOINT, "secret": "whsec_" + "c2hvd24gb25jZSwgYW5kIG5ldmVyIGFnYWluISE="}
CHANGED_ENDPOINT: dict[str, Any] = {"name": "研究院新系统", "events": []}

DELIVERY: dict[str, Any] = {
    "id": _ID,
    "endpoint_id": _ENDPOINT,
    "channel": "webhook",
    "kind": "event",
    "state": "waiting",
    "tries": 1,
    "next_at": "2027-03-01T08:30:35+00:00",
    "created_at": _MOMENT,
    "finished_at": None,
    "attempts": [
        {
            "at": _MOMENT,
            "ended_at": "2027-03-01T08:30:05+00:00",
            "outcome": "failed",
            "status": 503,
            "detail": "the receiver answers 503",
        }
    ],
}
TRIAL: dict[str, Any] = {**DELIVERY, "kind": "test", "tries": 0, "next_at": _MOMENT, "attempts": []}
DELIVERIES: dict[str, Any] = {"items": [DELIVERY], "next": None}
DIGEST: dict[str, Any] = {
    "subject": "桥：1 条新消息，新的匹配：海上风电塔筒长效防腐涂层",
    "text": "新的匹配：海上风电塔筒长效防腐涂层",
    "html": "<!doctype html><title>桥：1 条新消息</title>",
    "items": 1,
}
BOUNCE: dict[str, Any] = {
    "address": "lin@institute.example",
    "kind": "hard",
    "message_id": "<0192f0c1@qiao.example>",
}
