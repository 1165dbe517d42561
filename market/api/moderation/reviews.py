"""/moderation: what waits for reviewers, who looks at it, and deeds on many listings at once."""

from __future__ import annotations

import uuid
from typing import Any

from market.api import paging
from market.api.calls import Call
from market.api.doors import Answer, Door
from market.api.examples import moderation as examples
from market.api.presenting import PRESENTERS
from market.api.problems.catalogue import KINDS
from market.services.moderation import moderation, waiting
from market.services.moderation.moderation import Done, Item
from market.services.moderation.waiting import Asked, Waiting
from schemas.moderation import (
    Assignment,
    Bulk,
    BulkRead,
    ModerationSummary,
    QueueQuery,
    Releasing,
    ReviewPage,
    ReviewRead,
)

door = Door("moderation", __name__, url_prefix="/api/v1/moderation", description="What waits for reviewers 审核")

_shape = ReviewRead(exclude=("listing",))


@door.route_to(
    "GET", "/queue", action="moderation.queue", query=QueueQuery, answer=ReviewPage, example=examples.REVIEWS
)
def list_reviews(call: Call, query: dict[str, Any]) -> Answer:
    """Submissions that wait, with what there is to know before looking."""
    asked = Asked(
        noun=query.get("noun"),
        assigned=_assigned(call, query.get("assigned")),
        organisation=query.get("organisation"),
        older_than_hours=query.get("older_than_hours"),
        newest_first=query["sort"] == "newest",
    )
    now = call.runtime.clock()
    page = paging.page(
        query,
        lambda after, limit: waiting.queue(call.session, call.principal, asked, after=after, limit=limit, now=now),
        place=lambda one: one.review.id,
    )
    return page.answer(_shown(call, one) for one in page.rows)


def _assigned(call: Call, asked: str | None) -> uuid.UUID | str | None:
    if asked == "me":
        return call.principal.user_id or "none"
    return uuid.UUID(asked) if asked not in (None, "none") else asked


@door.route_to("GET", "/summary", action="moderation.queue", answer=ModerationSummary, example=examples.SUMMARY)
def summarise_reviews(call: Call) -> Answer:
    """How much waits, for how long, and what was decided in seven days."""
    return Answer(dict(waiting.summary(call.session, call.principal, now=call.runtime.clock())))


@door.route_to(
    "POST", "/reviews/<uuid:identity>/actions/assign", action="listing.moderate", body=Assignment, body_example={},
    answer=ReviewRead, example=examples.REVIEW,
)  # fmt: skip
def assign_review(call: Call, identity: uuid.UUID, body: dict[str, Any]) -> Answer:
    """Have somebody look at it: you, or another reviewer. After 24 hours it counts for nobody else any more."""
    now = call.runtime.clock()
    review = moderation.assign(call.session, call.principal, identity, body.get("user"), force=body["force"], now=now)
    return Answer(_shown(call, waiting.one(call.session, call.principal, review, now=now)))


@door.route_to(
    "POST", "/reviews/<uuid:identity>/actions/release", action="listing.moderate", body=Releasing, body_example={},
    answer=ReviewRead, example={**examples.REVIEW, "assigned_to": None, "assigned_at": None},
)  # fmt: skip
def release_review(call: Call, identity: uuid.UUID, body: dict[str, Any]) -> Answer:
    """Leave it to others."""
    now = call.runtime.clock()
    review = moderation.release(call.session, call.principal, identity, force=body["force"], now=now)
    return Answer(_shown(call, waiting.one(call.session, call.principal, review, now=now)))


@door.route_to(
    "POST", "/bulk", action="listing.moderate", body=Bulk, body_example=examples.BULK, answer=BulkRead,
    example=examples.BULK_DONE,
)  # fmt: skip
def moderate_many(call: Call, body: dict[str, Any]) -> Answer:
    """Decide or assign up to 200; what one of them cannot do leaves the others alone."""
    items = [Item(one["type"], one["id"], one.get("version")) for one in body["items"]]
    details: dict[str, Any] = {name: body[name] for name in ("reason", "text", "user", "force") if name in body}
    done = moderation.bulk(
        call.session, call.principal, body["action"], items, details=details, now=call.runtime.clock()
    )
    rows = [_done(call, one) for one in done]
    return Answer({"done": sum(row["ok"] for row in rows), "items": rows})


def _done(call: Call, one: Done) -> dict[str, Any]:
    row: dict[str, Any] = {"type": one.item.noun, "id": str(one.item.id), "ok": one.listing is not None}
    if one.listing is not None:
        return {**row, "state": one.listing.state, "version": one.listing.version}
    code = one.problem.code if one.problem is not None else "internal"
    return {**row, "problem": code, "title": KINDS[code].title.text(call.language)}


def _shown(call: Call, one: Waiting) -> dict[str, Any]:
    now, review = call.runtime.clock(), one.review
    shown: dict[str, Any] = _shape.dump(
        {
            "id": review.id,
            "type": review.noun,
            "version": review.listing_version,
            "submitted_at": review.created_at,
            "age_seconds": max(0, int((now - review.created_at).total_seconds())),
            "assigned_to": one.assigned,
            "assigned_at": review.assigned_at if one.assigned is not None else None,
            "first_publication": one.first,
            "submitted_before": one.again,
            "duplicates": review.duplicates,
            "open_flags": one.flags,
            "open_reports": one.reports,
            "may_decide": one.may_decide,
        }
    )
    return {**shown, "listing": PRESENTERS[review.noun].summary(one.listing)}
