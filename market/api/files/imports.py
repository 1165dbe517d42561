"""/imports: begin with a file, follow, read the faults, cancel, run after a trial, undo; and templates to fill in."""

from __future__ import annotations

import csv
import io
import uuid
from collections.abc import Iterable
from typing import Any

from flask import Response, request

from market.api import authentication, paging
from market.api.calls import Call, language, runtime
from market.api.doors import Answer, Door, respond, security_of
from market.api.examples import files as examples
from market.errors import NotFound
from market.files.cells import guarded
from market.files.templates import template
from market.files.writing import MEDIA
from market.models import Import, ImportFault
from market.services.files import findings, importing, undoing
from market.services.files.importing import Order
from market.services.rights.access import admit
from schemas.answers import Nothing
from schemas.imports import (
    NOUNS,
    FaultPage,
    FaultsQuery,
    ImportCreate,
    ImportPage,
    ImportRead,
    ImportsQuery,
    TemplateQuery,
)
from schemas.messages import Message

door = Door("imports", __name__, url_prefix="/api/v1", description="Imports 导入")

_WHY = {
    "file-unreadable": Message("The file could not be read; its faults say why.", "文件无法读取，原因见错误列表。"),
    "rights-ended": Message("Whoever began it may not import any more.", "发起人已无导入权限。"),
    "given-up": Message("It failed again and again and was given up.", "多次失败，已放弃。"),
}
_FINISHED = ("done", "failed", "cancelled", "undone")
_shape = ImportRead()


def shown(call: Call, row: Import) -> dict[str, Any]:
    """An import as its reader sees it."""
    rows, undone, left = undoing.dealt_with(call.session, row) if row.state in ("undoing", "undone") else (0, 0, 0)
    body: dict[str, Any] = _shape.dump(row)
    here = f"/api/v1/imports/{row.id}"
    links = {"self": here, "faults": f"{here}/faults"}
    for action, possible in _possible(row).items():
        if possible:
            links[action] = f"{here}/actions/{action}"
    why = _WHY.get(row.why)
    return {
        **body,
        "why": why.text(call.language) if why else "",
        "progress": _progress(row, rows, undone + left),
        "undone": undone,
        "left": left,
        "links": links,
    }


def _possible(row: Import) -> dict[str, bool]:
    return {
        "cancel": row.state in ("waiting", "running"),
        "undo": not row.dry_run and row.state in ("done", "cancelled", "failed"),
        "run": row.dry_run and row.state == "done",
    }


def _progress(row: Import, rows: int, back: int) -> float:
    if row.state == "undoing":
        return round(back / max(rows, 1), 3)
    if row.state in ("done", "undone"):
        return 1.0
    through = row.created + row.changed + row.unchanged + row.refused
    return round(min(1.0, through / max(row.rows, 1)), 3)


def _answer(call: Call, row: Import, status: int = 200) -> Answer:
    headers = {"Location": f"/api/v1/imports/{row.id}"} if status == 202 else {}
    return Answer(shown(call, row), status, headers=headers)


@door.route_to(
    "POST", "/imports", action="import.run", body=ImportCreate, body_example=examples.CREATE,
    upload=lambda settings: settings.import_limit, answer=ImportRead, example=examples.IMPORT, status=202,
)  # fmt: skip
def create_import(call: Call, body: dict[str, Any]) -> Answer:
    """Import a file of outcomes, experts or demands: rows are brought up to date by their key."""
    order = Order(
        body["noun"],
        body["file"].name,
        body["file"].content,
        only=body.get("organisation_id"),
        mapping=body.get("mapping", {}),
        words=body.get("words", {}),
        dry_run=body.get("dry_run", False),
        create_organisations=body.get("create_organisations", False),
    )
    return _answer(call, importing.begin(call.session, call.principal, order, now=call.runtime.clock()), 202)


@door.route_to(
    "GET", "/imports", action="import.run", query=ImportsQuery, answer=ImportPage, example=examples.IMPORTS
)
def list_imports(call: Call, query: dict[str, Any]) -> Answer:
    """Your imports and those of your organisations, newest first."""
    page = paging.page(
        query,
        lambda before, limit: importing.listed(
            call.session, call.principal, state=query.get("state", ""), before=before, limit=limit
        ),
    )
    return page.answer(shown(call, row) for row in page.rows)


@door.route_to("GET", "/imports/<uuid:identity>", action="import.run", answer=ImportRead, example=examples.IMPORT)
def read_import(call: Call, identity: uuid.UUID) -> Answer:
    """One of them: how far it is, and what became of the rows."""
    return _answer(call, importing.get(call.session, call.principal, identity))


@door.route_to(
    "POST", "/imports/<uuid:identity>/actions/cancel", action="import.run", body=Nothing, body_example={},
    answer=ImportRead, example=examples.IMPORT,
)  # fmt: skip
def cancel_import(call: Call, identity: uuid.UUID, body: dict[str, Any]) -> Answer:  # noqa: ARG001
    """Take in no more of it; what is in stays, and can be undone."""
    return _answer(call, importing.cancel(call.session, call.principal, identity, now=call.runtime.clock()))


