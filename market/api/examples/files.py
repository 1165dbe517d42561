"""Examples for imports."""

from __future__ import annotations

from typing import Any

_ID = "0192f0c1-7a52-7c3e-9b1d-3f6a8e5d4c30"
_HERE = f"/api/v1/imports/{_ID}"

CREATE: dict[str, Any] = {
    "file": "成果编号,成果名称,技术领域\nHB-2031,海上风电塔筒长效防腐涂层,新材料\n",
    "noun": "outcome",
    "mapping": '{"项目名称": "title_zh"}',
    "words": '{"field": {"新材料技术": "new_materials"}}',
    "dry_run": True,
}
IMPORT: dict[str, Any] = {
    "id": _ID,
    "noun": "outcome",
    "state": "running",
    "why": "",
    "name": "成果2027.xlsx",
    "digest": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "bytes": 1_482_113,
    "organisation_id": "0192f0c1-1b9c-7d2e-8a4f-5c6d7e8f9a0b",
    "dry_run": False,
    "rows": 8_575,
    "done": 4_012,
    "progress": 0.467,
    "created": 3_890,
    "changed": 57,
    "unchanged": 41,
    "refused": 12,
    "undone": 0,
    "left": 0,
    "created_at": "2027-03-01T08:30:00+00:00",
    "updated_at": "2027-03-01T08:30:02+00:00",
    "finished_at": None,
    "links": {"self": _HERE, "faults": f"{_HERE}/faults", "cancel": f"{_HERE}/actions/cancel"},
}
IMPORTS: dict[str, Any] = {"items": [IMPORT], "next": None}
FAULTS: dict[str, Any] = {
    "items": [{"line": 17, "column": "技术成熟度 (F)", "kind": "fault", "message": "应为 1 至 9 级，如 6、TRL 6。"}],
    "next": None,
}
