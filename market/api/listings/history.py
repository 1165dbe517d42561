"""The history of a listing: who changed what and when, what it said before, and having that back."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from market.api import paging
from market.api.calls import Call
from market.api.doors import Answer, Door
from market.api.examples import listings as examples
from market.api.presenting import READ, shown_to
from market.models import LISTINGS, Listing
from market.services.disclosure import disclosing
from market.services.disclosure.disclosing import Disclosed
from market.services.listings import histories
from market.services.listings.histories import Told
from market.vocabulary.protection import FIELDS
from schemas.moderation import DiffQuery, DiffRead, HistoryEntry, HistoryPage, HistoryQuery, Restoring, VersionRead

door = Door("history", __name__, url_prefix="/api/v1", description="Versions and history 历史")

_entry = HistoryEntry()


def _serve(noun: str) -> None:
    model: Any = LISTINGS[noun]
    one = f"/{noun}s/<uuid:identity>"

    @door.route_to(
        "GET", f"{one}/history", action="listing.history", query=HistoryQuery, answer=HistoryPage,
        example=examples.HISTORY, name=f"read_history_of_{noun}",
    )  # fmt: skip
    def history(call: Call, identity: uuid.UUID, query: dict[str, Any]) -> Answer:
        """Who changed what, and when, the newest first; of listings merged into it too."""
        page = paging.page(
            query,
            lambda before, limit: histories.of_listing(
                call.session, call.principal, model, identity, before=before, limit=limit
            ),
            place=lambda told: (told.entry.created_at, told.entry.id),
        )
        return page.answer(_shown(told) for told in page.rows)

    @door.route_to(
        "GET", f"{one}/versions/<int:number>", action="listing.versions", answer=VersionRead,
        example=examples.VERSION, name=f"read_version_of_{noun}",
    )  # fmt: skip
    def version(call: Call, identity: uuid.UUID, number: int) -> Answer:
        """What it said in a version."""
        listing, content = histories.version(call.session, call.principal, model, identity, number)
        return Answer(
            {"version": number, "content": content}, disclosed=_disclosed(call, listing, [content]), public={}
        )

    @door.route_to(
        "GET", f"{one}/diff", action="listing.versions", query=DiffQuery, answer=DiffRead, example=examples.DIFF,
        name=f"compare_versions_of_{noun}",
    )  # fmt: skip
    def diff(call: Call, identity: uuid.UUID, query: dict[str, Any]) -> Answer:
        """The fields that differ between two versions; of texts, the words and characters."""
        listing, newer, found = histories.difference(
            call.session, call.principal, model, identity, older=query["older"], newer=query.get("newer")
        )
        sides = [{field["field"]: field[side] for field in found} for side in ("before", "after")]
        body = {"from": query["older"], "to": newer, "items": found}
        return Answer(body, disclosed=_disclosed(call, listing, sides), public={})

    @door.route_to(
        "POST", f"{one}/actions/restore-version", action="listing.update", body=Restoring,
        body_example={"version": 1}, answer=READ[noun], example=examples.READ[noun], name=f"restore-version_{noun}",
    )  # fmt: skip
    def restore(call: Call, identity: uuid.UUID, body: dict[str, Any]) -> Answer:
        """Have it say again what it said in an earlier version, as a new one."""
        restored: Listing = histories.restore(
            call.session, call.principal, model, identity, body["version"],
            version=call.if_match, now=call.runtime.clock(),
        )  # fmt: skip
        return shown_to(call, restored)


for _noun in LISTINGS:
    _serve(_noun)


def _shown(told: Told) -> dict[str, Any]:
    details = told.entry.details
    shown: dict[str, Any] = _entry.dump(
        {
            "id": told.entry.id,
            "at": told.entry.created_at,
            "who": {"role": told.role, "name": told.name},
            "action": told.entry.action,
            "before": details.get("before", ""),
            "after": details.get("after", ""),
            "fields_changed": details.get("fields", []),
            "version": details.get("version"),
            "restored": details.get("restored"),
            "reason": details.get("reason", ""),
            "text": told.text,
            "listing": told.listing_id,
        }
    )
    return shown


def _disclosed(call: Call, listing: Listing, contents: Iterable[Mapping[str, Any]]) -> Disclosed | None:
    """What of these contents is protected now, or was then, and is shown to whom it does not belong to."""
    seen = disclosing.sight(call.session, call.principal, listing, now=call.runtime.clock())
    if seen.by == "own":
        return None
    known = FIELDS[listing.NOUN]
    found: set[str] = set()
    for content in contents:
        protected = {*listing.protected, *(content.get("tiers") or {})}
        found |= {one for one in protected & {*known} if any(content.get(name) for name in known[one])}
    return Disclosed(listing.NOUN, listing.id, tuple(sorted(found)), seen.by) if found else None