@door.route_to(
    "POST", "/imports/<uuid:identity>/actions/undo", action="import.run", body=Nothing, body_example={},
    answer=ImportRead, example=examples.IMPORT, status=202,
)  # fmt: skip
def undo_import(call: Call, identity: uuid.UUID, body: dict[str, Any]) -> Answer:  # noqa: ARG001
    """Delete what it made and restore what it changed, but for what somebody has changed since."""
    return _answer(call, undoing.begin(call.session, call.principal, identity, now=call.runtime.clock()), 202)


@door.route_to(
    "POST", "/imports/<uuid:identity>/actions/run", action="import.run", body=Nothing, body_example={},
    answer=ImportRead, example=examples.IMPORT, status=202,
)  # fmt: skip
def run_import(call: Call, identity: uuid.UUID, body: dict[str, Any]) -> Answer:  # noqa: ARG001
    """Make a real import of a dry run that is done; its file is kept for 24 hours. The answer is the new import."""
    return _answer(call, importing.run(call.session, call.principal, identity, now=call.runtime.clock()), 202)


# The two that answer with files stand beside `door.route_to`, which answers with JSON.


def _file(view: Any, path: str, action: str, schema: Any, answer: Any, example: Any, media: Iterable[str]) -> None:
    view.action = action
    # Only what they note is kept of these decorators, as doors.py does.
    noted: Any = door.arguments(schema, location="query")(view)
    if answer is not None:
        noted = door.response(200, answer, example=example)(noted)
    view._apidoc = dict(noted._apidoc)
    files = {kind.partition(";")[0]: {"schema": {"type": "string"}, "example": "..."} for kind in media}
    described = {} if answer is not None else {"description": "The file 文件"}
    view._apidoc["manual_doc"] = {
        "operationId": view.__name__,
        "security": security_of(action),
        "x-action": action,
        "responses": {200 if answer is not None else "200": {"content": files, **described}},
    }
    door.route(path, methods=["GET"], endpoint=view.__name__)(view)


_faults_query, _template_query = FaultsQuery(), TemplateQuery()


def read_import_faults(identity: uuid.UUID) -> Response:
    """What is told of its rows, by line and column; as CSV all at once, for a spreadsheet."""
    with runtime().db.reading() as session:
        principal = authentication.principal(session)
        admit(principal, "import.run")
        query = Door.ARGUMENTS_PARSER.parse(_faults_query, request, location="query")
        row = importing.get(session, principal, identity)
        if query["format"] == "csv":
            body = as_csv(findings.read(session, row.id), language())
            headers = {"Content-Disposition": f'attachment; filename="faults-{row.id}.csv"'}
            return Response(body, content_type=MEDIA["csv"], headers=headers)
        page = paging.page(
            query,
            lambda after, limit: findings.read(session, row.id, after=after, limit=limit),
            place=lambda one: one.place,
        )
    return respond(page.answer(told(one, language()) for one in page.rows))


def told(fault: ImportFault, asked: str) -> dict[str, Any]:
    """A fault in one language."""
    kind = "note" if fault.details.get("note") else "fault"
    return {
        "line": fault.line,
        "column": fault.column,
        "kind": kind,
        "message": fault.zh if asked == "zh" else fault.en,
    }


def as_csv(faults: Iterable[ImportFault], asked: str) -> bytes:
    """The faults as a spreadsheet opens them: with the mark of UTF-8, and no cell that is a formula."""
    text = io.StringIO(newline="")
    lines = csv.writer(text)
    lines.writerow(("行", "列", "类型", "说明") if asked == "zh" else ("line", "column", "kind", "message"))
    for fault in faults:
        one = told(fault, asked)
        lines.writerow((one["line"], guarded(one["column"]), one["kind"], guarded(one["message"])))
    return text.getvalue().encode("utf-8-sig")


def read_import_template(noun: str) -> Response:
    """An empty file to fill in: xlsx, csv or ndjson, with one example."""
    with runtime().db.reading() as session:
        admit(authentication.principal(session), "import.template")
        if noun not in NOUNS:
            raise NotFound(noun="template", id=noun)
        query = Door.ARGUMENTS_PARSER.parse(_template_query, request, location="query")
    fmt = query["format"]
    headers = {
        "Content-Disposition": f'attachment; filename="{noun}s.{fmt}"',
        "Vary": "Accept-Language",
        "Content-Language": language(),
    }
    return Response(template(f"{noun}s", fmt, language()), content_type=MEDIA[fmt], headers=headers)


_file(
    read_import_faults, "/imports/<uuid:identity>/faults", "import.run", _faults_query, FaultPage,
    examples.FAULTS, (MEDIA["csv"],),
)  # fmt: skip
_file(
    read_import_template, "/import-templates/<noun>", "import.template", _template_query,
    None, None, (MEDIA["xlsx"], MEDIA["csv"], MEDIA["ndjson"]),
)  # fmt: skip
