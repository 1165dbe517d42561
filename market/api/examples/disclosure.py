"""Examples of requests to see what is protected, for the OpenAPI document. Tests keep them true."""

from __future__ import annotations

from typing import Any

from market.api.examples.listings import READ
from market.rights import confidentiality

_MOMENT, _LATER, _END = "2027-03-01T08:30:00+00:00", "2027-03-02T09:00:00+00:00", "2027-05-31T09:00:00+00:00"

TEXT = {
    "version": confidentiality.VERSION,
    "sha256": confidentiality.SHA256,
    "zh": confidentiality.ZH.partition("\n")[0],
    "en": confidentiality.EN.partition("\n")[0],
}
CREATE = {
    "text": "我院长期从事潮差区防腐研究，希望了解现场工况，以评估能否承接。",
    "consent": {"version": confidentiality.VERSION, "sha256": confidentiality.SHA256},
}
ROW: dict[str, Any] = {
    "id": "0192f0c2-11aa-7b3c-8d4e-2f6a8c0e1b35",
    "type": "demand",
    "listing_id": READ["demand"]["id"],
    "listing": READ["demand"],
    "requester": {
        "name": "林知远",
        "organisation_zh": "海河材料研究院",
        "organisation_en": "Haihe Institute of Materials",
        "organisation_verification": "verified",
        "email_verified": True,
    },
    "state": "open",
    "text": CREATE["text"],
    "consent": {"version": confidentiality.VERSION, "sha256": confidentiality.SHA256, "at": _MOMENT},
    "answer": "",
    "decided_at": None,
    "until": None,
    "created_at": _MOMENT,
    "version": 1,
}
DECISIONS: dict[str, dict[str, Any]] = {
    "grant": {"until": _END, "text": "欢迎查阅，具体工况可电话沟通。"},
    "refuse": {"text": "目前暂不对外提供。"},
    "revoke": {"text": "需求已有承接方。"},
    "withdraw": {},
}
_DECIDED = {**ROW, "decided_at": _LATER, "version": 2}
DECIDED: dict[str, dict[str, Any]] = {
    "grant": {**_DECIDED, "state": "granted", "until": _END, "answer": DECISIONS["grant"]["text"]},
    "refuse": {**_DECIDED, "state": "refused", "answer": DECISIONS["refuse"]["text"]},
    "revoke": {**_DECIDED, "state": "revoked", "until": _END, "answer": DECISIONS["revoke"]["text"]},
    "withdraw": {**ROW, "state": "withdrawn", "version": 2},
}
