"""Examples of searches over all kinds."""

from __future__ import annotations

from market.api.examples.listings import READ

_ID = "0192f0c1-7a52-7c3e-9b1d-3f6a8e5d4c21"

HITS = {"items": [{**READ["outcome"], "score": 7.31}], "totals": {"outcome": 1, "expert": 0, "demand": 0}}
SUGGESTIONS = {"items": [{"text": "防腐涂层", "type": "outcome", "id": _ID}]}
SEARCH_KEY = {
    "url": "https://example.com:7700",
    "key": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJhcGlLZXlVaWQiOiIuLi4ifQ.c2lnbmF0dXJl",
    "indexes": {"outcomes": "qiao_outcomes_1f0c9a7be2d4_front", "experts": "...", "demands": "..."},
    "expires_at": "2026-03-02T09:15:00+00:00",
}
