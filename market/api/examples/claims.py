"""Examples of claims, messages that are passed on, and cases, for the OpenAPI document. Tests keep them true."""

from __future__ import annotations

from typing import Any

from market.api.examples.listings import READ
from market.rights import consent as _text

_MOMENT, _LATER = "2027-03-01T08:30:00+00:00", "2027-03-02T09:00:00+00:00"
_ID, _PERSON = "0192f0c3-51bb-7d20-9a6e-4b7c9d1e2f30", "0192f0c1-9d34-7a10-8f4b-6c2e1d0a9b87"
_GIVEN = {"version": _text.VERSION, "sha256": _text.SHA256}

CONSENT = {
    **_GIVEN,
    "zh": _text.ZH.partition("\n")[0],
    "en": _text.EN.partition("\n")[0],
}
CREATE: dict[str, Any] = {"evidence": "mail_domain", "consent": _GIVEN}
CONSENTING = {"consent": _GIVEN}
CLAIM: dict[str, Any] = {
    "id": _ID,
    "type": "expert",
    "listing_id": READ["expert"]["id"],
    "listing": READ["expert"],
    "claimant": {"name": "林知远", "organisation_zh": "", "organisation_en": ""},
    "organisation_id": None,
    "evidence": "mail_domain",
    "finding": [
        {"code": "mail_of_organisation", "label": "已确认的邮箱属于该机构域名。"},
        {"code": "name_shared", "label": "该机构另有同名资料。"},
    ],
    "text": "",
    "state": "open",
    "answer": "",
    "decided_at": None,
    "consent": {**_GIVEN, "at": _MOMENT, "withdrawn_at": None},
    "may_decide": False,
    "created_at": _MOMENT,
}
DECISIONS: dict[str, dict[str, Any]] = {
    "approve": {"text": "已与机构核实。"},
    "refuse": {"text": "材料未能说明与该成果的关系。"},
}
_DECIDED = {**CLAIM, "decided_at": _LATER}
DECIDED: dict[str, dict[str, Any]] = {
    "approve": {**_DECIDED, "state": "approved", "answer": DECISIONS["approve"]["text"]},
    "refuse": {**_DECIDED, "state": "refused", "answer": DECISIONS["refuse"]["text"]},
}
WITHDRAWN = {**CLAIM, "state": "withdrawn"}
CUSTODY = {"items": [{"listing": READ["expert"], "custody": "unclaimed"}], "next": None}
PROFILE_WITHDRAWN = {**READ["expert"], "state": "withdrawn", "custody": "claimed", "consented": False}

MESSAGE = {"text": "您好，我们正在寻找潮差区防腐方案，能否进一步了解贵方涂层的施工条件？"}
THREAD: dict[str, Any] = {
    "id": "0192f0c4-0a11-7c3d-8e5f-6a7b8c9d0e1f",
    "type": "outcome",
    "listing_id": READ["outcome"]["id"],
    "listing": READ["outcome"],
    "writer": {
        "name": "陈立",
        "organisation_zh": "海河材料研究院",
        "organisation_en": "Haihe Institute of Materials",
        "organisation_verification": "verified",
        "email_verified": True,
    },
    "last_at": _MOMENT,
    "unread": 1,
    "closed_at": None,
    "closed_because": "",
}
CONVERSATION: dict[str, Any] = {
    **THREAD,
    "messages": [{"at": _MOMENT, "mine": False, "text": MESSAGE["text"], "read_at": None}],
}
SENT: dict[str, Any] = {
    **CONVERSATION,
    "writer": None,
    "unread": 0,
    "messages": [{"at": _MOMENT, "mine": True, "text": MESSAGE["text"], "read_at": None}],
}
ENDED = {**CONVERSATION, "closed_at": _LATER}

ASSIGN = {"type": "demand", "id": READ["demand"]["id"], "broker": _PERSON, "note": "请优先联系三家候选单位。"}
CASE: dict[str, Any] = {
    "id": _ID,
    "type": "demand",
    "listing_id": READ["demand"]["id"],
    "listing": READ["demand"],
    "broker": {"id": _PERSON, "name": "周衡"},
    "note": ASSIGN["note"],
    "created_at": _MOMENT,
    "closed_at": None,
    "closed_because": "",
    "may_close": True,
}
