"""`Door`: a blueprint whose routes each declare, in one decorator, who may call, what comes in and what goes out.

It opens the transaction, answers Idempotency-Keys, sets ETag and Link, and documents all of it for OpenAPI.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import wraps
from typing import Any, NoReturn, TypeVar
from urllib.parse import urlencode

import orjson
from flask import Response, request
from flask_smorest import Blueprint
from marshmallow import RAISE, Schema, ValidationError
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import UnsupportedMediaType

from market.api import authentication, forms, limits
from market.api.calls import Call, language, runtime, version_wanted
from market.errors import Invalid, Unreadable
from market.rights import ANYONE, rules_of
from market.services.disclosure import disclosing
from market.services.disclosure.disclosing import Disclosed
from market.services.rights.access import Principal, admit
from market.services.trail import idempotency
from market.settings import Settings
from schemas import messages
from schemas.base import pointers

_KEY_LENGTH = 200

View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Answer:
    """What a view gives back, already in its outer shape. `version` becomes the ETag. Fields `shown_once` are not
    kept with an Idempotency-Key: whoever repeats the request gets null for them. What is `disclosed` to the caller is
    in the audit trail before it leaves, and `public` is kept with a key instead of it."""

    body: Any = None
    status: int = 200
    version: int | None = None
    next_cursor: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    shown_once: tuple[str, ...] = ()
    disclosed: Disclosed | None = None
    public: Any = None

    def to_keep(self) -> Answer:
        """What a repeated request gets."""
        if self.disclosed is not None:
            return replace(self, body=self.public)
        return replace(self, body={**self.body, **dict.fromkeys(self.shown_once)}) if self.shown_once else self


class _QueryParser(FlaskParser):
    """Unknown parameters are refused in query strings as unknown fields are in bodies."""

    DEFAULT_UNKNOWN_BY_LOCATION = {"query": RAISE}  # noqa: RUF012  # webargs reads it from the class

    def handle_error(self, error: ValidationError, *_: Any, **__: Any) -> NoReturn:
        """As every other input that breaks rules."""
        raise Invalid(pointers(error.messages)) from error


class Door(Blueprint):
    """A group of routes, one noun each."""

    ARGUMENTS_PARSER = _QueryParser()

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """As a Blueprint; documents request headers beside the parameters."""
        super().__init__(*arguments, **options)
        self._prepare_doc_cbks.append(_document_headers)

    def route_to(
        self,
        method: str,
        path: str,
        *,
        action: str,
        answer: type[Schema] | Schema | None,
        example: Any = None,
        status: int = 200,
        query: type[Schema] | None = None,
        body: type[Schema] | None = None,
        body_example: Any = None,
        upload: Callable[[Settings], int] | None = None,
        versioned: bool = False,
        only_reads: bool = False,
        name: str | None = None,
        summary: str | None = None,
    ) -> Callable[[View], View]:
        """Serve `method path` with the decorated view, `view(call, **path values, query=, body=) -> Answer`, to whom
        the table of rights lets take this `action`; on which things, the services see to.

        GET reads; the rest write, and POST takes an Idempotency-Key, unless `only_reads`. `versioned` demands
        If-Match. With `upload` the body is a form with a file, of as many bytes as that says.
        """
        writes = method != "GET" and not only_reads
        takes_query = query() if query is not None else None
        takes_body = body() if body is not None else None

        def decorate(view: View) -> View:
            operation = name or view.__name__

            @wraps(view)
            def serve(**values: Any) -> Response:
                if takes_body is not None and upload is None:
                    request.get_data()  # one that arrives slowly holds no session, and no right that ends meanwhile
                with runtime().db.reading() as session:
                    principal = authentication.principal(session)
                    admit(principal, action)
                    # Whoever may not call learns nothing from how the input would have been judged.
                    if takes_query is not None:
                        values["query"] = self.ARGUMENTS_PARSER.parse(takes_query, request, location="query")
                    if takes_body is not None and upload is None:
                        values["body"] = _body(takes_body)
                    if not writes:
                        return _read(view, Call(session, principal, runtime(), language()), values)
                contents = b""
                if (
                    takes_body is not None and upload is not None
                ):  # its sender is asked for before it arrives, and after
                    values["body"], contents = forms.load(takes_body, upload(runtime().settings))
                    with runtime().db.reading() as session:
                        principal = authentication.principal_still(session)
                        admit(principal, action)
                return _write(view, principal, version_wanted(required=versioned), values, contents=contents)

            door: Any = serve
            door.action = action
            door._apidoc = self._described(
                takes_query, takes_body, answer, status=status, example=example, body_example=body_example,
                location="json" if upload is None else "files",
            )  # fmt: skip
            door._apidoc["manual_doc"] = {
                "operationId": operation,
                "security": security_of(action),
                "x-action": action,
                **({"summary": summary} if summary else {}),
            }
            door._apidoc["headers"] = _header_parameters(method if writes else "GET", versioned=versioned)
            self.route(path, methods=[method], endpoint=operation)(door)
            return view

        return decorate

    def _described(
        self,
        query: Schema | None,
        body: Schema | None,
        answer: type[Schema] | Schema | None,
        *,
        status: int,
        example: Any,
        body_example: Any,
        location: str,
    ) -> dict[str, Any]:
        """What flask-smorest's decorators note of a route. Only that is kept of them: they themselves would parse
        before the caller is known, and dump after the transaction has ended."""
        noted: Any = self.response(status, answer, example=example)(_never_called)
        if body is not None:
            noted = self.arguments(body, location=location, example=body_example)(noted)
        if query is not None:
            noted = self.arguments(query, location="query")(noted)
        return dict(noted._apidoc)


def security_of(action: str) -> list[dict[str, list[str]]]:
    """As OpenAPI has it: whether a key is needed."""
    return [] if any(ANYONE in rule.roles for rule in rules_of(action)) else [{"key": []}]


def _never_called() -> None:
    """What documentation is hung on."""


def _body(schema: Schema) -> Any:
    """The request's JSON through its schema; no body at all counts as an empty object."""
    data = request.get_data()
    if data and not request.is_json:
        raise UnsupportedMediaType
    try:
        return schema.load(orjson.loads(data or b"{}"))
    except orjson.JSONDecodeError as error:
        raise Unreadable(reason=str(error)) from error
    except ValidationError as error:
        raise Invalid(pointers(error.messages)) from error


