"""The audit trail, for auditors. Only read here: what is written into it comes with each deed."""

from __future__ import annotations

from typing import Any

from market.api import paging
from market.api.calls import Call
from market.api.doors import Answer, Door
from market.services.trail import audit, sealing
from schemas.audit import AuditEntryRead, AuditHead, AuditPage, AuditQuery

door = Door("audit", __name__, url_prefix="/api/v1/audit", description="The audit trail 审计日志")

_shape = AuditEntryRead()
_ENTRY: dict[str, Any] = {
    "id": "0192f0c1-7a52-7c3e-9b1d-3f6a8e5d4c21",
    "created_at": "2027-03-01T08:30:00+00:00",
    "actor_kind": "user",
    "actor_id": "0192f0c1-1b2c-7d3e-8f40-5a6b7c8d9e0f",
    "action": "change",
    "noun": "outcome",
    "subject_id": "0192f0c1-9d34-7a10-8f4b-6c2e1d0a9b87",
    "details": {"fields": ["price", "trl"]},
    "request_id": "0192f0c1-7a50-7111-8222-93a4b5c6d7e8",
}
_PAGE: dict[str, Any] = {"items": [_ENTRY], "next": None}
_HEAD: dict[str, Any] = {
    "position": 18_204,
    "hash": "9b2f6c0d4e7a8b1c3d5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5",
    "unsealed": 0,
    "oldest_unsealed": None,
}


@door.route_to("GET", "", action="audit.read", query=AuditQuery, answer=AuditPage, example=_PAGE)
def list_audit(call: Call, query: dict[str, Any]) -> Answer:
    """Who did what to which subject, the newest first."""
    wanted = audit.Wanted(
        noun=query.get("noun", ""),
        subject_id=query.get("subject"),
        actor_id=query.get("actor"),
        actor_kind=query.get("actor_kind", ""),
        action=query.get("action", ""),
        since=query.get("since"),
        until=query.get("until"),
    )
    page = paging.page(
        query,
        lambda before, limit: audit.listed(call.session, wanted, before=before, limit=limit),
        place=lambda row: (row.created_at, row.id),
    )
    return page.answer(_shape.dump(page.rows, many=True))


@door.route_to("GET", "/head", action="audit.read", answer=AuditHead, example=_HEAD)
def read_audit_head(call: Call) -> Answer:
    """The head of the chain, and how much is not sealed yet."""
    head = sealing.head(call.session)
    waiting, oldest = sealing.unsealed(call.session)
    return Answer(
        {
            "position": head.position,
            "hash": head.hash,
            "unsealed": waiting,
            "oldest_unsealed": oldest.isoformat() if oldest else None,
        }
    )
