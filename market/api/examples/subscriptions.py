"""The examples of subscriptions in the OpenAPI document."""

from __future__ import annotations

from typing import Any

from market.api.examples.listings import READ

_ID = "0192f0c1-9d31-7e02-8a44-2b7c90d1e5f6"
_MOMENT = "2027-03-01T08:30:00+00:00"

CREATE: dict[str, Any] = {
    "noun": "outcome",
    "query": {"q": "石墨烯 防腐涂层", "field": "new_materials", "region": "120000", "trl_from": 5},
    "name": "天津的石墨烯涂层",
    "rhythm": "daily",
    "feed": True,
}
PASTED: dict[str, Any] = {"noun": "outcome", "query": "q=石墨烯&field=new_materials"}
UPDATE: dict[str, Any] = {"rhythm": "weekly", "expires_on": "2028-12-31"}

READ_ONE: dict[str, Any] = {
    "id": _ID,
    "noun": "outcome",
    "name": CREATE["name"],
    "query": CREATE["query"],
    "rhythm": "daily",
    "paused": False,
    "expires_on": None,
    "has_feed": True,
    "created_at": _MOMENT,
    "updated_at": _MOMENT,
}
FEED: dict[str, Any] = {"feed": "https://example.com/feeds/3q2-7wAAx0y8vJm5pTq1uZ4sK9bN6cR2dF0gH8jL1eM.atom"}
MADE: dict[str, Any] = {**READ_ONE, **FEED}
PAGE: dict[str, Any] = {"items": [READ_ONE], "next": None}
PREVIEW: dict[str, Any] = {"days": 30, "count": 1, "complete": True, "items": [READ["outcome"]]}
