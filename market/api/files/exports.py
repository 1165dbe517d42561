"""/outcomes/export and its like: all that a search finds, as a file that is sent while it is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from flask import Response, request
from flask_smorest import Api, Blueprint
from sqlmodel import Session

from market.api import authentication, limits
from market.api.calls import language, runtime
from market.api.doors import Door, security_of
from market.api.presenting import PRESENTERS
from market.files import writing
from market.models import Listing
from market.services.files import exporting
from market.services.rights.access import Principal, admit
from schemas.exports import EXPORTS

exports = Blueprint("exports", __name__, url_prefix="/api/v1", description="Listings as files 导出")

_ACTION = "listing.export"
_SAMPLES: Mapping[str, str] = {
    "csv": "成果编号,所属单位,成果名称\r\nHB-2031,第1研究院,海上风电塔筒长效防腐涂层\r\n",
    "ndjson": '{"key":"HB-2031","title_zh":"海上风电塔筒长效防腐涂层","trl":7}\n',
    "jsonld": '{"@context": "...", "@graph": [{"@type": ["CreativeWork", "Product"]}]}',
}
_FILE: dict[str, Any] = {
    "description": "The file 文件",
    "content": {
        media.partition(";")[0]: {
            "schema": {"type": "string"},
            "example": _SAMPLES.get(fmt, "PK..."),
        }
        for fmt, media in writing.MEDIA.items()
    },
    "headers": {
        "X-Truncated": {
            "schema": {"type": "string"},
            "description": "true where more was found 结果超出上限时为 true",
        },
        "Content-Disposition": {"schema": {"type": "string"}, "description": "The name of the file 文件名"},
    },
}


def _serve(noun: str) -> None:
    schema = EXPORTS[noun]()

    def serve() -> Response:
        parts = runtime()
        with parts.db.reading() as session:
            principal = authentication.principal(session)
            admit(principal, _ACTION)
            asked = Door.ARGUMENTS_PARSER.parse(schema, request, location="query")
            count = limits.exporter(noun)
            selection = exporting.select(
                session, parts.engine, principal, noun, asked,
                embedder=parts.embedder, most=limits.exports_left(noun),
            )  # fmt: skip
        rows = exporting.rows(parts.db, principal, selection, partial(shown, noun, principal), on_rows=count)
        fmt: writing.Format = asked["format"]
        body = writing.write(
            fmt, f"{noun}s", rows, language=language(), labels=asked["labels"], base=parts.links.base
        )  # fmt: skip
        return _answer(body, fmt, f"{noun}s-{parts.clock():%Y%m%d-%H%M%S}.{fmt}", truncated=selection.truncated)

    serve.__doc__ = f"Export the {noun}s that a search finds, at most 10,000, as csv, xlsx, ndjson or jsonld."
    serve.action = _ACTION  # type: ignore[attr-defined]  # as every route declares it
    # Only what the decorator notes is kept: it would parse before the caller is known.
    noted: Any = exports.arguments(schema, location="query")(_never_called)
    serve._apidoc = {  # type: ignore[attr-defined]
        **noted._apidoc,
        "manual_doc": {
            "operationId": f"export_{noun}s",
            "security": security_of(_ACTION),
            "x-action": _ACTION,
            "responses": {"200": _FILE},
        },
    }
    exports.route(f"/{noun}s/export", endpoint=f"export_{noun}s")(serve)


def _never_called() -> None:
    """What documentation is hung on."""


def shown(noun: str, principal: Principal, _: Session, rows: Sequence[Listing]) -> list[dict[str, Any]]:
    """The rows as this caller may see them where many are shown: of others' what is public."""
    return [PRESENTERS[noun].whole(principal, row) for row in rows]


def _answer(body: Any, fmt: writing.Format, name: str, *, truncated: bool) -> Response:
    response = Response(body, content_type=writing.MEDIA[fmt])
    response.headers.update(
        {
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
            "Vary": "Authorization, Accept-Language",
            "X-Accel-Buffering": "no",
            **({"X-Truncated": "true"} if truncated else {}),
        }
    )
    return response


for _noun in EXPORTS:
    _serve(_noun)


def register(api: Api) -> None:
    """Serve them."""
    api.register_blueprint(exports)
