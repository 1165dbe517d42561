"""Reports of abuse: made on any listing that one sees, looked at by reviewers."""

from __future__ import annotations

import uuid
from typing import Any

from market.api import paging
from market.api.calls import Call
from market.api.doors import Answer, Door
from market.api.examples import moderation as examples
from market.api.presenting import PRESENTERS
from market.models import LISTINGS, Listing, Report
from market.services.moderation import reports
from schemas.moderation import ReportCreate, ReportMade, ReportPage, ReportQuery, ReportRead, ReportVerdict

door = Door("reports", __name__, url_prefix="/api/v1", description="Reports of abuse 举报")

_made = ReportMade()
_row = ReportRead(exclude=("listing",))


def _serve(noun: str) -> None:
    model: Any = LISTINGS[noun]

    @door.route_to(
        "POST", f"/{noun}s/<uuid:identity>/reports", action="listing.report", body=ReportCreate,
        body_example={"kind": "false_claims", "text": "检测报告编号查无此号。"}, answer=ReportMade,
        example=examples.REPORT_MADE, status=201, name=f"report_{noun}",
    )  # fmt: skip
    def report(call: Call, identity: uuid.UUID, body: dict[str, Any]) -> Answer:
        """Report abuse, once for each reason. Its owner does not learn who did."""
        made = reports.make(
            call.session, call.principal, model, identity, body["kind"], body["text"], now=call.runtime.clock()
        )
        return Answer(_made.dump(made), 201)


for _noun in LISTINGS:
    _serve(_noun)


@door.route_to(
    "GET", "/reports", action="moderation.queue", query=ReportQuery, answer=ReportPage, example=examples.REPORTS
)
def list_reports(call: Call, query: dict[str, Any]) -> Answer:
    """Reports, oldest first; none about what is your own."""
    resolved = query["state"] == "resolved"
    page = paging.page(
        query,
        lambda after, limit: reports.listed(
            call.session, call.principal, resolved=resolved, after=after, limit=limit
        ),
        place=lambda one: one[0].id,
    )
    return page.answer(_shown(*one) for one in page.rows)


@door.route_to(
    "POST", "/reports/<uuid:identity>/actions/resolve", action="moderation.queue", body=ReportVerdict,
    body_example={"verdict": "suspended", "text": "检测报告无法核实，请补充后再提交。"}, answer=ReportRead,
    example=examples.RESOLVED,
)  # fmt: skip
def resolve_report(call: Call, identity: uuid.UUID, body: dict[str, Any]) -> Answer:
    """Say what came of it; `suspended` takes the listing down and tells its owner."""
    done = reports.resolve(
        call.session, call.principal, identity, body["verdict"], body["text"], now=call.runtime.clock()
    )
    return Answer(_shown(*done))


def _shown(report: Report, listing: Listing) -> dict[str, Any]:
    return {**_row.dump(report), "listing": PRESENTERS[listing.NOUN].summary(listing)}
