"""What the exchange holds, in all and by region, field, organisation or month: JSON, CSV, and charts.

What was counted and drawn is told again for a minute: it is the same for everybody, and says when it was counted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from flask import Response, request
from sqlmodel import Session

from market.api import authentication, limits
from market.api.calls import Call, language, runtime
from market.api.doors import Answer, Door, security_of
from market.api.examples import figures as examples
from market.services.figures import publishing, statistics
from market.services.figures.counting import Period
from market.services.figures.keeping import LASTS
from market.services.figures.statistics import Table
from market.services.rights.access import admit
from schemas.statistics import (
    ConversionQuery,
    GroupsQuery,
    GroupsRead,
    MonthsQuery,
    RegionsQuery,
    Statistics,
    StatisticsQuery,
)

_ACTION = "statistics.read"
_MEDIA = {"json": "application/json", "csv": "text/csv; charset=utf-8", "svg": "image/svg+xml", "png": "image/png"}
_QUERIES: dict[str, type[ConversionQuery]] = {
    "region": RegionsQuery,
    "field": GroupsQuery,
    "organisation": GroupsQuery,
    "month": MonthsQuery,
    "conversion": ConversionQuery,
}
_SUMMARIES = {
    "region": "What there is by region, the largest first 按地区",
    "field": "What there is by high-tech field, the largest first 按技术领域",
    "organisation": "What there is by organisation, the largest first; masked demands count only in the total 按机构",
    "month": "What was published and matched month by month 按月",
    "conversion": "How far the matches ever found have come 匹配转化",
}
# Beside JSON, on request.
_OTHERS = {
    "text/csv": {"schema": {"type": "string"}},
    "image/svg+xml": {"schema": {"type": "string"}},
    "image/png": {"schema": {"type": "string", "contentMediaType": "image/png"}},
}
_WEIGHT = 5  # requests that one counts as which must count or draw anew: it takes that much longer

door = Door("statistics", __name__, url_prefix="/api/v1", description="Statistics 统计")

_totals = Statistics()
_groups = GroupsRead()


@dataclass(frozen=True, slots=True)
class _File:
    """An answer as it is sent, but for what differs from one request to the next."""

    body: bytes
    media: str
    headers: dict[str, str]
    etag: str


@door.route_to("GET", "/stats", action=_ACTION, query=StatisticsQuery, answer=Statistics, example=examples.TOTALS)
def read_statistics(call: Call, query: dict[str, Any]) -> Answer:
    """What the exchange holds, counted within the last minute; of what the public may see."""
    now, period = call.runtime.clock(), _period(query)
    counted, at = call.runtime.figures.counted.get(
        ("", period), _weighed(lambda: statistics.count(call.session, period=period, now=now)), now=now
    )
    version = int(at.timestamp() * 1_000_000) * 2 + (call.language == "zh")  # one for each language
    body = _totals.dump(publishing.totals(counted, call.language))
    return Answer(body, version=version, headers={"Cache-Control": _cached(at, now)})


def _serve(dimension: str) -> None:
    """The route of one dimension: beside `door.route_to`, since it answers with more than JSON."""
    schema = _QUERIES[dimension]()
    example = examples.GROUPS.get(dimension, examples.CONVERSION)

    def serve() -> Response:
        now, code = runtime().clock(), language()
        with runtime().db.reading() as session:
            admit(authentication.principal(session), _ACTION)
            query = Door.ARGUMENTS_PARSER.parse(schema, request, location="query")
            form, *question = query.pop("format"), dimension, *sorted(query.items())
            count = _weighed(lambda: _counted(session, dimension, query, now))
            table, at = runtime().figures.counted.get((*question,), count, now=now)
        made = _weighed(_file) if form == "png" else _file
        file, _ = runtime().figures.files.get((form, code, at, *question), lambda: made(table, form, code), now=now)
        return _answer(file, cached=_cached(at, now))

    route: Any = serve
    route.action = _ACTION
    # Only what they note is kept of these decorators, as doors.py does.
    noted: Any = door.arguments(schema, location="query")(door.response(200, GroupsRead, example=example)(serve))
    route._apidoc = dict(noted._apidoc)
    route._apidoc["manual_doc"] = {
        "operationId": f"count_by_{dimension}" if dimension != "conversion" else "count_conversion",
        "summary": _SUMMARIES[dimension],
        "security": security_of(_ACTION),
        "x-action": _ACTION,
        "responses": {200: {"content": _OTHERS}},
    }
    door.route(f"/stats/{dimension}", methods=["GET"], endpoint=f"count_{dimension}")(route)


def _weighed(make: Callable[..., Any]) -> Callable[..., Any]:
    """What is made anew weighs more, for whoever asks for it."""

    def weigh(*arguments: Any) -> Any:
        limits.weigh(_WEIGHT)
        return make(*arguments)

    return weigh


def _counted(session: Session, dimension: str, query: dict[str, Any], now: datetime) -> Table:
    period = _period(query)
    if dimension == "conversion":
        return statistics.by_stage(session, period=period, now=now)
    whats = statistics.WHATS if query["what"] == "all" else (query["what"],)
    level = {"level": query["level"]} if dimension == "region" else {}
    return statistics.DIMENSIONS[dimension](session, period=period, whats=whats, top=query["top"], now=now, **level)


def _period(query: dict[str, Any]) -> Period:
    return Period(query.get("since"), query.get("until"))


def _cached(at: datetime, now: datetime) -> str:
    """For as long as it is kept here. By the caller alone: their limits stand in the same headers."""
    return f"private, max-age={max(0, int((at + LASTS - now).total_seconds()))}"


def _file(table: Table, form: str, code: str) -> _File:
    headers = {"Vary": "Accept-Language", "Content-Language": code}
    if form == "json":
        body = orjson.dumps(_groups.dump(publishing.told(table, code)))
    elif form == "csv":
        headers["Content-Disposition"] = f'attachment; filename="{table.dimension}.csv"'
        body = publishing.as_csv(table)
    else:
        picture = publishing.picture(table, "svg" if form == "svg" else "png", code)
        headers["Content-Language"] = picture.language
        if picture.note:
            headers["X-Chart-Note"] = picture.note
        # Whatever a name holds, nothing in a picture is run or fetched.
        headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
        body = picture.body
    return _File(body, _MEDIA[form], headers, hashlib.sha256(body).hexdigest()[:32])


def _answer(file: _File, *, cached: str) -> Response:
    response = Response(file.body, content_type=file.media, headers={**file.headers, "Cache-Control": cached})
    response.set_etag(file.etag)
    response.make_conditional(request)
    return response


for _dimension in _QUERIES:
    _serve(_dimension)