def _read(view: Callable[..., Answer], call: Call, values: dict[str, Any]) -> Response:
    answer = view(call, **values)
    limits.show(answer.body)
    if answer.disclosed is not None:
        # Not shown unless it is on record; what the caller has from before may be of another tier.
        with runtime().db.writing() as session:
            disclosing.note(session, call.principal, answer.disclosed, now=runtime().clock())
        return respond(answer)
    if answer.version is not None and request.if_none_match.contains(str(answer.version)):
        unchanged = Response(status=304)
        unchanged.set_etag(str(answer.version))
        return unchanged
    return respond(answer)


def _write(
    view: Callable[..., Answer],
    principal: Principal,
    version: int | None,
    values: dict[str, Any],
    *,
    contents: bytes,
) -> Response:
    """One transaction: the earlier answer to this key, or the view's work together with its answer. `contents` are
    those of a form, which is not the same twice."""
    now = runtime().clock()
    key = _idempotency_key(principal)
    print_ = idempotency.fingerprint(request.method, request.full_path, contents or request.get_data())
    with runtime().db.writing() as session:
        if key:
            earlier = idempotency.earlier(session, principal, key, print_, now=now)
            if earlier is not None:
                headers = {**earlier.headers, "Idempotency-Replayed": "true"}
                return Response(earlier.body, earlier.status, headers)
        answer = view(Call(session, principal, runtime(), language(), version), **values)
        if answer.disclosed is not None:
            disclosing.note(session, principal, answer.disclosed, now=now)
        response = respond(answer)
        if key:
            kept = respond(answer.to_keep()) if answer.shown_once or answer.disclosed else response
            idempotency.remember(
                session, principal, key, print_,
                status=kept.status_code, headers=dict(kept.headers), body=kept.get_data(), now=now,
            )  # fmt: skip
        return response


def _idempotency_key(principal: Principal) -> str:
    """The request's own, or an empty text; one that is too long is refused: shortened, two might be alike. Visitors'
    count for nothing, as they would share them."""
    key = request.headers.get("Idempotency-Key", "") if request.method == "POST" else ""
    if len(key) > _KEY_LENGTH:
        raise Invalid({"/headers/Idempotency-Key": [messages.TOO_LONG.format(max=_KEY_LENGTH)]})
    return key if principal.user_id is not None else ""


def respond(answer: Answer) -> Response:
    """An answer as JSON with its headers: ETag, the link to the next page, and who may keep it."""
    if answer.status == 204:
        return Response(status=204)
    response = Response(orjson.dumps(answer.body), answer.status, answer.headers, mimetype="application/json")
    response.headers["Vary"] = "Authorization, Accept-Language"
    if answer.shown_once or answer.disclosed is not None:
        response.headers["Cache-Control"] = "no-store"
    if answer.version is not None:
        response.set_etag(str(answer.version))
    if answer.next_cursor is not None:
        arguments = {**request.args.to_dict(), "cursor": answer.next_cursor}
        response.headers["Link"] = f'<{request.path}?{urlencode(arguments)}>; rel="next"'
    return response


def _document_headers(doc: dict[str, Any], info: dict[str, Any], **_: Any) -> dict[str, Any]:
    """flask-smorest's hook for what a decorator left in `_apidoc`."""
    doc.setdefault("parameters", []).extend(info.get("headers", ()))
    return doc


def _header_parameters(method: str, *, versioned: bool) -> list[dict[str, Any]]:
    parameters: list[dict[str, Any]] = [
        {
            "in": "header",
            "name": "Accept-Language",
            "schema": {"type": "string", "enum": ["zh", "en"]},
            "description": "zh or en 中文或英文",
        }
    ]
    if method == "POST":
        parameters.append(
            {
                "in": "header",
                "name": "Idempotency-Key",
                "schema": {"type": "string", "maxLength": _KEY_LENGTH},
                "description": "The same key and body of one account give the same answer for 24 hours 幂等键",
            }
        )
    if method in ("PATCH", "DELETE", "POST"):
        parameters.append(
            {
                "in": "header",
                "name": "If-Match",
                "required": versioned,
                "schema": {"type": "string"},
                "description": 'The ETag of the version this is based on, like "3" 所依据版本的 ETag',
            }
        )
    return parameters
