"""Examples for accounts, signing in, keys, organisations and who belongs to them."""

from __future__ import annotations

from typing import Any

from market.api.examples.listings import ORGANISATION as _ORGANISATION

_ID = "0192f0c1-7a52-7c3e-9b1d-3f6a8e5d4c21"
_OTHER = "0192f0c1-9d34-7a10-8f4b-6c2e1d0a9b87"
_MOMENT = "2027-03-01T08:30:00+00:00"
_LATER = "2027-03-01T20:30:00+00:00"
_SECRET = "kite-ladder-orange-mill"  # noqa: S105  # an example

ORGANISATION: dict[str, Any] = {
    **_ORGANISATION,
    "credit_code": "91350100M000100Y43",
    "verification": "verified",
}
WHOLE = {
    **ORGANISATION,
    "trusted": False,
    "active": True,
    "verified_at": _MOMENT,
    "mail_domains": ["haihe.example"],
}
REGISTRATION = {"email": "chen@haihe.example", "name": "陈立", "language": "zh", "password": _SECRET}
TAKEN = {"accepted": True}
TOKEN = {"token": "WyJ2ZXJpZnkiLCIwMTkyZjBjMTdhNTIi.7gkq"}
ADDRESS = {"email": "chen@haihe.example"}
NEW_PASSWORD = {**TOKEN, "password": _SECRET}
CHANGED_ME = {"name": "陈立", "language": "en", "password": {"old": "an-older-one-of-mine", "new": _SECRET}}
ME: dict[str, Any] = {
    "id": _ID,
    "name": "陈立",
    "email": "chen@haihe.example",
    "language": "zh",
    "roles": [],
    "organisation": ORGANISATION,
    "memberships": [{"organisation": ORGANISATION, "roles": ["member"]}],
    "scopes": [],
    "email_verified": True,
    "orcid": "",
    "has_password": True,
}
ERASURE = {"password": _SECRET}
ERASURE_REPORT: dict[str, Any] = {
    "account": _ID,
    "gone": ["api_keys", "memberships", "notifications", "users"],
    "headless": [],
    "stays": ["审计日志仅保留账户编号，已无法指向您本人。"],
}
ACCOUNT: dict[str, Any] = {
    "id": _ID,
    "email": "chen@haihe.example",
    "name": "陈立",
    "language": "zh",
    "roles": ["reviewer"],
    "active": True,
    "email_verified_at": _MOMENT,
    "created_at": _MOMENT,
}
SIGN_IN = {"email": "chen@haihe.example", "password": _SECRET}
SIGNED_IN = {"key": "qiao_8fK2mQ0cVx7LwRtYbNpZsD4eHgJ1aU3hT9xQw", "expires_at": _LATER, "linked": ""}
ADDED = {"provider": "orcid", "password": _SECRET}
WAYS_IN: dict[str, Any] = {
    "passwords": True,
    "providers": [{"name": "orcid", "url": "https://example.org/api/v1/sign-in/orcid"}],
}
REDIRECT = {"url": "https://example.org/oauth/authorize?client_id=APP-1&response_type=code"}
IDENTITIES: dict[str, Any] = {"items": [{"id": _OTHER, "issuer": "https://example.org", "created_at": _MOMENT}]}
NEW_KEY: dict[str, Any] = {"label": "夜间导入", "scopes": ["read", "publish"], "days": 365}
KEY: dict[str, Any] = {
    "id": _OTHER,
    "hint": "qiao_8fK2",
    "label": "夜间导入",
    "kind": "key",
    "scopes": ["publish", "read"],
    "created_at": _MOMENT,
    "expires_at": "2028-02-29T08:30:00+00:00",
    "last_used_at": None,
}
KEYS: dict[str, Any] = {"items": [KEY]}
MADE_KEY = {**KEY, "key": SIGNED_IN["key"]}

NEW_ORGANISATION: dict[str, Any] = {
    "name_zh": "海河材料研究院",
    "name_en": "Haihe Institute of Materials",
    "kind": "research_institute",
    "region": "120000",
    "credit_code": "91350100M000100Y43",
    "mail_domains": ["haihe.example"],
}
CHANGED_ORGANISATION = {"summary_zh": "从事防腐与表面工程研究。"}
EVIDENCE: dict[str, Any] = {"credit_code_valid": True, "confirmed": {"haihe.example": 1}, "alike": []}
PERSON: dict[str, Any] = {
    "id": _ID,
    "name": "陈立",
    "email": "chen@haihe.example",
    "email_verified": True,
    "active": True,
    "roles": ["member", "organisation_admin"],
    "until": None,
    "since": _MOMENT,
    "delegations": [],
}
CHANGED_PERSON: dict[str, Any] = {"roles": ["member"], "until": None}
NEW_INVITATION: dict[str, Any] = {"email": "li@haihe.example", "roles": ["member"], "language": "zh"}
INVITATION: dict[str, Any] = {
    "id": _OTHER,
    "email": "li@haihe.example",
    "roles": ["member"],
    "language": "zh",
    "until": "2027-03-15T08:30:00+00:00",
    "created_at": _MOMENT,
    "accepted_at": None,
    "revoked_at": None,
}
MADE_INVITATION = {**INVITATION, "token": "p3Jx0mQe8sV1kT7wZcR5uY2a"}
ACCEPTANCE = {"token": MADE_INVITATION["token"], "name": "李文", "password": _SECRET}
JOINED: dict[str, Any] = {"organisation": ORGANISATION, "roles": ["member"], "until": None}
